/** What makes a sorted set of others: unions, intersections, differences, ranges. */
import {SetValue} from '../../resident/set.js'
import {SortedSetValue} from '../../resident/sorted-set.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, syntaxError, WRONG_TYPE} from '../command.js'
import {lexRange, rankRange, scoreRange} from './sorted-set-range.js'

/** What is combined: a sorted set, or a set whose members all score 1. */
type Source = SetValue | SortedSetValue | undefined
type Aggregate = (one: number, other: number) => number

/** Infinities of both signs cancel out (redis 7.0 t_zset.c zunionInterAggregate). */
const sum: Aggregate = (one, other) => (Number.isNaN(one + other) ? 0 : one + other)
const AGGREGATES: readonly [word: string, aggregate: Aggregate][] = [
  ['SUM', sum],
  // What is no number is neither: the first stays.
  ['MIN', (one, other) => (Number.isNaN(other) ? one : Math.min(one, other))],
  ['MAX', (one, other) => (Number.isNaN(other) ? one : Math.max(one, other))],
]

interface Combination {
  sources: Source[]
  weights: number[]
  aggregate: Aggregate
  /** Every source that has the member counts 1, times its weight (redis 8.8). */
  counts: boolean
}

function sourceOf(call: Call, arg: number): Source {
  const entry = call.find(arg)
  if (entry < 0) return undefined
  const value = call.db.value(entry)
  if (value instanceof SetValue || value instanceof SortedSetValue) return value
  throw new ReplyError(WRONG_TYPE)
}

/** destination numkeys key [key ...] [WEIGHTS n ...] [AGGREGATE word] */
function combination(call: Call, name: string, weighted: boolean): Combination {
  const keys = call.number(2)
  if (keys < 1) throw new ReplyError(`ERR at least 1 input key is needed for '${name.toLowerCase()}' command`)
  if (keys > call.argc - 3) throw syntaxError()
  const sources = Array.from({length: keys}, (_, i) => sourceOf(call, 3 + i))
  const made: Combination = {sources, weights: sources.map(() => 1), aggregate: sum, counts: false}
  for (let arg = 3 + keys; arg < call.argc; ) {
    if (weighted && call.is(arg, 'WEIGHTS') && arg + keys < call.argc) {
      made.weights = sources.map((_, i) => call.double(arg + 1 + i, 'ERR weight value is not a float'))
      arg += keys + 1
    } else if (weighted && call.is(arg, 'AGGREGATE') && arg + 1 < call.argc) {
      const found = AGGREGATES.find(([word]) => call.is(arg + 1, word))
      made.counts = found === undefined && call.is(arg + 1, 'COUNT')
      if (found === undefined && !made.counts) throw syntaxError()
      made.aggregate = found?.[1] ?? sum
      arg += 2
    } else {
      throw syntaxError()
    }
  }
  return made
}

function each(source: Source, take: (bytes: Uint8Array, start: number, end: number, score: number) => void): void {
  if (source instanceof SetValue) source.each((bytes, start, end) => take(bytes, start, end, 1))
  else source?.each(take)
}

function scoreIn(source: Source, bytes: Uint8Array, start: number, end: number): number | undefined {
  if (source instanceof SetValue) return source.has(bytes, start, end) ? 1 : undefined
  return source?.score(bytes, start, end)
}

function weighed({weights, counts}: Combination, source: number, score: number): number {
  return weights[source]! * (counts ? 1 : score)
}

/** Of a source that is met first, infinity times zero is zero. */
function first(made: Combination, source: number, score: number): number {
  const product = weighed(made, source, score)
  return Number.isNaN(product) ? 0 : product
}

/** Sources from the smallest on, so that sums round as a server's (redis 7.0 t_zset.c sorts its sources). */
function bySize({sources}: Combination): number[] {
  const size = (i: number): number => sources[i]?.size ?? 0
  return sources.map((_, i) => i).sort((one, other) => size(one) - size(other))
}

