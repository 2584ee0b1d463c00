/**
 * Packed values that are too large to stay packed: a server that has looked only at their ends unpacks them, and stops at
 * whatever it meets there. And some whose elements are there twice, or are no numbers.
 */
import {listpack, ziplist, zipmap} from '../fixtures/blobs.js'
import {hex, le, len, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import {Dice} from '../jobs/mutants.js'

export interface LargeFile {
  what: string
  bytes: Buffer
  /** Where the value begins, and ends. */
  start: number
  end: number
}

const names = (count: number, each: (i: number) => (string | number)[]): (string | number)[] =>
  Array.from({length: count}, (_, i) => each(i)).flat()
const intset = (count: number, member: (i: number) => number): Buffer =>
  hex(le(4, 4), le(4, count), ...Array.from({length: count}, (_, i) => le(4, member(i))))
const strings = (all: (string | number)[]): Buffer => Buffer.concat(all.map(one => str(String(one))))

type Made = [what: string, version: number, type: number, value: Buffer]

const hash = names(600, i => [`field:${i}`, i])
const zset = names(200, i => [`member:${i}`, i % 3 === 0 ? `${i}.5` : i])
const set = names(200, i => [i % 2 === 0 ? `m${i}` : i * 1000])
const times = names(600, i => [`f${i}`, i, 4_102_444_800_000 + i])
const twice = (all: (string | number)[], each: number): (string | number)[] => [...all, ...all.slice(0, each)]

export const PACKED_VALUES: readonly Made[] = [
  ['hash listpack', 10, 16, str(listpack(hash))],
  ['hash listpack, a field twice', 10, 16, str(listpack(twice(hash, 2)))],
  ['hash listpack, odd', 10, 16, str(listpack([...hash, 'x']))],
  ['zset listpack', 10, 17, str(listpack(zset))],
  ['zset listpack, not a number', 10, 17, str(listpack([...zset, 'n', ' -NaN(1)']))],
  ['zset listpack, a member twice', 10, 17, str(listpack(twice(zset, 2)))],
  ['set listpack', 11, 20, str(listpack(set))],
  ['set listpack, uncounted', 11, 20, str(listpack(set, {count: 65_535}))],
  ['list of listpacks, uncounted', 10, 18, hex(len(1), 2, str(listpack(set, {count: 65_535})))],
  ['set listpack, a member twice', 11, 20, str(listpack(twice(set, 1)))],
  ['hash ziplist', 9, 13, str(ziplist(hash))],
  ['hash ziplist, a field twice', 9, 13, str(ziplist(twice(hash, 2)))],
  ['zset ziplist', 9, 12, str(ziplist(zset))],
  ['zset ziplist, not a number', 9, 12, str(ziplist([...zset, 'n', 'nan']))],
  [
    'zipmap',
    2,
    9,
    str(
      zipmap([
        ['a', '1'],
        ['b', 'y'.repeat(70)],
        ['a', '2'],
      ]),
    ),
  ],
  ['list of ziplists, uncounted', 9, 14, hex(len(1), str(ziplist(set, {count: 65_535})))],
  ['list ziplist', 9, 10, str(ziplist(set))],
  ['intset', 9, 11, str(intset(600, i => i * 7))],
  ['intset, a member twice', 9, 11, str(intset(600, i => (i === 599 ? 7 : i * 7)))],
  ['small intset, a member twice', 9, 11, str(intset(6, i => i >> 1))],
  ['hash with times', 12, 25, hex(le(8, 4_102_444_800_000), str(listpack(times)))],
  ['small hash with times', 12, 25, hex(le(8, 4_102_444_800_000), str(listpack(times.slice(0, 30))))],
  [
    'hash, a field twice, then a long one',
    9,
    4,
    hex(len(4), strings(['a', 1, 'b', 2, 'a', 3, 'long', 'x'.repeat(80)])),
  ],
  ['hash, a field twice behind a long one', 9, 4, hex(len(3), strings(['a', 1, 'long', 'x'.repeat(80), 'a', 3]))],
  ['hash, a field twice', 9, 4, hex(len(2), strings(['a', 1, 'a', 3]))],
  ['set, a member twice', 9, 2, hex(len(3), strings(['a', 'b', 'a']))],
  ['set of integers, one twice', 9, 2, hex(len(3), strings([1, 2, 1]))],
  ['zset, a member twice', 8, 5, hex(len(2), str('a'), le(8, 0), str('a'), le(8, 0))],
  ['zset, not a number', 8, 5, hex(len(1), str('a'), le(6, 0), 0xf8, 0x7f)],
  ['old zset', 6, 3, hex(len(4), str('a'), 3, '312e35', str('b'), 253, str('c'), 2, '3165', str('d'), 0)],
  ['old zset with words', 6, 3, hex(len(3), str('a'), 4, '20696e66', str('b'), 4, '30783170', str('c'), 2, '2e35')],
]

function fileOf([what, version, type, value]: Made): LargeFile {
  const file = new RdbFile('REDIS', version).db(0)
  file.key(0, 'before', {bytes: str('1'), type: 'string', value: '1'})
  file.key(type, what, {bytes: value, type: 'any', value: null})
  file.key(0, 'behind', {bytes: str('2'), type: 'string', value: '2'})
  const bytes = Buffer.from(file.end())
  if (version >= 5) bytes.fill(0, bytes.length - 8)
  const start = bytes.indexOf(value)
  const end = start + value.length
  return {what, bytes, start, end}
}

/** Each as it is, and so many with a byte of the value changed. */
export function* largeFiles(seed: number, mutants: number): Generator<{what: string; bytes: Uint8Array}> {
  const dice = new Dice(seed)
  for (const made of PACKED_VALUES) {
    const {what, bytes, start, end} = fileOf(made)
    yield {what, bytes: new Uint8Array(bytes)}
    for (let i = 0; i < mutants; i++) {
      const at = start + 3 + dice.below(end - start - 3)
      const changed = new Uint8Array(bytes)
      changed[at] = dice.below(3) === 0 ? dice.pick([0, 0xff, 0xfe, 0x80, 0xf4]) : dice.below(256)
      yield {what: `${what}: byte ${at} set to ${changed[at]}`, bytes: changed}
    }
  }
}
