/**
 * A stretch of a snapshot in a plain file, read from the first record on that begins in it, to the first that begins
 * behind it:
 *
 *                 offset                    until
 *   ... record ][ │ ..record ][ record ] ... [ │ record ][ record ...
 *                            └ begins                   └ ends
 *
 * Where the first record begins is a guess (boundary-guess.ts), unless the offset is known to be one: what was found
 * stands only if what lies before the stretch ends where it begins, in the same database.
 */
import {readSync} from 'node:fs'
import {setImmediate as eventLoopTurn} from 'node:timers/promises'
import {type ByteSource, type ByteWindow, TwoWindows} from '../bytes/source.js'
import {FormatError} from '../errors.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {BoundaryGuess} from './boundary-guess.js'
import {RdbReader} from './reader.js'
import type {PartEnd} from './reading-end.js'
import type {SegmentStart} from './segments.js'
import {HashTemplates, type KnownTemplate} from './value/hash-template.js'
import {MAGIC_BYTES} from './versions.js'

export interface Stretch {
  /** Absolute, in bytes. */
  until: number
  /** The offset is a boundary. */
  isExact: boolean
}

/** How it ended. Plain data. */
export interface StretchEnd extends PartEnd {
  /** Those known there. */
  templates: readonly KnownTemplate[]
}

/** Windows after which whoever else is in this thread gets a turn. */
const READS_A_TURN = 2
/** Behind the stretch only the rest of a record is wanted. */
const BEHIND_BYTES = 32 * 1024

class StretchSource implements ByteSource {
  readonly name = 'stretch'
  readonly inputBytes: number
  readonly storedBytes = Number.POSITIVE_INFINITY
  storedRead = 0
  readonly #windows = new TwoWindows(limits.windowBytes)
  #reads = 0

  constructor(
    readonly file: {fd: number; start: number},
    readonly offset: number,
    readonly until: number,
    readonly end: number,
    readonly isClosed: () => boolean,
  ) {
    this.inputBytes = end - offset
  }

  async read(): Promise<ByteWindow | undefined> {
    if (++this.#reads % READS_A_TURN === 0) await eventLoopTurn()
    if (this.isClosed()) throw new Error('nobody wants what is read any more')
    const at = this.offset + this.storedRead
    if (at >= this.end) return undefined
    const {bytes, room, start, end} = this.#windows.next()
    const stop = Math.min(at < this.until ? this.until : at + BEHIND_BYTES + (at - this.until), this.end)
    const count = readSync(this.file.fd, bytes, start, Math.min(end - start, stop - at), this.file.start + at)
    if (count === 0) throw new FormatError('TRUNCATED', 'the file has become shorter while it was read', at)
    this.storedRead += count
    return {bytes, room, start, end: start + count}
  }

  async close(): Promise<void> {
    this.#windows.giveBack()
  }
}

/**
 * Shows a visitor the records of a stretch. `begun` is told where they begin before any is shown; -1: nobody can tell, and
 * nothing is read. Throws what is wrong with them.
 */
export async function readStretch(
  start: SegmentStart,
  visitorOf: (reader: RdbReader) => EntryVisitor,
  begun: (offset: number) => void,
  isClosed: () => boolean,
): Promise<StretchEnd | undefined> {
  const {header, db, inputBytes} = start
  const lies = start.lies!
  const {until, isExact} = start.stretch!
  const offset = isExact ? start.offset : new BoundaryGuess(lies, inputBytes, header).find(start.offset)
  begun(offset ?? -1)
  if (offset === undefined) return undefined
  const source = new StretchSource(lies, offset, Math.max(until, offset), inputBytes, isClosed)
  try {
    const templates = new HashTemplates()
    templates.learn(start.templates)
    const reader = new RdbReader(source, {base: offset, templates, part: {header, db, summing: true}})
    const end = await reader.runUpTo(visitorOf(reader), until, offset === MAGIC_BYTES)
    return {...end, templates: templates.known()}
  } finally {
    await source.close()
  }
}
