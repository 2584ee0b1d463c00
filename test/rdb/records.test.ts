/** Header, opcodes, attributes and footer. */
import {describe, expect, it} from 'vitest'
import {
  type Entry,
  type EntryVisitor,
  MemorySource,
  NEVER,
  type Problem,
  RdbReader,
  SKIP,
  type ValueVisitor,
} from '../../src/index.js'
import {listpack} from '../fixtures/blobs.js'
import {crc64, hex, intStr, le, len, moduleId, str} from '../fixtures/builder.js'
import {fixture} from '../reading/fixtures.js'
import {fileOf} from '../reading/samples.js'
import {transcribe} from '../reading/transcript.js'

const KEY = hex(0, str('k'), str('v'))

/** All that stands in the file, as lines. */
const read = (file: Uint8Array): Promise<string[]> => transcribe(new MemorySource(file), 'elements')

const failure = (file: Uint8Array, visitor: EntryVisitor = {entry: () => SKIP}): Promise<unknown> =>
  new RdbReader(new MemorySource(file)).run(visitor).then(
    () => undefined,
    (error: unknown) => error,
  )

describe('magic and version', () => {
  it.each([
    ['REDIS0001', {magic: 'REDIS', family: 'redis', rdbVersion: 1}],
    ['REDIS0012', {magic: 'REDIS', family: 'redis', rdbVersion: 12}],
    ['REDIS0016', {magic: 'REDIS', family: 'redis', rdbVersion: 16}],
    ['REDIS0017', {magic: 'REDIS', family: 'redis', rdbVersion: 17}],
    ['REDIS0080', {magic: 'REDIS', family: 'valkey', rdbVersion: 80}],
    ['VALKEY080', {magic: 'VALKEY', family: 'valkey', rdbVersion: 80}],
    ['VALKEY081', {magic: 'VALKEY', family: 'valkey', rdbVersion: 81}],
  ])('%s', async (magic, header) => {
    const reader = new RdbReader(new MemorySource(hex(Buffer.from(magic), 0xff, Buffer.alloc(8))))
    expect(await reader.readHeader()).toEqual(header)
    await expect(reader.run({entry: () => SKIP})).resolves.toMatchObject({trailingBytes: magic === 'REDIS0001' ? 8 : 0})
  })

  it.each(['REDIS0000', 'REDIS00x9', 'REDIS  12', 'VALKEY012', 'VALKEY079', 'VALKEY8.0', 'REDIS-001'])(
    'refuses %s',
    async magic => {
      const error = await failure(hex(Buffer.from(magic), 0xff, Buffer.alloc(8)))
      expect(error).toMatchObject({name: 'FormatError', code: 'BAD_VERSION', offset: 0})
    },
  )

  it('refuses a version whose numbers mean something else by name', async () => {
    const error = await failure(hex(Buffer.from('REDIS1002'), 0xff, Buffer.alloc(8)))
    expect(error).toMatchObject({name: 'UnsupportedError', code: 'UNKNOWN_CONTAINER', offset: 0})
    expect(String(error)).toContain('Redis Enterprise')
  })

  it('chooses the meaning of type 22 and opcode 243', async () => {
    const valkey = fileOf(
      80,
      [
        hex(0xf3, str('0123456789abcdef0123456789abcdef01234567'), len(1), len(3), len(9)),
        hex(22, str('h'), len(2), str('a'), str('1'), le(8, 5000), str('b'), str('2'), le(8, -1)),
      ],
      'VALKEY',
    )
    const lines = await read(valkey)
    expect(lines).toContain('slotImport 0123456789abcdef0123456789abcdef01234567 [[3,9]]')
    expect(lines).toContain('field "a" "1" 5000')
    expect(lines).toContain('field "b" "2" Infinity')

    const redis = fileOf(12, [
      hex(0xf3, len(1), le(4, 0), 2, len(9), 0),
      hex(22, str('h'), len(2), len(5000), str('a'), str('1'), len(0), str('b'), str('2')),
    ])
    const [first, ...rest] = await read(redis)
    expect(first).toContain('entry [0,')
    expect(rest).toContain('field "a" "1" 5000')
    expect(rest).toContain('field "b" "2" Infinity')
    const end = rest.find(line => line.startsWith('end'))!
    expect(JSON.parse(JSON.parse(end.slice(4)).keyMeta)).toBe('\u0001\0\0\0\0\u0002\t\0')
  })

  it('refuses the other family’s types', async () => {
    const inValkey = await failure(fileOf(80, [hex(25, str('h'), le(8, 1), str(listpack(['f', 'v', 1])))], 'VALKEY'))
    expect(inValkey).toMatchObject({name: 'UnsupportedError', code: 'UNKNOWN_TYPE', offset: 9})
    const template = await failure(fileOf(80, [hex(0xf2, len(0), len(1), str('f'))], 'VALKEY'))
    expect(template).toMatchObject({name: 'UnsupportedError', code: 'UNKNOWN_OPCODE', offset: 9})
  })
})

