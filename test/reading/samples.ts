/** The smallest file of every type, opcode and encoding: small enough to break every byte of it in turn. */
import {listpack, ziplist} from '../fixtures/blobs.js'
import {f64, hex, intStr, le, len, lzfRun, moduleId, str} from '../fixtures/builder.js'
import * as value from '../fixtures/values.js'
import {fixture} from './fixtures.js'

export interface Sample {
  name: string
  bytes: Uint8Array
  /** Where its value begins, and where the end mark stands. */
  valueOffset: number
  endOffset: number
}

type Magic = 'REDIS' | 'VALKEY'

const magicBytes = (magic: Magic, version: number): Buffer =>
  Buffer.from(magic + String(version).padStart(9 - magic.length, '0'))

/** A file of the records, without a checksum: a changed byte is to be found by the grammar. */
export function fileOf(version: number, records: Uint8Array[], magic: Magic = 'REDIS'): Uint8Array {
  const trailer = version < 5 ? [] : [Buffer.alloc(8)]
  return new Uint8Array(hex(magicBytes(magic, version), ...records, 0xff, ...trailer))
}

function sample(name: string, version: number, typeId: number, bytes: Uint8Array, magic: Magic = 'REDIS'): Sample {
  const file = fileOf(version, [hex(typeId, str('key'), bytes)], magic)
  const valueOffset = 9 + 1 + 4
  return {name, bytes: file, valueOffset, endOffset: valueOffset + bytes.length}
}

/** Records that are no keys: everything between the magic and the end mark counts as their value. */
function records(name: string, version: number, bytes: Uint8Array, magic: Magic = 'REDIS'): Sample {
  const file = fileOf(version, [bytes], magic)
  return {name, bytes: file, valueOffset: 9, endOffset: 9 + bytes.length}
}

function built(name: string): Sample {
  const {bytes} = fixture(`rdb-built/${name}.rdb`)
  return {name, bytes, valueOffset: 9, endOffset: bytes.length - 9}
}

const GROUP = {
  name: 'g',
  lastId: '6-0',
  entriesRead: 2,
  pending: [
    ['5-1', 1_700_000_000_000, 1, 'c'],
    ['6-0', 1_700_000_000_001, 3, ''],
  ] as [string, number, number, string][],
  consumers: [{name: 'c', seenAtMs: 1_700_000_000_000, activeAtMs: 1_700_000_000_000, pending: ['5-1']}],
  nacked: ['6-0'],
}

const NODE = value.streamNode(
  ['a', 'b'],
  [
    {diff: [0, 0], values: ['1', '2']},
    {diff: [1, -1], values: ['x', 'y'], deleted: true},
  ],
)

function stream(version: number): Uint8Array {
  const parts = {
    nodes: [{id: '5-1', listpack: NODE}],
    entries: [['5-1', ['a', '1', 'b', '2']]] as [string, string[]][],
    lastId: '6-0',
    firstId: '5-1',
    groups: [GROUP],
    idmp: hex(len(60), len(9), len(1), str('p'), len(1), str('i'), len(5), len(1), len(2), len(1)),
  }
  return value.stream(version, parts).bytes
}

const ROWS: [string, string][] = [
  ['f', 'v'],
  ['12', 'x'],
]
const {blob} = value

