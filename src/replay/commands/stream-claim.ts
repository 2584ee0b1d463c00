/** Streams: who has what is pending in a group. */
import {type Int64, signedInt64, sumInt64} from '../../bytes/int64.js'
import type {StreamId} from '../../encoding/stream-id.js'
import {StreamValue} from '../../resident/stream.js'
import type {ResidentGroup} from '../../resident/stream-group.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, syntaxError} from '../command.js'
import {rangeStart} from './stream-id.js'
import {idsOfBlock} from './stream-references.js'

interface Grouped {
  stream: StreamValue
  group: ResidentGroup
}

/** Of the first two arguments. */
function grouped(call: Call): Grouped {
  const stream = call.lookup(1, StreamValue)
  const group = stream?.group(call.text(2))
  if (stream !== undefined && group !== undefined) return {stream, group}
  throw new ReplyError(`NOGROUP No such key '${call.text(1)}' or consumer group '${call.text(2)}'`)
}

/** The consumer of an argument, made where there is none. */
export function consumerOf(call: Call, group: ResidentGroup, arg: number): number {
  return group.sees(call.copy(arg), call.loadedAtMs)
}

interface Claim {
  minIdleMs: number
  deliveredAtMs: Int64
  /** Below zero: what it was, and one more unless only IDs are asked for. */
  deliveries: Int64
  force: boolean
  justIds: boolean
  lastId: StreamId | undefined
}

/** Of what may be left out. */
function plainClaim(call: Call): Claim {
  const minIdleMs = Math.max(call.number(4, `ERR Invalid min-idle-time argument for ${call.text(0).toUpperCase()}`), 0)
  const options = {force: false, justIds: false, lastId: undefined}
  return {minIdleMs, deliveredAtMs: call.loadedAtMs, deliveries: -1, ...options}
}

/** [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID] [LASTID id] */
function readOptions(call: Call, from: number, claim: Claim): void {
  const integer = (arg: number, word: string): Int64 =>
    call.integer(arg, `ERR Invalid ${word} option argument for XCLAIM`)
  let deliveredAtMs: Int64 = -1
  for (let arg = from; arg < call.argc; arg++) {
    const more = arg + 1 < call.argc
    if (call.is(arg, 'FORCE')) claim.force = true
    else if (call.is(arg, 'JUSTID')) claim.justIds = true
    else if (more && call.is(arg, 'IDLE')) deliveredAtMs = call.loadedAtMs - Number(integer(++arg, 'IDLE'))
    else if (more && call.is(arg, 'TIME')) deliveredAtMs = integer(++arg, 'TIME')
    else if (more && call.is(arg, 'RETRYCOUNT')) claim.deliveries = integer(++arg, 'RETRYCOUNT')
    else if (more && call.is(arg, 'LASTID')) claim.lastId = call.id(++arg)
    else throw new ReplyError(`ERR Unrecognized XCLAIM option '${call.text(arg)}'`)
  }
  // What claims say of the future is not believed.
  if (deliveredAtMs >= 0 && deliveredAtMs < claim.deliveredAtMs) claim.deliveredAtMs = deliveredAtMs
}

/** key group consumer min-idle [id ...] [options] */
function xclaim(call: Call): void {
  const {stream, group} = grouped(call)
  const claim = plainClaim(call)
  const ids: StreamId[] = []
  for (let arg = 5; arg < call.argc; arg++) {
    const id = call.idOrNone(arg)
    if (id === undefined) break
    ids.push(id)
  }
  readOptions(call, 5 + ids.length, claim)
  const {lastId} = claim
  if (lastId !== undefined && lastId.compare(group.lastId) > 0) group.lastId.set(lastId)
  const consumer = consumerOf(call, group, 3)
  for (const id of ids) claimOne(call, {stream, group}, consumer, id, claim)
}

