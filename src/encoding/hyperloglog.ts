/**
 * HyperLogLogs, as they lie in strings (redis 7.0 hyperloglog.c): 16,384
 * registers of 6 bits, each the longest run of zeros that was seen.
 *
 *   "HYLL" <encoding: 0 dense, 1 sparse> 0 0 0 <cached cardinality: u64le, highest bit: stale> registers
 *
 *   dense    6 bits a register, the lowest first
 *   sparse   00nnnnnn             n + 1 registers are 0
 *            01nnnnnn nnnnnnnn    n + 1 registers are 0
 *            1vvvvvnn             n + 1 registers are v + 1
 */
import type {Halves} from '../bytes/int64.js'
import {murmur64} from '../bytes/murmur64.js'

const REGISTERS = 16_384
const INDEX_BITS = 14
/** Bits of a hash that runs are looked for in. */
const RUN_BITS = 50
const HEADER_BYTES = 16
const DENSE_BYTES = HEADER_BYTES + (REGISTERS * 6) / 8
const MAGIC = Buffer.from('HYLL')
const ENCODING = 4
const CACHE = 8
const DENSE = 0
const SPARSE = 1
const SEED = 0xadc83b19
/** A sparse one does not grow beyond (hll-sparse-max-bytes). */
const SPARSE_BYTES_MAX = 3000
const SPARSE_VALUE_MAX = 32
const VALUE_RUN_MAX = 4
const SHORT_ZEROS_MAX = 64
/** Operations around a change that may be merged. */
const MERGED_OPERATIONS = 5
const ALPHA_INFINITE = 0.7213475204444817

const hash: Halves = {high: 0, low: 0}

export class HyperLogLog {
  readonly bytes = new Uint8Array(DENSE_BYTES + 8)
  length = 0

  /** An empty one. */
  begin(): void {
    this.bytes.fill(0, 0, HEADER_BYTES)
    this.bytes.set(MAGIC)
    this.bytes[ENCODING] = SPARSE
    this.#putZeros(HEADER_BYTES, REGISTERS)
    this.length = HEADER_BYTES + 2
  }

  /** Takes over a string; false, where it is none. */
  open(bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start
    if (length < HEADER_BYTES || length > DENSE_BYTES) return false
    for (let i = 0; i < MAGIC.length; i++) if (bytes[start + i] !== MAGIC[i]) return false
    const encoding = bytes[start + ENCODING]!
    if (encoding > SPARSE || (encoding === DENSE && length !== DENSE_BYTES)) return false
    this.bytes.set(bytes.subarray(start, end))
    this.length = length
    return true
  }

  get dense(): boolean {
    return this.bytes[ENCODING] === DENSE
  }

  /** Counts an element; undefined where the registers are damaged, true where one has changed. */
  add(bytes: Uint8Array, start: number, end: number): boolean | undefined {
    murmur64(bytes, start, end, SEED, hash)
    const index = hash.low & (REGISTERS - 1)
    return this.set(index, runOf(hash))
  }

  /** Raises a register to a value. */
  set(index: number, value: number): boolean | undefined {
    return this.dense ? this.#setDense(index, value) : this.#setSparse(index, value)
  }

  /** What is cached does not hold any more. */
  invalidate(): void {
    this.bytes[CACHE + 7]! |= 0x80
  }

  get stale(): boolean {
    return (this.bytes[CACHE + 7]! & 0x80) !== 0
  }

  /** Caches the cardinality, an integer below 2^53. */
  cache(cardinality: number): void {
    let rest = cardinality
    for (let i = 0; i < 8; i++) {
      this.bytes[CACHE + i] = rest % 256
      rest = Math.floor(rest / 256)
    }
  }

