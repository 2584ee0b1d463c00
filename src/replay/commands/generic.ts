/** Keys, whatever they hold. */
import {FormatError} from '../../errors.js'
import {NEVER} from '../../keyspace/entry.js'
import type {EntryVisitor} from '../../keyspace/visitor.js'
import {readPayloadFooter, readPayloadNow} from '../../rdb/payload.js'
import {Keyspace} from '../../resident/keyspace.js'
import {LoadingVisitor} from '../../resident/loading.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, keyless, NO_SUCH_KEY, ReplyError, syntaxError} from '../command.js'
import {type ExpiryCondition, expiryOf, mayExpire, type Unit} from '../expiry.js'
import {sortCommands} from './sort.js'

const SAME = 'ERR source and destination objects are the same'
const BUSY = 'BUSYKEY Target key name already exists.'
const BAD_PAYLOAD = 'ERR DUMP payload version or checksum are wrong'
const BAD_FORMAT = 'ERR Bad data format'

function del(call: Call): void {
  for (let arg = 1; arg < call.argc; arg++) call.remove(arg)
}

function databaseOf(call: Call, arg: number): number {
  const number = call.integer(arg)
  if (typeof number !== 'number' || number < 0 || number > 0x7fff_ffff)
    throw new ReplyError('ERR DB index is out of range')
  return number
}

/** source destination [DB n] [REPLACE] */
function copy(call: Call): void {
  let to = call.dbNumber
  let replaces = false
  for (let arg = 3; arg < call.argc; arg++) {
    if (call.is(arg, 'REPLACE')) replaces = true
    else if (call.is(arg, 'DB') && arg + 1 < call.argc) to = databaseOf(call, ++arg)
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
  const target = call.keyspace.database(databaseOf(call, 2))
  if (target === call.db) throw new ReplyError(SAME)
  const entry = call.find(1)
  const key = call.copy(1)
  if (entry < 0 || target.find(key, 0, key.length) >= 0) return
  target.attach(key, 0, key.length, call.db.detach(entry))
}

function rename(onlyNew: boolean): (call: Call) => void {
  return call => {
    const entry = call.find(1)
    if (entry < 0) throw new ReplyError(NO_SUCH_KEY)
    const key = call.copy(2)
    if (Buffer.compare(call.copy(1), key) === 0) return
    if (onlyNew && call.find(2) >= 0) return
    call.db.attach(key, 0, key.length, call.db.detach(entry))
  }
}

const CONDITIONS: readonly NonNullable<ExpiryCondition>[] = ['NX', 'XX', 'GT', 'LT']

/** The flags behind an expiry, from an argument up to another. */
export function expiryConditions(call: Call, from: number, end: number): NonNullable<ExpiryCondition>[] {
  const found: NonNullable<ExpiryCondition>[] = []
  for (let arg = from; arg < end; arg++) {
    const condition = CONDITIONS.find(one => call.is(arg, one))
    if (condition === undefined) throw new ReplyError(`ERR Unsupported option ${call.text(arg)}`)
    found.push(condition)
  }
  if (found.includes('NX') && found.length > 1 && new Set(found).size > 1) {
    throw new ReplyError('ERR NX and XX, GT or LT options at the same time are not compatible')
  }
  if (found.includes('GT') && found.includes('LT')) {
    throw new ReplyError('ERR GT and LT options at the same time are not compatible')
  }
  return found
}

/** key time [NX | XX | GT | LT]: while a log is loaded, a time that has passed is set all the same. */
function expire(unit: Unit, name: string): (call: Call) => void {
  return call => {
    const conditions = call.argc > 3 ? expiryConditions(call, 3, call.argc) : undefined
    const atMs = expiryOf(call, call.integer(2), unit, name)
    const entry = call.find(1)
    if (entry < 0) return
    const before = call.db.expireAtMs(entry)
    if (conditions?.every(condition => mayExpire(condition, before, atMs)) === false) return
    call.db.expire(entry, atMs)
    call.db.touch(entry)
  }
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
  const ttl = call.integer(2, 'ERR value is not an integer or out of range')
  if (ttl < 0) throw new ReplyError('ERR Invalid TTL value, must be >= 0')
  const payload = call.copy(3)
  const keyspace = new Keyspace(call.keyspace.arena)
  load(payload, key, keyspace)
  const loaded = keyspace.database(0)
  if (there >= 0) call.db.remove(there)
  const entry = loaded.next(0)
  // A collection without elements is no key.
  if (entry < 0) return
  const detached = loaded.detach(entry)
  keyspace.flushAll()
  const {idleSeconds, frequency} = options
  const keyMeta = detached.facts?.keyMeta
  const known = idleSeconds >= 0 || frequency >= 0 || keyMeta !== undefined
  const expireAtMs = ttl === 0 ? NEVER : expiryOf(call, ttl, options.absolute ? 'PXAT' : 'PX', 'restore')
  const facts = known ? {idleSeconds, frequency, keyMeta} : undefined
  call.db.attach(key, 0, key.length, {...detached, expireAtMs, facts})
}

function load(payload: Uint8Array, key: Uint8Array, keyspace: Keyspace): void {
  let facts: ReturnType<typeof readPayloadFooter>
  try {
    facts = readPayloadFooter(payload)
  } catch (error) {
    throw error instanceof FormatError ? new ReplyError(BAD_PAYLOAD) : error
  }
  const magic = facts.family === 'valkey' ? 'VALKEY' : 'REDIS'
  const header = {magic, family: facts.family, rdbVersion: facts.rdbVersion} as const
  const visitor: EntryVisitor = new LoadingVisitor(keyspace, {header: () => header})
  try {
    readPayloadNow(payload, visitor, key)
  } catch (error) {
    throw error instanceof FormatError ? new ReplyError(BAD_FORMAT) : error
  }
}

/** host port key|"" db timeout [COPY] [REPLACE] [AUTH p | AUTH2 u p] [KEYS key ...]: the keys have gone elsewhere. */
function migrate(call: Call): void {
  let first = call.argc
  for (let arg = 6; arg < call.argc; arg++) {
    if (call.is(arg, 'COPY')) return
    if (call.is(arg, 'KEYS')) {
      first = arg + 1
      break
    }
  }
  if (call.length(3) > 0) call.remove(3)
  for (let arg = first; arg < call.argc; arg++) call.remove(arg)
}

const nothing = (): void => {}

export const genericCommands: CommandFamily = {
  DEL: keyed(-2, del),
  UNLINK: keyed(-2, del),
  COPY: keyed(-3, copy),
  MOVE: keyed(3, move),
  RENAME: keyed(3, rename(false)),
  RENAMENX: keyed(3, rename(true)),
  PERSIST: keyed(2, call => {
    const entry = call.find(1)
    if (entry >= 0) call.db.expire(entry, NEVER)
  }),
  EXPIRE: keyed(-3, expire('EX', 'expire')),
  PEXPIRE: keyed(-3, expire('PX', 'pexpire')),
  EXPIREAT: keyed(-3, expire('EXAT', 'expireat')),
  PEXPIREAT: keyed(-3, expire('PXAT', 'pexpireat')),
  RESTORE: keyed(-4, restore),
  'RESTORE-ASKING': keyed(-4, restore),
  MIGRATE: keyless(-6, migrate),
  TOUCH: keyed(-2, nothing),
  ...sortCommands,
}
