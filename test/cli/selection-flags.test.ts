/** The flags of a selection: what they become, what they refuse, and what they then take of a file. */
import {Args, Parser} from '@oclif/core'
import {describe, expect, it} from 'vitest'
import {parseSize, type SelectionFlags, selectionFlags, selectionOptions} from '../../src/cli/selection-flags.js'
import {formatTypedWrong, isTypedWrong} from '../../src/cli/typed-wrong.js'
import {MemorySource, RdbReader, SKIP} from '../../src/index.js'
import {SelectingVisitor, Selection, type SelectionOptions} from '../../src/keyspace/selection.js'
import {PLAIN} from '../../src/report/table.js'
import {formatBytes} from '../../src/report/text.js'
import {fixture} from '../reading/fixtures.js'

const NOW = 1_800_000_000_000
const SECOND = 1000
const HOUR = 3600 * SECOND
const DAY = 24 * HOUR

async function parse(...argv: string[]): Promise<{flags: SelectionFlags; file: string | undefined}> {
  const {flags, args} = await Parser.parse(argv, {
    flags: selectionFlags,
    args: {file: Args.string({ignoreStdin: true})},
  })
  return {flags, file: args.file as string | undefined}
}

const options = async (...argv: string[]): Promise<SelectionOptions> =>
  selectionOptions((await parse(...argv)).flags, NOW)

/** What is said on the screen. */
async function said(...argv: string[]): Promise<string> {
  const error = await parse(...argv).then(
    () => expect.fail('it was accepted'),
    (error: unknown) => error,
  )
  expect(isTypedWrong(error)).toBe(true)
  return formatTypedWrong(error as Error, undefined, PLAIN)[0]!
}

describe('selection flags', () => {
  it('say nothing when they are absent', async () => {
    expect(new Selection(await options()).everything).toBe(true)
  })

  it('are named as in the design, under one heading', () => {
    const names = 'db match not-match regex type slot min-bytes max-bytes expired ttl'.split(' ')
    expect(Object.keys(selectionFlags)).toEqual(names)
    for (const flag of Object.values(selectionFlags)) expect(flag).toMatchObject({helpGroup: 'SELECTION'})
  })

  it('become options', async () => {
    const text =
      '--db 0 --db 12 --match user:* --match \\xff* --not-match *:tmp --regex ^a --regex /b\\/$ --type zset --type HASH ' +
      '--slot 42 --slot 0-5460 --min-bytes 10kb --max-bytes 5MiB --expired drop --ttl lt:30d'
    expect(await options(...text.split(' '))).toEqual({
      db: [0, 12],
      match: ['user:*', '\\xff*'],
      notMatch: ['*:tmp'],
      regex: ['^a', '/b\\/$'],
      types: ['zset', 'hash'],
      slots: [
        [42, 42],
        [0, 5460],
      ],
      minBytes: 10 * 1024,
      maxBytes: 5 * 1024 * 1024,
      expired: 'drop',
      ttl: {belowMs: 30 * DAY},
      nowMs: NOW,
    })
  })

  it('leave the source alone, wherever it stands', async () => {
    for (const name of ['db', 'slot']) expect((await parse(`--${name}`, '1', 'dump.rdb')).file).toBe('dump.rdb')
    for (const name of ['match', 'not-match', 'regex']) {
      expect((await parse(`--${name}`, 'a', 'dump.rdb', `--${name}=-b`)).file).toBe('dump.rdb')
    }
    expect((await parse('dump.rdb', '--type', 'set')).file).toBe('dump.rdb')
  })

  it('of one value are given once', async () => {
    for (const [flag, value] of [
      ['ttl', 'set'],
      ['expired', 'only'],
      ['min-bytes', '1'],
      ['max-bytes', '1'],
    ]) {
      expect(await said(`--${flag}`, value!, `--${flag}`, value!)).toMatch(`--${flag} can only be specified once`)
    }
  })
})

