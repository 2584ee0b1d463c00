/**
 * What is no command on a key: which database, all keys at once, and what is
 * only for replicas and clients.
 */
import {SLOT_COUNT, slotOf} from '../../bytes/crc16.js'
import {RecordPlace} from '../../resident/byte-table.js'
import type {Database} from '../../resident/database.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyless, ReplyError, syntaxError, UnreplayableError, wrongArgc} from '../command.js'

const BAD_SLOT = 'ERR Invalid or out of range slot'

const nothing = (): void => {}

/** FLUSHDB, FLUSHALL [ASYNC | SYNC] */
function checkFlush(call: Call): void {
  if (call.argc > 2 || (call.argc === 2 && !call.is(1, 'ASYNC') && !call.is(1, 'SYNC'))) throw syntaxError()
}

const place = new RecordPlace()

/**
 * CLUSTER FLUSHSLOT slot [ASYNC | SYNC]: in all databases. valkey 9.1 writes it to its log as it is. What else CLUSTER
 * does is about nodes, and stands in no log.
 */
function cluster(call: Call): void {
  if (!call.is(1, 'FLUSHSLOT')) return
  if (call.argc < 3 || call.argc > 4) throw wrongArgc('cluster|flushslot')
  const slot = call.number(2, BAD_SLOT)
  if (slot < 0 || slot >= SLOT_COUNT) throw new ReplyError(BAD_SLOT)
  if (call.argc === 4 && !call.is(3, 'ASYNC') && !call.is(3, 'SYNC')) throw syntaxError()
  for (const number of call.keyspace.numbers()) flushSlot(call.keyspace.database(number), slot)
}

function flushSlot(db: Database, slot: number): void {
  for (let entry = db.next(0); entry >= 0; entry = db.next(entry + 1)) {
    db.place(entry, place)
    if (slotOf(place.bytes, place.start, place.end) === slot) db.remove(entry)
  }
}

export const serverCommands: CommandFamily = {
  SELECT: keyless(2, call => call.select(call.databaseNumber(1))),
  MULTI: keyless(1, nothing),
  EXEC: keyless(1, () => {
    throw new ReplyError('ERR EXEC without MULTI')
  }),
  DISCARD: keyless(1, () => {
    throw new ReplyError('ERR DISCARD without MULTI')
  }),
  FLUSHDB: keyless(-1, call => {
    checkFlush(call)
    call.keyspace.flush(call.dbNumber)
    call.select(call.dbNumber)
  }),
  FLUSHALL: keyless(-1, call => {
    checkFlush(call)
    call.keyspace.flushAll()
    call.select(call.dbNumber)
  }),
  SWAPDB: keyless(3, call => {
    const one = call.databaseNumber(1, 'ERR invalid first DB index')
    const other = call.databaseNumber(2, 'ERR invalid second DB index')
    call.keyspace.swap(one, other)
    call.select(call.dbNumber)
  }),
  SFLUSH: keyless(-3, () => {
    throw new UnreplayableError('it empties those slots that its node served by then, and the log does not say which')
  }),
  CLUSTER: keyless(-2, cluster),
  DEBUG: keyless(-2, () => {
    throw new UnreplayableError('what it does is for tests of the server only')
  }),
  PING: keyless(-1, nothing),
  PUBLISH: keyless(3, nothing),
  SPUBLISH: keyless(3, nothing),
  REPLCONF: keyless(-1, nothing),
}
