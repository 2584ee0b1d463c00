/**
 * The commands that create, and what each adds to the key in the making.
 */
import type {Int64} from '../bytes/int64.js'
import type {StreamId} from '../encoding/stream-id.js'
import {NEVER, type ValueType} from '../keyspace/entry.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import type {CreatedKey} from './created-key.js'
import type {Arguments} from './typed-arguments.js'

/** What a RESTORE says. */
export interface Restored {
  payload: Uint8Array
  key: Uint8Array
  expireAtMs: Int64
  idleSeconds: number
  frequency: number
}

export interface Around {
  visitor: EntryVisitor
  select(db: number): void
  restored(restored: Restored): void
}

export interface CreatingCommand {
  /** Arguments at least, the name included. */
  argcMin: number
  /** Which argument is the key; 0: none. */
  key: number
  /** Without a key of its own: whether the one in the making is complete before it. */
  endsKey: boolean
  run(args: Arguments, key: CreatedKey, around: Around): void
}

type Run = CreatingCommand['run']

const ofKey = (argcMin: number, run: Run): CreatingCommand => ({argcMin, key: 1, endsKey: false, run})
const ofNone = (argcMin: number, run: Run): CreatingCommand => ({argcMin, key: 0, endsKey: true, run})
const ignored: CreatingCommand = {argcMin: 1, key: 0, endsKey: false, run: () => {}}

function become(args: Arguments, key: CreatedKey, type: ValueType): void {
  if (!key.become(type)) args.fail(`${args.name()} on a key that is a ${key.entry.type}`)
}

/** Elements from an argument on, one each. */
function elements(type: 'list' | 'set'): Run {
  return (args, key) => {
    become(args, key, type)
    for (let i = 2; i < args.count; i++) {
      key.add(args.bytes, args.start(i), args.end(i))
      key.settle()
    }
  }
}

function add(args: Arguments, key: CreatedKey, arg: number): void {
  key.add(args.bytes, args.start(arg), args.end(arg))
}

function addText(key: CreatedKey, text: string): void {
  const bytes = Buffer.from(text)
  key.add(bytes, 0, bytes.length)
}

const set: Run = (args, key) => {
  become(args, key, 'string')
  key.entry.expireAtMs = NEVER
  key.addPiece(args.bytes, args.start(2), args.end(2))
  if (args.count === 3) return
  const option = args.word(3)
  if (args.count !== 5 || (option !== 'PXAT' && option !== 'EXAT')) {
    args.refuse('SET with options other than PXAT or EXAT does not only create')
  }
  key.entry.expireAtMs = option === 'PXAT' ? args.integer(4) : args.number(4) * 1000
}

const zadd: Run = (args, key) => {
  become(args, key, 'zset')
  if (args.count % 2 !== 0) args.refuse('ZADD with options does not only create')
  for (let i = 2; i < args.count; i += 2) {
    key.addScore(args.double(i))
    add(args, key, i + 1)
    key.settle()
  }
}

const hset: Run = (args, key) => {
  become(args, key, 'hash')
  if (args.count % 2 !== 0) args.fail(`${args.name()} has a field without a value`)
  for (let i = 2; i < args.count; i += 2) {
    add(args, key, i)
    add(args, key, i + 1)
    key.settle()
  }
}

/** HSETEX k PXAT ms FIELDS n f v ... */
const hsetex: Run = (args, key) => {
  become(args, key, 'hash')
  const option = args.word(2)
  if (option !== 'PXAT' && option !== 'EXAT') args.refuse('HSETEX without PXAT or EXAT does not only create')
  const expireAtMs = option === 'PXAT' ? args.integer(3) : args.number(3) * 1000
  const count = fieldsAt(args, 4, 2)
  for (let i = 6; i < 6 + 2 * count; i += 2) {
    add(args, key, i)
    add(args, key, i + 1)
    key.settle()
    key.expireField(args.bytes, args.start(i), args.end(i), expireAtMs)
  }
}

/** HPEXPIREAT k ms FIELDS n f ... */
const hpexpireat: Run = (args, key) => {
  become(args, key, 'hash')
  const expireAtMs = args.integer(2)
  const count = fieldsAt(args, 3, 1)
  for (let i = 5; i < 5 + count; i++) key.expireField(args.bytes, args.start(i), args.end(i), expireAtMs)
}

/** The number behind FIELDS; so many arguments follow it for each. */
function fieldsAt(args: Arguments, arg: number, each: number): number {
  if (args.word(arg) !== 'FIELDS') args.refuse(`${args.name()} with conditions does not only create`)
  const count = args.number(arg + 1)
  if (args.count !== arg + 2 + each * count) args.fail(`${args.name()} says ${count} fields, and has others`)
  return count
}

const pexpireat: Run = (args, key) => {
  if (args.count !== 3) args.refuse('PEXPIREAT with conditions does not only create')
  if (!key.created) args.fail(`${args.name()} of a key that was not created just before`)
  key.entry.expireAtMs = args.name() === 'PEXPIREAT' ? args.integer(2) : args.number(2) * 1000
}

/** XADD k [MAXLEN 0] id f v ... */
const xadd: Run = (args, key) => {
  become(args, key, 'stream')
  // So a rewritten log makes a stream without entries (redis 5.0 and later).
  if (args.word(2) === 'MAXLEN' && args.word(3) === '0') {
    key.stream.setId(args.id(4), undefined, undefined)
    return
  }
  const id = args.id(2)
  if (args.count % 2 !== 1) args.fail('XADD has a field without a value')
  if (!key.stream.added(id)) args.fail(`XADD of ${id}, which is not above the IDs before it`)
  addText(key, id.toString())
  addText(key, String((args.count - 3) / 2))
  for (let i = 3; i < args.count; i++) add(args, key, i)
  key.settle()
}

