/** diff: random edits of random data are told exactly, and nothing else; in a little memory as in much. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {ValueType} from '../../src/index.js'
import {countsOf, type DifferenceLine, differencesOf} from '../reading/differences.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()

interface Row {
  db: number
  key: string
  type: ValueType
  value: unknown
  expireAtMs?: number
}

const word = fc.oneof(
  fc.string({maxLength: 6}),
  fc.integer().map(String),
  fc.constantFrom('007', '-0', '0', '-1', ' 1', '9007199254740993', '99999999999999999999', '123456789012345678'),
  fc.string({minLength: 20, maxLength: 90}),
)
const distinctWords = fc.uniqueArray(word, {minLength: 1, maxLength: 8})
const score = fc.oneof(fc.double({noNaN: true, noDefaultInfinity: true}), fc.integer(), fc.constantFrom(0, 0.1, 1e300))
const plusZero = (value: number): number => (Object.is(value, -0) ? 0 : value)
const expiry = fc.option(fc.integer({min: 1, max: 2 ** 42}), {nil: undefined})

const value: fc.Arbitrary<Pick<Row, 'type' | 'value'>> = fc.oneof(
  fc
    .oneof(word, fc.string({minLength: 33_000, maxLength: 70_000}))
    .map(text => ({type: 'string' as const, value: text})),
  fc.array(word, {minLength: 1, maxLength: 12}).map(items => ({type: 'list' as const, value: items})),
  distinctWords.map(members => ({type: 'set' as const, value: members})),
  fc
    .tuple(distinctWords, fc.array(score, {minLength: 8, maxLength: 8}))
    .map(([members, scores]) => ({type: 'zset' as const, value: members.map((one, i) => [one, plusZero(scores[i]!)])})),
  fc
    .tuple(distinctWords, fc.array(word, {minLength: 8, maxLength: 8}), fc.array(expiry, {minLength: 8, maxLength: 8}))
    .map(([names, values, times]) => ({
      type: 'hash' as const,
      value: names.map((name, i) => (times[i] === undefined ? [name, values[i]] : [name, values[i], times[i]])),
    })),
)

const row: fc.Arbitrary<Row> = fc
  .tuple(fc.constantFrom(0, 0, 1, 9), fc.string({maxLength: 8}), value, expiry)
  .map(([db, key, one, expireAtMs]) => ({db, key, ...one, ...(expireAtMs === undefined ? {} : {expireAtMs})}))

const rows = fc.uniqueArray(row, {selector: ({db, key}) => `${db} ${key}`, maxLength: 25})

/** What becomes of a row: it stays, goes, is new, or has another value or expiry. */
const edit = fc.tuple(fc.constantFrom('stay', 'stay', 'stay', 'go', 'come', 'value', 'expiry'), value, expiry)

const textOf = (all: readonly Row[]): string => '{"meta":{}}\n' + all.map(one => `${JSON.stringify(one)}\n`).join('')
const idOf = ({db, key}: {db?: number; key?: unknown}): string => `${db} ${JSON.stringify(key)}`

const UNORDERED: ReadonlySet<string> = new Set(['set', 'zset', 'hash'])

/** A value in a form in which equal ones are equal texts. */
function canonical({type, value: held}: Pick<Row, 'type' | 'value'>): string {
  if (!UNORDERED.has(type)) return JSON.stringify([type, held])
  return JSON.stringify([type, (held as unknown[]).map(one => JSON.stringify(one)).sort()])
}

/** The differences of a value, applied to it: what comes out must be the other. */
function patched(before: Row, line: DifferenceLine): Row {
  const after = structuredClone(before)
  const held = new Map(
    UNORDERED.has(before.type)
      ? (before.value as unknown[]).map(one => (before.type === 'set' ? [one, one] : [(one as unknown[])[0], one]))
      : [],
  ) as Map<unknown, unknown[]>
  for (const one of line.differences!) apply(one, after, held)
  if (UNORDERED.has(before.type)) after.value = [...held.values()]
  return after
}

