/**
 * Writers of hashes; what each form is laid out like stands in hash.ts, beside
 * their readers.
 */
import {ElementLog} from '../../bytes/element-log.js'
import {type Int64, splitInt64} from '../../bytes/int64.js'
import {LentBytes} from '../../bytes/lent.js'
import {writeInt64Length, writeLength} from '../../encoding/length.js'
import {ListpackBuilder} from '../../encoding/listpack.js'
import {writeString} from '../../encoding/string.js'
import {type Entry, NEVER} from '../../keyspace/entry.js'
import {LOST} from '../loss-kinds.js'
import {
  TYPE_HASH,
  TYPE_HASH_22,
  TYPE_HASH_LISTPACK,
  TYPE_HASH_LISTPACK_EX,
  TYPE_HASH_METADATA,
  TYPE_HASH_ZIPLIST,
} from '../opcodes.js'
import type {Policy} from '../policy.js'
import {StringsWriter, wrongCount} from './strings-writer.js'
import {mayExpire, type ValueSink, ValueWriter} from './writer.js'

/** Ends a hash whose fields have no expiries. */
class PlainHashWriter extends StringsWriter {
  constructor(sink: ValueSink, policy: Policy) {
    const packedType = policy.packed === 'listpack' ? TYPE_HASH_LISTPACK : TYPE_HASH_ZIPLIST
    super(sink, policy, policy.hash, 2, TYPE_HASH, packedType)
  }

  pair(name: Uint8Array, nameStart: number, nameEnd: number, value: Uint8Array, start: number, end: number): void {
    this.put(name, nameStart, nameEnd)
    this.put(value, start, end)
  }
}

/** The largest expiry that redis takes for a field (ebuckets.h EB_EXPIRE_TIME_MAX). */
const FIELD_EXPIRY_MAX = 2 ** 48 - 1

/** In the place of moments before 1970, which have passed as well. */
const LONG_PASSED_MS = 1
/** Of a field without an expiry (valkey 9.0 rdb.c). */
const VALKEY_NEVER = -1

/**
 * Hashes. Where fields may expire that is settled by the last of them: they are
 * logged first. Of a target without such expiries fields that have expired are left out, and the others stay.
 */
export class HashWriter extends ValueWriter {
  readonly #plain: PlainHashWriter
  readonly #log = new ElementLog()
  readonly #packed: ListpackBuilder
  #logging = false
  /** Fields so far, those that were left out too. */
  #fields = 0
  #expiring = 0
  #minExpireAtMs: Int64 = NEVER
  #announced: number | undefined
  readonly #name = new LentBytes()
  readonly #value = new LentBytes()
  readonly #halves = {high: 0, low: 0}

  constructor(sink: ValueSink, policy: Policy) {
    super(sink, policy)
    this.#plain = new PlainHashWriter(sink, policy)
    this.#packed = new ListpackBuilder()
  }

  override begin(entry: Entry, count: number | undefined): void {
    const may = mayExpire(entry.typeId)
    this.#logging = may && this.policy.fieldExpiry !== 'none'
    this.#announced = count
    this.#fields = 0
    if (!this.#logging) {
      // How many stay is known at the end, unless none is ever left out.
      const maySkip = may && this.sink.nowMs > Number.NEGATIVE_INFINITY
      this.#plain.begin(entry, maySkip ? undefined : count)
      return
    }
    this.#log.reset()
    this.#expiring = 0
    this.#minExpireAtMs = NEVER
  }

