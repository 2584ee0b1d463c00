/**
 * Streams: what producers have made already, so that none of it is made twice (redis 8.6). By its documentation and
 * its own tests: no server that has it was at hand.
 */
import type {Int64} from '../../bytes/int64.js'
import type {StreamId} from '../../encoding/stream-id.js'
import {Idempotence} from '../../resident/idempotence.js'
import {StreamValue} from '../../resident/stream.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, NO_SUCH_KEY, ReplyError, syntaxError} from '../command.js'

const DURATION_SECONDS_MAX = 86_400
const ENTRIES_MAX = 10_000

/** Who made an entry that XADD adds: arguments, 0 where there is none. */
export interface Maker {
  producer: number
  /** 0: of the entry's own bytes (IDMPAUTO). */
  iid: number
}

/** IDMP producer iid | IDMPAUTO producer: its last argument; -1 where it is neither. */
export function makerOption(call: Call, arg: number, maker: Maker): number {
  const automatic = call.is(arg, 'IDMPAUTO')
  const needed = automatic ? 1 : call.is(arg, 'IDMP') ? 2 : 0
  if (needed === 0 || arg + needed >= call.argc) return -1
  if (maker.producer > 0) throw new ReplyError('ERR syntax error, IDMP/IDMPAUTO specified multiple times')
  const word = automatic ? 'IDMPAUTO' : 'IDMP'
  if (call.length(arg + 1) === 0) throw new ReplyError(`ERR ${word} requires a non-empty producer ID`)
  if (!automatic && call.length(arg + 2) === 0) throw new ReplyError('ERR IDMP requires a non-empty idempotent ID')
  maker.producer = arg + 1
  maker.iid = automatic ? 0 : arg + 2
  return arg + needed
}

/** Whether a client's own `*` asks for what its producer has just made. Servers log what they added alone, under its ID. */
export function isDuplicate(call: Call, stream: StreamValue, {producer, iid}: Maker): boolean {
  const made = iid === 0 ? undefined : stream.idempotence?.find(call.text(producer), call.text(iid))
  if (stream.idempotence === undefined || made === undefined) return false
  if (Number(made.ms) + Number(stream.idempotence.durationSeconds) * 1000 < call.nowMs) return false
  stream.idempotence.countDuplicate()
  return true
}

export function recordMade(call: Call, stream: StreamValue, {producer, iid}: Maker, id: StreamId): void {
  stream.idempotence ??= new Idempotence()
  stream.idempotence.countAdded()
  if (iid > 0) stream.idempotence.record(call.text(producer), call.text(iid), id)
}

function existing(call: Call): StreamValue {
  const stream = call.lookup(1, StreamValue)
  if (stream === undefined) throw new ReplyError(NO_SUCH_KEY)
  return stream
}

/** key [IDMP-DURATION seconds] [IDMP-MAXSIZE n] */
function xcfgset(call: Call): void {
  let durationSeconds: Int64 | undefined
  let entriesMax: Int64 | undefined
  for (let arg = 2; arg < call.argc; arg += 2) {
    if (arg + 1 === call.argc) throw syntaxError()
    if (call.is(arg, 'IDMP-DURATION')) durationSeconds = within(call, arg, DURATION_SECONDS_MAX)
    else if (call.is(arg, 'IDMP-MAXSIZE')) entriesMax = within(call, arg, ENTRIES_MAX)
    else throw syntaxError()
  }
  if (call.argc === 2) throw new ReplyError('ERR At least one parameter must be specified')
  const stream = existing(call)
  stream.idempotence ??= new Idempotence()
  const {idempotence} = stream
  idempotence.configure(durationSeconds ?? idempotence.durationSeconds, entriesMax ?? idempotence.entriesMax)
}

function within(call: Call, arg: number, most: number): Int64 {
  const value = call.integer(arg + 1)
  if (value >= 1 && value <= most) return value
  throw new ReplyError(`ERR ${call.text(arg).toUpperCase()} must be between 1 and ${most}`)
}

/** key producer iid id: an entry that is there was made by a producer. Rewritten logs have it. */
function xidmprecord(call: Call): void {
  const id = call.id(4)
  if (call.length(2) === 0 || call.length(3) === 0)
    throw new ReplyError('ERR producer ID and idempotent ID must not be empty')
  const stream = existing(call)
  if (!stream.entries.find(id)) throw new ReplyError("ERR The specified stream ID was deleted or doesn't exist")
  stream.idempotence ??= new Idempotence()
  const [producer, iid] = [call.text(2), call.text(3)]
  const before = stream.idempotence.find(producer, iid)
  if (before === undefined) stream.idempotence.record(producer, iid, id)
  else if (before.compare(id) !== 0) {
    throw new ReplyError('ERR The specified IDMP producer-id/idempotent-id pair maps to a different stream ID')
  }
}

export const streamIdempotenceCommands: CommandFamily = {
  XCFGSET: keyed(-2, xcfgset),
  XIDMPRECORD: keyed(5, xidmprecord),
}
