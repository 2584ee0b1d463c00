/**
 * UTF-8, character by character: what is one, and which must not reach a terminal as it is.
 */

/** Bytes of the UTF-8 sequence of a character from U+0080 on; 0 where there is none (Unicode 15, table 3-7). */
export function sequenceLength(bytes: Uint8Array, p: number, end: number): number {
  const first = bytes[p]!
  if (first < 0xc2 || first > 0xf4) return 0
  if (p + 1 >= end) return 0
  const second = bytes[p + 1]!
  if ((second & 0xc0) !== 0x80) return 0
  if (first < 0xe0) return 2
  if (p + 2 >= end || (bytes[p + 2]! & 0xc0) !== 0x80) return 0
  if (first < 0xf0) {
    // No longer than need be, and no half of a pair.
    if (first === 0xe0 && second < 0xa0) return 0
    return first === 0xed && second > 0x9f ? 0 : 3
  }
  if (p + 3 >= end || (bytes[p + 3]! & 0xc0) !== 0x80) return 0
  if (first === 0xf0 && second < 0x90) return 0
  return first === 0xf4 && second > 0x8f ? 0 : 4
}

/** The code unit of a character that drives a terminal or turns the writing direction; -1 for all others. */
export function unsafeUnit(bytes: Uint8Array, p: number, length: number): number {
  const first = bytes[p]!
  if (length === 2) {
    const unit = ((first & 0x1f) << 6) | (bytes[p + 1]! & 0x3f)
    return unit < 0xa0 || unit === 0xad || unit === 0x61c ? unit : -1
  }
  if (length !== 3 || (first !== 0xe2 && first !== 0xef)) return -1
  const unit = ((first & 0x0f) << 12) | ((bytes[p + 1]! & 0x3f) << 6) | (bytes[p + 2]! & 0x3f)
  const unsafe =
    (unit >= 0x200b && unit <= 0x200f) ||
    (unit >= 0x2028 && unit <= 0x202e) ||
    (unit >= 0x2060 && unit <= 0x206f) ||
    unit === 0xfeff
  return unsafe ? unit : -1
}
