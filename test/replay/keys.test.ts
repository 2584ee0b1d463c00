/** The keys of commands beside what each server says that they are (COMMAND GETKEYS). */
import {describe, expect, it} from 'vitest'
import type {LogCommand} from '../../src/aof/log-reader.js'
import {CommandKeys} from '../../src/replay/keys.js'
import {describeEachServer} from '../server/each-server.js'
import {startServer} from '../server/server.js'

/** Where the arguments lie, as a log has them. */
function commandOf(args: readonly string[]): LogCommand {
  const pieces = args.map(one => Buffer.from(one))
  const bounds = new Int32Array(2 * args.length)
  let at = 0
  for (const [i, piece] of pieces.entries()) {
    bounds[2 * i] = at
    at += piece.length
    bounds[2 * i + 1] = at
  }
  return {bytes: new Uint8Array(Buffer.concat(pieces)), argc: args.length, bounds, offset: 0, endOffset: at}
}

const keys = new CommandKeys()

/** Undefined: the command is not known. */
function keysOf(line: string): string[] | undefined {
  const args = split(line)
  if (!keys.find(commandOf(args))) return undefined
  return Array.from(keys.args.subarray(0, keys.count), arg => args[arg]!)
}

const split = (line: string): string[] => line.split(' ').map(one => (one === '""' ? '' : one))

const LINES = [
  'SET a 1 PXAT 1700000000000',
  'set a 1',
  'DEL a b c',
  'UNLINK a',
  'TOUCH a b',
  'MSET a 1 b 2',
  'MSETNX a 1 b 2 c 3',
  'RENAME a b',
  'RENAMENX a b',
  'COPY a b DB 3 REPLACE',
  'MOVE a 3',
  'RESTORE a 0 x ABSTTL',
  'RESTORE-ASKING a 0 x',
  'EXPIREAT a 17',
  'LMOVE a b LEFT RIGHT',
  'BLMOVE a b LEFT RIGHT 0',
  'RPOPLPUSH a b',
  'BRPOPLPUSH a b 0',
  'LPUSH a x y',
  'BLPOP a b 0',
  'BRPOP a 0',
  'BZPOPMIN a b 0',
  'BZPOPMAX a 0',
  'LMPOP 2 a b LEFT COUNT 3',
  'BLMPOP 0 2 a b LEFT',
  'ZMPOP 1 a MIN',
  'BZMPOP 0 1 a MIN',
  'SMOVE a b member',
  'SADD a m n',
  'SUNIONSTORE d a b',
  'SINTERSTORE d a',
  'SDIFFSTORE d a b c',
  'SINTERCARD 2 a b LIMIT 1',
  'ZADD a NX 1 m 2 n',
  'ZUNIONSTORE d 2 a b WEIGHTS 1 2 AGGREGATE MIN',
  'ZINTERSTORE d 1 a',
  'ZDIFFSTORE d 2 a b',
  'ZUNION 2 a b WITHSCORES',
  'ZRANGESTORE d a 0 -1',
  'GEOSEARCHSTORE d a FROMLONLAT 1 2 BYRADIUS 3 m ASC',
  'GEOADD a 1 2 m',
  'GEORADIUS a 1 2 3 m',
  'GEORADIUS a 1 2 3 m STORE d',
  'GEORADIUS a 1 2 3 m COUNT 3 ASC STOREDIST d',
  'GEORADIUSBYMEMBER a m 3 m STORE d',
  'SORT a',
  'SORT a BY w* LIMIT 0 5 GET x* GET # ASC ALPHA STORE d',
  'SORT a STORE d STORE e',
  'SORT a BY STORE',
  'SORT a GET STORE STORE d',
  'SORT a STORE d GET STORE',
  'sort a store d',
  'BITOP AND d a b',
  'BITFIELD a SET u8 0 1',
  'PFADD a x',
  'PFMERGE d a b',
  'PFCOUNT a b',
  'HSET a f v g w',
  'XADD a 1-1 f v',
  'XGROUP CREATE a g 0 MKSTREAM',
  'XGROUP SETID a g 0',
  'XACK a g 1-1',
  'XCLAIM a g c 0 1-1 JUSTID',
  'XREADGROUP GROUP g c STREAMS a b > >',
  'XREADGROUP GROUP STREAMS c COUNT 1 NOACK STREAMS a >',
  'XREAD COUNT 2 STREAMS a b c 0 0 0',
  'XINFO STREAM a',
  'OBJECT ENCODING a',
  'MEMORY USAGE a',
  'EVAL script 2 a b c d',
  'EVALSHA 0123 1 a',
  'FCALL f 1 a b',
  'MIGRATE h 1 a 0 10',
  'MIGRATE h 1 "" 0 10 COPY KEYS a b',
  'MIGRATE h 1 "" 0 10 AUTH KEYS KEYS a b',
  'MIGRATE h 1 "" 0 10 AUTH2 KEYS KEYS KEYS a b',
  'GETEX a PX 10',
  'GETDEL a',
  'LCS a b',
  'HSETEX a PXAT 17 FIELDS 1 f v',
  'HGETDEL a FIELDS 1 f',
  'MSETEX 2 a 1 b 2 PXAT 17',
  'DELIFEQ a 1',
  'PUBLISH channel x',
  'SELECT 3',
  'FLUSHALL',
  'SWAPDB 0 1',
  'MULTI',
  'SCRIPT FLUSH',
  'FUNCTION FLUSH',
  'PING',
]

