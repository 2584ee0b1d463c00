/**
 * What diff writes as commands, sent to a real server that holds the first data set: it must answer all of them well, and
 * then hold what a server holds that has loaded the second.
 */
import {setTimeout} from 'node:timers/promises'
import {expect, it} from 'vitest'
import type {SelectionOptions} from '../../src/keyspace/selection.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {type Command, expectPatched, patched, patchOf, statesOf} from './patching.js'
import type {Server} from './server.js'

const folder = temporaryFolder()
const FAR = 4_102_444_800_000

const numbers = (count: number): number[] => Array.from({length: count}, (_, i) => i)

/** A little of everything, some of it large enough for another encoding. */
const BEFORE: Command[] = [
  ['SET', 'same', 'x'],
  ['SET', 'gone', 'x'],
  ['SET', 'text', 'before'],
  ['SET', 'expiring', 'before', 'PX', 9_000_000_000],
  ['SET', 'long', 'a'.repeat(100_000)],
  ['SET', 'other type', 'x'],
  ['PEXPIREAT', 'same', FAR],
  ['RPUSH', 'front', 'b', 'c'],
  ['RPUSH', 'back', 'a', 'b'],
  ['RPUSH', 'middle', ...numbers(600).map(i => `item ${i}`)],
  ['RPUSH', 'set some', 'a', 'b', 'c'],
  ['RPUSH', 'all other', 'a', 'b'],
  ['RPUSH', 'two places', ...numbers(600).map(i => `item ${i}`)],
  ['RPUSH', 'many places', ...numbers(900).map(i => `item ${i}`)],
  ['RPUSH', 'cut in front', 'a', 'b', 'c'],
  ['SADD', 'set', 'a', 'b', '1', '2'],
  ['SADD', 'emptied on the way', 'a', 'b'],
  ['PEXPIREAT', 'emptied on the way', FAR],
  ['SADD', 'large', ...numbers(900)],
  ['ZADD', 'zset', 1, 'a', 2, 'b', 0.1, 'c'],
  ['ZADD', 'large zset', ...numbers(500).flatMap(i => [i / 3, `m${i}`])],
  ['HSET', 'hash', 'f', 'v', 'g', 'w', 'h', 'x'],
  ['HSET', 'large hash', ...numbers(400).flatMap(i => [`f${i}`, `v${i}`])],
  ['XADD', 'stream', '1-1', 'a', '1'],
  ['XADD', 'stream', '2-1', 'a', '2'],
  ['XGROUP', 'CREATE', 'stream', 'g', '0'],
  ['XREADGROUP', 'GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', 'stream', '>'],
  ['SELECT', 3],
  ['SET', 'in 3', 'x'],
  ['SET', 'gone of 3', 'x'],
]

const EDITS: Command[] = [
  ['DEL', 'gone', 'other type'],
  ['SET', 'text', 'after'],
  ['SET', 'come', 'x', 'PX', 8_000_000_000],
  ['SET', 'expiring', 'after', 'KEEPTTL'],
  ['PERSIST', 'same'],
  ['SETRANGE', 'long', 70_000, 'b'],
  ['RPUSH', 'other type', 'a'],
  ['LPUSH', 'front', 'a', 'z'],
  ['RPUSH', 'back', 'c'],
  ['LREM', 'middle', 1, 'item 300'],
  ['LSET', 'set some', 1, 'x'],
  ['LSET', 'two places', 0, 'x'],
  ['LSET', 'two places', 598, 'y'],
  ...numbers(300).map(i => ['LSET', 'many places', 3 * i + 1, `other ${i}`]),
  ['DEL', 'all other'],
  ['RPUSH', 'all other', 'x', 'y', 'z'],
  ['LPOP', 'cut in front'],
  ['SREM', 'set', 'a', '1'],
  ['SADD', 'set', 'z', '3'],
  ['SADD', 'emptied on the way', 'c'],
  ['SREM', 'emptied on the way', 'a', 'b'],
  ['SREM', 'large', ...numbers(300)],
  ['SADD', 'large', ...numbers(300).map(i => `new ${i}`)],
  ['ZADD', 'zset', 3, 'a', 0.30000000000000004, 'c', 5, 'd'],
  ['ZREM', 'zset', 'b'],
  ['ZADD', 'large zset', 7.25, 'm7', '-inf', 'm8'],
  ['HSET', 'hash', 'f', 'other', 'i', 'y'],
  ['HDEL', 'hash', 'g'],
  ['HSET', 'large hash', 'f7', 'other'],
  ['EXPIRE', 'large hash', 5_000_000],
  ['XADD', 'stream', '3-1', 'a', '3'],
  ['XDEL', 'stream', '1-1'],
  ['XREADGROUP', 'GROUP', 'g', 'd', 'COUNT', 1, 'STREAMS', 'stream', '>'],
  ['XGROUP', 'CREATE', 'stream', 'h', '$'],
  ['SELECT', 3],
  ['DEL', 'gone of 3'],
  ['SET', 'in 3', 'y'],
  ['SELECT', 9],
  ['SET', 'in 9', 'x'],
]

