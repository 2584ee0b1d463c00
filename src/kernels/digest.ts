/**
 * Digests of values by what they mean: SipHash-1-4 (Aumasson and Bernstein, 2012) with 128 bits of output, its key drawn
 * for every run.
 *
 *   key       begin ─► database, text ─► keyEnd ─────────────► fingerprint
 *   element   begin ─► words, texts ──► add ─► two sums  │    what is added has no order
 *   entry                                  └────────────┴─► valueEnd ─► words ─► end ─► digest
 *
 *   text   an integer of up to 18 digits, as servers spell one     <integer * 4 + 1>
 *          up to 7 bytes                                           <bytes in the upper 56 bits, count * 4 + 2 below>
 *          longer                                                  <count * 4> <8 bytes, little-endian>*
 *
 * A text says where it ends, so texts that follow one another mean one thing only; and a number is one word, whether it
 * was stored as a number or spelled out.
 */
import {DIGEST_KEYS, DIGEST_OUT, DIGEST_STATES, DIGEST_STATE_BYTES, DIGEST_TAGS} from './memory'

/** Numbers of so many digits are taken as numbers. */
const DIGITS_MAX: i32 = 18
const DIGITS_END: i64 = 1_000_000_000_000_000_000
const MINUS: u32 = 0x2d
const ZERO: u32 = 0x30

let v0: u64 = 0
let v1: u64 = 0
let v2: u64 = 0
let v3: u64 = 0

/** Both sums over what was added. */
let sumHigh: u64 = 0
let sumLow: u64 = 0

/** Of a text that arrives in pieces: bytes that make no word yet, and how many. */
let held: u64 = 0
let heldBytes: i32 = 0

// @ts-ignore: decorator
@inline
function word(value: u64): void {
  v3 ^= value
  round()
  v0 ^= value
}

// @ts-ignore: decorator
@inline
function round(): void {
  v0 += v1
  v2 += v3
  v1 = rotl(v1, 13) ^ v0
  v3 = rotl(v3, 16) ^ v2
  v0 = rotl(v0, 32)
  v2 += v1
  v0 += v3
  v1 = rotl(v1, 17) ^ v2
  v3 = rotl(v3, 21) ^ v0
  v2 = rotl(v2, 32)
}

/** Takes the key that lies in DIGEST_KEYS: what every tag begins with follows from it. */
export function digestSeed(): void {
  const low = load<u64>(DIGEST_KEYS)
  const high = load<u64>(DIGEST_KEYS, 8)
  for (let tag = 0; tag < DIGEST_TAGS; tag++) {
    v0 = low ^ 0x736f6d6570736575
    // The output has 128 bits (SipHash of the reference, outlen 16).
    v1 = high ^ 0x646f72616e646f6d ^ 0xee
    v2 = low ^ 0x6c7967656e657261
    v3 = high ^ 0x7465646279746573
    word(tag as u64)
    const at = DIGEST_STATES + tag * DIGEST_STATE_BYTES
    store<u64>(at, v0)
    store<u64>(at, v1, 8)
    store<u64>(at, v2, 16)
    store<u64>(at, v3, 24)
  }
}

/** Begins what is to be digested; the tag says what it is. */
export function digestBegin(tag: i32): void {
  const at = DIGEST_STATES + tag * DIGEST_STATE_BYTES
  v0 = load<u64>(at)
  v1 = load<u64>(at, 8)
  v2 = load<u64>(at, 16)
  v3 = load<u64>(at, 24)
}

export function digestWord(low: u32, high: u32): void {
  word(((high as u64) << 32) | (low as u64))
}

/** A double, by its bits. */
export function digestDouble(value: f64): void {
  word(reinterpret<u64>(value))
}