function apply(one: Record<string, unknown>, row: Row, held: Map<unknown, unknown[]>): void {
  const {what, before, after} = one
  if (what === 'expiry') {
    expect(row.expireAtMs).toBe(before)
    if (after === undefined) delete row.expireAtMs
    else row.expireAtMs = after as number
  } else if (what === 'value') {
    expect(before).toBe(row.value)
    row.value = after
  } else if (what === 'items') {
    const at = one['at'] as number
    const [gone = [], come = []] = [before, after] as unknown[][]
    expect((row.value as unknown[]).splice(at, gone.length, ...come)).toEqual(gone)
  } else if (what === 'member') {
    if (after === undefined) expect(held.delete(before)).toBe(true)
    else held.set(after, after as unknown[])
  } else if (what === 'score') {
    expect(held.get(one['member'])?.[1]).toBe(before)
    if (after === undefined) held.delete(one['member'])
    else held.set(one['member'], [one['member'], after])
  } else if (what === 'field') {
    expect(held.get(one['field'])?.[1]).toBe(before)
    const time = held.get(one['field'])?.slice(2) ?? []
    if (after === undefined) held.delete(one['field'])
    else held.set(one['field'], [one['field'], after, ...time])
  } else if (what === 'fieldExpiry') {
    const [name, text] = held.get(one['field']) ?? []
    if (name !== undefined) held.set(one['field'], after === undefined ? [name, text] : [name, text, after])
  } else {
    expect.fail(`an unknown difference: ${String(what)}`)
  }
}

const memories = fc.constantFrom(4096, 100_000, undefined)

describe('random edits', () => {
  it('are told exactly, whatever the order', {timeout: 120_000}, async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.array(edit, {minLength: 25, maxLength: 25}),
        fc.array(fc.nat(), {minLength: 60, maxLength: 60}),
        memories,
        check,
      ),
      {numRuns: 150, endOnFailure: true},
    )
  })
})

async function check(
  before: Row[],
  edits: [string, Pick<Row, 'type' | 'value'>, number | undefined][],
  numbers: Iterable<number>,
  memoryBytes: number | undefined,
): Promise<void> {
  const after = before.flatMap((one, i): Row[] => {
    const [what, other, expireAtMs] = edits[i]!
    if (what === 'go') return []
    if (what === 'value') return [{...one, ...other}]
    const {expireAtMs: _, ...rest} = one
    if (what === 'expiry') return [{...rest, ...(expireAtMs === undefined ? {} : {expireAtMs})}]
    if (what === 'come') return [one, {...rest, db: 100 + one.db}]
    return [one]
  })
  const next = numbers[Symbol.iterator]()
  const order = new Map(after.map(one => [one, next.next().value as number]))
  const shuffled = after.toSorted((a, b) => order.get(a)! - order.get(b)!)
  const paths = [folder.write('before.jsonl', textOf(before)), folder.write('after.jsonl', textOf(shuffled))] as const
  const {result, lines} = await differencesOf(...paths, {memoryBytes, nowMs: 0})

  const [old, young] = [before, after].map(all => new Map(all.map(one => [idOf(one), one])))
  const wanted = [...new Set([...old!.keys(), ...young!.keys()])].flatMap((id): string[] => {
    const [one, other] = [old!.get(id), young!.get(id)]
    if (one === undefined) return [`added ${id}`]
    if (other === undefined) return [`removed ${id}`]
    return canonical(one) === canonical(other) && one.expireAtMs === other.expireAtMs ? [] : [`changed ${id}`]
  })
  expect(lines.map(line => `${line.change} ${idOf(line)}`).sort()).toEqual(wanted.sort())
  expect(result.equal).toBe(wanted.length === 0)
  expect(countsOf(result)['before'] ?? 0).toBe(before.length)
  expect(countsOf(result)['after'] ?? 0).toBe(after.length)
  for (const line of lines) {
    const [one, other] = [old!.get(idOf(line)), young!.get(idOf(line))]
    if (line.change === 'removed') expect(canonical(line as unknown as Row)).toBe(canonical(one!))
    else if (line.change === 'added') expect(canonical(line as unknown as Row)).toBe(canonical(other!))
    else if (one!.type !== other!.type)
      expect(line.differences).toContainEqual({what: 'type', before: one!.type, after: other!.type})
    else {
      const made = patched(one!, line)
      expect(canonical(made)).toBe(canonical(other!))
      expect(made.expireAtMs).toBe(other!.expireAtMs)
    }
  }
}
