/** Lines of JSON read back: every fixture, other people's lines, long values, and everything that is wrong with a line. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  type ByteSource,
  type Entry,
  FormatError,
  MemorySource,
  SKIP,
  UsageError,
  ValueVisitor,
} from '../../src/index.js'
import {JsonReader} from '../../src/jsonl/reader.js'
import {distinct, fixture, type GoldenEntry, REFUSED, readable} from '../reading/fixtures.js'
import {readGolden, readGoldenOf} from '../reading/golden.js'
import {jsonOf, jsonOfRdb} from '../reading/json-lines.js'
import {every, streamOf, withLimits} from '../reading/pieces.js'
import {describeError, isReaderError, transcriptVisitor} from '../reading/transcript.js'

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text))
const memory = (text: string, window = 1e6): MemorySource => new MemorySource(bytesOf(text), window)

/** No type bytes in JSON; nothing in it says where in the file a key lay. */
const withoutType = (entries: readonly GoldenEntry[]): unknown[] => entries.map(one => ({...one, rdbType: 0}))

/** Counts stand where they are known before the value: a reader of JSON knows more of them. */
const withoutCounts = (text: string): string => text.replaceAll(/,"count":\d+/g, '')

describe.each(readable.map(one => [one.name, one] as const))('%s', (_, {bytes}) => {
  it('reads back to what was written', async () => {
    const text = await jsonOfRdb(new MemorySource(bytes))
    const [original, read] = [
      await readGolden(new MemorySource(bytes), 'elements'),
      await readGoldenOf(new JsonReader(memory(text))),
    ]
    expect(withoutType(read.golden.entries)).toEqual(withoutType(original.golden.entries))
    expect(read.golden.functions).toEqual(original.golden.functions)
    expect(read.golden.meta).toEqual(original.golden.meta)
    // Hints of a cluster may stand between the keys, once for each slot: the last is in the transcript's map.
    expect(read.aux).toEqual(original.aux)
  })
})

/** Everything that a visitor is shown, or the error. */
async function transcript(source: ByteSource, depth: 'elements' | 'skip' = 'elements'): Promise<string[]> {
  const lines: string[] = []
  const {visitor, flush} = transcriptVisitor(depth, lines)
  try {
    await new JsonReader(source).run(visitor)
    flush()
    lines.push('end')
  } catch (error) {
    flush()
    if (!isReaderError(error)) throw error
    lines.push(describeError(error))
  }
  return lines
}

/** The largest window, and all. A string that is longer is looked at anew with each of them: one of megabytes in fewer. */
function windowsFor(json: Uint8Array): [largest: number, windows: number[]] {
  if (json.length > 1e6) return [65_536, [65_536]]
  return [4096, json.length > 1500 ? [4096] : [1, 2, 3, 7, 4096]]
}

describe.each(distinct.filter(({name}) => name !== REFUSED).map(one => [one.name, one] as const))(
  '%s as JSON',
  (_, {bytes}) => {
    it('shows the same in any window, from a stream, and where values are read as they come', async () => {
      const text = await jsonOfRdb(new MemorySource(bytes))
      const json = bytesOf(text)
      const [largest, windows] = windowsFor(json)
      for (const depth of ['elements', 'skip'] as const) {
        const whole = await transcript(new MemorySource(json), depth)
        expect(whole.at(-1)).toBe('end')
        for (const window of windows) {
          expect(await transcript(new MemorySource(json, window), depth), `windows of ${window}`).toEqual(whole)
        }
        expect(await transcript(streamOf(json, every(largest, json.length)), depth)).toEqual(whole)
      }
      for (const window of json.length > 1500 ? [largest] : [1, 7, 1e6]) {
        const streamed = await withLimits({jsonLookaheadBytes: 8}, () =>
          jsonOf(new JsonReader(new MemorySource(json, window))),
        )
        expect(withoutCounts(streamed), `windows of ${window}`).toBe(withoutCounts(text))
      }
    })
  },
)

async function entriesOf(text: string): Promise<GoldenEntry[]> {
  return (await readGoldenOf(new JsonReader(memory(text)))).golden.entries
}

