/**
 * The two drivers over the grammar: `run` pushes everything at a visitor (our
 * commands), `for await` hands out one entry at a time (library users). The
 * only waiting is here, between windows.
 */

import {decompressed} from '../bytes/compressed.js'
import {ByteCursor, STARVED} from '../bytes/cursor.js'
import {type ByteSource, type ByteWindow, MemorySource, openFile} from '../bytes/source.js'
import {FormatError, LimitError, PlacedError, UsageError} from '../errors.js'
import type {EntrySource, SourceOrigin} from '../keyspace/entry-source.js'
import {nextWindow} from '../keyspace/next-window.js'
import type {EntryVisitor, Problem, ValueVisitor} from '../keyspace/visitor.js'
import {SKIP} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {RdbEntry} from './entries.js'
import {FOREIGN_HEAD_BYTES, foreignError} from './foreign.js'
import {type PartEnd, type RdbEnd, reportEnd, reportVersion} from './reading-end.js'
import {NO_ANSWER, RecordReader} from './records.js'
import type {HashTemplates} from './value/hash-template.js'
import {hasMagic, type RdbHeader} from './versions.js'

export type {RdbEnd} from './reading-end.js'

export interface RdbReaderOptions {
  /** Report a wrong checksum as a problem and go on, instead of failing at the end. */
  ignoreChecksum?: boolean | undefined
  /** What follows the checksum is a log: it is left to whoever reads that (`rest`). */
  log?: boolean | undefined
  /** Offset of the first byte, where the file stands in for part of another. */
  base?: number | undefined
  /** What hashes of such a part may refer to. */
  templates?: HashTemplates | undefined
  /**
   * The bytes are records of a file with this header, from one on that stands in this database (`runPart`, `runUpTo`).
   * `summing`: their checksum is asked for.
   */
  part?: {header: RdbHeader; db: number; summing?: boolean} | undefined
}

/**
 * Reads one RDB file, once, front to back, in memory that does not depend on
 * its size. Throws FormatError, UnsupportedError and LimitError with the
 * absolute offset, and with database, key and type in `place` where it got so
 * far; input/output errors pass through.
 */
export class RdbReader implements EntrySource {
  readonly format = 'rdb'
  #header: RdbHeader | undefined
  #end: RdbEnd | undefined
  readonly #cursor: ByteCursor
  readonly #records: RecordReader
  #visitor: EntryVisitor = {entry: () => SKIP}
  /** The windows seen before the header was read: what to call the input if it is no RDB file. */
  #head: Uint8Array = new Uint8Array(0)
  #headWhole = false
  #begun = false

  constructor(
    readonly source: ByteSource,
    readonly options: RdbReaderOptions = {},
  ) {
    const {base = 0, part} = options
    this.#cursor = new ByteCursor(base + source.inputBytes, part === undefined || part.summing === true)
    this.#cursor.base = base
    this.#records = new RecordReader(this.#cursor, options.templates)
    if (part === undefined) return
    this.#header = part.header
    this.#records.begin(part.header)
    this.#records.entry.db = part.db
  }

  /** Opens a path, or bytes in memory; gzip and zstd are recognised and unpacked. */
  static async open(input: string | Uint8Array, options: RdbReaderOptions = {}): Promise<RdbReader> {
    const source = typeof input === 'string' ? await openFile(input) : new MemorySource(input)
    try {
      return new RdbReader(await decompressed(source), options)
    } catch (error) {
      await source.close()
      throw error
    }
  }

  /** Magic and version, once they have been read. */
  get header(): RdbHeader | undefined {
    return this.#header
  }

  /** What is known at the end, once it has been reached. */
  get end(): RdbEnd | undefined {
    return this.#end
  }

  /** Absolute position in the (unpacked) input, in bytes. */
  get offset(): number {
    return this.#cursor.offset
  }

  /** At the end, what was read of what follows: bytes of the last window, lent. */
  get rest(): {bytes: Uint8Array; start: number; end: number} {
    const {bytes, pos, end} = this.#cursor
    return {bytes, start: pos, end}
  }

  /** Where the record begins that was read last: an attribute of a key, a type, an opcode. */
  get recordOffset(): number {
    return this.#records.recordOffset
  }

  /**
   * Between two windows: where the record begins that is not finished, or the next one; its database; whether any key was
   * finished before it.
   */
  get boundary(): {offset: number; db: number; behindKeys: boolean} {
    const {boundary, entry} = this.#records
    return {offset: boundary, db: entry.db, behindKeys: entry.endOffset > 0}
  }

  /** Magic and version, read if they have not been yet. */
  async readHeader(): Promise<RdbHeader> {
    while (this.#header === undefined) {
      let header: RdbHeader | typeof STARVED
      try {
        header = this.#step(() => this.#records.readHeader())
      } catch (error) {
        throw await this.#headerError(error)
      }
      if (header === STARVED) await this.#refill()
      else this.#header = header as RdbHeader
    }
    this.#head = new Uint8Array(0)
    return this.#header
  }

