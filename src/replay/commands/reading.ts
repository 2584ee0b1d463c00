/**
 * Commands that only read: no server writes them to its log, and whoever has
 * written one by hand changes nothing by it. Their arities, of the newest server that has them.
 */
import {type CommandFamily, keyed} from '../command.js'

const ARITIES = `
  BITCOUNT -2, BITFIELD_RO -2, BITPOS -3, CLUSTERSCAN -2, DBSIZE 1, DIGEST 2, DUMP 2, ECHO 2, EVALSHA_RO -3, EVAL_RO -3,
  EXISTS -2, EXPIRETIME 2, FCALL_RO -3, GEODIST -4, GEOHASH -2, GEOPOS -2, GEORADIUSBYMEMBER_RO -5,
  GEORADIUS_RO -6, GEOSEARCH -7, GET 2, GETBIT 3, GETRANGE 4, HEXISTS 3, HEXPIRETIME -5, HGET 3, HGETALL 2,
  HKEYS 2, HLEN 2, HMGET -3, HPEXPIRETIME -5, HPTTL -5, HRANDFIELD -2, HSCAN -3, HSTRLEN 3, HTTL -5, HVALS 2,
  KEYS 2, LASTSAVE 1, LCS -3, LINDEX 3, LLEN 2, LOLWUT -1, LPOS -3, LRANGE 4, MEMORY -2, MGET -2, OBJECT -2,
  PEXPIRETIME 2, PTTL 2, RANDOMKEY 1, ROLE 1, SCAN -2, SCARD 2, SDIFF -2, SINTER -2, SINTERCARD -3,
  SISMEMBER 3, SMEMBERS 2, SMISMEMBER -3, SORT_RO -2, SRANDMEMBER -2, SSCAN -3, STRALGO -2, STRLEN 2, SUBSTR 4,
  SUNION -2, TIME 1, TTL 2, TYPE 2, XINFO -2, XLEN 2, XPENDING -3, XRANGE -4, XREAD -4, XREVRANGE -4, ZCARD 2,
  ZCOUNT 4, ZDIFF -3, ZINTER -3, ZINTERCARD -3, ZLEXCOUNT 4, ZMSCORE -3, ZRANDMEMBER -2, ZRANGE -4,
  ZRANGEBYLEX -4, ZRANGEBYSCORE -4, ZRANK -3, ZREVRANGE -4, ZREVRANGEBYLEX -4, ZREVRANGEBYSCORE -4,
  ZREVRANK -3, ZSCAN -3, ZSCORE 3, ZUNION -3
`

const nothing = (): void => {}

export const readingCommands: CommandFamily = Object.fromEntries(
  ARITIES.split(',').map(one => {
    const [name = '', arity] = one.trim().split(' ')
    return [name, keyed(Number(arity), nothing)]
  }),
)
