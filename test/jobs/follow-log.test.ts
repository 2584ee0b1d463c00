/** A folder that follows a master of our own making: what goes into it, and what never does. */
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {followLog} from '../../src/jobs/follow-log.js'
import type {SyncEvent} from '../../src/report/replica-log.js'
import {disk, ID, scriptedMaster} from '../replication/scripted-master.js'
import {temporaryFolder} from '../start/folder.js'
import {frame} from '../start/log.js'
import {fileOf} from '../start/rdb.js'

const folder = temporaryFolder()
const SET = frame('SET', 'k', 'v')

function textOf(path: string): string {
  const files = readdirSync(path).filter(name => name.endsWith('.incr.aof'))
  return files.map(name => readFileSync(join(path, name), 'latin1')).join('')
}

it('the stream behind a snapshot that cannot be read goes nowhere', async () => {
  const path = join(folder.path, 'refused')
  const other = 'b'.repeat(40)
  // Its checksum is absent, and a length in it has no meaning.
  const damaged = Buffer.concat([Buffer.from('REDIS0011\0\x82', 'latin1'), Buffer.alloc(64)])
  const foreign = Buffer.from(frame('SET', 'foreign', 'x'.repeat(1000)).repeat(8000))
  const master = await scriptedMaster(
    {payload: disk(fileOf(['key'])), stream: Buffer.from(SET)},
    {replies: {PSYNC: `+FULLRESYNC ${other} 0`}, payload: disk(damaged), stream: foreign, pieceBytes: 65_536},
    {replies: {PSYNC: '+CONTINUE'}},
  )
  const address = async (): Promise<{host: string; port: number}> => ({host: '127.0.0.1', port: master.port})
  const {place} = await followLog(path, address, {untilOffset: SET.length})
  expect(place).toEqual({replicationId: ID, offset: SET.length, db: 0})
  const before = textOf(path)
  const events: SyncEvent['kind'][] = []
  const again = await followLog(path, address, {
    seconds: 3,
    retryDelayMs: 1000,
    onEvent: ({kind}) => events.push(kind),
  })
  expect(events).toContain('retrying')
  expect(again).toMatchObject({place, fullResyncs: 0, partialResyncs: 1})
  expect(textOf(path)).toBe(before)
})
