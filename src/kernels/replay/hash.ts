/** The hash of a member, as src/resident/byte-table.ts takes it: the upper half of src/keyspace/fingerprint.ts, of database 0. */
import {HASH} from './layout'

export function hashOf(start: u32, bytes: u32): u32 {
  let v0 = load<u32>(HASH)
  let v1 = load<u32>(HASH, 4)
  let v2 = load<u32>(HASH, 8)
  let v3 = load<u32>(HASH, 12)
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
