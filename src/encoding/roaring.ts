/**
 * A native bitmap (redis 8.12): CRoaring's 64-bit portable form.
 *
 *   <buckets: u64le> (<high 32 bits: u32le> <bitmap>)*                ascending
 *
 * bitmap, as RoaringFormatSpec has it, without and with run containers:
 *
 *   <12346: u32le> <n: u32le> <descriptor>*n <offset>*n <container>*n
 *   <12347: u16le> <n - 1: u16le> <run flags: (n + 7) / 8 bytes> <descriptor>*n [<offset>*n] <container>*n
 *
 *   descriptor   <bits 16 … 31: u16le> <cardinality - 1: u16le>       ascending
 *   offset       <where the container begins in the bitmap: u32le>    with runs only from n = 4
 *   container    a run flag set:          <runs: u16le> (<first: u16le> <length - 1: u16le>)*
 *                cardinality to 4096:     <low 16 bits: u16le>*       ascending
 *                else:                    8192 bytes, bit k in bit k mod 8 of byte k / 8
 *
 * In the string that a bitmap stands for, bit k is bit 7 - k mod 8 of byte k / 8.
 */
import {readUint32le} from '../bytes/int64.js'
import {ByteWriter} from '../bytes/writer.js'
import {FormatError} from '../errors.js'

const COOKIE_PLAIN = 12346
const COOKIE_RUNS = 12347
/** With run containers, fewer containers than this have no offsets. */
const OFFSETS_FROM = 4
const ARRAY_MAX = 4096
const CONTAINER_BITS = 65536
/** Bytes of a bitset container, and of the piece of a string that any container stands for. */
const CONTAINER_BYTES = 8192
/** Bits from here on are beyond 2^53. */
const HIGH_END = 2 ** 21

type ContainerKind = 'array' | 'bitset' | 'runs'

/** A byte's bits in the opposite order. */
const REVERSED = Uint8Array.from({length: 256}, (_, byte) => {
  let reversed = 0
  for (let i = 0; i < 8; i++) if ((byte & (1 << i)) !== 0) reversed |= 0x80 >> i
  return reversed
})

/** Reads one bitmap, whole and checked, from bytes that stay as they are while it is in use. */
export class RoaringReader {
  /** Bits that are set. */
  readonly cardinality: number
  readonly #bytes: Uint8Array
  readonly #start: number
  readonly #end: number
  readonly #offset: number
  /** Index of what has not been walked yet. */
  #position = 0
  #bucketsLeft = 0
  #high = 0
  /** The bucket at hand: its containers, the next of them, and where its tables are. */
  #bucketStart = 0
  #containers = 0
  #next = 0
  #runFlags = -1
  #descriptors = 0
  #offsets = -1
  /** The container at hand. */
  #kind: ContainerKind = 'array'
  /** First bit that it can hold; -1 where there is no container at hand. */
  #base = -1
  #count = 0
  #data = 0
  /** `expand` went this far. */
  #expanded = 0

