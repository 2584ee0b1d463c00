/** What a followed log need not keep: compacted beside the stream, whatever becomes of the log meanwhile. */
import {existsSync, readdirSync, utimesSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {GrowingFile} from '../../src/aof/growing-file.js'
import {GrowingLog} from '../../src/aof/growing-log.js'
import type {StreamPlace} from '../../src/aof/stream-place.js'
import {Retention} from '../../src/jobs/follow-retention.js'
import type {FollowedEvent} from '../../src/report/followed-log.js'
import {temporaryFolder} from '../start/folder.js'
import {frame} from '../start/log.js'
import {fileOf} from '../start/rdb.js'

const folder = temporaryFolder()
const ID = 'a'.repeat(40)
const LONG_AGO_S = 1_600_000_000

async function beginWith(log: GrowingLog, key: string): Promise<void> {
  const [base, incr] = [log.newBase(), log.newIncrement()]
  writeFileSync(base.path, fileOf([key]))
  const place: StreamPlace = {replicationId: ID, offset: 0, db: 0}
  await log.begin(base, await GrowingFile.create(incr.path, place), incr.sequence, Date.now())
}

/** A file of commands that is old, and one behind it. */
async function grow(log: GrowingLog): Promise<void> {
  const command = Buffer.from(frame('SET', 'k', 'v'.repeat(1000)))
  await log.append(command, command.length, {replicationId: ID, offset: command.length, db: 0}, LONG_AGO_S * 1000)
  const [old] = log.manifest.increments.slice(-1)
  await log.rotate()
  utimesSync(join(log.folder, old!.name), LONG_AGO_S, LONG_AGO_S)
}

it('a snapshot that comes while the old one is compacted is compacted like any other', async () => {
  const log = await GrowingLog.open(join(folder.path, 'followed'))
  await beginWith(log, 'first')
  await grow(log)
  const events: FollowedEvent['kind'][] = []
  const retention = new Retention(log, 0, event => events.push(event.kind))
  const looking = retention.look(LONG_AGO_S * 1000 + 60_000)
  // The thread finds nothing any more of what it was to read.
  await beginWith(log, 'second')
  await looking
  expect(events).toEqual(['compacting'])
  expect(readdirSync(log.folder).filter(name => name.includes('.base.'))).toEqual([log.manifest.base!.name])
  await grow(log)
  await retention.look(LONG_AGO_S * 1000 + 60_000)
  expect(events).toEqual(['compacting', 'compacting', 'compacted'])
  expect(log.manifest.increments).toHaveLength(1)
  expect(existsSync(join(log.folder, log.manifest.base!.name))).toBe(true)
  await log.close()
})
