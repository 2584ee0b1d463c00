/** Keys, whatever they hold. */
import {FormatError, UnsupportedError} from '../../errors.js'
import {NEVER} from '../../keyspace/entry.js'
import {type PayloadFacts, payloadHeader, readPayloadFooter, readPayloadNow} from '../../rdb/payload.js'
import type {DetachedValue} from '../../resident/database.js'
import {Keyspace} from '../../resident/keyspace.js'
import {LoadingVisitor} from '../../resident/loading.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, NO_SUCH_KEY, ReplyError, syntaxError, UnreplayableError} from '../command.js'
import {checkConditions, type ExpiryCondition, expiryConditionAt, expiryOf, mayExpire, type Unit} from '../expiry.js'
import {sortCommands} from './sort.js'

const SAME = 'ERR source and destination objects are the same'
const BUSY = 'BUSYKEY Target key name already exists.'
const BAD_PAYLOAD = 'ERR DUMP payload version or checksum are wrong'
const KEY_AND_KEYS = 'ERR When using MIGRATE KEYS option, the key argument must be set to the empty string'
const BAD_FORMAT = 'ERR Bad data format'

function del(call: Call): void {
  for (let arg = 1; arg < call.argc; arg++) call.remove(arg)
}

/** source destination [DB n] [REPLACE] */
function copy(call: Call): void {
  let to = call.dbNumber
  let replaces = false
  for (let arg = 3; arg < call.argc; arg++) {
    if (call.is(arg, 'REPLACE')) replaces = true
    else if (call.is(arg, 'DB') && arg + 1 < call.argc) to = call.databaseNumber(++arg)
    else throw syntaxError()
  }
  const target = call.keyspace.database(to)
  const key = call.copy(2)
  if (target === call.db && Buffer.compare(call.copy(1), key) === 0) throw new ReplyError(SAME)
  const entry = call.find(1)
  if (entry < 0) return
  if (!replaces && target.find(key, 0, key.length) >= 0) return
  target.attach(key, 0, key.length, {...call.db.copy(entry), facts: undefined})
}

/** key db */
function move(call: Call): void {
  const target = call.keyspace.database(call.databaseNumber(2))
  if (target === call.db) throw new ReplyError(SAME)
  const entry = call.find(1)
  const key = call.copy(1)
  if (entry < 0) return
  call.db.touch(entry)
  if (target.find(key, 0, key.length) >= 0) return
  target.attach(key, 0, key.length, call.db.detach(entry))
}

function rename(onlyNew: boolean): (call: Call) => void {
  return call => {
    const entry = call.find(1)
    if (entry < 0) throw new ReplyError(NO_SUCH_KEY)
    const key = call.copy(2)
    if (Buffer.compare(call.copy(1), key) === 0) return
    call.db.touch(entry)
    if (onlyNew && call.find(2) >= 0) return
    call.db.attach(key, 0, key.length, call.db.detach(entry))
  }
}

/** key time [NX | XX | GT | LT]: while a log is loaded, a time that has passed is set all the same. */
function expire(unit: Unit, name: string): (call: Call) => void {
  return call => {
    const conditions = call.argc > 3 ? conditionsOf(call) : undefined
    const atMs = expiryOf(call, call.integer(2), unit, name)
    const entry = call.find(1)
    if (entry < 0) return
    call.db.touch(entry)
    const before = call.db.expireAtMs(entry)
    if (conditions?.every(condition => mayExpire(condition, before, atMs)) !== false) call.db.expire(entry, atMs)
  }
}

function conditionsOf(call: Call): ExpiryCondition[] {
  const found: ExpiryCondition[] = []
  for (let arg = 3; arg < call.argc; arg++) {
    const condition = expiryConditionAt(call, arg)
    if (condition === undefined) throw new ReplyError(`ERR Unsupported option ${call.text(arg)}`)
    found.push(condition)
  }
  checkConditions(found)
  return found
}

interface RestoreOptions {
  replaces: boolean
  absolute: boolean
  idleSeconds: number
  frequency: number
}

function restoreOptions(call: Call): RestoreOptions {
  const options: RestoreOptions = {replaces: false, absolute: false, idleSeconds: -1, frequency: -1}
  for (let arg = 4; arg < call.argc; arg++) {
    if (call.is(arg, 'REPLACE')) options.replaces = true
    else if (call.is(arg, 'ABSTTL')) options.absolute = true
    else if (call.is(arg, 'IDLETIME') && arg + 1 < call.argc && options.frequency < 0) {
      options.idleSeconds = call.number(++arg)
      if (options.idleSeconds < 0) throw new ReplyError('ERR Invalid IDLETIME value, must be >= 0')
    } else if (call.is(arg, 'FREQ') && arg + 1 < call.argc && options.idleSeconds < 0) {
      options.frequency = call.number(++arg)
      if (options.frequency < 0 || options.frequency > 255) {
        throw new ReplyError('ERR Invalid FREQ value, must be >= 0 and <= 255')
      }
    } else throw syntaxError()
  }
  return options
}

