/**
 * What is done with the segments of a snapshot, and by how many threads: in stretches of a plain file (stretch-crew.ts), in
 * segments that one thread cuts of anything else (segment-crew.ts).
 */
import {availableParallelism} from 'node:os'
import {PeekedSource} from '../bytes/peeked.js'
import type {ByteSource} from '../bytes/source.js'
import type {Problem} from '../keyspace/visitor.js'
import type {Inbox, Outbox} from '../parallel/answering.js'
import type {FlatError} from '../parallel/crossing-errors.js'
import {type Answerer, type Parcel, Thread, threadScript} from '../parallel/thread.js'
import type {RdbEnd} from '../rdb/reader.js'
import {SegmentCutter, type SegmentStart} from '../rdb/segments.js'
import type {StretchEnd} from '../rdb/stretch.js'
import type {RdbHeader} from '../rdb/versions.js'
import {Crew} from './segment-crew.js'
import {readInStretches} from './stretch-crew.js'

/** What every thread answers about a segment. */
export interface SegmentAnswer {
  /** Where it ended; undefined where that was told. */
  stretch: StretchEnd | undefined
  /** What ended the reading of it. */
  failure: FlatError | undefined
}

/** What is to be known of a file cannot be told from its parts. */
export class OneThreadError extends Error {
  override readonly name = 'OneThreadError'
}

/** What is done with the segments. */
export interface SegmentWork<Q, A extends SegmentAnswer> {
  /** Of src/threads: answers the question about a segment. */
  readonly script: string
  /** As the threads answer it. */
  readonly answer: (question: Q, outbox: Outbox, inbox: Inbox) => Promise<A>
  /** Of a plain file, unless told. */
  readonly stretchBytes: number
  /** Of a plain file, before anything else. */
  begin?(header: RdbHeader): void
  question(start: SegmentStart, isFirst: boolean): Q
  /** What a thread hands on, in the order of the file; lent until what is returned has been awaited. */
  take(parcel: Parcel): Promise<void> | undefined
  /** What became of a segment, in the order of the file. What it throws ends the reading. */
  answered(answer: A): void
  /** What is wrong with the file as a whole, or odd about it. */
  problem(problem: Problem): void
}

export interface SegmentsOptions {
  /** Threads that read segments; absent: as many as there are cores, if these are four or more, and eight at most. */
  threads?: number | undefined
  /** Bytes of an input from which on it is read by threads. */
  threadBytesMin?: number | undefined
  segmentBytes?: number | undefined
  /** Makes a thread of a script of src/threads. */
  newThread?: ((script: string) => Answerer<never, never>) | undefined
}

/**
 * Threads unless told. With two cores they were no faster than one thread: what is handed on between them, and what each
 * compiles for itself, takes what the second core gives. One thread passes over the file at some ten times the speed of those
 * that read it: it keeps no more than so many busy.
 */
const CORES_MIN = 4
const THREADS_MAX = 8
/** A thread is ready after some 100 ms. */
const THREAD_BYTES_MIN = 32 * 1024 * 1024
/** What is compressed holds several times as much. */
const COMPRESSED_BYTES_MIN = 8 * 1024 * 1024
/** Of a pipe nobody knows how much comes: what brings so much at once may bring more. */
const PIPE_BYTES_MIN = 1024 * 1024
/** Some 20 ms of work: far more than a message, little to wait for at the end. */
const SEGMENT_BYTES = 4 * 1024 * 1024

/** Whether a snapshot is so large, as far as anybody knows, that threads pay. Of a pipe its beginning is waited for. */
export async function paysInSegments(
  source: ByteSource,
  {threads = defaultThreads(), threadBytesMin = THREAD_BYTES_MIN}: SegmentsOptions,
): Promise<boolean> {
  if (threads < 2) return false
  const {storedBytes, inputBytes} = source
  if (storedBytes === Number.POSITIVE_INFINITY) {
    const wanted = Math.min(PIPE_BYTES_MIN, threadBytesMin)
    return !(source instanceof PeekedSource) || (await source.peek(wanted)).length >= wanted
  }
  const plain = storedBytes === inputBytes
  return storedBytes >= (plain ? threadBytesMin : Math.min(COMPRESSED_BYTES_MIN, threadBytesMin))
}

/** Reads all of a snapshot. Throws what is wrong with it, once all that precedes it has been taken. */
export async function readInSegments<Q, A extends SegmentAnswer>(
  source: ByteSource,
  work: SegmentWork<Q, A>,
  ignoreChecksum: boolean | undefined,
  {threads = defaultThreads(), segmentBytes, newThread}: SegmentsOptions,
): Promise<RdbEnd> {
  const make = (newThread ?? realThread) as unknown as (script: string) => Answerer<Q, A>
  if (source.lies !== undefined) {
    const options = {ignoreChecksum, threads, stretchBytes: segmentBytes ?? work.stretchBytes}
    return await readInStretches(source, work, make, {...options, isWorking: newThread === undefined})
  }
  const crew = new Crew(work, threads, make)
  const cutter = new SegmentCutter(source, crew, {segmentBytes: segmentBytes ?? SEGMENT_BYTES, ignoreChecksum})
  try {
    const [read] = await Promise.allSettled([cutter.run()])
    await crew.finished()
    if (read.status === 'rejected') throw read.reason
    return read.value
  } finally {
    await crew.close()
  }
}

/** Tells, before anything else is handed on, where a stretch begins (stretch-crew.ts). */
export function begunWith(outbox: Outbox): (offset: number) => void {
  return offset => outbox.post(outbox.take(), 0, offset)
}

function defaultThreads(): number {
  const cores = availableParallelism()
  return cores < CORES_MIN ? 1 : Math.min(cores, THREADS_MAX)
}

function realThread(script: string): Thread<never, never> {
  return new Thread(threadScript(script))
}
