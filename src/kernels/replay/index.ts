/**
 * The replay kernel: runs the commonest commands of a log on a data set that lies in its own memory (src/resident), and
 * leaves everything else, with nothing changed, to src/replay. src/resident/replay-kernel.ts is the only one to load it.
 */
import {hasRoom} from './arena'
import {argument, argumentEnd, frameOf, frameSome, touchAll} from './frames'
import {hdel, hincrby, hset} from './hashes'
import * as L from './layout'
import {ltrim, pop, push} from './lists'
import * as N from './names'
import {integer, readInteger} from './numbers'
import {beginShard} from './owners'
import {sadd, srem} from './sets'
import {zadd, zincrby, zrem, zremrangebyrank} from './sorted-sets'
import {xadd} from './streams'
import {append, setbit, setrange} from './string-parts'
import {del, increment, persist, pexpireat, set} from './strings'

export {ARENA, CLASSES, DATABASE_BYTES, DATABASES, DATABASES_MAX, FREE, HASH_NUMBERS, HASH_PLACES, HASH_STATE, OWN_BYTES, RESULTS, SHARD, WINDOW, WINDOW_BYTES} from './layout'

N.enterNames()

/** Everything in the window that is whole was run. */
const ALL: u32 = 0
/** What comes next is for others. */
const OTHERS: u32 = 1
/** Blocks have no room: the arena is to give more. */
const NO_ROOM: u32 = 2

/** Commands are to be framed anew from here on. */
const AGAIN: u32 = 3

let selected: u32 = 0
/** A transaction is being run whose end is known to come. */
let open: bool = false
/** Commands that are framed, and the one that is next. */
let framed: u32 = 0
let next: u32 = 0

/** The window holds other bytes: what was framed is past. */
export function beginWindow(): void {
  beginShard()
  framed = next = 0
}

/**
 * Runs commands of [start, end) from database `number` on, and returns why it stopped. Leaves where, how many were run,
 * the database then, and whether that is within a transaction, whose EXEC lies in the window.
 */
export function run(start: u32, end: u32, number: u32): u32 {
  selected = number
  open = false
  let p = start
  let commands: u32 = 0
  let why = ALL
  while (next < framed && load<u32>(frameOf(next), L.FRAME_FROM) != p) next++
  for (;;) {
    if (next >= framed) {
      next = 0
      framed = frameSome(p, end)
      if (framed == 0) break
      touchAll(framed, databaseOf(selected))
    }
    const frame = frameOf(next)
    commands += load<u32>(frame, L.FRAME_PASSED)
    p = load<u32>(frame, L.FRAME_START)
    store<u32>(frame, 0, L.FRAME_PASSED)
    store<u32>(frame, p, L.FRAME_FROM)
    if (load<u32>(frame, L.FRAME_COMMAND) == N.PASSED) {
      next++
      continue
    }
    why = runOne(frame)
    if (why == AGAIN) {
      // From its beginning: what was passed over before it is counted.
      framed = 0
      continue
    }
    if (why != ALL) break
    p = load<u32>(frame, L.FRAME_END)
    next++
    commands++
  }
  if (why == ALL && p < end) why = OTHERS
  store<u32>(L.RESULTS, p)
  store<u32>(L.RESULTS, commands, 4)
  store<u32>(L.RESULTS, selected, 8)
  store<u32>(L.RESULTS, open ? 1 : 0, 12)
  return why
}

// @ts-ignore: decorator
@inline
function databaseOf(number: u32): u32 {
  return L.DATABASES + number * L.DATABASE_BYTES
}

function runOne(frame: u32): u32 {
  const command = load<u32>(frame, L.FRAME_COMMAND)
  switch (command) {
    case N.UNKNOWN:
    case N.OF_ONE_KEY:
      return OTHERS
    case N.SELECT:
      return select(frame) ? ALL : OTHERS
    case N.MULTI:
      return begin()
    case N.EXEC:
      if (!open) return OTHERS
      open = false
      return ALL
  }
  if (!hasRoom()) return NO_ROOM
  return apply(command, databaseOf(selected), frame) ? ALL : OTHERS
}

function apply(command: u32, database: u32, frame: u32): bool {
  switch (command) {
    case N.SET:
      return set(database, frame)
    case N.INCR:
    case N.INCRBY:
      return increment(database, frame, 1)
    case N.DECR:
    case N.DECRBY:
      return increment(database, frame, -1)
    case N.DEL:
      return del(database, frame)
    case N.PEXPIREAT:
      return pexpireat(database, frame)
    case N.PERSIST:
      return persist(database, frame)
    case N.SETRANGE:
      return setrange(database, frame)
    case N.SETBIT:
      return setbit(database, frame)
    case N.APPEND:
      return append(database, frame)
    case N.HSET:
      return hset(database, frame)
    case N.HINCRBY:
      return hincrby(database, frame)
    case N.HDEL:
      return hdel(database, frame)
    case N.LPUSH:
      return push(database, frame, true)
    case N.RPUSH:
      return push(database, frame, false)
    case N.LTRIM:
      return ltrim(database, frame)
    case N.LPOP:
      return pop(database, frame, true)
    case N.RPOP:
      return pop(database, frame, false)
    case N.SADD:
      return sadd(database, frame)
    case N.SREM:
      return srem(database, frame)
    case N.ZADD:
      return zadd(database, frame)
    case N.ZINCRBY:
      return zincrby(database, frame)
    case N.ZREM:
      return zrem(database, frame)
    case N.ZREMRANGEBYRANK:
      return zremrangebyrank(database, frame)
    case N.XADD:
      return xadd(database, frame)
    default:
      return false
  }
}

function select(frame: u32): bool {
  if (!readInteger(argument(frame, 1), argumentEnd(frame, 1))) return false
  if (integer < 0 || integer >= (L.DATABASES_MAX as i64)) return false
  const number = integer as u32
  if (load<u32>(databaseOf(number), L.CELLS) == 0) return false
  selected = number
  return true
}

/**
 * A transaction begins: its commands are run at once where its end is among those that are framed, and none of them is
 * for others to judge. One that is not framed to its end, though it could be, is framed anew from its beginning.
 */
function begin(): u32 {
  if (open) return OTHERS
  for (let i = next + 1; i < framed; i++) {
    const command = load<u32>(frameOf(i), L.FRAME_COMMAND)
    if (command == N.UNKNOWN || command == N.OF_ONE_KEY || command == N.MULTI) return OTHERS
    if (command != N.EXEC) continue
    open = true
    return ALL
  }
  return next > 0 && framed == L.FRAMES_MAX ? AGAIN : OTHERS
}
