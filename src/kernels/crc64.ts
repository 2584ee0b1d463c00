/**
 * CRC-64 "Jones": polynomial 0x95ac9329ac4bc9b5 reflected, init 0, no final xor.
 *
 * Long input goes without tables. A checksum is a remainder modulo P, and P divides the sparse polynomial
 *
 *     sum of x^(64 k) for k in {2312, 2137, 2123, 1877, 1123, 974, 711, 0}
 *
 * so over the little-endian 64-bit words m[t] of the message (the checksum so far xored into m[0])
 *
 *     w[t] = m[t] ^ w[t-175] ^ w[t-189] ^ w[t-435] ^ w[t-1189] ^ w[t-1338] ^ w[t-1601] ^ w[t-2312]
 *
 * turns every word into multiples of the 2,312 words behind it. At the end, those are what w[t] would be for m[t] = 0
 * without feeding them back. We do not keep the last 18,496 bytes of the message for them: we let the message be
 * followed by 2,312 zero words, take the checksum of what falls there, and divide it by x^(64 * 2312), which
 * undoes the zeros. So nothing but 8 bytes is left of a message after a fold, and it can go on from there.
 *
 *     carry: w of the block before | block: w; m lies here as well, or elsewhere        (one of each for a context)
 *     CRC_TAIL:  the last w            | zeros, the 2,312 words that fall out
 *
 * The smallest distance is 175 words, so 16-byte lanes never depend on each other. Doing several lanes before the first
 * store was measured a third slower than one at a time (7.5 against 11.3 GB/s).
 */
import {CRC_CARRY, CRC_CARRY_BYTES, CRC_CONTEXT_BYTES, CRC_STATES, CRC_STATE_BYTES, CRC_TABLES, CRC_TAIL, leave} from './memory'

const POLYNOMIAL: u64 = 0x95ac9329ac4bc9b5
const ONE: u64 = 1 << 63 // reflected: the highest bit is x^0
// Below this, tables are faster than a recurrence with its 2,312 words to fold.
const RECURRENCE_BYTES_MIN: i32 = 32 * 1024

const K175: usize = (2312 - 175) * 8
const K189: usize = (2312 - 189) * 8
const K435: usize = (2312 - 435) * 8
const K1189: usize = (2312 - 1189) * 8
const K1338: usize = (2312 - 1338) * 8
const K1601: usize = (2312 - 1601) * 8
const HERE: usize = 2312 * 8

buildTables()
/** x^-(64 * 2312): takes back the zero words that a fold appends. */
const SHIFT_BACK: u64 = power(((ONE ^ POLYNOMIAL) << 1) | 1, 64 * 2312)

/** Starts or goes on from a checksum; the block is empty. */
export function crcStart(context: i32, low: u32, high: u32): void {
  settle(context, ((high as u64) << 32) | (low as u64))
}

/** Takes `bytes` at an address, a multiple of 16, CRC_BLOCK_BYTES at most; only those of the context's block are changed. */
export function crcBlock(context: i32, address: i32, bytes: i32): void {
  const carry: usize = CRC_CARRY + context * CRC_CONTEXT_BYTES
  if (isCarrying(context)) {
    eliminate(carry, address, bytes, 0)
  } else {
    memory.fill(carry, 0, CRC_CARRY_BYTES)
    eliminate(carry, address, bytes, checksumOf(context))
    store<u32>(CRC_STATES + context * CRC_STATE_BYTES, 1, 8)
  }
}

/** Takes the first `bytes` of the block and leaves the checksum (low, high) of everything; the block is empty again. */
export function crcFold(context: i32, bytes: i32): void {
  const block = CRC_CARRY + context * CRC_CONTEXT_BYTES + CRC_CARRY_BYTES
  let done = 0
  let checksum = checksumOf(context)
  if (isCarrying(context) || bytes >= RECURRENCE_BYTES_MIN) {
    done = bytes & ~15
    if (done > 0) crcBlock(context, block, done)
    checksum = fold(block - CRC_CARRY_BYTES)
  }
  checksum = slice8(checksum, block + done, block + bytes)
  settle(context, checksum)
  leave(checksum as u32, (checksum >> 32) as u32)
}

/** The checksum of a context up to the words carried, or to the start of the block. */
// @ts-ignore: decorator
@inline
function checksumOf(context: i32): u64 {
  return load<u64>(CRC_STATES + context * CRC_STATE_BYTES)
}

/** Whether its carry holds words of this message. */
// @ts-ignore: decorator
@inline
function isCarrying(context: i32): bool {
  return load<u32>(CRC_STATES + context * CRC_STATE_BYTES, 8) != 0
}

function settle(context: i32, checksum: u64): void {
  store<u64>(CRC_STATES + context * CRC_STATE_BYTES, checksum)
  store<u32>(CRC_STATES + context * CRC_STATE_BYTES, 0, 8)
}

