/**
 * Values stored element by element: lists, sets, sorted sets, hashes.
 */
import {readUint32le} from '../../bytes/int64.js'
import {LentBytes} from '../../bytes/lent.js'
import * as op from '../../rdb/opcodes.js'
import {scanned} from './scores.js'
import {
  HASH_PACKED_MAX,
  INTSET_MAX,
  type LoadContext,
  type Loaded,
  PACKED_BYTES_MAX,
  type ValueLoad,
} from './value-load.js'

/** A table of pointers below this many is no matter of memory. */
const TABLE_MIN = 5
/** The latest time of a field, and what stands for none (redis 7.4 ebuckets.h). */
const FIELD_TIME_MAX = 2 ** 48 - 1
const FIELD_TIME_INVALID = 2 ** 48
const SCORE_NAN = 253
const SCORE_WORDS = 253

export class CountedLoad implements ValueLoad {
  #typeId = 0
  #left = -1
  /** The hash is a packed one so far, and has a field twice. */
  #packed = false
  #packedTwice = false
  #distinct = false
  #minExpire = 0
  #kept = 0
  readonly #name = new LentBytes(0)

  constructor(readonly context: LoadContext) {}

  begin(typeId: number): void {
    this.#typeId = typeId
    this.#left = -1
    this.#packedTwice = false
    this.#kept = 0
  }

  read(): Loaded {
    const {cursor, loader} = this.context
    if (this.#left < 0) {
      if (this.#typeId === op.TYPE_HASH_METADATA) this.#readMinExpire()
      const count = this.context.strings.length()
      if (count === 0) return loader.emptyKeys === 'skipped' ? 'empty' : 'whole'
      this.#start(count)
      this.#left = count
      cursor.commit()
    }
    while (this.#left > 0) {
      this.#element()
      this.#left--
      cursor.commit()
    }
    const dropped = this.#isValkeyHash && this.#kept === 0
    return dropped ? 'expired' : 'whole'
  }

  get #isHash(): boolean {
    return this.#typeId === op.TYPE_HASH || this.#typeId === op.TYPE_HASH_22 || this.#typeId === op.TYPE_HASH_METADATA
  }

