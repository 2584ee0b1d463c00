/**
 * A command as it is being run: its arguments, as what they stand for, and the
 * data set that it changes. One object, filled anew for every command.
 */
import {parseDouble} from '../bytes/decimal.js'
import {type Halves, type Int64, parseInt64, signedInt64} from '../bytes/int64.js'
import {StreamId} from '../encoding/stream-id.js'
import type {Database} from '../resident/database.js'
import type {Keyspace} from '../resident/keyspace.js'
import type {ResidentValue} from '../resident/value.js'
import {NOT_FLOAT, NOT_INTEGER, ReplyError, syntaxError, WRONG_TYPE} from './command.js'

/** A class of values: how they are told from others, and how an empty one is made. */
export interface ValueClass<T extends ResidentValue> {
  new (arena: Keyspace['arena']): T
}

const UPPER = 0xdf

export class Call {
  /** Where the arguments lie. Lent. */
  bytes: Uint8Array = new Uint8Array(0)
  /** Arguments, the name included. */
  argc = 0
  /** Start and end of each argument in `bytes`. */
  bounds: Int32Array = new Int32Array(0)
  /** The selected database and its number. */
  db: Database
  dbNumber = 0
  /** What relative expiries count from: the log's last timestamp, else when the replay began. */
  nowMs: number
  /** When the replay began: a server that loads the log takes this for the present. */
  readonly loadedAtMs: number
  readonly #halves: Halves = {high: 0, low: 0}

  constructor(
    readonly keyspace: Keyspace,
    nowMs: number,
  ) {
    this.nowMs = this.loadedAtMs = nowMs
    this.db = keyspace.database(0)
  }

  select(number: number): void {
    this.dbNumber = number
    this.db = this.keyspace.database(number)
  }

  start(arg: number): number {
    return this.bounds[2 * arg]!
  }

  end(arg: number): number {
    return this.bounds[2 * arg + 1]!
  }

  /** Bytes of an argument. */
  length(arg: number): number {
    return this.bounds[2 * arg + 1]! - this.bounds[2 * arg]!
  }

  copy(arg: number): Uint8Array {
    return this.bytes.slice(this.start(arg), this.end(arg))
  }

  /** An argument as text, one character a byte. */
  text(arg: number): string {
    return Buffer.prototype.latin1Slice.call(this.bytes, this.start(arg), this.end(arg))
  }

  /** Whether an argument is this word of capitals, in whatever case. */
  is(arg: number, word: string): boolean {
    if (arg >= this.argc) return false
    const start = this.start(arg)
    if (this.end(arg) - start !== word.length) return false
    for (let i = 0; i < word.length; i++) {
      const code = word.charCodeAt(i)
      const byte = this.bytes[start + i]!
      if (byte !== code && (code < 0x41 || code > 0x5a || (byte & UPPER) !== code)) return false
    }
    return true
  }

