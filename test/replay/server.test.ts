/** What is no command on a key: as real servers leave it. */
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {describeEachServer} from '../server/each-server.js'
import {type Server, startServer} from '../server/server.js'
import {type Argument, askEngine, askServer, contentOf, contentOfServer, replay} from './replaying.js'

const COMMANDS: Argument[][] = [
  'SET a 0',
  'SELECT 1',
  'SET a 1',
  'SWAPDB 0 1',
  'SET b 2',
  'SWAPDB x 0',
  'SWAPDB 0 x',
  'SWAPDB 0 -1',
  'SELECT -1',
  'SELECT x',
  'SELECT 3',
  'SET c 3',
  'FLUSHDB ASYNC SYNC',
  'FLUSHDB WHAT',
  'FLUSHDB',
  'SET d 3',
  'SELECT 2',
  'FLUSHDB ASYNC',
  'EXEC',
  'DISCARD',
].map(line => line.split(' '))

describeEachServer('databases in', (name, version) => {
  it.skipIf(Number.parseFloat(version) < 7)('are what they are here', async () => {
    expect(await askEngine(COMMANDS)).toEqual(await askServer(name, COMMANDS))
    const emptied = [...COMMANDS, ['FLUSHALL', 'SYNC'], ['SET', 'e', '4']]
    expect(await askEngine(emptied)).toEqual(await askServer(name, emptied))
  })
})

const SLOT = 866

async function startNode(name: string): Promise<Server> {
  const config = {appendonly: 'yes', appendfsync: 'always', 'cluster-enabled': 'yes', 'cluster-databases': 4}
  const server = await startServer(name, {config})
  await server.client.call('CLUSTER', 'ADDSLOTSRANGE', 0, 16383)
  while (!String(await server.client.call('CLUSTER', 'INFO')).includes('cluster_state:ok')) await sleep(20)
  return server
}

describeEachServer('slots in', name => {
  it.skipIf(name !== 'valkey-9.1')('are emptied as the log says', async () => {
    const server = await startNode(name)
    try {
      const flush = ['CLUSTER', 'FLUSHSLOT', SLOT]
      const keys = ['hello', '{hello}x', 'other'].map(key => ['SET', key, 1])
      const commands = [...keys, ['SELECT', 1], ...keys, flush]
      const replies = await server.client.pipeline(commands as never)
      expect(replies.every(reply => reply === 'OK')).toBe(true)
      const {content} = await askEngine(commands)
      expect(content).toEqual({'0:other': 'string 1', '1:other': 'string 1'})
      expect(content).toEqual(await contentOfServer(server))
      const folder = join(server.dir, 'appendonlydir')
      const log = readdirSync(folder).find(file => file.endsWith('.incr.aof'))!
      expect(readFileSync(join(folder, log), 'latin1')).toMatch(/\$9\r\nFLUSHSLOT\r\n\$3\r\n866\r\n$/)
    } finally {
      await server.stop()
    }
  })
})

describe('slots', () => {
  it('stay where their number is none', async () => {
    const {keyspace, refusals} = replay([
      'SET a 1',
      'CLUSTER FLUSHSLOT 16384',
      'CLUSTER FLUSHSLOT x',
      'CLUSTER FLUSHSLOT 1 WHAT',
      'CLUSTER FLUSHSLOT',
      'CLUSTER ADDSLOTS 1',
      'SFLUSH 0 16383',
    ])
    expect(await contentOf(keyspace)).toEqual({'0:a': 'string 1'})
    expect(refusals.map(({offset, kind}) => `${offset} ${kind}`)).toEqual([
      '1 error',
      '2 error',
      '3 error',
      '4 error',
      '6 skipped',
    ])
  })
})