const xsetid: Run = (args, key) => {
  become(args, key, 'stream')
  let entriesAdded: Int64 | undefined
  let maxDeletedId: StreamId | undefined
  for (let i = 3; i < args.count; i += 2) {
    if (args.word(i) === 'ENTRIESADDED') entriesAdded = args.integer(i + 1)
    else if (args.word(i) === 'MAXDELETEDID') maxDeletedId = args.id(i + 1)
    else args.refuse(`XSETID with ${args.word(i)} is not known`)
  }
  key.stream.setId(args.id(2), entriesAdded, maxDeletedId)
}

/** XGROUP CREATE k g id [MKSTREAM] [ENTRIESREAD n], XGROUP CREATECONSUMER k g c */
const xgroup: Run = (args, key) => {
  become(args, key, 'stream')
  if (args.word(1) === 'CREATECONSUMER') {
    if (key.stream.consumer(args.copy(3), args.copy(4)) < 0)
      args.fail('XGROUP CREATECONSUMER in a group that is not there')
    return
  }
  if (args.word(1) !== 'CREATE') args.refuse(`XGROUP ${args.word(1)} does not only create`)
  let entriesRead: Int64 | undefined
  for (let i = 5; i < args.count; i++) {
    if (args.word(i) === 'ENTRIESREAD') entriesRead = args.integer(++i)
    else if (args.word(i) !== 'MKSTREAM') args.refuse(`XGROUP CREATE with ${args.word(i)} is not known`)
  }
  const id = args.word(4) === '$' ? key.stream.lastId : args.id(4)
  if (!key.stream.createGroup(args.copy(3), id, entriesRead)) args.fail('XGROUP CREATE of a group that is there')
}

/** XCLAIM k g c idle id [TIME ms] [RETRYCOUNT n] [FORCE] [JUSTID] [LASTID id] */
const xclaim: Run = (args, key) => {
  become(args, key, 'stream')
  let deliveredAtMs: Int64 = 0
  let deliveries: Int64 = 1
  let forced = false
  for (let i = 6; i < args.count; i++) {
    const option = args.word(i)
    if (option === 'TIME') deliveredAtMs = args.integer(++i)
    else if (option === 'RETRYCOUNT') deliveries = args.integer(++i)
    else if (option === 'FORCE') forced = true
    else if (option === 'LASTID') i++
    else if (option !== 'JUSTID') args.refuse(`XCLAIM with ${option} does not only create`)
  }
  if (!forced) args.refuse('XCLAIM without FORCE does not only create')
  const group = args.copy(2)
  const consumer = key.stream.consumer(group, args.copy(3))
  if (consumer < 0) args.fail('XCLAIM in a group that is not there')
  key.stream.claim(group, consumer, args.id(5), deliveredAtMs, deliveries)
}

/** RESTORE k ttl payload [REPLACE] [ABSTTL] [IDLETIME s] [FREQ f] */
const restore: Run = (args, _, {restored}) => {
  let absolute = false
  let idleSeconds = -1
  let frequency = -1
  for (let i = 4; i < args.count; i++) {
    const option = args.word(i)
    if (option === 'ABSTTL') absolute = true
    else if (option === 'IDLETIME') idleSeconds = args.number(++i)
    else if (option === 'FREQ') frequency = args.number(++i)
    else if (option !== 'REPLACE') args.refuse(`RESTORE with ${option} is not known`)
  }
  const ttl = args.integer(2)
  if (ttl !== 0 && !absolute) args.refuse('RESTORE with a time from now on: give ABSTTL, and the moment')
  const expireAtMs = ttl === 0 ? NEVER : ttl
  restored({payload: args.copy(3), key: args.copy(1), expireAtMs, idleSeconds, frequency})
}

const functionLoad: Run = (args, _, {visitor}) => {
  if (args.word(1) !== 'LOAD') args.refuse(`FUNCTION ${args.word(1)} does not only create`)
  visitor.function?.(args.copy(args.count - 1))
}

const scriptLoad: Run = (args, _, {visitor}) => {
  if (args.word(1) !== 'LOAD') args.refuse(`SCRIPT ${args.word(1)} does not only create`)
  visitor.aux?.('lua', args.copy(2))
}

export const CREATING: Readonly<Record<string, CreatingCommand>> = {
  SELECT: ofNone(2, (args, _, {select}) => select(args.number(1))),
  SET: ofKey(3, set),
  RPUSH: ofKey(3, elements('list')),
  SADD: ofKey(3, elements('set')),
  ZADD: ofKey(4, zadd),
  HSET: ofKey(4, hset),
  HMSET: ofKey(4, hset),
  HSETEX: ofKey(8, hsetex),
  HPEXPIREAT: ofKey(6, hpexpireat),
  PEXPIREAT: ofKey(3, pexpireat),
  EXPIREAT: ofKey(3, pexpireat),
  XADD: ofKey(5, xadd),
  XSETID: ofKey(3, xsetid),
  XGROUP: {argcMin: 5, key: 2, endsKey: false, run: xgroup},
  XCLAIM: ofKey(6, xclaim),
  RESTORE: ofNone(4, restore),
  FUNCTION: ofNone(3, functionLoad),
  SCRIPT: ofNone(3, scriptLoad),
  // A transaction of commands that create is what they are without it.
  MULTI: ignored,
  EXEC: ignored,
  PING: ignored,
}
