/**
 * Reads single keys and elements of a file again, where they were met before.
 *
 *   magic and version  [type, empty key, count 1]  bytes of the file from an offset on
 *
 * is a file of its own to the reader: the record, or the element, that stands at
 * the offset is the first it shows.
 */
import {type FileHandle, open} from 'node:fs/promises'
import type {HugeCollection} from '../analysis/soundness-huge.js'
import {CreatingReader} from '../aof/creating-reader.js'
import type {ByteSource, ByteWindow} from '../bytes/source.js'
import {CsvReader} from '../csv/reader.js'
import {JsonReader} from '../jsonl/reader.js'
import type {ValueType} from '../keyspace/entry.js'
import type {EntrySource, SourceFormat} from '../keyspace/entry-source.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {TYPE_HASH_METADATA} from '../rdb/opcodes.js'
import {RdbReader} from '../rdb/reader.js'
import type {RdbHeader} from '../rdb/versions.js'

/** Most keys and elements are short. */
const FIRST_WINDOW_BYTES = 4096
const LINE_END = 0x0a

/** Keys that can be read once more. */
export interface KeysAgain {
  /** The key and the type of the record at an offset. */
  keyAt(offset: number): Promise<{key: Uint8Array; type: ValueType}>
}

export class FileAgain implements KeysAgain {
  readonly #magic: Uint8Array

  private constructor(
    readonly file: FileHandle,
    {magic, rdbVersion}: RdbHeader,
    readonly fileBytes: number,
  ) {
    this.#magic = Buffer.from(magic + String(rdbVersion).padStart(9 - magic.length, '0'), 'latin1')
  }

  static async open(path: string, header: RdbHeader, fileBytes: number): Promise<FileAgain> {
    return new FileAgain(await open(path, 'r'), header, fileBytes)
  }

  async keyAt(offset: number): Promise<{key: Uint8Array; type: ValueType}> {
    const reader = new RdbReader(new ExcerptSource(this.file, this.#magic, offset, this.fileBytes))
    for await (const {key, type} of reader) return {key, type}
    throw new Error('there was a key here')
  }

  /** The element at an offset: of a hash, the field. */
  async elementAt({typeId}: HugeCollection, offset: number): Promise<Uint8Array> {
    const minimum = typeId === TYPE_HASH_METADATA ? new Array(8).fill(0) : []
    const head = Buffer.concat([this.#magic, Buffer.from([typeId, 0, ...minimum, 1])])
    const reader = new RdbReader(new ExcerptSource(this.file, head, offset, this.fileBytes))
    for await (const {value} of reader) {
      for await (const element of value.elements()) {
        if ('member' in element) return element.member
        if ('field' in element) return element.field
      }
    }
    throw new Error('there was an element here')
  }

  async close(): Promise<void> {
    await this.file.close()
  }
}

/** The same of a source that is no RDB file: its record is the first that it shows from there on. */
export class EntriesAgain implements KeysAgain {
  private constructor(
    readonly file: FileHandle,
    readonly format: SourceFormat,
    /** The names of columns. */
    readonly head: Uint8Array,
    readonly fileBytes: number,
  ) {}

  static async open(path: string, format: SourceFormat, fileBytes: number): Promise<EntriesAgain> {
    const file = await open(path, 'r')
    const {buffer, bytesRead} = await file.read(new Uint8Array(FIRST_WINDOW_BYTES), 0, FIRST_WINDOW_BYTES, 0)
    const head = buffer.subarray(0, format === 'csv' ? buffer.subarray(0, bytesRead).indexOf(LINE_END) + 1 : 0)
    return new EntriesAgain(file, format, head, fileBytes)
  }

  async keyAt(offset: number): Promise<{key: Uint8Array; type: ValueType}> {
    const excerpt = new ExcerptSource(this.file, this.head, offset, this.fileBytes)
    let found: {key: Uint8Array; type: ValueType} | undefined
    const visitor: EntryVisitor = {
      entry: entry => {
        found = {key: entry.key(), type: entry.type}
        throw FOUND
      },
    }
    try {
      await this.#reader(excerpt).run(visitor)
    } catch (error) {
      if (error !== FOUND) throw error
    }
    return found!
  }

  #reader(excerpt: ByteSource): EntrySource {
    if (this.format === 'csv') return new CsvReader(excerpt)
    return this.format === 'jsonl' ? new JsonReader(excerpt) : new CreatingReader(excerpt)
  }

  async close(): Promise<void> {
    await this.file.close()
  }
}

/** Ends a reading that has shown enough. */
const FOUND: Error = Object.freeze(new Error('the key has been found'))

/** A head in memory, then the bytes of a file from an offset on. */
export class ExcerptSource implements ByteSource {
  readonly name = 'excerpt'
  readonly inputBytes: number
  readonly storedBytes: number
  storedRead = 0
  #position: number

  constructor(
    readonly file: FileHandle,
    readonly head: Uint8Array,
    readonly offset: number,
    readonly fileBytes: number,
  ) {
    this.#position = offset
    this.inputBytes = this.storedBytes = head.length + fileBytes - offset
  }

  async read(): Promise<ByteWindow | undefined> {
    if (this.storedRead < this.head.length) {
      this.storedRead = this.head.length
      return {bytes: this.head.slice(), start: 0, end: this.head.length}
    }
    const wanted = this.#position === this.offset ? FIRST_WINDOW_BYTES : limits.windowBytes
    const bytes = new Uint8Array(Math.min(wanted, this.fileBytes - this.#position))
    const {bytesRead} = await this.file.read(bytes, 0, bytes.length, this.#position)
    if (bytesRead === 0) return undefined
    this.#position += bytesRead
    this.storedRead += bytesRead
    return {bytes, start: 0, end: bytesRead}
  }

  async close(): Promise<void> {}
}
