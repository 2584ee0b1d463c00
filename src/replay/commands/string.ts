/** Strings, set and read anew. */
import {NEVER} from '../../keyspace/entry.js'
import {RecordPlace} from '../../resident/byte-table.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, keyless, ReplyError, syntaxError, UnreplayableError, wrongArgc} from '../command.js'
import {absoluteExpiry, expiryUnit, type Unit} from '../expiry.js'
import {numberCommands} from './number.js'

const place = new RecordPlace()

/** A string has at most this many bytes (proto-max-bulk-len). */
export const STRING_BYTES_MAX = 512 * 1024 * 1024
const TOO_LONG = 'ERR string exceeds maximum allowed size (proto-max-bulk-len)'

function setArgument(call: Call, key: number, value: number): number {
  return call.db.setString(
    ...([call.bytes, call.start(key), call.end(key)] as const),
    ...([call.bytes, call.start(value), call.end(value)] as const),
  )
}

interface SetOptions {
  condition: 'NX' | 'XX' | 'IFEQ' | 'IFNE' | undefined
  /** Argument that the condition compares with. */
  compared: number
  keepsExpiry: boolean
  unit: Unit | undefined
  time: number
}

const options: SetOptions = {condition: undefined, compared: 0, keepsExpiry: false, unit: undefined, time: 0}

/** What follows the value of a SET. */
function readSetOptions(call: Call): void {
  options.condition = undefined
  options.keepsExpiry = false
  options.unit = undefined
  for (let arg = 3; arg < call.argc; arg++) {
    if (call.is(arg, 'GET')) continue
    if (call.is(arg, 'KEEPTTL') && options.unit === undefined) options.keepsExpiry = true
    else if ((call.is(arg, 'NX') || call.is(arg, 'XX')) && options.condition === undefined) {
      options.condition = call.is(arg, 'NX') ? 'NX' : 'XX'
    } else if (call.is(arg, 'IFEQ') || call.is(arg, 'IFNE')) {
      if (options.condition !== undefined || arg + 1 >= call.argc) throw syntaxError()
      options.condition = call.is(arg, 'IFEQ') ? 'IFEQ' : 'IFNE'
      options.compared = ++arg
    } else if (call.is(arg, 'IFDEQ') || call.is(arg, 'IFDNE')) {
      throw new UnreplayableError('it compares digests of values, which only its server makes')
    } else {
      const unit = expiryUnit(call, arg)
      if (unit === undefined || options.unit !== undefined || options.keepsExpiry || arg + 1 >= call.argc) {
        throw syntaxError()
      }
      options.unit = unit
      options.time = ++arg
    }
  }
}

/** key value [NX|XX|IFEQ v|IFNE v] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] */
function set(call: Call): void {
  if (call.argc === 3) {
    call.db.expire(setArgument(call, 1, 2), NEVER)
    return
  }
  readSetOptions(call)
  const {condition, keepsExpiry, unit} = options
  const expireAtMs = unit === undefined ? NEVER : absoluteExpiry(call, options.time, unit, 'set')
  if (condition !== undefined && !isMet(call, condition)) return
  const entry = setArgument(call, 1, 2)
  if (!keepsExpiry) call.db.expire(entry, expireAtMs)
}

function isMet(call: Call, condition: NonNullable<SetOptions['condition']>): boolean {
  if (condition === 'NX' || condition === 'XX') return call.find(1) >= 0 === (condition === 'XX')
  const entry = call.findString(1)
  // Of a key that is not there, nothing is equal.
  if (entry < 0) return condition === 'IFNE'
  return isEqual(call, entry, options.compared) === (condition === 'IFEQ')
}

/** Whether a string is an argument. */
export function isEqual(call: Call, entry: number, arg: number): boolean {
  call.db.place(entry, place)
  if (place.payloadEnd - place.end !== call.length(arg)) return false
  const start = call.start(arg)
  for (let i = 0; i < call.length(arg); i++) if (place.bytes[place.end + i] !== call.bytes[start + i]) return false
  return true
}

/** key time value */
function setWithExpiry(unit: Unit, name: string): (call: Call) => void {
  return call => {
    const expireAtMs = absoluteExpiry(call, 2, unit, name)
    call.db.expire(setArgument(call, 1, 3), expireAtMs)
  }
}

/** key value [key value ...] */
function mset(name: string, onlyNew: boolean): (call: Call) => void {
  return call => {
    if (call.argc % 2 === 0) throw wrongArgc(name)
    setPairs(call, 1, call.argc, onlyNew ? 'NX' : undefined, NEVER, false)
  }
}

function setPairs(
  call: Call,
  first: number,
  end: number,
  condition: 'NX' | 'XX' | undefined,
  expireAtMs: ReturnType<typeof absoluteExpiry>,
  keepsExpiry: boolean,
): void {
  if (condition !== undefined) {
    for (let arg = first; arg < end; arg += 2) if (call.find(arg) >= 0 !== (condition === 'XX')) return
  }
  for (let arg = first; arg < end; arg += 2) {
    const entry = setArgument(call, arg, arg + 1)
    if (!keepsExpiry) call.db.expire(entry, expireAtMs)
  }
}

