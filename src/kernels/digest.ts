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
 * Words are gathered into a message and absorbed many at a time, in a loop that has the state on locals; long texts are
 * absorbed where they lie.
 *
 * A text says where it ends, so texts that follow one another mean one thing only; and a number is one word, whether it
 * was stored as a number or spelled out.
 */
import {
  DIGEST_KEYS,
  DIGEST_HELD,
  DIGEST_KEY_STATE,
  DIGEST_LANE,
  DIGEST_MESSAGE,
  DIGEST_MESSAGE_BYTES,
  DIGEST_OUT,
  DIGEST_STATE,
  DIGEST_STATES,
  DIGEST_STATE_BYTES,
  DIGEST_TAGS,
  MASKS_16,
} from './memory'

/** Numbers of so many digits are taken as numbers. */
const DIGITS_MAX: i32 = 18
const DIGITS_END: i64 = 1_000_000_000_000_000_000
const MINUS: u32 = 0x2d
const NINE: u32 = 0x39
const ZERO: u32 = 0x30
/** Tells the second state from the first. */
const LANE: u64 = 0x9e37_79b9_7f4a_7c15
const PAIR_BYTES: i32 = 16
/** Says that bytes are digested as they are stored. */
const STORED: u64 = 0x62
const STORED_SHORT: u64 = 0x61
/** Longer texts are not copied into the message. */
const COPIED_BYTES_MAX: i32 = 1024
const MESSAGE_LIMIT: i32 = DIGEST_MESSAGE + DIGEST_MESSAGE_BYTES - COPIED_BYTES_MAX - 64

/** Where the state lies that the message is to be absorbed into. */
let state: i32 = DIGEST_STATES
/** Where the message ends. */
let message: i32 = DIGEST_MESSAGE

/** Both sums over what was added. */
let sumHigh: u64 = 0
let sumLow: u64 = 0

/** Of a text that arrives in pieces: how many bytes in DIGEST_HELD make no pair of words yet. */
let heldBytes: i32 = 0

/** What the last finishing made. */
let high: u64 = 0
let low: u64 = 0

/** Takes words of [from, end). */
function absorb(from: i32, end: i32): void {
  let a = load<u64>(state)
  let b = load<u64>(state, 8)
  let c = load<u64>(state, 16)
  let d = load<u64>(state, 24)
  for (let p = from; p < end; p += 8) {
    const word = load<u64>(p)
    d ^= word
    a += b
    c += d
    b = rotl(b, 13) ^ a
    d = rotl(d, 16) ^ c
    a = rotl(a, 32)
    c += b
    a += d
    b = rotl(b, 17) ^ c
    d = rotl(d, 21) ^ a
    c = rotl(c, 32)
    a ^= word
  }
  store<u64>(DIGEST_STATE, a)
  store<u64>(DIGEST_STATE, b, 8)
  store<u64>(DIGEST_STATE, c, 16)
  store<u64>(DIGEST_STATE, d, 24)
  state = DIGEST_STATE
}

/** Takes the message and four rounds more. */
function finish(): void {
  let a = load<u64>(state)
  let b = load<u64>(state, 8)
  let c = load<u64>(state, 16)
  let d = load<u64>(state, 24)
  const end = message
  for (let p = DIGEST_MESSAGE; p < end; p += 8) {
    const word = load<u64>(p)
    d ^= word
    a += b
    c += d
    b = rotl(b, 13) ^ a
    d = rotl(d, 16) ^ c
    a = rotl(a, 32)
    c += b
    a += d
    b = rotl(b, 17) ^ c
    d = rotl(d, 21) ^ a
    c = rotl(c, 32)
    a ^= word
  }
  c ^= 0xee
  for (let i = 0; i < 4; i++) {
    a += b
    c += d
    b = rotl(b, 13) ^ a
    d = rotl(d, 16) ^ c
    a = rotl(a, 32)
    c += b
    a += d
    b = rotl(b, 17) ^ c
    d = rotl(d, 21) ^ a
    c = rotl(c, 32)
  }
  high = a ^ b
  low = c ^ d
  message = DIGEST_MESSAGE
}

function flush(): void {
  absorb(DIGEST_MESSAGE, message)
  message = DIGEST_MESSAGE
}

