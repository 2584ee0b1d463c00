/**
 * RDB_TYPE_MODULE_2: a value only its module understands, but whose items say
 * how long they are, so that anyone can pass, copy or show them.
 *
 *   <module id> item* 0
 *
 *   item   1 SINT    <length: bit pattern of an int64>
 *          2 UINT    <length>
 *          3 FLOAT   binary32 LE
 *          4 DOUBLE  binary64 LE
 *          5 STRING  <string>
 *
 *   module id   54 bits of name, 9 characters of 6 bits, first one highest;
 *               10 bits of encoding version
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {asSigned, type Int64, splitInt64} from '../../bytes/int64.js'
import {LentBytes} from '../../bytes/lent.js'
import type {ByteWriter} from '../../bytes/writer.js'
import {readLength64, readPlainLength, writeInt64Length, writeLength, writeLength64} from '../../encoding/length.js'
import {readString, skipString, writeString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {moduleValues} from '../loss-kinds.js'
import {TYPE_MODULE_2} from '../opcodes.js'
import type {ValueReader} from './reader.js'
import {ValueWriter} from './writer.js'

export const ITEM_END = 0
export const ITEM_SIGNED = 1
export const ITEM_UNSIGNED = 2
export const ITEM_FLOAT = 3
export const ITEM_DOUBLE = 4
export const ITEM_STRING = 5

const NAME_CHARACTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const NAME_LENGTH = 9

export interface ModuleId {
  name: string
  version: number
}

/** Reads a module's name and encoding version. */
export function readModuleId(cursor: ByteCursor): ModuleId {
  const id = {high: 0, low: 0}
  splitInt64(readLength64(cursor), id)
  return moduleIdOf(id.high, id.low)
}

/** What the 64 bits of a module's ID say. */
export function moduleIdOf(high: number, low: number): ModuleId {
  let name = ''
  for (let i = 0; i < NAME_LENGTH; i++) {
    // Bits 58..63 of the 64 are the first character.
    const shift = 58 - 6 * i
    const bits =
      shift >= 32 ? high >>> (shift - 32) : shift > 26 ? (high << (32 - shift)) | (low >>> shift) : low >>> shift
    name += NAME_CHARACTERS[bits & 0x3f]
  }
  return {name, version: low & 0x3ff}
}

export class ModuleReader implements ValueReader {
  #entry!: Entry
  #inside = false
  readonly #string = new LentBytes(0)