  /** Throws where an argument is no 64-bit integer as servers read them: no plus, no leading zeros. */
  integer(arg: number, message = NOT_INTEGER): Int64 {
    this.halves(arg, message)
    return signedInt64(this.#halves.high, this.#halves.low)
  }

  /** The same as halves, lent. */
  halves(arg: number, message = NOT_INTEGER): Halves {
    if (arg >= this.argc) throw syntaxError()
    if (!parseInt64(this.bytes, this.start(arg), this.end(arg), this.#halves)) throw new ReplyError(message)
    return this.#halves
  }

  /** An integer as a double: for ranks, counts and indexes, which are cut to what there is anyway. */
  number(arg: number, message = NOT_INTEGER): number {
    return Number(this.integer(arg, message))
  }

  /** The number of a database: how many there are, the log does not say. */
  databaseNumber(arg: number, message = NOT_INTEGER): number {
    const number = this.integer(arg, message)
    if (typeof number !== 'number' || number < 0 || number > 0x7fff_ffff) {
      throw new ReplyError('ERR DB index is out of range')
    }
    return number
  }

  /** Throws where an argument is no double, or NaN. */
  double(arg: number, message = NOT_FLOAT): number {
    if (arg >= this.argc) throw syntaxError()
    const start = this.start(arg)
    const end = this.end(arg)
    const value = parseDouble(this.bytes, start, end)
    if (value === undefined || Number.isNaN(value) || isBeyond(value, this.bytes, start, end)) {
      throw new ReplyError(message)
    }
    return value
  }

  /** `ms-seq`, or `ms` alone with a sequence number that is given. Throws for anything else, `*` too. */
  id(arg: number, missingSeq: '0' | '18446744073709551615' = '0'): StreamId {
    if (arg >= this.argc) throw syntaxError()
    const id = this.idOrNone(arg, missingSeq)
    if (id === undefined) throw new ReplyError('ERR Invalid stream ID specified as stream command argument')
    return id
  }

  /** The same; undefined for anything else. */
  idOrNone(arg: number, missingSeq: '0' | '18446744073709551615' = '0'): StreamId | undefined {
    const id = new StreamId()
    if (id.parseBytes(this.bytes, this.start(arg), this.end(arg))) return id
    const text = this.text(arg)
    return StreamId.parse(text.includes('-') ? text : `${text}-${missingSeq}`)
  }

  /** The number of the key that an argument names; -1 where there is none. */
  find(arg: number): number {
    return this.db.find(this.bytes, this.start(arg), this.end(arg))
  }

  /** The value at a key; undefined where there is no such key. Throws where it is of another kind. */
  lookup<T extends ResidentValue>(arg: number, kind: ValueClass<T>): T | undefined {
    const entry = this.find(arg)
    if (entry < 0) return undefined
    const value = this.db.value(entry)
    if (!(value instanceof kind)) throw new ReplyError(WRONG_TYPE)
    this.db.touch(entry)
    return value
  }

  /** The same; made where there is no such key. The caller sees to it that it does not stay empty. */
  open<T extends ResidentValue>(arg: number, kind: ValueClass<T>): T {
    return this.lookup(arg, kind) ?? this.make(arg, new kind(this.keyspace.arena))
  }

  /** Makes a key that is not there. */
  make<T extends ResidentValue>(arg: number, value: T): T {
    this.db.make(this.bytes, this.start(arg), this.end(arg), value)
    return value
  }

  /** The number of a string's key; -1 where there is none. Throws where the value is of another kind. */
  findString(arg: number): number {
    const entry = this.find(arg)
    if (entry < 0) return -1
    if (!this.db.isString(entry)) throw new ReplyError(WRONG_TYPE)
    this.db.touch(entry)
    return entry
  }

  /** A key is the string that an argument says from now on, whatever it was; returns its number. Its expiry stays. */
  setString(keyArg: number, valueArg: number): number {
    const {bytes, db} = this
    const valueStart = this.start(valueArg)
    const valueEnd = this.end(valueArg)
    return db.setString(bytes, this.start(keyArg), this.end(keyArg), bytes, valueStart, valueEnd)
  }

  /** Removes a key where it is there; whether it was. */
  remove(arg: number): boolean {
    const entry = this.find(arg)
    if (entry < 0) return false
    this.db.remove(entry)
    return true
  }

  /** Collections without elements are no keys. */
  removeIfEmpty(arg: number, value: ResidentValue): void {
    if (value.size === 0) this.remove(arg)
  }
}

/** Whether digits say more than the infinity, or the nought, that was made of them: servers refuse that (strtod's ERANGE). */
function isBeyond(value: number, bytes: Uint8Array, start: number, end: number): boolean {
  if (value !== 0 && Number.isFinite(value)) return false
  const least = value === 0 ? 0x31 : 0x30
  for (let p = start; p < end; p++) {
    const byte = bytes[p]!
    if (byte >= least && byte <= 0x39) return true
    if ((byte | 0x20) === 0x65) return false
  }
  return false
}
