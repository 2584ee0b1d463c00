/**
 * A part of a snapshot as a file of its own:
 *
 *   magic version   SELECTDB db   records of the part   ff [checksum: none]
 */
import {readSync} from 'node:fs'
import {type ByteSource, type ByteWindow, TwoWindows} from '../bytes/source.js'
import {ByteWriter} from '../bytes/writer.js'
import {writeLength} from '../encoding/length.js'
import {FormatError} from '../errors.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {OPCODE_EOF, OPCODE_SELECTDB} from './opcodes.js'
import {RdbReader} from './reader.js'
import type {HashTemplates} from './value/hash-template.js'
import {CHECKSUM_VERSION_MIN, magicText, type RdbHeader} from './versions.js'

/** Records that follow each other. */
export interface SnapshotPiece {
  /** Absolute, in bytes. */
  start: number
  end: number
  /** The database that is selected where it begins. */
  db: number
}

const CHECKSUM_BYTES = 8

export class PieceSource implements ByteSource {
  readonly name = 'piece'
  readonly inputBytes: number
  readonly storedBytes: number
  storedRead = 0
  /** What the first byte of the source would have for an offset in the file: offsets of its records are then those of the file. */
  readonly base: number
  readonly #head: Uint8Array
  readonly #tail: Uint8Array
  readonly #windows = new TwoWindows(limits.windowBytes)
  #at: number

  constructor(
    readonly fd: number,
    header: RdbHeader,
    readonly piece: SnapshotPiece,
  ) {
    const head = new ByteWriter(32)
    head.ascii(magicText(header))
    head.u8(OPCODE_SELECTDB)
    writeLength(head, piece.db)
    this.#head = head.view().slice()
    this.#tail = new Uint8Array(1 + (header.rdbVersion < CHECKSUM_VERSION_MIN ? 0 : CHECKSUM_BYTES))
    this.#tail[0] = OPCODE_EOF
    this.#at = piece.start
    this.base = piece.start - this.#head.length
    this.inputBytes = this.storedBytes = this.#head.length + piece.end - piece.start + this.#tail.length
  }

  async read(): Promise<ByteWindow | undefined> {
    if (this.storedRead === 0) return this.#hand(this.#head)
    const left = this.piece.end - this.#at
    if (left === 0) return this.storedRead < this.inputBytes ? this.#hand(this.#tail) : undefined
    const {bytes, room, start, end} = this.#windows.next()
    const filled = readSync(this.fd, bytes, start, Math.min(end - start, left), this.#at)
    if (filled === 0) throw new FormatError('TRUNCATED', 'the file has become shorter while it was read', this.#at)
    this.#at += filled
    this.storedRead += filled
    return {bytes, room, start, end: start + filled}
  }

  async close(): Promise<void> {
    this.#windows.giveBack()
  }

  #hand(bytes: Uint8Array): ByteWindow {
    this.storedRead += bytes.length
    return {bytes, start: 0, end: bytes.length}
  }
}

/** Shows a visitor what is in a piece of a file; offsets are those of the file. */
export async function readPiece(
  fd: number,
  header: RdbHeader,
  piece: SnapshotPiece,
  templates: HashTemplates,
  visitor: EntryVisitor,
): Promise<void> {
  const source = new PieceSource(fd, header, piece)
  try {
    await new RdbReader(source, {base: source.base, templates}).run(visitor)
  } finally {
    await source.close()
  }
}