/** Of servers whose fields expire. */
const FIELDS_BEFORE: Command[] = [
  ['HSET', 'expiring fields', 'a', '1', 'b', '2', 'c', '3', 'd', '4'],
  ['HPEXPIREAT', 'expiring fields', FAR, 'FIELDS', 3, 'a', 'b', 'c'],
]
const FIELDS_EDITS: Command[] = [
  ['HPERSIST', 'expiring fields', 'FIELDS', 1, 'a'],
  ['HPEXPIREAT', 'expiring fields', FAR + 5, 'FIELDS', 2, 'b', 'd'],
  ['HSET', 'expiring fields', 'c', 'other'],
  ['HPEXPIREAT', 'expiring fields', FAR + 7, 'FIELDS', 1, 'c'],
]

const library = (n: number): Command => [
  'FUNCTION',
  'LOAD',
  'REPLACE',
  `#!lua name=lib${n % 2}\nredis.register_function('f${n % 2}', function() return ${n} end)`,
]

const libraryOf = (name: string, ...functions: string[]): Command => [
  'FUNCTION',
  'LOAD',
  [
    `#!lua name=${name}`,
    ...functions.map(one => `redis.register_function('${one}', function() return '${name}' end)`),
  ].join('\n'),
]

/** What expires soon, and is renewed: one of each kind of value, and some that differ otherwise too. */
const SHORT_MS = 1500
const KINDS = ['string', 'list', 'set', 'zset', 'hash', 'stream']
const make = (key: string, n: number): Command[] => [
  ['SET', `${key} string`, n],
  ['RPUSH', `${key} list`, 'a', n, 'c'],
  ['SADD', `${key} set`, 'a', n],
  ['ZADD', `${key} zset`, 1, 'a', n, 'b'],
  ['HSET', `${key} hash`, 'f', 'v', 'g', n],
  ['XADD', `${key} stream`, `${n}-1`, 'a', n],
]
const EXPIRING: Command[] = [
  ...['only renewed', 'renewed and other', 'never again', 'far'].flatMap(key => make(key, 1)),
  ...['only renewed', 'renewed and other', 'never again'].flatMap(key =>
    KINDS.map(kind => ['PEXPIRE', `${key} ${kind}`, SHORT_MS] as Command),
  ),
  ...KINDS.map(kind => ['PEXPIREAT', `far ${kind}`, FAR] as Command),
]
const RENEWED: Command[] = [
  ...KINDS.map(kind => ['PEXPIREAT', `only renewed ${kind}`, FAR] as Command),
  ...make('renewed and other', 2),
  ...KINDS.map(kind => ['PEXPIREAT', `renewed and other ${kind}`, FAR] as Command),
  ...KINDS.map(kind => ['PERSIST', `never again ${kind}`] as Command),
  ...make('far', 2),
]
const EXPIRING_FIELDS: Command[] = [
  ['HSET', 'some', 'a', '1', 'b', '2', 'c', '3'],
  ['HPEXPIRE', 'some', SHORT_MS, 'FIELDS', 2, 'a', 'b'],
  ['HSET', 'all', 'a', '1'],
  ['HPEXPIRE', 'all', SHORT_MS, 'FIELDS', 1, 'a'],
  ['HSET', 'all of an expiring key', 'a', '1'],
  ['HPEXPIRE', 'all of an expiring key', SHORT_MS, 'FIELDS', 1, 'a'],
  ['PEXPIREAT', 'all of an expiring key', FAR],
]
const RENEWED_FIELDS: Command[] = [
  ['HPEXPIREAT', 'some', FAR, 'FIELDS', 1, 'a'],
  ['HSET', 'some', 'b', '4'],
  ['HPERSIST', 'all', 'FIELDS', 1, 'a'],
  ['HPEXPIREAT', 'all of an expiring key', FAR, 'FIELDS', 1, 'a'],
]