export const SAMPLES: readonly Sample[] = [
  sample('string raw', 9, 0, str('hello')),
  sample('string integers', 9, 1, hex(len(3), intStr(1, -5), intStr(2, 300), intStr(4, -70_000))),
  sample('string lzf', 9, 0, lzfRun(97, 40)),
  sample('string lzf, streamed', 9, 0, lzfRun(97, 70_000)),
  sample('list', 1, 1, value.strings(['a', '', 'bc'])),
  sample('set', 9, 2, value.strings(['a', 'b'])),
  sample(
    'zset ascii',
    6,
    3,
    value.asciiScores([
      ['a', '1.5'],
      ['b', 'inf'],
    ]),
  ),
  sample('zset binary', 8, 5, value.binaryScores([['a', 1.5]])),
  sample('hash', 9, 4, value.fields(ROWS)),
  sample(
    'zipmap',
    2,
    9,
    blob.zipmap([
      ['f', 'v', 1],
      ['g', 'w'],
    ]),
  ),
  sample('list ziplist', 2, 10, blob.ziplist(['a', 1, 300, -70_000])),
  sample('intset', 2, 11, blob.intset(2, [1, 2, 300])),
  sample('zset ziplist', 2, 12, blob.ziplist(['a', '1.5', 'b', 2])),
  sample('hash ziplist', 4, 13, blob.ziplist(value.flat(ROWS))),
  sample('quicklist', 7, 14, hex(len(2), str(ziplist(['a'])), str(ziplist(['b', 7])))),
  ...[1, 2, 3, 4, 5].map(version =>
    sample(`stream ${version}`, 14, [15, 19, 21, 26, 27][version - 1]!, stream(version)),
  ),
  sample('hash listpack', 10, 16, blob.listpack(value.flat(ROWS))),
  sample('zset listpack', 10, 17, blob.listpack(['a', '1.5', 'b', 2])),
  sample('quicklist 2', 10, 18, hex(len(2), len(1), str('plain'), len(2), str(listpack(['a', 500])))),
  sample('set listpack', 11, 20, blob.listpack(['a', 'b', 3])),
  sample('set listpack of unknown count', 11, 20, blob.listpack(['a', 'b', 3], {count: 65_535})),
  sample('set listpack, compressed', 11, 20, hex(0xc3, len(16), len(15), 0x0e, listpack(['a', 'b', 3]))),
  sample('hash 2 of valkey', 80, 22, hex(len(1), str('f'), str('v'), le(8, -1)), 'VALKEY'),
  sample('hash metadata rc', 12, 22, hex(len(1), len(5), str('f'), str('v'))),
  sample('hash listpack rc', 12, 23, blob.listpack(['f', 'v', 0])),
  sample('hash metadata', 12, 24, hex(le(8, 1000), len(2), len(1), str('f'), str('v'), len(0), str('g'), str('w'))),
  sample('hash listpack ex', 12, 25, hex(le(8, 1000), blob.listpack(['f', 'v', 1000, 'g', 'w', 0]))),
  sample(
    'array',
    14,
    28,
    hex(len(3), len(1), len(2), len(0), len(0), str('x'), len(1), len(1), le(8, 5), len(9), len(2), f64(2)),
  ),
  sample('template, packed', 15, 29, hex(len(1), len(2), str('f'), str('g'), blob.listpack([0, 'v', 'w']))),
  sample('template, array', 15, 31, hex(len(0), blob.listpack(['f', 'g']), str('v'), str('w'))),
  records(
    'template references',
    15,
    hex(
      0xf2,
      len(0),
      len(2),
      str('f'),
      str('g'),
      30,
      str('p'),
      blob.listpack([0, 'v', 'w']),
      32,
      str('a'),
      len(0),
      str('v'),
      str('w'),
    ),
  ),
  built('bitmap-roaring-v16'),
  sample('cron', 9, 64, hex(str('script'), le(8, 1), le(8, 2), len(1), str('k'), len(1), str('a'))),
  sample('module', 9, 7, hex(moduleId('MBbloom--', 4), 1, len(-5), 2, len(7), 3, le(4, 1), 4, f64(1), 5, str('t'), 0)),
  records(
    'attributes',
    13,
    hex(
      0xfe,
      len(3),
      0xfb,
      len(1),
      len(1),
      0xfc,
      le(8, 99),
      0xf8,
      len(70),
      0xf9,
      255,
      0,
      str('a'),
      str('b'),
      0xfd,
      le(4, 5),
      0,
      str('c'),
      str('d'),
    ),
  ),
  records(
    'aux and functions',
    10,
    hex(
      0xfa,
      str('name'),
      str('value'),
      0xf5,
      str('#!lua name=x'),
      0xf6,
      str('n'),
      str('LUA'),
      len(1),
      str('d'),
      str('c'),
    ),
  ),
  records('module aux', 9, hex(0xf7, moduleId('ft_index0', 1), 2, len(1), 5, str('data'), 0)),
  records(
    'key metadata',
    13,
    hex(0xf3, len(2), le(4, 1), 2, len(5), 0, le(4, 2), 5, str('t'), 0, 0, str('k'), str('v')),
  ),
  records(
    'slot import',
    80,
    hex(0xf3, str('0123456789abcdef0123456789abcdef01234567'), len(1), len(0), len(9)),
    'VALKEY',
  ),
  records(
    'slot info, enterprise, dragonfly',
    12,
    hex(0xf4, len(5), len(1), len(0), 107, len(9), 121, len(9), 0xdc, le(4, 1), 0, str('k'), str('v')),
  ),
]
