/** Which entries are taken: kind by kind, by a model of the rules, and in real files by their goldens. */
import {isUtf8} from 'node:buffer'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {slotOf} from '../../src/bytes/crc16.js'
import {UsageError} from '../../src/errors.js'
import {Entry, type EntryVisitor, MemorySource, NEVER, RdbReader, SKIP, type ValueType} from '../../src/index.js'
import type {SelectionOptions, SkipReason} from '../../src/keyspace/selection.js'
import {compileRegex, SelectingVisitor, Selection, VALUE_TYPES} from '../../src/keyspace/selection.js'
import {hex, str} from '../fixtures/builder.js'
import {type Fixture, fixture, type GoldenEntry, readable} from '../reading/fixtures.js'
import {fileOf} from '../reading/samples.js'
import {transcriptVisitor} from '../reading/transcript.js'

const NOW = 1_800_000_000_000
const HOUR = 3_600_000
const DAY = 24 * HOUR

interface Facts {
  db?: number
  key?: string | Uint8Array
  type?: ValueType
  expireAtMs?: number | bigint
}

function entryOf({db = 0, key = 'key', type = 'string', expireAtMs = NEVER}: Facts): Entry {
  const entry = new Entry()
  const bytes = typeof key === 'string' ? Buffer.from(key) : key
  // As in a window: the key stands among other bytes.
  const around = Buffer.from('{around}')
  entry.keyBytes.lend(Buffer.concat([around, bytes, around]), around.length, around.length + bytes.length)
  entry.db = db
  entry.type = type
  entry.expireAtMs = expireAtMs
  return entry
}

const refusal = (options: SelectionOptions, facts: Facts): SkipReason | undefined =>
  new Selection({nowMs: NOW, ...options}).refusal(entryOf(facts))

const taken = (options: SelectionOptions, all: readonly Facts[]): Facts[] => {
  const selection = new Selection({nowMs: NOW, ...options})
  return all.filter(facts => selection.takes(entryOf(facts)))
}

const keysTaken = (options: SelectionOptions, keys: readonly string[]): string[] =>
  taken(
    options,
    keys.map(key => ({key})),
  ).map(({key}) => key as string)

describe('no selection', () => {
  it.each<SelectionOptions>([
    {},
    {nowMs: NOW},
    {db: [], match: [], notMatch: [], regex: [], types: [], slots: []},
    {expired: 'keep', ttl: 'any', minBytes: 0, maxBytes: Number.POSITIVE_INFINITY},
  ])('%j is everything, and says so', options => {
    const selection = new Selection(options)
    expect(selection.everything).toBe(true)
    expect(selection.takes(entryOf({expireAtMs: 1}))).toBe(true)
  })

  it.each<SelectionOptions>([
    ...[{db: [0]}, {match: ['*']}, {notMatch: ['x']}, {regex: ['']}, {types: ['string' as const]}],
    ...[{slots: [[0, 16383] as const]}, {expired: 'drop' as const}, {ttl: 'none' as const}, {ttl: {}}],
  ])('%j is one', options => expect(new Selection(options).everything).toBe(false))
})

describe('databases and types', () => {
  it('one of several is enough', () => {
    const all = [0, 1, 3, 15].map(db => ({db}))
    expect(taken({db: [3, 15]}, all)).toEqual([{db: 3}, {db: 15}])
    expect(refusal({db: [3, 15]}, {db: 1})).toBe('db')
    const types = VALUE_TYPES.map(type => ({type}))
    expect(taken({types: ['zset', 'cron']}, types)).toEqual([{type: 'zset'}, {type: 'cron'}])
    expect(refusal({types: ['zset']}, {type: 'set'})).toBe('type')
  })

  it('refuses what is neither', () => {
    for (const db of [-1, 1.5, Number.NaN]) expect(() => new Selection({db: [db]})).toThrow(UsageError)
    for (const type of ['sortedset', 'toString', '__proto__'] as string[] as ValueType[]) {
      expect(() => new Selection({types: [type]})).toThrow(/no type of value: there are string, list, set, zset/)
    }
  })
})

