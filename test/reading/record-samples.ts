/** Keys and values of every form and size that a kernel may meet as it takes records. */
import {intset, listpack} from '../fixtures/blobs.js'
import {f64, hex, le, len, lzfRun, lzfStr, str} from '../fixtures/builder.js'

/** Compressed, but not smaller. */
function literally(bytes: Uint8Array): Uint8Array {
  const runs = Array.from({length: Math.ceil(bytes.length / 32)}, (_, i) => bytes.subarray(32 * i, 32 * i + 32))
  return lzfStr(hex(...runs.map(run => hex(run.length - 1, run))), bytes.length)
}

const texts = ['', 'k', 'k'.repeat(63), 'k'.repeat(9000), '\x00"\\\n\x7f', 'é\u202e\u{1f600}', 'k\xff'.repeat(30)]
export const keys = texts.map((text, i) => Buffer.from(text, i === texts.length - 1 ? 'latin1' : 'utf8'))
const sizes = [0, 1, 15, 16, 17, 63, 64, 511, 16_383, 16_384, 31_900, 32_000, 70_000, 200_000]
const strings = [
  ...sizes.map(size => str('v'.repeat(size))),
  ...sizes.map(size => str('\x01'.repeat(size))),
  ...[20, 264, 1000, 31_000, 60_000, 250_000].map(size => lzfRun(0x61, size)),
  ...[0, 127, -128, -1].map(value => hex(0xc0, value & 0xff)),
  ...[-32_768, 32_767].map(value => hex(0xc1, le(2, value & 0xffff))),
  ...[-(2 ** 31), 2 ** 31 - 1, 100_000, 99_999_999, 100_000_000].map(value => hex(0xc2, le(4, value >>> 0))),
  hex(0x80, 0, 0, 0, 3, Buffer.from('wid')),
]
const scores = [0, -0, 1, -1.5, 0.1, 1e21, 2 ** 53, 2 ** 53 + 2, 123_456.789, 1 / 3, 5e-324, Infinity, -Infinity]
const doubles = scores.map(f64)
const members = [...strings.slice(0, 6), ...strings.slice(-8), str('é"')]
/** By the byte of their type. */
export const values: [type: number, value: Uint8Array][] = [
  ...strings.map((one): [number, Uint8Array] => [0, one]),
  [2, hex(len(members.length), ...members)],
  [4, hex(len(members.length), ...members.flatMap(one => [one, one]))],
  ...doubles.map((score): [number, Uint8Array] => [5, hex(len(1), str('member'), score)]),
  [5, hex(len(2), str('a'), doubles[2]!, str('b'), doubles[4]!)],
  [11, str(intset(8, [-(2n ** 63n), 0n, 5n, 2n ** 63n - 1n]))],
  [11, str(intset(4, [-5, 99_999_999, 100_000_000]))],
  [11, literally(intset(2, [-5, 4, 300]))],
  [16, str(listpack(['field', 'value', 'é"', '12345', '-1', 'é\xff']))],
  [16, literally(listpack(['a field that is packed', '\n']))],
  [17, str(listpack(['a', '1', 'b', '1.5', 'c', '0.10000000000000001', 'd', '123456.78900000001', 'e', '1e300']))],
  [17, str(listpack(['a', '-inf', 'b', '-0']))],
  [18, hex(len(2), 2, str(listpack(['a', '1'])), 2, str(listpack(['\x1b', '\u2028'])))],
  [18, hex(len(2), 2, str(listpack(['a'])), 1, str('plain'))],
  [20, str(listpack(['a', '-70000', 'z'.repeat(5000)]))],
  [20, str(listpack(['z'.repeat(40_000)]))],
]

/** A record of each value under each key; some expire at one of `expiries`. Large values come once. */
export function recordsOf(expiries: readonly (number | undefined)[]): Uint8Array[] {
  return keys.flatMap((key, i) =>
    values
      .filter(([, value]) => i === 0 || value.length < 10_000)
      .map(([type, value], j) => {
        const expiry = expiries[(i * values.length + j) % expiries.length]
        const name = str(Buffer.concat([key, Buffer.from(`${i}.${j}`)]))
        return expiry === undefined ? hex(type, name, value) : hex(0xfc, le(8, expiry), type, name, value)
      }),
  )
}
