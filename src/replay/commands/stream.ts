/** Streams: their entries. */
import type {Int64} from '../../bytes/int64.js'
import {StreamId} from '../../encoding/stream-id.js'
import {StreamValue} from '../../resident/stream.js'
import type {Call} from '../call.js'
import {
  type CommandFamily,
  keyed,
  NO_SUCH_KEY,
  PartlyAppliedError,
  ReplyError,
  syntaxError,
  wrongArgc,
} from '../command.js'
import {streamClaimCommands} from './stream-claim.js'
import {streamGroupCommands} from './stream-group.js'
import {increment, isLastId} from './stream-id.js'
import {isDuplicate, type Maker, makerOption, recordMade, streamIdempotenceCommands} from './stream-idempotence.js'
import {streamReadingCommands} from './stream-reading.js'
import {streamReferenceCommands} from './stream-references.js'
import {applyTrim, beginTrim, checkTrim, readTrim, trimOption} from './stream-trim.js'

interface GivenId {
  /** `*`: of now. */
  auto: boolean
  /** `ms-*` */
  autoSeq: boolean
}

const given: GivenId = {auto: false, autoSeq: false}
const id = new StreamId()
/** The last ID of a stream that is to be made. */
const NO_ID = new StreamId()

/** The ID of a new entry as it is given. */
function readId(call: Call, arg: number): void {
  given.auto = given.autoSeq = false
  if (id.parseBytes(call.bytes, call.start(arg), call.end(arg))) return
  const text = call.text(arg)
  given.auto = text === '*'
  given.autoSeq = text.endsWith('-*')
  if (!given.auto) id.set(parsed(given.autoSeq ? text.slice(0, -2) : text))
}

function parsed(text: string): StreamId {
  const found = StreamId.parse(text)
  if (found === undefined) throw new ReplyError('ERR Invalid stream ID specified as stream command argument')
  return found
}

/** Completes the ID of an entry that is added to a stream. Throws where no ID is left for it. */
function completeId(call: Call, lastId: StreamId): void {
  if (isLastId(lastId)) {
    throw new ReplyError('ERR The stream has exhausted the last possible ID, unable to add more items')
  }
  if (given.auto) {
    id.set(StreamId.of(call.nowMs, 0))
    if (id.compare(lastId) > 0) return
    id.set(lastId)
    increment(id)
  } else if (given.autoSeq && id.msHigh === lastId.msHigh && id.msLow === lastId.msLow) {
    id.set(lastId)
    increment(id)
    if (id.msLow !== lastId.msLow) throw tooSmall()
  }
  if (id.compare(lastId) <= 0) throw tooSmall()
}

function tooSmall(): ReplyError {
  return new ReplyError('ERR The ID specified in XADD is equal or smaller than the target stream top item')
}

const maker: Maker = {producer: 0, iid: 0}

/** key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [IDMP ...] [MAXLEN|MINID ...] ID field value [field value ...] */
function xadd(call: Call): void {
  beginTrim()
  maker.producer = 0
  let makes = true
  let arg = 2
  for (; arg < call.argc; arg++) {
    const byte = call.bytes[call.start(arg)]!
    // An ID is no word.
    if (byte >= 0x30 && byte <= 0x39) break
    const option = Math.max(trimOption(call, arg), makerOption(call, arg, maker))
    if (option >= 0) arg = option
    else if (call.is(arg, 'NOMKSTREAM')) makes = false
    else break
  }
  if (arg < call.argc) readId(call, arg)
  checkTrim(false)
  const fields = arg + 1
  if (call.argc - fields < 2 || (call.argc - fields) % 2 !== 0) throw wrongArgc('xadd')
  if (!given.auto && !given.autoSeq && id.isZero) {
    throw new ReplyError('ERR The ID specified in XADD must be greater than 0-0')
  }
  addEntry(call, fields, makes)
}

function addEntry(call: Call, fields: number, makes: boolean): void {
  const there = call.lookup(1, StreamValue)
  if (there === undefined && !makes) return
  if (maker.producer > 0 && given.auto && there !== undefined && isDuplicate(call, there, maker)) return
  completeId(call, there?.lastId ?? NO_ID)
  const stream = there ?? call.make(1, new StreamValue(call.keyspace.arena))
  stream.append(id, {bytes: call.bytes, bounds: call.bounds, first: fields, end: call.argc})
  if (maker.producer > 0) recordMade(call, stream, maker, id)
  applyTrim(stream)
  if (maker.producer > 0 && maker.iid === 0) {
    throw new PartlyAppliedError('under which ID its producer made it (IDMPAUTO, redis 8.6) the log does not say')
  }
}

function xtrim(call: Call): void {
  readTrim(call, 2)
  const stream = call.lookup(1, StreamValue)
  if (stream !== undefined) applyTrim(stream)
}

/** key lastId [ENTRIESADDED n] [MAXDELETEDID id] */
function xsetid(call: Call): void {
  const lastId = call.id(2)
  let entriesAdded: Int64 | undefined
  let maxDeletedId: StreamId | undefined
  for (let arg = 3; arg < call.argc; arg += 2) {
    if (call.is(arg, 'ENTRIESADDED') && arg + 1 < call.argc) entriesAdded = call.integer(arg + 1)
    else if (call.is(arg, 'MAXDELETEDID') && arg + 1 < call.argc) maxDeletedId = call.id(arg + 1)
    else throw syntaxError()
  }
  if (entriesAdded !== undefined && entriesAdded < 0) throw new ReplyError('ERR entries_added must be positive')
  if (maxDeletedId !== undefined && lastId.compare(maxDeletedId) < 0) {
    throw new ReplyError('ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id')
  }
  const stream = call.lookup(1, StreamValue)
  if (stream === undefined) throw new ReplyError(NO_SUCH_KEY)
  checkSetId(stream, lastId, entriesAdded)
  stream.lastId.set(lastId)
  if (entriesAdded !== undefined) {
    stream.entriesAdded = entriesAdded
    stream.derived = false
  }
  if (maxDeletedId !== undefined && !maxDeletedId.isZero) stream.maxDeletedId.set(maxDeletedId)
}

function checkSetId(stream: StreamValue, lastId: StreamId, entriesAdded: Int64 | undefined): void {
  if (lastId.compare(stream.maxDeletedId) < 0) {
    throw new ReplyError('ERR The ID specified in XSETID is smaller than current max_deleted_entry_id')
  }
  if (!stream.entries.last()) return
  if (lastId.compare(stream.entries.at.id) < 0) {
    throw new ReplyError('ERR The ID specified in XSETID is smaller than the target stream top item')
  }
  if (entriesAdded !== undefined && entriesAdded < stream.size) {
    throw new ReplyError('ERR The entries_added specified in XSETID is smaller than the target stream length')
  }
}

export const streamCommands: CommandFamily = {
  XADD: keyed(-5, xadd),
  XTRIM: keyed(-4, xtrim),
  XSETID: keyed(-3, xsetid),
  ...streamReferenceCommands,
  ...streamGroupCommands,
  ...streamClaimCommands,
  ...streamReadingCommands,
  ...streamIdempotenceCommands,
}
