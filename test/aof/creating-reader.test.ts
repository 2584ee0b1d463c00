/** Commands read back: what we write, what servers write when they rewrite a log, and what only a server could follow. */
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {isDeepStrictEqual} from 'node:util'
import {describe, expect, it} from 'vitest'
import {CreatingReader} from '../../src/aof/creating-reader.js'
import {CommandWriter, type RestoreRule} from '../../src/aof/rewrite.js'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {
  type Entry,
  FormatError,
  MemorySource,
  openFile,
  RdbReader,
  SKIP,
  UnsupportedError,
  ValueVisitor,
} from '../../src/index.js'
import {type Files, unpackFolder} from '../fixtures/aof-folder.js'
import {hex, len, lzfRun, str} from '../fixtures/builder.js'
import {distinct, type GoldenEntry, REFUSED} from '../reading/fixtures.js'
import {readGolden, readGoldenOf} from '../reading/golden.js'
import {encodeCommand} from '../server/resp.js'

async function commandsOf(bytes: Uint8Array | string, restore: RestoreRule): Promise<Uint8Array> {
  const target = new MemoryTarget()
  const source = typeof bytes === 'string' ? await openFile(bytes) : new MemorySource(bytes)
  const reader = new RdbReader(source, {ignoreChecksum: true})
  const writer = new CommandWriter(new ByteOutput(target), restore, await reader.origin(), true)
  await reader.run(writer)
  await reader.close()
  writer.finish()
  return target.view()
}

/** Tables of producers as every server of today has them, with nothing in them. */
const isDefault = (name: string, one: unknown): boolean =>
  name === 'idmp' && JSON.stringify(one).includes('"producers":[]') && JSON.stringify(one).includes('"iidsAdded":0')

/** What commands do not carry, and type bytes. Clocks of consumers are set anew, KeyDB's scripts have no command. */
function comparable(entries: readonly GoldenEntry[]): unknown[] {
  return entries
    .filter(({type, count}) => type !== 'cron' && (count !== 0 || type === 'string' || type === 'stream'))
    .map(({idleSeconds: _, frequency: __, rdbType: ___, ...entry}) => {
      const text = JSON.stringify(entry, (name, one) =>
        name === 'seenAtMs' || name === 'activeAtMs' || isDefault(name, one) ? undefined : one,
      )
      return JSON.parse(text)
    })
    .map(({value, type, ...entry}) => ({
      ...entry,
      type,
      value: type === 'zset' ? value.map((row: unknown) => JSON.stringify(row)).sort() : value,
    }))
}

/** A key that stands twice is one key to a server, and nobody carries the numbers that are no scores. */
const ODD = /key-twice|zset-ascii-nan/

describe.each(distinct.filter(({name}) => name !== REFUSED && !ODD.test(name)).map(one => [one.name, one] as const))(
  '%s',
  (_, {path, bytes}) => {
    it('as commands is the same keyspace out of a file, whose windows lie where the kernel writes nodes down', async () => {
      const {golden} = await readGolden(new MemorySource(bytes), 'elements')
      const read = await readGoldenOf(new CreatingReader(new MemorySource(await commandsOf(path, 'auto'))))
      expect(comparable(read.golden.entries)).toEqual(comparable(golden.entries))
    })

    it.each(['auto', 'always'] as const)('as commands is the same keyspace: RESTORE %s', async rule => {
      const {golden} = await readGolden(new MemorySource(bytes), 'elements')
      const commands = await commandsOf(bytes, rule)
      for (const window of commands.length > 3000 ? [1e6, 4096] : [1e6, 1, 7]) {
        const read = await readGoldenOf(new CreatingReader(new MemorySource(commands, window)))
        expect(comparable(read.golden.entries), `windows of ${window}`).toEqual(comparable(golden.entries))
      }
    })
  },
)

const commands = (...all: (string | Buffer)[][]): Uint8Array =>
  new Uint8Array(Buffer.concat(all.map(args => encodeCommand(args))))

async function entriesOf(bytes: Uint8Array, window = 1e6): Promise<GoldenEntry[]> {
  return (await readGoldenOf(new CreatingReader(new MemorySource(bytes, window)))).golden.entries
}