/** key ttl payload [REPLACE] [ABSTTL] [IDLETIME s] [FREQ n] */
function restore(call: Call): void {
  const options = restoreOptions(call)
  const key = call.copy(1)
  const there = call.find(1)
  if (!options.replaces && there >= 0) throw new ReplyError(BUSY)
  const ttl = call.integer(2)
  if (ttl < 0) throw new ReplyError('ERR Invalid TTL value, must be >= 0')
  const expireAtMs = ttl === 0 ? NEVER : expiryOf(call, ttl, options.absolute ? 'PXAT' : 'PX', 'restore')
  const detached = loaded(call.copy(3), key, new Keyspace(call.keyspace.arena))
  const {idleSeconds, frequency} = options
  const keyMeta = detached.facts?.keyMeta
  const known = idleSeconds >= 0 || frequency >= 0 || keyMeta !== undefined
  const facts = known ? {idleSeconds, frequency, keyMeta} : undefined
  call.db.attach(key, 0, key.length, {...detached, expireAtMs, facts})
}

/** The value of a payload, by way of a data set of its own: until it is known to be whole, nothing else changes. */
function loaded(payload: Uint8Array, key: Uint8Array, keyspace: Keyspace): DetachedValue {
  const header = payloadHeader(footerOf(payload))
  const loading = new LoadingVisitor(keyspace, {header: () => header})
  try {
    readPayloadNow(payload, loading, key)
    const db = keyspace.database(0)
    const entry = db.next(0)
    // A collection without elements is no value.
    if (entry < 0) throw new ReplyError(BAD_FORMAT)
    return db.detach(entry)
  } catch (error) {
    if (error instanceof FormatError) throw new ReplyError(BAD_FORMAT)
    if (error instanceof UnsupportedError) throw new UnreplayableError(`its payload: ${error.message}`)
    throw error
  } finally {
    loading.abandon()
    keyspace.flushAll()
  }
}

function footerOf(payload: Uint8Array): PayloadFacts {
  try {
    return readPayloadFooter(payload)
  } catch (error) {
    throw error instanceof FormatError ? new ReplyError(BAD_PAYLOAD) : error
  }
}

/** host port key|"" db timeout [COPY] [REPLACE] [AUTH p | AUTH2 u p] [KEYS key ...]: the keys have gone elsewhere. */
function migrate(call: Call): void {
  let first = 3
  let end = 4
  for (let arg = 6; arg < call.argc && end === 4; arg++) {
    if (call.is(arg, 'COPY')) return
    if (call.is(arg, 'AUTH')) arg += 1
    else if (call.is(arg, 'AUTH2')) arg += 2
    else if (call.is(arg, 'KEYS')) {
      if (call.length(3) > 0) throw new ReplyError(KEY_AND_KEYS)
      first = arg + 1
      end = call.argc
    } else if (!call.is(arg, 'REPLACE')) throw syntaxError()
  }
  for (let arg = first; arg < end; arg++) call.remove(arg)
}

function touch(call: Call): void {
  for (let arg = 1; arg < call.argc; arg++) {
    const entry = call.find(arg)
    if (entry >= 0) call.db.touch(entry)
  }
}

export const genericCommands: CommandFamily = {
  DEL: keyed(-2, del),
  UNLINK: keyed(-2, del),
  COPY: keyed(-3, copy),
  MOVE: keyed(3, move),
  RENAME: keyed(3, rename(false)),
  RENAMENX: keyed(3, rename(true)),
  PERSIST: keyed(2, call => {
    const entry = call.find(1)
    if (entry < 0) return
    call.db.touch(entry)
    call.db.expire(entry, NEVER)
  }),
  EXPIRE: keyed(-3, expire('EX', 'expire')),
  PEXPIRE: keyed(-3, expire('PX', 'pexpire')),
  EXPIREAT: keyed(-3, expire('EXAT', 'expireat')),
  PEXPIREAT: keyed(-3, expire('PXAT', 'pexpireat')),
  RESTORE: keyed(-4, restore),
  'RESTORE-ASKING': keyed(-4, restore),
  MIGRATE: {arity: -6, key: 3, run: migrate},
  TOUCH: keyed(-2, touch),
  ...sortCommands,
}
