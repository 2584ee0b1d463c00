/** Streams: their entries. */
import type {Int64} from '../../bytes/int64.js'
import {StreamId} from '../../encoding/stream-id.js'
import {StreamValue} from '../../resident/stream.js'
import type {Call} from '../call.js'
import {
  type CommandFamily,
  keyed,
  NO_SUCH_KEY,
  ReplyError,
  syntaxError,
  UnreplayableError,
  wrongArgc,
} from '../command.js'
import {streamGroupCommands} from './stream-group.js'
import {streamReadingCommands} from './stream-reading.js'
import {isReferenced, type References, referencesAt, removeEntry} from './stream-references.js'

interface Trim {
  by: 'MAXLEN' | 'MINID' | undefined
  /** Only what is in whole nodes. */
  approximate: boolean
  count: number
  id: StreamId
  /** At most so many entries, about; 0 all. */
  limit: number
  references: References
}

const trim: Trim = {by: undefined, approximate: false, count: 0, id: new StreamId(), limit: 0, references: 'KEEPREF'}

/** An approximate trimming looks at no more than this unless told (100 nodes of 100 entries). */
const LIMIT = 10_000

/** MAXLEN|MINID [=|~] threshold [LIMIT n]: the argument behind it. */
function trimAt(call: Call, at: number): number {
  if (trim.by !== undefined)
    throw new ReplyError('ERR syntax error, MAXLEN and MINID options at the same time are not compatible')
  trim.by = call.is(at, 'MAXLEN') ? 'MAXLEN' : 'MINID'
  let arg = at + 1
  if (call.is(arg, '~') || call.is(arg, '=')) trim.approximate = call.is(arg++, '~')
  if (arg >= call.argc) throw syntaxError()
  if (trim.by === 'MAXLEN') {
    trim.count = call.number(arg)
    if (trim.count < 0) throw new ReplyError('ERR The MAXLEN argument must be >= 0.')
  } else {
    trim.id.set(call.id(arg))
  }
  arg++
  trim.limit = trim.approximate ? LIMIT : 0
  return arg
}

function readLimit(call: Call, arg: number): void {
  trim.limit = call.number(arg)
  if (trim.limit < 0) throw new ReplyError('ERR The LIMIT argument must be >= 0.')
  if (!trim.approximate) throw new ReplyError('ERR syntax error, LIMIT cannot be used without the special ~ option')
}

/** Removes from the front what is beyond. */
function applyTrim(stream: StreamValue): void {
  const {entries} = stream
  if (trim.by === undefined || entries.size === 0) return
  const beyond = trim.by === 'MAXLEN' ? entries.size - trim.count : entries.before(trim.id)
  if (beyond <= 0) return
  const most = trim.limit > 0 ? Math.min(beyond, trim.limit) : beyond
  if (trim.references === 'KEEPREF') {
    entries.dropFirst(most, trim.approximate)
    return
  }
  const ids: StreamId[] = []
  entries.each(undefined, ({id}) => {
    if (ids.length < most) ids.push(id.copy())
    return ids.length < most
  })
  for (const id of ids)
    if (trim.references === 'DELREF' || !isReferenced(stream, id)) removeEntry(stream, id, trim.references)
}

interface GivenId {
  /** `*`: of now. */
  auto: boolean
  /** `ms-*` */
  autoSeq: boolean
}

const given: GivenId = {auto: false, autoSeq: false}
const id = new StreamId()

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

/** Completes the ID of an entry that is added to a stream. */
function completeId(call: Call, {lastId}: StreamValue): void {
  if (given.auto) {
    id.set(StreamId.of(call.nowMs, 0))
    if (id.compare(lastId) > 0) return
    id.set(lastId)
    increment(id)
  } else if (given.autoSeq && id.msHigh === lastId.msHigh && id.msLow === lastId.msLow) {
    id.set(lastId)
    increment(id)
  } else if (given.autoSeq && id.ms === 0) {
    id.setSeq(1)
  }
}

/** The next ID of all. */
export function increment(of: StreamId): void {
  if (of.seqHigh === 0xffff_ffff && of.seqLow === 0xffff_ffff) {
    of.setSeq(0)
    of.add(0, 1, 0, 0)
  } else {
    of.add(0, 0, 0, 1)
  }
}

