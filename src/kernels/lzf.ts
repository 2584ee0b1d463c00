/**
 * LZF, both ways.
 *
 *   000lllll                     literal run: the next l + 1 bytes (1..32)
 *   nnnddddd [extra] dddddddd    back reference: n = 1..7, + extra if n is 7; copy n + 2 bytes (3..264) from
 *                                distance d + 1 (1..8192), forward: an overlap repeats
 *
 * Neither header nor end mark: the lengths stand outside. A run of operations cut between two of them goes on in
 * another call, given 8 KiB of what came before in front of the output.
 *
 * Copies go 16 bytes at a time and may write past their end: whatever comes next overwrites it, and slack lies behind
 * every output.
 */
import {
  LZF_HISTORY_BYTES,
  LZF_INPUT,
  LZF_OUTPUT,
  LZF_TABLE,
  LZF_TABLE_BITS,
  LZF_TABLE_BYTES,
  MASKS,
  MASK_STRIDES,
  RESULTS,
  leave,
} from './memory'

/** Why decoding stopped; src/bytes/lzf.ts has the same numbers. */
export const ALL_READ: i32 = 0
const INPUT_SHORT: i32 = 1
const OUTPUT_SHORT: i32 = 2
const BAD_REFERENCE: i32 = 3

const MATCH_MAX: i32 = 264
const RUN_MAX: i32 = 32
/** A head is what says how many entries a packed blob has: that of a ziplist is the longest. */
const HEAD_BYTES: i32 = 10
/** The first operations, one at least; what they make may be more than is asked for. */
const HEAD_INPUT_MAX: i32 = 40
const HEAD_OUTPUT_MAX: i32 = 1024

buildMasks()

/**
 * Decodes whole operations from [input, inputEnd) to [output, outputEnd) and leaves both positions reached; `base` is
 * the lowest address a back reference may name.
 */
export function lzfDecode(input: i32, inputEnd: i32, output: i32, outputEnd: i32, base: i32): i32 {
  let from = input
  let to = output
  let status = ALL_READ
  while (from < inputEnd) {
    const control = load<u8>(from) as i32
    if (control < RUN_MAX) {
      if (from + control + 2 > inputEnd) {
        status = INPUT_SHORT
        break
      }
      if (to + control + 1 > outputEnd) {
        status = OUTPUT_SHORT
        break
      }
      v128.store(to, v128.load(from, 1))
      // Whether it is needed is harder to guess than the copy takes.
      v128.store(to, v128.load(from, 17), 16)
      from += control + 2
      to += control + 1
      continue
    }
    // Whether there is an extra length is hard to guess; it may lie past the end, in the slack: looked at below.
    const extra = control >= 0xe0 ? 1 : 0
    const length = (control >> 5) + 2 + ((load<u8>(from, 1) as i32) & -extra)
    const next = from + 1 + extra
    if (next >= inputEnd) {
      status = INPUT_SHORT
      break
    }
    const distance = ((control & 0x1f) << 8) + (load<u8>(next) as i32) + 1
    if (to - distance < base) {
      status = BAD_REFERENCE
      break
    }
    if (to + length > outputEnd) {
      status = OUTPUT_SHORT
      break
    }
    copyBack(to, distance, length)
    from = next + 1
    to += length
  }
  leave(from, to)
  return status
}

/** Where the last decoding stopped in its output. */
// @ts-ignore: decorator
@inline
export function lzfReached(): i32 {
  return load<i32>(RESULTS, 4)
}

/** Where the first bytes lie that a run decodes to, HEAD_BYTES of them at least; 0 where it does not make so many. */
export function lzfHead(input: i32, inputEnd: i32): i32 {
  const control = load<u8>(input) as i32
  if (control >= HEAD_BYTES - 1 && control < RUN_MAX && input + control + 1 < inputEnd) return input + 1
  lzfDecode(input, min(inputEnd, input + HEAD_INPUT_MAX), LZF_OUTPUT, LZF_OUTPUT + HEAD_OUTPUT_MAX, LZF_OUTPUT)
  return lzfReached() - LZF_OUTPUT >= HEAD_BYTES ? LZF_OUTPUT : 0
}

// @ts-ignore: decorator
@inline
function copyBack(to: i32, distance: i32, length: i32): void {
  const end = to + length
  if (distance >= 16) {
    v128.store(to, v128.load(to - distance))
    v128.store(to, v128.load(to - distance, 16), 16)
    for (let p = to + 32; p < end; p += 16) v128.store(p, v128.load(p - distance))
  } else {
    // Sixteen bytes of the pattern, stored again and again at a stride that is a multiple of its length.
    const pattern = i8x16.swizzle(v128.load(to - distance), v128.load(MASKS + (distance << 4)))
    const stride = load<u8>(MASK_STRIDES + distance) as i32
    for (let p = to; p < end; p += stride) v128.store(p, pattern)
  }
}

