/** load, taken up where nobody knows what became of the keys: whatever form a server keeps a value in, it is known again. */
import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {load} from '../../src/jobs/load.js'
import {fixture} from '../reading/fixtures.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {type Server, startServer} from './server.js'

/** Every type, in forms of many versions, of which servers store most anew. */
const FIXTURES = [
  'rdb/stream-groups-v9.rdb',
  'rdb/stream-groups-v12.rdb',
  'rdb/cluster-v9.rdb',
  'rdb/databases-v10.rdb',
  'rdb/expiry-past-v10.rdb',
  'rdb/hash-ttl-past-v12.rdb',
  'rdb-built/types-plain-v1.rdb',
  'rdb-built/hash-zipmap-v2.rdb',
  'rdb-built/list-ziplist-v2.rdb',
  'rdb-built/hash-templates-v15.rdb',
  'rdb/functions-v10.rdb',
]
const folder = temporaryFolder()

describeEachServer('what was loaded is known again by', name => {
  let server: Server
  beforeAll(async () => {
    server = await startServer(name)
  })
  afterAll(() => server?.stop())

  it.each(FIXTURES)('%s', async one => {
    await server.client.call('FLUSHALL')
    const {path} = fixture(one)
    const report = join(folder.path, `${name}-${one.replace('/', '-')}`)
    const target = {host: '127.0.0.1', port: server.port}
    const first = await load(path, target, {allowLoss: true, report})
    expect(first).toMatchObject({failed: 0, failure: undefined})
    writeFileSync(report, readFileSync(report, 'utf8').replace(/\{"position".*\n/g, '{"position":0,"sent":1000000}\n'))
    const {loaded, libraries} = first
    expect(await load(path, target, {allowLoss: true, resume: report})).toMatchObject({
      ...{loaded, libraries, failed: 0, failure: undefined, libraryThere: undefined},
    })
  })
})