/** The plain way, slicing by 8: goes on from a checksum over `bytes` at `address`, and leaves the new one. */
export function crcTable(low: u32, high: u32, address: i32, bytes: i32): void {
  const crc = slice8(((high as u64) << 32) | (low as u64), address, address + bytes)
  leave(crc as u32, (crc >> 32) as u32)
}

/** Turns m, `bytes` of it from an address on, into w, which goes behind the carry, and carries the last words. */
function eliminate(carry: usize, address: usize, bytes: i32, before: u64): void {
  const end: usize = carry + bytes
  v128.store(carry, v128.xor(word(carry, address), i64x2.replace_lane(i64x2.splat(0), 0, before)), HERE)
  for (let p: usize = carry + 16, m: usize = address + 16; p < end; p += 16, m += 16) v128.store(p, word(p, m), HERE)
  memory.copy(carry, carry + bytes, CRC_CARRY_BYTES)
}

/** Two words of w, of m at an address; `p` is 2,312 words before them. */
// @ts-ignore: decorator
@inline
function word(p: usize, m: usize): v128 {
  return v128.xor(
    v128.xor(
      v128.xor(v128.load(m), v128.load(p, K175)),
      v128.xor(v128.load(p, K189), v128.load(p, K435)),
    ),
    v128.xor(
      v128.xor(v128.load(p, K1189), v128.load(p, K1338)),
      v128.xor(v128.load(p, K1601), v128.load(p)),
    ),
  )
}

/** The checksum of the words before, from the words carried. */
function fold(carry: usize): u64 {
  memory.copy(CRC_TAIL, carry, CRC_CARRY_BYTES)
  let crc: u64 = 0
  const end: usize = CRC_TAIL + CRC_CARRY_BYTES
  for (let p: usize = CRC_TAIL; p < end; p += 8) {
    crc ^=
      load<u64>(p, K175) ^ load<u64>(p, K189) ^ load<u64>(p, K435) ^ load<u64>(p, K1189) ^ load<u64>(p, K1338) ^
      load<u64>(p, K1601) ^ load<u64>(p)
    crc = step8(crc)
  }
  return multiply(crc, SHIFT_BACK)
}

function slice8(start: u64, from: usize, end: usize): u64 {
  let crc = start
  let p = from
  for (; p + 8 <= end; p += 8) crc = step8(crc ^ load<u64>(p))
  for (; p < end; p++) crc = load<u64>(CRC_TABLES + (((crc as u32) ^ load<u8>(p)) & 0xff) * 8) ^ (crc >> 8)
  return crc
}

// @ts-ignore: decorator
@inline
function step8(crc: u64): u64 {
  const low = crc as u32
  const high = (crc >> 32) as u32
  return (
    load<u64>(CRC_TABLES + ((low & 0xff) << 3), 7 * 2048) ^
    load<u64>(CRC_TABLES + (((low >> 8) & 0xff) << 3), 6 * 2048) ^
    load<u64>(CRC_TABLES + (((low >> 16) & 0xff) << 3), 5 * 2048) ^
    load<u64>(CRC_TABLES + ((low >> 24) << 3), 4 * 2048) ^
    load<u64>(CRC_TABLES + ((high & 0xff) << 3), 3 * 2048) ^
    load<u64>(CRC_TABLES + (((high >> 8) & 0xff) << 3), 2 * 2048) ^
    load<u64>(CRC_TABLES + (((high >> 16) & 0xff) << 3), 2048) ^
    load<u64>(CRC_TABLES + ((high >> 24) << 3))
  )
}

/** Table k holds the checksum of a byte followed by k zero bytes. */
function buildTables(): void {
  for (let i = 0; i < 256; i++) {
    let crc = i as u64
    for (let bit = 0; bit < 8; bit++) crc = timesX(crc)
    store<u64>(CRC_TABLES + i * 8, crc)
  }
  for (let k = 1; k < 8; k++) {
    for (let i = 0; i < 256; i++) {
      const before = load<u64>(CRC_TABLES + (k - 1) * 2048 + i * 8)
      store<u64>(CRC_TABLES + k * 2048 + i * 8, load<u64>(CRC_TABLES + ((before as u32) & 0xff) * 8) ^ (before >> 8))
    }
  }
}

// @ts-ignore: decorator
@inline
function timesX(a: u64): u64 {
  return (a >> 1) ^ ((a & 1) * POLYNOMIAL)
}

/** a * b modulo P. */
function multiply(a: u64, b: u64): u64 {
  let product: u64 = 0
  for (let factor = a, bits = b; bits != 0; bits <<= 1) {
    if (bits & ONE) product ^= factor
    factor = timesX(factor)
  }
  return product
}

function power(base: u64, exponent: i32): u64 {
  let result: u64 = ONE
  for (let square = base, left = exponent; left > 0; left >>= 1) {
    if (left & 1) result = multiply(result, square)
    square = multiply(square, square)
  }
  return result
}
