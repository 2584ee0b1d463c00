/** Random keyspaces, written byte by byte without any of our own code, in any encoding. */
import fc from 'fast-check'
import {intset, listpack, ziplist, zipmap} from '../fixtures/blobs.js'
import {be, f64, hex, intStr, le, len, lzfStr, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import * as value from '../fixtures/values.js'
import type {GoldenEntry} from './fixtures.js'

type Text = Buffer
export interface Written {
  rdbType: number
  value: {type: string; count: number; value: unknown; bytes: Uint8Array}
}

const INT64_MAX = 2n ** 63n - 1n

/** Integers as clients write them, and texts that only look like one. */
const integerText = fc
  .oneof(
    fc.integer(),
    fc.bigInt({min: -INT64_MAX - 1n, max: INT64_MAX}),
    fc.constantFrom(0, 12, 13, 127, 128, -128, -129, 4095, 4096, -4097, 32_767, 32_768, 8_388_607, 8_388_608, 2 ** 31),
    fc.constantFrom('007', '-0', '+1', ' 1', '1 ', '9223372036854775808', '-9223372036854775809', '1e5', ''),
  )
  .map(one => Buffer.from(String(one)))

const text: fc.Arbitrary<Text> = fc.oneof(
  {weight: 4, arbitrary: fc.uint8Array({maxLength: 12}).map(bytes => Buffer.from(bytes))},
  {weight: 4, arbitrary: integerText},
  {weight: 1, arbitrary: fc.uint8Array({minLength: 60, maxLength: 70}).map(bytes => Buffer.from(bytes))},
  {weight: 1, arbitrary: fc.integer({min: 250, max: 5000}).map(bytes => Buffer.alloc(bytes, 'text '))},
)

const texts = fc.array(text, {maxLength: 12})
const pairs = fc.array(fc.tuple(text, text), {maxLength: 8})

/** A string in any of its stored forms. */
const storedForms: ((bytes: Text) => Buffer)[] = [
  bytes => str(bytes),
  // A length of 14 bits; a packed node may have more.
  bytes => (bytes.length < 2 ** 14 ? hex(0x40 | (bytes.length >> 8), bytes.length & 0xff, bytes) : str(bytes)),
  bytes => hex(0x80, be(4, bytes.length), bytes),
  bytes => hex(0x81, be(8, bytes.length), bytes),
  bytes => literalLzf(bytes),
  bytes => asInteger(bytes) ?? str(bytes),
]

/** LZF of literal runs only: longer than the text, and legal. */
function literalLzf(bytes: Text): Buffer {
  if (bytes.length === 0) return str(bytes)
  const runs: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 32) {
    const run = bytes.subarray(at, at + 32)
    runs.push(hex(run.length - 1, run))
  }
  return lzfStr(Buffer.concat(runs), bytes.length)
}

function asInteger(bytes: Text): Buffer | undefined {
  const number = Number(bytes.toString('latin1'))
  if (String(number) !== bytes.toString('latin1') || (number | 0) !== number || Object.is(number, -0)) return undefined
  return intStr(number === (number << 24) >> 24 ? 1 : number === (number << 16) >> 16 ? 2 : 4, number)
}

const stored = fc.constantFrom(...storedForms)

const string: fc.Arbitrary<Written> = fc
  .tuple(text, stored)
  .map(([bytes, form]) => ({rdbType: 0, value: value.string(bytes, form(bytes))}))

const list: fc.Arbitrary<Written> = fc
  .tuple(texts, stored, fc.integer({min: 1, max: 4}))
  .chain(([items, form, each]) => {
    const nodes: Text[][] = []
    for (let i = 0; i < items.length; i += each) nodes.push(items.slice(i, i + each))
    const ways: [number, Buffer][] = [
      [1, hex(len(items.length), ...items.map(form))],
      [10, form(ziplist(items))],
      [14, hex(len(nodes.length), ...nodes.map(node => form(ziplist(node))))],
      [18, hex(len(nodes.length), ...nodes.map(node => quicklistNode(node, form)))],
    ]
    return fc.constantFrom(...ways).map(([rdbType, bytes]) => ({rdbType, value: value.list(bytes, items)}))
  })