describe('logs that servers rewrote', () => {
  const folder = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))
  const rewritten = readdirSync(folder).filter(name => /^rewritten-(?!v9)/.test(name))

  it.each(rewritten)('%s, but for what came after', async name => {
    const golden = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {files: Files; entries: GoldenEntry[]}
    const out = mkdtempSync(join(tmpdir(), 'rdbtool-aof-'))
    try {
      unpackFolder(golden.files, out)
      const names = Object.keys(golden.files)
      const base = names.find(one => one.endsWith('.base.aof'))!
      const later = names.filter(one => one.endsWith('.incr.aof')).map(one => readFileSync(join(out, one), 'latin1'))
      const entries = await entriesOf(new Uint8Array(readFileSync(join(out, base))))
      const untouched = entries.filter(({key}) => !later.some(text => text.includes(`\r\n${String(key)}\r\n`)))
      const expected = golden.entries.filter(({db, key}) =>
        untouched.some(one => one.db === db && isDeepStrictEqual(one.key, key)),
      )
      expect(untouched.length).toBeGreaterThan(10)
      expect(comparable(untouched)).toEqual(comparable(expected))
    } finally {
      rmSync(out, {recursive: true})
    }
  })

  it('give field expiries one by one, or with the field; and say when', async () => {
    const log = Buffer.concat([
      Buffer.from('#TS:1700000000\r\n'),
      commands(
        ['SELECT', '2'],
        ['HMSET', 'redis', 'a', '1'],
        ['HPEXPIREAT', 'redis', '4102444800000', 'FIELDS', '1', 'a'],
        ['HMSET', 'redis', 'b', '2'],
        ['hsetex', 'valkey', 'PXAT', '4102444800001', 'FIELDS', '1', 'c', '3'],
        ['HMSET', 'valkey', 'd', '4'],
        ['PEXPIREAT', 'valkey', '4102444800002'],
      ),
    ])
    expect(await entriesOf(log)).toEqual([
      {
        db: 2,
        key: 'redis',
        type: 'hash',
        rdbType: -1,
        count: 2,
        value: [
          ['a', '1', 4102444800000],
          ['b', '2'],
        ],
      },
      {
        db: 2,
        key: 'valkey',
        type: 'hash',
        rdbType: -1,
        count: 2,
        value: [
          ['c', '3', 4102444800001],
          ['d', '4'],
        ],
        expireAtMs: 4102444800002,
      },
    ])
  })

  it('make empty streams, groups and pending entries', async () => {
    const [entry] = await entriesOf(
      commands(
        ['XADD', 's', 'MAXLEN', '0', '0-1', 'x', 'y'],
        ['XSETID', 's', '5-0', 'ENTRIESADDED', '7', 'MAXDELETEDID', '4-0'],
        ['XGROUP', 'CREATE', 's', 'g', '5-0', 'ENTRIESREAD', '-1'],
        ['XGROUP', 'CREATECONSUMER', 's', 'g', 'idle'],
        ['XCLAIM', 's', 'g', 'c', '0', '3-0', 'TIME', '1700000000000', 'RETRYCOUNT', '2', 'JUSTID', 'FORCE'],
        ['XCLAIM', 's', 'g', 'd', '0', '1-0', 'TIME', '1700000000001', 'RETRYCOUNT', '1', 'JUSTID', 'FORCE'],
      ),
    )
    expect(entry?.value).toEqual({
      entries: [],
      lastId: '5-0',
      maxDeletedId: '4-0',
      entriesAdded: 7,
      groups: [
        {
          name: 'g',
          lastId: '5-0',
          entriesRead: -1,
          pending: [
            ['1-0', 'd', 1700000000001, 1],
            ['3-0', 'c', 1700000000000, 2],
          ],
          consumers: [
            {name: 'idle', seenAtMs: 0, activeAtMs: -1},
            {name: 'c', seenAtMs: 1700000000000, activeAtMs: 1700000000000},
            {name: 'd', seenAtMs: 1700000000001, activeAtMs: 1700000000001},
          ],
        },
      ],
    })
  })
})

