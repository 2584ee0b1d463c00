/** Streams: consumer groups, and what is pending in them. */
import type {Int64} from '../../bytes/int64.js'
import {StreamId} from '../../encoding/stream-id.js'
import {StreamValue} from '../../resident/stream.js'
import {ENTRIES_READ_UNKNOWN, ResidentGroup} from '../../resident/stream-group.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, NOT_INTEGER, ReplyError, syntaxError} from '../command.js'
import {isReferenced, type References, referencesAt, removeEntry} from './stream-references.js'

const NO_KEY =
  'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.'

function noGroup(call: Call, groupArg: number): ReplyError {
  return new ReplyError(`NOGROUP No such consumer group '${call.text(groupArg)}' for key name '${call.text(1)}'`)
}

/** SUBCOMMAND key group ... */
function xgroup(call: Call): void {
  if (call.is(1, 'HELP')) return
  const stream = lookupStream(call)
  if (call.is(1, 'CREATE') && call.argc >= 5 && call.argc <= 8) create(call, stream)
  else if (stream === undefined) throw new ReplyError(NO_KEY)
  else if (call.is(1, 'SETID') && (call.argc === 5 || call.argc === 7)) setId(call, stream)
  else if (call.is(1, 'DESTROY') && call.argc === 4) {
    const group = stream.group(call.copy(3))
    if (group !== undefined) stream.removeGroup(group)
  } else if (call.is(1, 'CREATECONSUMER') && call.argc === 5) {
    const group = groupOf(call, stream, 3)
    if (group.find(call.copy(4)) < 0) group.make(call.copy(4), call.loadedAtMs)
  } else if (call.is(1, 'DELCONSUMER') && call.argc === 5) {
    const group = groupOf(call, stream, 3)
    const consumer = group.find(call.copy(4))
    if (consumer >= 0) group.delete(consumer)
  } else throw syntaxError()
}

function lookupStream(call: Call): StreamValue | undefined {
  return call.argc > 2 ? call.lookup(2, StreamValue) : undefined
}

function groupOf(call: Call, stream: StreamValue, arg: number): ResidentGroup {
  const group = stream.group(call.copy(arg))
  if (group === undefined) throw noGroup(call, arg)
  return group
}

interface GroupOptions {
  makes: boolean
  entriesRead: Int64
}

function groupOptions(call: Call, from: number): GroupOptions {
  const options: GroupOptions = {makes: false, entriesRead: ENTRIES_READ_UNKNOWN}
  for (let arg = from; arg < call.argc; arg++) {
    if (call.is(arg, 'MKSTREAM')) options.makes = true
    else if (call.is(arg, 'ENTRIESREAD') && arg + 1 < call.argc) {
      options.entriesRead = call.integer(++arg)
      if (options.entriesRead < ENTRIES_READ_UNKNOWN)
        throw new ReplyError('ERR value for ENTRIESREAD must be positive or -1')
    } else throw syntaxError()
  }
  return options
}

/** CREATE key group id|$ [MKSTREAM] [ENTRIESREAD n] */
function create(call: Call, there: StreamValue | undefined): void {
  const {makes, entriesRead} = groupOptions(call, 5)
  if (there === undefined && !makes) throw new ReplyError(NO_KEY)
  const lastId = groupId(call, 4, there)
  const stream = there ?? call.make(2, new StreamValue(call.keyspace.arena))
  const name = call.copy(3)
  if (stream.group(name) !== undefined) throw new ReplyError('BUSYGROUP Consumer Group name already exists')
  const group = new ResidentGroup(call.keyspace.arena, name)
  group.lastId.set(lastId)
  group.entriesRead = entriesRead
  if (entriesRead !== ENTRIES_READ_UNKNOWN) stream.derived = false
  stream.addGroup(group)
}

/** `$` is the last entry that there was. */
function groupId(call: Call, arg: number, stream: StreamValue | undefined): StreamId {
  return call.is(arg, '$') ? (stream?.lastId ?? new StreamId()) : call.id(arg)
}

