/**
 * Fields that expire (redis 7.4 and 8.0, valkey 9.0), and what came with them.
 *
 *   FIELDS n field ...     redis 8.0 and valkey 9.1 want options before it; behind it they are taken all the same
 *
 * A time that is past is set like any other. While they load a log, redis 8.0 takes such a field for gone (HSETNX sets
 * it), and valkey 9.1 for there until it is up: so here, since an HDEL follows in the log where a server let it expire.
 */
import type {Int64} from '../../bytes/int64.js'
import {NEVER} from '../../keyspace/entry.js'
import {HashValue} from '../../resident/hash.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, syntaxError, UnreplayableError, wrongArgc} from '../command.js'
import {
  checkConditions,
  type ExpiryCondition,
  expiryConditionAt,
  expiryOf,
  expiryUnit,
  invalidExpiry,
  mayExpire,
  type Unit,
} from '../expiry.js'
import {removeFields, setField} from './hash.js'

const COUNT_DIFFERS = 'ERR The `numfields` parameter must match the number of arguments'

/** Where the fields stand among the arguments. */
interface Fields {
  from: number
  to: number
}

/** Takes the option at an argument and tells the last argument that belongs to it. Throws for what is none. */
type TakeOption = (arg: number) => number

/** Reads options and fields, each of so many arguments, whatever their order; the one must stand there. */
function fieldsOf(call: Call, first: number, stride: number, take: TakeOption): Fields {
  let fields: Fields | undefined
  for (let arg = first; arg < call.argc; arg++) {
    if (!call.is(arg, 'FIELDS')) {
      arg = take(arg)
      continue
    }
    if (fields !== undefined) throw syntaxError()
    const count = call.number(arg + 1, 'ERR Number of fields must be a positive integer')
    if (count < 1) throw new ReplyError('ERR Number of fields must be a positive integer')
    fields = {from: arg + 2, to: arg + 2 + count * stride}
    if (fields.to > call.argc) throw stride > 1 ? wrongArgc('hsetex') : new ReplyError(COUNT_DIFFERS)
    arg = fields.to - 1
  }
  if (fields === undefined) {
    throw new ReplyError('ERR Mandatory argument FIELDS is missing or not at the right position')
  }
  return fields
}

/** The time of a field, which may be past, and may not be below zero. */
function fieldTime(call: Call, arg: number, unit: Unit, command: string): Int64 {
  const given = call.integer(arg)
  if (given < 0) throw invalidExpiry(command)
  return expiryOf(call, given, unit, command)
}

/** HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT key time [NX | XX | GT | LT] FIELDS n field ... */
function hexpire(unit: Unit, command: string): (call: Call) => void {
  return call => {
    const hash = call.lookup(1, HashValue)
    const atMs = fieldTime(call, 2, unit, command)
    const conditions: ExpiryCondition[] = []
    const {from, to} = fieldsOf(call, 3, 1, arg => {
      const condition = expiryConditionAt(call, arg)
      if (condition === undefined) throw new ReplyError(COUNT_DIFFERS)
      conditions.push(condition)
      return arg
    })
    checkConditions(conditions)
    if (hash === undefined) return
    for (let arg = from; arg < to; arg++) {
      const [start, end] = [call.start(arg), call.end(arg)]
      if (hash.find(call.bytes, start, end) < 0) continue
      const before = hash.expiry()
      if (conditions.every(one => mayExpire(one, before, atMs))) hash.expire(call.bytes, start, end, atMs)
    }
  }
}

/** HPERSIST key FIELDS n field ... */
function hpersist(call: Call): void {
  const hash = call.lookup(1, HashValue)
  const {from, to} = fieldsOf(call, 2, 1, noOption)
  if (hash === undefined) return
  for (let arg = from; arg < to; arg++) hash.expire(call.bytes, call.start(arg), call.end(arg), NEVER)
}

function noOption(): never {
  throw new ReplyError(COUNT_DIFFERS)
}

/** An expiry among other options: none, one that is given, or the one that is there. */
class ExpiryOption {
  keeps = false
  persists = false
  unit: Unit | undefined
  #timeArg = 0

  constructor(
    readonly call: Call,
    readonly command: string,
  ) {}

