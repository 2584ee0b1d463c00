/** Strings, set and read anew. */
import {xxh3} from '../../bytes/xxh3.js'
import {LimitError} from '../../errors.js'
import {NEVER} from '../../keyspace/entry.js'
import {copyBytes, RecordPlace} from '../../resident/byte-table.js'
import {STRING_BYTES_MAX} from '../../resident/database.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, syntaxError, wrongArgc} from '../command.js'
import {absoluteExpiry, expiryUnit, type Unit} from '../expiry.js'
import {numberCommands} from './number.js'

const place = new RecordPlace()

const BAD_KEY_COUNT = 'ERR invalid numkeys value or out of range'

type Condition = 'NX' | 'XX' | 'IFEQ' | 'IFNE' | 'IFDEQ' | 'IFDNE'

/** What DIGEST answers (redis 8.4): XXH3 of the value. */
const DIGEST = /^[\da-f]{16}$/
const COMPARING = ['IFEQ', 'IFNE', 'IFDEQ', 'IFDNE'] as const

/** What may stand behind the value of a SET, and behind the key of a GETEX. */
class StringOptions {
  condition: Condition | undefined
  /** Argument that the condition compares with. */
  compared = 0
  gets = false
  keepsExpiry = false
  persists = false
  unit: Unit | undefined
  time = 0

  /** Throws where words stand together that cannot, as the server's parseExtendedStringArgumentsOrReply does. */
  read(call: Call, from: number): void {
    this.condition = this.unit = undefined
    this.gets = this.keepsExpiry = this.persists = false
    for (let arg = from; arg < call.argc; arg++) arg = this.#take(call, arg)
  }

  /** Takes the option at an argument, and tells its last argument. */
  #take(call: Call, arg: number): number {
    const unit = expiryUnit(call, arg)
    const last = arg + 1 < call.argc
    if (unit !== undefined) {
      if (!last || this.unit !== undefined || this.keepsExpiry || this.persists) throw syntaxError()
      this.unit = unit
      this.time = arg + 1
      return arg + 1
    }
    if (call.is(arg, 'GET')) this.gets = true
    else if (call.is(arg, 'KEEPTTL') && this.unit === undefined && !this.persists) this.keepsExpiry = true
    else if (call.is(arg, 'PERSIST') && this.unit === undefined && !this.keepsExpiry) this.persists = true
    else return this.#takeCondition(call, arg)
    return arg
  }

  #takeCondition(call: Call, arg: number): number {
    const word = call.is(arg, 'NX') ? 'NX' : call.is(arg, 'XX') ? 'XX' : undefined
    if (word !== undefined && (this.condition ?? word) === word) {
      this.condition = word
      return arg
    }
    this.condition = this.condition === undefined ? COMPARING.find(one => call.is(arg, one)) : undefined
    if (this.condition === undefined || arg + 1 >= call.argc) throw syntaxError()
    this.compared = arg + 1
    return arg + 1
  }
}

const options = new StringOptions()

/** key value [NX|XX|IFEQ v|IFNE v|IFDEQ d|IFDNE d] [GET] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] */
function set(call: Call): void {
  if (call.argc === 3) {
    call.db.expire(call.setString(1, 2), NEVER)
    return
  }
  options.read(call, 3)
  const {condition, keepsExpiry, unit, gets, persists} = options
  if (persists) throw syntaxError()
  const expireAtMs = unit === undefined ? NEVER : absoluteExpiry(call, options.time, unit, 'set')
  if (gets) call.findString(1)
  if (condition !== undefined && !isMet(call, condition)) return
  const entry = call.setString(1, 2)
  if (!keepsExpiry) call.db.expire(entry, expireAtMs)
}

function isMet(call: Call, condition: Condition): boolean {
  if (condition === 'NX' || condition === 'XX') return call.find(1) >= 0 === (condition === 'XX')
  const entry = call.findString(1)
  // Of a key that is not there, nothing is equal.
  if (entry < 0) return condition === 'IFNE' || condition === 'IFDNE'
  return isAsCompared(call, entry, condition, options.compared)
}

/** Whether a string, or its digest, is equal to an argument, or is not, as the condition wants it. */
function isAsCompared(call: Call, entry: number, condition: (typeof COMPARING)[number], arg: number): boolean {
  if (condition === 'IFEQ' || condition === 'IFNE') return isEqual(call, entry, arg) === (condition === 'IFEQ')
  const digest = call.text(arg).toLowerCase()
  if (!DIGEST.test(digest)) throw new ReplyError('ERR a digest has 16 hexadecimal characters')
  call.db.place(entry, place)
  return (xxh3(place.bytes, place.end, place.payloadEnd) === digest) === (condition === 'IFDEQ')
}

