import {accessSync} from 'node:fs'
import {availableParallelism} from 'node:os'
import {defineConfig} from 'vitest/config'
import {BaseSequencer, type TestSpecification} from 'vitest/node'

/** What takes long, the longest first: so no worker is left alone with one of these at the end. */
const LONGEST = [
  'server/diff-forms',
  'server/aof-rewrite',
  'server/killed-rewrite',
  'windows',
  'server/build-fixtures',
  'commands/sync',
  'cli/exit-codes',
  'server/replay',
  'server/serve',
  'jobs/diff-forms',
  'damage',
  'server/load',
  'server/dump-resp',
  'server/diff-patch',
  'server/follow-chaos',
  'cli/streams',
  'commands/sync-secrets',
].map(name => new URL(`${name}.test.ts`, import.meta.url).pathname)
for (const path of LONGEST) accessSync(path)

/** vitest itself knows how long a file takes only where it has run it before, which it never has in a fresh clone. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({moduleId}: TestSpecification): number => (LONGEST.indexOf(moduleId) + 1 || LONGEST.length + 1) - 1
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    // oclif prints through console and process.stdout; intercepted, captured output would be empty.
    disableConsoleIntercept: true,
    // For what hangs; nothing is asserted about time, and a busy machine may need several times as long as a quiet one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // Much of the time is waited for servers and processes: one more than there are cores, where these are few.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    sequence: {sequencer: LongestFirst},
  },
})