const quicklistNode = (node: Text[], form: (bytes: Text) => Buffer): Buffer =>
  node.length === 1 ? hex(len(1), form(node[0]!)) : hex(len(2), form(listpack(node)))

const set: fc.Arbitrary<Written> = fc.oneof(
  fc.tuple(texts, stored, fc.boolean()).map(([members, form, packed]) => {
    const bytes = packed ? form(listpack(members)) : hex(len(members.length), ...members.map(form))
    return {rdbType: packed ? 20 : 2, value: value.set(bytes, members)}
  }),
  fc
    .tuple(fc.uniqueArray(fc.bigInt({min: -INT64_MAX - 1n, max: INT64_MAX}), {maxLength: 9}), stored)
    .map(([all, form]) => {
      const members = all.toSorted((a, b) => (a < b ? -1 : 1))
      const bytes = form(intset(8, members))
      return {
        rdbType: 11,
        value: value.set(
          bytes,
          members.map(one => Buffer.from(String(one))),
        ),
      }
    }),
)

const scores = fc.oneof(fc.double({noNaN: true}), fc.integer(), fc.constantFrom(0, -0, 5e-324, 1e22, 2 ** 53))
const scoreText = (score: number): string => (Object.is(score, -0) ? '-0' : String(score).replace('Infinity', 'inf'))

const zset: fc.Arbitrary<Written> = fc
  .tuple(fc.array(fc.tuple(text, scores), {maxLength: 8}), stored, fc.constantFrom(3, 5, 12, 17))
  .map(([rows, form, rdbType]) => {
    const flat = rows.flatMap(([member, score]) => [member, scoreText(score)])
    const ascii = (score: number): Buffer =>
      Number.isFinite(score)
        ? hex(scoreText(score).length, Buffer.from(scoreText(score)))
        : hex(score > 0 ? 0xfe : 0xff)
    const spelled = rows.map(([member, score]) => hex(form(member), rdbType === 3 ? ascii(score) : f64(score)))
    const bytes =
      rdbType === 12 ? form(ziplist(flat)) : rdbType === 17 ? form(listpack(flat)) : hex(len(rows.length), ...spelled)
    return {rdbType, value: value.zset(bytes, rows)}
  })

const hash: fc.Arbitrary<Written> = fc
  .tuple(pairs, stored, fc.constantFrom(4, 9, 13, 16))
  .map(([rows, form, rdbType]) => {
    const flat = rows.flat()
    const bytes =
      rdbType === 9
        ? form(zipmap(rows))
        : rdbType === 13
          ? form(ziplist(flat))
          : rdbType === 16
            ? form(listpack(flat))
            : hex(len(rows.length), ...flat.map(form))
    return {rdbType, value: value.hash(bytes, rows)}
  })

const TIME_MAX = 2 ** 47
const expiring = fc.array(fc.tuple(text, text, fc.option(fc.integer({min: 1, max: TIME_MAX}), {nil: undefined})), {
  maxLength: 6,
})

const hashExpiring: fc.Arbitrary<Written> = fc
  .tuple(expiring, stored, fc.constantFrom(23, 24, 25))
  .map(([rows, form, rdbType]) => {
    const times = rows.flatMap(([, , at]) => at ?? [])
    const min = times.length > 0 ? Math.min(...times) : 0
    const triplets = form(listpack(rows.flatMap(([field, data, at]) => [field, data, at ?? 0])))
    const spelled = rows.map(([field, data, at]) =>
      hex(len(at === undefined ? 0 : at - min + 1), form(field), form(data)),
    )
    const bytes = {23: triplets, 24: hex(le(8, min), len(rows.length), ...spelled), 25: hex(le(8, min), triplets)}[
      rdbType
    ]!
    const meant = rows.map(([field, data, at]): value.Row => (at === undefined ? [field, data] : [field, data, at]))
    return {rdbType, value: value.hash(bytes, meant)}
  })

