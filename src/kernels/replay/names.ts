/** The commands that the kernel runs, found by their names in whatever case. */
import {NAME_BYTES, NAMES, NAMES_SLOTS} from './layout'

export const UNKNOWN: u32 = 0
export const SET: u32 = 1
export const INCR: u32 = 2
export const INCRBY: u32 = 3
export const DECR: u32 = 4
export const DECRBY: u32 = 5
export const DEL: u32 = 6
export const PEXPIREAT: u32 = 7
export const SELECT: u32 = 8
export const MULTI: u32 = 9
export const EXEC: u32 = 10
export const HSET: u32 = 11
export const HINCRBY: u32 = 12
export const HDEL: u32 = 13
export const LPUSH: u32 = 14
export const RPUSH: u32 = 15
export const LTRIM: u32 = 16
export const LPOP: u32 = 17
export const RPOP: u32 = 18
export const SADD: u32 = 19
export const SREM: u32 = 20
export const ZADD: u32 = 21
export const ZINCRBY: u32 = 22
export const ZREM: u32 = 23
export const ZREMRANGEBYRANK: u32 = 24
export const XADD: u32 = 25
export const PERSIST: u32 = 26
export const SETRANGE: u32 = 27
export const SETBIT: u32 = 28
export const APPEND: u32 = 29
/** Of one key, its first argument: for others to run, unless the key is somebody else's. */
export const OF_ONE_KEY: u32 = 30
/** Nothing: behind the last command that was framed, others were passed over. */
export const PASSED: u32 = 31

const WORD_0: u32 = 0
const WORD_1: u32 = 8
const COMMAND: u32 = 16
const ARITY: u32 = 20
const BYTES: u32 = 24

/** Letters are alike in whatever case. */
const UPPER: u64 = 0xdfdf_dfdf_dfdf_dfdf

// @ts-ignore: decorator
@inline
function slotOf(first: u64, second: u64): u32 {
  const product = (first ^ (second << 3)) * 0x9e37_79b9_7f4a_7c15
  return ((product >>> 56) as u32) & (NAMES_SLOTS - 1)
}

/** The command of a name, where it takes so many arguments; else UNKNOWN. */
// @ts-ignore: decorator
@inline
export function commandOf(start: u32, bytes: u32, argc: u32): u32 {
  if (bytes - 1 >= 16) return UNKNOWN
  let first = load<u64>(start) & UPPER
  let second: u64 = 0
  if (bytes < 8) first &= ((1 as u64) << (bytes << 3)) - 1
  else if (bytes > 8) second = (load<u64>(start, 8) & UPPER) & ((~(0 as u64)) >>> ((16 - bytes) << 3))
  for (let slot = slotOf(first, second); ; slot = (slot + 1) & (NAMES_SLOTS - 1)) {
    const at = NAMES + slot * NAME_BYTES
    const command = load<u32>(at, COMMAND)
    if (command == UNKNOWN) return UNKNOWN
    if (load<u64>(at) != first || load<u64>(at, WORD_1) != second || load<u32>(at, BYTES) != bytes) continue
    const arity = load<i32>(at, ARITY)
    const fits = arity >= 0 ? argc == (arity as u32) : argc >= (-arity as u32)
    return fits ? command : UNKNOWN
  }
}

/** Arguments with the name; below zero: at least so many. */
function enter(name: string, command: u32, arity: i32): void {
  let first: u64 = 0
  let second: u64 = 0
  for (let i = 0; i < name.length; i++) {
    const letter = (name.charCodeAt(i) as u64) << ((i & 7) << 3)
    if (i < 8) first |= letter
    else second |= letter
  }
  let slot = slotOf(first, second)
  while (load<u32>(NAMES + slot * NAME_BYTES, COMMAND) != UNKNOWN) slot = (slot + 1) & (NAMES_SLOTS - 1)
  const at = NAMES + slot * NAME_BYTES
  store<u64>(at, first, WORD_0)
  store<u64>(at, second, WORD_1)
  store<u32>(at, command, COMMAND)
  store<i32>(at, arity, ARITY)
  store<u32>(at, name.length, BYTES)
}