  get #isValkeyHash(): boolean {
    return this.#typeId === op.TYPE_HASH_22 && this.context.loader.target.family === 'valkey'
  }

  #readMinExpire(): void {
    const {cursor, obstacles} = this.context
    const low = cursor.u32le()
    this.#minExpire = cursor.u32le() * 2 ** 32 + low
    if (this.#minExpire <= FIELD_TIME_INVALID) return
    obstacles.add('refuses', 'BAD_EXPIRY', 'the first of the fields that expire does so at no time a server takes')
  }

  /** The count is known, and that it is not 0. */
  #start(count: number): void {
    const {loader, strings, elements, recordOffset} = this.context
    const type = this.#typeId
    this.#packed = this.#isHash && count <= HASH_PACKED_MAX && !this.#isValkeyHash
    const tabled = type !== op.TYPE_LIST && !this.#packed && (type !== op.TYPE_SET || count > INTSET_MAX)
    if (tabled && count >= TABLE_MIN && loader.noMemory === 'crashes') strings.table(count)
    const isMembers = type === op.TYPE_SET || type === op.TYPE_ZSET || type === op.TYPE_ZSET_2
    this.#distinct = this.#isHash || (isMembers && loader.duplicateMembers === 'refused')
    if (this.#distinct) elements.begin(count, recordOffset)
  }

  #element(): void {
    const {strings} = this.context
    switch (this.#typeId) {
      case op.TYPE_LIST:
        strings.pass()
        return
      case op.TYPE_SET:
        strings.read(this.#name)
        if (this.#again()) this.#refuse('a member of a set')
        return
      case op.TYPE_ZSET:
      case op.TYPE_ZSET_2:
        this.#scored()
        return
      default:
        this.#field()
    }
  }

  /** Whether what was read last is there already. */
  #again(): boolean {
    if (!this.#distinct) return false
    const {bytes, start, end} = this.#name
    return this.context.elements.add(bytes, start, end)
  }

  #refuse(what: string): void {
    this.context.obstacles.add('refuses', 'DUPLICATE_ELEMENT', `${what} is there twice`)
  }

  #scored(): void {
    const {strings, loader, obstacles} = this.context
    strings.read(this.#name)
    const isNan = this.#typeId === op.TYPE_ZSET_2 ? this.#binaryNan() : this.#textNan()
    if (isNan) obstacles.add(loader.nanScore, 'BAD_SCORE', 'the score of a member is not a number')
    // What starves is read again: nothing is remembered before all of the element is there.
    if (this.#again()) this.#refuse('a member of a sorted set')
  }

  #binaryNan(): boolean {
    const {cursor} = this.context
    const at = cursor.take(8)
    const high = readUint32le(cursor.bytes, at + 4)
    return (high & 0x7ff0_0000) === 0x7ff0_0000 && ((high & 0xf_ffff) !== 0 || readUint32le(cursor.bytes, at) !== 0)
  }

  #textNan(): boolean {
    const {cursor, loader, obstacles} = this.context
    const size = cursor.u8()
    if (size >= SCORE_WORDS) return size === SCORE_NAN
    const at = cursor.take(size)
    const text = Buffer.from(cursor.bytes.subarray(at, at + size))
      .toString('latin1')
      .split('\0')[0]!
    const score = scanned(text)
    // Redis 6.0 goes on with the score it read before, or with what the memory held.
    if (score === 'nothing' && loader.ziplists !== 'believed') {
      obstacles.add('refuses', 'BAD_SCORE', 'the score of a member is not a number')
    } else if (score === 'unsure' && loader.ziplists !== 'believed') {
      obstacles.add('unsure', 'BAD_SCORE', 'the score of a member is a number to some C libraries')
    }
    return score === 'nan'
  }

  #field(): void {
    const {strings, obstacles} = this.context
    const expires = this.#typeId === op.TYPE_HASH ? 0 : this.#isValkeyHash ? 0 : this.#redisExpiry()
    strings.read(this.#name)
    const {bytes, start, end} = this.#name
    const valueBytes = strings.pass()
    if (this.#isValkeyHash) {
      this.#valkeyField(bytes, start, end)
      return
    }
    if (expires > FIELD_TIME_MAX) {
      obstacles.add('refuses', 'BAD_EXPIRY', `a field expires at ${expires} ms, which is no time a server takes`)
    }
    this.#plainField(this.#again(), end - start > PACKED_BYTES_MAX || valueBytes > PACKED_BYTES_MAX)
  }

  #redisExpiry(): number {
    const time = this.context.strings.length64()
    if (this.#typeId === op.TYPE_HASH_22 || time === 0) return time
    // Of 64 bits, which may overflow.
    return (time + this.#minExpire - 1) % 2 ** 64
  }

  /** A hash whose fields are there twice is taken as long as it is packed, and breaks when it is unpacked. */
  #plainField(again: boolean, long: boolean): void {
    const {loader, obstacles} = this.context
    if (this.#packed && again) {
      if (loader.listpacks === 'walked') this.#refuse('a field')
      else if (!long) this.#packedTwice = true
    }
    if (this.#packed && long) {
      this.#packed = false
      if (this.#packedTwice) {
        obstacles.add('crashes', 'DUPLICATE_ELEMENT', 'a field is there twice in a hash that is unpacked')
      }
    }
    if (!this.#packed && again) this.#refuse('a field')
  }

  #valkeyField(bytes: Uint8Array, start: number, end: number): void {
    const {cursor, loader, obstacles, nowMs, elements} = this.context
    const low = cursor.u32le()
    const time = (cursor.u32le() | 0) * 2 ** 32 + low
    if (time < -1)
      obstacles.add('refuses', 'BAD_EXPIRY', `a field expires at ${time} ms, which is no time a server takes`)
    if (loader.dropsExpiredFields && time !== -1 && time < nowMs) return
    this.#kept++
    if (elements.add(bytes, start, end)) this.#refuse('a field')
  }
}
