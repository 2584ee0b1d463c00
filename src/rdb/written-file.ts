/**
 * One of the files that an RdbWriter writes: its bytes, and the database that they have come to.
 */
import type {ByteTarget} from '../bytes/target.js'
import {writeLength} from '../encoding/length.js'
import {DatabaseSizes} from './database-sizes.js'
import * as op from './opcodes.js'
import {RdbOutput} from './output.js'
import {CHECKSUM_VERSION_MIN, MAGIC_BYTES, type RdbHeader} from './versions.js'

/** Files that are written side by side share so much. */
const PIECES_BYTES_MAX = 64 * 1024 * 1024
const PIECE_BYTES_MAX = 256 * 1024
/** From here on a file tells how many keys its databases have. */
const SIZES_VERSION_MIN = 7
/** One place tells the file and where in it: 16,384 files of so much are what a number can tell apart. */
const PLACES_OF_FILE = 2 ** 39

/** The file that a place is in, by number. */
export function fileAt(place: number): number {
  return Math.floor(place / PLACES_OF_FILE)
}

/** Where in its file a place is. */
export function offsetAt(place: number): number {
  return place % PLACES_OF_FILE
}

export class WrittenFile {
  readonly output: RdbOutput
  keys = 0
  db = -1
  highestDb = 0
  readonly #sizes: DatabaseSizes

  constructor(
    readonly target: ByteTarget,
    readonly header: RdbHeader,
    /** Which of them it is, and of how many. */
    readonly number: number,
    files: number,
  ) {
    this.output = new RdbOutput(target, Math.min(PIECE_BYTES_MAX, Math.ceil(PIECES_BYTES_MAX / files)))
    this.#sizes = new DatabaseSizes(this.output, header.rdbVersion >= SIZES_VERSION_MIN)
    const {magic, rdbVersion} = header
    this.output.out.ascii(magic + String(rdbVersion).padStart(MAGIC_BYTES - magic.length, '0'))
  }

  /** Where it has come to; of the first file, the offset. */
  get place(): number {
    return this.number * PLACES_OF_FILE + this.output.offset
  }

  selectDb(db: number): void {
    this.db = db
    if (db > this.highestDb) this.highestDb = db
    const {out} = this.output
    out.u8(op.OPCODE_SELECTDB)
    writeLength(out, db)
    this.#sizes.begin(db)
  }

  /** Counts keys of the present database. */
  count(keys: number, expiring: number): void {
    this.keys += keys
    this.#sizes.count(keys, expiring)
  }

  /** Ends the file. Returns its size in bytes. */
  finish(): number {
    const {output} = this
    this.#sizes.announce()
    output.out.u8(op.OPCODE_EOF)
    const {high, low} = output.finish()
    if (this.header.rdbVersion >= CHECKSUM_VERSION_MIN) {
      output.out.i64le(high, low)
      output.flush()
    }
    return output.offset
  }
}
