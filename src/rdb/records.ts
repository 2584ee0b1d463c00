/**
 * The grammar of an RDB file, above its values: synchronous, over a window.
 *
 *   magic version                          9 bytes
 *   record*
 *   ff [checksum: CRC-64 LE, from version 5]
 *
 *   record   fa <string name> <string value>                   AUX
 *            fe <db>                                           SELECTDB
 *            fb <keys> <expires>                               RESIZEDB
 *            f5 <string source>                                FUNCTION2
 *            f7 <module id> <2> <when> item* <0>               MODULE_AUX
 *            f4 <slot> <keys> <expires>                        SLOT_INFO
 *            f3 <string job> <n> (<first> <last>)*             SLOT_IMPORT (valkey)
 *            f2 <id> <n> <string>*                             HASH_TEMPLATE
 *            attribute* <type> <string key> value
 *   attribute  fc <int64 ms> | fd <int32 s> | f8 <idle s> | f9 <u8 frequency>
 *              f3 <n> (<u32 class> item* <0>)*                 KEY_META (redis)
 *              dc <u32 flags>                                  Dragonfly
 *
 * Attributes may come in any order and hold for one key only. AUX may stand
 * anywhere between records; without SELECTDB the database is 0.
 */
import type {Checksum64} from '../bytes/crc64.js'
import type {ByteCursor} from '../bytes/cursor.js'
import {readUint32le} from '../bytes/int64.js'
import {readPlainLength} from '../encoding/length.js'
import {readString, stringEncoding} from '../encoding/string.js'
import {type FormatError, type LimitError, UsageError} from '../errors.js'
import {Entry} from '../keyspace/entry.js'
import {type Depth, type EntryVisitor, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {EXPIRY_BYTES, passCommonStrings, SHORT_HEADER_BYTES} from './common-strings.js'
import * as op from './opcodes.js'
import {OtherRecords} from './other-records.js'
import {passTogether, takeTogether} from './passing.js'
import {HashTemplates} from './value/hash-template.js'
import type {ValueReader} from './value/reader.js'
import {valueReaders} from './value/table.js'
import {CHECKSUM_VERSION_MIN, MAGIC_BYTES, parseMagic, type RdbHeader} from './versions.js'

/** What the file says of its own checksum, and what the bytes say. `absent`: none stored, or switched off (zero). */
export type ChecksumVerdict = 'ok' | 'absent' | 'mismatch'

/** What was read: all up to the value of a key, something that is no key, the end of the file. */
export type RecordKind = 'key' | 'other' | 'end'

/** Below this high half a 64-bit time is exact in a double. */
const EXACT_HIGH_END = 0x20_0000
const CHECKSUM_BYTES = 8

/** What a visitor's entry() is told that answers with something else. */
export const NO_ANSWER = 'entry() must answer with a ValueVisitor: SKIP to pass over the value'

const DEPTHS: readonly unknown[] = ['skip', 'raw', 'nodes', 'elements'] satisfies Depth[]

export class RecordReader {
  readonly entry = new Entry()
  header: RdbHeader | undefined
  checksum: ChecksumVerdict | undefined
  /** At the end of the file: the checksum of what was read, and the one that is stored; undefined where there is none. */
  footer: {computed: Checksum64; stored: Checksum64} | undefined
  /** Whether a key has been read and its value is not finished. */
  inValue = false
  /** What is wrong inside of the value whose rest is being passed over. */
  damage: FormatError | LimitError | undefined
  #damageVisitor: EntryVisitor | undefined
  /** Start of the record being read. */
  recordOffset = 0
  #readers: readonly (ValueReader | undefined)[] = []
  #names: ReturnType<typeof op.typesOf> = {}
  #reader!: ValueReader
  #value: ValueVisitor = SKIP
  #valueDone = false
  /** In the window: from where stored bytes have not been shown to a visitor at depth raw; -1 when none wants them. */
  #tapFrom = -1
  /** An attribute of the next key has been read. */
  #attributed = false
  readonly #others: OtherRecords
  #keyScratch = new Uint8Array(256)

  /** `templates`: those that hashes may refer to, where this is a part of a file only. */
  constructor(
    readonly cursor: ByteCursor,
    readonly templates = new HashTemplates(),
  ) {
    this.#others = new OtherRecords(cursor, this.entry, templates)
  }

  /** Reads magic and version. */
  readHeader(): RdbHeader {
    const offset = this.cursor.offset
    const start = this.cursor.take(MAGIC_BYTES)
    const header = parseMagic(this.cursor.bytes, start, offset)
    this.begin(header)
    this.cursor.commit()
    return header
  }

  /** What is read has this header, wherever that stands. */
  begin(header: RdbHeader): void {
    this.#readers = valueReaders(header, this.templates)
    this.#names = op.typesOf(header.family)
    this.header = header
  }

  /** Where the record begins that is not finished, or the next one, once the cursor has been rewound. */
  get boundary(): number {
    return this.inValue || this.#attributed ? this.recordOffset : this.cursor.offset
  }

  /** Shows the visitor everything up to the end of the file; throws STARVED in between. */
  readAll(visitor: EntryVisitor): void {
    for (;;) {
      if (!this.inValue) {
        if (!this.#attributed) this.#passCommon(visitor)
        if (!this.inValue) {
          if (!this.readKey(visitor)) return
          this.answer(visitor.entry(this.entry))
        }
      }
      this.readValue()
    }
  }

  /**
   * The same up to the first record that begins at `until` or behind, and behind a key where `isBehindKey`; record by
   * record. False: the file has ended.
   */
  readUpTo(visitor: EntryVisitor, until: number, isBehindKey: boolean): boolean {
    const {cursor, entry} = this
    for (;;) {
      if (!this.inValue) {
        if (!this.#attributed && cursor.offset >= until && (entry.endOffset > 0 || !isBehindKey)) return true
        const kind = this.readOne(visitor)
        if (kind === 'end') return false
        if (kind === 'other') continue
        this.answer(visitor.entry(entry))
      }
      this.readValue()
    }
  }

  /**
   * Reads on to the next key, showing the visitor what stands between, or to
   * the end of the file. True: `answer` and `readValue` must follow. False: the
   * file has ended.
   */
  readKey(visitor: EntryVisitor): boolean {
    for (;;) {
      const kind = this.readOne(visitor)
      if (kind !== 'other') return kind === 'key'
    }
  }

  /** One record: of a key all that stands before its value. */
  readOne(visitor: EntryVisitor): RecordKind {
    const {cursor, entry} = this
    if (this.#readCommonKey()) return 'key'
    for (;;) {
      if (!this.#attributed) this.recordOffset = cursor.offset
      const byte = cursor.u8()
      const reader = this.#readers[byte]
      if (reader !== undefined) {
        readString(cursor, entry.keyBytes)
        // A window lasts until the next refill, a decompression slot only until the next compressed element; both may lie in
        // the kernels' memory.
        if (entry.keyBytes.bytes !== cursor.bytes || entry.keyBytes.end !== cursor.pos) this.#keepKey()
        this.#open(byte, reader)
        cursor.commit()
        return 'key'
      }
      if (byte === op.OPCODE_EXPIRETIME_MS) {
        entry.expireAtMs = cursor.i64le()
        this.#attributed = true
      } else if (byte === op.OPCODE_EOF) {
        this.#footer()
        return 'end'
      } else {
        this.#opcode(byte, visitor)
      }
      cursor.commit()
      if (!this.#attributed) return 'other'
    }
  }

  /** Whatever was being read is forgotten: the cursor stands at the beginning of a record. */
  restart(): void {
    this.inValue = false
    this.damage = undefined
    this.#attributed = false
    this.entry.clearAttributes()
    this.abandon()
  }

  /**
   * The commonest record, on locals: at most an expiry in milliseconds, a type
   * and a short key, all in the window. False: nothing was read.
   */
  #readCommonKey(): boolean {
    const {cursor, entry} = this
    const {bytes, end} = cursor
    const start = cursor.pos
    if (this.#attributed || start + SHORT_HEADER_BYTES > end) return false
    let at = start
    let byte = bytes[at]!
    if (byte === op.OPCODE_EXPIRETIME_MS) {
      const high = readUint32le(bytes, at + 5)
      if (high >= EXACT_HIGH_END) return false
      entry.expireAtMs = high * 2 ** 32 + readUint32le(bytes, at + 1)
      at += EXPIRY_BYTES
      byte = bytes[at]!
    }
    const reader = this.#readers[byte]
    let keyLength = bytes[at + 1]!
    at += 2
    if (keyLength >= 0x40) {
      if (keyLength >= 0x80) return false
      keyLength = ((keyLength & 0x3f) << 8) | bytes[at++]!
    }
    if (reader === undefined || at + keyLength > end) return false
    entry.keyBytes.lend(bytes, at, at + keyLength)
    this.recordOffset = cursor.base + start
    cursor.pos = at + keyLength
    this.#open(byte, reader)
    cursor.commit()
    return true
  }

  #passCommon(visitor: EntryVisitor): void {
    const {cursor, entry} = this
    if (visitor.passer !== undefined && passTogether(cursor, entry, visitor.passer)) return
    if (visitor.take !== undefined && takeTogether(cursor, entry, visitor)) return
    const value = passCommonStrings(cursor, entry, visitor)
    if (value === undefined) return
    this.recordOffset = entry.offset
    this.#open(op.TYPE_STRING, this.#readers[op.TYPE_STRING]!)
    cursor.commit()
    this.answer(value)
  }

  /** Looks at how the value of the key just read is encoded, where only the value tells. */
  lookAhead(): true {
    if (this.entry.typeId === op.TYPE_STRING) this.entry.encoding = stringEncoding(this.cursor.peek())
    return true
  }

  /** Says who reads the value of the key just read. */
  answer(value: ValueVisitor): void {
    if (value !== this.#value) checkAnswer(value)
    this.#value = value
    if (value.depth !== 'raw') return
    value.begin(this.entry, undefined)
    this.#tapFrom = this.cursor.pos
  }

  /** Nobody wants the rest of the value that has been begun: it is passed over from the last commit. */
  abandon(): void {
    this.#value = SKIP
    this.#tapFrom = -1
  }

  /**
   * The rest of a damaged value is passed over from the last commit. Once that has shown where the value ends, `visitor`
   * is told the damage, and whoever reads the value its end.
   */
  passRest(damage: FormatError | LimitError, visitor: EntryVisitor): void {
    this.damage = damage
    this.#damageVisitor = visitor
  }

  tellDamage(): void {
    this.#damageVisitor!.damage!(this.damage!, this.entry)
    this.damage = undefined
  }

  /** Reads the value of the key last shown; throws STARVED in between. */
  readValue(): void {
    const {cursor, entry} = this
    const visitor = this.#value
    if (!this.#valueDone) {
      this.#reader.read(cursor, this.damage !== undefined || visitor.depth === 'raw' ? SKIP : visitor)
      cursor.commit()
      this.#valueDone = true
    }
    cursor.arrive()
    if (this.#tapFrom >= 0) {
      visitor.chunk(cursor.bytes, this.#tapFrom, cursor.pos, true)
      this.#tapFrom = -1
    }
    entry.endOffset = cursor.offset
    this.inValue = false
    if (this.damage !== undefined) this.tellDamage()
    visitor.end(entry)
    entry.clearAttributes()
  }

  /** Before a refill: shows what the tap has, and saves the key from the window that goes. */
  beforeRefill(): void {
    if (!this.inValue) return
    const {cursor} = this
    if (this.#tapFrom >= 0) {
      const until = Math.min(cursor.safe, cursor.end)
      if (until > this.#tapFrom) this.#value.chunk(cursor.bytes, this.#tapFrom, until, false)
    }
    if (this.entry.keyBytes.bytes !== this.#keyScratch) this.#keepKey()
  }

  /** Copies the key to where nothing overwrites it before the next. */
  #keepKey(): void {
    const key = this.entry.keyBytes
    const keyLength = key.end - key.start
    const room = this.#keyScratch.length
    if (keyLength > room) this.#keyScratch = new Uint8Array(Math.max(keyLength, room * 2))
    this.#keyScratch.set(key.bytes.subarray(key.start, key.end))
    key.lend(this.#keyScratch, 0, keyLength)
  }

  afterRefill(): void {
    if (this.#tapFrom >= 0) this.#tapFrom = this.cursor.fresh
  }

  #open(byte: number, reader: ValueReader): void {
    const {cursor, entry} = this
    const names = this.#names[byte]!
    entry.type = names[0]
    entry.encoding = names[1]
    entry.typeId = byte
    entry.elements = -1
    entry.module = ''
    entry.offset = this.recordOffset
    entry.valueOffset = cursor.offset
    reader.begin(entry)
    this.#reader = reader
    this.#valueDone = false
    this.#attributed = false
    this.inValue = true
  }

  /** Rarer attributes, and whatever is no key at all. */
  #opcode(byte: number, visitor: EntryVisitor): void {
    const {cursor, entry} = this
    switch (byte) {
      case op.OPCODE_EXPIRETIME:
        entry.expireAtMs = (cursor.u32le() | 0) * 1000
        break
      case op.OPCODE_IDLE:
        entry.idleSeconds = readPlainLength(cursor)
        break
      case op.OPCODE_FREQ:
        entry.frequency = cursor.u8()
        break
      case op.OPCODE_DRAGONFLY_MASK:
        entry.dragonflyMask = cursor.u32le()
        break
      case op.OPCODE_KEY_META_OR_SLOT_IMPORT:
        if (this.header!.family === 'valkey') {
          this.#others.slotImport(visitor)
          return
        }
        this.#others.keyMeta()
        break
      default:
        this.#others.read(byte, this.header!, visitor)
        return
    }
    this.#attributed = true
  }

  /** The checksum covers everything up to and including the EOF opcode. */
  #footer(): void {
    const {cursor} = this
    if (this.header!.rdbVersion < CHECKSUM_VERSION_MIN) {
      this.checksum = 'absent'
      cursor.commit()
      return
    }
    const start = cursor.take(CHECKSUM_BYTES)
    cursor.pos = start
    const computed = cursor.checksum().digest()
    cursor.pos = start + CHECKSUM_BYTES
    const {bytes} = cursor
    const stored = {high: readUint32le(bytes, start + 4), low: readUint32le(bytes, start)}
    this.footer = {computed, stored}
    this.checksum = checksumVerdict(computed, stored)
    cursor.commit()
  }
}

/** Where the one that is stored is zero, the file has none. */
export function checksumVerdict(computed: Checksum64, stored: Checksum64): ChecksumVerdict {
  if (stored.high === 0 && stored.low === 0) return 'absent'
  return computed.high === stored.high && computed.low === stored.low ? 'ok' : 'mismatch'
}

function checkAnswer(value: Partial<ValueVisitor> | undefined): void {
  const isVisitor = typeof value?.begin === 'function' && typeof value.end === 'function'
  if (!isVisitor || !DEPTHS.includes(value.depth)) throw new UsageError(NO_ANSWER)
}