  override field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: Int64,
  ): void {
    this.#fields++
    if (!this.#logging) {
      if (expireAtMs !== NEVER && !this.#stays(expireAtMs)) return
      this.#plain.pair(name, nameStart, nameEnd, value, valueStart, valueEnd)
      return
    }
    const log = this.#log
    log.push(name, nameStart, nameEnd)
    log.push(value, valueStart, valueEnd)
    this.#logExpiry(expireAtMs)
    log.settle()
  }

  override end(entry: Entry): void {
    const count = this.#fields
    if (this.#announced !== undefined && this.#announced !== count) throw wrongCount(entry, this.#announced, count)
    if (!this.#logging) {
      this.#plain.end(entry)
      return
    }
    this.#log.rewind()
    if (this.#expiring === 0) this.#endPlain(entry, count)
    else this.#endExpiring(count)
    this.#log.reset()
  }

  override dispose(): void {
    this.#plain.dispose()
    this.#log.close()
  }

  /** Of a target without expiries of fields: whether one that has an expiry is kept, without it. */
  #stays(expireAtMs: Int64): boolean {
    const stays = expireAtMs >= this.sink.nowMs
    this.sink.lose(stays ? LOST.fieldExpiries : LOST.expiredFields)
    return stays
  }

  /** Whether the target can tell a moment from a field that never expires. */
  #tells(expireAtMs: Int64): boolean {
    if (this.policy.fieldExpiry === 'redis') return expireAtMs >= LONG_PASSED_MS
    return expireAtMs !== 0 && expireAtMs !== VALKEY_NEVER
  }

  #logExpiry(expireAtMs: Int64): void {
    const halves = this.#halves
    halves.high = halves.low = 0
    if (expireAtMs !== NEVER && !(this.policy.fieldExpiry === 'redis' && expireAtMs > FIELD_EXPIRY_MAX)) {
      const at = this.#tells(expireAtMs) ? expireAtMs : LONG_PASSED_MS
      if (at !== expireAtMs) this.sink.lose(LOST.oldFieldExpiries)
      splitInt64(at, halves)
      this.#expiring++
      if (at < this.#minExpireAtMs) this.#minExpireAtMs = at
    } else if (expireAtMs !== NEVER) {
      this.sink.lose(LOST.farFieldExpiries)
    }
    this.#log.pushHalves(halves.high, halves.low)
  }

  /** True: the next field, and its expiry as halves, 0 where there is none. */
  #next(): boolean {
    if (!this.#log.next(this.#name)) return false
    this.#log.next(this.#value)
    this.#log.nextHalves(this.#halves)
    return true
  }

  #endPlain(entry: Entry, count: number): void {
    const plain = this.#plain
    plain.begin(entry, count)
    const [name, value] = [this.#name, this.#value]
    while (this.#next()) plain.pair(name.bytes, name.start, name.end, value.bytes, value.start, value.end)
    plain.end(entry)
  }

  #endExpiring(count: number): void {
    const {sink, policy} = this
    const {entriesMax, valueBytesMax} = policy.hash
    if (policy.fieldExpiry === 'valkey') this.#writeValkey(count)
    else if (count <= entriesMax && this.#log.bytesMax <= valueBytesMax) this.#writePacked()
    else this.#writeMetadata(count)
    sink.close()
  }

  #writeValkey(count: number): void {
    const {sink, policy} = this
    sink.open(TYPE_HASH_22)
    writeLength(sink.out, count)
    while (this.#next()) {
      const {high, low} = this.#halves
      const never = (high | low) === 0
      this.#writePair(policy)
      sink.out.i64le(never ? -1 : high, never ? 0xffff_ffff : low)
      sink.settle()
    }
  }

  #writeMetadata(count: number): void {
    const {sink, policy} = this
    const min = this.#minExpireAtMs as number
    sink.open(TYPE_HASH_METADATA)
    const {out} = sink
    splitInt64(min, this.#halves)
    out.i64le(this.#halves.high, this.#halves.low)
    writeLength(out, count)
    while (this.#next()) {
      const at = this.#halves.high * 2 ** 32 + this.#halves.low
      writeInt64Length(out, at === 0 ? 0 : at - min + 1)
      this.#writePair(policy)
      sink.settle()
    }
  }

  #writePair({compress}: Policy): void {
    const {out} = this.sink
    const name = this.#name
    const value = this.#value
    writeString(out, name.bytes, name.start, name.end, compress)
    writeString(out, value.bytes, value.start, value.end, compress)
  }

  /** Earliest first, fields without expiry last. */
  #writePacked(): void {
    const {sink} = this
    const fields: {name: Uint8Array; value: Uint8Array; at: number}[] = []
    while (this.#next()) {
      const at = this.#halves.high * 2 ** 32 + this.#halves.low
      fields.push({name: this.#name.copy(), value: this.#value.copy(), at})
    }
    fields.sort((a, b) => (a.at || FIELD_EXPIRY_MAX + 1) - (b.at || FIELD_EXPIRY_MAX + 1))
    const packed = this.#packed
    packed.reset()
    for (const {name, value, at} of fields) {
      packed.append(name, 0, name.length)
      packed.append(value, 0, value.length)
      packed.appendInteger(at)
    }
    sink.open(TYPE_HASH_LISTPACK_EX)
    splitInt64(this.#minExpireAtMs, this.#halves)
    sink.out.i64le(this.#halves.high, this.#halves.low)
    const blob = packed.finish()
    writeString(sink.out, blob, 0, blob.length, this.policy.compress)
  }
}
