/** Whose a key is, of several replays of one log that share the keys: as src/replay/shard.ts says it. */
import {SHARD} from './layout'

const MULTIPLIER: u32 = 0x9e37_79b1
const OPEN: u32 = 0x7b
const CLOSE: u32 = 0x7d
const OPENS: u32 = 0x7b7b_7b7b

let number: u32 = 0
/** 1: every key is this replay's. */
let count: u32 = 1

/** Looks who else there is. */
export function beginShard(): void {
  number = load<u32>(SHARD)
  count = max<u32>(load<u32>(SHARD, 4), 1)
}

// @ts-ignore: decorator
@inline
export function isShared(): bool {
  return count > 1
}

// @ts-ignore: decorator
@inline
export function isOwn(key: u32, bytes: u32): bool {
  return count == 1 || ownerOf(key, bytes) == number
}

/** Whether one of four bytes may be the beginning of a tag; at worst one that follows it looks the same. */
// @ts-ignore: decorator
@inline
function hasOpen(word: u32): bool {
  const zeros = word ^ OPENS
  return ((zeros - 0x0101_0101) & ~zeros & 0x8080_8080) != 0
}

function ownerOf(key: u32, bytes: u32): u32 {
  let hash = bytes
  let mayHaveTag = false
  const end = key + bytes
  let p = key
  for (; p + 4 <= end; p += 4) {
    const word = load<u32>(p)
    mayHaveTag = mayHaveTag || hasOpen(word)
    hash = mixed(hash, word)
  }
  const left = bytes & 3
  if (left > 0) {
    const word = load<u32>(p) & ((1 << (left << 3)) - 1)
    mayHaveTag = mayHaveTag || hasOpen(word)
    hash = mixed(hash, word)
  }
  if (mayHaveTag) {
    let open = key
    while (open < end && load<u8>(open) != OPEN) open++
    let close = open + 1
    while (close < end && load<u8>(close) != CLOSE) close++
    if (close < end && close > open + 1) hash = hashOf(open + 1, close)
  }
  return ((hash >>> 16) * count) >>> 16
}

function hashOf(start: u32, end: u32): u32 {
  let hash = end - start
  let p = start
  for (; p + 4 <= end; p += 4) hash = mixed(hash, load<u32>(p))
  const left = end - p
  return left > 0 ? mixed(hash, load<u32>(p) & ((1 << (left << 3)) - 1)) : hash
}

// @ts-ignore: decorator
@inline
function mixed(hash: u32, word: u32): u32 {
  const product = (hash ^ word) * MULTIPLIER
  return product ^ (product >>> 15)
}
