/** Sorted sets: members and their scores. */
import {SortedSetValue} from '../../resident/sorted-set.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, keyless, ReplyError, syntaxError} from '../command.js'
import {blockingMultiPop, blockingPop, type Ended, multiPop, pop} from './pop.js'
import {lexRange, rankRange, scoreRange} from './sorted-set-range.js'
import {sortedSetStores} from './sorted-set-store.js'

const NOT_FLOAT = 'ERR value is not a valid float'
const NAN = 'ERR resulting score is not a number (NaN)'

interface AddFlags {
  nx: boolean
  xx: boolean
  gt: boolean
  lt: boolean
  increment: boolean
}

/** ZADD's options up to its first score: where that stands. */
function addFlags(call: Call, flags: AddFlags): number {
  let arg = 2
  for (; arg < call.argc; arg++) {
    if (call.is(arg, 'NX')) flags.nx = true
    else if (call.is(arg, 'XX')) flags.xx = true
    else if (call.is(arg, 'GT')) flags.gt = true
    else if (call.is(arg, 'LT')) flags.lt = true
    else if (call.is(arg, 'INCR')) flags.increment = true
    else if (!call.is(arg, 'CH')) break
  }
  return arg
}

function checkFlags({nx, xx, gt, lt, increment}: AddFlags, elements: number): void {
  if (nx && xx) throw new ReplyError('ERR XX and NX options at the same time are not compatible')
  if ((gt && nx) || (lt && nx) || (gt && lt)) {
    throw new ReplyError('ERR GT, LT, and/or NX options at the same time are not compatible')
  }
  if (increment && elements > 1) throw new ReplyError('ERR INCR option supports a single increment-element pair')
}

const flags: AddFlags = {nx: false, xx: false, gt: false, lt: false, increment: false}
let scores = new Float64Array(64)

/** key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...] */
function zadd(call: Call): void {
  flags.nx = flags.xx = flags.gt = flags.lt = flags.increment = false
  // A score is no word: most have none of these.
  const first = call.bytes[call.start(2)]! >= 0x41 ? addFlags(call, flags) : 2
  addAll(call, first, flags)
}

function addAll(call: Call, first: number, flags: AddFlags): void {
  const elements = (call.argc - first) / 2
  if (elements < 1 || !Number.isInteger(elements)) throw syntaxError()
  checkFlags(flags, elements)
  if (elements > scores.length) scores = new Float64Array(elements * 2)
  for (let i = 0; i < elements; i++) scores[i] = call.double(first + 2 * i, NOT_FLOAT)
  const there = call.lookup(1, SortedSetValue)
  if (there === undefined && flags.xx) return
  const set = there ?? call.make(1, new SortedSetValue(call.keyspace.arena))
  try {
    for (let i = 0; i < elements; i++) addOne(call, set, first + 2 * i + 1, scores[i]!, flags)
  } finally {
    call.removeIfEmpty(1, set)
  }
}

function addOne(call: Call, set: SortedSetValue, arg: number, given: number, flags: AddFlags): void {
  const {bytes} = call
  const start = call.start(arg)
  const end = call.end(arg)
  if (!flags.nx && !flags.xx && !flags.gt && !flags.lt && !flags.increment) {
    set.set(bytes, start, end, given)
    return
  }
  const before = set.score(bytes, start, end)
  if (before === undefined ? flags.xx : flags.nx) return
  const score = flags.increment && before !== undefined ? before + given : given
  if (Number.isNaN(score)) throw new ReplyError(NAN)
  if (before !== undefined && ((flags.gt && score <= before) || (flags.lt && score >= before))) return
  set.set(bytes, start, end, score)
}

/** key increment member */
function zincrby(call: Call): void {
  const increment = call.double(2, NOT_FLOAT)
  const there = call.lookup(1, SortedSetValue)
  const {bytes} = call
  const start = call.start(3)
  const end = call.end(3)
  // Of a new member it is the increment itself: minus zero stays.
  const before = there?.score(bytes, start, end)
  const score = before === undefined ? increment : before + increment
  if (Number.isNaN(score)) throw new ReplyError(NAN)
  const set = there ?? call.make(1, new SortedSetValue(call.keyspace.arena))
  set.set(bytes, start, end, score)
}

function zrem(call: Call): void {
  const set = call.lookup(1, SortedSetValue)
  if (set === undefined) return
  for (let arg = 2; arg < call.argc; arg++) set.remove(call.bytes, call.start(arg), call.end(arg))
  call.removeIfEmpty(1, set)
}

/** key first last: of ranks, of scores, or of members. */
function removeRange(range: typeof rankRange): (call: Call) => void {
  return call => {
    const ranks = range(call, 2, 3)
    const set = call.lookup(1, SortedSetValue)
    if (set === undefined) return
    const [from, to] = ranks(set)
    set.removeRanks(from, to)
    call.removeIfEmpty(1, set)
  }
}

const ended: Ended<SortedSetValue> = {
  kind: SortedSetValue,
  words: ['MIN', 'MAX'],
  drop: (set, first, count) => {
    const {size} = set
    if (first) set.removeRanks(0, Math.min(count, size) - 1)
    else set.removeRanks(Math.max(size - count, 0), size - 1)
  },
}

export const sortedSetCommands: CommandFamily = {
  ZADD: keyed(-4, zadd),
  ZINCRBY: keyed(4, zincrby),
  ZREM: keyed(-3, zrem),
  ZREMRANGEBYRANK: keyed(4, removeRange(rankRange)),
  ZREMRANGEBYSCORE: keyed(4, removeRange(scoreRange)),
  ZREMRANGEBYLEX: keyed(4, removeRange(lexRange)),
  ZPOPMIN: keyed(-2, pop(ended, true, 'ZPOPMIN')),
  ZPOPMAX: keyed(-2, pop(ended, false, 'ZPOPMAX')),
  BZPOPMIN: keyed(-3, blockingPop(ended, true)),
  BZPOPMAX: keyed(-3, blockingPop(ended, false)),
  ZMPOP: keyless(-4, multiPop(ended)),
  BZMPOP: keyless(-5, blockingMultiPop(ended)),
  ...sortedSetStores,
}