  /** Takes an option; undefined where the argument is none of its own. */
  take(arg: number, other: 'KEEPTTL' | 'PERSIST'): number | undefined {
    const {call} = this
    const unit = expiryUnit(call, arg)
    if (unit === undefined && !call.is(arg, other)) return undefined
    if (this.unit !== undefined || (unit !== undefined && (this.keeps || this.persists))) {
      throw new ReplyError(`ERR Only one of EX, PX, EXAT, PXAT or ${other} arguments can be specified`)
    }
    this.unit = unit
    if (unit === undefined) {
      this.keeps = other === 'KEEPTTL'
      this.persists = other === 'PERSIST'
      return arg
    }
    if (arg + 1 >= call.argc) throw syntaxError()
    this.#timeArg = arg + 1
    return arg + 1
  }

  /** NEVER where none is given. */
  atMs(): Int64 {
    return this.unit === undefined ? NEVER : fieldTime(this.call, this.#timeArg, this.unit, this.command)
  }
}

const SET_CONDITIONS = ['FNX', 'FXX', 'NX', 'XX'] as const

type SetCondition = (typeof SET_CONDITIONS)[number]

/** HSETEX key [NX | XX] [FNX | FXX] [EX | PX | EXAT | PXAT time | KEEPTTL] FIELDS n field value ... (NX, XX: valkey) */
function hsetex(call: Call): void {
  const expiry = new ExpiryOption(call, 'hsetex')
  const there = call.lookup(1, HashValue)
  const conditions = new Set<SetCondition>()
  const {from, to} = fieldsOf(call, 2, 2, arg => {
    const taken = expiry.take(arg, 'KEEPTTL')
    if (taken !== undefined) return taken
    const condition = SET_CONDITIONS.find(one => call.is(arg, one))
    if (condition === undefined) throw new ReplyError(`ERR unknown argument: ${call.text(arg)}`)
    conditions.add(condition)
    return arg
  })
  if (conditions.has('FNX') && conditions.has('FXX')) {
    throw new ReplyError('ERR Only one of FXX or FNX arguments can be specified')
  }
  if (conditions.has('NX') && conditions.has('XX')) throw syntaxError()
  const atMs = expiry.atMs()
  for (const condition of conditions) if (!isMet(call, there, from, to, condition)) return
  const hash = there ?? call.make(1, new HashValue(call.keyspace.arena))
  for (let arg = from; arg < to; arg += 2) {
    setField(call, hash, arg, arg + 1, expiry.keeps)
    if (atMs !== NEVER) hash.expire(call.bytes, call.start(arg), call.end(arg), atMs)
  }
}

function isMet(call: Call, hash: HashValue | undefined, from: number, to: number, condition: SetCondition): boolean {
  if (condition === 'NX' || condition === 'XX') return (hash !== undefined) === (condition === 'XX')
  for (let arg = from; arg < to; arg += 2) {
    const there = hash !== undefined && hash.find(call.bytes, call.start(arg), call.end(arg)) >= 0
    if (there !== (condition === 'FXX')) return false
  }
  return true
}

/** HGETEX key [EX | PX | EXAT | PXAT time | PERSIST] FIELDS n field ... */
function hgetex(call: Call): void {
  const expiry = new ExpiryOption(call, 'hgetex')
  const hash = call.lookup(1, HashValue)
  const {from, to} = fieldsOf(call, 2, 1, arg => expiry.take(arg, 'PERSIST') ?? noOption())
  const at = expiry.atMs()
  if (hash === undefined || (expiry.unit === undefined && !expiry.persists)) return
  for (let arg = from; arg < to; arg++) hash.expire(call.bytes, call.start(arg), call.end(arg), at)
}

/** HGETDEL key FIELDS n field ... */
function hgetdel(call: Call): void {
  const hash = call.lookup(1, HashValue)
  const {from, to} = fieldsOf(call, 2, 1, noOption)
  if (hash === undefined) return
  removeFields(call, hash, from, to)
}

export const hashExpiryCommands: CommandFamily = {
  HEXPIRE: keyed(-6, hexpire('EX', 'hexpire')),
  HPEXPIRE: keyed(-6, hexpire('PX', 'hpexpire')),
  HEXPIREAT: keyed(-6, hexpire('EXAT', 'hexpireat')),
  HPEXPIREAT: keyed(-6, hexpire('PXAT', 'hpexpireat')),
  HPERSIST: keyed(-5, hpersist),
  HSETEX: keyed(-6, hsetex),
  HGETEX: keyed(-5, hgetex),
  HGETDEL: keyed(-5, hgetdel),
  HIMPORT: keyed(-2, () => {
    throw new UnreplayableError('servers write a RESTORE in its place')
  }),
}
