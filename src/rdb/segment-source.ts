/**
 * A segment of a snapshot (segments.ts) on the side of whoever reads it: pieces in, windows out.
 */
import {readSync} from 'node:fs'
import {type ByteSource, type ByteWindow, TwoWindows} from '../bytes/source.js'
import {FormatError} from '../errors.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {RdbReader} from './reader.js'
import type {SegmentEnd, SegmentStart} from './segments.js'
import {readStretch, type StretchEnd} from './stretch.js'
import {HashTemplates} from './value/hash-template.js'

/** Bytes of a segment, or where they lie in its file. */
type Piece = {buffer: ArrayBuffer; used: number} | {offset: number; used: number}

/** Where the pieces come from, in order. */
export interface SegmentPieces {
  /** Nobody wants what is read any more. */
  readonly isClosed?: boolean
  next(): Promise<Piece | {end: string}>
  /** Gives the memory of a piece back. */
  back(buffer: ArrayBuffer): void
}

export class SegmentSource implements ByteSource {
  readonly name = 'segment'
  readonly inputBytes: number
  readonly storedBytes = Number.POSITIVE_INFINITY
  storedRead = 0
  readonly #windows = new TwoWindows(limits.windowBytes)
  #piece: Piece | undefined
  #at = 0
  #end: SegmentEnd | undefined

  constructor(
    readonly pieces: SegmentPieces,
    readonly start: SegmentStart,
  ) {
    this.inputBytes = start.inputBytes - start.offset
  }

  /** How the segment has ended, as far as that is known yet. */
  get end(): SegmentEnd | undefined {
    return this.#end
  }

  async read(): Promise<ByteWindow | undefined> {
    if (this.#piece === undefined && !(await this.#nextPiece())) return undefined
    const piece = this.#piece!
    const {bytes, room, start, end} = this.#windows.next()
    const wanted = Math.min(end - start, piece.used - this.#at)
    const count = 'buffer' in piece ? wanted : this.#fromFile(bytes, start, wanted, piece.offset + this.#at)
    if ('buffer' in piece) bytes.set(new Uint8Array(piece.buffer, this.#at, count), start)
    this.#at += count
    this.storedRead += count
    if (this.#at === piece.used) this.#done(piece)
    return {bytes, room, start, end: start + count}
  }

  /** Waits until whoever cuts has said how the segment ends; what is left of it is passed over. */
  async ended(): Promise<SegmentEnd> {
    while (this.#end === undefined) {
      if (this.#piece !== undefined) this.#done(this.#piece)
      await this.#nextPiece()
    }
    return this.#end
  }

  #fromFile(bytes: Uint8Array, at: number, wanted: number, offset: number): number {
    const {fd, start} = this.start.lies!
    const count = readSync(fd, bytes, at, wanted, start + offset)
    if (count === 0) throw new FormatError('TRUNCATED', 'the file has become shorter while it was read', offset)
    return count
  }

  #done(piece: Piece): void {
    this.#piece = undefined
    if ('buffer' in piece) this.pieces.back(piece.buffer)
  }

  async close(): Promise<void> {
    this.#windows.giveBack()
  }

  async #nextPiece(): Promise<boolean> {
    if (this.#end !== undefined) return false
    const piece = await this.pieces.next()
    if ('end' in piece) {
      this.#end = piece.end as SegmentEnd
      return false
    }
    this.#piece = piece
    this.#at = 0
    return true
  }
}

/** What is known of a segment that has been read. */
export interface SegmentRead {
  how: SegmentEnd
  /** Where who read it has ended; undefined where that was told, or nothing was read. */
  stretch: StretchEnd | undefined
}

/**
 * Shows a visitor what is in a segment; offsets are those of the file, as are those that the reader tells. Throws what is
 * wrong with its records, as the reader of the whole file would. Returns how the segment ends, once whoever cuts has said so.
 * `begun`: told where a stretch begins, or that nobody can tell: -1.
 */
export async function readSegment(
  pieces: SegmentPieces,
  start: SegmentStart,
  visitorOf: (reader: RdbReader) => EntryVisitor,
  begun: (offset: number) => void,
): Promise<SegmentRead> {
  if (start.stretch === undefined) return {how: await readPieces(pieces, start, visitorOf), stretch: undefined}
  const stretch = await readStretch(start, visitorOf, begun, () => pieces.isClosed === true)
  return {how: stretch?.isEnd === true ? 'whole' : 'cut', stretch}
}

async function readPieces(
  pieces: SegmentPieces,
  start: SegmentStart,
  visitorOf: (reader: RdbReader) => EntryVisitor,
): Promise<SegmentEnd> {
  const {header, db, offset} = start
  const source = new SegmentSource(pieces, start)
  try {
    const templates = templatesOf(pieces)
    templates.learn(start.templates)
    const reader = new RdbReader(source, {base: offset, templates, part: {header, db}})
    await reader.runPart(visitorOf(reader), () => source.end)
    return await source.ended()
  } finally {
    await source.close()
  }
}

/** What a thread has learned from one segment is known in the next. */
const learned = new WeakMap<SegmentPieces, HashTemplates>()

function templatesOf(pieces: SegmentPieces): HashTemplates {
  const known = learned.get(pieces) ?? new HashTemplates()
  learned.set(pieces, known)
  return known
}