/** Whether there is one less to look for: it was claimed, or is gone. */
function claimOne(call: Call, {stream, group}: Grouped, consumer: number, id: StreamId, claim: Claim): boolean {
  // Of an entry that is gone nothing is left to claim (redis 7.0; before, what was pending stayed).
  if (!stream.entries.find(id)) return group.acknowledge(id)
  const before = group.pending(id)
  if (before === undefined && !claim.force) return false
  if (before !== undefined && call.loadedAtMs - Number(before.deliveredAtMs) < claim.minIdleMs) return false
  const counted = sumInt64(before?.deliveries ?? 1, 0, claim.justIds ? 0 : 1)
  const deliveries = claim.deliveries < 0 ? counted : claim.deliveries
  group.put(id, {deliveredAtMs: claim.deliveredAtMs, deliveries, owner: consumer})
  group.wakes(consumer, call.loadedAtMs)
  return true
}

/** A claim of COUNT entries looks at so many times that. */
const ATTEMPTS_EACH = 10

/** key group consumer min-idle start [COUNT n] [JUSTID] */
function xautoclaim(call: Call): void {
  const claim = plainClaim(call)
  const start = rangeStart(call, 5)
  let count = 100
  for (let arg = 6; arg < call.argc; arg++) {
    if (call.is(arg, 'COUNT') && arg + 1 < call.argc) {
      count = call.number(++arg, 'ERR COUNT must be > 0')
      if (count < 1) throw new ReplyError('ERR COUNT must be > 0')
    } else if (call.is(arg, 'JUSTID')) claim.justIds = true
    else throw syntaxError()
  }
  const {stream, group} = grouped(call)
  const consumer = consumerOf(call, group, 3)
  let left = count
  for (const id of group.ids(start).slice(0, count * ATTEMPTS_EACH)) {
    if (claimOne(call, {stream, group}, consumer, id, claim)) left--
    if (left === 0) return
  }
}

/** What XNACK makes of a number of deliveries. */
type NackMode = 'SILENT' | 'FAIL' | 'FATAL'

const NACK_MODES: readonly NackMode[] = ['SILENT', 'FAIL', 'FATAL']
/** Never again. */
const DELIVERIES_MAX = signedInt64(0x7fff_ffff, 0xffff_ffff)

interface Nack {
  ids: StreamId[]
  deliveries: Int64 | undefined
  force: boolean
}

/** IDS n id ... [RETRYCOUNT n] [FORCE] */
function nackOf(call: Call, from: number): Nack {
  const nack: Nack = {ids: [], deliveries: undefined, force: false}
  for (let arg = from; arg < call.argc; arg++) {
    if (call.is(arg, 'FORCE')) nack.force = true
    else if (call.is(arg, 'IDS') && nack.ids.length === 0) {
      nack.ids = idsOfBlock(call, arg + 1)
      arg += 1 + nack.ids.length
    } else if (call.is(arg, 'RETRYCOUNT') && arg + 1 < call.argc) {
      nack.deliveries = call.integer(++arg)
      if (nack.deliveries < 0) throw new ReplyError('ERR RETRYCOUNT must be >= 0')
    } else throw syntaxError()
  }
  if (nack.ids.length === 0) throw syntaxError()
  return nack
}

/**
 * key group SILENT|FAIL|FATAL IDS n id ... [RETRYCOUNT n] [FORCE] (redis 8.8): entries are pending with nobody. By its
 * documentation: no server that has it was at hand.
 */
function xnack(call: Call): void {
  const mode = NACK_MODES.find(word => call.is(3, word))
  if (mode === undefined) throw syntaxError()
  const {ids, deliveries, force} = nackOf(call, 4)
  const {stream, group} = grouped(call)
  for (const id of ids) {
    const before = group.pending(id)
    if (before === undefined && !(force && stream.entries.find(id))) continue
    group.release(id, deliveries ?? deliveriesAfter(mode, before?.deliveries ?? 0))
  }
}

function deliveriesAfter(mode: NackMode, before: Int64): Int64 {
  if (mode === 'FATAL') return DELIVERIES_MAX
  return mode === 'SILENT' && before > 0 ? sumInt64(before, -1, 0) : before
}

export const streamClaimCommands: CommandFamily = {
  XCLAIM: keyed(-6, xclaim),
  XAUTOCLAIM: keyed(-6, xautoclaim),
  XNACK: keyed(-7, xnack),
}
