/** Keys, whatever they hold, and function libraries: as real servers leave them. */
import {describe, expect, it} from 'vitest'
import {describeEachServer} from '../server/each-server.js'
import {startServer} from '../server/server.js'
import {
  type Argument,
  askEngine,
  askServer,
  type Content,
  contentOf,
  contentOfLog,
  contentOfServer,
  replay,
} from './replaying.js'

const LATER = 4102444800000

const argumentsOf = (all: readonly (string | Argument[])[]): Argument[][] =>
  all.map(one => (typeof one === 'string' ? one.split(' ') : one))

const COMMON = argumentsOf([
  `SET a 1 PXAT ${LATER}`,
  'HSET h f v',
  'SADD s x y',
  'RENAME a b',
  'RENAME none b',
  'RENAMENX b h',
  'RENAMENX b c',
  'RENAME c c',
  'RENAMENX c c',
  'SET over 1',
  'RENAME c over',
  'COPY h h2',
  'COPY h h2',
  'HSET h f w',
  'COPY h h2 REPLACE',
  'COPY h h DB 3',
  'COPY h h',
  'COPY none none',
  'COPY h x DB -1',
  'COPY h x DB y',
  'COPY h x WHAT',
  'COPY over over2',
  `PEXPIREAT h2 ${LATER}`,
  'COPY h2 h3',
  'MOVE s 2',
  'SADD s z',
  'MOVE s 2',
  'MOVE none 2',
  'MOVE s 0',
  'MOVE s x',
  'MOVE s -1',
  `PEXPIREAT s ${LATER}`,
  `PEXPIREAT s ${LATER + 5} NX`,
  `PEXPIREAT s ${LATER + 5} XX`,
  `PEXPIREAT s ${LATER + 5} GT`,
  `PEXPIREAT s ${LATER + 6} GT`,
  `PEXPIREAT s ${LATER + 3} LT`,
  `PEXPIREAT s ${LATER + 4} XX LT`,
  `EXPIREAT h ${LATER / 1000} GT`,
  `EXPIREAT h ${LATER / 1000} LT`,
  'EXPIRE h 99999999999999999',
  'EXPIRE h x',
  'EXPIRE h 1 WHAT',
  'EXPIRE h 1 NX XX',
  'EXPIRE h 1 GT LT',
  'EXPIRE none 1',
  'PERSIST h2',
  'PERSIST h2',
  'PERSIST none',
  'SET d1 1',
  'SET d2 1',
  'DEL d1 none',
  'UNLINK d2 d2',
  'TOUCH h none',
  'SET m 1',
  'RESTORE m 0 x',
  'RESTORE new 0 x',
  'RESTORE new -1 x',
  'RESTORE new 0 x IDLETIME -1',
  'RESTORE new 0 x FREQ 256',
  'RESTORE new 0 x WHAT',
  'RESTORE new 0 x REPLACE ABSTTL',
])

const SOURCE = "#!lua name=one\nredis.register_function('f', function() return 1 end)"
const OTHER = "#!lua name=two\nredis.register_function('g', function() return 1 end)"

const FUNCTIONS = argumentsOf([
  ['FUNCTION', 'LOAD', SOURCE],
  ['FUNCTION', 'LOAD', SOURCE],
  ['FUNCTION', 'LOAD', 'REPLACE', SOURCE.replace('1 end', '2 end')],
  ['function', 'load', OTHER],
  'FUNCTION LOAD abc',
  'FUNCTION LOAD #!lua',
  ['FUNCTION', 'LOAD', '#!lua\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!lua name=a-b\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!lua name=a name=b\nreturn 1'],
  ['FUNCTION', 'LOAD', '#!lua what=a\nreturn 1'],
  'FUNCTION LOAD',
  'FUNCTION LOAD WHAT x',
  'FUNCTION WHAT',
  'FUNCTION DELETE none',
  'FUNCTION DELETE',
  'FUNCTION DELETE one',
  'FUNCTION FLUSH what',
  'FUNCTION FLUSH ASYNC x',
  'FUNCTION RESTORE x',
  'FUNCTION RESTORE x y',
  'FUNCTION LIST',
])

const FILL = argumentsOf([
  'SET short 12',
  ['SET', 'long', 'x'.repeat(20_000)],
  'SADD ints 1 2 3',
  'SADD words a b 3',
  'HSET hash f v g w',
  'RPUSH list a b 1 2',
  ['RPUSH', 'longer', ...Array.from({length: 300}, (_, i) => `${i}`.padStart(60, 'x'))],
  'ZADD sorted 1.5 a -inf b 2 c',
  ['ZADD', 'many', ...Array.from({length: 300}, (_, i) => [i / 3, `m${i}`]).flat()],
  ['HSET', 'table', ...Array.from({length: 600}, (_, i) => [`f${i}`, i]).flat()],
])

/** What servers before 7.2 store of a stream leaves out what has been filled in here. */
const STREAM = argumentsOf([
  'XADD stream 1-1 f v g w',
  'XADD stream 1-2 f v g x',
  'XADD stream 2-0 other v',
  'XDEL stream 1-1',
  'XGROUP CREATE stream readers 0',
  'XREADGROUP GROUP readers one COUNT 1 STREAMS stream >',
  'XREADGROUP GROUP readers two STREAMS stream >',
])

/** Keys with fields that expire, where servers know them. */
const FIELDS = argumentsOf(['HSET fading f v g w', `HPEXPIREAT fading ${LATER} FIELDS 1 f`])

