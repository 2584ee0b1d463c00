/**
 * What a server does with a file when it starts from it: reads the file as the
 * server's own loader does, record by record, and notes what stands in the way.
 * Behind the first thing that ends the load it goes on as far as it can, so that
 * all are listed.
 */

import {ByteCursor, STARVED} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import type {ByteWindow} from '../../bytes/source.js'
import {FormatError, LimitError, PlacedError} from '../../errors.js'
import type {KeyIndex} from '../../keyspace/key-index.js'
import type {Loader} from '../../rdb/loaders.js'
import * as op from '../../rdb/opcodes.js'
import {HashTemplates} from '../../rdb/value/hash-template.js'
import {CHECKSUM_VERSION_MIN, MAGIC_BYTES} from '../../rdb/versions.js'
import {DATABASES_DEFAULT} from '../soundness-databases.js'
import {ServerElements, ServerKeys} from './distinct.js'
import {readServerHeader} from './header.js'
import {LoadLost, type ObstaclePlace, Obstacles, placedKey} from './obstacles.js'
import {OtherOpcodes} from './other-opcodes.js'
import {ServerStrings} from './strings.js'
import type {LoadContext, Loaded} from './value-load.js'
import {ServerValues} from './values.js'

const CHECKSUM_BYTES = 8

export interface PredictedLoadOptions {
  /** Size of the file; Infinity where nobody knows it. */
  inputBytes?: number | undefined
  /** The file is the base of a log: nothing expires while it is loaded. */
  isBase?: boolean | undefined
  /** Milliseconds since 1970; now unless told. */
  nowMs?: number | undefined
  /** Given the keys, and the elements of one collection, that are too many to be held in memory. */
  keys?: KeyIndex | undefined
  elements?: KeyIndex | undefined
}

/** Keys of the file, by what becomes of them. Behind what ends a load they count as well. */
export interface LoadCounts {
  loaded: number
  expired: number
  empty: number
}

export class PredictedLoad implements LoadContext {
  readonly cursor: ByteCursor
  readonly obstacles: Obstacles
  readonly strings: ServerStrings
  readonly elements: ServerElements
  readonly templates = new HashTemplates()
  readonly isBase: boolean
  readonly nowMs: number
  readonly counts: LoadCounts = {loaded: 0, expired: 0, empty: 0}
  /** There are function libraries, or Lua scripts: what they hold is not looked at. */
  scripts = 0
  /** The end of the file was reached. */
  ended = false
  /** It was, or what follows cannot be found. */
  done = false
  recordOffset = 0
  #version = 0
  #state: 'header' | 'record' | 'value' | 'checksum' = 'header'
  #attributed = false
  #db = 0
  #expireAtMs = -1
  readonly #key = new LentBytes(1)
  #keyCopy = new Uint8Array(0)
  #hasKey = false
  /** What becomes of the key whose value has been read. */
  #loaded: Loaded | undefined
  readonly #keys: ServerKeys
  readonly #values: ServerValues
  readonly #others: OtherOpcodes

  constructor(
    readonly loader: Loader,
    {inputBytes, isBase = false, nowMs = Date.now(), keys, elements}: PredictedLoadOptions = {},
  ) {
    this.cursor = new ByteCursor(inputBytes)
    this.obstacles = new Obstacles(() => this.#place())
    this.strings = new ServerStrings(this.cursor, loader, this.obstacles)
    this.elements = new ServerElements(elements)
    this.isBase = isBase
    this.nowMs = isBase ? Number.NEGATIVE_INFINITY : nowMs
    this.#keys = new ServerKeys(keys)
    this.#values = new ServerValues(this)
    this.#others = new OtherOpcodes(this)
  }

  /** Reads on; the window is looked at until the next is given, and not written to. */
  take({bytes, start, end}: ByteWindow): void {
    if (this.done) return
    this.cursor.rewind()
    this.cursor.refill(bytes, start, end, start)
    this.#run()
  }

  /** The input has ended. */
  finish(): void {
    if (this.done) return
    this.cursor.rewind()
    this.cursor.finish()
    this.#run()
    this.done = true
  }

  #run(): void {
    try {
      while (!this.done) this.#step()
    } catch (error) {
      if (error === STARVED) return
      this.done = true
      if (error instanceof LoadLost) return
      if (error instanceof LimitError) this.obstacles.add('unsure', 'LIMIT', `${error.message}: it was not looked into`)
      else if (error instanceof FormatError) this.obstacles.add('refuses', error.code, error.message)
      else if (!(error instanceof PlacedError)) throw error
    }
  }