  /** Whose numbers the file uses, and of which version. */
  async origin(): Promise<SourceOrigin> {
    const {family, rdbVersion} = await this.readHeader()
    return {family, rdbVersion}
  }

  /** Shows the visitor everything in the file. Reads to the end of the RDB file and no further; of a compressed input, to its end. */
  async run(visitor: EntryVisitor): Promise<RdbEnd> {
    await this.#begin(visitor)
    await this.#drive(() => this.#readAll(visitor))
    return await this.#finish()
  }

  /**
   * The same of records that are a part of a file (`options.part`): to where the file ends, or the source, if that may be:
   * `cut` in front of a record, `broken` anywhere. What is to be said of the file as a whole is left to whoever reads that.
   */
  async runPart(visitor: EntryVisitor, ends: () => 'cut' | 'broken' | 'whole' | undefined): Promise<void> {
    this.#visitor = visitor
    for (;;) {
      try {
        if (this.#step(() => this.#readAll(visitor)) !== STARVED) return
      } catch (error) {
        // Read once more with all there is, as at the end of a file: what waited for more has been shown.
        const isAtEnd = error instanceof PlacedError && error.code === 'TRUNCATED' && this.#cursor.ended
        if (isAtEnd && (ends() === 'broken' || (ends() === 'cut' && this.#isInFront))) return
        throw error
      }
      await this.#refill()
    }
  }

  /**
   * The same up to the first record that begins at `until` or behind, and behind a key where `isBehindKey`. The windows of
   * the source are to end at `until` where that is no boundary. Reads to the end of the file where none follows.
   */
  async runUpTo(visitor: EntryVisitor, until: number, isBehindKey: boolean): Promise<PartEnd> {
    this.#visitor = visitor
    const records = this.#records
    const cursor = this.#cursor
    const readAll = (): false => {
      records.readAll(visitor)
      return false
    }
    const readUpTo = (): boolean => records.readUpTo(visitor, until, isBehindKey)
    let isPast = cursor.offset >= until
    for (;;) {
      const read = isPast ? readUpTo : readAll
      const found = this.#step(() => this.#passingDamage(visitor, read))
      if (found === STARVED) {
        cursor.rewind()
        const wasPast = isPast
        isPast = cursor.base + cursor.end >= until
        // Where a window ends there, a record may begin: nothing more is to be read then.
        if (wasPast || !isPast || records.boundary < until) await this.#refill()
        continue
      }
      const {entry, footer} = records
      const isEnd = found === false
      const sum = isEnd && footer !== undefined ? footer.computed : cursor.checksum().digest()
      return {offset: cursor.offset, db: entry.db, isEnd, sum, stored: isEnd ? footer?.stored : undefined}
    }
  }

  /** All that has come ends with a record. */
  get #isInFront(): boolean {
    return this.#records.boundary === this.#cursor.base + this.#cursor.end
  }

  /**
   * One entry at a time. A value that is not read before the next entry is
   * asked for is passed over. `visitor` is shown what stands between the keys.
   */
  async *entries(visitor: Partial<EntryVisitor> = {}): AsyncGenerator<RdbEntry, RdbEnd> {
    const all: EntryVisitor = {...visitor, entry: () => SKIP}
    await this.#begin(all)
    const records = this.#records
    // The encoding of a string stands in its value: an entry is handed out with it.
    const next = (): boolean => (records.inValue || records.readKey(all)) && records.lookAhead()
    while (await this.#drive(next)) {
      const entry = new RdbEntry(records.entry, value => this.#readValue(value))
      yield entry
      if (!entry.value.begun) await entry.value.skip()
      else if (records.inValue) await this.#readOn()
    }
    return await this.#finish()
  }

  [Symbol.asyncIterator](): AsyncGenerator<RdbEntry, RdbEnd> {
    return this.entries()
  }

  async close(): Promise<void> {
    await this.source.close()
  }

  async #begin(visitor: EntryVisitor): Promise<void> {
    if (this.#begun) throw new UsageError('a reader reads its source once: open another')
    if (typeof visitor?.entry !== 'function') throw new UsageError('a visitor needs a method entry()')
    this.#begun = true
    this.#visitor = visitor
    const header = await this.readHeader()
    reportVersion(header, problem => this.#report(problem))
  }

  /** Reads on behind damage inside a value where the visitor wants that and the value's framing is whole. */
  #readAll(visitor: EntryVisitor): void {
    this.#passingDamage(visitor, () => this.#records.readAll(visitor))
  }

  #passingDamage<T>(visitor: EntryVisitor, read: () => T): T {
    const records = this.#records
    for (;;) {
      try {
        return read()
      } catch (error) {
        if (!(error instanceof PlacedError)) throw withoutAnswer(error)
        if (visitor.damage === undefined || !records.inValue) throw error
        const {damage} = records
        if (damage !== undefined) {
          // The framing is lost too. Where that is no other error than the damage, it is told once.
          if (damage.code !== error.code || damage.offset !== error.offset) records.tellDamage()
          throw error
        }
        if (!isPassable(error)) throw error
        this.#placed(error)
        this.#cursor.rewind()
        records.passRest(error, visitor)
      }
    }
  }

  /** Reads a value to its end that its reader gave up. */
  async #readOn(): Promise<void> {
    this.#cursor.rewind()
    this.#records.abandon()
    await this.#drive(() => this.#records.readValue())
  }

  /** Shows the value of the present entry, window by window; `false` while more windows are to come. */
  async *#readValue(visitor: ValueVisitor): AsyncGenerator<boolean> {
    const records = this.#records
    const {valueOffset} = records.entry
    records.answer(visitor)
    for (;;) {
      if (this.#step(() => records.readValue()) !== STARVED) {
        yield true
        return
      }
      yield false
      if (!records.inValue || records.entry.valueOffset !== valueOffset) {
        throw new UsageError('the value is gone: the next entry has been asked for')
      }
      await this.#refill()
    }
  }

  async #drive<T>(step: () => T): Promise<T> {
    for (;;) {
      const result = this.#step(step)
      if (result !== STARVED) return result as T
      await this.#refill()
    }
  }

