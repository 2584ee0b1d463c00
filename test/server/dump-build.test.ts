/** A server's own files as lines of JSON, built back, and loaded by that server: it must not see a difference. */
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {openFile, RdbReader} from '../../src/index.js'
import {build} from '../../src/jobs/build.js'
import {WRITES} from '../fixtures/writers.js'
import {jsonOf} from '../reading/json-lines.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {readFixtures} from './goldens.js'
import {sameAfterLoading} from './oracle.js'

const folder = temporaryFolder()
/** What has the most around its values; each is loaded twice. */
const CHOSEN = /^(stream-groups|stream-deleted|hash-(hashtable|listpack)-ttl|functions|expiry|databases)-v/

describeEachServer('JSON lines, built back, in', name => {
  const ending = new RegExp(`-${WRITES[name]}$`)
  const fixtures = readFixtures<object>('rdb').filter(one => ending.test(one.name) && CHOSEN.test(one.name))

  it.each(fixtures)('$name', {timeout: 60_000}, async fixture => {
    const text = await jsonOf(new RdbReader(await openFile(fixture.path), {ignoreChecksum: true}))
    const lines = folder.write(`${fixture.name}.jsonl`, text)
    const out = join(folder.path, `${fixture.name}.rdb`)
    await build([lines], {out})
    expect(await sameAfterLoading(name, fixture.path, out)).toEqual([])
  })
})