describe('a newer version', () => {
  const newer = (records: Uint8Array[]): Uint8Array => fileOf(17, records)

  it('is read with a warning until something unknown', async () => {
    const lines = await read(newer([KEY, hex(0, str('k2'), str('v2'))]))
    expect(lines[0]).toBe('problem NEWER_VERSION warning 5')
    expect(lines.filter(line => line.startsWith('entry'))).toHaveLength(2)
    expect(lines.at(-1)).toMatch(/^checksum absent/)
  })

  it('of Valkey does not go by the name of Redis', async () => {
    expect((await read(fileOf(80, [KEY])))[0]).toBe('problem NEWER_VERSION warning 5')
    expect((await read(fileOf(80, [KEY], 'VALKEY')))[0]).not.toMatch('NEWER_VERSION')
  })

  it('fails where it is not understood, with what was read before', async () => {
    const lines = await read(newer([KEY, hex(40, str('k2'), str('v2'))]))
    expect(lines.filter(line => line.startsWith('entry'))).toHaveLength(1)
    expect(lines.at(-1)).toBe('UnsupportedError UNKNOWN_TYPE 14 {"db":0,"recordOffset":14}')
  })
})

describe('what nobody knows', () => {
  const known = new Set([
    ...Array.from({length: 34}, (_, id) => id).filter(id => id !== 6 && id !== 8),
    ...[64, 107, 121, 0xdc],
    ...Array.from({length: 14}, (_, i) => 0xf2 + i),
  ])

  it.each(Array.from({length: 256}, (_, byte) => byte).filter(byte => !known.has(byte)))(
    'byte %i is refused by name, place and version',
    async byte => {
      const error = (await failure(fileOf(16, [KEY, hex(byte, str('x'), str('y'))]))) as Error
      const code = byte >= 0xf2 ? 'UNKNOWN_OPCODE' : 'UNKNOWN_TYPE'
      expect(error).toMatchObject({name: 'UnsupportedError', code, offset: 14, place: {db: 0, recordOffset: 14}})
      expect(error.message).toMatch(new RegExp(`\\b${byte}\\b`))
      expect(error.message).toContain('REDIS version 16')
    },
  )

  it('is told after the attributes of a record, whose place it names', async () => {
    const error = await failure(fileOf(9, [KEY, hex(0xfc, le(8, 5), 0xf9, 3, 200, str('x'))]))
    expect(error).toMatchObject({code: 'UNKNOWN_TYPE', offset: 14 + 9 + 2, place: {recordOffset: 14}})
  })
})