  /** Opens the bitmap in bytes[start, end), no bit of which may lie beyond `logicalBytes`; `offset` is the blob's own. */
  constructor(bytes: Uint8Array, start: number, end: number, offset: number, logicalBytes: number) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#offset = offset
    let cardinality = 0
    let before = -1
    this.#rewind()
    while (this.#nextContainer()) {
      if (this.#base <= before) throw this.#bad('the containers are not in ascending order', this.#data)
      before = this.#base
      cardinality += this.#count
      const bitsEnd = this.#base + 1 + this.#checkContainer()
      if (bitsEnd > logicalBytes * 8) {
        throw this.#bad(`bit ${bitsEnd - 1} lies beyond the ${logicalBytes} bytes of the string`, this.#data)
      }
    }
    if (this.#position !== end) throw this.#bad('the bitmap ends before its bytes do', this.#position)
    this.cardinality = cardinality
    this.#rewind()
  }

  /** Calls back with every set bit, ascending. */
  visit(visitBit: (bit: number) => void): void {
    this.#rewind()
    while (this.#nextContainer()) {
      const base = this.#base
      const data = this.#data
      if (this.#kind === 'array') {
        for (let i = 0; i < this.#count; i++) visitBit(base + this.#u16(data + 2 * i))
      } else if (this.#kind === 'bitset') {
        for (let k = 0; k < CONTAINER_BITS; k++) {
          if ((this.#bytes[data + (k >> 3)]! & (1 << (k & 7))) !== 0) visitBit(base + k)
        }
      } else {
        for (let left = this.#u16(data), p = data + 2; left > 0; left--, p += 4) {
          const last = this.#u16(p) + this.#u16(p + 2)
          for (let k = this.#u16(p); k <= last; k++) visitBit(base + k)
        }
      }
    }
    this.#rewind()
  }

  /**
   * Writes bytes [from, to) of the string that the bitmap stands for into `out`,
   * from its start. Pieces asked for in order cost one walk in all.
   */
  expand(from: number, to: number, out: Uint8Array): void {
    out.fill(0, 0, to - from)
    if (from < this.#expanded) this.#rewind()
    this.#expanded = to
    if (this.#base < 0 && !this.#nextContainer()) return
    while (this.#base / 8 < to) {
      if (this.#base / 8 + CONTAINER_BYTES > from) this.#paint(from, to, out)
      if (this.#base / 8 + CONTAINER_BYTES > to || !this.#nextContainer()) return
    }
  }

  #paint(from: number, to: number, out: Uint8Array): void {
    const bytes = this.#bytes
    const data = this.#data
    const base = this.#base / 8
    const firstByte = Math.max(from - base, 0)
    const endByte = Math.min(to - base, CONTAINER_BYTES)
    const shift = base - from
    if (this.#kind === 'bitset') {
      for (let i = firstByte; i < endByte; i++) out[shift + i] = REVERSED[bytes[data + i]!]!
    } else if (this.#kind === 'array') {
      for (let i = 0, p = data; i < this.#count; i++, p += 2) {
        const bit = bytes[p]! | (bytes[p + 1]! << 8)
        const byte = bit >> 3
        if (byte >= firstByte && byte < endByte) out[shift + byte]! |= 0x80 >> (bit & 7)
      }
    } else {
      for (let left = this.#u16(data), p = data + 2; left > 0; left--, p += 4) {
        const first = Math.max(this.#u16(p), 8 * firstByte)
        const last = Math.min(this.#u16(p) + this.#u16(p + 2), 8 * endByte - 1)
        if (first <= last) paintRun(out, shift, first, last)
      }
    }
  }

  #rewind(): void {
    if (this.#end - this.#start < 8) throw this.#bad('a bitmap has at least 8 bytes', this.#start)
    const low = readUint32le(this.#bytes, this.#start)
    const claimed = readUint32le(this.#bytes, this.#start + 4) * 2 ** 32 + low
    if (claimed > (this.#end - this.#start - 8) / 8) {
      throw this.#bad(`${claimed} buckets do not fit into ${this.#end - this.#start} bytes`, this.#start)
    }
    this.#bucketsLeft = low
    this.#position = this.#start + 8
    this.#containers = this.#next = this.#expanded = 0
    this.#base = -1
  }

  /** Goes to the next container, into #kind, #base, #count and #data; false at the end. */
  #nextContainer(): boolean {
    this.#base = -1
    while (this.#next === this.#containers) {
      if (this.#bucketsLeft === 0) return false
      this.#bucketsLeft--
      this.#openBucket()
    }
    const i = this.#next++
    const descriptor = this.#descriptors + 4 * i
    const data = this.#position
    this.#base = this.#high * 2 ** 32 + this.#u16(descriptor) * CONTAINER_BITS
    this.#count = this.#u16(descriptor + 2) + 1
    this.#data = data
    if (this.#offsets >= 0 && readUint32le(this.#bytes, this.#offsets + 4 * i) !== data - this.#bucketStart) {
      throw this.#bad('a container is not where its offset says', data)
    }
    if (this.#runFlags >= 0 && (this.#bytes[this.#runFlags + (i >> 3)]! & (1 << (i & 7))) !== 0) {
      this.#kind = 'runs'
      this.#take(2)
      this.#take(4 * this.#u16(data))
    } else if (this.#count <= ARRAY_MAX) {
      this.#kind = 'array'
      this.#take(2 * this.#count)
    } else {
      this.#kind = 'bitset'
      this.#take(CONTAINER_BYTES)
    }
    return true
  }

  #openBucket(): void {
    const bytes = this.#bytes
    const at = this.#take(8)
    this.#high = readUint32le(bytes, at)
    if (this.#high >= HIGH_END) throw this.#bad('bits beyond 2^53 cannot be', at)
    this.#bucketStart = at + 4
    const cookie = readUint32le(bytes, at + 4)
    const withRuns = (cookie & 0xffff) === COOKIE_RUNS
    if (!withRuns && cookie !== COOKIE_PLAIN) throw this.#bad(`the bitmap's cookie is ${cookie}`, at + 4)
    this.#containers = withRuns ? (cookie >>> 16) + 1 : readUint32le(bytes, this.#take(4))
    this.#next = 0
    const count = this.#containers
    if (count > CONTAINER_BITS) throw this.#bad(`a bitmap has at most 65536 containers, this one ${count}`, at + 8)
    this.#runFlags = withRuns ? this.#take((count + 7) >> 3) : -1
    this.#descriptors = this.#take(4 * count)
    this.#offsets = !withRuns || count >= OFFSETS_FROM ? this.#take(4 * count) : -1
  }

  /** Checks the content of the container at hand; returns its last bit, relative to its base. */
  #checkContainer(): number {
    const data = this.#data
    if (this.#kind === 'runs') return this.#checkRuns()
    if (this.#kind === 'bitset') return this.#checkBitset()
    let last = -1
    for (let i = 0; i < this.#count; i++) {
      const bit = this.#u16(data + 2 * i)
      if (bit <= last) throw this.#bad('the bits of a container are not in ascending order', data + 2 * i)
      last = bit
    }
    return last
  }

  #checkBitset(): number {
    const bytes = this.#bytes
    const data = this.#data
    let count = 0
    let last = -1
    for (let i = 0; i < CONTAINER_BYTES; i += 4) {
      const word = readUint32le(bytes, data + i)
      if (word === 0) continue
      count += popcount(word)
      last = 8 * i + 31 - Math.clz32(word)
    }
    if (count !== this.#count) throw this.#bad(`a container claims ${this.#count} bits, but holds ${count}`, data)
    return last
  }

  #checkRuns(): number {
    const data = this.#data
    let count = 0
    let last = -1
    for (let left = this.#u16(data), p = data + 2; left > 0; left--, p += 4) {
      const first = this.#u16(p)
      if (first <= last) throw this.#bad('the runs of a container are not in ascending order', p)
      last = first + this.#u16(p + 2)
      count += last - first + 1
      if (last >= CONTAINER_BITS) throw this.#bad('a run goes beyond its container', p)
    }
    if (count !== this.#count) throw this.#bad(`a container claims ${this.#count} bits, but holds ${count}`, data)
    return last
  }

  #take(n: number): number {
    const at = this.#position
    if (n > this.#end - at) throw this.#bad('the bitmap is cut off', this.#end)
    this.#position = at + n
    return at
  }

  #u16(at: number): number {
    return this.#bytes[at]! | (this.#bytes[at + 1]! << 8)
  }

  #bad(why: string, p: number): FormatError {
    return new FormatError('BAD_BITMAP', `${why} (byte ${p - this.#start} of the bitmap)`, this.#offset)
  }
}

/** Encodes distinct ascending bits below 2^53; `runs` uses run containers wherever they are smaller. */
export function writeRoaring(bits: readonly number[], runs = false): Uint8Array {
  const buckets = groupBy(bits, bit => Math.floor(bit / 2 ** 32))
  const out = new ByteWriter()
  out.i64le(0, buckets.length)
  for (const [high, bucketBits] of buckets) {
    out.u32le(high)
    writeBucket(
      out,
      groupBy(bucketBits, bit => (bit >>> 0) >>> 16),
      runs,
    )
  }
  return out.view()
}

function writeBucket(out: ByteWriter, containers: readonly [number, number[]][], runs: boolean): void {
  const start = out.length
  const count = containers.length
  const runFlags = new Uint8Array((count + 7) >> 3)
  const bodies = containers.map(([, bits], i) => {
    const plain = bits.length <= ARRAY_MAX ? arrayBody(bits) : bitsetBody(bits)
    const packed = runs ? runsBody(bits) : plain
    if (packed.length >= plain.length) return plain
    runFlags[i >> 3]! |= 1 << (i & 7)
    return packed
  })
  const withRuns = runFlags.some(flags => flags !== 0)
  if (withRuns) {
    out.u16le(COOKIE_RUNS)
    out.u16le(count - 1)
    out.copy(runFlags, 0, runFlags.length)
  } else {
    out.u32le(COOKIE_PLAIN)
    out.u32le(count)
  }
  for (const [key, bits] of containers) {
    out.u16le(key)
    out.u16le(bits.length - 1)
  }
  if (!withRuns || count >= OFFSETS_FROM) {
    let offset = out.length - start + 4 * count
    for (const body of bodies) {
      out.u32le(offset)
      offset += body.length
    }
  }
  for (const body of bodies) out.copy(body, 0, body.length)
}

function arrayBody(bits: readonly number[]): Uint8Array {
  const out = new ByteWriter()
  for (const bit of bits) out.u16le(bit % CONTAINER_BITS)
  return out.view()
}

function bitsetBody(bits: readonly number[]): Uint8Array {
  const body = new Uint8Array(CONTAINER_BYTES)
  for (const bit of bits) body[(bit % CONTAINER_BITS) >> 3]! |= 1 << (bit % 8)
  return body
}

function runsBody(bits: readonly number[]): Uint8Array {
  const runs: [first: number, length: number][] = []
  for (const bit of bits) {
    const run = runs.at(-1)
    if (run !== undefined && run[0] + run[1] === bit) run[1]++
    else runs.push([bit, 1])
  }
  const out = new ByteWriter()
  out.u16le(runs.length)
  for (const [first, length] of runs) {
    out.u16le(first % CONTAINER_BITS)
    out.u16le(length - 1)
  }
  return out.view()
}

function groupBy(bits: readonly number[], key: (bit: number) => number): [number, number[]][] {
  const groups: [number, number[]][] = []
  for (const bit of bits) {
    const group = groups.at(-1)
    if (group !== undefined && group[0] === key(bit)) group[1].push(bit)
    else groups.push([key(bit), [bit]])
  }
  return groups
}

/** Sets bits first … last of a container whose byte 0 is out[shift], all within `out`. */
function paintRun(out: Uint8Array, shift: number, first: number, last: number): void {
  const firstByte = first >> 3
  const lastByte = last >> 3
  const head = 0xff >> (first & 7)
  const tail = (0xff << (7 - (last & 7))) & 0xff
  if (firstByte === lastByte) {
    out[shift + firstByte]! |= head & tail
    return
  }
  out[shift + firstByte]! |= head
  out.fill(0xff, shift + firstByte + 1, shift + lastByte)
  out[shift + lastByte]! |= tail
}

function popcount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555)
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