describe('keys', () => {
  const keys = ['user:1', 'user:2', 'session:1', 'café', 'user:1:cart']

  it('matches any pattern', () => {
    expect(keysTaken({match: ['user:?', 'caf*']}, keys)).toEqual(['user:1', 'user:2', 'café'])
    expect(refusal({match: ['user:*']}, {key: 'session:1'})).toBe('match')
  })

  it('matches none of the unwanted', () => {
    expect(keysTaken({notMatch: ['*:1', 'caf*']}, keys)).toEqual(['user:2', 'user:1:cart'])
    expect(keysTaken({match: ['user:*'], notMatch: ['*:cart', '*:2']}, keys)).toEqual(['user:1'])
    expect(refusal({notMatch: ['user:*']}, {key: 'user:1'})).toBe('notMatch')
  })

  it('takes bytes as a pattern of bytes, text as one with \\xHH', () => {
    expect(refusal({match: ['\\xff*']}, {key: Uint8Array.of(0xff, 1)})).toBeUndefined()
    expect(refusal({match: [Buffer.from('\\xff*')]}, {key: Uint8Array.of(0xff, 1)})).toBe('match')
    expect(refusal({match: [Uint8Array.of(0xff, 0x2a)]}, {key: Uint8Array.of(0xff, 1)})).toBeUndefined()
  })

  it('finds any regular expression, anywhere in the key', () => {
    expect(keysTaken({regex: ['^s', 'cart$']}, keys)).toEqual(['session:1', 'user:1:cart'])
    expect(keysTaken({regex: ['1']}, keys)).toEqual(['user:1', 'session:1', 'user:1:cart'])
    expect(refusal({regex: ['^s']}, {key: 'user:1'})).toBe('regex')
  })

  it('a regular expression sees characters of UTF-8, else bytes', () => {
    expect(refusal({regex: ['^caf.$']}, {key: 'café'})).toBeUndefined()
    expect(refusal({regex: ['^.$']}, {key: '😀'})).toBeUndefined()
    expect(refusal({regex: ['^\\p{Emoji}$']}, {key: '😀'})).toBeUndefined()
    expect(refusal({regex: ['^\\xff.$']}, {key: Uint8Array.of(0xff, 0xc3)})).toBeUndefined()
    expect(refusal({regex: ['^\\xe9$']}, {key: Uint8Array.of(0xe9)})).toBeUndefined()
    expect(refusal({regex: ['^\\xe9$']}, {key: 'é'})).toBeUndefined()
    expect(refusal({regex: ['^\\xc3\\xa9$']}, {key: 'é'})).toBe('regex')
    expect(refusal({regex: ['^\\x00$']}, {key: '\0'})).toBeUndefined()
    // Nothing is remembered from key to key.
    expect(keysTaken({regex: ['u']}, ['u', 'u', 'u'])).toEqual(['u', 'u', 'u'])
  })

  it.each(['(', '[', '\\', '*', '(?<a>.)(?<a>.)'])('%s is no regular expression', text => {
    expect(() => compileRegex(text)).toThrow(UsageError)
    expect(() => new Selection({regex: [text]})).toThrow(/ is no regular expression: \S.+ \(JavaScript's syntax,/)
  })
})

describe('slots', () => {
  it('takes the keys of the ranges, both ends included', () => {
    // CLUSTER KEYSLOT foo is 12182, bar 5061, {foo}x 12182.
    const keys = ['foo', 'bar', '{foo}x']
    expect(keysTaken({slots: [[12182, 12182]]}, keys)).toEqual(['foo', '{foo}x'])
    expect(keysTaken({slots: [[0, 5061]]}, keys)).toEqual(['bar'])
    const others = [0, 5060, 5062, 12181, 12183, 16383]
    expect(keysTaken({slots: [0, 2, 4].map(i => [others[i]!, others[i + 1]!])}, keys)).toEqual([])
    expect(refusal({slots: [[0, 1]]}, {key: 'foo'})).toBe('slot')
  })

  it.each([[[-1, 5]], [[5, 4]], [[0, 16384]], [[0.5, 1]], [[Number.NaN, 1]]] as [[number, number]][])(
    'refuses %j',
    range => expect(() => new Selection({slots: [range]})).toThrow(/no slots: they run from 0 to 16383/),
  )
})

describe('expiry', () => {
  const moments = {
    past: NOW - 1,
    now: NOW,
    minute: NOW + 60_000,
    day: NOW + DAY,
    year: NOW + 365 * DAY,
    beyond: 2n ** 62n,
    before: -(2n ** 62n),
    never: NEVER,
  }
  const chosen = (options: SelectionOptions): string[] =>
    Object.entries(moments)
      .filter(([, expireAtMs]) => refusal(options, {expireAtMs}) === undefined)
      .map(([name]) => name)

  it.each<[SelectionOptions, string]>([
    [{expired: 'keep'}, 'past now minute day year beyond before never'],
    [{expired: 'drop'}, 'now minute day year beyond never'],
    [{expired: 'only'}, 'past before'],
    [{ttl: 'any'}, 'past now minute day year beyond before never'],
    [{ttl: 'none'}, 'never'],
    [{ttl: 'set'}, 'past now minute day year beyond before'],
    [{ttl: {}}, 'past now minute day year beyond before'],
    [{ttl: {belowMs: DAY}}, 'past now minute before'],
    [{ttl: {belowMs: DAY}, expired: 'drop'}, 'now minute'],
    [{ttl: {belowMs: 0}}, 'past before'],
    [{ttl: {aboveMs: DAY}}, 'year beyond'],
    [{ttl: {aboveMs: 0}}, 'minute day year beyond'],
    [{ttl: {aboveMs: 60_000, belowMs: 365 * DAY}}, 'day'],
    [{ttl: 'none', expired: 'only'}, ''],
  ])('%j takes %s', (options, names) => expect(chosen(options).join(' ')).toBe(names))

  it('names what refused', () => {
    expect(refusal({ttl: {belowMs: 30 * DAY}}, {})).toBe('ttl')
    expect(refusal({expired: 'drop'}, {expireAtMs: 1})).toBe('expired')
    expect(refusal({expired: 'only'}, {})).toBe('expired')
  })

  it('looks at the clock where no moment is given, once', () => {
    const selection = new Selection({expired: 'only'})
    expect(selection.takes(entryOf({expireAtMs: Date.now() - HOUR}))).toBe(true)
    expect(selection.takes(entryOf({expireAtMs: Date.now() + HOUR}))).toBe(false)
  })

  it.each<SelectionOptions>([{ttl: {aboveMs: DAY, belowMs: HOUR}}, {ttl: {belowMs: Number.NaN}}, {nowMs: Number.NaN}])(
    'refuses %j',
    options => expect(() => new Selection(options)).toThrow(UsageError),
  )
})

describe('size', () => {
  const size = (entry: Entry): number => entry.keyBytes.end - entry.keyBytes.start

  it('is what the caller says it is', () => {
    const selection = new Selection({minBytes: 2, maxBytes: 3}, size)
    const sizes = ['', 'a', 'ab', 'abc', 'abcd'].filter(key => selection.takes(entryOf({key})))
    expect(sizes).toEqual(['ab', 'abc'])
    expect(selection.refusal(entryOf({key: 'a'}))).toBe('bytes')
  })

  it('is never guessed', () => {
    expect(() => new Selection({minBytes: 1})).toThrow(/must be told how memory is estimated/)
    expect(() => new Selection({maxBytes: 1})).toThrow(UsageError)
    expect(() => new Selection({minBytes: 5, maxBytes: 4}, size)).toThrow(/no key has both/)
  })

  it('may be left to whoever reads the value', () => {
    const selection = new Selection({minBytes: 100, db: [0]}, 'later')
    expect(selection.everything).toBe(false)
    expect(selection.takes(entryOf({}))).toBe(true)
    expect(selection.takes(entryOf({db: 1}))).toBe(false)
    expect([99, 100, 101].map(bytes => selection.takesBytes(bytes))).toEqual([false, true, true])
  })

  it('is asked of no entry that is refused otherwise, nor without bounds', () => {
    const asked: string[] = []
    const estimate = (entry: Entry): number => asked.push(Buffer.from(entry.key()).toString())
    const selection = new Selection({minBytes: 1, match: ['a*']}, estimate)
    for (const key of ['a', 'b', 'ab']) selection.takes(entryOf({key}))
    new Selection({match: ['a*']}, estimate).takes(entryOf({}))
    expect(asked).toEqual(['a', 'ab'])
  })
})

describe('several kinds', () => {
  type Kinds = 'db' | 'match' | 'notMatch' | 'regex' | 'types' | 'slots' | 'expired' | 'ttl'
  type Chosen = {[K in Kinds]: NonNullable<SelectionOptions[K]>}
  const facts = fc.record({
    db: fc.integer({min: 0, max: 3}),
    key: fc.constantFrom('a', 'b', 'ab', '{a}b', 'ba', ''),
    type: fc.constantFrom<ValueType>('string', 'hash', 'list'),
    expireAtMs: fc.constantFrom(NEVER, NOW - HOUR, NOW + HOUR, NOW + 2 * DAY),
  })
  const few = <T>(...values: T[]): fc.Arbitrary<T[]> => fc.subarray(values)
  const options = fc.record({
    db: few(0, 1, 2),
    match: few('a*', '*b'),
    notMatch: few('ab', '{*'),
    regex: few('^a', 'b$'),
    types: few<ValueType>('string', 'hash'),
    slots: few<[number, number]>([0, 5000], [3300, 12000], [15495, 15495]),
    expired: fc.constantFrom('keep', 'drop', 'only'),
    ttl: fc.constantFrom('any', 'none', 'set', {belowMs: DAY}, {aboveMs: DAY}),
  }) as fc.Arbitrary<Chosen>

  it('are all asked, and one of each kind is enough', () => {
    fc.assert(
      fc.property(options, facts, (chosen, {db, key, type, expireAtMs}) => {
        const any = <T>(list: readonly T[], holds: (one: T) => boolean): boolean =>
          list.length === 0 || list.some(holds)
        const like = (pattern: unknown): boolean =>
          new RegExp(`^${String(pattern).replace('*', '.*')}$`.replace('{', '\\{')).test(key)
        const slot = slotOf(Buffer.from(key), 0, Buffer.from(key).length)
        const left = expireAtMs - NOW
        const {ttl, expired} = chosen
        const expected =
          any(chosen.db, one => one === db) &&
          any(chosen.types, one => one === type) &&
          any(chosen.match, like) &&
          !chosen.notMatch.some(like) &&
          any(chosen.regex, one => new RegExp(one).test(key)) &&
          any(chosen.slots, ([first, last]) => slot >= first && slot <= last) &&
          (expired === 'keep' || left < 0 === (expired === 'only')) &&
          (ttl === 'any' || (ttl === 'none') === (left === NEVER)) &&
          (typeof ttl !== 'object' || (left < (ttl.belowMs ?? NEVER) && left > (ttl.aboveMs ?? -NEVER)))
        expect(new Selection({...chosen, nowMs: NOW}).takes(entryOf({db, key, type, expireAtMs}))).toBe(expected)
      }),
      {numRuns: 5000},
    )
  })

  it('refuse by the first in a fixed order', () => {
    const all: SelectionOptions = {db: [1], types: ['set'], expired: 'only', ttl: 'set', match: ['x'], regex: ['x']}
    expect(refusal(all, {})).toBe('db')
    expect(refusal(all, {db: 1})).toBe('type')
    expect(refusal(all, {db: 1, type: 'set'})).toBe('expired')
    expect(refusal(all, {db: 1, type: 'set', expireAtMs: 1})).toBe('match')
    expect(refusal(all, {db: 1, type: 'set', expireAtMs: 1, key: 'x'})).toBeUndefined()
  })
})

/** The keys that a selection leaves of a file, and its counts. */
async function select({bytes}: Fixture, selection: Selection): Promise<{keys: string[]; visitor: SelectingVisitor}> {
  const keys: string[] = []
  const inner: EntryVisitor = {
    entry: entry => {
      keys.push(`${entry.db} ${entry.type} ${Buffer.from(entry.key()).toString('latin1')}`)
      return SKIP
    },
  }
  const visitor = new SelectingVisitor(selection, inner)
  await new RdbReader(new MemorySource(bytes), {ignoreChecksum: true}).run(visitor)
  return {keys: keys.sort(), visitor}
}

const goldenKey = ({key}: GoldenEntry): Buffer =>
  typeof key === 'string' ? Buffer.from(key) : Buffer.from((key as {base64: string}).base64, 'base64')

const textOf = (key: Buffer): string => key.toString(isUtf8(key) ? 'utf8' : 'latin1')

const goldenKeys = ({golden}: Fixture, holds: (entry: GoldenEntry, key: Buffer) => boolean): string[] =>
  golden.entries
    .filter(entry => holds(entry, goldenKey(entry)))
    .map(entry => `${entry.db} ${entry.type} ${goldenKey(entry).toString('latin1')}`)
    .sort()

describe('in every fixture', () => {
  const cases: [string, SelectionOptions, (entry: GoldenEntry, key: Buffer) => boolean][] = [
    ['nothing chosen', {}, () => true],
    ['two databases', {db: [3, 15]}, ({db}) => db === 3 || db === 15],
    ['hashes and streams', {types: ['hash', 'stream']}, ({type}) => type === 'hash' || type === 'stream'],
    ['a pattern', {match: ['*:*']}, (_, key) => key.includes(':')],
    ['a pattern of bytes', {match: ['*[\\x80-\\xff]*']}, (_, key) => key.some(byte => byte > 0x7f)],
    ['no such keys', {notMatch: ['*s*', '*:*']}, (_, key) => !key.includes('s') && !key.includes(':')],
    ['a regular expression', {regex: ['^\\p{L}+$']}, (_, key) => /^\p{L}+$/u.test(textOf(key))],
    ['half of the slots', {slots: [[0, 8191]]}, (_, key) => slotOf(key, 0, key.length) < 8192],
    ['without expiry', {ttl: 'none'}, ({expireAtMs}) => expireAtMs === undefined],
    ['expired', {expired: 'only', nowMs: NOW}, ({expireAtMs = NEVER}) => Number(expireAtMs) < NOW],
    ['not expired', {expired: 'drop', nowMs: NOW}, ({expireAtMs = NEVER}) => Number(expireAtMs) >= NOW],
    ['to expire late', {ttl: {aboveMs: DAY}, nowMs: NOW}, ({expireAtMs}) => Number(expireAtMs) > NOW + DAY],
  ]

  it.each(cases)('%s', async (_, options, holds) => {
    let taken = 0
    for (const one of readable) {
      const {keys, visitor} = await select(one, new Selection(options))
      expect(keys, one.name).toEqual(goldenKeys(one, holds))
      const {counts} = visitor
      const skipped = Object.values(counts.skipped).reduce((sum, count) => sum + count, 0)
      expect([counts.seen, counts.taken], one.name).toEqual([one.golden.entries.length, keys.length])
      expect(counts.taken + skipped, one.name).toBe(counts.seen)
      taken += keys.length
    }
    expect(taken).toBeGreaterThan(0)
  })
})

describe('SelectingVisitor', () => {
  it('counts what was skipped, by reason', async () => {
    const selection = new Selection({db: [0, 3], match: ['only:*']})
    const {keys, visitor} = await select(fixture('rdb/databases-v10.rdb'), selection)
    expect(keys).toEqual(['0 string only:0', '3 string only:3'])
    expect(visitor.counts).toMatchObject({seen: 6, taken: 2, skipped: {db: 2, match: 2, type: 0, bytes: 0}})
  })

  it('counts what was refused once its value was read', async () => {
    const selection = new Selection({minBytes: 1}, 'later')
    const {visitor} = await select(fixture('rdb/databases-v10.rdb'), selection)
    visitor.refuseBytes()
    expect(visitor.counts).toMatchObject({seen: 6, taken: 5, skipped: {bytes: 1}})
  })

  it('passes on everything that is no entry', async () => {
    for (const one of readable) {
      const transcribe = async (wrap: (inner: EntryVisitor) => EntryVisitor): Promise<string[]> => {
        const lines: string[] = []
        const {visitor, flush} = transcriptVisitor('elements', lines)
        await new RdbReader(new MemorySource(one.bytes), {ignoreChecksum: true}).run(wrap(visitor))
        flush()
        return lines
      }
      const all = await transcribe(inner => inner)
      expect(await transcribe(inner => new SelectingVisitor(new Selection({}), inner)), one.name).toEqual(all)
      const none = await transcribe(inner => new SelectingVisitor(new Selection({db: [4_000_000_000]}), inner))
      const outside =
        /^(aux|function|functionPreGa|moduleAux|selectDb|resizeDb|slotI\w+|hashTemplate|vendorOpcode|problem) /
      expect(none, one.name).toEqual(all.filter(line => outside.test(line)))
    }
  })

  it('passes on damage and back pressure to who wants them, and only to them', async () => {
    // A listpack that says it is longer than it is; then a sound key.
    const file = fileOf(10, [hex(16, str('bad'), str(hex(99, 0, 0, 0, 1, 0, 255))), hex(0, str('k'), str('v'))])
    const run = (inner: EntryVisitor): Promise<unknown> =>
      new RdbReader(new MemorySource(file)).run(new SelectingVisitor(new Selection({}), inner))
    const value = transcriptVisitor('elements', []).visitor
    await expect(run(value)).rejects.toMatchObject({code: 'BAD_LISTPACK'})
    const damaged: string[] = []
    await run({...value, damage: (error, entry) => damaged.push(`${error.code} ${entry.type}`)})
    expect(damaged).toEqual(['BAD_LISTPACK hash'])
    const full = Promise.resolve()
    expect(new SelectingVisitor(new Selection({}), {...value, drain: () => full}).drain()).toBe(full)
    expect(new SelectingVisitor(new Selection({}), value).drain()).toBeUndefined()
  })
})
