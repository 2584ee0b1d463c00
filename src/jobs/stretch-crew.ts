/**
 * Reads a snapshot in a plain file by several threads, this one among them: each takes the next stretch, guesses where
 * its first record begins, and reads from there to the first record behind the stretch (rdb/stretch.ts).
 *
 *   file    │ stretch 1 │ stretch 2 │ stretch 3 │ ...
 *   read     [this thread][thread A   ][this thread ]
 *   taken    1, then 2 if it begins where 1 ended, else what is read once more from there, ...
 *
 * What was found of a stretch stands if the one before ended exactly where it begins, in the database that was supposed.
 * So the answers are those of one thread, whatever is guessed. Memory: the parcels of stretches whose turn has not come,
 * which their threads bound (answering.ts).
 */

import {crc64} from '../bytes/crc64.js'
import {crcJoined} from '../bytes/crc64-combine.js'
import type {ByteSource} from '../bytes/source.js'
import {UsageError} from '../errors.js'
import {PARCELS_OUT_MAX} from '../parallel/answering.js'
import {OwnThread} from '../parallel/own-thread.js'
import {type Answerer, KEPT, type Parcel} from '../parallel/thread.js'
import {RdbReader} from '../rdb/reader.js'
import {type RdbEnd, reportEnd, reportVersion} from '../rdb/reading-end.js'
import {checksumVerdict} from '../rdb/records.js'
import type {StretchEnd} from '../rdb/stretch.js'
import {MAGIC_BYTES, magicText, type RdbHeader} from '../rdb/versions.js'
import type {SegmentAnswer, SegmentWork} from './segment-work.js'

export interface StretchOptions {
  threads: number
  stretchBytes: number
  ignoreChecksum: boolean | undefined
  /** This thread is one of them. */
  isWorking: boolean
}

/** Stretches that are read ahead of the one whose turn it is, for each thread. */
const AHEAD = 3
/** A short file has at least so many stretches for each thread. */
const STRETCHES_MIN = 4
const STRETCH_BYTES_MIN = 64 * 1024
/** Where more guesses are wrong than right by so many, nothing is guessed any more. */
const WRONG_MAX = 8

/** Who reads the last stretch reads to the end of the file, wherever that is. */
const THE_END = Number.POSITIVE_INFINITY

interface Stretch<Q, A> {
  from: number
  until: number
  isExact: boolean
  /** Supposed to be selected where it begins. */
  db: number
  lane: Lane<Q, A> | undefined
  /** Where it begins, once that is told; -1: nobody knows. */
  begins: number | undefined
  parcels: Parcel[]
  answer: A | undefined
  /** Nobody wants what is found of it. */
  isDropped: boolean
}

interface Lane<Q, A> {
  thread: Answerer<Q, A>
  /** What it reads, and what it is to read next: it need not wait for this thread's next turn. */
  readonly stretches: Stretch<Q, A>[]
  readonly stretchesMax: number
  /** Parcels of it that have not been given back. */
  held: number
}

/** Reads all of it. Throws what is wrong with it, once all that precedes it has been taken. */
export async function readInStretches<Q, A extends SegmentAnswer>(
  source: ByteSource,
  work: SegmentWork<Q, A>,
  newThread: (script: string) => Answerer<Q, A>,
  options: StretchOptions,
): Promise<RdbEnd> {
  if (options.threads < 1) throw new UsageError('stretches are read by one thread at least')
  const header = await new RdbReader(source).readHeader()
  work.begin?.(header)
  reportVersion(header, problem => work.problem(problem))
  const crew = new StretchCrew(source, header, work, newThread, options)
  try {
    const end = await crew.run()
    reportEnd(end, options.ignoreChecksum, problem => work.problem(problem))
    return end
  } finally {
    await crew.close()
  }
}

class StretchCrew<Q, A extends SegmentAnswer> {
  readonly #lanes: Lane<Q, A>[] = []
  /** Those that have not been taken to their end, in the order of the file. */
  readonly #stretches: Stretch<Q, A>[] = []
  readonly #stretchBytes: number
  /** Where the next one begins that nobody has been given. */
  #next = MAGIC_BYTES
  /** Where what has been taken ends. */
  #taken: StretchEnd
  #wrong = 0
  #failure: {error: unknown} | undefined
  #wake: (() => void) | undefined

