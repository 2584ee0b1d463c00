/**
 * How many keys each database of a file has: known at its end, announced before
 * its keys.
 *
 *   fb <keys> <expires>       RESIZEDB, both lengths in the form of five bytes
 *
 * They are written as zeros and replaced once they are known.
 */
import {ByteWriter} from '../bytes/writer.js'
import {OPCODE_RESIZEDB} from './opcodes.js'
import type {RdbOutput} from './output.js'

/** A length of zero in the form that holds any below 2^32. */
const ZERO_LENGTH = Uint8Array.of(0x80, 0, 0, 0, 0)
const UINT32_MAX = 0xffff_ffff
/** A server has 16; of further ones the size, which is a hint, is not told. */
const DATABASES_MAX = 100_000

interface DatabaseSize {
  /** Where it is announced. */
  at: number
  keys: number
  expires: number
}

export class DatabaseSizes {
  readonly #sizes = new Map<number, DatabaseSize>()
  #present: DatabaseSize = {at: -1, keys: 0, expires: 0}

  /** `announces`: whether the file is of a version that has such a record. */
  constructor(
    readonly output: RdbOutput,
    readonly announces: boolean,
  ) {}

  /** A database begins, or goes on: several sources may each add to one. */
  begin(db: number): void {
    const begun = this.#sizes.get(db)
    this.#present = begun ?? {at: -1, keys: 0, expires: 0}
    const {output} = this
    if (begun !== undefined || this.#sizes.size >= DATABASES_MAX || !this.announces || !output.canReplace) return
    output.out.u8(OPCODE_RESIZEDB)
    this.#present.at = output.offset
    for (let i = 0; i < 2; i++) output.out.copy(ZERO_LENGTH, 0, ZERO_LENGTH.length)
    this.#sizes.set(db, this.#present)
  }

  /** Counts keys of the present database. */
  count(keys: number, expires: number): void {
    this.#present.keys += keys
    this.#present.expires += expires
  }

  /** All keys have been written: puts the sizes where they are announced. */
  announce(): void {
    for (const {at, keys, expires} of this.#sizes.values()) {
      for (const [i, count] of [keys, expires].entries()) {
        const bytes = new ByteWriter(4)
        bytes.u32be(Math.min(count, UINT32_MAX))
        this.output.replaceZeros(at + i * ZERO_LENGTH.length + 1, bytes.view())
      }
    }
  }
}
