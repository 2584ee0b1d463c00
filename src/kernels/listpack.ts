/** The entries of a listpack (their form is in src/encoding/listpack.ts). */
import {PACKED_SIZES} from './memory'

const COUNT_UNKNOWN: i32 = 0xffff

buildSizes()

/** Passes over an entry of a length to be read; 0 in doubt. */
function passLong(p: i32, last: i32): i32 {
  const first = load<u8>(p) as i32
  let size: i32
  if ((first & 0xf0) == 0xe0) {
    size = 2 + (((first & 0x0f) << 8) | (load<u8>(p, 1) as i32))
  } else {
    if (first != 0xf0) return 0
    const length = load<u32>(p, 1)
    if (length > ((last - p) as u32)) return 0
    size = 5 + length
  }
  const end = p + size
  if (end >= last) return 0
  if (size <= 127) return (load<u8>(end) as i32) == size ? end + 1 : 0
  if (size < 16383) return (load<u16>(end) as i32) == ((size >> 7) | (((size & 127) | 128) << 8)) ? end + 2 : 0
  // Three bytes go up to 2 MB, four times what is looked at here; servers differ about 16383 itself.
  const high = (size >> 14) | ((((size >> 7) & 127) | 128) << 8)
  if (size == 16383 || (load<u16>(end) as i32) != high) return 0
  return (load<u8>(end, 2) as i32) == ((size & 127) | 128) ? end + 3 : 0
}

/** Passes over any entry; 0 in doubt. */
// @ts-ignore: decorator
@inline
export function pass(p: i32, last: i32): i32 {
  const size = load<u8>(PACKED_SIZES + (load<u8>(p) as i32)) as i32
  if (size == 0) return passLong(p, last)
  return (load<u8>(p + size) as i32) == size ? p + size + 1 : 0
}

/** Whether the header of the listpack in [start, end) tells its bytes, and so many entries or no number. */
export function isHeaded(start: i32, end: i32, entries: i32): bool {
  const claimed = load<u16>(start, 4) as i32
  return (load<u32>(start) as i32) == end - start && (claimed == entries || claimed == COUNT_UNKNOWN)
}

// @ts-ignore: decorator
@inline
export function isInteger(first: u32): bool {
  return first < 0x80 || (first >= 0xc0 && first < 0xe0) || first > 0xf0
}

/** The integer of an entry that holds one. */
export function loadInteger(p: i32): i64 {
  const first = load<u8>(p) as i32
  if (first < 0x80) return first
  if (first < 0xe0) return ((((first & 0x1f) << 8) | (load<u8>(p, 1) as i32)) << 19) >> 19
  // How wide they are is hard to guess: 2, 3, 4 or 8 bytes, and those behind are shifted out.
  const shift = 72 - ((load<u8>(PACKED_SIZES + first) as i32) << 3)
  return (load<i64>(p, 1) << shift) >> shift
}

/** A string's length; it ends where the back length begins. */
// @ts-ignore: decorator
@inline
export function stringLength(p: i32, first: i32): i32 {
  if (first < 0xc0) return first & 0x3f
  return first < 0xf0 ? ((first & 0x0f) << 8) | (load<u8>(p, 1) as i32) : (load<u32>(p, 1) as i32)
}

// @ts-ignore: decorator
@inline
export function stringStart(p: i32, first: i32): i32 {
  return p + (first < 0xc0 ? 1 : first < 0xf0 ? 2 : 5)
}

/** Encoding and data of an entry whose first byte says how long it is; 0: its length is to be read, or it is none. */
function buildSizes(): void {
  for (let first = 0; first < 0xf5; first++) {
    let size = 0
    if (first < 0x80) size = 1
    else if (first < 0xc0) size = 1 + (first & 0x3f)
    else if (first < 0xe0) size = 2
    else if (first > 0xf0) size = first == 0xf4 ? 9 : first - 0xee
    store<u8>(PACKED_SIZES + first, size as u8)
  }
}