  constructor(
    readonly source: ByteSource,
    readonly header: RdbHeader,
    readonly work: SegmentWork<Q, A>,
    readonly newThread: (script: string) => Answerer<Q, A>,
    readonly options: StretchOptions,
  ) {
    const {threads, stretchBytes} = options
    const share = Math.ceil(source.inputBytes / (threads * STRETCHES_MIN))
    this.#stretchBytes = Math.min(stretchBytes, Math.max(share, STRETCH_BYTES_MIN))
    const magic = Buffer.from(magicText(header), 'latin1')
    const sum = crc64(magic, 0, magic.length)
    this.#taken = {offset: MAGIC_BYTES, db: 0, isEnd: false, sum, stored: undefined, templates: []}
  }

  async run(): Promise<RdbEnd> {
    while (!this.#taken.isEnd) {
      this.#assign()
      if (this.#failure !== undefined) throw this.#failure.error
      const [stretch] = this.#stretches
      if (stretch !== undefined && !this.#stands(stretch)) continue
      if (stretch !== undefined && hasMore(stretch)) {
        await this.#takeOf(stretch)
        continue
      }
      // Nothing may be waited for between looking and this: it would be missed.
      if (stretch !== undefined) this.#makeRoom(stretch)
      await this.#change()
    }
    const {offset, sum, stored} = this.#taken
    const checksum = stored === undefined ? 'absent' : checksumVerdict(sum, stored)
    return {checksum, bytes: offset, trailingBytes: this.source.inputBytes - offset}
  }

  /** Ends the threads, whatever they do. */
  async close(): Promise<void> {
    for (const stretch of this.#stretches.splice(0)) this.#drop(stretch)
    await Promise.all(this.#lanes.map(({thread}) => thread.end()))
  }

  /** Whether the first stretch is as it was supposed to be, as far as is known; else it is replaced, or passed over. */
  #stands(stretch: Stretch<Q, A>): boolean {
    if (stretch.isExact || stretch.begins === undefined) return true
    const {offset, db, templates} = this.#taken
    if (stretch.begins === offset && stretch.db === db && templates.length === 0) {
      stretch.isExact = true
      if (this.#wrong > 0) this.#wrong--
      return true
    }
    this.#stretches.shift()
    this.#drop(stretch)
    if (stretch.until > offset) this.#readAgain(stretch)
    return false
  }

  /** From where it begins. */
  #readAgain({begins, until}: Stretch<Q, A>): void {
    const {offset, templates} = this.#taken
    if (begins! >= 0) this.#wrong++
    const isLast = templates.length > 0 || this.#wrong > WRONG_MAX
    if (isLast) {
      for (const stretch of this.#stretches.splice(0)) this.#drop(stretch)
      this.#next = THE_END
    }
    this.#stretches.unshift(this.#stretch(offset, isLast ? THE_END : until, true))
  }

  #stretch(from: number, until: number, isExact: boolean): Stretch<Q, A> {
    const begins = isExact ? from : undefined
    const nothing = {lane: undefined, parcels: [], answer: undefined, isDropped: false}
    return {from, until, isExact, db: this.#taken.db, begins, ...nothing}
  }

  /** Gives stretches to threads that have none, the first first. */
  #assign(): void {
    const {inputBytes} = this.source
    for (let i = 0; ; i++) {
      if (i === this.#stretches.length) {
        if (i >= AHEAD * this.options.threads || this.#next === THE_END || this.#freeLane() === undefined) return
        const end = this.#next + this.#stretchBytes
        const until = end < inputBytes ? end : THE_END
        this.#stretches.push(this.#stretch(this.#next, until, this.#next === MAGIC_BYTES))
        this.#next = until
      }
      const stretch = this.#stretches[i]!
      if (stretch.lane !== undefined) continue
      const lane = this.#freeLane()
      if (lane === undefined) return
      void this.#ask(stretch, lane)
    }
  }

  /**
   * Sees to it that more comes of the first stretch, of which there is nothing to take. A thread sleeps only while more of its
   * parcels than PARCELS_OUT_MAX are kept here; all other memory goes back to it by itself. What is kept is of later stretches,
   * found before the first was to be read again: once enough of it is given up, the last first, the thread goes on.
   *
   *   the first has a thread     that one goes on: it reads the first, or what it was asked before, which comes to its end
   *   it has none                no thread may be asked more: one that sleeps goes on; where none sleeps, all are going on
   *
   * So one of them comes to an end, or falls asleep again, having handed on what leads here again. That ends too: what
   * a stretch holds is finite, and what is given up is asked for again behind the first.
   */
  #makeRoom({lane: own}: Stretch<Q, A>): void {
    const lane = own ?? this.#lanes.find(({held}) => held > PARCELS_OUT_MAX)
    if (lane === undefined) return
    for (let i = this.#stretches.length - 1; i > 0 && lane.held > PARCELS_OUT_MAX; i--) {
      const given = this.#stretches[i]!
      if (given.lane !== lane || given.parcels.length === 0) continue
      this.#drop(given)
      this.#stretches[i] = this.#stretch(given.from, given.until, false)
    }
  }

  #freeLane(): Lane<Q, A> | undefined {
    const free = this.#lanes
      .filter(({stretches, stretchesMax}) => stretches.length < stretchesMax)
      .sort((a, b) => a.stretches.length - b.stretches.length)[0]
    if (free?.stretches.length === 0 || this.#lanes.length === this.options.threads) return free
    const {work, options} = this
    try {
      // The others are started first: this thread works while they are.
      const isOwn = options.isWorking && this.#lanes.length === options.threads - 1
      const thread = isOwn ? new OwnThread<Q, A>(work.answer) : this.newThread(work.script)
      this.#lanes.push({thread, stretches: [], stretchesMax: isOwn || !options.isWorking ? 1 : 2, held: 0})
      return this.#lanes.at(-1)
    } catch (error) {
      // The system has no room for another thread.
      this.#fail(error)
      return undefined
    }
  }

  async #ask(stretch: Stretch<Q, A>, lane: Lane<Q, A>): Promise<void> {
    const {from: offset, until, isExact, db} = stretch
    const {header, source, work} = this
    stretch.lane = lane
    lane.stretches.push(stretch)
    const {templates} = isExact ? this.#taken : {templates: []}
    const {inputBytes, lies} = source
    const start = {header, offset, db, inputBytes, templates, lies, stretch: {until, isExact}}
    try {
      const question = work.question(start, offset === MAGIC_BYTES)
      stretch.answer = await lane.thread.ask(question, parcel => this.#arrived(stretch, parcel))
      // The file could not be read where that is guessed: who reads it from its beginning will say so.
      stretch.begins ??= -1
      lane.stretches.shift()
      this.#changed()
    } catch (error) {
      this.#fail(error)
    }
  }

  #arrived(stretch: Stretch<Q, A>, parcel: Parcel): typeof KEPT | undefined {
    if (stretch.isDropped) return undefined
    this.#changed()
    if (isBeginning(parcel)) {
      stretch.begins = parcel.read
      return undefined
    }
    stretch.parcels.push(parcel)
    stretch.lane!.held++
    return KEPT
  }

  async #takeOf(stretch: Stretch<Q, A>): Promise<void> {
    const parcel = stretch.parcels.shift()
    if (parcel !== undefined) {
      const taking = this.work.take(parcel)
      if (taking !== undefined) await taking
      this.#giveBack(stretch, parcel)
      return
    }
    const answer = stretch.answer!
    this.#stretches.shift()
    this.work.answered(answer)
    const {sum} = this.#taken
    const end = answer.stretch!
    this.#taken = {...end, sum: crcJoined(sum, end.sum, bytesSummed(end) - this.#taken.offset)}
    this.source.passed?.(end.offset)
  }

  #drop(stretch: Stretch<Q, A>): void {
    stretch.isDropped = true
    for (const parcel of stretch.parcels.splice(0)) this.#giveBack(stretch, parcel)
  }

  #giveBack({lane}: Stretch<Q, A>, {buffer}: Parcel): void {
    lane!.held--
    lane!.thread.giveBack(buffer)
  }

  #fail(error: unknown): void {
    this.#failure ??= {error}
    this.#changed()
  }

  /** Something is another way than it was. */
  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
    })
  }

  #changed(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}

/** Up to where the checksum of a part goes. */
function bytesSummed({offset, stored}: StretchEnd): number {
  return stored === undefined ? offset : offset - CHECKSUM_BYTES
}

const CHECKSUM_BYTES = 8

/** The first parcel of a stretch tells where it begins, and holds nothing. */
function isBeginning({used, read}: Parcel): boolean {
  return used === 0 && read !== 0
}

function hasMore({parcels, answer}: Stretch<never, unknown>): boolean {
  return parcels.length > 0 || answer !== undefined
}