function union(made: Combination, into: SortedSetValue): void {
  for (const i of bySize(made)) {
    each(made.sources[i], (bytes, start, end, score) => {
      const own = first(made, i, score)
      const before = into.score(bytes, start, end)
      into.set(bytes, start, end, before === undefined ? own : made.aggregate(before, own))
    })
  }
}

function intersection(made: Combination, into: SortedSetValue): void {
  const {sources} = made
  if (sources.includes(undefined)) return
  const [smallest = 0, ...others] = bySize(made)
  each(sources[smallest], (bytes, start, end, own) => {
    let score = first(made, smallest, own)
    for (const i of others) {
      // The same set twice is not looked into while it is walked.
      const other = sources[i] === sources[smallest] ? own : scoreIn(sources[i], bytes, start, end)
      if (other === undefined) return
      score = made.aggregate(score, weighed(made, i, other))
    }
    into.set(bytes, start, end, score)
  })
}

function difference({sources: [first, ...others]}: Combination, into: SortedSetValue): void {
  if (others.includes(first)) return
  each(first, (bytes, start, end, score) => {
    if (!others.some(other => scoreIn(other, bytes, start, end) !== undefined)) into.set(bytes, start, end, score)
  })
}

function replace(call: Call, into: SortedSetValue): void {
  call.remove(1)
  if (into.size > 0) call.make(1, into)
}

function store(
  name: string,
  combine: (made: Combination, into: SortedSetValue) => void,
  weighted = true,
): (call: Call) => void {
  return call => {
    const made = combination(call, name, weighted)
    const into = new SortedSetValue(call.keyspace.arena, true)
    combine(made, into)
    into.settle()
    replace(call, into)
  }
}

/** destination source min max [BYSCORE|BYLEX] [REV] [LIMIT offset count] */
function zrangestore(call: Call): void {
  let by: 'rank' | 'score' | 'lex' = 'rank'
  let reversed = false
  let offset = 0
  let count = -1
  let limited = false
  for (let arg = 5; arg < call.argc; arg++) {
    if (call.is(arg, 'BYSCORE')) by = 'score'
    else if (call.is(arg, 'BYLEX')) by = 'lex'
    else if (call.is(arg, 'REV')) reversed = true
    else if (call.is(arg, 'LIMIT') && arg + 2 < call.argc) {
      limited = true
      offset = call.number(arg + 1)
      count = call.number(arg + 2)
      arg += 2
    } else throw syntaxError()
  }
  if (limited && by === 'rank') {
    throw new ReplyError('ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX')
  }
  // Backwards, ranks count from the end, and the larger bound comes first.
  const [first, last] = reversed && by !== 'rank' ? [4, 3] : [3, 4]
  const range = {rank: rankRange, score: scoreRange, lex: lexRange}[by]
  const ranks = range(call, first, last)
  const set = call.lookup(2, SortedSetValue)
  const into = new SortedSetValue(call.keyspace.arena)
  if (set !== undefined) {
    let [from, to] = ranks(set)
    if (reversed && by === 'rank') [from, to] = [set.size - 1 - to, set.size - 1 - from]
    ;[from, to] = limit(from, to, reversed, offset, count)
    if (from <= to) set.range(from, to, (bytes, start, end, score) => into.set(bytes, start, end, score) || true)
  }
  replace(call, into)
}

function limit(from: number, to: number, reversed: boolean, offset: number, count: number): [number, number] {
  if (offset < 0) return [0, -1]
  const most = count < 0 ? Number.POSITIVE_INFINITY : count
  if (reversed) return [Math.max(from, to - offset - most + 1), to - offset]
  return [from + offset, Math.min(to, from + offset + most - 1)]
}

export const sortedSetStores: CommandFamily = {
  ZUNIONSTORE: keyed(-4, store('ZUNIONSTORE', union)),
  ZINTERSTORE: keyed(-4, store('ZINTERSTORE', intersection)),
  ZDIFFSTORE: keyed(-4, store('ZDIFFSTORE', difference, false)),
  ZRANGESTORE: keyed(-5, zrangestore),
}
