/**
 * Integers of 1 to 64 bits at any bit of a string, the highest bit first, as
 * BITFIELD keeps them (redis 7.0 bitops.c).
 */
import type {Int64} from './int64.js'

export interface FieldInteger {
  signed: boolean
  /** 1 … 64; unsigned ones have 63 at most. */
  bits: number
}

/** Reads the integer that begins `offset` bits behind bytes[start]. */
export function fromBits(bytes: Uint8Array, start: number, offset: number, {signed, bits}: FieldInteger): Int64 {
  let value = 0n
  for (let i = 0; i < bits; i++) {
    const at = offset + i
    const bit = (bytes[start + Math.floor(at / 8)]! >>> (7 - (at % 8))) & 1
    value = (value << 1n) | BigInt(bit)
  }
  return signed ? BigInt.asIntN(bits, value) : value
}

/** Writes the lowest bits of a value. */
export function toBits(bytes: Uint8Array, start: number, offset: number, {bits}: FieldInteger, value: Int64): void {
  const all = BigInt.asUintN(bits, BigInt(value))
  for (let i = 0; i < bits; i++) {
    const at = offset + i
    const mask = 0x80 >>> (at % 8)
    const byte = start + Math.floor(at / 8)
    if (((all >> BigInt(bits - 1 - i)) & 1n) === 1n) bytes[byte]! |= mask
    else bytes[byte]! &= ~mask
  }
}

function bounds({signed, bits}: FieldInteger): [min: bigint, max: bigint] {
  if (!signed) return [0n, (1n << BigInt(bits)) - 1n]
  const half = 1n << BigInt(bits - 1)
  return [-half, half - 1n]
}

/** What is written for a value: one below zero counts as very large where the integer has no sign. */
export function asGiven(value: Int64, {signed}: FieldInteger): Int64 {
  return signed ? value : BigInt.asUintN(64, BigInt(value))
}

/** Whether the sum is an integer of this kind. */
export function fitsIn(value: Int64, increment: Int64, type: FieldInteger): boolean {
  const [min, max] = bounds(type)
  const sum = BigInt(value) + BigInt(increment)
  return sum >= min && sum <= max
}

/** The sum, as far as its lowest bits say it. */
export function addWrapped(value: Int64, increment: Int64, {signed, bits}: FieldInteger): Int64 {
  const sum = BigInt(value) + BigInt(increment)
  return signed ? BigInt.asIntN(bits, sum) : BigInt.asUintN(bits, sum)
}

/**
 * The bound that servers take where the sum does not fit. Far below an integer of few bits that is the upper one: the
 * distance to it overflows there (redis 7.0 bitops.c checkSignedBitfieldOverflow; valkey 9.1 does the same).
 */
export function boundOf(value: Int64, increment: Int64, type: FieldInteger): Int64 {
  const [min, max] = bounds(type)
  const far = type.signed && type.bits < 64 && BigInt(increment) > BigInt.asIntN(64, max - BigInt(value))
  return far || BigInt(value) + BigInt(increment) > max ? max : min
}
