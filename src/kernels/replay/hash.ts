/** The hash of a member, as src/resident/key-hash.ts takes it. */
import {HASH_NUMBERS, HASH_PLACES, HASH_STATE} from './layout'

const BYTES_MAX: u32 = 4 * (HASH_PLACES - 1)

export function hashOf(start: u32, bytes: u32): u32 {
  if (bytes > BYTES_MAX) return fingerprintOf(start, bytes)
  let sum = load<u64>(HASH_NUMBERS) * (bytes as u64)
  const words = bytes >>> 2
  let number = HASH_NUMBERS + 8
  let p = start
  for (const end = start + (words << 2); p < end; p += 4, number += 8) sum += load<u64>(number) * (load<u32>(p) as u64)
  const left = bytes & 3
  if (left > 0) sum += load<u64>(number) * ((load<u32>(p) & ((1 << (left << 3)) - 1)) as u64)
  return (sum >>> 32) as u32
}

/** The upper half of src/keyspace/fingerprint.ts, of database 0. */
function fingerprintOf(start: u32, bytes: u32): u32 {
  let v0 = load<u32>(HASH_STATE)
  let v1 = load<u32>(HASH_STATE, 4)
  let v2 = load<u32>(HASH_STATE, 8)
  let v3 = load<u32>(HASH_STATE, 12)
  const end = start + bytes
  const words = end - (bytes & 3)
  let p = start
  for (;;) {
    let word: u32
    if (p < words) {
      word = load<u32>(p)
    } else {
      word = (bytes + 4) << 24
      const left = bytes & 3
      if (left > 0) word |= load<u8>(p) as u32
      if (left > 1) word |= (load<u8>(p, 1) as u32) << 8
      if (left > 2) word |= (load<u8>(p, 2) as u32) << 16
    }
    v3 ^= word
    v0 += v1
    v1 = rotl<u32>(v1, 5) ^ v0
    v0 = rotl<u32>(v0, 16)
    v2 += v3
    v3 = rotl<u32>(v3, 8) ^ v2
    v0 += v3
    v3 = rotl<u32>(v3, 7) ^ v0
    v2 += v1
    v1 = rotl<u32>(v1, 13) ^ v2
    v2 = rotl<u32>(v2, 16)
    v0 ^= word
    if (p >= words) break
    p += 4
  }
  v2 ^= 0xee
  for (let round = 0; round < 3; round++) {
    v0 += v1
    v1 = rotl<u32>(v1, 5) ^ v0
    v0 = rotl<u32>(v0, 16)
    v2 += v3
    v3 = rotl<u32>(v3, 8) ^ v2
    v0 += v3
    v3 = rotl<u32>(v3, 7) ^ v0
    v2 += v1
    v1 = rotl<u32>(v1, 13) ^ v2
    v2 = rotl<u32>(v2, 16)
  }
  return v1 ^ v3
}