describeEachServer('keys in', (name, version) => {
  it.skipIf(Number.parseFloat(version) < 7)('are what they are here', async () => {
    const ours = await askEngine(COMMON)
    expect(ours).toEqual(await askServer(name, COMMON))
    expect(ours.content).toEqual(await contentOfLog(name, COMMON))
  })

  it('are restored from what DUMP answers', async () => {
    const server = await startServer(name)
    try {
      const fields = name === 'redis-8.0' || name === 'valkey-9.1' ? FIELDS : []
      const fill = [...FILL, ...(Number.parseFloat(version) < 7.2 ? [] : STREAM), ...fields]
      await server.client.pipeline(fill as never)
      const keys = ((await server.client.call('KEYS', '*')) as Buffer[]).map(String)
      const dumped: Buffer[] = await server.client.pipeline(keys.map(key => ['DUMP', key]))
      const commands = dumped.flatMap((payload, i) => [
        ['RESTORE', `${keys[i]}2`, 0, payload],
        ['RESTORE', 'over', LATER, payload, 'ABSTTL', 'REPLACE'],
        ['RESTORE', 'broken', 0, Buffer.concat([payload.subarray(0, 2), payload])],
        // Made at other times than ours.
        ['DEL', keys[i]!],
      ])
      const replies = await server.client.pipeline(commands as never)
      const {content, errors} = await askEngine([...fill, ...commands])
      expect(Object.keys(content)).toHaveLength(keys.length + 1)
      expect(errors.slice(fill.length)).toEqual(replies.map(reply => (reply instanceof Error ? reply.message : '')))
      expect(content).toEqual(await contentOfServer(server))
    } finally {
      await server.stop()
    }
  })

  it.skipIf(Number.parseFloat(version) < 7)('stand beside function libraries', async () => {
    expect(await askEngine(FUNCTIONS)).toEqual(await askServer(name, FUNCTIONS))
    const server = await startServer(name)
    try {
      await server.client.call('FUNCTION', 'LOAD', SOURCE)
      const payload = await server.client.call('FUNCTION', 'DUMP')
      await server.client.call('FUNCTION', 'FLUSH')
      const empty = await server.client.call('FUNCTION', 'DUMP')
      const restored = async (...words: string[]): Promise<Content> => {
        const {keyspace} = replay([
          ['FUNCTION', 'LOAD', OTHER],
          ['FUNCTION', 'RESTORE', empty],
          ['FUNCTION', 'RESTORE', payload, ...words],
        ])
        return await contentOf(keyspace)
      }
      expect(await restored()).toEqual({'function one': SOURCE, 'function two': OTHER})
      expect(await restored('FLUSH')).toEqual({'function one': SOURCE})
      const {refusals} = replay([
        ['FUNCTION', 'LOAD', SOURCE],
        ['FUNCTION', 'RESTORE', payload],
        ['FUNCTION', 'RESTORE', payload, 'REPLACE'],
      ])
      expect(refusals.map(({message}) => message)).toEqual(['ERR Library one already exists'])
    } finally {
      await server.stop()
    }
  })
})

describe('keys', () => {
  it('stay what they were where a RESTORE in their place is damaged', async () => {
    // A set of two members that ends within the second, and no checksum.
    const payload = Buffer.from([2, 2, 1, 0x61, 9, 0x62, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    const {keyspace, refusals} = replay([
      ['SET', 'a', 'kept'],
      ['RESTORE', 'a', 0, payload, 'REPLACE'],
    ])
    expect(refusals.map(({message}) => message)).toEqual(['ERR Bad data format'])
    expect(await contentOf(keyspace)).toEqual({'0:a': 'string kept'})
  })

  it('are restored from a payload whose checksum is left out, as redis 8.10 writes it', async () => {
    const payload = Buffer.from([0, 1, 0x61, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    const {keyspace} = replay([['RESTORE', 'a', 5, payload, 'ABSTTL', 'IDLETIME', 7]])
    expect(await contentOf(keyspace)).toEqual({'0:a': 'string @5 a'})
    expect(keyspace.database(0).facts(0)).toMatchObject({idleSeconds: 7, frequency: -1})
  })

  it('stand beside libraries of engines that only modules bring', async () => {
    const source = '#!JS name=a\nreturn 1'
    const {keyspace} = replay([['FUNCTION', 'LOAD', source]])
    expect(await contentOf(keyspace)).toEqual({'function a': source})
  })

  it('go away with MIGRATE, unless it copies', async () => {
    const {keyspace, refusals} = replay([
      'MSET a 1 b 1 c 1 d 1',
      'MIGRATE host 6379 a 0 1000',
      'MIGRATE host 6379 b 0 1000 COPY REPLACE',
      ['MIGRATE', 'host', 6379, '', 0, 1000, 'AUTH', 'COPY', 'KEYS', 'c', 'none', 'd'],
      'MIGRATE host 6379 a 0 1000 KEYS b',
    ])
    expect(await contentOf(keyspace)).toEqual({'0:b': 'string 1'})
    expect(refusals).toHaveLength(1)
  })

  it('tell why scripts, functions and modules are not replayed', () => {
    const {refusals, engine} = replay([
      'EVAL x 0',
      'FCALL f 0',
      'SCRIPT LOAD x',
      'JSON.SET a $ 1',
      'vadd v VALUES 1 1 e',
      'HIMPORT x',
      'NONSENSE a',
    ])
    expect(refusals.map(({kind}) => kind)).toEqual(Array(6).fill('skipped'))
    expect(engine.skipped).toBe(6)
    const words = [/script/, /function/, /ReJSON/, /vectorset/, /RESTORE/, /no server that we know/]
    for (const [i, {message}] of refusals.entries()) expect(message).toMatch(words[i]!)
  })
})
