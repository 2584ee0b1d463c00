/**
 * Memory for a data set: blocks in large chunks, named by numbers of 32 bits.
 *
 *   block   <capacity: units> <its owner's bytes> ...       units of 16 bytes, aligned to them
 *   ref     <chunk> <unit within it: 22 bits>               0 is no block
 *
 * A keyspace has millions of small values: as objects they would take several
 * times their bytes and all of the collector's time; here they are none.
 * Freed blocks wait, by size, for the next of their size. Where what waits
 * outgrows what lives, the owners of all blocks move them together (`move`).
 */
import {LimitError} from '../errors.js'

/** Bytes of a block before its owner's: its capacity. */
export const HEAD_BYTES = 4

const UNIT_BITS = 4
const CHUNK_UNIT_BITS = 22
const CHUNK_UNITS = 1 << CHUNK_UNIT_BITS
const UNIT_MASK = CHUNK_UNITS - 1
/** 64 MiB. The first chunks are smaller, so that a small data set takes little. */
const CHUNK_BYTES = CHUNK_UNITS << UNIT_BITS
const FIRST_CHUNK_BYTES = 1024 * 1024
const CHUNKS_MAX = 1024
/** Classes of sizes: so many of one unit each, then four in every doubling. */
const SINGLE_CLASSES = 16
const CLASSES = SINGLE_CLASSES + 4 * (CHUNK_UNIT_BITS - 3)
/** Less is not worth moving anything for. */
const MOVE_BYTES_MIN = 64 * 1024 * 1024

/** Memory seen three ways. */
export class Chunk {
  readonly bytes: Uint8Array
  readonly words: Int32Array
  readonly view: DataView

  constructor(bytes: number) {
    const buffer = allocated(bytes)
    this.bytes = new Uint8Array(buffer)
    this.words = new Int32Array(buffer)
    this.view = new DataView(buffer)
  }
}

function allocated(bytes: number): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new LimitError(
      'arena',
      0,
      bytes,
      0,
      `the data set does not fit into memory: there are no ${bytes} bytes more`,
    )
  }
}

export class Arena {
  /** Bytes of blocks in use. */
  liveBytes = 0
  /** Bytes of blocks that wait for their next use. */
  freeBytes = 0
  /** By the upper bits of a ref. */
  chunks: (Chunk | undefined)[] = []
  #free = new Uint32Array(CLASSES)
  /** Where new blocks are cut from. */
  #current = -1
  #nextUnit = 0
  #endUnit = 0
  #moving: (Chunk | undefined)[] | undefined

  /** The chunk of a block. */
  chunk(ref: number): Chunk {
    return this.chunks[ref >>> CHUNK_UNIT_BITS]!
  }