  /** Runs the grammar until it is done or starved. */
  #step<T>(step: () => T): T | typeof STARVED {
    try {
      return step()
    } catch (error) {
      if (error === STARVED) return STARVED
      throw this.#placed(error)
    }
  }

  async #refill(): Promise<void> {
    this.#cursor.rewind()
    this.#records.beforeRefill()
    const window = await nextWindow(this.#cursor, this.source, this.#visitor)
    if (this.#header === undefined) this.#remember(window)
    this.#records.afterRefill()
  }

  #remember(window: ByteWindow | undefined): void {
    this.#headWhole = window === undefined
    if (window === undefined) return
    const piece = window.bytes.subarray(window.start, window.end)
    const joined = new Uint8Array(this.#head.length + piece.length)
    joined.set(this.#head)
    joined.set(piece, this.#head.length)
    this.#head = joined
  }

  /** A file that does not begin like one: say what it is instead. */
  async #headerError(error: unknown): Promise<unknown> {
    if (!(error instanceof FormatError) || error.code === 'BAD_VERSION') return error
    await this.#readHead()
    const head = this.#head
    const begun = head.length > 0 && hasMagic(head) !== false
    return begun ? error : foreignError(head, this.#headWhole)
  }

  /** Reads as much as it takes to tell what an input is; little of a stream of text, whose end may never come. */
  async #readHead(): Promise<void> {
    const {inputBytes} = this.source
    for (;;) {
      const bytes = this.#head.length
      const ending = inputBytes !== Number.POSITIVE_INFINITY || (bytes > 0 && this.#head[0]! < 0x20)
      if (this.#headWhole || bytes >= (ending ? limits.windowBytes : FOREIGN_HEAD_BYTES)) return
      this.#remember(await this.source.read())
    }
  }

  /** Adds what is known of the place to an error of the grammar. */
  #placed(error: unknown): unknown {
    if (!(error instanceof PlacedError) || this.#header === undefined) return error
    const {entry, inValue, recordOffset} = this.#records
    error.place = {db: entry.db, recordOffset}
    if (inValue) Object.assign(error.place, entry.keptKey(limits.problemsMax), {type: entry.type})
    return error
  }

  async #finish(): Promise<RdbEnd> {
    const checksum = this.#records.checksum!
    const bytes = this.#cursor.offset
    const {inputBytes} = this.source
    const known = inputBytes !== Number.POSITIVE_INFINITY
    const seen = this.#cursor.end - this.#cursor.pos
    const log = this.options.log === true
    const trailingBytes = known ? inputBytes - bytes : seen + (log ? 0 : ((await this.source.readRest?.()) ?? 0))
    const end = {checksum, bytes, trailingBytes}
    this.#end = end
    const {ignoreChecksum} = this.options
    reportEnd(log ? {...end, trailingBytes: 0} : end, ignoreChecksum, problem => this.#report(problem))
    return end
  }

  #report(problem: Problem): void {
    this.#visitor.problem?.(problem)
  }
}

/** What a value can be passed over for, if its framing is whole. */
export function isPassable(error: unknown): error is FormatError | LimitError {
  return error instanceof LimitError || (error instanceof FormatError && error.code !== 'TRUNCATED')
}

/** Where entry() answered with nothing, that is met as soon as its depth is looked at: no key pays for a check. */
function withoutAnswer(error: unknown): unknown {
  if (!(error instanceof TypeError) || !error.message.endsWith("(reading 'depth')")) return error
  return new UsageError(NO_ANSWER, {cause: error})
}
