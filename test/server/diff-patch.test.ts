/**
 * What diff writes as commands, sent to a real server that holds the first data set: it must answer all of them well, and
 * then hold what a server holds that has loaded the second.
 */
import {readFileSync} from 'node:fs'
import {expect, it} from 'vitest'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {PatchWriter} from '../../src/export/difference-patch.js'
import {diff} from '../../src/jobs/diff.js'
import {differencesOf} from '../reading/differences.js'
import {temporaryFolder} from '../start/folder.js'
import {describeEachServer} from './each-server.js'
import {compare, snapshot} from './oracle.js'
import {send} from './send.js'
import {type Server, startServer} from './server.js'

const folder = temporaryFolder()
const FAR = 4_102_444_800_000

type Command = readonly (string | number)[]

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

interface Sets {
  before: Command[]
  edits: Command[]
}

/** What the server's version has commands for. */
function setsFor(name: string): Sets {
  const version = Number(/\d+\.\d+/.exec(name)![0])
  const functions = version >= 7
  const fields = name === 'redis-8.0' || name === 'valkey-9.1'
  return {
    before: [...(functions ? [library(0), library(1)] : []), ...(fields ? FIELDS_BEFORE : []), ...BEFORE],
    edits: [
      ...(functions ? [library(2), ['FUNCTION', 'DELETE', 'lib1']] : []),
      ...(fields ? FIELDS_EDITS : []),
      ...EDITS,
    ],
  }
}

async function run(server: Server, commands: readonly Command[]): Promise<void> {
  await server.client.call('SELECT', 0)
  for (const command of commands) await server.client.call(...(command as [string]))
}

async function saved(server: Server, name: string): Promise<string> {
  return folder.write(name, readFileSync(await server.save()))
}

/** Two states of one server as files. */
async function filesOf(name: string): Promise<[before: string, after: string]> {
  const server = await startServer(name, {config: CONFIG})
  try {
    const {before, edits} = setsFor(name)
    await run(server, before)
    const first = await saved(server, `${name}-before.rdb`)
    await run(server, edits)
    return [first, await saved(server, `${name}-after.rdb`)]
  } finally {
    await server.stop()
  }
}

async function patchOf(before: string, after: string): Promise<Uint8Array> {
  const target = new MemoryTarget()
  const out = new ByteOutput(target)
  const sink = new PatchWriter(out)
  await diff(before, after, {sink, ignore: ['consumers']})
  out.flush()
  expect(sink.losses).toEqual([])
  return target.view()
}

const CONFIG = {'active-expire-effort': 1}

describeEachServer('a patch for', name => {
  it('makes of what one file holds what the other does, both ways', {timeout: 120_000}, async () => {
    const files = await filesOf(name)
    for (const [before, after] of [files, files.toReversed()] as [string, string][]) {
      const wanted = await holding(name, after, snapshot)
      const [errors, got, path] = await holding(name, before, async server => {
        const refused = await send(server.port, await patchOf(before, after))
        return [refused, await snapshot(server), await saved(server, `${name}-patched.rdb`)] as const
      })
      expect(errors).toEqual([])
      expect(compare(wanted, got, {clocks: false})).toEqual([])
      const {lines} = await differencesOf(path, after, {ignore: ['consumers']})
      expect(lines).toEqual([])
    }
  })

  it('says nothing of what both hold', async () => {
    const [before] = await filesOf(name)
    expect((await patchOf(before, before)).length).toBe(0)
  })
})

async function holding<T>(name: string, rdb: string, look: (server: Server) => Promise<T>): Promise<T> {
  const server = await startServer(name, {rdb, config: CONFIG})
  try {
    return await look(server)
  } finally {
    await server.stop()
  }
}