interface Message {
  ms: number
  seq: number
  values: Text[]
  deleted: boolean
}

const group = fc.record({
  name: fc.uint8Array({maxLength: 9}).map(bytes => Buffer.from(bytes).toString('hex')),
  entriesRead: fc.constantFrom(-1, 0, 5),
  ids: fc.uniqueArray(fc.nat(99), {maxLength: 4}),
  deliveredAtMs: fc.integer({min: -1, max: 2 ** 50}),
  deliveries: fc.nat(),
})

const stream: fc.Arbitrary<Written> = fc
  .record({
    version: fc.constantFrom(1, 2, 3, 4, 5),
    names: fc.array(text, {minLength: 1, maxLength: 3}),
    messages: fc.array(
      fc.record({ms: fc.nat(2 ** 40), seq: fc.integer({min: -9, max: 2 ** 40}), deleted: fc.boolean()}),
      {
        maxLength: 6,
      },
    ),
    filler: text,
    groups: fc.array(group, {maxLength: 2}),
  })
  .map(({version, names, messages, filler, groups}) => {
    const all: Message[] = messages.map(one => ({...one, values: names.map(() => filler)}))
    const live = all.filter(({deleted}) => !deleted)
    // IDs are differences to the node's own, 1000-10, of which a sequence may be below.
    const bytes = value.streamNode(
      names,
      all.map(({ms, seq, values, deleted}) => ({diff: [ms, seq] as [number, number], values, deleted})),
    )
    const built = value.stream(version, {
      nodes: all.length > 0 ? [{id: '1000-10', listpack: bytes}] : [],
      entries: live.map(({ms, seq, values}) => [
        `${1000 + ms}-${10 + seq}`,
        names.flatMap((name, i) => [name, values[i]!]),
      ]),
      lastId: '18446744073709551615-18446744073709551615',
      groups: groups.map(one => ({
        name: one.name,
        lastId: '5-0',
        entriesRead: one.entriesRead,
        pending: one.ids.map(
          id => [`${id}-1`, one.deliveredAtMs, one.deliveries, 'c'] as [string, number, number, string],
        ),
        consumers: [{name: 'c', seenAtMs: one.deliveredAtMs, pending: one.ids.map(id => `${id}-1`)}],
      })),
    })
    return {rdbType: [15, 19, 21, 26, 27][version - 1]!, value: built}
  })

export interface Key {
  key: Text
  written: Written
  expireMs: number | undefined
  idle: number | undefined
  frequency: number | undefined
  db: number
}

export const key: fc.Arbitrary<Key> = fc.record({
  key: text,
  written: fc.oneof(string, list, set, zset, hash, hashExpiring, stream),
  expireMs: fc.option(fc.integer({min: -5, max: 2 ** 48}), {nil: undefined}),
  idle: fc.option(fc.nat(), {nil: undefined}),
  frequency: fc.option(fc.nat(255), {nil: undefined}),
  db: fc.constantFrom(0, 0, 0, 1, 63, 64, 20_000),
})

/** The file of these keys, and what it holds. */
export function fileOf(keys: readonly Key[]): {bytes: Uint8Array; entries: GoldenEntry[]} {
  const file = new RdbFile('REDIS', 12)
  for (const {key: name, written, expireMs, idle, frequency, db} of keys) {
    if (file.database !== db) file.db(db)
    if (frequency !== undefined) file.frequency(frequency)
    if (expireMs !== undefined) file.expireMs(expireMs)
    if (idle !== undefined) file.idle(idle)
    file.key(written.rdbType, name, written.value)
  }
  return {bytes: new Uint8Array(file.end()), entries: file.entries as GoldenEntry[]}
}
