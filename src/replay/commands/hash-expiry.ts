/** Fields that expire (redis 7.4, valkey 9.0). */
import type {Int64} from '../../bytes/int64.js'
import {NEVER} from '../../keyspace/entry.js'
import {HashValue} from '../../resident/hash.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, syntaxError, UnreplayableError} from '../command.js'
import {type ExpiryCondition, expiryOf, expiryUnit, invalidExpiry, mayExpire, type Unit} from '../expiry.js'
import {expiryConditions} from './generic.js'
import {removeFields, setField} from './hash.js'

/** The largest moment of a field, in milliseconds (redis 7.4 ebuckets.h EB_EXPIRE_TIME_MAX). */
const EXPIRE_AT_MAX_MS = 2 ** 46 - 2

interface Fields {
  first: number
  end: number
}

/** FIELDS n field ..., or n pairs: which arguments they are, up to the last. */
function fieldsAt(call: Call, arg: number, each: 1 | 2): Fields {
  if (!call.is(arg, 'FIELDS')) {
    throw new ReplyError('ERR Mandatory argument FIELDS is missing or not at the right position')
  }
  const count = call.number(arg + 1, 'ERR Number of fields must be a positive integer')
  if (count < 1) throw new ReplyError('ERR Number of fields must be a positive integer')
  if (call.argc !== arg + 2 + each * count) {
    throw new ReplyError('ERR The `numfields` parameter must match the number of arguments')
  }
  return {first: arg + 2, end: call.argc}
}

/** Where FIELDS stands, from an argument on. */
function findFields(call: Call, from: number): number {
  for (let arg = from; arg < call.argc; arg++) if (call.is(arg, 'FIELDS')) return arg
  throw new ReplyError('ERR Mandatory argument FIELDS is missing or not at the right position')
}

/** A time that has passed is set while a log is loaded, and so is one in a key; the field goes when the server is up. */
function setExpiry(
  call: Call,
  hash: HashValue,
  arg: number,
  atMs: Int64,
  conditions: readonly ExpiryCondition[],
): void {
  const [start, end] = [call.start(arg), call.end(arg)]
  if (hash.find(call.bytes, start, end) < 0) return
  const before = hash.expiry()
  if (conditions.every(condition => mayExpire(condition, before, atMs))) hash.expire(call.bytes, start, end, atMs)
}

/** key time [NX | XX | GT | LT] FIELDS n field ... */
function expireFields(unit: Unit, name: string): (call: Call) => void {
  return call => {
    const given = call.integer(2)
    if (given < 0) throw new ReplyError('ERR invalid expire time, must be >= 0')
    const where = findFields(call, 3)
    const conditions = expiryConditions(call, 3, where)
    const {first, end} = fieldsAt(call, where, 1)
    const atMs = fieldExpiry(call, given, unit, name)
    const hash = call.lookup(1, HashValue)
    if (hash === undefined) return
    for (let arg = first; arg < end; arg++) setExpiry(call, hash, arg, atMs, conditions)
  }
}

function fieldExpiry(call: Call, given: Int64, unit: Unit, name: string): Int64 {
  const atMs = expiryOf(call, given, unit, name)
  if (atMs > EXPIRE_AT_MAX_MS) throw invalidExpiry(name)
  return atMs
}

/** key FIELDS n field ... */
function hpersist(call: Call): void {
  const {first, end} = fieldsAt(call, 2, 1)
  const hash = call.lookup(1, HashValue)
  if (hash === undefined) return
  for (let arg = first; arg < end; arg++) hash.expire(call.bytes, call.start(arg), call.end(arg), NEVER)
}

/** key FIELDS n field ... */
function hgetdel(call: Call): void {
  const {first, end} = fieldsAt(call, 2, 1)
  const hash = call.lookup(1, HashValue)
  if (hash !== undefined) removeFields(call, hash, first, end)
}

/** key [EX s|PX ms|EXAT s|PXAT ms|PERSIST] FIELDS n field ... */
function hgetex(call: Call): void {
  const where = findFields(call, 2)
  const {first, end} = fieldsAt(call, where, 1)
  let atMs: Int64 | undefined
  if (where === 3 && call.is(2, 'PERSIST')) atMs = NEVER
  else if (where === 4) {
    const unit = expiryUnit(call, 2)
    if (unit === undefined) throw syntaxError()
    atMs = fieldExpiry(call, call.integer(3), unit, 'hgetex')
  } else if (where !== 2) throw syntaxError()
  const hash = call.lookup(1, HashValue)
  if (hash === undefined || atMs === undefined) return
  for (let arg = first; arg < end; arg++) hash.expire(call.bytes, call.start(arg), call.end(arg), atMs)
}

/** key [FNX|FXX] [EX s|PX ms|EXAT s|PXAT ms|KEEPTTL] FIELDS n field value ... */
function hsetex(call: Call): void {
  const where = findFields(call, 2)
  let condition: 'FNX' | 'FXX' | 'NX' | 'XX' | undefined
  let keepsExpiry = false
  let atMs: Int64 = NEVER
  for (let arg = 2; arg < where; arg++) {
    const unit = expiryUnit(call, arg)
    const found = (['FNX', 'FXX', 'NX', 'XX'] as const).find(one => call.is(arg, one))
    if (found !== undefined) condition = found
    else if (call.is(arg, 'KEEPTTL')) keepsExpiry = true
    else if (unit !== undefined) atMs = fieldExpiry(call, call.integer(++arg), unit, 'hsetex')
    else throw syntaxError()
  }
  const {first, end} = fieldsAt(call, where, 2)
  const there = call.lookup(1, HashValue)
  if (condition === 'NX' && there !== undefined) return
  if (condition === 'XX' && there === undefined) return
  if (!conditionMet(call, there, first, end, condition)) return
  const hash = there ?? call.make(1, new HashValue(call.keyspace.arena))
  for (let arg = first; arg < end; arg += 2) {
    setField(call, hash, arg, arg + 1, keepsExpiry)
    if (atMs !== NEVER) hash.expire(call.bytes, call.start(arg), call.end(arg), atMs)
  }
}

function conditionMet(
  call: Call,
  hash: HashValue | undefined,
  first: number,
  end: number,
  condition: string | undefined,
): boolean {
  if (condition !== 'FNX' && condition !== 'FXX') return true
  for (let arg = first; arg < end; arg += 2) {
    const there = hash !== undefined && hash.find(call.bytes, call.start(arg), call.end(arg)) >= 0
    if (there !== (condition === 'FXX')) return false
  }
  return true
}

export const hashExpiryCommands: CommandFamily = {
  HEXPIRE: keyed(-6, expireFields('EX', 'hexpire')),
  HPEXPIRE: keyed(-6, expireFields('PX', 'hpexpire')),
  HEXPIREAT: keyed(-6, expireFields('EXAT', 'hexpireat')),
  HPEXPIREAT: keyed(-6, expireFields('PXAT', 'hpexpireat')),
  HPERSIST: keyed(-5, hpersist),
  HGETDEL: keyed(-5, hgetdel),
  HGETEX: keyed(-5, hgetex),
  HSETEX: keyed(-6, hsetex),
  HIMPORT: keyed(-2, () => {
    throw new UnreplayableError('servers write a RESTORE in its place')
  }),
}
