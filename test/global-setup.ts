import {execFileSync} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {findBrowser} from './browser/chromium.js'
import {availableServers} from './server/server.js'

/** CLI tests and the kernels run from dist: a stale build would test yesterday's program. */
export default function setup(): () => void {
  if (process.env['RDBTOOL_SKIP_BUILD'] !== '1') {
    const root = fileURLToPath(new URL('..', import.meta.url))
    execFileSync('npm', ['run', 'build', '--silent'], {cwd: root, stdio: 'inherit'})
  }
  return tellServers
}

/** The last words of a run: what it was proved against, and what it was not. */
function tellServers(): void {
  const {found, missing} = availableServers()
  const names = found.map(({product, version}) => `${product} ${version}`).join(', ')
  process.stderr.write(`\nproved against ${names || 'no server'}\n`)
  const browser = findBrowser()
  if (typeof browser === 'string') missing.push(browser)
  for (const words of missing) process.stderr.write(`SKIPPED: ${words}\n`)
}
