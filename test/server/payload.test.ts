/** RESTORE takes our payloads, copied and stored anew, and the server then holds what it held when it wrote the fixture. */
import {readFileSync} from 'node:fs'
import {expect, it} from 'vitest'
import {type Entry, MemorySource, NEVER, RdbReader} from '../../src/index.js'
import {PayloadWriter} from '../../src/rdb/payload.js'
import {ownTarget} from '../../src/rdb/targets.js'
import {describeEachServer} from './each-server.js'
import {compareFingerprints, fingerprint} from './fingerprint.js'
import {readFixtures} from './goldens.js'
import {type Server, startServer} from './server.js'

const SUFFIXES: Readonly<Record<string, string>> = {
  'redis-6.0': '-v9',
  'redis-7.0': '-v10',
  'valkey-8.1': '-v11',
  'valkey-8.0': '-v11-valkey-8.0',
  'redis-8.0': '-v12',
  'redict-7.3': '-v12-redict',
  'valkey-9.1': '-v80',
}
/** Those in which every kind of value is, and no key that a RESTORE would lose: databases beyond 16, what has expired. */
const RECIPES =
  /^(string-int|key-binary|list-packed|list-nodes|list-big|set-|hash-(listpack|ziplist|hashtable)|zset-|stream-|module-)/

async function restore(server: Server, bytes: Uint8Array, reencode: boolean): Promise<void> {
  const commands: (string | number | Uint8Array)[][] = []
  const take = ({db, expireAtMs, ...entry}: Entry, all: Uint8Array, start: number, end: number): void => {
    const at = expireAtMs === NEVER ? 0 : Number(expireAtMs)
    commands.push(['SELECT', db], ['RESTORE', entry.keyBytes.copy(), at, all.slice(start, end), 'ABSTTL'])
  }
  const reader = new RdbReader(new MemorySource(bytes))
  const origin = await reader.origin()
  const writer = new PayloadWriter({target: ownTarget(origin), reencode}, take)
  writer.sourceFamily = origin.family
  await reader.run({entry: entry => writer.entry(entry)})
  writer.dispose()
  const replies = await server.client.pipeline(commands as never)
  expect(replies.filter(reply => reply !== 'OK')).toEqual([])
}

describeEachServer('payloads in', name => {
  const fixtures = readFixtures('rdb').filter(one => one.name.endsWith(SUFFIXES[name]!) && RECIPES.test(one.name))

  it('are restored to what they were made of', async () => {
    const server = await startServer(name, {})
    try {
      expect(fixtures.length).toBeGreaterThan(8)
      for (const {path, name: title} of fixtures) {
        const original = await startServer(name, {rdb: path})
        const wanted = await fingerprint(original).finally(() => original.stop())
        for (const reencode of [false, true]) {
          await restore(server, new Uint8Array(readFileSync(path)), reencode)
          const differences = compareFingerprints(wanted, await fingerprint(server))
          expect(differences, `${title}, stored anew: ${reencode}`).toEqual([])
          await server.client.call('FLUSHALL')
        }
      }
    } finally {
      await server.stop()
    }
  })
})