describe('attributes', () => {
  interface Seen {
    key: string
    expireAtMs: number | bigint
    idleSeconds: number
    frequency: number
    keyMeta: boolean
    mask: number
    offset: number
  }

  async function seen(version: number, records: Uint8Array[]): Promise<Seen[]> {
    const all: Seen[] = []
    const entry = (one: Entry): ValueVisitor => {
      const {expireAtMs, idleSeconds, frequency, dragonflyMask, offset} = one
      const key = Buffer.from(one.key()).toString()
      const keyMeta = one.keyMeta !== undefined
      all.push({key, expireAtMs, idleSeconds, frequency, keyMeta, mask: dragonflyMask, offset})
      return SKIP
    }
    await new RdbReader(new MemorySource(fileOf(version, records))).run({entry})
    return all
  }

  const none = {expireAtMs: NEVER, idleSeconds: -1, frequency: -1, keyMeta: false, mask: -1}
  const key = (name: string): Uint8Array => hex(0, str(name), str('v'))

  it('hold for one key only, whatever their order', async () => {
    const records = [
      hex(0xf9, 255, 0xfc, le(8, 1234), key('a')),
      key('b'),
      hex(0xfc, le(8, 99), 0xf8, len(100_000), key('c')),
      key('d'),
      hex(0xf3, len(1), le(4, 7), 0, key('e')),
      key('f'),
      hex(0xdc, le(4, 1), key('g')),
      hex(1, str('h'), len(0)),
    ]
    const all = await seen(13, records)
    expect(all.map(({offset: _, ...one}) => one)).toEqual([
      {...none, key: 'a', expireAtMs: 1234, frequency: 255},
      {...none, key: 'b'},
      {...none, key: 'c', expireAtMs: 99, idleSeconds: 100_000},
      {...none, key: 'd'},
      {...none, key: 'e', keyMeta: true},
      {...none, key: 'f'},
      {...none, key: 'g', mask: 1},
      {...none, key: 'h'},
    ])
    // A record begins with its first attribute.
    let offset = 9
    for (const [i, record] of records.entries()) {
      expect(all[i]!.offset).toBe(offset)
      offset += record.length
    }
  })

  it('stay with their key across what stands between', async () => {
    const all = await seen(9, [hex(0xfc, le(8, 77), 0xfa, str('mvcc-tstamp'), str('1'), key('a')), key('b')])
    expect(all.map(({expireAtMs}) => expireAtMs)).toEqual([77, NEVER])
  })

  it.each<[string, Uint8Array, number | bigint]>([
    ['zero', le(8, 0), 0],
    ['before 1970', le(8, -5), -5],
    ['2^48', le(8, 2 ** 48), 2 ** 48],
    ['2^53 - 1', le(8, 2 ** 53 - 1), 2 ** 53 - 1],
    ['2^53 + 1', le(8, 2n ** 53n + 1n), 2n ** 53n + 1n],
    ['2^63 - 1', le(8, 2n ** 63n - 1n), 2n ** 63n - 1n],
    ['-2^63', le(8, -(2n ** 63n)), -(2n ** 63n)],
  ])('expiry %s is exact', async (_, stored, expected) => {
    // Short strings, long ones and other types take different ways.
    for (const rest of [key('k'), hex(0, str('k'.repeat(100)), str('v')), hex(2, str('k'), len(1), str('m'))]) {
      const all = await seen(9, [hex(0xfc, stored, rest), key('next')])
      expect(all.map(({expireAtMs}) => expireAtMs)).toEqual([expected, NEVER])
    }
  })

  it.each([
    [5, 5000],
    [2_147_483_647, 2_147_483_647_000],
    [-1, -1000],
  ])('%i seconds, as 2.4 stored them', async (seconds, expected) => {
    const all = await seen(1, [hex(0xfd, le(4, seconds), key('k')), key('next')])
    expect(all.map(({expireAtMs}) => expireAtMs)).toEqual([expected, NEVER])
  })

  it.each([0, 1, 127, 254, 255])('frequency %i', async counter => {
    const all = await seen(9, [hex(0xf9, counter, key('k'))])
    expect(all[0]!.frequency).toBe(counter)
  })
})

