/** Bytes that are compared, copied and moved: short ones, mostly, so nothing is called for them. */

/** Whether so many bytes are alike. */
// @ts-ignore: decorator
@inline
export function isEqual(a: u32, b: u32, bytes: u32): bool {
  if (bytes >= 8) {
    const last = bytes - 8
    for (let i: u32 = 0; i < last; i += 8) if (load<u64>(a + i) != load<u64>(b + i)) return false
    return load<u64>(a + last) == load<u64>(b + last)
  }
  if (bytes >= 4) {
    const last = bytes - 4
    return load<u32>(a) == load<u32>(b) && load<u32>(a + last) == load<u32>(b + last)
  }
  for (let i: u32 = 0; i < bytes; i++) if (load<u8>(a + i) != load<u8>(b + i)) return false
  return true
}

/** How bytes stand to others: below zero before them, above behind. */
export function compare(a: u32, aBytes: u32, b: u32, bBytes: u32): i32 {
  const size = min(aBytes, bBytes)
  for (let i: u32 = 0; i < size; i++) {
    const difference = (load<u8>(a + i) as i32) - (load<u8>(b + i) as i32)
    if (difference != 0) return difference
  }
  return (aBytes as i32) - (bBytes as i32)
}

/** Copies bytes that do not overlap, and touches no others. */
// @ts-ignore: decorator
@inline
export function copy(to: u32, from: u32, bytes: u32): void {
  if (bytes >= 16) {
    const last = bytes - 16
    for (let i: u32 = 0; i < last; i += 16) v128.store(to + i, v128.load(from + i))
    v128.store(to + last, v128.load(from + last))
  } else if (bytes >= 8) {
    const first = load<u64>(from)
    const last = load<u64>(from + bytes - 8)
    store<u64>(to, first)
    store<u64>(to + bytes - 8, last)
  } else if (bytes >= 4) {
    const first = load<u32>(from)
    const last = load<u32>(from + bytes - 4)
    store<u32>(to, first)
    store<u32>(to + bytes - 4, last)
  } else {
    for (let i: u32 = 0; i < bytes; i++) store<u8>(to + i, load<u8>(from + i))
  }
}

/** Moves bytes, which may overlap, and touches no others. */
export function move(to: u32, from: u32, bytes: u32): void {
  if (to < from) {
    let i: u32 = 0
    for (; i + 16 <= bytes; i += 16) v128.store(to + i, v128.load(from + i))
    for (; i < bytes; i++) store<u8>(to + i, load<u8>(from + i))
  } else {
    let i = bytes
    for (; i >= 16; i -= 16) v128.store(to + i - 16, v128.load(from + i - 16))
    for (; i > 0; i--) store<u8>(to + i - 1, load<u8>(from + i - 1))
  }
}
