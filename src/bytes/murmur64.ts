/**
 * MurmurHash64A (Appleby), in halves: what HyperLogLogs count by.
 */
import type {Halves} from './int64.js'

const M_HIGH = 0xc6a4a793
const M_LOW = 0x5bd1e995

/** Leaves the hash of bytes[start, end) in `into`, both halves unsigned. */
export function murmur64(bytes: Uint8Array, start: number, end: number, seed: number, into: Halves): void {
  const length = end - start
  into.high = 0
  into.low = length
  multiply(into)
  into.low = (into.low ^ seed) >>> 0
  let p = start
  for (; p + 8 <= end; p += 8) {
    block.low = word(bytes, p)
    block.high = word(bytes, p + 4)
    multiply(block)
    fold(block)
    multiply(block)
    into.high = (into.high ^ block.high) >>> 0
    into.low = (into.low ^ block.low) >>> 0
    multiply(into)
  }
  if (p < end) {
    let low = 0
    let high = 0
    for (let i = end - p - 1; i >= 0; i--) {
      if (i >= 4) high |= bytes[p + i]! << (8 * (i - 4))
      else low |= bytes[p + i]! << (8 * i)
    }
    into.high = (into.high ^ high) >>> 0
    into.low = (into.low ^ low) >>> 0
    multiply(into)
  }
  fold(into)
  multiply(into)
  fold(into)
}

const block: Halves = {high: 0, low: 0}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

/** x ^= x >> 47 */
function fold(value: Halves): void {
  value.low = (value.low ^ (value.high >>> 15)) >>> 0
}

/** Times the constant, modulo 2^64. */
function multiply(value: Halves): void {
  const {high, low} = value
  const lowLow = (low & 0xffff) * (M_LOW & 0xffff)
  const lowHigh = (low & 0xffff) * (M_LOW >>> 16)
  const highLow = (low >>> 16) * (M_LOW & 0xffff)
  const middle = (lowLow >>> 16) + (lowHigh & 0xffff) + (highLow & 0xffff)
  const carried = (low >>> 16) * (M_LOW >>> 16) + (lowHigh >>> 16) + (highLow >>> 16) + (middle >>> 16)
  value.low = (((middle & 0xffff) << 16) | (lowLow & 0xffff)) >>> 0
  value.high = (carried + Math.imul(high, M_LOW) + Math.imul(low, M_HIGH)) >>> 0
}
