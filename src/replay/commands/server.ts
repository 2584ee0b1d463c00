/**
 * What is no command on a key: which database, all keys at once, and what is
 * only for replicas and clients.
 */
import type {Call} from '../call.js'
import {type CommandFamily, keyless, ReplyError, syntaxError, UnreplayableError} from '../command.js'

const nothing = (): void => {}

/** FLUSHDB, FLUSHALL [ASYNC | SYNC] */
function checkFlush(call: Call): void {
  if (call.argc > 2 || (call.argc === 2 && !call.is(1, 'ASYNC') && !call.is(1, 'SYNC'))) throw syntaxError()
}

const bySlots = (): never => {
  throw new UnreplayableError(
    'it empties slots of a cluster node, and which keys were in them by then is not in the log',
  )
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
  SFLUSH: keyless(-3, bySlots),
  CLUSTER: keyless(-2, bySlots),
  DEBUG: keyless(-2, () => {
    throw new UnreplayableError('what it does is for tests of the server only')
  }),
  PING: keyless(-1, nothing),
  PUBLISH: keyless(3, nothing),
  SPUBLISH: keyless(3, nothing),
  REPLCONF: keyless(-1, nothing),
}
