/**
 * One suite per server of the catalogue. A server that is not on this machine is skipped, loudly: by name in the list
 * of tests and on standard error. Only the release's own must be there in CI: without it nothing would be proved.
 */

import {describe, expect, it} from 'vitest'
import {CATALOG, findServer} from './catalog.js'

const RELEASE = 'redis-7.0'

export function describeEachServer(title: string, suite: (name: string, version: string) => void): void {
  describe.each(CATALOG.map(one => one.name))(`${title} %s`, name => {
    const found = findServer(name)
    if (typeof found !== 'string') return suite(name, found.version)
    if (name === RELEASE && process.env['CI']) {
      it('is there', () => expect.fail(`${found}. In CI it must be there.`))
      return
    }
    process.stderr.write(`SKIPPED: ${title} ${name}: ${found}\n`)
    it.skip(`SKIPPED: ${found}`, () => {})
  })
}
