/** Which members a range of a sorted set means: by rank, by score, by member. */
import {parseDouble} from '../../bytes/decimal.js'
import type {SortedSetValue} from '../../resident/sorted-set.js'
import type {Call} from '../call.js'
import {ReplyError} from '../command.js'

/** The first rank and the last; the first is the larger where there is none between. */
export type Ranks = (set: SortedSetValue) => [from: number, to: number]

const OPEN = 0x28
const CLOSED = 0x5b
const MINUS = 0x2d
const PLUS = 0x2b

/** Ranks, from the end where below zero. */
export function rankRange(call: Call, first: number, last: number): Ranks {
  const from = call.number(first)
  const to = call.number(last)
  return ({size}) => [Math.max(from < 0 ? from + size : from, 0), Math.min(to < 0 ? to + size : to, size - 1)]
}

interface ScoreBound {
  score: number
  exclusive: boolean
}

function scoreBound(call: Call, arg: number): ScoreBound {
  const start = call.start(arg)
  const exclusive = call.bytes[start] === OPEN && call.length(arg) > 0
  const from = exclusive ? start + 1 : start
  // Nothing is nought: so reads strtod.
  const score = from === call.end(arg) ? 0 : parseDouble(call.bytes, from, call.end(arg))
  if (score === undefined || Number.isNaN(score)) throw new ReplyError('ERR min or max is not a float')
  return {score, exclusive}
}

/** Scores, `(` before one that is left out. */
export function scoreRange(call: Call, first: number, last: number): Ranks {
  const min = scoreBound(call, first)
  const max = scoreBound(call, last)
  return set => [set.rankOfScore(min.score, min.exclusive), set.rankOfScore(max.score, !max.exclusive) - 1]
}

interface MemberBound {
  /** Before or behind all. */
  end: 'first' | 'last' | undefined
  bytes: Uint8Array
  exclusive: boolean
}

function memberBound(call: Call, arg: number): MemberBound {
  const mark = call.length(arg) > 0 ? call.bytes[call.start(arg)]! : 0
  const bytes = call.copy(arg).subarray(1)
  const single = call.length(arg) === 1
  if (mark === MINUS && single) return {end: 'first', bytes, exclusive: false}
  if (mark === PLUS && single) return {end: 'last', bytes, exclusive: false}
  if (mark !== OPEN && mark !== CLOSED) throw new ReplyError('ERR min or max not valid string range item')
  return {end: undefined, bytes, exclusive: mark === OPEN}
}

function rankOf(set: SortedSetValue, {end, bytes}: MemberBound, inclusive: boolean): number {
  if (end !== undefined) return end === 'first' ? 0 : set.size
  return set.rankOfBytes(bytes, 0, bytes.length, inclusive)
}

/** Members, where all have one score: `[` or `(` before one, `-` and `+` for all. */
export function lexRange(call: Call, first: number, last: number): Ranks {
  const min = memberBound(call, first)
  const max = memberBound(call, last)
  return set => [rankOf(set, min, min.exclusive), rankOf(set, max, !max.exclusive) - 1]
}