// @ts-ignore: decorator
@inline
export function word(value: u64): void {
  store<u64>(message, value)
  message += 8
}

/** Takes the key that lies in DIGEST_KEYS: what every tag begins with follows from it. */
export function digestSeed(): void {
  const first = load<u64>(DIGEST_KEYS)
  const second = load<u64>(DIGEST_KEYS, 8)
  for (let tag = 0; tag < DIGEST_TAGS; tag++) {
    const at = DIGEST_STATES + tag * DIGEST_STATE_BYTES
    store<u64>(at, first ^ 0x736f6d6570736575)
    // The output has 128 bits.
    store<u64>(at, second ^ 0x646f72616e646f6d ^ 0xee, 8)
    store<u64>(at, first ^ 0x6c7967656e657261, 16)
    store<u64>(at, second ^ 0x7465646279746573, 24)
    digestBegin(tag)
    word(tag as u64)
    flush()
    memory.copy(at, DIGEST_STATE, DIGEST_STATE_BYTES)
  }
}

/** Begins what is to be digested; the tag says what it is. */
// @ts-ignore: decorator
@inline
export function digestBegin(tag: i32): void {
  state = DIGEST_STATES + tag * DIGEST_STATE_BYTES
  message = DIGEST_MESSAGE
}

export function digestWord(low: u32, high: u32): void {
  if (message > MESSAGE_LIMIT) flush()
  word(((high as u64) << 32) | (low as u64))
}

/** A double, by its bits. */
export function digestDouble(value: f64): void {
  if (message > MESSAGE_LIMIT) flush()
  word(reinterpret<u64>(value))
}

/** A text that lies in one piece. */
export function digestText(start: i32, bytes: i32): void {
  if (message > MESSAGE_LIMIT) flush()
  const first = load<u8>(start) as u32
  const maybe = first - MINUS <= NINE - MINUS && bytes <= DIGITS_MAX + 1 && bytes > 0
  if (maybe && number(start, bytes)) return
  if (bytes < 8) {
    const value = bytes == 0 ? 0 : load<u64>(start) & ((-1 as u64) >> (64 - 8 * (bytes as u64)))
    word((value << 8) | ((bytes as u64) << 2) | 2)
    return
  }
  word((bytes as u64) << 2)
  if (bytes > COPIED_BYTES_MAX) {
    beginLanes()
    digestPiece(start, bytes)
    digestTextEnd()
    return
  }
  const whole = bytes & ~7
  const to = message
  for (let i = 0; i < whole; i += 16) v128.store(to + i, v128.load(start + i))
  message = to + whole
  // Eight bytes at least lie before the end.
  if (whole < bytes) word(load<u64>(start + bytes - 8) >> (64 - 8 * ((bytes - whole) as u64)))
}