/** numkeys key value [key value ...] [NX|XX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] (valkey 9.1, redis 8.4) */
function msetex(call: Call): void {
  const keys = call.number(1)
  if (keys < 1 || 2 + 2 * keys > call.argc) throw new ReplyError('ERR invalid numkeys value')
  const end = 2 + 2 * keys
  let condition: 'NX' | 'XX' | undefined
  let keepsExpiry = false
  let expireAtMs: ReturnType<typeof absoluteExpiry> = NEVER
  for (let arg = end; arg < call.argc; arg++) {
    const unit = expiryUnit(call, arg)
    if (call.is(arg, 'NX') || call.is(arg, 'XX')) condition = call.is(arg, 'NX') ? 'NX' : 'XX'
    else if (call.is(arg, 'KEEPTTL')) keepsExpiry = true
    else if (unit !== undefined && arg + 1 < call.argc) expireAtMs = absoluteExpiry(call, ++arg, unit, 'msetex')
    else throw syntaxError()
  }
  setPairs(call, 2, end, condition, expireAtMs, keepsExpiry)
}

/** key value */
function append(call: Call): void {
  const entry = call.findString(1)
  if (entry < 0) {
    setArgument(call, 1, 2)
    return
  }
  const length = stringLength(call, entry)
  if (length + call.length(2) > STRING_BYTES_MAX) throw new ReplyError(TOO_LONG)
  call.db.resize(entry, length + call.length(2))
  call.db.place(entry, place)
  place.bytes.set(call.bytes.subarray(call.start(2), call.end(2)), place.end + length)
}

export function stringLength(call: Call, entry: number): number {
  call.db.place(entry, place)
  return place.payloadEnd - place.end
}

/** The string at a key, made where there is none, of at least so many bytes: what is new is zero. Lent in the place. */
export function widened(call: Call, entry: number, bytes: number, into: RecordPlace): number {
  if (entry < 0) {
    const made = call.db.makeString(call.bytes, call.start(1), call.end(1), bytes)
    call.db.place(made, into)
    into.bytes.fill(0, into.end, into.payloadEnd)
    return made
  }
  const before = stringLength(call, entry)
  if (bytes > before) call.db.resize(entry, bytes)
  call.db.place(entry, into)
  if (bytes > before) into.bytes.fill(0, into.end + before, into.payloadEnd)
  return entry
}

/** key offset value */
function setrange(call: Call): void {
  const offset = call.number(2)
  if (offset < 0) throw new ReplyError('ERR offset is out of range')
  const entry = call.findString(1)
  const bytes = call.length(3)
  if (bytes === 0) return
  if (offset + bytes > STRING_BYTES_MAX) throw new ReplyError(TOO_LONG)
  widened(call, entry, offset + bytes, place)
  place.bytes.set(call.bytes.subarray(call.start(3), call.end(3)), place.end + offset)
}

/** key [EX s|PX ms|EXAT s|PXAT ms|PERSIST] */
function getex(call: Call): void {
  const unit = call.argc > 2 ? expiryUnit(call, 2) : undefined
  const persists = call.argc === 3 && call.is(2, 'PERSIST')
  if (call.argc > 2 && !persists && (unit === undefined || call.argc !== 4)) throw syntaxError()
  const entry = call.findString(1)
  const expireAtMs = unit === undefined ? NEVER : absoluteExpiry(call, 3, unit, 'getex')
  if (entry >= 0 && (persists || unit !== undefined)) call.db.expire(entry, expireAtMs)
}

/** key value (valkey 9.0) */
function delifeq(call: Call): void {
  const entry = call.findString(1)
  if (entry >= 0 && isEqual(call, entry, 2)) call.db.remove(entry)
}

/** key [IFEQ v|IFNE v|IFDEQ d|IFDNE d] (redis 8.4) */
function delex(call: Call): void {
  if (call.argc === 2) {
    call.remove(1)
    return
  }
  if (call.argc !== 4) throw syntaxError()
  if (call.is(2, 'IFDEQ') || call.is(2, 'IFDNE')) {
    throw new UnreplayableError('it compares digests of values, which only its server makes')
  }
  if (!call.is(2, 'IFEQ') && !call.is(2, 'IFNE')) throw syntaxError()
  const entry = call.findString(1)
  if (entry >= 0 && isEqual(call, entry, 3) === call.is(2, 'IFEQ')) call.db.remove(entry)
}

export const stringCommands: CommandFamily = {
  SET: keyed(-3, set),
  SETNX: keyed(3, call => {
    if (call.find(1) < 0) setArgument(call, 1, 2)
  }),
  SETEX: keyed(4, setWithExpiry('EX', 'setex')),
  PSETEX: keyed(4, setWithExpiry('PX', 'psetex')),
  GETSET: keyed(3, call => {
    call.findString(1)
    call.db.expire(setArgument(call, 1, 2), NEVER)
  }),
  GETDEL: keyed(2, call => {
    if (call.findString(1) >= 0) call.remove(1)
  }),
  GETEX: keyed(-2, getex),
  DELIFEQ: keyed(3, delifeq),
  DELEX: keyed(-2, delex),
  MSET: keyed(-3, mset('mset', false)),
  MSETNX: keyed(-3, mset('msetnx', true)),
  MSETEX: keyless(-4, msetex),
  APPEND: keyed(3, append),
  SETRANGE: keyed(4, setrange),
  ...numberCommands,
}
