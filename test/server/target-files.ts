/**
 * Files that servers are started from to see whether check --target was right: of every fixture, with some bytes changed, cut
 * short, with pages lost, under the header of another, two in one; and records in any order, of all producers, with what
 * few files hold: odd databases, functions, data of modules, scores that are no numbers.
 */
import {listpack, ziplist} from '../fixtures/blobs.js'
import {be, f64, hex, intStr, le, len, lzfRun, moduleId, str} from '../fixtures/builder.js'
import {Dice, mutantsOf} from '../jobs/mutants.js'
import type {Fixture} from '../reading/fixtures.js'
import {PACKED_VALUES} from './large-values.js'

export interface TargetFile {
  what: string
  bytes: Uint8Array
}

type Make = (fixture: Fixture, dice: Dice, count: number, others: readonly Fixture[]) => Generator<TargetFile>

const MAGIC_BYTES = 9
const CHECKSUM_BYTES = 8
const CHECKSUM_VERSION_MIN = 5
const PAGES = [1, 8, 16, 64, 512, 4096]
const HEADERS = [
  ...Array.from({length: 17}, (_, version) => `REDIS${String(version).padStart(4, '0')}`),
  ...[
    'REDIS0079',
    'REDIS0080',
    'REDIS0081',
    'REDIS9999',
    'REDIS 011',
    'REDIS+011',
    'REDIS00-1',
    'REDIS0x10',
    'redis0010',
  ],
  ...[
    'VALKEY000',
    'VALKEY010',
    'VALKEY011',
    'VALKEY012',
    'VALKEY079',
    'VALKEY080',
    'VALKEY081',
    'VALKEY 80',
    'valkey080',
  ],
  ...['KEYDB0009', 'REDIS\0\0\0\0', '\0\0\0\0\0\0\0\0\0', 'REDIS0011'],
]

/** Where the records of a sound file end, at its end mark. */
function recordsEnd({bytes, golden}: Fixture): number {
  return bytes.length - 1 - (golden.meta.rdbVersion < CHECKSUM_VERSION_MIN ? 0 : CHECKSUM_BYTES)
}

const joined = (...parts: Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))
const UNCHECKED = hex(0xff, le(8, 0))

/** Some bytes changed, left out or put in; the checksum zeroed, or as it was. */
function* changed(fixture: Fixture, dice: Dice, count: number): Generator<TargetFile> {
  const seed = dice.below(2 ** 31)
  yield* mutantsOf(fixture, seed, count, 'zeroed')
  for (const mutant of mutantsOf(fixture, seed + 1, Math.ceil(count / 16), 'kept')) {
    yield {...mutant, what: `checksum kept, ${mutant.what}`}
  }
}

function* cut({bytes}: Fixture, dice: Dice, count: number): Generator<TargetFile> {
  const ends = new Set(Array.from({length: Math.ceil(count / 2)}, () => dice.below(bytes.length)))
  for (const end of ends) yield {what: `cut at byte ${end}`, bytes: bytes.slice(0, end)}
}

/** As a disk loses them; the checksum does not tell. */
function* paged(fixture: Fixture, dice: Dice, count: number): Generator<TargetFile> {
  for (let i = 0; i < count / 2; i++) {
    const end = recordsEnd(fixture)
    const size = dice.pick(PAGES)
    const at = MAGIC_BYTES + dice.below(Math.max(end - MAGIC_BYTES, 1))
    const bytes = joined(fixture.bytes.subarray(0, end), UNCHECKED)
    const byte = dice.pick([0, 0, 0, 0xff])
    bytes.fill(byte, at, Math.min(at + size, end))
    yield {what: `${size} bytes at ${at} set to ${byte}`, bytes}
  }
}

function* headed(fixture: Fixture, dice: Dice, count: number): Generator<TargetFile> {
  for (let i = 0; i < count / 4; i++) {
    const header = dice.pick(HEADERS)
    const records = fixture.bytes.subarray(MAGIC_BYTES, recordsEnd(fixture))
    yield {what: `header ${JSON.stringify(header)}`, bytes: joined(Buffer.from(header, 'latin1'), records, UNCHECKED)}
  }
}

