/**
 * Records that hold no key: what they are laid out like stands in records.ts,
 * beside the rest of the grammar.
 */
import type {ByteCursor} from '../bytes/cursor.js'
import {LentBytes} from '../bytes/lent.js'
import {readCount, readPlainLength} from '../encoding/length.js'
import {readString, skipString} from '../encoding/string.js'
import {FormatError, UnsupportedError} from '../errors.js'
import type {Entry} from '../keyspace/entry.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import * as op from './opcodes.js'
import type {HashTemplates} from './value/hash-template.js'
import {ModuleItems, readModuleId} from './value/module.js'
import type {RdbHeader} from './versions.js'

const KEY_META_CLASSES_MAX = 7
const SLOT_JOB_BYTES = 40
const SLOT_RANGE_BYTES_MIN = 2
const SLOT_RANGES_MAX = 16_384
/** MODULE_AUX frames `when` as an unsigned item. */
const MODULE_AUX_WHEN_OPCODE = 2

/** Each is read whole and shown before it is committed. */
export class OtherRecords {
  readonly #name = new LentBytes(0)
  readonly #text = new LentBytes(1)
  readonly #items = new ModuleItems()
  readonly #classItems = Array.from({length: KEY_META_CLASSES_MAX}, () => new ModuleItems())

  /** `entry` carries the selected database from record to record. */
  constructor(
    readonly cursor: ByteCursor,
    readonly entry: Entry,
    readonly templates: HashTemplates,
  ) {}

