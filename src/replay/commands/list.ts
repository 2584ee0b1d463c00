/** Lists. */
import {ListValue} from '../../resident/list.js'
import type {Call} from '../call.js'
import {
  type CommandFamily,
  keyed,
  keyless,
  NO_SUCH_KEY,
  OUT_OF_RANGE,
  ReplyError,
  syntaxError,
  UnreplayableError,
} from '../command.js'
import {blockingMultiPop, blockingPop, checkTimeout, type Ended, multiPop, pop} from './pop.js'

type End = 'head' | 'tail'

/** key element [element ...] */
function push(end: End, mustExist: boolean): (call: Call) => void {
  return call => {
    const list = mustExist ? call.lookup(1, ListValue) : call.open(1, ListValue)
    if (list === undefined) return
    for (let arg = 2; arg < call.argc; arg++) pushOne(list, end, call.bytes, call.start(arg), call.end(arg))
  }
}

function pushOne(list: ListValue, end: End, bytes: Uint8Array, start: number, stop: number): void {
  if (end === 'head') list.pushHead(bytes, start, stop)
  else list.pushTail(bytes, start, stop)
}

function drop(list: ListValue, end: End, count: number): void {
  if (end === 'head') list.dropHead(count)
  else list.dropTail(count)
}

function endOf(call: Call, arg: number): End {
  if (call.is(arg, 'LEFT')) return 'head'
  if (call.is(arg, 'RIGHT')) return 'tail'
  throw syntaxError()
}

/** From one end of the list at argument 1 to one of the list at argument 2, which may be the same. */
function moveOne(call: Call, from: End, to: End): void {
  const source = call.lookup(1, ListValue)
  if (source === undefined) return
  const target = call.lookup(2, ListValue)
  source.look(from === 'head' ? 0 : source.size - 1)
  // It is about to be overwritten where it lies.
  const element = source.at.bytes.slice(source.at.start, source.at.end)
  drop(source, from, 1)
  const into = target ?? call.make(2, new ListValue(call.keyspace.arena))
  pushOne(into, to, element, 0, element.length)
  call.removeIfEmpty(1, source)
}

function lmove(call: Call): void {
  moveOne(call, endOf(call, 3), endOf(call, 4))
}

/** source destination LEFT|RIGHT LEFT|RIGHT timeout */
function blmove(call: Call): void {
  const from = endOf(call, 3)
  const to = endOf(call, 4)
  checkTimeout(call, 5)
  moveOne(call, from, to)
}

/** source destination timeout */
function brpoplpush(call: Call): void {
  checkTimeout(call, 3)
  moveOne(call, 'tail', 'head')
}

const ended: Ended<ListValue> = {
  kind: ListValue,
  words: ['LEFT', 'RIGHT'],
  drop: (list, first, count) => drop(list, first ? 'head' : 'tail', count),
}

/** key start stop: what is kept. */
function ltrim(call: Call): void {
  const from = call.number(2)
  const to = call.number(3)
  const list = call.lookup(1, ListValue)
  if (list === undefined) return
  const {size} = list
  const first = Math.max(from < 0 ? from + size : from, 0)
  const last = Math.min(to < 0 ? to + size : to, size - 1)
  if (first > last) {
    call.remove(1)
    return
  }
  if (last < size - 1) list.dropTail(size - 1 - last)
  if (first > 0) list.dropHead(first)
}

function lset(call: Call): void {
  const list = call.lookup(1, ListValue)
  if (list === undefined) throw new ReplyError(NO_SUCH_KEY)
  // Of an index servers see 32 bits (redis 7.2 t_list.c listTypeReplaceAtIndex); before, what has more was out of range.
  const given = call.halves(2).low | 0
  const index = given < 0 ? given + list.size : given
  if (index < 0 || index >= list.size) throw new ReplyError(OUT_OF_RANGE)
  list.set(index, call.bytes, call.start(3), call.end(3))
}

/** key BEFORE|AFTER pivot element */
function linsert(call: Call): void {
  const after = call.is(2, 'AFTER')
  if (!after && !call.is(2, 'BEFORE')) throw syntaxError()
  const list = call.lookup(1, ListValue)
  if (list === undefined) return
  const [index] = indexesOf(list, call, 3, 1)
  if (index === undefined) return
  list.insert(after ? index + 1 : index, call.bytes, call.start(4), call.end(4))
}

/** Where the element that is an argument stands, at most so many times. */
function indexesOf(list: ListValue, call: Call, arg: number, most: number): number[] {
  const found: number[] = []
  const {bytes} = call
  const start = call.start(arg)
  const length = call.length(arg)
  let index = -1
  list.each((own, ownStart, ownEnd) => {
    index++
    if (ownEnd - ownStart !== length) return true
    for (let i = 0; i < length; i++) if (own[ownStart + i] !== bytes[start + i]) return true
    found.push(index)
    return found.length < most
  })
  return found
}

/** key count element: from the head, below zero from the tail, 0 all. */
function lrem(call: Call): void {
  const count = call.number(2)
  const list = call.lookup(1, ListValue)
  if (list === undefined) return
  const found = indexesOf(list, call, 3, count > 0 ? count : Number.POSITIVE_INFINITY)
  const removed = count < 0 ? found.slice(count) : found
  if (removed.length > SINGLY_MAX) removeMany(list, new Set(removed))
  else for (const index of removed.toReversed()) list.remove(index)
  call.removeIfEmpty(1, list)
}

/** More are removed by writing the list anew. */
const SINGLY_MAX = 16

function removeMany(list: ListValue, removed: ReadonlySet<number>): void {
  const kept = new ListValue(list.arena)
  let index = 0
  list.each((bytes, start, end) => {
    if (!removed.has(index++)) kept.pushTail(bytes, start, end)
  })
  list.become(kept)
}

const unknownMany = (): never => {
  throw new UnreplayableError('how it is written to a log is not known')
}

export const listCommands: CommandFamily = {
  LPUSH: keyed(-3, push('head', false)),
  RPUSH: keyed(-3, push('tail', false)),
  LPUSHX: keyed(-3, push('head', true)),
  RPUSHX: keyed(-3, push('tail', true)),
  LPOP: keyed(-2, pop(ended, true, 'LPOP')),
  RPOP: keyed(-2, pop(ended, false, 'RPOP')),
  BLPOP: keyed(-3, blockingPop(ended, true)),
  BRPOP: keyed(-3, blockingPop(ended, false)),
  RPOPLPUSH: keyed(3, call => moveOne(call, 'tail', 'head')),
  BRPOPLPUSH: keyed(4, brpoplpush),
  LMOVE: keyed(5, lmove),
  BLMOVE: keyed(6, blmove),
  LMPOP: keyless(-4, multiPop(ended)),
  BLMPOP: keyless(-5, blockingMultiPop(ended)),
  LMOVEM: keyed(-6, unknownMany),
  BLMOVEM: keyed(-7, unknownMany),
  LTRIM: keyed(4, ltrim),
  LSET: keyed(4, lset),
  LINSERT: keyed(5, linsert),
  LREM: keyed(4, lrem),
}
