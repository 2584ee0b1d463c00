/** Zeros that damage has left, and what stands right behind them as it was. */
import {describe, expect, it} from 'vitest'
import {SoundnessJudge} from '../../src/analysis/record-judge.js'
import {MemoryRegion} from '../../src/bytes/region.js'
import {KeyProfile} from '../../src/rdb/key-profile.js'
import {RecordWalker} from '../../src/rdb/record-walker.js'
import {len, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import type {WrittenFile} from './damaged-snapshots.js'
import {entriesOf, type Outcome, outcomeOf} from './salvage-outcome.js'

const TYPE_STRING = 0
const TYPE_SET = 2
const TYPE_LIST_QUICKLIST_2 = 18
const TYPE_HASH_METADATA = 24
const NODE_PLAIN = 1

type Value = readonly [typeId: number, bytes: Uint8Array]

const string = (text: string): Value => [TYPE_STRING, str(text)]
const set = (count: number): Value => [
  TYPE_SET,
  Buffer.concat([len(count), ...Array.from({length: count}, (_, i) => str(`member number ${i} of ${count}`))]),
]
const list = (...nodes: string[]): Value => [
  TYPE_LIST_QUICKLIST_2,
  Buffer.concat([len(nodes.length), ...nodes.flatMap(node => [Buffer.from([NODE_PLAIN]), str(node)])]),
]

/** Keys `user:1000` and on, of which the file does not say how many there are. */
function fileOf(values: readonly Value[]): WrittenFile {
  const file = new RdbFile('REDIS', 14).db(0)
  const size = (): number => file.parts.reduce((sum, part) => sum + part.length, 0)
  const records = values.map(([typeId, bytes], i) => {
    const start = size()
    file.key(typeId, Buffer.from(`user:${1000 + i}`), {type: 'string', value: '', bytes})
    return {start, end: size(), isKey: true}
  })
  return {bytes: new Uint8Array(file.end()), records}
}

async function zeroed(file: WrittenFile, from: number, to: number): Promise<Outcome> {
  const bytes = new Uint8Array(file.bytes).fill(0, from, to)
  return outcomeOf(file, await entriesOf(file.bytes), bytes, [{from, to}])
}

describe('strings behind zeros', () => {
  const strings = Array.from({length: 12}, (_, i) => string(`value of ${i}`))
  const file = fileOf([...strings, set(60), ...strings, set(3)])
  const {start, end} = file.records[12]!

  it.each([500, 800, 1100])('are keys where %d bytes between them are none of a hash', async left => {
    expect(await zeroed(file, start + 40, end - left)).toEqual({wrong: [], short: expect.toSatisfy(n => n <= 1)})
  })

  it('may be fields of a hash where they follow at once: rather none is kept', async () => {
    expect(await zeroed(file, start + 40, end)).toEqual({wrong: [], short: expect.toSatisfy(n => n >= strings.length)})
  })
})

it('two nodes of a list are no key, where few are known', async () => {
  const numbers = Array.from({length: 12}, (_, i) => String(9_223_372_036_854_775_808n + BigInt(i)))
  const file = fileOf([string('first'), set(20), list(...numbers), string('last')])
  const {start, end} = file.records[1]!
  for (let from = start + 20; from < end - 40; from += 40) {
    expect(await zeroed(file, from, end), `zeros from byte ${from}`).toMatchObject({wrong: []})
  }
})

it('a hash whose count is zero has lost it: its fields are no keys', async () => {
  const fields = Array.from({length: 20}, (_, i) => [Buffer.alloc(1), str(`user:${1500 + i}`), str(`role-${i}`)])
  const hash: Value = [TYPE_HASH_METADATA, Buffer.concat([Buffer.alloc(8), len(fields.length), ...fields.flat()])]
  const strings = Array.from({length: 12}, (_, i) => string(`value of ${i}`))
  const file = fileOf([...strings, hash, ...strings])
  const count = file.records[12]!.start + 1 + str('user:1012').length + 8
  expect(file.bytes[count]).toBe(fields.length)
  expect(await zeroed(file, count, count + 1)).toMatchObject({wrong: []})
})

it.each([
  [63, 1],
  [64, 0],
])('a key in which %d zeros stand in a row is plausible: %d', (zeros, plausible) => {
  for (const before of [0, 1, 40, 100]) {
    const header = {magic: 'REDIS', family: 'redis', rdbVersion: 14} as const
    const file = new RdbFile('REDIS', 14)
    const name = Buffer.concat([Buffer.alloc(before, 'k'), Buffer.alloc(zeros), Buffer.from('end')])
    const bytes = file.key(TYPE_STRING, name, {type: 'string', value: '', bytes: str('v')}).end()
    const judge = new SoundnessJudge(header)
    const walker = new RecordWalker(new MemoryRegion(new Uint8Array(bytes)), header, judge)
    judge.attach(walker)
    expect(walker.walk(9)).toBe(true)
    expect(new KeyProfile().plausibility(walker), `${before} bytes before them`).toBe(plausible)
  }
})