  /** Reads the record that `byte` begins, whole. */
  read(byte: number, header: RdbHeader, visitor: EntryVisitor): void {
    const {cursor} = this
    switch (byte) {
      case op.OPCODE_SELECTDB:
        this.entry.db = readPlainLength(cursor)
        visitor.selectDb?.(this.entry.db)
        return
      case op.OPCODE_RESIZEDB: {
        const keys = readPlainLength(cursor)
        const expires = readPlainLength(cursor)
        visitor.resizeDb?.(this.entry.db, keys, expires)
        return
      }
      case op.OPCODE_AUX:
        readString(cursor, this.#name)
        readString(cursor, this.#text)
        this.#aux(visitor)
        return
      case op.OPCODE_FUNCTION2:
        readString(cursor, this.#text)
        visitor.function?.(this.#text.copy())
        return
      case op.OPCODE_FUNCTION_PRE_GA:
        this.#functionPreGa(visitor)
        return
      case op.OPCODE_MODULE_AUX:
        this.#moduleAux(visitor)
        return
      case op.OPCODE_SLOT_INFO: {
        const slot = readPlainLength(cursor)
        const keys = readPlainLength(cursor)
        const expires = readPlainLength(cursor)
        visitor.slotInfo?.({slot, keys, expires})
        return
      }
      case op.OPCODE_ENTERPRISE_RAM_LRU:
      case op.OPCODE_ENTERPRISE_SLOT: {
        const offset = cursor.offset - 1
        readPlainLength(cursor)
        visitor.vendorOpcode?.(byte, offset)
        return
      }
      default:
        if (byte !== op.OPCODE_HASH_TEMPLATE || header.family !== 'redis') throw this.#unknown(byte, header)
        this.#hashTemplate(visitor)
    }
  }

  #aux(visitor: EntryVisitor): void {
    if (visitor.aux === undefined) return
    const nameBytes = this.#name.copy()
    const name = Buffer.from(nameBytes.subarray(0, limits.keyBytesKept)).toString('utf8')
    visitor.aux(name, this.#text.copy(), nameBytes)
  }

  #hashTemplate(visitor: EntryVisitor): void {
    const {id, fields} = this.templates.read(this.cursor)
    visitor.hashTemplate?.(id, fields)
  }

  #functionPreGa(visitor: EntryVisitor): void {
    const {cursor} = this
    readString(cursor, this.#name)
    const name = this.#name.copy()
    readString(cursor, this.#name)
    const engine = this.#name.copy()
    if (readPlainLength(cursor) !== 0) skipString(cursor)
    readString(cursor, this.#text)
    visitor.functionPreGa?.(name, engine, this.#text.copy())
  }

  #moduleAux(visitor: EntryVisitor): void {
    const {cursor} = this
    const {name, version} = readModuleId(cursor)
    const opcode = readPlainLength(cursor)
    if (opcode !== MODULE_AUX_WHEN_OPCODE) {
      throw new FormatError('BAD_MODULE', `module data of ${name} begins with item ${opcode}, not 2`, cursor.offset - 1)
    }
    const when = readPlainLength(cursor)
    const start = cursor.pos
    this.#items.pass(cursor)
    // The payload is lent from the window: all of it must have arrived.
    const bytes = cursor.pos - start
    cursor.pos = start
    cursor.take(bytes)
    visitor.moduleAux?.({module: name, version, when, payload: cursor.bytes.slice(start, start + bytes)})
  }

  /** Valkey's meaning of the opcode that is KEY_META to redis. */
  slotImport(visitor: EntryVisitor): void {
    const {cursor} = this
    const nameOffset = cursor.offset
    readString(cursor, this.#name)
    const nameBytes = this.#name.end - this.#name.start
    if (nameBytes !== SLOT_JOB_BYTES) {
      throw new FormatError(
        'BAD_STRING',
        `a slot import's job name has ${nameBytes} bytes, not 40`,
        Math.max(cursor.offset - nameBytes, nameOffset),
      )
    }
    // Servers write hexadecimal digits; of anything else each byte is a character.
    const job = latin1Text(this.#name)
    const count = readCount(cursor, SLOT_RANGE_BYTES_MIN, 'slot ranges')
    if (count > SLOT_RANGES_MAX) {
      throw new FormatError('BAD_COUNT', `${count} ranges of slots are claimed; a cluster has 16384`, cursor.offset)
    }
    const ranges: [number, number][] = []
    for (let i = 0; i < count; i++) ranges.push([readPlainLength(cursor), readPlainLength(cursor)])
    visitor.slotImport?.(job, ranges)
  }

  /** An attribute of the key that follows (redis 8.6); kept as it is stored. */
  keyMeta(): void {
    const {cursor, entry} = this
    const start = cursor.pos
    const classes = readPlainLength(cursor)
    if (classes < 1 || classes > KEY_META_CLASSES_MAX) {
      throw new FormatError('BAD_MODULE', `key metadata of ${classes} classes: 1 to 7 can be`, cursor.offset - 1)
    }
    for (let i = 0; i < classes; i++) {
      cursor.skip(4)
      this.#classItems[i]!.pass(cursor)
    }
    const bytes = cursor.pos - start
    cursor.pos = start
    cursor.take(bytes)
    entry.keyMeta = cursor.bytes.slice(start, start + bytes)
  }

  #unknown(byte: number, {magic, family, rdbVersion}: RdbHeader): UnsupportedError {
    const file = `this ${magic} version ${rdbVersion} file`
    const offset = this.cursor.offset - 1
    const known = family === 'redis' || byte > op.TYPE_KEYDB_CRON ? op.REFUSED[byte] : undefined
    const code = byte >= op.OPCODE_HASH_TEMPLATE ? 'UNKNOWN_OPCODE' : 'UNKNOWN_TYPE'
    if (known !== undefined) {
      return new UnsupportedError(code, `byte ${byte} in ${file} begins ${known}; it cannot be read`, offset)
    }
    const thing = code === 'UNKNOWN_OPCODE' ? 'opcode' : 'value type'
    return new UnsupportedError(code, `${thing} ${byte} in ${file} is not known, nor how long it is`, offset)
  }
}

function latin1Text(text: LentBytes): string {
  return Buffer.from(text.bytes.buffer, text.bytes.byteOffset + text.start, text.end - text.start).toString('latin1')
}
