/** For every code of check a file that shows it, and its sound twin: built byte by byte. */
import {intset, listpack, ziplist, zipmap} from '../fixtures/blobs.js'
import {asciiScore, f64, hex, le, len, lzfStr, moduleId, rawId, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import * as value from '../fixtures/values.js'

export interface CheckSample {
  name: string
  /** Codes that are found, errors in capitals as they are, warnings with a `?` behind. */
  codes: string[]
  wrong: Buffer
  sound: Buffer
}

type Fill = (file: RdbFile) => unknown

const YEAR_2100_MS = 4_102_444_800_000

function build(version: number, fill: Fill, end: 'right' | 'zero' | 'wrong' = 'right'): Buffer {
  const file = new RdbFile(version >= 80 ? 'VALKEY' : 'REDIS', version)
  fill(file)
  return file.end(end)
}

/** A file with one key before and one behind what is looked at. */
function around(version: number, fill: Fill): Buffer {
  return build(version, file => {
    file.db(0).key(0, 'before', value.string('x'))
    fill(file)
    file.key(0, 'behind', value.string('y'))
  })
}

const raw = (bytes: Buffer, type = 'any') => ({bytes, type, value: null})

/** Two files that differ in one value. */
function ofValue(
  name: string,
  version: number,
  typeId: number,
  codes: string,
  wrong: Buffer,
  sound: Buffer,
): CheckSample {
  const file = (bytes: Buffer): Buffer => around(version, one => one.key(typeId, 'key', raw(bytes)))
  return {name, codes: codes.split(' '), wrong: file(wrong), sound: file(sound)}
}

/** Two files that differ in a record that is no key. */
function ofRecord(name: string, version: number, codes: string, wrong: Fill, sound: Fill): CheckSample {
  return {name, codes: codes.split(' '), wrong: around(version, wrong), sound: around(version, sound)}
}

const withoutEnd = (blob: Buffer): Buffer => Buffer.from([...blob.subarray(0, -1), 0])
/** A back reference to before the first byte. */
const badLzf = (length: number): Buffer => lzfStr(hex(0x00, 0x61, 0x3f, 0xff, 0x00, 0x62), length)
const packed = (...elements: (string | number)[]): Buffer => str(listpack(elements))
const zipped = (...elements: (string | number)[]): Buffer => str(ziplist(elements))

const ZSET_ASCII = (score: string): Buffer => hex(len(1), str('m'), asciiScore(score))
const HASH_2 = (...expiries: number[]): Buffer =>
  hex(len(expiries.length), ...expiries.flatMap((at, i) => [str(`f${i}`), str('v'), le(8, at)]))
const METADATA = (minimum: number, ...ttls: number[]): Buffer =>
  hex(le(8, minimum), len(ttls.length), ...ttls.flatMap((ttl, i) => [len(ttl), str(`f${i}`), str('v')]))
const ARRAY = (...indexes: number[]): Buffer =>
  hex(len(indexes.length), len(0), ...indexes.flatMap(index => [len(index), len(0), str('v')]))

const node = (id: string, ...diffs: [number, number][]) => ({
  id,
  listpack: value.streamNode(
    ['f'],
    diffs.map(diff => ({diff, values: ['v']})),
  ),
})
const entry = (id: string): [string, string[]] => [id, ['f', 'v']]

const STREAM: Parameters<typeof value.stream>[1] = {
  nodes: [node('1-0', [0, 0], [0, 1]), node('2-0', [0, 0])],
  entries: [entry('1-0'), entry('1-1'), entry('2-0')],
  lastId: '2-0',
  firstId: '1-0',
  groups: [
    {
      name: 'g',
      lastId: '2-0',
      entriesRead: 3,
      pending: [
        ['1-0', 1_700_000_000_000, 1, 'a'],
        ['2-0', 1_700_000_000_000, 1, 'b'],
      ],
      consumers: [
        {name: 'a', seenAtMs: 1_700_000_000_000, activeAtMs: 1_700_000_000_000, pending: ['1-0']},
        {name: 'b', seenAtMs: 1_700_000_000_000, activeAtMs: 1_700_000_000_000, pending: ['2-0']},
      ],
    },
  ],
}
const GROUP = STREAM.groups![0]!
const [CONSUMER_A, CONSUMER_B] = GROUP.consumers as [(typeof GROUP.consumers)[0], (typeof GROUP.consumers)[0]]
const SOUND_STREAM = value.stream(3, STREAM).bytes

/** A stream that differs from the sound one. */
const ofStream = (name: string, codes: string, parts: Partial<typeof STREAM>): CheckSample =>
  ofValue(name, 11, 21, codes, value.stream(3, {...STREAM, ...parts}).bytes, SOUND_STREAM)

/** A group that differs from the sound one. */
const ofGroup = (name: string, codes: string, parts: Partial<typeof GROUP>): CheckSample =>
  ofStream(name, codes, {groups: [{...GROUP, ...parts}]})

const STREAM_5 = {...STREAM, groups: [{...GROUP, consumers: [CONSUMER_A], nacked: ['2-0']}]}
const producer = (...names: string[]): Buffer =>
  hex(len(100), len(100), len(names.length), ...names.flatMap(name => [str(name), len(0)]), len(0), len(0))

const PACKED: CheckSample[] = [
  ofValue('hash listpack without end', 10, 16, 'BAD_LISTPACK', str(withoutEnd(listpack(['f', 'v']))), packed('f', 'v')),
  ofValue('hash listpack, compressed badly', 10, 16, 'BAD_LZF', badLzf(12), packed('f', 'v')),
  ofValue('zset ziplist without end', 9, 12, 'BAD_ZIPLIST', str(withoutEnd(ziplist(['m', 1]))), zipped('m', 1)),
  ofValue('zipmap without end', 9, 9, 'BAD_ZIPMAP', str(withoutEnd(zipmap([['f', 'v']]))), str(zipmap([['f', 'v']]))),
  ofValue(
    'intset of a strange width',
    9,
    11,
    'BAD_INTSET',
    str(hex(3, intset(2, [1, 2]).subarray(1))),
    str(intset(2, [1, 2])),
  ),
  ofValue(
    'list of two nodes, one broken',
    10,
    18,
    'BAD_LISTPACK',
    hex(len(3), len(2), packed('a'), len(2), str(withoutEnd(listpack(['b']))), len(2), packed('c')),
    hex(len(3), len(2), packed('a'), len(2), packed('b'), len(2), packed('c')),
  ),
  ofValue(
    'list with an empty node',
    10,
    18,
    'EMPTY_NODE?',
    hex(len(2), len(2), packed('a'), len(2), packed()),
    hex(len(1), len(2), packed('a')),
  ),
  ofValue(
    'field twice in a listpack',
    10,
    16,
    'DUPLICATE_ELEMENT',
    packed('f', 1, 'g', 2, 'f', 3),
    packed('f', 1, 'g', 2, 'h', 3),
  ),
  ofValue(
    'member twice in a listpack',
    11,
    20,
    'DUPLICATE_ELEMENT',
    packed('a', 7, 'b', '7'),
    packed('a', 7, 'b', '07'),
  ),
  ofValue(
    'member twice in an intset',
    9,
    11,
    'DUPLICATE_ELEMENT',
    str(intset(2, [1, 2, 2])),
    str(intset(2, [1, 2, 3])),
  ),
  ofValue('intset that descends', 9, 11, 'UNSORTED', str(intset(2, [1, 3, 2])), str(intset(2, [1, 2, 3]))),
  ofValue('zset listpack that descends', 10, 17, 'UNSORTED', packed('a', 2, 'b', 1), packed('b', 1, 'a', 2)),
  ofValue('zset listpack with a score of letters', 10, 17, 'BAD_SCORE', packed('a', 'b'), packed('a', 1)),
  ofValue(
    'hash listpack without the last value',
    10,
    16,
    'ODD_ENTRIES',
    packed('a', 'b', 'c'),
    packed('a', 'b', 'c', 'd'),
  ),
  ofValue(
    'field that expires at no time',
    12,
    25,
    'BAD_EXPIRY',
    hex(le(8, 5), packed('f', 'v', -5)),
    hex(le(8, 5), packed('f', 'v', 5)),
  ),
  ofValue(
    'fields that do not ascend by expiry',
    12,
    25,
    'UNSORTED',
    hex(le(8, 5), packed('f', 'v', 6, 'g', 'v', 5)),
    hex(le(8, 5), packed('f', 'v', 5, 'g', 'v', 6)),
  ),
]

const PLAIN: CheckSample[] = [
  ofValue('string, compressed badly', 9, 0, 'BAD_LZF', badLzf(8), str('text')),
  ofValue(
    'set with a member twice',
    9,
    2,
    'DUPLICATE_ELEMENT',
    value.strings(['a', 'b', 'a']),
    value.strings(['a', 'b', 'c']),
  ),
  ofValue(
    'hash with a field twice',
    9,
    4,
    'DUPLICATE_ELEMENT',
    value.fields([
      ['a', '1'],
      ['a', '2'],
    ]),
    value.fields([
      ['a', '1'],
      ['b', '1'],
    ]),
  ),
  ofValue(
    'zset with a member twice',
    9,
    5,
    'DUPLICATE_ELEMENT',
    hex(len(2), str('a'), f64(1), str('a'), f64(2)),
    hex(len(2), str('a'), f64(1), str('b'), f64(1)),
  ),
  ofValue('score that is no number', 9, 3, 'BAD_SCORE', ZSET_ASCII('nan'), ZSET_ASCII('inf')),
  ofValue(
    'binary score that is no number',
    9,
    5,
    'BAD_SCORE',
    hex(len(1), str('a'), f64(Number.NaN)),
    hex(len(1), str('a'), f64(1)),
  ),
  ofValue('score of letters', 9, 3, 'BAD_SCORE', ZSET_ASCII('one'), ZSET_ASCII('1')),
  ofValue('empty list', 9, 1, 'EMPTY_COLLECTION?', len(0), value.strings(['a'])),
  ofValue('empty hash listpack', 10, 16, 'EMPTY_COLLECTION?', packed(), packed('f', 'v')),
  ofValue('valkey field that expires before 1970', 80, 22, 'BAD_EXPIRY', HASH_2(-2), HASH_2(-1)),
  ofValue(
    'redis field that expires beyond what a server takes',
    12,
    24,
    'BAD_EXPIRY',
    METADATA(2 ** 48, 1),
    METADATA(YEAR_2100_MS, 1),
  ),
  ofValue('array that does not ascend', 14, 28, 'UNSORTED', ARRAY(5, 5), ARRAY(5, 6)),
  ofValue('array with a strange flag', 14, 28, 'BAD_ARRAY', hex(len(1), len(2), len(5), len(0), str('v')), ARRAY(5)),
  ofValue('count beyond the end of the file', 9, 2, 'BAD_COUNT', hex(len(1_000_000), str('a')), hex(len(1), str('a'))),
  ofValue('length that is none', 9, 2, 'BAD_LENGTH', hex(len(1), 0x82), hex(len(1), str('a'))),
  ofValue('string of an encoding that is none', 9, 0, 'UNKNOWN_ENCODING', hex(0xc4, 0x01), hex(0xc0, 0x01)),
  ofValue(
    'bitmap that is none',
    16,
    33,
    'BAD_BITMAP',
    hex(len(3), str('no bitmap')),
    hex(len(0), str(Buffer.alloc(8))),
  ),
  ofValue('type newer than the file', 9, 20, 'TOO_NEW?', packed('a'), packed('a')),
]
const LAST = PLAIN.at(-1)!
LAST.sound = around(11, one => one.key(20, 'key', raw(packed('a'))))

const STREAMS: CheckSample[] = [
  ofStream('nodes that do not ascend', 'STREAM_ORDER STREAM_ORDER', {
    nodes: [STREAM.nodes[1]!, STREAM.nodes[0]!],
    firstId: '2-0',
  }),
  ofStream('entries that do not ascend', 'STREAM_ORDER', {nodes: [node('1-0', [0, 0], [0, 0]), STREAM.nodes[1]!]}),
  ofStream('a length that is not its entries', 'STREAM_LENGTH', {entries: STREAM.entries.slice(1), entriesAdded: 3}),
  ofStream('a last ID before the last entry', 'STREAM_LAST_ID', {lastId: '1-5'}),
  ofStream('a first ID that is not the first entry', 'STREAM_FIRST_ID?', {firstId: '1-1'}),
  ofStream('a deleted ID beyond the last', 'STREAM_DELETED_ID?', {maxDeletedId: '2-1'}),
  ofStream('fewer entries added than there are', 'STREAM_ADDED?', {entriesAdded: 2}),
  ofStream('a node without a live entry', 'EMPTY_NODE?', {
    nodes: [
      ...STREAM.nodes,
      {id: '2-1', listpack: value.streamNode(['f'], [{diff: [0, 0], values: ['v'], deleted: true}])},
    ],
    lastId: '2-1',
  }),
  ofStream('a node that claims other entries', 'BAD_STREAM', {
    nodes: [{id: '1-0', listpack: listpack([5, 0, 1, 'f', 0, 2, 0, 0, 'v', 4])}],
  }),
  ofStream('two groups of one name', 'DUPLICATE_GROUP', {groups: [GROUP, GROUP]}),
  ofGroup('a group that has read less than nothing', 'STREAM_READ?', {entriesRead: -2}),
  ofGroup('two consumers of one name', 'DUPLICATE_CONSUMER', {consumers: [CONSUMER_A, {...CONSUMER_B, name: 'a'}]}),
  ofGroup('an ID pending twice', 'DUPLICATE_PENDING PENDING_UNOWNED', {pending: [...GROUP.pending, GROUP.pending[1]!]}),
  ofGroup('pending IDs that do not ascend', 'PENDING_ORDER?', {pending: GROUP.pending.toReversed()}),
  ofGroup('an ID that the group has not', 'PENDING_UNKNOWN', {
    consumers: [{...CONSUMER_A, pending: ['1-0', '1-1']}, CONSUMER_B],
  }),
  ofGroup('an ID that two consumers have', 'PENDING_TWICE', {
    consumers: [{...CONSUMER_A, pending: ['1-0', '2-0']}, CONSUMER_B],
  }),
  ofGroup('an ID that one consumer has twice', 'PENDING_TWICE', {
    consumers: [{...CONSUMER_A, pending: ['1-0', '1-0']}, CONSUMER_B],
  }),
  ofGroup('an ID that nobody has', 'PENDING_UNOWNED', {consumers: [CONSUMER_A]}),
  ofValue(
    'an ID that is refused and owned',
    14,
    27,
    'PENDING_TWICE',
    value.stream(5, {...STREAM, groups: [{...GROUP, nacked: ['2-0']}]}).bytes,
    value.stream(5, STREAM_5).bytes,
  ),
  ofValue(
    'two producers of one name',
    13,
    26,
    'DUPLICATE_PRODUCER',
    value.stream(4, {...STREAM, idmp: producer('p', 'p')}).bytes,
    value.stream(4, {...STREAM, idmp: producer('p', 'q')}).bytes,
  ),
]

const LIBRARY = '#!lua name=first\nredis.register_function("f", function() end)'

const RECORDS: CheckSample[] = [
  ofRecord(
    'a library without a name',
    10,
    'BAD_FUNCTION',
    file => file.function('#!lua\nreturn'),
    file => file.function(LIBRARY),
  ),
  ofRecord(
    'a library without a head',
    10,
    'BAD_FUNCTION',
    file => file.function('return'),
    file => file.function(LIBRARY),
  ),
  ofRecord(
    'a library for an unknown engine',
    10,
    'BAD_FUNCTION',
    file => file.function(LIBRARY.replace('lua', 'js')),
    file => file.function(LIBRARY),
  ),
  ofRecord(
    'two libraries of one name',
    10,
    'DUPLICATE_FUNCTION',
    file => file.function(LIBRARY).function(LIBRARY),
    file => file.function(LIBRARY).function(LIBRARY.replace('first', 'second')),
  ),
  ofRecord(
    'functions of a release candidate',
    10,
    'FUNCTION_CANDIDATE',
    file => file.op(0xf6, str('f'), str('LUA'), len(0), str('return 1')),
    () => {},
  ),
  ofRecord(
    'a clock of letters',
    9,
    'BAD_AUX?',
    file => file.aux('ctime', 'noon'),
    file => file.aux('ctime', '1700000000'),
  ),
  ofRecord(
    'a machine of 65 bits',
    9,
    'BAD_AUX?',
    file => file.aux('redis-bits', '65'),
    file => file.aux('redis-bits', '64'),
  ),
  ofRecord(
    'a replication ID that is none',
    9,
    'BAD_AUX?',
    file => file.aux('repl-id', 'x'),
    file => file.aux('repl-id', 'a'.repeat(40)),
  ),
  ofRecord(
    'a slot hint that is octal to a server',
    11,
    'BAD_AUX',
    file => file.aux('slot-info', '019,1,0'),
    file => file.aux('slot-info', '017,1,0,0'),
  ),
  ofRecord(
    'a slot hint that is none',
    11,
    'BAD_AUX',
    file => file.aux('slot-info', '16384,1,0'),
    file => file.aux('slot-info', '16383,1,0'),
  ),
  ofRecord(
    'a hint for a slot beyond the last',
    12,
    'BAD_SLOT',
    file => file.op(0xf4, len(16_384), len(1), len(0)),
    file => file.op(0xf4, len(16_383), len(1), len(0)),
  ),
  ofRecord(
    'slots that cannot be imported',
    80,
    'BAD_SLOT',
    file => file.op(0xf3, str('j'.repeat(40)), len(2), len(5), len(9), len(9), len(12)),
    file => file.op(0xf3, str('j'.repeat(40)), len(2), len(5), len(9), len(10), len(12)),
  ),
  ofRecord(
    'a job of a name too short',
    80,
    'BAD_STRING',
    file => file.op(0xf3, str('j'.repeat(39)), len(0)),
    file => file.op(0xf3, str('j'.repeat(40)), len(0)),
  ),
  ofRecord(
    'module data at no time',
    9,
    'BAD_MODULE',
    file => file.op(0xf7, moduleId('ft_index0', 1), len(2), len(3), len(0)),
    file => file.op(0xf7, moduleId('ft_index0', 1), len(2), len(2), len(0)),
  ),
  ofRecord(
    'template fields that do not ascend',
    15,
    'UNSORTED',
    file => file.op(0xf2, len(0), len(2), str('b'), str('a')),
    file => file.op(0xf2, len(0), len(2), str('a'), str('b')),
  ),
  ofRecord(
    'a hash of a template that is not there',
    15,
    'BAD_HASH',
    file => file.key(30, 'k', raw(str(listpack([0, 'v'])))),
    file => file.op(0xf2, len(0), len(1), str('f')).key(30, 'k', raw(str(listpack([0, 'v'])))),
  ),
  ofRecord(
    'database 16',
    9,
    'DATABASE_NUMBER?',
    file => file.db(16),
    file => file.db(15),
  ),
  ofRecord(
    'database 0 again',
    9,
    'DATABASE_ORDER?',
    file => file.db(0).key(0, 'k', value.string('v')),
    file => file.db(1).key(0, 'k', value.string('v')),
  ),
  ofRecord(
    'sizes that are not so',
    9,
    'SIZE_HINT?',
    file => file.db(1).sizes(3, 0).key(0, 'k', value.string('v')),
    file => file.db(1).sizes(2, 0).key(0, 'k', value.string('v')),
  ),
  ofRecord(
    'sizes that no server has memory for',
    9,
    'SIZE_HINT',
    file =>
      file
        .db(1)
        .sizes(2 ** 32, 0)
        .key(0, 'k', value.string('v')),
    file => file.db(1).sizes(2, 0).key(0, 'k', value.string('v')),
  ),
  ofRecord(
    'a slot hint that no server has memory for',
    12,
    'SIZE_HINT',
    file => file.op(0xf4, len(5), len(2 ** 31), len(0)),
    file => file.op(0xf4, len(5), len(2 ** 26), len(0)),
  ),
  ofRecord(
    'a slot hint of valkey that no server has memory for',
    11,
    'SIZE_HINT',
    file => file.aux('slot-info', '5,2147483648,0'),
    file => file.aux('slot-info', '5,67108864,0'),
  ),
  ofRecord(
    'an expiry before a database',
    9,
    'DANGLING_ATTRIBUTE?',
    file => file.expireMs(YEAR_2100_MS).db(1),
    file => file.db(1).expireMs(YEAR_2100_MS),
  ),
  ofRecord(
    'an expiry before 1970',
    9,
    'EXPIRY_NEGATIVE?',
    file => file.expireMs(-2),
    file => file.expireMs(1),
  ),
  ofRecord(
    'a key twice',
    9,
    'DUPLICATE_KEY',
    file => file.key(0, 'before', value.string('z')),
    file => file.db(1).key(0, 'before', value.string('z')),
  ),
  ofRecord(
    'a library in a file too old for it',
    9,
    'TOO_NEW?',
    file => file.function(LIBRARY),
    () => {},
  ),
  ofRecord(
    'an idle time in a file too old for it',
    8,
    'TOO_NEW?',
    file => file.idle(5),
    file => file.expireMs(YEAR_2100_MS),
  ),
  ofRecord(
    'a script of KeyDB',
    9,
    'VENDOR_ONLY?',
    file => file.key(64, 'k', raw(hex(str('return'), le(8, 1), le(8, 1), len(0), len(0)))),
    () => {},
  ),
  ofRecord(
    'flags of Dragonfly',
    9,
    'VENDOR_ONLY?',
    file => file.op(0xdc, le(4, 1)),
    () => {},
  ),
  ofRecord(
    'an opcode of Redis Enterprise before another',
    9,
    'VENDOR_ONLY?',
    file => file.op(0x6b, len(5)).aux('redis-bits', '64'),
    file => file.aux('redis-bits', '64'),
  ),
  ofRecord(
    'an opcode of Redis Enterprise',
    9,
    'VENDOR_ONLY?',
    file => file.op(0x79, len(5)),
    () => {},
  ),
  ofRecord(
    'an opcode of Redis Enterprise among attributes',
    9,
    'VENDOR_ONLY?',
    file => file.idle(5).op(0x79, len(5)).expireMs(YEAR_2100_MS),
    file => file.idle(5).expireMs(YEAR_2100_MS),
  ),
  ofRecord(
    'an AOF preamble',
    9,
    'TRAILING_BYTES?',
    () => {},
    () => {},
  ),
]
RECORDS.at(-1)!.wrong = hex(RECORDS.at(-1)!.sound, Buffer.from('more'))

const simple = (file: RdbFile): RdbFile => file.db(0).key(0, 'k', value.string('v'))

const FILES: CheckSample[] = [
  {name: 'a wrong checksum', codes: ['BAD_CHECKSUM'], wrong: build(9, simple, 'wrong'), sound: build(9, simple)},
  {name: 'no checksum', codes: ['CHECKSUM_ABSENT?'], wrong: build(9, simple, 'zero'), sound: build(9, simple)},
  {name: 'a version of tomorrow', codes: ['NEWER_VERSION?'], wrong: build(17, simple), sound: build(16, simple)},
  {
    name: 'a file that is cut',
    codes: ['TRUNCATED'],
    wrong: build(9, simple).subarray(0, -1) as Buffer,
    sound: build(9, simple),
  },
  {
    name: 'a log behind the file',
    codes: ['LOG_UNCHECKED?'],
    wrong: hex(
      build(9, file => simple(file.aux('aof-preamble', '1'))),
      Buffer.from('*1\r\n$4\r\nPING\r\n'),
    ),
    sound: build(9, file => simple(file.aux('aof-preamble', '1'))),
  },
  {
    name: 'an expiry before the end',
    codes: ['DANGLING_ATTRIBUTE?'],
    wrong: build(9, file => file.db(0).key(0, 'k', value.string('v')).expireMs(5)),
    sound: build(9, simple),
  },
  {
    name: 'an opcode of Redis Enterprise before the end',
    codes: ['VENDOR_ONLY?'],
    wrong: build(9, file => simple(file).op(0x6b, len(5))),
    sound: build(9, simple),
  },
  {
    name: 'an opcode of Redis Enterprise alone',
    codes: ['VENDOR_ONLY?'],
    wrong: build(9, file => file.op(0x79, len(5))),
    sound: build(9, () => {}),
  },
]

export const CHECK_SAMPLES: readonly CheckSample[] = [...PACKED, ...PLAIN, ...STREAMS, ...RECORDS, ...FILES]

export {around, raw, rawId}