/** The records of one behind those of another: keys and functions may be there twice. */
function* doubled(fixture: Fixture, dice: Dice, count: number, others: readonly Fixture[]): Generator<TargetFile> {
  for (let i = 0; i < count / 4; i++) {
    const other = dice.pick(others)
    const first = fixture.bytes.subarray(0, recordsEnd(fixture))
    const second = other.bytes.subarray(MAGIC_BYTES, recordsEnd(other))
    yield {what: `with the records of ${other.name}`, bytes: joined(first, second, UNCHECKED)}
  }
}

export const KINDS: Readonly<Record<string, Make>> = {changed, cut, paged, headed, doubled}

/** Every file there is of one that is cut short. */
export function* everyCut({name, bytes}: Fixture): Generator<TargetFile> {
  for (let end = 0; end < bytes.length; end++) yield {what: `${name}: cut at byte ${end}`, bytes: bytes.slice(0, end)}
}

type RecordMaker = (dice: Dice) => Buffer

const text = (...all: string[]): Buffer => Buffer.concat(all.map(one => str(one)))
const library = (head: string): Buffer =>
  hex(0xf5, str(`${head}\nredis.register_function('f' .. math.random(), print)`))
const AUX: [string, string[]][] = [
  ['redis-ver', ['7.0.15', '', 'x'.repeat(40)]],
  ['valkey-ver', ['9.1.2']],
  ['ctime', ['1700000000', '-1', 'soon']],
  ['used-mem', ['1000000', 'much', '-5']],
  ['redis-bits', ['64', '32', '16']],
  ['repl-id', ['a'.repeat(40), 'short', 'z'.repeat(80)]],
  ['repl-offset', ['100', 'far']],
  ['repl-stream-db', ['0', '-1', '99', 'none']],
  ['aof-base', ['1', '0', 'x']],
  ['aof-preamble', ['1', '0']],
  [
    'slot-info',
    ['1,2,0', '1,2,0,0', '99999,1,1', '-1,1,1', 'x,1,1', '1,2', '0x10,1,1', '019,1,1', ' 5,1,1', '1, 2, 0', ''],
  ],
  ['SLOT-INFO', ['1,2']],
  ['mvcc-tstamp', ['1782400000000000000', 'now']],
  ['keydb-subexpire-key', ['a']],
  ['keydb-subexpire-when', ['4102444800000']],
  ['%any', ['thing']],
  ['', ['']],
]
const HEADS = [
  '#!lua name=one',
  '#!LUA name=two',
  '#!lua NAME=three',
  '#!lua name=four name=five',
  '#!lua',
  '#!js name=six',
  '#!lua name=se-ven',
  '#!lua  name=eight',
  '#!lua name="nine"',
  '#!lua other=ten name=ten',
  'no head',
]
const DATABASES = [0, 0, 1, 2, 3, 15, 16, 17, 255, 2 ** 31, 2 ** 32 + 1]
const TIMES = [1n, -1n, -5n, 0n, 1_600_000_000_000n, 4_102_444_800_000n, 2n ** 63n - 1n, -(2n ** 63n)]
const MODULES = ['vectorset', 'MBbloom--', 'ReJSON-RL', 'ft_index0', 'x--------']

const ODD_RECORDS: RecordMaker[] = [
  dice => hex(0xfe, len(dice.pick(DATABASES))),
  dice =>
    hex(0xfe, dice.pick([hex(0xc0), hex(0xc5), hex(0x40, 3), hex(0x80, be(4, 2)), hex(0x81, be(8, 1)), hex(0x90)])),
  dice => hex(0xfb, len(dice.below(100)), len(dice.pick([0, 5, 2 ** 20, 2 ** 24, 2 ** 45]))),
  dice => {
    const [name, values] = dice.pick(AUX)
    return hex(0xfa, text(name, dice.pick(values)))
  },
  dice => hex(0xfa, dice.pick([intStr(1, 5), lzfRun(0x61, 30)]), str('x')),
  dice => library(dice.pick(HEADS)),
  dice =>
    hex(
      0xf7,
      moduleId(dice.pick(MODULES), dice.below(1024)),
      dice.pick([0, 2, 2, 5]),
      dice.below(4),
      dice.pick([0, 2, 5]),
    ),
  dice => hex(0xf4, len(dice.below(20_000)), len(3), len(1)),
  dice => hex(0xf3, str('j'.repeat(dice.pick([40, 40, 39]))), len(1), len(dice.below(20_000)), len(dice.below(20_000))),
  dice => hex(dice.pick([0xf2, 0xf6, 0xf0, 220, 107, 121, 200, 0x80]), len(dice.below(50))),
  dice => hex(0xff, le(8, dice.pick([0, 0, 1]))),
  dice =>
    hex(dice.pick([6, 7, 8, 22, 23, 24, 25, 26, 27, 28, 29, 33, 40, 64]), str('odd'), len(dice.below(5)), str('v')),
  dice =>
    hex(
      7,
      str('module'),
      moduleId(dice.pick(MODULES), dice.below(1024)),
      dice.pick([hex(0), hex(2, 5, 0), hex(5, str('x'), 0)]),
    ),
]