describe('records', () => {
  it('show everything between the keys, in file order', async () => {
    const lines = await read(
      fileOf(12, [
        hex(
          0xfa,
          str('redis-ver'),
          str('8.0.2'),
          0xfa,
          str('redis-bits'),
          intStr(1, 64),
          0xfa,
          str('ctime'),
          intStr(4, 7),
        ),
        hex(0xf7, moduleId('ft_index0', 21), 2, len(1), 5, str('data'), 1, len(-5), 3, le(4, 0), 4, le(8, 0), 0),
        hex(0xf5, str('#!lua name=l'), 0xf6, str('n'), str('LUA'), len(1), str('about'), str('code')),
        hex(0xf6, str('m'), str('LUA'), len(0), str('code')),
        hex(0xfe, len(70), 0xfb, len(3), len(1), 0xf4, len(16_383), len(2), len(1), 107, len(5), 121, len(99_999)),
        KEY,
        hex(0xfa, str('lua'), str('return 1')),
      ]),
    )
    expect(lines.filter(line => !/^(begin|chunks|end|at|problem) /.test(line))).toEqual([
      'aux redis-ver "8.0.2"',
      'aux redis-bits "64"',
      'aux ctime "7"',
      expect.stringMatching(/^moduleAux \{"module":"ft_index0","version":21,"when":1,/),
      'function "#!lua name=l"',
      'functionPreGa "n" "LUA" "code"',
      'functionPreGa "m" "LUA" "code"',
      'selectDb 70',
      'resizeDb 70 3 1',
      'slotInfo {"slot":16383,"keys":2,"expires":1}',
      expect.stringMatching(/^vendorOpcode 107 \d+$/),
      expect.stringMatching(/^vendorOpcode 121 \d+$/),
      'entry [70,"\\"k\\"","string",0,"Infinity",-1,-1,-1]',
      'aux lua "return 1"',
      expect.stringMatching(/^checksum absent/),
    ])
  })

  it('keep a module’s payload as it is stored', async () => {
    const payload = hex(5, str('data'), 1, len(-5), 0)
    let kept: Uint8Array | undefined
    await new RdbReader(new MemorySource(fileOf(9, [hex(0xf7, moduleId('ft_index0', 1), 2, len(2), payload)]), 7)).run({
      entry: () => SKIP,
      moduleAux: ({payload: bytes}) => {
        kept = bytes
      },
    })
    expect(Buffer.compare(kept!, payload)).toBe(0)
  })

  it.each<[string, number, Uint8Array, object]>([
    ['module data without its frame', 9, hex(0xf7, moduleId('ft_index0', 1), 5, str('x'), 0), {code: 'BAD_MODULE'}],
    ['an unknown module item', 9, hex(0xf7, moduleId('ft_index0', 1), 2, 1, 6, 0), {code: 'BAD_MODULE'}],
    ['metadata of no class', 13, hex(0xf3, len(0)), {code: 'BAD_MODULE'}],
    ['metadata of 8 classes', 13, hex(0xf3, len(8)), {code: 'BAD_MODULE'}],
    ['a job name of 39 bytes', 80, hex(0xf3, str('x'.repeat(39)), len(0)), {code: 'BAD_STRING'}],
    ['a template out of order', 15, hex(0xf2, len(1), len(1), str('f')), {code: 'BAD_HASH'}],
    ['a template that is nowhere', 15, hex(32, str('k'), len(0)), {code: 'BAD_HASH'}],
    ['a database by an encoded string', 9, hex(0xfe, 0xc0, 5), {code: 'BAD_LENGTH'}],
    ['more slot ranges than bytes', 80, hex(0xf3, str('x'.repeat(40)), len(1000)), {code: 'BAD_COUNT'}],
  ])('refuse %s', async (_, version, record, expected) => {
    const error = await failure(fileOf(version, [record, KEY], version === 80 ? 'VALKEY' : 'REDIS'))
    expect(error).toMatchObject({name: 'FormatError', ...expected})
  })
})

describe('the end', () => {
  const sealed = (checksum: 'right' | 'wrong' | 'zero', version = 9): Uint8Array => {
    const body = fileOf(version, [KEY]).subarray(0, -8)
    const crc = checksum === 'zero' ? 0n : crc64(body) ^ (checksum === 'wrong' ? 1n : 0n)
    return new Uint8Array(hex(body, le(8, crc)))
  }

  it('checks the checksum', async () => {
    for (const version of [5, 9, 12, 16]) {
      await expect(new RdbReader(new MemorySource(sealed('right', version))).run({entry: () => SKIP})).resolves.toEqual(
        {
          checksum: 'ok',
          bytes: 9 + KEY.length + 9,
          trailingBytes: 0,
        },
      )
      const file = sealed('wrong', version)
      expect(await failure(file)).toMatchObject({code: 'BAD_CHECKSUM', offset: file.length - 8})
    }
  })

  it('goes on with a wrong one where it is told to', async () => {
    const problems: Problem[] = []
    const file = sealed('wrong')
    const reader = new RdbReader(new MemorySource(file), {ignoreChecksum: true})
    const end = await reader.run({entry: () => SKIP, problem: problem => problems.push(problem)})
    expect(end.checksum).toBe('mismatch')
    expect(problems).toMatchObject([{code: 'BAD_CHECKSUM', severity: 'error', offset: file.length - 8}])
  })

  it('takes zero for no checksum, and says so', async () => {
    const problems: Problem[] = []
    const reader = new RdbReader(new MemorySource(sealed('zero')))
    const end = await reader.run({entry: () => SKIP, problem: problem => problems.push(problem)})
    expect(end.checksum).toBe('absent')
    expect(problems).toMatchObject([{code: 'CHECKSUM_ABSENT', severity: 'warning'}])
  })

  it('has no checksum before version 5', async () => {
    for (const version of [1, 2, 3, 4]) {
      const end = await new RdbReader(new MemorySource(fileOf(version, [KEY]))).run({entry: () => SKIP})
      expect(end).toEqual({checksum: 'absent', bytes: 9 + KEY.length + 1, trailingBytes: 0})
    }
  })

  it('is not reached by a file that is cut in its trailer', async () => {
    for (const file of [sealed('right'), sealed('zero'), fixture('rdb/string-int-v12.rdb').bytes]) {
      for (let missing = 1; missing <= 9; missing++) {
        const cut = file.slice(0, file.length - missing)
        expect(await failure(cut), `${missing} missing`).toMatchObject({code: 'TRUNCATED', offset: cut.length})
      }
    }
  })

  it('may be followed by bytes, which are counted and told', async () => {
    const problems: Problem[] = []
    const file = new Uint8Array(hex(sealed('right'), Buffer.from('*1\r\n')))
    const end = await new RdbReader(new MemorySource(file)).run({
      entry: () => SKIP,
      problem: problem => problems.push(problem),
    })
    expect(end).toMatchObject({checksum: 'ok', trailingBytes: 4})
    expect(problems).toMatchObject([{code: 'TRAILING_BYTES', severity: 'warning', offset: file.length - 4}])
  })
})