/** A text that lies in one piece. */
export function digestText(start: i32, bytes: i32): void {
  if (bytes < 8) {
    const first = load<u8>(start) as u32
    if (bytes > 0 && first - MINUS <= 0x39 - MINUS && number(start, bytes)) return
    let value = ((bytes as u64) << 2) | 2
    for (let i = 0; i < bytes; i++) value |= (load<u8>(start + i) as u64) << (8 * i + 8)
    word(value)
    return
  }
  if (bytes <= DIGITS_MAX + 1 && (load<u8>(start) as u32) - MINUS <= 0x39 - MINUS && number(start, bytes)) return
  word((bytes as u64) << 2)
  const end = start + bytes
  let p = start
  for (; p + 8 <= end; p += 8) word(load<u64>(p))
  if (p < end) {
    // Eight bytes at least lie before the end.
    word(load<u64>(end - 8) >> (64 - 8 * ((end - p) as u64)))
  }
}


// @ts-ignore: decorator
@inline
export function integer(value: i64): bool {
  if (value >= DIGITS_END || value <= -DIGITS_END) return false
  word(((value << 2) as u64) | 1)
  return true
}

/** Whether it is the only way in which an integer is spelled; then it has been taken. */
function number(start: i32, bytes: i32): bool {
  const negative = load<u8>(start) == MINUS
  let p = negative ? start + 1 : start
  const end = start + bytes
  if (p == end || end - p > DIGITS_MAX) return false
  // No zero in front, but for zero itself, which has no sign.
  if (load<u8>(p) == ZERO && (negative || end - p > 1)) return false
  let value: i64 = 0
  for (; p < end; p++) {
    const digit = (load<u8>(p) as u32) - ZERO
    if (digit > 9) return false
    value = value * 10 + digit
  }
  return integer(negative ? -value : value)
}

/** A text of more than 19 bytes that arrives in pieces: how long it is. */
export function digestTextHead(low: u32, high: u32): void {
  word((((high as u64) << 32) | (low as u64)) << 2)
  heldBytes = 0
  held = 0
}

/** Its next piece. */
export function digestPiece(start: i32, bytes: i32): void {
  const end = start + bytes
  let p = start
  while (heldBytes > 0 && p < end) hold(load<u8>(p++))
  for (; p + 8 <= end; p += 8) word(load<u64>(p))
  while (p < end) hold(load<u8>(p++))
}

function hold(byte: u8): void {
  held |= (byte as u64) << (8 * heldBytes)
  if (++heldBytes < 8) return
  word(held)
  held = 0
  heldBytes = 0
}

/** All of it has arrived. */
export function digestTextEnd(): void {
  if (heldBytes > 0) word(held)
  heldBytes = 0
  held = 0
}

// @ts-ignore: decorator
@inline
function finish(): void {
  v2 ^= 0xee
  round()
  round()
  round()
  round()
}

/** Finishes what was begun and adds it to the sums. */
export function digestAdd(): void {
  finish()
  sumHigh += v0 ^ v1
  sumLow += v2 ^ v3
}

/** The state behind a key, while its value is digested. */
let key0: u64 = 0
let key1: u64 = 0
let key2: u64 = 0
let key3: u64 = 0

/** What was begun has taken database and key: leaves the fingerprint of both, and begins the sums of its value. */
export function digestKeyEnd(): void {
  key0 = v0
  key1 = v1
  key2 = v2
  key3 = v3
  finish()
  store<u64>(DIGEST_OUT, rotl(v0 ^ v1, 32))
  sumHigh = 0
  sumLow = 0
}

/** The value is complete: what is digested now is the entry, its key and both sums taken. */
export function digestValueEnd(type: u32): void {
  v0 = key0
  v1 = key1
  v2 = key2
  v3 = key3
  word(type as u64)
  word(sumHigh)
  word(sumLow)
}

/** Leaves the digest of the entry. */
export function digestEnd(): void {
  finish()
  store<u64>(DIGEST_OUT, v0 ^ v1, 8)
  store<u64>(DIGEST_OUT, v2 ^ v3, 16)
}