  /** A new block for so many bytes of its owner's; what is in it is not cleared. */
  take(bytes: number): number {
    const units = (bytes + HEAD_BYTES + 15) >>> UNIT_BITS
    if (units > UNIT_MASK >> 1 || bytes >= CHUNK_BYTES >> 1) return this.#takeHuge(bytes)
    const size = classOf(units)
    const capacity = unitsOf(size)
    this.liveBytes += capacity << UNIT_BITS
    const waiting = this.#free[size]!
    if (waiting !== 0) {
      const words = this.chunks[waiting >>> CHUNK_UNIT_BITS]!.words
      this.#free[size] = words[((waiting & UNIT_MASK) << 2) + 1]!
      this.freeBytes -= capacity << UNIT_BITS
      return waiting
    }
    if (this.#nextUnit + capacity > this.#endUnit) this.#nextChunk(capacity)
    const unit = this.#nextUnit
    this.#nextUnit += capacity
    this.chunks[this.#current]!.words[unit << 2] = capacity
    return ((this.#current << CHUNK_UNIT_BITS) | unit) >>> 0
  }

  /** The block is not needed any more. */
  free(ref: number): void {
    const chunk = this.chunks[ref >>> CHUNK_UNIT_BITS]!
    const word = (ref & UNIT_MASK) << 2
    const capacity = chunk.words[word]!
    if (capacity < 0) {
      this.liveBytes -= chunk.bytes.length
      this.chunks[ref >>> CHUNK_UNIT_BITS] = undefined
      return
    }
    const size = classOf(capacity)
    this.liveBytes -= capacity << UNIT_BITS
    this.freeBytes += capacity << UNIT_BITS
    chunk.words[word + 1] = this.#free[size]!
    this.#free[size] = ref
  }

  /** Bytes that a block has for its owner. */
  room(ref: number): number {
    const chunk = this.chunks[ref >>> CHUNK_UNIT_BITS]!
    const capacity = chunk.words[(ref & UNIT_MASK) << 2]!
    return (capacity < 0 ? chunk.bytes.length - UNIT_BYTES : capacity << UNIT_BITS) - HEAD_BYTES
  }

  /** A block of at least so many bytes with what the first `keep` bytes of the old one are; the old one is freed. */
  grow(ref: number, bytes: number, keep: number): number {
    const grown = this.take(bytes)
    this.#copy(this.chunk(ref), ref, grown, keep)
    this.free(ref)
    return grown
  }

  /** More waits than lives: the owners should move their blocks. */
  get scattered(): boolean {
    return this.freeBytes > MOVE_BYTES_MIN && this.freeBytes > this.liveBytes
  }

  /** From here to `endMove` every block is moved by its owner: what is not moved is gone. */
  beginMove(): void {
    this.#moving = this.chunks
    this.chunks = []
    this.#free.fill(0)
    this.#current = -1
    this.#nextUnit = this.#endUnit = 0
    this.liveBytes = this.freeBytes = 0
  }

  /** The new name of a block. */
  move(ref: number): number {
    const old = this.#moving![ref >>> CHUNK_UNIT_BITS]!
    const capacity = old.words[(ref & UNIT_MASK) << 2]!
    if (capacity < 0) {
      this.liveBytes += old.bytes.length
      return this.#name(old)
    }
    const bytes = (capacity << UNIT_BITS) - HEAD_BYTES
    const moved = this.take(bytes)
    this.#copy(old, ref, moved, bytes)
    return moved
  }

  endMove(): void {
    this.#moving = undefined
  }

  #copy(from: Chunk, ref: number, to: number, bytes: number): void {
    const start = placeOf(ref) + HEAD_BYTES
    this.chunk(to).bytes.set(from.bytes.subarray(start, start + bytes), placeOf(to) + HEAD_BYTES)
  }

  /** A chunk of its own, marked by a capacity below zero. */
  #takeHuge(bytes: number): number {
    const chunk = new Chunk(Math.ceil((bytes + HEAD_BYTES) / UNIT_BYTES) * UNIT_BYTES + UNIT_BYTES)
    this.liveBytes += chunk.bytes.length
    const ref = this.#name(chunk)
    chunk.words[4] = -1
    return ref
  }

  /** Unit 0 is not used: so no ref is 0. */
  #name(chunk: Chunk): number {
    return ((this.#seat(chunk) << CHUNK_UNIT_BITS) | 1) >>> 0
  }

  /** As large as all before it, and large enough for a block. */
  #nextChunk(capacity: number): void {
    const wanted = Math.max(this.liveBytes + this.freeBytes, FIRST_CHUNK_BYTES, 2 * capacity * UNIT_BYTES)
    const units = Math.min(Math.ceil(wanted / FIRST_CHUNK_BYTES) * FIRST_CHUNK_BYTES, CHUNK_BYTES) >>> UNIT_BITS
    this.#current = this.#seat(new Chunk(units << UNIT_BITS))
    this.#nextUnit = 1
    this.#endUnit = units
  }

  #seat(chunk: Chunk): number {
    const gap = this.chunks.indexOf(undefined)
    const seat = gap < 0 ? this.chunks.length : gap
    if (seat >= CHUNKS_MAX) {
      throw new LimitError(
        'arena',
        CHUNKS_MAX * CHUNK_BYTES,
        CHUNKS_MAX * CHUNK_BYTES + 1,
        0,
        'the data set is too large',
      )
    }
    this.chunks[seat] = chunk
    return seat
  }
}

const UNIT_BYTES = 1 << UNIT_BITS

/** Where in its chunk a block begins: its head. */
export function placeOf(ref: number): number {
  return (ref & UNIT_MASK) << UNIT_BITS
}

/** The class that has room for so many units. */
function classOf(units: number): number {
  if (units <= SINGLE_CLASSES) return units - 1
  const doubling = 31 - Math.clz32(units - 1)
  const quarter = (units - 1 - (1 << doubling)) >>> (doubling - 2)
  return SINGLE_CLASSES + ((doubling - 4) << 2) + quarter
}

/** Units of a class. */
function unitsOf(size: number): number {
  if (size < SINGLE_CLASSES) return size + 1
  const above = size - SINGLE_CLASSES
  const doubling = (above >>> 2) + 4
  return (1 << doubling) + (((above & 3) + 1) << (doubling - 2))
}
