/** XREADGROUP: only in logs that no server wrote; they write what it did to the group. */
import {sumInt64} from '../../bytes/int64.js'
import type {StreamId} from '../../encoding/stream-id.js'
import {StreamValue} from '../../resident/stream.js'
import {ENTRIES_READ_UNKNOWN, type ResidentGroup} from '../../resident/stream-group.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyless, ReplyError, syntaxError} from '../command.js'
import {consumerOf} from './stream-claim.js'

const NO_DOLLAR =
  'ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.'

interface Reading {
  group: number
  consumer: number
  count: number
  acknowledged: boolean
  /** The first key; as many IDs follow all keys. */
  first: number
  streams: number
}

/** GROUP group consumer [COUNT n] [BLOCK ms] [NOACK] STREAMS key ... id ... */
function readingOf(call: Call): Reading {
  const reading: Reading = {group: 0, consumer: 0, count: 0, acknowledged: false, first: 0, streams: 0}
  let arg = 1
  for (; arg < call.argc; arg++) {
    if (call.is(arg, 'STREAMS')) break
    if (call.is(arg, 'NOACK')) reading.acknowledged = true
    else if (call.is(arg, 'COUNT') && arg + 1 < call.argc) reading.count = Math.max(call.number(++arg), 0)
    else if (call.is(arg, 'BLOCK') && arg + 1 < call.argc) {
      // Nobody waits while a log is loaded.
      if (call.integer(++arg, 'ERR timeout is not an integer or out of range') < 0)
        throw new ReplyError('ERR timeout is negative')
    } else if (call.is(arg, 'GROUP') && arg + 2 < call.argc) {
      reading.group = arg + 1
      reading.consumer = arg + 2
      arg += 2
    } else throw syntaxError()
  }
  const rest = call.argc - arg - 1
  if (rest < 2 || rest % 2 !== 0) {
    throw new ReplyError(
      "ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.",
    )
  }
  if (reading.group === 0) throw new ReplyError('ERR Missing GROUP option for XREADGROUP')
  return {...reading, first: arg + 1, streams: rest / 2}
}

function xreadgroup(call: Call): void {
  const reading = readingOf(call)
  const found: {stream: StreamValue; group: ResidentGroup; from: StreamId | undefined}[] = []
  for (let i = 0; i < reading.streams; i++) {
    const arg = reading.first + i
    const stream = call.lookup(arg, StreamValue)
    const group = stream?.group(call.text(reading.group))
    if (stream === undefined || group === undefined) {
      const [key, name] = [call.text(arg), call.text(reading.group)]
      throw new ReplyError(`NOGROUP No such key '${key}' or consumer group '${name}' in XREADGROUP with GROUP option`)
    }
    const idArg = arg + reading.streams
    if (call.is(idArg, '$')) throw new ReplyError(NO_DOLLAR)
    found.push({stream, group, from: call.is(idArg, '>') ? undefined : call.id(idArg)})
  }
  for (const {stream, group, from} of found) {
    const consumer = consumerOf(call, group, reading.consumer)
    if (from === undefined) readNew(call, stream, group, consumer, reading)
    else readAgain(call, stream, group, consumer, from, reading.count)
  }
}

/** What the group has not read yet. */
function readNew(call: Call, stream: StreamValue, group: ResidentGroup, consumer: number, reading: Reading): void {
  if (stream.lastId.compare(group.lastId) <= 0) return
  const ids: StreamId[] = []
  stream.entries.each(group.lastId, ({id}) => {
    if (id.compare(group.lastId) > 0) ids.push(id.copy())
    return reading.count === 0 || ids.length < reading.count
  })
  for (const id of ids) {
    // Only what is read in a row can be counted (redis 8.0, valkey 8.1; others count on from whatever a group was told).
    const inRow = group.lastId.compare(stream.firstId) >= 0 && !stream.hasTombstonesFrom(group.lastId)
    if (group.entriesRead !== ENTRIES_READ_UNKNOWN && inRow) {
      group.entriesRead = sumInt64(group.entriesRead, 0, 1)
    } else {
      group.entriesRead = stream.readUpTo(id)
    }
    group.lastId.set(id)
    if (!reading.acknowledged) group.put(id, {deliveredAtMs: call.loadedAtMs, deliveries: 1, owner: consumer})
  }
  if (ids.length > 0) group.wakes(consumer, call.loadedAtMs)
}

/** What is pending with the consumer is delivered once more. */
function readAgain(
  call: Call,
  stream: StreamValue,
  group: ResidentGroup,
  consumer: number,
  from: StreamId,
  count: number,
): void {
  let delivered = 0
  for (const id of group.ids(from)) {
    if (id.compare(from) === 0 || (count > 0 && delivered === count)) continue
    const pending = group.pending(id)!
    if (pending.owner !== consumer) continue
    delivered++
    if (!stream.entries.find(id)) continue
    group.put(id, {...pending, deliveredAtMs: call.loadedAtMs, deliveries: sumInt64(pending.deliveries, 0, 1)})
  }
}

export const streamReadingCommands: CommandFamily = {
  XREADGROUP: keyless(-7, xreadgroup),
}
