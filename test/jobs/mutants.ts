/** Fixtures with a few bytes changed, the same ones in every run. */
import type {Fixture} from '../reading/fixtures.js'

export interface Mutant {
  /** What was done, to be read in a failure. */
  what: string
  bytes: Uint8Array
}

/** Numbers below a bound, from a seed (mulberry32). */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound)
  }

  pick<T>(all: readonly T[]): T {
    return all[this.below(all.length)]!
  }
}

/** Bytes that mean something where a length, an opcode or a type is expected. */
const TELLING = [
  0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xc1, 0xc2, 0xc3, 0xf0, 0xf5, 0xfa, 0xfb, 0xfc, 0xfe, 0xff,
]

type Change = (bytes: Buffer, at: number, dice: Dice) => Buffer

const CHANGES: Readonly<Record<string, Change>> = {
  'a bit flipped': (bytes, at, dice) => {
    bytes[at]! ^= 1 << dice.below(8)
    return bytes
  },
  'a byte set': (bytes, at, dice) => {
    bytes[at] = dice.below(256)
    return bytes
  },
  'a telling byte set': (bytes, at, dice) => {
    bytes[at] = dice.pick(TELLING)
    return bytes
  },
  'one more': (bytes, at) => {
    bytes[at]!++
    return bytes
  },
  'one less': (bytes, at) => {
    bytes[at]!--
    return bytes
  },
  'a byte left out': (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]),
  'a byte put in': (bytes, at, dice) =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from([dice.below(256)]), bytes.subarray(at)]),
  'two bytes swapped': (bytes, at) => {
    const [one, two] = [bytes[at]!, bytes[at + 1]!]
    bytes[at] = two
    bytes[at + 1] = one
    return bytes
  },
  'some bytes twice': (bytes, at, dice) => {
    const piece = bytes.subarray(at, at + 1 + dice.below(40))
    return Buffer.concat([bytes.subarray(0, at + piece.length), piece, bytes.subarray(at + piece.length)])
  },
  'some bytes moved': (bytes, at, dice) => {
    const size = 1 + dice.below(16)
    const piece = bytes.subarray(at, at + size)
    const rest = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
    const to = 9 + dice.below(Math.max(rest.length - 9, 1))
    return Buffer.concat([rest.subarray(0, to), piece, rest.subarray(to)])
  },
}

const MAGIC_BYTES = 9
const CHECKSUM_BYTES = 8

/** Where the RDB ends, its checksum apart: fixtures may have other bytes behind it. */
function endOf({name, bytes, golden}: Fixture, checksumBytes: number): number {
  if (name.endsWith('.aof')) return bytes.lastIndexOf(0xff, Buffer.from(bytes).indexOf('*') - 1) + 1
  return bytes.length - checksumBytes - (/bytes-after-end/.test(name) ? 14 : 0) - (golden === undefined ? 1 : 0)
}

/** `count` mutants of what stands between the magic and the end; the checksum is zeroed, unless it is to be kept. */
export function* mutantsOf(
  fixture: Fixture,
  seed: number,
  count: number,
  checksum: 'zeroed' | 'kept',
): Generator<Mutant> {
  const dice = new Dice(seed)
  const version = fixture.golden.meta.rdbVersion
  const checksumBytes = version < 5 ? 0 : CHECKSUM_BYTES
  const end = endOf(fixture, checksumBytes)
  const names = Object.keys(CHANGES)
  for (let i = 0; i < count; i++) {
    const name = dice.pick(names)
    const at = MAGIC_BYTES + dice.below(end - MAGIC_BYTES)
    const changed = CHANGES[name]!(Buffer.from(fixture.bytes.subarray(0, end)), at, dice)
    const tail = Buffer.from(fixture.bytes.subarray(end))
    if (checksum === 'zeroed') tail.fill(0, 0, checksumBytes)
    yield {
      what: `mutant ${i} of seed ${seed}: ${name} at byte ${at}`,
      bytes: new Uint8Array(Buffer.concat([changed, tail])),
    }
  }
}
