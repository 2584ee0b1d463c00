import {availableParallelism} from 'node:os'
import {defineConfig} from 'vitest/config'

export default defineConfig({
  test: {
    root: new URL('..', import.meta.url).pathname,
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/global-setup.ts'],
    // oclif prints through console and process.stdout; intercepted, captured output would be empty.
    disableConsoleIntercept: true,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Much of the time is waited for servers and processes: two at least, also on two cores.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
})
