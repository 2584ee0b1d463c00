/** A folder that follows a master of our own making: what goes into it, and what never does. */
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
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

/** Places that the files name, by the offset. */
function placesIn(path: string): number[] {
  return [...textOf(path).matchAll(/^#RDBTOOL \w{40} (\d+) \d+\r$/gm)].map(([, offset]) => Number(offset))
}

describe.each([
  ['as they come', 1_000_000],
  ['in pieces of 7 bytes', 7],
  ['in pieces of 1000 bytes', 1000],
])('units %s', (_, pieceBytes) => {
  it.each(['always', 'everysec', 'no'] as const)(
    'are named in the folder before they are acknowledged, synced %s',
    async fsync => {
      const path = join(folder.path, `acknowledged-${pieceBytes}-${fsync}`)
      const unkept = [frame('PING'), frame('PUBLISH', 'c', 'm')]
      const kept = [
        SET,
        frame('MULTI') + SET + frame('INCR', 'n') + frame('EXEC'),
        frame('SET', 'large', 'x'.repeat(3000)),
      ]
      /** Where units that are kept end, and where one may go on. */
      const ends: number[] = []
      const between = [0]
      let stream = ''
      const add = (text: string): void => {
        stream += text
        between.push(stream.length)
      }
      for (let i = 0; i < 60; i++) {
        if (i % 3 < 2) add(unkept[i % 3]!)
        add(kept[i % 3]!)
        ends.push(stream.length)
        // Asked in the middle of what has arrived, it must know as well.
        if (i % 4 === 0) add(frame('REPLCONF', 'GETACK', '*'))
      }
      const acknowledged: {offset: number; named: number}[] = []
      const onCommand = ([name, option, offset]: string[]): void => {
        if (name !== 'REPLCONF' || option !== 'ACK') return
        acknowledged.push({offset: Number(offset), named: Math.max(...placesIn(path))})
      }
      const script = {
        payload: disk(fileOf(['key'])),
        stream: Buffer.from(stream),
        streamOnAck: true,
        pieceBytes,
        onCommand,
      }
      const master = await scriptedMaster(script)
      const {place} = await followLog(path, async () => ({host: '127.0.0.1', port: master.port}), {
        ...{fsync, untilOffset: stream.length, rotateBytes: 20_000},
      })
      expect(place?.offset).toBe(stream.length)
      expect(acknowledged.length).toBeGreaterThan(10)
      for (const {offset, named} of acknowledged) {
        expect(named).toBeGreaterThanOrEqual(ends.findLast(end => end <= offset) ?? 0)
      }
      expect(placesIn(path).filter(offset => !between.includes(offset))).toEqual([])
    },
  )
})
