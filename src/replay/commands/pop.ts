/** Commands that take elements from an end of a list or of a sorted set. */
import type {ResidentValue} from '../../resident/value.js'
import type {Call, ValueClass} from '../call.js'
import {ReplyError, syntaxError, wrongArgc} from '../command.js'

/** A kind of collection with two ends. */
export interface Ended<T extends ResidentValue> {
  kind: ValueClass<T>
  /** The words for the ends, the first one's first. */
  words: readonly [first: string, last: string]
  /** Removes so many elements at an end, at most as many as there are. */
  drop(value: T, first: boolean, count: number): void
}

const NEGATIVE = 'ERR value is out of range, must be positive'
const NO_KEYS = 'ERR numkeys should be greater than 0'
const NO_COUNT = 'ERR count should be greater than 0'

/** Checks how long a command would wait: while a log is loaded none does. */
export function checkTimeout(call: Call, arg: number): void {
  const seconds = call.double(arg, 'ERR timeout is not a float or out of range')
  if (seconds * 1000 > 2 ** 63) throw new ReplyError('ERR timeout is out of range')
  if (seconds < 0) throw new ReplyError('ERR timeout is negative')
}

function popFrom<T extends ResidentValue>(
  {kind, drop}: Ended<T>,
  call: Call,
  arg: number,
  first: boolean,
  count: number,
): void {
  const value = call.lookup(arg, kind)
  if (value === undefined || count === 0) return
  drop(value, first, count)
  call.removeIfEmpty(arg, value)
}

/** From the first of some keys that there is. */
function popFromOne<T extends ResidentValue>(
  ended: Ended<T>,
  call: Call,
  arg: number,
  end: number,
  first: boolean,
  count: number,
): void {
  for (let key = arg; key < end; key++) {
    if (call.lookup(key, ended.kind) === undefined) continue
    popFrom(ended, call, key, first, count)
    return
  }
}

/** key [count] */
export function pop<T extends ResidentValue>(ended: Ended<T>, first: boolean, name: string): (call: Call) => void {
  return call => {
    if (call.argc > 3) throw wrongArgc(name)
    const count = call.argc === 3 ? call.number(2, NEGATIVE) : 1
    if (count < 0) throw new ReplyError(NEGATIVE)
    popFrom(ended, call, 1, first, count)
  }
}

/** key [key ...] timeout */
export function blockingPop<T extends ResidentValue>(ended: Ended<T>, first: boolean): (call: Call) => void {
  return call => {
    checkTimeout(call, call.argc - 1)
    popFromOne(ended, call, 1, call.argc - 1, first, 1)
  }
}

/** numkeys key [key ...] first|last [COUNT n] */
export function multiPop<T extends ResidentValue>(ended: Ended<T>): (call: Call) => void {
  return call => multiPopAt(ended, call, 1)
}

/** The same behind a timeout. */
export function blockingMultiPop<T extends ResidentValue>(ended: Ended<T>): (call: Call) => void {
  return call => multiPopAt(ended, call, 2)
}

function multiPopAt<T extends ResidentValue>(ended: Ended<T>, call: Call, arg: number): void {
  const keys = call.number(arg, NO_KEYS)
  if (keys <= 0) throw new ReplyError(NO_KEYS)
  const where = arg + 1 + keys
  const first = call.is(where, ended.words[0])
  if (!first && !call.is(where, ended.words[1])) throw syntaxError()
  let count = 1
  if (call.argc > where + 1) {
    if (!call.is(where + 1, 'COUNT') || call.argc !== where + 3) throw syntaxError()
    count = call.number(where + 2, NO_COUNT)
    if (count <= 0) throw new ReplyError(NO_COUNT)
  }
  if (arg === 2) checkTimeout(call, 1)
  popFromOne(ended, call, arg + 1, where, first, count)
}