  begin(entry: Entry): void {
    this.#entry = entry
    this.#inside = false
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    const skipping = visitor.depth === 'skip'
    if (!this.#inside) {
      const id = readModuleId(cursor)
      this.#entry.module = id.name
      this.#entry.moduleVersion = id.version
      this.#entry.elements = 0
      if (!skipping) {
        visitor.begin(this.#entry, undefined)
        visitor.moduleId(id.name, id.version)
      }
      this.#inside = true
      cursor.commit()
    }
    while (skipping ? skipModuleItem(cursor) : showModuleItem(cursor, visitor, this.#string)) {
      this.#entry.elements++
      cursor.commit()
    }
  }
}

/** Passes over all items up to the end mark, of a record that is read again from its start where the window ends. */
export class ModuleItems {
  #startOffset = -1
  #reachedOffset = 0

  pass(cursor: ByteCursor): void {
    if (cursor.offset !== this.#startOffset) this.#startOffset = this.#reachedOffset = cursor.offset
    cursor.pos = this.#reachedOffset - cursor.base
    while (skipModuleItem(cursor)) this.#reachedOffset = cursor.offset
  }
}

/** Passes over one item; false when it was the end mark. */
function skipModuleItem(cursor: ByteCursor): boolean {
  const item = readPlainLength(cursor)
  if (item === ITEM_END) return false
  if (item === ITEM_SIGNED || item === ITEM_UNSIGNED) readLength64(cursor)
  else if (item === ITEM_FLOAT) cursor.skip(4)
  else if (item === ITEM_DOUBLE) cursor.skip(8)
  else if (item === ITEM_STRING) skipString(cursor)
  else throw unknownItem(cursor, item)
  return true
}

function showModuleItem(cursor: ByteCursor, visitor: ValueVisitor, string: LentBytes): boolean {
  const item = readPlainLength(cursor)
  if (item === ITEM_END) return false
  if (item === ITEM_SIGNED) visitor.moduleSigned(asSigned(readLength64(cursor)))
  else if (item === ITEM_UNSIGNED) visitor.moduleUnsigned(readLength64(cursor))
  else if (item === ITEM_FLOAT) visitor.moduleDouble(readFloat(cursor, 4), 32)
  else if (item === ITEM_DOUBLE) visitor.moduleDouble(readFloat(cursor, 8), 64)
  else if (item === ITEM_STRING) {
    readString(cursor, string)
    visitor.moduleString(string.bytes, string.start, string.end)
  } else {
    throw unknownItem(cursor, item)
  }
  return true
}

function readFloat(cursor: ByteCursor, bytes: 4 | 8): number {
  const start = cursor.take(bytes)
  const view = new DataView(cursor.bytes.buffer, cursor.bytes.byteOffset + start, bytes)
  return bytes === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true)
}

function unknownItem(cursor: ByteCursor, item: Int64): FormatError {
  return new FormatError(
    'BAD_MODULE',
    `module item ${item} has no meaning: the value cannot be passed`,
    cursor.offset - 1,
  )
}

/** Writes a module value item by item; nothing in it needs to be understood. */
export class ModuleWriter extends ValueWriter {
  override moduleId(name: string, version: number): void {
    if (!this.policy.moduleValues) {
      this.sink.lose(moduleValues(name))
      return
    }
    this.sink.open(TYPE_MODULE_2)
    writeModuleId(this.sink.out, name, version)
  }

  override moduleSigned(value: Int64): void {
    if (this.#item(ITEM_SIGNED)) writeInt64Length(this.sink.out, value)
  }

  override moduleUnsigned(value: Int64): void {
    if (this.#item(ITEM_UNSIGNED)) writeInt64Length(this.sink.out, value)
  }

  override moduleDouble(value: number, bits: 32 | 64): void {
    if (!this.#item(bits === 32 ? ITEM_FLOAT : ITEM_DOUBLE)) return
    const {out} = this.sink
    if (bits === 64) {
      out.f64le(value)
      return
    }
    const at = out.reserve(4)
    new DataView(out.bytes.buffer, out.bytes.byteOffset + at, 4).setFloat32(0, value, true)
  }

  override moduleString(bytes: Uint8Array, start: number, end: number): void {
    if (this.#item(ITEM_STRING)) writeString(this.sink.out, bytes, start, end, this.policy.compress)
  }

  override end(): void {
    if (this.#item(ITEM_END)) this.sink.close()
  }

  /** Begins an item; false where the value has been lost. */
  #item(item: number): boolean {
    if (!this.policy.moduleValues) return false
    this.sink.settle()
    writeLength(this.sink.out, item)
    return true
  }
}

/** Packs 9 characters of 6 bits and 10 bits of version. */
export function writeModuleId(out: ByteWriter, name: string, version: number): void {
  let high = 0
  let low = version & 0x3ff
  for (let i = 0; i < NAME_LENGTH; i++) {
    const bits = NAME_CHARACTERS.indexOf(name[i]!)
    const shift = 58 - 6 * i
    if (shift >= 32) high |= bits << (shift - 32)
    else low |= bits << shift
    // The character that lies across both halves.
    if (shift < 32 && shift > 26) high |= bits >>> (32 - shift)
  }
  if (high === 0) writeLength(out, low >>> 0)
  else writeLength64(out, high >>> 0, low >>> 0)
}
