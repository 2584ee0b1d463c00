/**
 * XXH3 with 64 bits, no seed and the secret that comes with it (Collet,
 * "XXH3", xxHash 0.8): what redis 8.4 compares values by in SET ... IFDEQ.
 *
 *   0 ... 16, ... 128, ... 240 bytes     a formula each
 *   more                                 stripes of 64 bytes into eight sums, which are scrambled every 16 stripes
 *
 * In exact integers, since it is rare in a log and its products have 128 bits.
 */
const PRIME_32_1 = 0x9e3779b1n
const PRIME_32_2 = 0x85ebca77n
const PRIME_32_3 = 0xc2b2ae3dn
const PRIME_64_1 = 0x9e3779b185ebca87n
const PRIME_64_2 = 0xc2b2ae3d27d4eb4fn
const PRIME_64_3 = 0x165667b19e3779f9n
const PRIME_64_4 = 0x85ebca77c2b2ae63n
const PRIME_64_5 = 0x27d4eb2f165667c5n
const MIX = 0x165667919e3779f9n
const SHORT_MIX = 0x9fb21c651e98df25n

const MASK_32 = 0xffff_ffffn
const STRIPE_BYTES = 64
const LANES = 8
/** The secret moves on by so much with every stripe. */
const SECRET_STEP = 8

const secretBytes = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221' +
    'b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8' +
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb' +
    '170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)
const SECRET_BYTES = secretBytes.length
const STRIPES_IN_BLOCK = (SECRET_BYTES - STRIPE_BYTES) / SECRET_STEP
const BLOCK_BYTES = STRIPES_IN_BLOCK * STRIPE_BYTES

/** The hash of bytes[start, end), as 16 hexadecimal digits. */
export function xxh3(bytes: Uint8Array, start: number, end: number): string {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
  return hashOf(input).toString(16).padStart(16, '0')
}

function hashOf(input: Buffer): bigint {
  const {length} = input
  if (length <= 16) return hashOfFew(input, length)
  if (length <= 240) return hashOfSome(input, length)
  return hashOfMany(input, length)
}

function hashOfFew(input: Buffer, length: number): bigint {
  const size = BigInt(length)
  if (length > 8) {
    const low = word(input, 0) ^ word(secretBytes, 24) ^ word(secretBytes, 32)
    const high = word(input, length - 8) ^ word(secretBytes, 40) ^ word(secretBytes, 48)
    return avalanche(size + swapped(low) + high + folded(low, high))
  }
  if (length >= 4) {
    const first = BigInt(input.readUInt32LE(0))
    const last = BigInt(input.readUInt32LE(length - 4))
    return shortAvalanche((last | (first << 32n)) ^ word(secretBytes, 8) ^ word(secretBytes, 16), size)
  }
  if (length === 0) return oldAvalanche(word(secretBytes, 56) ^ word(secretBytes, 64))
  const [first, middle, last] = [input[0]!, input[length >> 1]!, input[length - 1]!]
  const together = ((first << 16) | (middle << 24) | last | (length << 8)) >>> 0
  const flip = (secretBytes.readUInt32LE(0) ^ secretBytes.readUInt32LE(4)) >>> 0
  return oldAvalanche(BigInt((together ^ flip) >>> 0))
}

/** Up to 128 bytes from both ends to the middle; up to 240 from the beginning on. */
function hashOfSome(input: Buffer, length: number): bigint {
  let sum = BigInt(length) * PRIME_64_1
  if (length <= 128) {
    for (let i = (length - 1) >> 5; i >= 0; i--) {
      sum += mixed(input, 16 * i, 32 * i) + mixed(input, length - 16 * (i + 1), 32 * i + 16)
    }
    return avalanche(sum)
  }
  for (let i = 0; i < 8; i++) sum += mixed(input, 16 * i, 16 * i)
  sum = avalanche(sum)
  for (let i = 8; i < length >> 4; i++) sum += mixed(input, 16 * i, 16 * (i - 8) + 3)
  return avalanche(sum + mixed(input, length - 16, 136 - 17))
}