describe('lines that people write', () => {
  it('have members in any order, blanks anywhere, and what is not given left out', async () => {
    const text = `
      {"value": "x", "type": "string", "key": "a", "expireAtMs": 4102444800000}

      { "key" : "b", "type":"zset",
        "value": [ ["m", 1.5], ["n", "inf"], ["o", "-0"], ["p", 2e3] ], "db": 3 }
      {"key":"\\u00e9\\ud83d\\udd11\\n","type":"hash","value":[["f","v"],["g",{"base64":"/w=="},"4102444800000"]]}`
    expect(await entriesOf(text)).toEqual([
      {db: 0, key: 'a', type: 'string', rdbType: -1, count: 1, value: 'x', expireAtMs: 4102444800000},
      {
        db: 0,
        key: 'é🔑\n',
        type: 'hash',
        rdbType: -1,
        count: 2,
        value: [
          ['f', 'v'],
          ['g', {base64: '/w=='}, 4102444800000],
        ],
      },
      {
        db: 3,
        key: 'b',
        type: 'zset',
        rdbType: -1,
        count: 4,
        value: [
          ['m', 1.5],
          ['n', 'inf'],
          ['o', '-0'],
          ['p', 2000],
        ],
      },
    ])
  })

  it('may be the elements of one array, and begin with a mark of byte order', async () => {
    const lines = ['{"key":"a","type":"string","value":"1"}', '{"key":"b","type":"list","value":[]}']
    const separate = await entriesOf(lines.join('\n'))
    for (const text of [`[${lines.join(',\n')}]`, `\n [ ${lines.join(' , ')} ] \n`, `\ufeff${lines.join('\n')}`]) {
      for (const window of [1, 3, 1e6]) {
        expect((await readGoldenOf(new JsonReader(memory(text, window)))).golden.entries).toEqual(separate)
      }
    }
    expect(await entriesOf('[]')).toEqual([])
    expect(await entriesOf('')).toEqual([])
  })

  it('of a stream have its members in any order', async () => {
    const {bytes} = fixture('rdb/stream-groups-v11.rdb')
    const text = await jsonOfRdb(new MemorySource(bytes))
    const sorted = text
      .trimEnd()
      .split('\n')
      .map(line => JSON.stringify(backwards(JSON.parse(line))))
    expect(withoutType(await entriesOf(sorted.join('\n')))).toEqual(withoutType(await entriesOf(text)))
  })

  it('from several files, one behind the other, tell their aux fields', async () => {
    const text = '{"meta":{"rdbVersion":11,"aux":{"redis-ver":"7.2.0"}}}\n'
    const {aux, golden} = await readGoldenOf(new JsonReader(memory(`${text}{"meta":{"aux":{"x":"1"}}}`)))
    expect({aux, version: golden.meta.rdbVersion}).toEqual({aux: {'redis-ver': '7.2.0', x: '1'}, version: 11})
  })
})

/** The same value with the members of every object in reverse. */
function backwards(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(backwards)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, one]) => [name, backwards(one)]),
  )
}

it('any bytes and numbers survive, in lines written by JavaScript', async () => {
  const text = fc.string({unit: 'binary', maxLength: 20})
  const hash = fc.array(fc.tuple(text, text), {minLength: 1, maxLength: 5})
  const property = fc.asyncProperty(
    text,
    hash,
    fc.array(fc.double({noNaN: true})),
    fc.integer({min: 1, max: 40}),
    async (key, fields, scores, window) => {
      const lines = [
        {key, type: 'hash', value: fields},
        {
          key,
          type: 'zset',
          value: scores.map((score, i) => [String(i), Number.isFinite(score) ? score : score > 0 ? 'inf' : '-inf']),
        },
      ]
      const rows: unknown[] = []
      const visitor = new (class extends ValueVisitor {
        override readonly depth = 'elements'
        override field(n: Uint8Array, ns: number, ne: number, v: Uint8Array, vs: number, ve: number): void {
          rows.push([Buffer.from(n.slice(ns, ne)).toString(), Buffer.from(v.slice(vs, ve)).toString()])
        }
        override scored(_: Uint8Array, __: number, ___: number, score: number): void {
          rows.push(score)
        }
      })()
      const keys: string[] = []
      await new JsonReader(memory(lines.map(line => JSON.stringify(line)).join('\n'), window)).run({
        entry: (entry: Entry) => {
          keys.push(Buffer.from(entry.key()).toString())
          return visitor
        },
      })
      expect(keys).toEqual([key, key])
      // JSON.stringify has no minus zero.
      expect(rows).toEqual([...fields, ...scores.map(score => score + 0)])
    },
  )
  await fc.assert(property, {numRuns: 150})
})

