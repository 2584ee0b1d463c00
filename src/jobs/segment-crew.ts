/**
 * Reads a snapshot by several threads: this one cuts it into segments (rdb/segments.ts), the others read them, and what
 * they find is taken in the order of the file.
 *
 *   source ─► cutter ─► segment 1 ─► thread A ─┐
 *                       segment 2 ─► thread B ─┤ parcels and answers, in the order of the segments ─► work
 *                       segment 3 ─► thread A ─┘
 *
 * Memory: the pieces on their way to each thread, those that wait for one, and the parcels of segments whose turn has not
 * come, which their threads bound (answering.ts). A segment that comes first is never waited for by another, so nothing
 * stands still.
 */
import {UsageError} from '../errors.js'
import type {Problem} from '../keyspace/visitor.js'
import {type Answerer, KEPT, type Parcel, type Piece} from '../parallel/thread.js'
import type {SegmentEnd, SegmentStart, SegmentTaker} from '../rdb/segments.js'
import type {SegmentAnswer, SegmentWork} from './segment-work.js'

const PIECE_BYTES = 1024 * 1024
/** On their way to one thread. */
const PIECES_OUT_MAX = 8
/** Of segments that no thread has been given. */
const PIECES_WAITING_MAX = 8

/** A thread, and how much is on its way to it. */
interface Lane<Q, A> {
  thread: Answerer<Q, A>
  isBusy: boolean
  pieces: number
  /** That it has read last. */
  last: Segment<Q, A> | undefined
}

interface Segment<Q, A> {
  start: SegmentStart
  isFirst: boolean
  /** All of it has been cut. */
  isEnded: boolean
  /** Templates that are known at its end; that is where the next one begins. */
  templates: number
  lane: Lane<Q, A> | undefined
  /** Those that wait for a thread. */
  fed: Piece[]
  /** What the thread has handed on, and whose turn has not come. */
  parcels: Parcel[]
  answer: {answer: A} | undefined
}

export class Crew<Q, A extends SegmentAnswer> implements SegmentTaker {
  readonly #lanes: Lane<Q, A>[] = []
  /** Those that have not been taken to their end, in the order of the file. */
  readonly #segments: Segment<Q, A>[] = []
  /** That is being cut. */
  #present: Segment<Q, A> | undefined
  #begun = 0
  /** Bytes go to the threads; else they are told where these lie. */
  #handsOn = true
  #piece: ArrayBuffer | undefined
  #used = 0
  /** Of the first byte of a piece that is not handed on. */
  #offset = 0
  #waiting = 0
  readonly #empty: ArrayBuffer[] = []
  /** Of the file as a whole, met once segments had begun. */
  readonly #problems: Problem[] = []
  #ended = false
  onFailure: ((error: unknown) => void) | undefined
  #failure: {error: unknown} | undefined
  #wakes: (() => void)[] = []
  readonly #taking: Promise<void>

  constructor(
    readonly work: SegmentWork<Q, A>,
    readonly threads: number,
    readonly newThread: (script: string) => Answerer<Q, A>,
  ) {
    if (threads < 1) throw new UsageError('segments are read by one thread at least')
    this.#taking = this.#takeAll()
  }

