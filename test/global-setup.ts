import {execFileSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'

/** CLI tests and the kernels run from dist: a stale build would test yesterday's program. */
export default function setup(): void {
  if (process.env['RDBTOOL_SKIP_BUILD'] === '1') return
  const root = fileURLToPath(new URL('..', import.meta.url))
  execFileSync('npm', ['run', 'build', '--silent'], {cwd: root, stdio: 'inherit'})
}
