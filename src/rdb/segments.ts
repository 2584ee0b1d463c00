/**
 * A snapshot in segments, which can be read side by side:
 *
 *   magic │ records ... │ records ... │ records ... end checksum
 *         └ segment     └ segment     └ segment
 *
 * One reader passes over all of the file, values unseen, and knows at the end of each window where a record begins: there
 * it is cut. Bytes are handed on as they come; those of a plain file need not be: who reads a segment finds them there.
 */
import type {ByteSource, ByteWindow} from '../bytes/source.js'
import {PlacedError} from '../errors.js'
import {passesAll} from '../keyspace/passer.js'
import type {EntryVisitor, Problem} from '../keyspace/visitor.js'
import {SKIP} from '../keyspace/visitor.js'
import {type RdbEnd, RdbReader, type RdbReaderOptions} from './reader.js'
import type {Stretch} from './stretch.js'
import {HashTemplates, type KnownTemplate} from './value/hash-template.js'
import {MAGIC_BYTES, type RdbHeader} from './versions.js'

/** Where a segment begins, and what must be known to read it. Plain data. */
export interface SegmentStart {
  header: RdbHeader
  /** Absolute, in bytes. */
  offset: number
  /** The database that is selected there. */
  db: number
  /** Bytes of the whole input; Infinity where nobody knows. */
  inputBytes: number
  /** Templates of hashes that were defined before, and that who reads it has not read itself in an earlier segment. */
  templates: readonly KnownTemplate[]
  /** The file that the bytes can be read from; absent: they are handed on. */
  lies: ByteSource['lies']
  /** Who reads it finds out by itself where it ends (stretch.ts); absent: that is told. */
  stretch?: Stretch | undefined
}

/**
 * How a segment ends:
 *   cut      in front of a record
 *   whole    with the file, which is sound as far as this reader can tell
 *   broken   where this reader met what is wrong: with the framing, the checksum, the input
 */
export type SegmentEnd = 'cut' | 'whole' | 'broken'

/** Who reads the segments, and is told what the cutter meets. */
export interface SegmentTaker {
  begin(start: SegmentStart): void
  /** Bytes of the present segment, which lie at an offset of the input; lent. */
  bytes(bytes: Uint8Array, start: number, end: number, offset: number): void
  end(how: SegmentEnd): void
  /** More bytes may take a while: those that have come are to be read. */
  flush(): void
  /** What is wrong with the file as a whole, or odd about it. */
  problem(problem: Problem): void
  /** Told of what ends the reading while the cutter waits for its input. */
  onFailure: ((error: unknown) => void) | undefined
  /** Whether the present segment is still being read. */
  readonly wantsMore: boolean
  /** Waits until there is room for more. What it throws ends the reading. */
  ready(): Promise<void> | undefined
}

export interface SegmentOptions extends Pick<RdbReaderOptions, 'ignoreChecksum'> {
  /** A segment ends behind so many bytes, as soon as a record does. */
  segmentBytes: number
}

/** Each is copied to each thread: of a file with more the rest is one segment. */
const TEMPLATE_FIELDS_MAX = 10_000

/** A pipe that brings nothing for so long may bring nothing for longer. */
const STALL_MS = 50

/** Wants nothing. */
const PASSING: EntryVisitor = {entry: () => SKIP, passer: passesAll(false)}

/** Passes over a source that is an RDB file, and cuts it. */
export class SegmentCutter implements ByteSource {
  readonly name: string
  readonly inputBytes: number
  readonly storedBytes: number
  readonly path?: string
  readonly readRest?: () => Promise<number>
  readonly reader: RdbReader
  readonly #templates = new HashTemplates()
  /** The last window, which the reader has come to the end of. */
  #window: ByteWindow | undefined
  /** Absolute offset of the first byte of it that has not been handed on. */
  #offset = 0
  #segmentOffset = -1