  begin(start: SegmentStart): void {
    this.#handsOn = start.lies === undefined
    const isFirst = this.#begun++ === 0
    const {length: templates} = start.templates
    if (this.#present !== undefined) this.#present.templates = templates
    const nothing = {lane: undefined, fed: [], parcels: [], answer: undefined}
    this.#present = {start, isFirst, isEnded: false, templates, ...nothing}
    this.#segments.push(this.#present)
    this.#assign()
  }

  bytes(bytes: Uint8Array, start: number, end: number, offset: number): void {
    // What was given up is eaten by nobody.
    if (this.#present!.answer !== undefined) return
    for (let from = start; from < end; ) {
      const count = Math.min(end - from, PIECE_BYTES - this.#used)
      if (this.#handsOn) {
        this.#piece ??= this.#empty.pop() ?? new ArrayBuffer(PIECE_BYTES)
        new Uint8Array(this.#piece).set(bytes.subarray(from, from + count), this.#used)
      } else if (this.#used === 0) {
        this.#offset = offset + from - start
      }
      this.#used += count
      from += count
      if (this.#used === PIECE_BYTES) this.#sendPiece()
    }
  }

  end(how: SegmentEnd): void {
    this.#sendPiece()
    this.#feed({end: how})
    this.#present!.isEnded = true
  }

  flush(): void {
    if (this.#present !== undefined) this.#sendPiece()
  }

  problem(problem: Problem): void {
    if (this.#begun === 0) this.work.problem?.(problem)
    else this.#problems.push(problem)
  }

  get wantsMore(): boolean {
    return this.#failure === undefined && this.#present?.answer === undefined
  }

  ready(): Promise<void> | undefined {
    return this.#failure === undefined && !this.#isFull() ? undefined : this.#room()
  }

  /** All has been cut: waits until it has been taken. Throws what ended that. */
  async finished(): Promise<void> {
    this.#ended = true
    this.#wake()
    await this.#taking
    if (this.#failure !== undefined) throw this.#failure.error
    for (const problem of this.#problems) this.work.problem?.(problem)
  }

  /** Ends the threads, whatever they do. */
  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(({thread}) => thread.end()))
  }

  #isFull(): boolean {
    const {lane, answer, isEnded} = this.#present ?? {}
    // Given up in the middle: its turn will come, and that ends the reading.
    if (answer !== undefined && isEnded === false) return true
    return this.#waiting >= PIECES_WAITING_MAX || (lane !== undefined && lane.pieces >= PIECES_OUT_MAX)
  }

  async #room(): Promise<void> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      if (!this.#isFull()) return
      await this.#change()
    }
  }

  #sendPiece(): void {
    const used = this.#used
    if (used === 0) return
    this.#feed(this.#piece === undefined ? {offset: this.#offset, used} : {buffer: this.#piece, used})
    this.#piece = undefined
    this.#used = 0
  }

  #feed(fed: Piece): void {
    const {lane, fed: waiting} = this.#present!
    if (lane === undefined) {
      waiting.push(fed)
      this.#waiting++
    } else {
      feedLane(lane, fed)
    }
  }

  /** Gives segments that wait to threads that do not, the first first. */
  #assign(): void {
    for (const segment of this.#segments) {
      if (segment.lane !== undefined) continue
      const lane = this.#freeLane()
      if (lane === undefined) return
      segment.lane = lane
      lane.isBusy = true
      void this.#ask(segment, lane)
      for (const fed of segment.fed) feedLane(lane, fed)
      this.#waiting -= segment.fed.length
      segment.fed = []
    }
  }

  #freeLane(): Lane<Q, A> | undefined {
    const free = this.#lanes.find(({isBusy}) => !isBusy)
    if (free !== undefined || this.#lanes.length === this.threads) return free
    const thread = this.#start()
    if (thread === undefined) return undefined
    const lane: Lane<Q, A> = {thread, isBusy: false, pieces: 0, last: undefined}
    lane.thread.onEaten = buffer => {
      lane.pieces--
      this.#empty.push(buffer)
      this.#wake()
    }
    this.#lanes.push(lane)
    return lane
  }

  /** Undefined where the system has no room for another thread: that ends the reading. */
  #start(): Answerer<Q, A> | undefined {
    try {
      return this.newThread(this.work.script)
    } catch (error) {
      this.#fail(error)
      return undefined
    }
  }

  async #ask(segment: Segment<Q, A>, lane: Lane<Q, A>): Promise<void> {
    const {start, isFirst} = segment
    // Those that it does not know yet.
    const templates = start.templates.slice(lane.last?.templates ?? 0)
    lane.last = segment
    const question = this.work.question({...start, templates}, isFirst)
    try {
      const answer = await lane.thread.ask(question, parcel => {
        segment.parcels.push(parcel)
        this.#wake()
        return KEPT
      })
      segment.answer = {answer}
      lane.isBusy = false
      this.#assign()
      this.#wake()
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Takes what the threads have found, in the order of the file. */
  async #takeAll(): Promise<void> {
    try {
      while (this.#failure === undefined) {
        const [segment] = this.#segments
        if (segment === undefined && this.#ended) return
        // Nothing may be waited for between looking and this: it would be missed.
        if (segment === undefined || !hasMore(segment)) await this.#change()
        else await this.#takeOf(segment)
      }
    } catch (error) {
      this.#fail(error)
    }
  }

  async #takeOf(segment: Segment<Q, A>): Promise<void> {
    const parcel = segment.parcels.shift()
    if (parcel === undefined) {
      this.work.answered(segment.answer!.answer)
      this.#segments.shift()
      return
    }
    const taking = this.work.take(parcel)
    if (taking !== undefined) await taking
    segment.lane!.thread.giveBack(parcel.buffer)
  }

  #fail(error: unknown): void {
    this.#failure ??= {error}
    this.#wake()
    this.onFailure?.(error)
  }

  /** Something is another way than it was. */
  #change(): Promise<void> {
    return new Promise(resolve => this.#wakes.push(resolve))
  }

  #wake(): void {
    const wakes = this.#wakes
    this.#wakes = []
    for (const wake of wakes) wake()
  }
}

function hasMore({parcels, answer}: Segment<never, unknown>): boolean {
  return parcels.length > 0 || answer !== undefined
}

function feedLane<Q, A>(lane: Lane<Q, A>, fed: Piece): void {
  if ('buffer' in fed) lane.pieces++
  lane.thread.feed(fed)
}