  #register(index: number): number {
    const bit = index * 6
    const at = HEADER_BYTES + (bit >>> 3)
    const shift = bit & 7
    return ((this.bytes[at]! >>> shift) | (this.bytes[at + 1]! << (8 - shift))) & 63
  }

  #setDense(index: number, value: number): boolean {
    if (this.#register(index) >= value) return false
    const bit = index * 6
    const at = HEADER_BYTES + (bit >>> 3)
    const shift = bit & 7
    const {bytes} = this
    bytes[at] = (bytes[at]! & ~(63 << shift)) | (value << shift)
    // Behind the last register there is nothing to write to.
    if (shift > 2) bytes[at + 1] = (bytes[at + 1]! & ~(63 >>> (8 - shift))) | (value >>> (8 - shift))
    return true
  }

  #setSparse(index: number, value: number): boolean | undefined {
    if (value > SPARSE_VALUE_MAX) return this.#promote(index, value)
    const {bytes} = this
    let first = 0
    let previous = -1
    let p = HEADER_BYTES
    let span = 0
    while (p < this.length) {
      span = this.#span(p)
      if (index < first + span) break
      previous = p
      p += operationBytes(bytes[p]!)
      first += span
    }
    if (p + operationBytes(bytes[p]!) > this.length) return undefined
    const operation = bytes[p]!
    const isValue = operation >= 0x80
    const own = isValue ? ((operation >>> 2) & 31) + 1 : 0
    if (own >= value) return false
    if (span === 1 && operationBytes(operation) === 1) {
      bytes[p] = valueOperation(value, 1)
    } else {
      const parts = [
        ...runOperations(own, index - first),
        valueOperation(value, 1),
        ...runOperations(own, first + span - 1 - index),
      ]
      if (!this.#replace(p, operationBytes(operation), parts)) return this.#promote(index, value)
    }
    this.#merge(previous < 0 ? HEADER_BYTES : previous)
    this.invalidate()
    return true
  }

  /** Registers that the operation at a place is about. */
  #span(p: number): number {
    const operation = this.bytes[p]!
    if (operation >= 0x80) return (operation & 3) + 1
    if (operation < 0x40) return operation + 1
    return (((operation & 0x3f) << 8) | this.bytes[p + 1]!) + 1
  }

  /** False where there is no room for that. */
  #replace(p: number, before: number, parts: readonly number[]): boolean {
    const more = parts.length - before
    if (more > 0 && this.length + more > SPARSE_BYTES_MAX) return false
    this.bytes.copyWithin(p + parts.length, p + before, this.length)
    this.bytes.set(parts, p)
    this.length += more
    return true
  }

  /** Two runs of one value become one. */
  #merge(from: number): void {
    const {bytes} = this
    let p = from
    for (let left = MERGED_OPERATIONS; p < this.length && left > 0; left--) {
      const operation = bytes[p]!
      const next = bytes[p + 1]!
      if (operation < 0x80 || p + 1 >= this.length || next < 0x80 || operation >>> 2 !== next >>> 2) {
        p += operationBytes(operation)
        continue
      }
      const run = (operation & 3) + (next & 3) + 2
      if (run > VALUE_RUN_MAX) {
        p++
        continue
      }
      bytes[p + 1] = valueOperation(((operation >>> 2) & 31) + 1, run)
      bytes.copyWithin(p, p + 1, this.length)
      this.length--
    }
  }

  #promote(index: number, value: number): boolean | undefined {
    return this.toDense() ? this.#setDense(index, value) : undefined
  }

  /** False where the registers are damaged. */
  toDense(): boolean {
    if (this.dense) return true
    const registers = new Uint8Array(REGISTERS)
    if (!this.mergeInto(registers)) return false
    this.bytes[ENCODING] = DENSE
    this.bytes.fill(0, HEADER_BYTES)
    this.length = DENSE_BYTES
    for (let i = 0; i < REGISTERS; i++) if (registers[i]! > 0) this.#setDense(i, registers[i]!)
    return true
  }

  /** Raises registers to those of this one; false where they are damaged. */
  mergeInto(registers: Uint8Array): boolean {
    if (this.dense) {
      for (let i = 0; i < REGISTERS; i++) registers[i] = Math.max(registers[i]!, this.#register(i))
      return true
    }
    let index = 0
    for (let p = HEADER_BYTES; p < this.length; p += operationBytes(this.bytes[p]!)) {
      const operation = this.bytes[p]!
      const span = this.#span(p)
      if (index + span > REGISTERS || p + operationBytes(operation) > this.length) return false
      const value = operation >= 0x80 ? ((operation >>> 2) & 31) + 1 : 0
      for (let i = index; value > 0 && i < index + span; i++) registers[i] = Math.max(registers[i]!, value)
      index += span
    }
    return index === REGISTERS
  }

  #putZeros(at: number, count: number): void {
    this.bytes.set(runOperations(0, count), at)
  }
}

export function newRegisters(): Uint8Array {
  return new Uint8Array(REGISTERS)
}

/** How many elements registers stand for (Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", 2017). */
export function cardinalityOf(registers: Uint8Array): number {
  const histogram = new Int32Array(64)
  for (const value of registers) histogram[value]!++
  let z = REGISTERS * tau((REGISTERS - histogram[RUN_BITS + 1]!) / REGISTERS)
  for (let j = RUN_BITS; j >= 1; j--) z = (z + histogram[j]!) * 0.5
  z += REGISTERS * sigma(histogram[0]! / REGISTERS)
  return Math.round((ALPHA_INFINITE * REGISTERS * REGISTERS) / z)
}

function tau(of: number): number {
  if (of === 0 || of === 1) return 0
  let x = of
  let y = 1
  let z = 1 - x
  for (let before = Number.NaN; before !== z; ) {
    x = Math.sqrt(x)
    before = z
    y *= 0.5
    z -= (1 - x) ** 2 * y
  }
  return z / 3
}

function sigma(of: number): number {
  if (of === 1) return Number.POSITIVE_INFINITY
  let x = of
  let y = 1
  let z = x
  for (let before = Number.NaN; before !== z; ) {
    x *= x
    before = z
    z += x * y
    y += y
  }
  return z
}

/** One more than the zeros at the end of what is above the index. */
function runOf({high, low}: Halves): number {
  const lower = ((low >>> INDEX_BITS) | (high << (32 - INDEX_BITS))) >>> 0
  if (lower !== 0) return 32 - Math.clz32(lower & -lower)
  const upper = (high >>> INDEX_BITS) | (1 << (RUN_BITS - 32))
  return 64 - Math.clz32(upper & -upper)
}

function operationBytes(operation: number): 1 | 2 {
  return operation >= 0x40 && operation < 0x80 ? 2 : 1
}

function valueOperation(value: number, run: number): number {
  return 0x80 | ((value - 1) << 2) | (run - 1)
}

/** Registers of one value, of 0 too; none where the run is empty. */
function runOperations(value: number, run: number): number[] {
  if (run === 0) return []
  if (value > 0) return [valueOperation(value, run)]
  return run <= SHORT_ZEROS_MAX ? [run - 1] : [0x40 | ((run - 1) >>> 8), (run - 1) & 0xff]
}