  constructor(
    readonly source: ByteSource,
    readonly taker: SegmentTaker,
    readonly options: SegmentOptions,
  ) {
    this.name = source.name
    this.inputBytes = source.inputBytes
    this.storedBytes = source.storedBytes
    if (source.path !== undefined) this.path = source.path
    if (source.readRest !== undefined) {
      this.readRest = () => {
        // Whatever is read on overwrites the last window.
        this.#handOn(false)
        return source.readRest!()
      }
    }
    const {ignoreChecksum} = options
    this.reader = new RdbReader(this, {ignoreChecksum, templates: this.#templates})
  }

  get storedRead(): number {
    return this.source.storedRead
  }

  /**
   * Reads to the end of the file, and shows a visitor what it passes over. Throws what is wrong with it; then the last
   * segment has been ended, as broken.
   */
  async run(visitor: EntryVisitor = {...PASSING, problem: problem => this.#problem(problem)}): Promise<RdbEnd> {
    try {
      const end = await this.reader.run(visitor)
      this.#handOn(false)
      this.#end('whole')
      return end
    } catch (error) {
      try {
        // Without a header there is no segment either.
        if (this.reader.header !== undefined) await this.#handOnRest(error)
      } catch {
        // The first error is told.
      }
      this.#end('broken')
      throw error
    }
  }

  /** Who looks into values may have something to show behind the place where this reader knows that they cannot end well. */
  async #handOnRest(error: unknown): Promise<void> {
    this.#handOn(false)
    const isReadable = error instanceof PlacedError && error.code !== 'BAD_CHECKSUM'
    while (isReadable && this.taker.wantsMore) {
      const waiting = this.taker.ready()
      if (waiting !== undefined) await waiting
      this.#window = await this.#next()
      if (this.#window === undefined) return
      this.#handOn(false)
    }
  }

  /** One window more: the reader asks, which has come to the end of the one before. */
  async read(): Promise<ByteWindow | undefined> {
    if (this.reader.header !== undefined) this.#handOn(true)
    else this.#passHead()
    const waiting = this.taker.ready()
    if (waiting !== undefined) await waiting
    this.#window = await this.#next()
    return this.#window
  }

  /** The next window; or whoever reads the segments has failed, while a pipe brings nothing. */
  #next(): Promise<ByteWindow | undefined> {
    if (this.source.lies !== undefined) return this.source.read()
    let stalled: NodeJS.Timeout
    return new Promise<ByteWindow | undefined>((resolve, reject) => {
      this.taker.onFailure = reject
      stalled = setTimeout(() => this.taker.flush(), STALL_MS)
      this.source.read().then(resolve, reject)
    }).finally(() => clearTimeout(stalled))
  }

  close(): Promise<void> {
    return this.source.close()
  }

  /** Of a window that ends before the header does. */
  #passHead(): void {
    if (this.#window === undefined) return
    this.#offset += this.#window.end - this.#window.start
    this.#window = undefined
  }

  /** Hands on the last window, and cuts in it where enough has come together. */
  #handOn(mayCut: boolean): void {
    if (this.#window === undefined) return
    const {bytes, end} = this.#window
    let {start} = this.#window
    this.#window = undefined
    if (this.#segmentOffset < 0) {
      start += MAGIC_BYTES - this.#offset
      this.#offset = MAGIC_BYTES
      this.#begin(0, [])
    }
    const {offset, db, behindKeys} = this.reader.boundary
    const until = start + offset - this.#offset
    // What a file says of itself stands before its keys: it is of the first segment, however long it is.
    const isEnough = behindKeys && offset - this.#segmentOffset >= this.options.segmentBytes
    const isToldSoon = this.#templates.fieldCount <= TEMPLATE_FIELDS_MAX
    if (mayCut && isEnough && isToldSoon && until >= start && until <= end) {
      this.#bytes(bytes, start, until)
      this.#end('cut')
      start = until
      this.#begin(db, this.#templates.known())
    }
    this.#bytes(bytes, start, end)
  }

  #problem(problem: Problem): void {
    // Of what stands at the end all before it is to be read first.
    if (problem.offset > MAGIC_BYTES) this.#handOn(false)
    this.taker.problem(problem)
  }

  #begin(db: number, templates: readonly KnownTemplate[]): void {
    const {header} = this.reader
    this.#segmentOffset = this.#offset
    const {inputBytes, source} = this
    this.taker.begin({header: header!, offset: this.#offset, db, inputBytes, templates, lies: source.lies})
  }

  #bytes(bytes: Uint8Array, start: number, end: number): void {
    if (end <= start) return
    this.taker.bytes(bytes, start, end, this.#offset)
    this.#offset += end - start
  }

  #end(how: SegmentEnd): void {
    if (this.#segmentOffset >= 0) this.taker.end(how)
  }
}