const versionOf = (name: string): number => Number(/\d+\.\d+/.exec(name)![0])
const hasFunctions = (name: string): boolean => versionOf(name) >= 7
const hasFields = (name: string): boolean => /^redis-(7\.4|8)|^valkey-9/.test(name)

interface Sets {
  before: Command[]
  edits: Command[]
}

/** What the server's version has commands for. */
function setsFor(name: string): Sets {
  const [functions, fields] = [hasFunctions(name), hasFields(name)]
  return {
    before: [...(functions ? [library(0), library(1)] : []), ...(fields ? FIELDS_BEFORE : []), ...BEFORE],
    edits: [
      ...(functions ? [library(2), ['FUNCTION', 'DELETE', 'lib1']] : []),
      ...(fields ? FIELDS_EDITS : []),
      ...EDITS,
    ],
  }
}

describeEachServer('a patch for', name => {
  it('makes of what one file holds what the other does, both ways', {timeout: 120_000}, async () => {
    const {before, edits} = setsFor(name)
    const [one, other] = await statesOf(name, folder, before, edits)
    await expectPatched(name, folder, [one, other])
    await expectPatched(name, folder, [other, one])
  })

  it('says nothing of what both hold', async () => {
    const {before} = setsFor(name)
    const [one] = await statesOf(name, folder, before, [])
    expect((await patchOf(one, one)).length).toBe(0)
  })

  it('makes anew what has expired since, or will have', {timeout: 120_000}, async () => {
    const files = await statesOf(name, folder, EXPIRING, RENEWED)
    await setTimeout(SHORT_MS + 100)
    await expectPatched(name, folder, files)
  })

  it('of what is selected leaves the rest as it is', {timeout: 120_000}, async () => {
    const [before, after] = await statesOf(
      name,
      folder,
      [
        ['RPUSH', 'list', 'a', 'b', 'c'],
        ['SET', 'other type', 'v'],
        ['HSET', 'grows', 'stale', 'v'],
        ['SET', 'gone', 'v'],
      ],
      [
        ['PEXPIREAT', 'list', FAR],
        ['DEL', 'other type', 'gone', 'grows'],
        ['HSET', 'other type', 'f', 'v'],
        ['HSET', 'grows', 'f', 'x'.repeat(5000)],
      ],
    )
    const look = async ({client}: Server) => [
      await client.call('LRANGE', 'list', 0, -1),
      Number(await client.call('PTTL', 'list')) > 0,
      await client.call('TYPE', 'other type'),
      await client.call('HKEYS', 'grows'),
      await client.call('EXISTS', 'gone'),
    ]
    const list = ['a', 'b', 'c']
    const states: [SelectionOptions, unknown[]][] = [
      [{ttl: 'set'}, [list, true, 'string', ['stale'], 1]],
      [{ttl: 'none'}, [list, true, 'hash', ['f'], 0]],
      [{types: ['hash']}, [list, false, 'hash', ['f'], 1]],
      [{minBytes: 2000}, [list, false, 'string', ['f'], 1]],
      [{match: ['gone']}, [list, false, 'string', ['stale'], 0]],
    ]
    for (const [selection, wanted] of states) {
      const got = await patched(name, [before, after], {selection}, look)
      expect({selection, got: got.map(String)}).toEqual({selection, got: wanted.map(String)})
    }
  })

  it('sets fields anew that have expired since', {timeout: 120_000}, async context => {
    if (!hasFields(name)) context.skip('its fields do not expire')
    const files = await statesOf(name, folder, EXPIRING_FIELDS, RENEWED_FIELDS)
    await setTimeout(SHORT_MS + 100)
    await expectPatched(name, folder, files)
  })

  it('moves functions from one library to another', {timeout: 120_000}, async context => {
    if (!hasFunctions(name)) context.skip('it has no functions')
    const moves: [Command[], Command[]][] = [
      [[libraryOf('a', 'f', 'g')], [libraryOf('a', 'g'), libraryOf('b', 'f')]],
      [[libraryOf('a', 'f', 'g')], [libraryOf('b', 'f', 'g')]],
      [
        [libraryOf('a', 'f'), libraryOf('b', 'g')],
        [libraryOf('a', 'g'), libraryOf('b', 'f')],
      ],
    ]
    for (const [before, after] of moves) {
      const [one, other] = await statesOf(name, folder, before, [['FUNCTION', 'FLUSH'], ...after])
      await expectPatched(name, folder, [one, other])
      await expectPatched(name, folder, [other, one])
    }
  })
})
