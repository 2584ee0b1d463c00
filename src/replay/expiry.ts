/** Expiries as commands say them: in seconds or milliseconds, from now or since 1970. */
import type {Int64} from '../bytes/int64.js'
import {scaleInt64, sumInt64} from '../bytes/int64.js'
import {NEVER} from '../keyspace/entry.js'
import type {Call} from './call.js'
import {ReplyError} from './command.js'

export type Unit = 'EX' | 'PX' | 'EXAT' | 'PXAT'

/** What an option's word says of the number behind it; undefined for any other word. */
export function expiryUnit(call: Call, arg: number): Unit | undefined {
  if (call.is(arg, 'PXAT')) return 'PXAT'
  if (call.is(arg, 'EX')) return 'EX'
  if (call.is(arg, 'PX')) return 'PX'
  return call.is(arg, 'EXAT') ? 'EXAT' : undefined
}

/** The moment in milliseconds since 1970. Throws as the server does where it is not above zero, or beyond 64 bits. */
export function absoluteExpiry(call: Call, arg: number, unit: Unit, command: string): Int64 {
  const given = call.integer(arg)
  if (given <= 0) throw invalidExpiry(command)
  return expiryOf(call, given, unit, command)
}

/** The same, of a number that may be zero or below: then it is past. */
export function expiryOf(call: Call, given: Int64, unit: Unit, command: string): Int64 {
  const ms = unit === 'EX' || unit === 'EXAT' ? scaleInt64(given, 1000) : given
  if (ms === undefined) throw invalidExpiry(command)
  const at = unit === 'EX' || unit === 'PX' ? sumInt64(ms, call.nowMs, 0) : ms
  if (!fitsInt64(at)) throw invalidExpiry(command)
  return at
}

function fitsInt64(value: Int64): boolean {
  return typeof value === 'number' || scaleInt64(value, 1) !== undefined
}

export function invalidExpiry(command: string): ReplyError {
  return new ReplyError(`ERR invalid expire time in '${command}' command`)
}

const CONDITIONS = ['NX', 'XX', 'GT', 'LT'] as const

export type ExpiryCondition = (typeof CONDITIONS)[number]

/** The condition that an argument is; undefined for any other word. */
export function expiryConditionAt(call: Call, arg: number): ExpiryCondition | undefined {
  return CONDITIONS.find(one => call.is(arg, one))
}

/** Throws where conditions stand together that cannot. */
export function checkConditions(conditions: readonly ExpiryCondition[]): void {
  if (conditions.includes('NX') && conditions.some(one => one !== 'NX')) {
    throw new ReplyError('ERR NX and XX, GT or LT options at the same time are not compatible')
  }
  if (conditions.includes('GT') && conditions.includes('LT')) {
    throw new ReplyError('ERR GT and LT options at the same time are not compatible')
  }
}

/** Whether an expiry may be set where there is this one; no expiry counts as one that is never reached. */
export function mayExpire(condition: ExpiryCondition, before: Int64, atMs: Int64): boolean {
  switch (condition) {
    case 'NX':
      return before === NEVER
    case 'XX':
      return before !== NEVER
    case 'GT':
      return before !== NEVER && atMs > before
    case 'LT':
      return before === NEVER || atMs < before
  }
}