const idempotence = (): never => {
  throw new UnreplayableError(
    'whether it has been added before is known only to its server (idempotent production, redis 8.6)',
  )
}

/** key [NOMKSTREAM] [KEEPREF|DELREF|ACKED] [IDMP ...] [MAXLEN|MINID ...] ID field value [field value ...] */
function xadd(call: Call): void {
  trim.by = undefined
  trim.approximate = false
  trim.references = 'KEEPREF'
  let makes = true
  let limitArg = 0
  let arg = 2
  for (; arg < call.argc; arg++) {
    const byte = call.bytes[call.start(arg)]!
    // An ID is no word.
    if (byte >= 0x30 && byte <= 0x39) break
    const references = referencesAt(call, arg)
    if (call.is(arg, 'MAXLEN') || call.is(arg, 'MINID')) arg = trimAt(call, arg) - 1
    else if (call.is(arg, 'LIMIT') && arg + 1 < call.argc) limitArg = ++arg
    else if (call.is(arg, 'NOMKSTREAM')) makes = false
    else if (references !== undefined) trim.references = references
    else if (call.is(arg, 'IDMP') || call.is(arg, 'IDMPAUTO')) idempotence()
    else break
  }
  if (limitArg > 0) readLimit(call, limitArg)
  const fields = arg + 1
  if (call.argc - fields < 2 || (call.argc - fields) % 2 !== 0) throw wrongArgc('xadd')
  readId(call, arg)
  if (!given.auto && !given.autoSeq && id.isZero) {
    throw new ReplyError('ERR The ID specified in XADD must be greater than 0-0')
  }
  addEntry(call, fields, makes)
}

function addEntry(call: Call, fields: number, makes: boolean): void {
  const there = call.lookup(1, StreamValue)
  if (there === undefined && !makes) return
  const stream = there ?? call.make(1, new StreamValue(call.keyspace.arena))
  completeId(call, stream)
  if (id.compare(stream.lastId) <= 0) {
    throw new ReplyError('ERR The ID specified in XADD is equal or smaller than the target stream top item')
  }
  stream.append(id, {bytes: call.bytes, bounds: call.bounds, first: fields, end: call.argc})
  applyTrim(stream)
}

/** key MAXLEN|MINID [=|~] threshold [LIMIT n] [KEEPREF|DELREF|ACKED] */
function xtrim(call: Call): void {
  trim.by = undefined
  trim.approximate = false
  trim.references = 'KEEPREF'
  for (let arg = 2; arg < call.argc; ) {
    const references = referencesAt(call, arg)
    if (call.is(arg, 'MAXLEN') || call.is(arg, 'MINID')) arg = trimAt(call, arg)
    else if (call.is(arg, 'LIMIT') && arg + 1 < call.argc) {
      readLimit(call, arg + 1)
      arg += 2
    } else if (references !== undefined) {
      trim.references = references
      arg++
    } else throw syntaxError()
  }
  if (trim.by === undefined)
    throw new ReplyError('ERR syntax error, XTRIM must be called with either MAXLEN or MINID option')
  const stream = call.lookup(1, StreamValue)
  if (stream !== undefined) applyTrim(stream)
}

function xdel(call: Call): void {
  const stream = call.lookup(1, StreamValue)
  if (stream === undefined) return
  const ids: StreamId[] = []
  for (let arg = 2; arg < call.argc; arg++) ids.push(call.id(arg))
  for (const one of ids) stream.remove(one)
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

const notEstablished = (): never => {
  throw new UnreplayableError('what it does to a stream is not established')
}

export const streamCommands: CommandFamily = {
  XADD: keyed(-5, xadd),
  XTRIM: keyed(-4, xtrim),
  XDEL: keyed(-3, xdel),
  XSETID: keyed(-3, xsetid),
  XCFGSET: keyed(-4, notEstablished),
  XIDMPRECORD: keyed(5, notEstablished),
  XNACK: keyed(-5, notEstablished),
  ...streamGroupCommands,
  ...streamReadingCommands,
}
