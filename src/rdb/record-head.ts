/**
 * What stands before a value: attributes of the key, the type byte, the key, as far as a target has a place for them.
 *
 *   [fc <int64 ms> | fd <int32 s>] [f8 <idle s>] [f9 <frequency>] [f3 key metadata] <type> <string: key>
 */
import {type Int64, splitInt64} from '../bytes/int64.js'
import type {ByteWriter} from '../bytes/writer.js'
import {writeLength} from '../encoding/length.js'
import {writeString} from '../encoding/string.js'
import {NEVER, type RecordHead} from '../keyspace/entry.js'
import type {LossKind} from '../keyspace/loss-report.js'
import {LOST} from './loss-kinds.js'
import * as op from './opcodes.js'
import type {Target} from './targets.js'

const EXPIRE_SECONDS_MAX = 0x7fff_ffff
/** From here on expiries are in milliseconds. */
export const EXPIRY_MS_VERSION = 3
const HINTS_VERSION = 9
const KEY_META_VERSION = 13

/** Whether key metadata can stand before a key. */
export function takesKeyMeta({family, rdbVersion}: Target): boolean {
  return family === 'redis' && rdbVersion >= KEY_META_VERSION
}

export class RecordHeadWriter {
  readonly #halves = {high: 0, low: 0}

  /** `lose` is told what has no place, once for each key. */
  constructor(
    readonly target: Target,
    readonly compress: boolean,
    readonly lose: (kind: LossKind) => void,
  ) {}

  write(out: ByteWriter, {expireAtMs, idleSeconds, frequency, keyMeta, keyBytes}: RecordHead, typeId: number): void {
    if (expireAtMs !== NEVER) this.#expiry(out, expireAtMs)
    if (idleSeconds >= 0 && this.#takesHint(LOST.idleTimes)) {
      out.u8(op.OPCODE_IDLE)
      writeLength(out, idleSeconds)
    }
    if (frequency >= 0 && this.#takesHint(LOST.frequencies)) {
      out.u8(op.OPCODE_FREQ)
      out.u8(frequency)
    }
    if (keyMeta !== undefined) this.#keyMeta(out, keyMeta)
    out.u8(typeId)
    writeString(out, keyBytes.bytes, keyBytes.start, keyBytes.end, this.compress)
  }

  #expiry(out: ByteWriter, expireAtMs: Int64): void {
    if (this.target.rdbVersion >= EXPIRY_MS_VERSION) {
      out.u8(op.OPCODE_EXPIRETIME_MS)
      splitInt64(expireAtMs, this.#halves)
      out.i64le(this.#halves.high, this.#halves.low)
      return
    }
    const exact = Number(expireAtMs) / 1000
    if (exact > EXPIRE_SECONDS_MAX) {
      this.lose(LOST.farExpiries)
      return
    }
    // Whatever lies before 1970 has passed; -1 would be no expiry at all (redis 2.4 rdb.c).
    const seconds = Math.max(0, Math.ceil(exact))
    if (seconds !== exact) this.lose(LOST.expiryMilliseconds)
    out.u8(op.OPCODE_EXPIRETIME)
    out.u32le(seconds)
  }

  #keyMeta(out: ByteWriter, meta: Uint8Array): void {
    if (!takesKeyMeta(this.target)) {
      this.lose(LOST.keyMeta)
      return
    }
    out.u8(op.OPCODE_KEY_META_OR_SLOT_IMPORT)
    out.copy(meta, 0, meta.length)
  }

  #takesHint(kind: LossKind): boolean {
    if (this.target.rdbVersion >= HINTS_VERSION) return true
    this.lose(kind)
    return false
  }
}