describe('what is refused', () => {
  it.each([
    ['db', ['-1', 'x', '1.5', '0x1', '99999999999999999999'], 'is no database: give its number, such as 0'],
    [
      'type',
      ['sorted', 'strings', 'toString'],
      'is no type: give one of string, list, set, zset, hash, stream, array, module, cron',
    ],
    [
      'slot',
      ['16384', '5-4', '0-16384', '-5', '1-2-3', 'a', '1-'],
      'are no slots: give one, such as 42, or a range, such as 0-5460',
    ],
    [
      'min-bytes',
      ['x', '-1', '10xb', '1.kb', 'kb', '1e3', '99999999tb'],
      'is no size: give bytes, or a unit: 500, 10kb',
    ],
    ['max-bytes', ['10 parsecs'], 'is no size: give bytes, or a unit: 500, 10kb'],
    ['expired', ['yes', 'KEEP'], 'is no rule for expired keys: give keep, drop or only'],
    [
      'ttl',
      ['30d', 'lt:30', 'lt:', 'lt:-1d', 'lt:1y', 'below:1d', 'lt:1d,lt:2d', 'gt:1h,', 'none,set', 'lt:1dx'],
      'is no time to live: give any, none, set, lt:30d, gt:1h or gt:1h,lt:30d (ms, s, m, h, d, w)',
    ],
    ['ttl', ['gt:30d,lt:1h', 'lt:1h,gt:60m'], 'is no time to live: nothing is above the one and below the other'],
    ['regex', ['(', '*', '[z-a]'], 'is no regular expression: '],
  ])('by --%s: %j', async (flag, values, message) => {
    for (const value of values) {
      expect(await said(`--${flag}=${value}`)).toContain(`rdbtool: --${flag}: ${JSON.stringify(value)} ${message}`)
    }
  })

  it('is a least size above the greatest', async () => {
    const chosen = await options('--min-bytes', '2kb', '--max-bytes', '1kb')
    expect(() => new Selection(chosen, 'later')).toThrow('at least 2048 and at most 1024 bytes: no key has both')
  })
})

describe('--ttl', () => {
  it.each([
    ['any', 'any'],
    ['none', 'none'],
    ['set', 'set'],
    ['lt:500ms', {belowMs: 500}],
    ['gt:90s', {aboveMs: 90 * SECOND}],
    ['lt:5m', {belowMs: 300 * SECOND}],
    ['gt:1h', {aboveMs: HOUR}],
    ['lt:1.5d', {belowMs: 36 * HOUR}],
    ['gt:2w', {aboveMs: 14 * DAY}],
    ['gt:1h,lt:30d', {aboveMs: HOUR, belowMs: 30 * DAY}],
    ['lt:30d,gt:1h', {aboveMs: HOUR, belowMs: 30 * DAY}],
    ['lt:0s', {belowMs: 0}],
  ])('%s', async (text, rule) => expect((await options('--ttl', text)).ttl).toEqual(rule))
})

describe('parseSize', () => {
  it.each([
    ['0', 0],
    ['500', 500],
    ['500b', 500],
    ['1k', 1000],
    ['10kb', 10_240],
    ['10KB', 10_240],
    ['10KiB', 10_240],
    ['1.5 MiB', 1_572_864],
    ['5MiB', 5_242_880],
    ['1m', 1_000_000],
    ['2gb', 2_147_483_648],
    ['1g', 1_000_000_000],
    ['3TiB', 3 * 2 ** 40],
    ['1p', 1e15],
  ])('%s is %i bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes))
})

/** The keys of a fixture that the flags take, as reports print them. */
async function taken(name: string, ...argv: string[]): Promise<string[]> {
  const keys: string[] = []
  const inner = {
    entry: (entry: {key(): Uint8Array}) => {
      keys.push(formatBytes(entry.key()))
      return SKIP
    },
  }
  const selection = new Selection(await options(...argv))
  await new RdbReader(new MemorySource(fixture(name).bytes)).run(new SelectingVisitor(selection, inner))
  return keys
}

describe('of a file', () => {
  it('the keys that a report prints can be asked for one by one', async () => {
    const name = 'rdb/key-binary-v10.rdb'
    const all = await taken(name)
    expect(all.some(key => key.includes('\\xff'))).toBe(true)
    expect(all.some(key => key.includes('\\\\'))).toBe(true)
    for (const key of all) {
      // oclif takes no empty value: an expression says what is the empty key.
      const flag = key === '' ? '--regex=^$' : `--match=${key.replace(/[[*?]/g, '\\$&')}`
      expect(await taken(name, flag), key).toEqual([key])
    }
  })

  it('flags of one name widen, of several narrow', async () => {
    const name = 'rdb/databases-v10.rdb'
    expect(await taken(name, '--db', '0', '--db', '15')).toHaveLength(4)
    expect(await taken(name, '--db=0', '--match=only:*')).toEqual(['only:0'])
    expect(await taken(name, '--match=only:?', '--match=only:??', '--not-match=*3')).toEqual(['only:0', 'only:15'])
    expect(await taken(name, '--regex', '^only:\\d{2}$')).toEqual(['only:15'])
  })

  it('expiries are judged against the moment given', async () => {
    const name = 'rdb/expiry-past-v10.rdb'
    expect((await taken(name, '--expired', 'only')).sort()).toEqual(['hash', 'stream', 'string'])
    expect(await taken(name, '--ttl', 'lt:30d')).toEqual(await taken(name, '--ttl', 'set'))
    expect(await taken(name, '--ttl', 'gt:0s')).toEqual([])
  })
})