  #step(): void {
    switch (this.#state) {
      case 'header':
        this.#readHeader()
        return
      case 'record':
        this.#readRecord()
        return
      case 'value':
        this.#readValue()
        return
      default:
        this.#readChecksum()
    }
  }

  #readHeader(): void {
    const {cursor} = this
    const start = cursor.take(MAGIC_BYTES)
    const text = Buffer.from(cursor.bytes.subarray(start, start + MAGIC_BYTES)).toString('latin1')
    const version = readServerHeader(this, text)
    if (version !== undefined) this.#values.useFamily(text.startsWith('VALKEY') ? 'valkey' : 'redis', version)
    this.#version = version ?? this.#values.readOwnHeader(text)
    // Of a file that is none nothing more can be said.
    if (this.#version === 0) throw new LoadLost()
    this.#state = 'record'
    cursor.commit()
  }

  #readRecord(): void {
    const {cursor, strings} = this
    if (!this.#attributed) this.recordOffset = cursor.offset
    this.#hasKey = false
    const byte = cursor.u8()
    switch (byte) {
      case op.OPCODE_EXPIRETIME_MS: {
        if (!this.#knows(byte)) break
        const low = cursor.u32le()
        this.#expireAtMs = (cursor.u32le() | 0) * 2 ** 32 + low
        break
      }
      case op.OPCODE_EXPIRETIME:
        this.#expireAtMs = (cursor.u32le() | 0) * 1000
        break
      case op.OPCODE_IDLE:
        this.#knows(byte)
        strings.length()
        break
      case op.OPCODE_FREQ:
        this.#knows(byte)
        cursor.u8()
        break
      case op.OPCODE_EOF:
        this.#state = 'checksum'
        cursor.commit()
        return
      case op.OPCODE_SELECTDB:
        this.#select()
        return
      default:
        this.#readOther(byte)
        return
    }
    this.#attributed = true
    cursor.commit()
  }

  /** Whether the server knows an opcode; what it does not know is read all the same. */
  #knows(opcode: number): boolean {
    return this.#others.knows(opcode)
  }

  #select(): void {
    const {cursor} = this
    const db = this.strings.length()
    this.#attributed = false
    this.#db = db
    cursor.commit()
    if (db < DATABASES_DEFAULT) return
    const text = `database ${db}: a server has ${DATABASES_DEFAULT} unless "databases" says more`
    this.obstacles.add('refuses', 'DATABASE_NUMBER', text, String(db))
  }

  #readOther(byte: number): void {
    const {cursor} = this
    if (this.#others.read(byte, this.#values.family)) {
      this.#attributed = false
      cursor.commit()
      return
    }
    this.strings.read(this.#key)
    this.#keepKey()
    this.#values.begin(byte)
    this.#state = 'value'
    cursor.commit()
  }

  #readValue(): void {
    if (this.#loaded === undefined) {
      this.#loaded = this.#values.read()
      this.cursor.commit()
    }
    // What was passed over may be still to come.
    this.cursor.arrive()
    this.#became(this.#loaded)
    this.#loaded = undefined
    this.#attributed = false
    this.#expireAtMs = -1
    this.#state = 'record'
    this.cursor.commit()
  }

  /** The value has been read. */
  #became(loaded: Loaded): void {
    const {counts, obstacles} = this
    if (loaded === 'empty') {
      counts.empty++
      obstacles.add('skips', 'EMPTY_COLLECTION', 'a collection without elements is left out')
    } else if (loaded === 'expired') {
      counts.expired++
      obstacles.add('skips', 'EXPIRED', 'a hash all of whose fields have expired is left out')
    } else if (this.#expireAtMs !== -1 && this.#expireAtMs < this.nowMs) {
      counts.expired++
      obstacles.add('skips', 'EXPIRED', 'a key that has expired is left out')
    } else {
      counts.loaded++
      const key = this.#keyCopy
      if (this.#keys.add(this.#db, key, 0, this.#key.end - this.#key.start, this.recordOffset)) {
        obstacles.add('crashes', 'DUPLICATE_KEY', `a key of database ${this.#db} is there twice`)
      }
    }
  }

  #readChecksum(): void {
    const {cursor} = this
    this.recordOffset = cursor.offset
    if (this.#version < CHECKSUM_VERSION_MIN) {
      this.ended = this.done = true
      return
    }
    const start = cursor.take(CHECKSUM_BYTES)
    const stored = cursor.bytes.subarray(start, start + CHECKSUM_BYTES)
    cursor.pos = start
    const sum = cursor.checksum()
    const isAbsent = stored.every(byte => byte === 0)
    if (!isAbsent && !sum.equals(cursor.bytes, start)) {
      this.obstacles.add('refuses', 'BAD_CHECKSUM', 'the checksum is wrong')
    }
    cursor.pos = start + CHECKSUM_BYTES
    cursor.commit()
    this.ended = this.done = true
  }

  /** The key is wanted until its value has been read, which may take more windows. */
  #keepKey(): void {
    const {bytes, start, end} = this.#key
    const size = end - start
    if (this.#keyCopy.length < size) this.#keyCopy = new Uint8Array(Math.max(256, 2 * size))
    this.#keyCopy.set(bytes.subarray(start, end))
    this.#hasKey = true
  }

  #place(): ObstaclePlace {
    const offset = this.recordOffset
    if (!this.#hasKey || this.#state !== 'value') return {offset}
    return {db: this.#db, ...placedKey(this.#keyCopy, 0, this.#key.end - this.#key.start), offset}
  }
}