describe('what people write', () => {
  it('may set a time with the value, or a string anew', async () => {
    const bytes = commands(
      ['SET', 'a', '1', 'PXAT', '4102444800000'],
      ['SET', 'b', 'x'],
      ['SET', 'b', 'y', 'EXAT', '4102444800'],
    )
    expect(await entriesOf(bytes)).toEqual([
      {db: 0, key: 'a', type: 'string', rdbType: -1, count: 1, value: '1', expireAtMs: 4102444800000},
      {db: 0, key: 'b', type: 'string', rdbType: -1, count: 1, value: 'y', expireAtMs: 4102444800000},
    ])
  })

  it('is passed over where nobody wants it', async () => {
    const seen: [string, number][] = []
    const skipping = new (class extends ValueVisitor {
      override readonly depth = 'skip'
      override end(entry: Entry): void {
        seen.push([Buffer.from(entry.key()).toString(), entry.elements])
      }
    })()
    const bytes = commands(
      ['SET', 'a', 'xyz'],
      ['RPUSH', 'b', '1', '2'],
      ['RPUSH', 'b', '3'],
      ['XADD', 's', '1-1', 'f', 'v'],
    )
    await new CreatingReader(new MemorySource(bytes)).run({entry: () => skipping})
    expect(seen).toEqual([
      ['a', 3],
      ['b', 3],
      ['s', 1],
    ])
  })

  it('may hold strings longer than any window', async () => {
    const file = new Uint8Array(
      hex(
        Buffer.from('REDIS0009'),
        0,
        str('long'),
        lzfRun(97, 3_000_000),
        2,
        str('set'),
        len(2),
        lzfRun(98, 200_000),
        str('x'),
        0xff,
        Buffer.alloc(8),
      ),
    )
    const bytes = await commandsOf(file, 'auto')
    const {golden} = await readGolden(new MemorySource(file), 'elements')
    for (const window of [1e7, 100_000, 65_536])
      expect(comparable(await entriesOf(bytes, window))).toEqual(comparable(golden.entries))
  })
})

describe('what is wrong is told with its place', () => {
  const WRONG: readonly [
    title: string,
    bytes: Uint8Array | string,
    error: typeof FormatError | typeof UnsupportedError,
    message: RegExp,
  ][] = [
    [
      'a command that changes',
      commands(['SET', 'a', '1'], ['INCR', 'a']),
      UnsupportedError,
      /INCR does not only create/,
    ],
    ['SET with conditions', commands(['SET', 'a', '1', 'NX']), UnsupportedError, /PXAT or EXAT/],
    ['ZADD with options', commands(['ZADD', 'a', 'NX', '1', 'm']), UnsupportedError, /ZADD with options/],
    ['RESTORE from now on', commands(['RESTORE', 'a', '1000', 'payload']), UnsupportedError, /ABSTTL/],
    [
      'a payload that is none',
      commands(['RESTORE', 'a', '0', 'payload that is none']),
      FormatError,
      /payload of RESTORE/,
    ],
    [
      'a type that changes',
      commands(['RPUSH', 'a', '1'], ['SADD', 'a', '1']),
      FormatError,
      /SADD on a key that is a list/,
    ],
    ['an expiry of nothing', commands(['PEXPIREAT', 'a', '1']), FormatError, /not created just before/],
    [
      'an ID that falls',
      commands(['XADD', 's', '2-0', 'a', 'b'], ['XADD', 's', '1-0', 'a', 'b']),
      FormatError,
      /not above/,
    ],
    [
      'an ID that is left to the server',
      commands(['XADD', 's', '*', 'a', 'b']),
      FormatError,
      /no ID that is written out/,
    ],
    ['a field without value', commands(['HSET', 'h', 'f', 'v', 'g']), FormatError, /field without a value/],
    ['a score that is none', commands(['ZADD', 'z', 'nan', 'm']), FormatError, /no score/],
    ['too few arguments', commands(['RPUSH', 'a']), FormatError, /too few/],
    [
      'a group that is not there',
      commands(['XADD', 's', '1-0', 'a', 'b'], ['XCLAIM', 's', 'g', 'c', '0', '1-0', 'FORCE']),
      FormatError,
      /group that is not there/,
    ],
    ['a length that is none', '*1\r\n$x\r\nPING\r\n', FormatError, /no number/],
    ['a length that is wrong', '*1\r\n$3\r\nPING\r\n', FormatError, /ends in CR LF/],
    ['a command of no arguments', '*0\r\n', FormatError, /0 arguments/],
    ['text', '*1\r\n$4\r\nPING\r\nhello\r\n', FormatError, /begins with \*/],
    ['an early end', commands(['SET', 'a', '1']).slice(0, -3), FormatError, /the input ends here/],
  ]

  it.each(WRONG)('%s', async (_, input, error, message) => {
    const bytes = typeof input === 'string' ? new Uint8Array(Buffer.from(input)) : input
    const offsets = new Set<number>()
    for (const window of [1e6, 1, 7]) {
      const failure = await new CreatingReader(new MemorySource(bytes, window))
        .run({entry: () => SKIP})
        .catch(one => one)
      expect(failure).toBeInstanceOf(error)
      expect(failure.message).toMatch(message)
      if (error === FormatError)
        expect(['BAD_COMMAND', 'BAD_COUNT', 'BAD_CHECKSUM', 'TRUNCATED']).toContain(failure.code)
      offsets.add(failure.offset)
    }
    expect(offsets.size).toBe(1)
  })
})