const ATTRIBUTES: RecordMaker[] = [
  dice => hex(0xfc, le(8, dice.pick(TIMES))),
  dice => hex(0xfd, le(4, dice.pick([0, 1, -1, 1_600_000_000, 2_100_000_000]))),
  dice => hex(0xf8, len(dice.pick([0, 1000, 2 ** 40]))),
  dice => hex(0xf9, dice.below(256)),
]

const SCORES = ['1', '-0', '1e400', 'nan', '-nan', '+nan', ' nan', 'nan(1)', 'inf', '-inf', '0x1p3', '', 'x', '1.5.5']
const BITS = [f64(1), f64(Number.NaN), f64(Number.POSITIVE_INFINITY), hex('000000000000f8ff'), hex('010000000000f07f')]

const VALUES: ((dice: Dice) => Buffer[])[] = [
  dice => [hex(0), dice.pick([str('x'), intStr(4, 5), lzfRun(0x62, 200), str('')])],
  dice => [hex(dice.pick([1, 2])), hex(len(2), text(dice.pick(['a', 'b']), 'b'))],
  dice => [hex(4), hex(len(2), text(dice.pick(['a', 'b']), '1', 'b', dice.pick(['2', 'y'.repeat(70)])))],
  dice => [hex(5), hex(len(2), str('m'), dice.pick(BITS), str(dice.pick(['m', 'n'])), dice.pick(BITS))],
  dice => {
    const score = dice.pick(SCORES)
    return [
      hex(3),
      hex(len(2), str('m'), score.length, Buffer.from(score), str('n'), dice.pick([1, 253, 254, 255]), 0x31),
    ]
  },
  dice => [hex(17), str(listpack(['m', dice.pick(SCORES), 'n', dice.pick(SCORES)]))],
  dice => [hex(12), str(ziplist(['m', dice.pick(SCORES), dice.pick(['m', 'n']), dice.pick(SCORES)]))],
  dice => [hex(dice.pick([1, 2, 4, 5, 14, 18])), len(0)],
  dice => [hex(dice.pick([16, 17, 20])), str(listpack([]))],
  dice => {
    const [, , type, value] = dice.pick(PACKED_VALUES)
    return [hex(type), value]
  },
]

/** Of names there are few enough that now and then one is there twice. */
const NAMES = 60

function keyOf(dice: Dice): Buffer {
  const attributes = dice.below(3) === 0 ? dice.pick(ATTRIBUTES)(dice) : hex()
  const [type, value] = dice.pick(VALUES)(dice)
  return hex(attributes, type!, str(`key ${dice.below(NAMES)}`), value!)
}

/** Records in any order; one in eight of them is odd. */
export function* recordFiles(seed: number, count: number): Generator<TargetFile> {
  const dice = new Dice(seed)
  for (let i = 0; i < count; i++) {
    const header = dice.pick(['REDIS0006', 'REDIS0009', 'REDIS0010', 'REDIS0011', 'REDIS0012', 'VALKEY080'])
    const records = Array.from({length: 1 + dice.below(6)}, () => {
      if (dice.below(8) > 0) return keyOf(dice)
      return hex(dice.pick(ODD_RECORDS)(dice))
    })
    const bytes = joined(Buffer.from(header), hex(0xfe, 0), ...records, UNCHECKED)
    yield {what: `records ${i} of seed ${seed}: ${Buffer.from(bytes).toString('hex').slice(0, 1500)}`, bytes}
  }
}

/** In another order: where there is no time for all, it is for some of each. */
export function shuffled<T>(all: readonly T[], seed: number): T[] {
  const dice = new Dice(seed)
  const left = [...all]
  for (let i = left.length - 1; i > 0; i--) {
    const at = dice.below(i + 1)
    const one = left[i]!
    left[i] = left[at]!
    left[at] = one
  }
  return left
}