/** An integer as the text that spells it; of more digits than are taken as one, false. */
// @ts-ignore: decorator
@inline
export function integer(value: i64): bool {
  if (value >= DIGITS_END || value <= -DIGITS_END) return false
  if (message > MESSAGE_LIMIT) flush()
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

/** Begins a text that is long, or arrives in pieces: how long it is, 0 where that is said behind it. */
export function digestTextHead(low: u32, high: u32): void {
  digestWord(low << 2, (high << 2) | (low >> 30))
  beginLanes()
}

/**
 * Long texts go through two states side by side, one for every other word: each would wait for itself most of the time.
 * The second is absorbed by the first in the end.
 */
function beginLanes(): void {
  flush()
  for (let i = 0; i < 32; i += 8) store<u64>(DIGEST_LANE + i, load<u64>(DIGEST_STATE + i) ^ LANE)
  heldBytes = 0
}

/** Takes pairs of words of [from, end). */
function absorbPairs(from: i32, end: i32): void {
  let a = load<u64>(DIGEST_STATE)
  let b = load<u64>(DIGEST_STATE, 8)
  let c = load<u64>(DIGEST_STATE, 16)
  let d = load<u64>(DIGEST_STATE, 24)
  let e = load<u64>(DIGEST_LANE)
  let f = load<u64>(DIGEST_LANE, 8)
  let g = load<u64>(DIGEST_LANE, 16)
  let h = load<u64>(DIGEST_LANE, 24)
  for (let p = from; p < end; p += PAIR_BYTES) {
    const one = load<u64>(p)
    const other = load<u64>(p, 8)
    d ^= one
    h ^= other
    a += b
    e += f
    c += d
    g += h
    b = rotl(b, 13) ^ a
    f = rotl(f, 13) ^ e
    d = rotl(d, 16) ^ c
    h = rotl(h, 16) ^ g
    a = rotl(a, 32)
    e = rotl(e, 32)
    c += b
    g += f
    a += d
    e += h
    b = rotl(b, 17) ^ c
    f = rotl(f, 17) ^ g
    d = rotl(d, 21) ^ a
    h = rotl(h, 21) ^ e
    c = rotl(c, 32)
    g = rotl(g, 32)
    a ^= one
    e ^= other
  }
  store<u64>(DIGEST_STATE, a)
  store<u64>(DIGEST_STATE, b, 8)
  store<u64>(DIGEST_STATE, c, 16)
  store<u64>(DIGEST_STATE, d, 24)
  store<u64>(DIGEST_LANE, e)
  store<u64>(DIGEST_LANE, f, 8)
  store<u64>(DIGEST_LANE, g, 16)
  store<u64>(DIGEST_LANE, h, 24)
}

/** Its next piece. */
export function digestPiece(start: i32, bytes: i32): void {
  const end = start + bytes
  let p = start
  if (heldBytes > 0) {
    while (heldBytes < PAIR_BYTES && p < end) store<u8>(DIGEST_HELD + heldBytes++, load<u8>(p++))
    if (heldBytes < PAIR_BYTES) return
    absorbPairs(DIGEST_HELD, DIGEST_HELD + PAIR_BYTES)
    heldBytes = 0
  }
  const whole = p + ((end - p) & ~(PAIR_BYTES - 1))
  if (whole > p) absorbPairs(p, whole)
  heldBytes = end - whole
  v128.store(DIGEST_HELD, v128.load(whole))
}

/** All of it has arrived. */
export function digestTextEnd(): void {
  if (heldBytes > 0) {
    // Zeros stand for what is missing of a pair.
    v128.store(DIGEST_HELD, v128.and(v128.load(DIGEST_HELD), v128.load(MASKS_16 + 16 - heldBytes)))
    absorbPairs(DIGEST_HELD, DIGEST_HELD + PAIR_BYTES)
  }
  heldBytes = 0
  for (let i = 0; i < 32; i += 8) word(load<u64>(DIGEST_LANE + i))
}

/** Finishes what was begun and adds it to the sums. */
export function digestAdd(): void {
  finish()
  sumHigh += high
  sumLow += low
}

/** What was begun has taken database and key: leaves the fingerprint of both, and begins the sums of its value. */
export function digestKeyEnd(): void {
  flush()
  // A call for so few bytes costs more.
  v128.store(DIGEST_KEY_STATE, v128.load(DIGEST_STATE))
  v128.store(DIGEST_KEY_STATE, v128.load(DIGEST_STATE, 16), 16)
  finish()
  store<u64>(DIGEST_OUT, rotl(high, 32))
  sumHigh = 0
  sumLow = 0
}

/** The value is complete: what is digested now is the entry, its key and both sums taken. */
export function digestValueEnd(type: u32): void {
  state = DIGEST_KEY_STATE
  message = DIGEST_MESSAGE
  word(type as u64)
  word(sumHigh)
  word(sumLow)
}

/** A value that has no parts, by its stored bytes: they belong to the entry itself. Pieces and their length follow. */
export function digestStored(type: u32): void {
  state = DIGEST_KEY_STATE
  message = DIGEST_MESSAGE
  word(((type as u64) << 8) | STORED)
  beginLanes()
}

/** The same of few bytes that have arrived: they are one text. */
export function digestStoredShort(type: u32, start: i32, bytes: i32): void {
  state = DIGEST_KEY_STATE
  message = DIGEST_MESSAGE
  word(((type as u64) << 8) | STORED_SHORT)
  digestText(start, bytes)
}

/** Leaves the digest of the entry. */
export function digestEnd(): void {
  finish()
  store<u64>(DIGEST_OUT, high, 8)
  store<u64>(DIGEST_OUT, low, 16)
}