/** SETID key group id|$ [ENTRIESREAD n] */
function setId(call: Call, stream: StreamValue): void {
  const {entriesRead} = groupOptions(call, 5)
  const group = groupOf(call, stream, 3)
  group.lastId.set(groupId(call, 4, stream))
  group.entriesRead = entriesRead
}

function idsFrom(call: Call, first: number, end: number): StreamId[] {
  const ids: StreamId[] = []
  for (let arg = first; arg < end; arg++) ids.push(call.id(arg))
  return ids
}

/** key group id [id ...] */
function xack(call: Call): void {
  const group = call.lookup(1, StreamValue)?.group(call.copy(2))
  if (group === undefined) return
  for (const id of idsFrom(call, 3, call.argc)) group.acknowledge(id)
}

export interface ClaimOptions {
  deliveredAtMs: Int64 | undefined
  deliveries: Int64 | undefined
  force: boolean
  justIds: boolean
  lastId: StreamId | undefined
}

/** [IDLE ms] [TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID] [LASTID id] */
function claimOptions(call: Call, from: number): ClaimOptions {
  const options: ClaimOptions = {
    ...{deliveredAtMs: undefined, deliveries: undefined},
    ...{force: false, justIds: false, lastId: undefined},
  }
  for (let arg = from; arg < call.argc; arg++) {
    const more = arg + 1 < call.argc
    if (call.is(arg, 'FORCE')) options.force = true
    else if (call.is(arg, 'JUSTID')) options.justIds = true
    else if (call.is(arg, 'IDLE') && more) {
      options.deliveredAtMs =
        call.loadedAtMs - Number(call.integer(++arg, 'ERR Invalid IDLE option argument for XCLAIM'))
    } else if (call.is(arg, 'TIME') && more) {
      options.deliveredAtMs = call.integer(++arg, 'ERR Invalid TIME option argument for XCLAIM')
    } else if (call.is(arg, 'RETRYCOUNT') && more) {
      options.deliveries = call.integer(++arg, 'ERR Invalid RETRYCOUNT option argument for XCLAIM')
    } else if (call.is(arg, 'LASTID') && more) options.lastId = call.id(++arg)
    else throw new ReplyError(`ERR Unrecognized XCLAIM option '${call.text(arg)}'`)
  }
  return options
}

/** What claims say of the future is not believed. */
function sane(call: Call, atMs: Int64 | undefined): Int64 {
  return atMs === undefined || atMs < 0 || atMs > call.loadedAtMs ? call.loadedAtMs : atMs
}

/** The consumer of an argument, made where there is none. */
export function consumerOf(call: Call, group: ResidentGroup, arg: number): number {
  const name = call.copy(arg)
  const found = group.find(name)
  if (found < 0) return group.make(name, call.loadedAtMs)
  group.consumer(found).seenAtMs = call.loadedAtMs
  return found
}

/** key group consumer min-idle id [id ...] [options] */
function xclaim(call: Call): void {
  const stream = call.lookup(1, StreamValue)
  const group = stream?.group(call.copy(2))
  if (stream === undefined || group === undefined) {
    throw new ReplyError(`NOGROUP No such key '${call.text(1)}' or consumer group '${call.text(2)}'`)
  }
  const minIdleMs = Math.max(call.number(4, 'ERR Invalid min-idle-time argument for XCLAIM'), 0)
  let end = 5
  while (end < call.argc && StreamId.parse(call.text(end)) !== undefined) end++
  const ids = idsFrom(call, 5, Math.max(end, 6))
  const options = claimOptions(call, end)
  if (options.lastId !== undefined && options.lastId.compare(group.lastId) > 0) group.lastId.set(options.lastId)
  const claim = {...options, deliveredAtMs: sane(call, options.deliveredAtMs), minIdleMs}
  const consumer = consumerOf(call, group, 3)
  for (const id of ids) claimOne(call, stream, group, consumer, id, claim)
}

type Claim = ClaimOptions & {deliveredAtMs: Int64; minIdleMs: number}