/** Whether a string is an argument. */
function isEqual(call: Call, entry: number, arg: number): boolean {
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
    call.db.expire(call.setString(1, 3), expireAtMs)
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
    const entry = call.setString(arg, arg + 1)
    if (!keepsExpiry) call.db.expire(entry, expireAtMs)
  }
}

/** numkeys key value [key value ...] [NX|XX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] (valkey 9.1, redis 8.4) */
function msetex(call: Call): void {
  const keys = call.number(1, BAD_KEY_COUNT)
  if (keys < 1 || keys > 0x7fff_ffff) throw new ReplyError(BAD_KEY_COUNT)
  const end = 2 + 2 * keys
  if (end > call.argc) throw syntaxError()
  options.read(call, end)
  const {condition, unit, gets, persists, keepsExpiry} = options
  if (gets || persists || (condition !== undefined && condition !== 'NX' && condition !== 'XX')) throw syntaxError()
  const expireAtMs = unit === undefined ? NEVER : absoluteExpiry(call, options.time, unit, 'msetex')
  setPairs(call, 2, end, condition, expireAtMs, keepsExpiry)
}

function checkBytes(bytes: number): void {
  if (bytes <= STRING_BYTES_MAX) return
  throw new LimitError('string', STRING_BYTES_MAX, bytes, 0, `a string of ${bytes} bytes is more than can be kept`)
}

/** key value */
function append(call: Call): void {
  const entry = call.findString(1)
  if (entry < 0) {
    call.setString(1, 2)
    return
  }
  const length = stringLength(call, entry)
  checkBytes(length + call.length(2))
  call.db.resize(entry, length + call.length(2))
  call.db.place(entry, place)
  copyBytes(call.bytes, call.start(2), call.end(2), place.bytes, place.end + length)
}

function stringLength(call: Call, entry: number): number {
  call.db.place(entry, place)
  return place.payloadEnd - place.end
}

/** The string at a key, made where there is none, of at least so many bytes: what is new is zero. Lent in the place. */
export function widened(call: Call, entry: number, bytes: number, into: RecordPlace): number {
  checkBytes(bytes)
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
  widened(call, entry, offset + bytes, place)
  copyBytes(call.bytes, call.start(3), call.end(3), place.bytes, place.end + offset)
}

/** key [EX s|PX ms|EXAT s|PXAT ms|PERSIST] */
function getex(call: Call): void {
  options.read(call, 2)
  const {condition, unit, gets, persists, keepsExpiry} = options
  if (gets || keepsExpiry || condition !== undefined) throw syntaxError()
  const entry = call.findString(1)
  if (entry < 0) return
  if (unit !== undefined) call.db.expire(entry, absoluteExpiry(call, options.time, unit, 'getex'))
  else if (persists) call.db.expire(entry, NEVER)
}

/** key value (valkey 9.0) */
function delifeq(call: Call): void {
  const entry = call.findString(1)
  if (entry >= 0 && isEqual(call, entry, 2)) call.db.remove(entry)
}

/** key [IFEQ v|IFNE v|IFDEQ d|IFDNE d] (redis 8.4, valkey 9.2) */
function delex(call: Call): void {
  if (call.argc === 2) {
    call.remove(1)
    return
  }
  if (call.argc !== 4) throw wrongArgc('delex')
  const condition = COMPARING.find(one => call.is(2, one))
  if (condition === undefined) throw new ReplyError('ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE')
  const entry = call.find(1)
  if (entry < 0) return
  if (call.db.value(entry) !== undefined) {
    throw new ReplyError('ERR Key should be of string type if conditions are specified')
  }
  if (isAsCompared(call, entry, condition, 3)) call.db.remove(entry)
}

export const stringCommands: CommandFamily = {
  SET: keyed(-3, set),
  SETNX: keyed(3, call => {
    if (call.find(1) < 0) call.setString(1, 2)
  }),
  SETEX: keyed(4, setWithExpiry('EX', 'setex')),
  PSETEX: keyed(4, setWithExpiry('PX', 'psetex')),
  GETSET: keyed(3, call => {
    call.findString(1)
    call.db.expire(call.setString(1, 2), NEVER)
  }),
  GETDEL: keyed(2, call => {
    if (call.findString(1) >= 0) call.remove(1)
  }),
  GETEX: keyed(-2, getex),
  DELIFEQ: keyed(3, delifeq),
  DELEX: keyed(-2, delex),
  MSET: keyed(-3, mset('mset', false)),
  MSETNX: keyed(-3, mset('msetnx', true)),
  MSETEX: {arity: -4, key: 2, run: msetex},
  APPEND: keyed(3, append),
  SETRANGE: keyed(4, setrange),
  ...numberCommands,
}