function hashOfMany(input: Buffer, length: number): bigint {
  const sums = [PRIME_32_3, PRIME_64_1, PRIME_64_2, PRIME_64_3, PRIME_64_4, PRIME_32_2, PRIME_64_5, PRIME_32_1]
  const blocks = Math.floor((length - 1) / BLOCK_BYTES)
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < STRIPES_IN_BLOCK; i++) {
      accumulate(sums, input, block * BLOCK_BYTES + i * STRIPE_BYTES, i * SECRET_STEP)
    }
    scramble(sums)
  }
  const from = blocks * BLOCK_BYTES
  const stripes = Math.floor((length - 1 - from) / STRIPE_BYTES)
  for (let i = 0; i < stripes; i++) accumulate(sums, input, from + i * STRIPE_BYTES, i * SECRET_STEP)
  // The last stripe ends where the input does, whatever was before it.
  accumulate(sums, input, length - STRIPE_BYTES, SECRET_BYTES - STRIPE_BYTES - 7)
  let hash = BigInt(length) * PRIME_64_1
  for (let i = 0; i < LANES; i += 2) {
    const [one, other] = [sums[i]! ^ word(secretBytes, 11 + 8 * i), sums[i + 1]! ^ word(secretBytes, 19 + 8 * i)]
    hash += folded(one, other)
  }
  return avalanche(hash)
}

function accumulate(sums: bigint[], input: Buffer, at: number, secretAt: number): void {
  for (let lane = 0; lane < LANES; lane++) {
    const value = word(input, at + 8 * lane)
    const keyed = value ^ word(secretBytes, secretAt + 8 * lane)
    sums[lane ^ 1] = wrapped(sums[lane ^ 1]! + value)
    sums[lane] = wrapped(sums[lane]! + (keyed & MASK_32) * (keyed >> 32n))
  }
}

function scramble(sums: bigint[]): void {
  for (let lane = 0; lane < LANES; lane++) {
    const sum = sums[lane]!
    const keyed = sum ^ (sum >> 47n) ^ word(secretBytes, SECRET_BYTES - STRIPE_BYTES + 8 * lane)
    sums[lane] = wrapped(keyed * PRIME_32_1)
  }
}

function mixed(input: Buffer, at: number, secretAt: number): bigint {
  return folded(word(input, at) ^ word(secretBytes, secretAt), word(input, at + 8) ^ word(secretBytes, secretAt + 8))
}

/** Both halves of a product of 128 bits, one upon the other. */
function folded(one: bigint, other: bigint): bigint {
  const product = one * other
  return wrapped(product) ^ (product >> 64n)
}

function word(bytes: Buffer, at: number): bigint {
  return bytes.readBigUInt64LE(at)
}

function wrapped(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

function swapped(value: bigint): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes.readBigUInt64BE()
}

function avalanche(value: bigint): bigint {
  let hash = wrapped(value)
  hash = wrapped((hash ^ (hash >> 37n)) * MIX)
  return hash ^ (hash >> 32n)
}

/** Of XXH64. */
function oldAvalanche(value: bigint): bigint {
  let hash = wrapped((value ^ (value >> 33n)) * PRIME_64_2)
  hash = wrapped((hash ^ (hash >> 29n)) * PRIME_64_3)
  return hash ^ (hash >> 32n)
}

function shortAvalanche(value: bigint, size: bigint): bigint {
  let hash = value ^ rotated(value, 49n) ^ rotated(value, 24n)
  hash = wrapped(hash * SHORT_MIX)
  hash = wrapped((hash ^ ((hash >> 35n) + size)) * SHORT_MIX)
  return hash ^ (hash >> 28n)
}

function rotated(value: bigint, by: bigint): bigint {
  return wrapped(value << by) | (value >> (64n - by))
}