/** Mask d repeats the first d bytes; stride d is the largest multiple of d within 16. */
function buildMasks(): void {
  for (let distance = 1; distance < 16; distance++) {
    for (let i = 0; i < 16; i++) store<u8>(MASKS + distance * 16 + i, (i % distance) as u8)
    store<u8>(MASK_STRIDES + distance, (16 - (16 % distance)) as u8)
  }
}

/**
 * Positions in the table count on from call to call, a gap of 8 KiB between two inputs: whatever an earlier input left
 * there is out of reach. So the table is not cleared for every input, and still a result depends on its input alone.
 */
let position: u32 = LZF_HISTORY_BYTES + 1

/** Compresses `bytes` of LZF_INPUT into at most `room` bytes of LZF_OUTPUT: how many, or 0 if they do not fit. */
export function lzfEncode(bytes: i32, room: i32): i32 {
  return lzfEncodeAt(LZF_INPUT, bytes, room)
}

/** The same for bytes at any address, with room behind them that may be read. */
export function lzfEncodeAt(input: i32, bytes: i32, room: i32): i32 {
  if (position > u32.MAX_VALUE - (bytes + LZF_HISTORY_BYTES)) {
    memory.fill(LZF_TABLE, 0, LZF_TABLE_BYTES)
    position = LZF_HISTORY_BYTES + 1
  }
  const shift: u32 = position - input
  position += bytes + LZF_HISTORY_BYTES

  const end = input + bytes
  const last = end - 3 // where three bytes can still match
  const outEnd = LZF_OUTPUT + room
  let from = input
  let literals = from
  let to = LZF_OUTPUT
  while (from <= last) {
    const slot = slotOf(from)
    const distance = (from as u32) + shift - load<u32>(slot)
    store<u32>(slot, (from as u32) + shift)
    const seen = from - (distance as i32)
    if (distance > (LZF_HISTORY_BYTES as u32) || ((load<u32>(seen) ^ load<u32>(from)) & 0xffffff) != 0) {
      // The longer nothing matches, the wider we step: bytes that do not compress are not worth the search.
      from += 1 + ((from - literals) >> 6)
      continue
    }
    const length = matchLength(seen, from, min(end - from, MATCH_MAX))
    to = writeRuns(to, outEnd, literals, from)
    if (to == 0 || to + 3 > outEnd) return 0
    to = writeReference(to, distance - 1, length - 2)
    from += length
    literals = from
    if (from <= last) {
      store<u32>(slotOf(from - 2), (from as u32) + shift - 2)
      store<u32>(slotOf(from - 1), (from as u32) + shift - 1)
    }
  }
  to = writeRuns(to, outEnd, literals, end)
  return to == 0 ? 0 : to - LZF_OUTPUT
}

/** The address in the table of the three bytes at an address. */
// @ts-ignore: decorator
@inline
function slotOf(from: i32): usize {
  const three = load<u32>(from) << 8
  return LZF_TABLE + (((three * 0x9e3779b1) >> (32 - LZF_TABLE_BITS)) << 2)
}

/** How far two places are equal, three bytes at least, `most` at most. */
// @ts-ignore: decorator
@inline
function matchLength(a: i32, b: i32, most: i32): i32 {
  let length = 3
  while (length < most) {
    const equal = i8x16.bitmask(i8x16.eq(v128.load(a + length), v128.load(b + length)))
    if (equal != 0xffff) {
      length += ctz(~equal)
      break
    }
    length += 16
  }
  return min(length, most)
}

/** Writes [start, end) as literal runs; 0 if there is no room. */
// @ts-ignore: decorator
@inline
function writeRuns(to: i32, outEnd: i32, start: i32, end: i32): i32 {
  let from = start
  let out = to
  while (from < end) {
    const run = min(end - from, RUN_MAX)
    if (out + run + 1 > outEnd) return 0
    store<u8>(out, (run - 1) as u8)
    v128.store(out, v128.load(from), 1)
    if (run > 16) v128.store(out, v128.load(from, 16), 17)
    out += run + 1
    from += run
  }
  return out
}

// @ts-ignore: decorator
@inline
function writeReference(to: i32, low: u32, code: i32): i32 {
  let out = to
  if (code < 7) {
    store<u8>(out++, ((code << 5) | ((low as i32) >> 8)) as u8)
  } else {
    store<u8>(out++, (0xe0 | ((low as i32) >> 8)) as u8)
    store<u8>(out++, (code - 7) as u8)
  }
  store<u8>(out++, low as u8)
  return out
}