export function enterNames(): void {
  enter('SET', SET, -3)
  enter('INCR', INCR, 2)
  enter('INCRBY', INCRBY, 3)
  enter('DECR', DECR, 2)
  enter('DECRBY', DECRBY, 3)
  enter('DEL', DEL, -2)
  enter('UNLINK', DEL, -2)
  enter('PERSIST', PERSIST, 2)
  enter('SETRANGE', SETRANGE, 4)
  enter('SETBIT', SETBIT, 4)
  enter('APPEND', APPEND, 3)
  enter('PEXPIREAT', PEXPIREAT, 3)
  enter('SELECT', SELECT, 2)
  enter('MULTI', MULTI, 1)
  enter('EXEC', EXEC, 1)
  enter('HSET', HSET, -4)
  enter('HMSET', HSET, -4)
  enter('HINCRBY', HINCRBY, 4)
  enter('HDEL', HDEL, -3)
  enter('LPUSH', LPUSH, -3)
  enter('RPUSH', RPUSH, -3)
  enter('LTRIM', LTRIM, 4)
  enter('LPOP', LPOP, 2)
  enter('RPOP', RPOP, 2)
  enter('SADD', SADD, -3)
  enter('SREM', SREM, -3)
  enter('ZADD', ZADD, -4)
  enter('ZINCRBY', ZINCRBY, 4)
  enter('ZREM', ZREM, -3)
  enter('ZREMRANGEBYRANK', ZREMRANGEBYRANK, 4)
  enter('XADD', XADD, -5)
  enterOthers()
}

/** The commonest of those that others run. Their arities are those of src/replay/commands. */
function enterOthers(): void {
  enter('GETDEL', OF_ONE_KEY, 2)
  enter('SETNX', OF_ONE_KEY, 3)
  enter('GETSET', OF_ONE_KEY, 3)
  enter('INCRBYFLOAT', OF_ONE_KEY, 3)
  enter('SETEX', OF_ONE_KEY, 4)
  enter('PSETEX', OF_ONE_KEY, 4)
  enter('HSETNX', OF_ONE_KEY, 4)
  enter('HINCRBYFLOAT', OF_ONE_KEY, 4)
  enter('LSET', OF_ONE_KEY, 4)
  enter('LREM', OF_ONE_KEY, 4)
  enter('ZREMRANGEBYSCORE', OF_ONE_KEY, 4)
  enter('ZREMRANGEBYLEX', OF_ONE_KEY, 4)
  enter('LINSERT', OF_ONE_KEY, 5)
  enter('GETEX', OF_ONE_KEY, -2)
  enter('PFADD', OF_ONE_KEY, -2)
  enter('SPOP', OF_ONE_KEY, -2)
  enter('BITFIELD', OF_ONE_KEY, -2)
  enter('ZPOPMIN', OF_ONE_KEY, -2)
  enter('ZPOPMAX', OF_ONE_KEY, -2)
  enter('EXPIRE', OF_ONE_KEY, -3)
  enter('PEXPIRE', OF_ONE_KEY, -3)
  enter('EXPIREAT', OF_ONE_KEY, -3)
  enter('LPUSHX', OF_ONE_KEY, -3)
  enter('RPUSHX', OF_ONE_KEY, -3)
  enter('XDEL', OF_ONE_KEY, -3)
  enter('XSETID', OF_ONE_KEY, -3)
  enter('RESTORE', OF_ONE_KEY, -4)
  enter('XTRIM', OF_ONE_KEY, -4)
  enter('XACK', OF_ONE_KEY, -4)
  enter('HPERSIST', OF_ONE_KEY, -5)
  enter('HGETDEL', OF_ONE_KEY, -5)
  enter('GEOADD', OF_ONE_KEY, -5)
  enter('HPEXPIREAT', OF_ONE_KEY, -6)
  enter('HSETEX', OF_ONE_KEY, -6)
  enter('XCLAIM', OF_ONE_KEY, -6)
}
