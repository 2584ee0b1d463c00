/**
 * One record after another, from any place in a file: each is read by the same
 * grammar as always, and judged by whoever knows what a value may be. Nothing
 * is thrown for what the bytes are, and nothing waits.
 */
import {ByteCursor, STARVED} from '../bytes/cursor.js'
import type {ByteRegion} from '../bytes/region.js'
import {PlacedError} from '../errors.js'
import {Entry} from '../keyspace/entry.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import type {KeyAttributes} from './key-profile.js'
import {isPassable} from './reader.js'
import {type RecordKind, RecordReader} from './records.js'
import {HashTemplates} from './value/hash-template.js'
import {magicText, type RdbHeader} from './versions.js'

/** What is wrong with a record. */
export interface Flaw {
  code: string
  text: string
  /** Absolute, in bytes. */
  offset: number
}

/** Looks into what is walked over. */
export interface RecordJudge {
  /** Shown each record. */
  readonly visitor: EntryVisitor
  /** The next record is judged by itself. */
  begin(): void
  /** What is wrong with a record whose framing is whole; undefined: nothing. */
  verdict(): Flaw | undefined
}

/** Most records are shorter. */
const FIRST_BYTES = 4096
const MORE_BYTES = 64 * 1024

export class RecordWalker {
  kind: RecordKind = 'other'
  /** Where the record ends that was walked over last; -1: nothing says where. */
  end = -1
  /** What is wrong with it. */
  flaw: Flaw | undefined
  /** What stood before the key. */
  readonly attributes: KeyAttributes = new Entry()
  readonly #cursor: ByteCursor
  readonly #records: RecordReader
  readonly #readHead = (): RecordKind => this.#records.readOne(this.judge.visitor)
  readonly #readValue = (): void => this.#records.readValue()

  /** `templates`: those that hashes refer to; more are added as they are met. */
  constructor(
    readonly region: ByteRegion,
    readonly header: RdbHeader,
    readonly judge: RecordJudge,
    readonly templates = new HashTemplates(),
  ) {
    this.#cursor = new ByteCursor(region.inputBytes, false)
    this.#records = new RecordReader(this.#cursor, templates)
    templates.mode = 'gaps'
    const magic = Buffer.from(magicText(header), 'latin1')
    this.#cursor.continueAt(0, magic, 0, magic.length)
    this.#records.readHeader()
  }

  /** What may be read in one piece: of a guess less than of what is known to be there. */
  set wholeBytesMax(bytes: number) {
    this.#cursor.wholeBytesMax = bytes
  }

  /** The key walked over last, and the selected database, which is the caller's to set. */
  get entry(): Entry {
    return this.#records.entry
  }

  /** Up to where has been read. */
  get offset(): number {
    return this.#cursor.offset
  }

  /** Where the record begins that is read: an attribute, a type, an opcode. */
  get recordOffset(): number {
    return this.#records.recordOffset
  }

  /** Of a record whose end is not known: its key has been read. */
  get hasKey(): boolean {
    return this.#records.inValue
  }

  /** Walks over the record at an offset. False: nothing says where it ends. Input/output errors pass through. */
  walk(offset: number): boolean {
    const {judge} = this
    const records = this.#records
    this.#lend(offset, FIRST_BYTES)
    records.restart()
    judge.begin()
    this.flaw = undefined
    try {
      this.kind = this.#drive(this.#readHead)
      if (this.kind === 'key') {
        this.#keepAttributes()
        records.answer(judge.visitor.entry(records.entry))
        this.#walkValue()
      }
    } catch (error) {
      if (!(error instanceof PlacedError)) throw error
      this.end = -1
      this.flaw = {code: error.code, text: error.message, offset: error.offset}
      return false
    }
    this.end = this.#cursor.offset
    this.flaw = judge.verdict()
    return true
  }

  /** Reads no more than what stands before the value of the record at an offset, which has been walked over before. */
  readHead(offset: number): void {
    this.#lend(offset, FIRST_BYTES)
    this.#records.restart()
    this.#drive(this.#readHead)
    this.#records.restart()
  }

  /** What was walked over last is not what it seems. */
  reject(flaw: Flaw): void {
    this.#records.restart()
    this.end = -1
    this.flaw = flaw
  }

  #keepAttributes(): void {
    const {expireAtMs, idleSeconds, frequency, keyMeta, dragonflyMask} = this.#records.entry
    Object.assign(this.attributes, {expireAtMs, idleSeconds, frequency, keyMeta, dragonflyMask})
  }

  /** A value that is damaged inside is passed over, where its framing is whole. */
  #walkValue(): void {
    const records = this.#records
    for (;;) {
      try {
        this.#drive(this.#readValue)
        return
      } catch (error) {
        if (!(error instanceof PlacedError) || !isPassable(error) || records.damage !== undefined) throw error
        this.#cursor.rewind()
        records.passRest(error, this.judge.visitor)
      }
    }
  }

  #drive<T>(step: () => T): T {
    for (;;) {
      try {
        return step()
      } catch (error) {
        if (error !== STARVED) throw error
        this.#more()
      }
    }
  }

  /** What was passed over is not read; what was begun is lent once more, with what follows. */
  #more(): void {
    const cursor = this.#cursor
    cursor.rewind()
    this.#records.beforeRefill()
    const had = Math.max(cursor.end - cursor.safe, 0)
    this.#lend(cursor.base + cursor.safe, Math.max(2 * had, MORE_BYTES))
    // The file has become shorter meanwhile.
    if (cursor.end - cursor.safe <= had) cursor.finish()
  }

  #lend(offset: number, wanted: number): void {
    const {bytes, start, end} = this.region.lend(offset, wanted)
    this.#cursor.continueAt(offset, bytes, start, end)
  }
}