function claimOne(
  call: Call,
  stream: StreamValue,
  group: ResidentGroup,
  consumer: number,
  id: StreamId,
  claim: Claim,
): boolean {
  // Of an entry that is gone nothing is left to claim (redis 7.0; before, what was pending stayed).
  if (!stream.entries.find(id)) {
    group.acknowledge(id)
    return false
  }
  const before = group.pending(id)
  if (before === undefined && !claim.force) return false
  if (before !== undefined && claim.minIdleMs > 0) {
    if (call.loadedAtMs - Number(before.deliveredAtMs) < claim.minIdleMs) return false
  }
  const counted = claim.justIds ? 0 : 1
  const deliveries = claim.deliveries ?? Number(before?.deliveries ?? 1) + counted
  group.put(id, {deliveredAtMs: claim.deliveredAtMs, deliveries, owner: consumer})
  group.wakes(consumer, call.loadedAtMs)
  return true
}

/** A claim of COUNT entries looks at so many times that. */
const ATTEMPTS_EACH = 10

/** key group consumer min-idle start [COUNT n] [JUSTID] */
function xautoclaim(call: Call): void {
  const minIdleMs = Math.max(call.number(4, 'ERR Invalid min-idle-time argument for XAUTOCLAIM'), 0)
  const start = call.is(5, '-') ? new StreamId() : call.id(5)
  let count = 100
  let justIds = false
  for (let arg = 6; arg < call.argc; arg++) {
    if (call.is(arg, 'JUSTID')) justIds = true
    else if (call.is(arg, 'COUNT') && arg + 1 < call.argc) count = call.number(++arg, NOT_INTEGER)
    else throw syntaxError()
  }
  if (count < 1) throw new ReplyError('ERR COUNT must be > 0')
  const stream = call.lookup(1, StreamValue)
  const group = stream?.group(call.copy(2))
  if (stream === undefined || group === undefined) {
    throw new ReplyError(`NOGROUP No such key '${call.text(1)}' or consumer group '${call.text(2)}'`)
  }
  const consumer = consumerOf(call, group, 3)
  const claim: Claim = {
    ...{deliveredAtMs: call.loadedAtMs, deliveries: undefined, force: false, justIds, lastId: undefined, minIdleMs},
  }
  let left = count
  for (const id of group.ids(start).slice(0, count * ATTEMPTS_EACH)) {
    const gone = !stream.entries.find(id)
    if (claimOne(call, stream, group, consumer, id, claim) || gone) left--
    if (left === 0) return
  }
}

/** IDS n id ... from an argument on. */
function idList(call: Call, arg: number): StreamId[] {
  if (!call.is(arg, 'IDS')) throw syntaxError()
  const count = call.number(arg + 1)
  if (count < 1 || arg + 2 + count > call.argc) throw new ReplyError('ERR Number of IDs must be a positive integer')
  return idsFrom(call, arg + 2, arg + 2 + count)
}

function deleteAll(stream: StreamValue, ids: readonly StreamId[], references: References): void {
  for (const id of ids) {
    if (references !== 'ACKED' || !isReferenced(stream, id)) removeEntry(stream, id, references)
  }
}

/** key [KEEPREF|DELREF|ACKED] IDS n id ... (redis 8.2) */
function xdelex(call: Call): void {
  const references = referencesAt(call, 2)
  const ids = idList(call, references === undefined ? 2 : 3)
  const stream = call.lookup(1, StreamValue)
  if (stream !== undefined) deleteAll(stream, ids, references ?? 'KEEPREF')
}

/** key group [KEEPREF|DELREF|ACKED] IDS n id ... (redis 8.2) */
function xackdel(call: Call): void {
  const references = referencesAt(call, 3)
  const ids = idList(call, references === undefined ? 3 : 4)
  const stream = call.lookup(1, StreamValue)
  const group = stream?.group(call.copy(2))
  if (stream === undefined || group === undefined) return
  const acknowledged = ids.filter(id => group.acknowledge(id))
  deleteAll(stream, acknowledged, references ?? 'KEEPREF')
}

export const streamGroupCommands: CommandFamily = {
  XGROUP: {arity: -2, key: 2, run: xgroup},
  XACK: keyed(-4, xack),
  XCLAIM: keyed(-6, xclaim),
  XAUTOCLAIM: keyed(-6, xautoclaim),
  XDELEX: keyed(-5, xdelex),
  XACKDEL: keyed(-6, xackdel),
}
