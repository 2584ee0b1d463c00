/**
 * The first pass of a comparison: both sides are digested into one index. Where it pays the second is at the same time,
 * by another thread:
 *
 *   this thread      first side ──► digests ──► index ◄── records, as they lie in it
 *                                                              ▲
 *   the other        second side ──► digests ──► records ──► parcels
 *
 * What is found does not depend on it: an index takes records in any order, and of the first side's failure it is told
 * before the second's.
 */
import {availableParallelism} from 'node:os'
import {PlacedError} from '../errors.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import type {KeyIndex} from '../keyspace/key-index.js'
import {type SelectionOptions, VALUE_TYPES} from '../keyspace/selection.js'
import {restored} from '../parallel/crossing-errors.js'
import {Thread, threadScript} from '../parallel/thread.js'
import {nameOf} from '../source/open.js'
import type {DiffCounts} from './diff-counts.js'
import {
  type DigestAnswer,
  type DigestedSide,
  type DigestForm,
  type DigestQuestion,
  digestSource,
} from './diff-digesting.js'
import {isAtEnd} from './diff-result.js'
import {ofSource, SideError, type SideKind, type SideReader} from './diff-side.js'

/**
 * A thread is ready after some 100 ms, and has cost as much of a core: this is what a file of this size takes to be digested
 * as it is stored, and a third of what it takes by meaning.
 */
const THREAD_BYTES_MIN = 128 * 1024 * 1024

export interface ThreadOptions {
  /** Threads that may be busy at the same time; absent: as many as there are cores. */
  threads?: number | undefined
  /** Bytes of the smaller side from which on another thread is worth its start. */
  threadBytesMin?: number | undefined
}

export class FirstPass {
  readonly #elsewhere: boolean
  readonly #secondBytes: number
  #thread: Thread<DigestQuestion, DigestAnswer> | undefined

  constructor(
    readonly readers: readonly [SideReader, SideReader],
    /** Of the second side. */
    readonly selection: SelectionOptions,
    readonly counts: DiffCounts,
    kinds: readonly SideKind[],
    {threads = availableParallelism(), threadBytesMin = THREAD_BYTES_MIN}: ThreadOptions,
  ) {
    const large = kinds.every(({bytes}) => bytes >= threadBytesMin)
    // A log that is replayed is a data set in memory: of two, one at a time.
    const streams = kinds[1]!.format !== 'aof'
    this.#secondBytes = kinds[1]!.bytes
    this.#elsewhere = threads > 1 && large && streams && !readers[1].sized
  }

  /** Digests both into an index. Throws SideError where nothing can be compared for it. */
  async digest(index: KeyIndex, form: DigestForm): Promise<[DigestedSide, DigestedSide]> {
    const [first, second] = this.readers
    if (!this.#elsewhere) {
      return [await this.#here(first, index, form, first.onOpen), await this.#here(second, index, form, second.onOpen)]
    }
    const reading: Reading = {name: nameOf(second.name), bytes: this.#secondBytes, read: 0, indexFailure: undefined}
    const elsewhere = this.#there(second, index, form, reading)
    // It is awaited once the first side has been read, which may fail before.
    elsewhere.catch(() => {})
    const {onOpen} = first
    const onFirst = onOpen && ((source: EntrySource['source']) => onOpen(together(source, reading)))
    try {
      return [await this.#here(first, index, form, onFirst), await elsewhere]
    } catch (error) {
      // An index that has failed takes nothing of the first side either.
      throw reading.indexFailure === undefined ? error : new SideError(second.name, reading.indexFailure)
    }
  }

  /** To be called at the end, however it came. */
  async close(): Promise<void> {
    await this.#thread?.end()
    this.#thread = undefined
  }

  async #here(
    reader: SideReader,
    index: KeyIndex,
    form: DigestForm,
    onOpen: SideReader['onOpen'],
  ): Promise<DigestedSide> {
    const {counts} = this
    const {side, dbOf} = reader
    const source = await reader.open(onOpen)
    const found = await digestSource(source, {...form, side, index, counts, dbOf}, pass => reader.marking(pass))
    return checked(reader, found)
  }

  async #there(reader: SideReader, index: KeyIndex, form: DigestForm, reading: Reading): Promise<DigestedSide> {
    const {path, options} = reader.source
    const {onFetch: _, ...opening} = options
    const asking = async (): Promise<DigestAnswer> => {
      reader.source.mustBeTheSame()
      this.#thread ??= new Thread(threadScript('diff-digests'))
      return await this.#thread.ask({path, opening, selection: this.selection, form}, parcel => {
        const words = new Int32Array(parcel.buffer, 0, parcel.used / Int32Array.BYTES_PER_ELEMENT)
        reading.read = parcel.read
        try {
          index.addRecords(words, words.length)
        } catch (error) {
          reading.indexFailure = error
          throw error
        }
      })
    }
    const {rows, balance, failure, ...found} = await ofSource(reader.name, asking())
    index.addBalance(balance)
    for (const {db, type, after} of rows) this.counts.has(reader.side, db, VALUE_TYPES.indexOf(type), after)
    return checked(reader, {...found, failure: failure && restored(failure)})
  }
}

/** Unless for its failure nothing can be compared. */
function checked({name}: SideReader, found: DigestedSide): DigestedSide {
  const {failure, keys} = found
  const early = failure !== undefined && !isAtEnd(failure)
  if (failure !== undefined && (!(failure instanceof PlacedError) || (early && keys === 0))) {
    throw new SideError(name, failure)
  }
  return found
}

/** How far the other thread is. */
interface Reading {
  readonly name: string
  readonly bytes: number
  read: number
  /** The index did not take what it found. */
  indexFailure: unknown
}

/** Both sides as one source, for whoever shows how far the reading is. */
function together(first: EntrySource['source'], second: Reading): EntrySource['source'] {
  return {
    name: `${first.name} and ${second.name}`,
    get storedRead() {
      return first.storedRead + second.read
    },
    storedBytes: first.storedBytes + second.bytes,
  }
}