describe('what is wrong with a line is told with its place', () => {
  const WRONG: readonly [title: string, text: string, message: RegExp][] = [
    ['no JSON', '{"aux":{}}\nnonsense', /should stand here, not n \(line 2, column 1\)/],
    ['no value', '{"db":0,\n"key":"a","type":"string"}', /has no "value" \(line 2, column 26\)/],
    ['no key', '{"type":"string","value":"x"}', /has no "key"/],
    ['no type', '{"key":"a","value":"x"}', /has no "type"/],
    ['a type nobody knows', '{"key":"a","type":"tree","value":[]}', /a type is one of .* \(line 1, column 20\)/],
    ['a member nobody knows', '{"key":"a","typ":"string"}', /"typ" is no member of a line \(line 1, column 12\)/],
    ['a member twice', '{"key":"a","key":"b"}', /"key" stands twice/],
    ['a string that is a number', '{"key":1}', /a key: text, or .* should stand here, not 1/],
    ['a list that is a string', '{"key":"a","type":"list","value":"x"}', /the value of a list: \[ should stand here/],
    ['elements that are none', '{"key":"a","type":"list","value":["x",{}]}', /"base64" should stand here/],
    ['a score that is none', '{"key":"a","type":"zset","value":[["m","high"]]}', /a score: a number/],
    ['a row too short', '{"key":"a","type":"zset","value":[["m"]]}', /, should stand here, not \]/],
    ['a row too long', '{"key":"a","type":"hash","value":[["f","v",1,2]]}', /\] should stand here, not ,/],
    [
      'a count that is wrong',
      '{"key":"a","type":"list","count":3,"value":["x"]}',
      /"count" says 3, but the value has 1 elements/,
    ],
    ['a string count that is wrong', '{"key":"a","type":"string","count":2,"value":"x"}', /but the value has 1 bytes/],
    ['an integer beyond 64 bits', '{"key":"a","expireAtMs":18446744073709551616}', /an integer of 64 bits/],
    ['a fraction for an integer', '{"db":1.5}', /db: an integer/],
    ['a database below 0', '{"db":-1}', /from 0 to/],
    ['a frequency above 255', '{"frequency":256}', /255 at most/],
    ['an escape that is none', '{"key":"\\x"}', /\\x is no escape/],
    ['half a pair', '{"key":"\\ud800"}', /stands for no character/],
    ['a newline in a string', '{"key":"a\nb"}', /a control character stands in a string/],
    ['base64 that is none', '{"key":{"base64":"_w=="}}', /no base64/],
    ['base64 that is cut', '{"key":{"base64":"/w="}}', /no base64/],
    ['base64 with bits left over', '{"key":{"base64":"/x=="}}', /no base64/],
    ['a comma too many', '{"key":"a",}', /the name of a member should stand here, not }/],
    ['an array that goes on', '[{"key":"a","type":"list","value":[]}]\n{}', /nothing may follow the array/],
    ['an array without commas', '[{"key":"a","type":"list","value":[]} {}]', /, or \] should stand here/],
    ['two in one', '{"function":"#!lua name=a","key":"a"}', /} behind the only member "function"/],
    ['an ID that is none', '{"key":"a","type":"stream","value":{"entries":[["1",[]]],"lastId":"1-0"}}', /no ID/],
    [
      'a field without value',
      '{"key":"a","type":"stream","value":{"entries":[["1-0",["f"]]],"lastId":"1-0"}}',
      /a field has no value/,
    ],
    ['a stream without its last ID', '{"key":"a","type":"stream","value":{"entries":[]}}', /has no "lastId"/],
    ['a member of no stream', '{"key":"a","type":"stream","value":{"entrys":[]}}', /"entrys" is no member of a stream/],
    [
      'a consumer nobody knows',
      '{"key":"a","type":"stream","value":{"lastId":"1-0","groups":[{"name":"g","lastId":"1-0","pending":[["1-0","c",1,1]]}]}}',
      /no consumer of this name/,
    ],
    [
      'a module of no name',
      '{"key":"a","type":"module","value":{"module":"x","version":1,"base64":""}}',
      /nine letters/,
    ],
    [
      'a module that is damaged',
      '{"key":"a","type":"module","value":{"module":"ReJSON-RL","version":1,"base64":"CQ=="}}',
      /the items of the module are damaged/,
    ],
  ]

  it.each(WRONG)('%s', async (_, text, message) => {
    const lines = await transcript(memory(text))
    expect(lines.at(-1)).toMatch(/^FormatError (BAD_JSON|BAD_COUNT|TRUNCATED) \d+/)
    await expect(new JsonReader(memory(text)).run({entry: () => SKIP_NOTHING})).rejects.toThrow(message)
    for (const window of [1, 7]) expect(await transcript(memory(text, window))).toEqual(lines)
  })

  it('bytes that are no UTF-8', async () => {
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xc3]]) {
      const text = Buffer.concat([Buffer.from('{"key":"'), Buffer.from(bytes), Buffer.from('"}')])
      await expect(new JsonReader(new MemorySource(text)).run({entry: () => SKIP})).rejects.toThrow(/not UTF-8/)
    }
  })

  it('an input that ends early, wherever that is', async () => {
    const text = '{"meta":{"aux":{}}}\n{"key":"a","type":"hash","value":[["f","v"],["g",{"base64":"/w=="}]]}'
    for (let cut = 1; cut < text.length; cut++) {
      const lines = await transcript(memory(text.slice(0, cut)))
      if (cut === text.indexOf('\n') || cut === text.indexOf('\n') + 1) expect(lines.at(-1)).toBe('end')
      else expect(lines.at(-1)).toMatch(/^FormatError (TRUNCATED|BAD_JSON) \d+/)
    }
  })

  it('with database, key and type where it got so far', async () => {
    const text = '{"db":2,"key":"a","type":"list","value":["x",1]}'
    const error = await new JsonReader(memory(text)).run({entry: () => SKIP_NOTHING}).catch(error => error)
    expect(error).toBeInstanceOf(FormatError)
    expect(error.place).toEqual({db: 2, key: bytesOf('a'), type: 'list', recordOffset: 0})
  })

  it('what follows a value too long to be looked behind', async () => {
    const text = '{"key":"a","type":"list","value":["a long element","another"],"expireAtMs":1}'
    await withLimits({jsonLookaheadBytes: 8}, async () => {
      const run = new JsonReader(memory(text)).run({entry: () => SKIP_NOTHING})
      await expect(run).rejects.toThrow('put it before "value"')
    })
    expect(await entriesOf(text)).toMatchObject([{expireAtMs: 1}])
  })

  it('random damage raises our own errors only, and the same ones in any window', async () => {
    const text = await jsonOfRdb(new MemorySource(fixture('rdb/stream-groups-v11.rdb').bytes))
    const original = bytesOf(text.slice(0, 1500))
    const change = fc.tuple(fc.nat(original.length - 1), fc.constantFrom(...Buffer.from('"{}[],:0\\\n'), 0xff, 0))
    const property = fc.asyncProperty(fc.array(change, {minLength: 1, maxLength: 3}), async changes => {
      const damaged = original.slice()
      for (const [at, byte] of changes) damaged[at] = byte
      const lines = await transcript(new MemorySource(damaged))
      expect(await transcript(new MemorySource(damaged, 13))).toEqual(lines)
    })
    await fc.assert(property, {numRuns: 150})
  })
})

/** Wants every element and does nothing with it. */
const SKIP_NOTHING = new (class extends ValueVisitor {
  override readonly depth = 'elements'
})()

it('is read once', async () => {
  const reader = new JsonReader(memory('{"key":"a","type":"string","value":"x"}'))
  expect(await reader.origin()).toBeUndefined()
  await reader.run({entry: () => SKIP})
  await expect(reader.run({entry: () => SKIP})).rejects.toThrow(UsageError)
})