/** What a server answers where it has no such command, or none with such arguments; 7.0 where it has none at all. */
const ELSEWHERE = /Invalid command specified|Invalid arguments|Invalid number of arguments|for 'command\|getkeys'/
const NO_KEYS = /has no key arguments/

describeEachServer('keys as they are for', (name, version) => {
  it('every kind of command', async () => {
    const server = await startServer(name)
    try {
      const lines = LINES.map(line => ['COMMAND', 'GETKEYS', ...split(line)])
      const answers = await server.client.pipeline(lines)
      const wrong: string[] = []
      let compared = 0
      for (const [i, line] of LINES.entries()) {
        const answer = answers[i]
        const text = answer instanceof Error ? answer.message : undefined
        if (text !== undefined && ELSEWHERE.test(text)) continue
        // redis 6.0 takes a password for the option (db.c, migrateGetKeys).
        if (name === 'redis-6.0' && line.includes(' AUTH')) continue
        if (text !== undefined && !NO_KEYS.test(text)) throw new Error(`${line}: ${text}`)
        const expected = text === undefined ? answer.map(String) : []
        compared++
        const found = keysOf(line)
        if (String([...found!].sort()) !== String([...expected].sort()))
          wrong.push(`${line}: ${found}, not ${expected}`)
      }
      expect(wrong).toEqual([])
      expect(compared).toBeGreaterThan(Number.parseFloat(version) < 7 ? 55 : 75)
    } finally {
      await server.stop()
    }
  })
})

describe('keys', () => {
  it('of a command that is not known are not known', () => {
    expect(keysOf('JSON.SET a $ 1')).toBeUndefined()
    expect(keysOf('0f343b0931126a20f133d67c2b018a3b a 1')).toBeUndefined()
  })

  it.each([
    ['DEL', []],
    ['SORT', []],
    ['EVAL x 3 a b', ['a', 'b']],
    ['EVAL x many a b', []],
    ['EVAL x -1 a', []],
    ['EVAL x 99999999999999999999 a', []],
    ['EVAL x', []],
    ['ZUNIONSTORE d 9 a', ['d', 'a']],
    ['MSETEX 3 a 1 b', ['a', 'b']],
    ['SORT a STORE', ['a']],
    ['XREADGROUP GROUP g c STREAMS', []],
    ['MIGRATE h 1', []],
    ['MIGRATE h 1 "" 0 10 KEYS', []],
  ])('of %s are those that are there', (line, expected) => {
    expect(keysOf(line)).toEqual(expected)
  })

  it('may be many', () => {
    const many = Array.from({length: 5000}, (_, i) => `k${i}`)
    expect(keysOf(`DEL ${many.join(' ')}`)).toEqual(many)
  })
})
