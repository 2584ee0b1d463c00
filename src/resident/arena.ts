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
import {type ReplayKernel, SEAT_BYTES} from './replay-kernel.js'

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

  constructor(bytes: number, buffer = allocated(bytes), offset = 0) {
    this.bytes = new Uint8Array(buffer, offset, bytes)
    this.words = new Int32Array(buffer, offset, bytes >>> 2)
    this.view = new DataView(buffer, offset, bytes)
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
  readonly #free: Uint32Array
  /** Where new blocks are cut from. */
  #current = -1
  #nextUnit = 0
  #endUnit = 0
  #moving: (Chunk | undefined)[] | undefined

  /** With a kernel, chunks lie in its memory, each at its seat, as long as there is room. */
  constructor(readonly kernel?: ReplayKernel) {
    this.#free = kernel?.free ?? new Uint32Array(CLASSES)
    this.#free.fill(0)
  }

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
      const seat = ref >>> CHUNK_UNIT_BITS
      for (let i = 0; i < seatsOf(chunk); i++) this.chunks[seat + i] = undefined
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
      return this.#name(this.#stay(old, ref >>> CHUNK_UNIT_BITS))
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

  /** Chunks of its own, marked by a capacity below zero. */
  #takeHuge(bytes: number): number {
    const whole = Math.ceil((bytes + HEAD_BYTES) / UNIT_BYTES) * UNIT_BYTES + UNIT_BYTES
    const seat = this.#newChunk(whole)
    const chunk = this.chunks[seat]!
    this.liveBytes += chunk.bytes.length
    chunk.words[4] = -1
    return this.#name(seat)
  }

  /** Unit 0 is not used: so no ref is 0. */
  #name(seat: number): number {
    return ((seat << CHUNK_UNIT_BITS) | 1) >>> 0
  }

  /** As large as all before it, and large enough for a block; in a kernel's memory, which is there already, a whole seat. */
  #nextChunk(capacity: number): void {
    const wanted = Math.max(this.liveBytes + this.freeBytes, FIRST_CHUNK_BYTES, 2 * capacity * UNIT_BYTES)
    const bytes = Math.min(Math.ceil(wanted / FIRST_CHUNK_BYTES) * FIRST_CHUNK_BYTES, CHUNK_BYTES)
    this.#current = this.#newChunk(this.#kernelSeats(1) < 0 ? bytes : CHUNK_BYTES)
    this.#nextUnit = 1
    this.#endUnit = this.chunks[this.#current]!.bytes.length >>> UNIT_BITS
  }

  /** Makes a chunk, in the kernel's memory where that has room, and returns its seat. */
  #newChunk(bytes: number): number {
    const {kernel} = this
    const seats = Math.ceil(bytes / SEAT_BYTES)
    const seat = this.#kernelSeats(seats)
    if (seat < 0) return this.#seat(new Chunk(bytes), kernel?.seats ?? 0, 1)
    return this.#seat(new Chunk(bytes, kernel!.buffer, seat * SEAT_BYTES), seat, seats)
  }

  /** A chunk that is not moved goes on at its seat where its memory is the kernel's: that is its address. */
  #stay(chunk: Chunk, seat: number): number {
    const {kernel} = this
    const isKernels = kernel !== undefined && seat < kernel.seats
    return isKernels ? this.#seat(chunk, seat, seatsOf(chunk)) : this.#seat(chunk, kernel?.seats ?? 0, 1)
  }

  /** The first of so many free seats of the kernel's memory that follow each other; -1 where there are none. */
  #kernelSeats(seats: number): number {
    let run = 0
    // The first one is its own.
    for (let seat = 1; seat < (this.kernel?.seats ?? 0); seat++) {
      // While blocks are moved, what they are moved from lies where it lay.
      run = this.chunks[seat] === undefined && this.#moving?.[seat] === undefined ? run + 1 : 0
      if (run === seats) return seat - seats + 1
    }
    return -1
  }

  /** Puts a chunk on the first free seat from one on, and on those behind it. */
  #seat(chunk: Chunk, from: number, seats: number): number {
    let seat = from
    while (this.chunks[seat] !== undefined) seat++
    if (seat >= CHUNKS_MAX) {
      throw new LimitError(
        'arena',
        CHUNKS_MAX * CHUNK_BYTES,
        CHUNKS_MAX * CHUNK_BYTES + 1,
        0,
        'the data set is too large',
      )
    }
    while (this.chunks.length < seat + seats) this.chunks.push(undefined)
    for (let i = 0; i < seats; i++) this.chunks[seat + i] = chunk
    return seat
  }

  /** Where in the kernel's memory a block begins; -1 of one that lies elsewhere. */
  addressOf(ref: number): number {
    const {kernel} = this
    return kernel !== undefined && ref >>> CHUNK_UNIT_BITS < kernel.seats ? ref * UNIT_BYTES : -1
  }

  /** The kernel gives and takes blocks from here to `takeBack`. */
  lend({arena, seats}: ReplayKernel): void {
    const inside = this.#current >= 0 && this.#current < seats
    arena[0] = this.#current
    arena[1] = this.#nextUnit
    arena[2] = inside ? this.#endUnit : 0
    arena[3] = seats
    arena[4] = arena[5] = 0
  }

  takeBack({arena}: ReplayKernel): void {
    this.#nextUnit = arena[1]!
    this.liveBytes += (arena[4]! | 0) * UNIT_BYTES
    this.freeBytes += (arena[5]! | 0) * UNIT_BYTES
  }

  /** Blocks are cut from another chunk from now on; false where that is none of the kernel's. */
  makeRoom(): boolean {
    this.#nextChunk(1)
    return this.#current < (this.kernel?.seats ?? 0)
  }
}

/** Seats that a chunk takes: of the kernel's memory, which is one buffer, as many as it is long. */
function seatsOf({bytes}: Chunk): number {
  return bytes.buffer.byteLength === bytes.length ? 1 : Math.ceil(bytes.length / SEAT_BYTES)
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
