/** A log replayed by several threads: the same data, counts, warnings and errors as by one. */
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {type BuildOptions, type Built, build} from '../../src/jobs/build.js'
import {shardReplay} from '../../src/jobs/shard-replay.js'
import type {Lost} from '../../src/keyspace/loss-report.js'
import {failureJson} from '../../src/report/failure.js'
import type {Files} from '../fixtures/aof-folder.js'
import {unpackFolder} from '../fixtures/aof-folder.js'
import {hex, str} from '../fixtures/builder.js'
import {Here} from '../parallel/here.js'
import {withLimits, withoutKernelWindows} from '../reading/pieces.js'
import type {Command} from '../replay/random/arguments.js'
import {Draw} from '../replay/random/draw.js'
import {hotCommands} from '../replay/random/hot.js'
import {randomCommands} from '../replay/random/stream-of-commands.js'
import {contentOfSnapshot} from '../replay/replaying.js'
import {encodeCommand} from '../server/resp.js'
import {temporaryFolder} from '../start/folder.js'
import {frame, sets, writeLog} from '../start/log.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
let made = 0

type Options = Omit<BuildOptions, 'out'>

/** Threads that were asked for their keys, and those that were not: of these the log was read once more. */
interface Asked {
  replays: number
  handOvers: number
}

/** That many threads, which are none. */
function several(threads: number, asked: Asked): Options {
  const newThread = () => {
    const answer = shardReplay()
    return new Here<Parameters<typeof answer>[0], unknown>(async (question, outbox) => {
      if ('replay' in question) asked.replays++
      else asked.handOvers++
      return await answer(question, outbox)
    }) as never
  }
  return {threads, threadBytesMin: 0, newThread}
}

async function outcomeOf(log: string, options: Options): Promise<object> {
  const out = join(folder.path, `out-${made++}.rdb`)
  try {
    const {out: _, bytes: __, ...built}: Built = await build([log], {...options, out})
    return {built: {...built, lost: built.lost.map(withoutExamples)}, content: await contentOfSnapshot(out)}
  } catch (error) {
    // The first key that has no place is another one where keys have another order.
    const {key: _, offset, ...failure} = failureJson(error as Error) as Record<string, unknown>
    const isLoss = failure['code'] === 'NOT_IN_TARGET'
    return {...failure, ...(isLoss ? {error: ''} : {key: _, offset}), class: (error as Error).constructor.name}
  }
}

/** The first keys that lost something are others where keys have another order. */
function withoutExamples({examples: _, ...lost}: Lost): object {
  return lost
}

/** Returns whether the threads went on to the end. */
async function same(log: string, options: Options = {}, windowBytes = 1000): Promise<boolean> {
  const asked: Asked = {replays: 0, handOvers: 0}
  await withoutKernelWindows(() =>
    withLimits({windowBytes}, async () => {
      const nowMs = 1_700_000_000_000
      const one = await outcomeOf(log, {nowMs, ...options, threads: 1})
      for (const threads of [2, 3]) {
        const outcome = await outcomeOf(log, {nowMs, ...options, ...several(threads, asked)})
        expect(outcome).toEqual(one)
      }
    }),
  )
  return asked.replays === 3 && asked.handOvers === 3
}

const single = (content: string | Uint8Array): string =>
  folder.write(`log-${made++}.aof`, Buffer.from(content as string))
const encoded = (commands: Iterable<Command>): Uint8Array =>
  Buffer.concat([...commands].map(args => encodeCommand([...args])))

/** What concerns one key each, or all. */
const together = (commands: Iterable<Command>): Command[] =>
  [...commands].filter(
    ([name]) => !/^(?:rename|renamenx|copy|smove|.*store|sort|msetnx|move|r?poplpush|[lb].*move)$/i.test(`${name}`),
  )

const KEYS = Array.from({length: 40}, (_, i) => `key:${i}`)

describe('every fixture', () => {
  const ROOT = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))
  it.each(readdirSync(ROOT))('%s', async name => {
    const {files} = JSON.parse(readFileSync(join(ROOT, name), 'utf8')) as {files: Files}
    const path = join(folder.path, `fixture-${made++}`)
    unpackFolder(files, path)
    const [manifest] = readdirSync(path, {recursive: true, encoding: 'utf8'}).filter(file => file.endsWith('.manifest'))
    const log = manifest === undefined ? readdirSync(path)[0]! : manifest
    for (const skipUnsupported of [false, true]) await same(join(path, log), {skipUnsupported})
  })
})

describe('a log by several threads', () => {
  it('means the same with random commands, errors and transactions', async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const commands = hotCommands(new Draw(seed), 1500)
      await same(single(encoded(seed % 2 === 0 ? commands : together(commands))), {skipUnsupported: seed % 3 > 0}, 5000)
    }
  })

  it('means the same with random commands of all families', async () => {
    const known = {has: () => true} as unknown as ReadonlySet<string>
    for (const product of ['redis', 'valkey']) {
      const dialect = {product, redis: 8.2, known, chosen: false, wider: false, payloads: []}
      await same(single(encoded(randomCommands(7, 600, dialect))), {skipUnsupported: true, allowLoss: true}, 5000)
      await same(single(encoded(together(randomCommands(8, 600, dialect)))), {skipUnsupported: true}, 5000)
    }
  })

  it('is replayed by threads of their own', async () => {
    const log = single([...KEYS.map(key => frame('RPUSH', key, key)), frame('RENAME', 'key:1', 'key:2')].join(''))
    const one = await outcomeOf(log, {threads: 1, nowMs: 1})
    expect(await outcomeOf(log, {threads: 3, threadBytesMin: 0, nowMs: 1})).toEqual(one)
  })

  it('is replayed by them where commands allow it', async () => {
    const lines = KEYS.map((key, i) => frame('SELECT', `${i % 3}`) + frame('HSET', key, 'f', `${i}`))
    const all = [frame('SWAPDB', '0', '2'), frame('DEL', ...KEYS.slice(0, 9)), frame('FUNCTION', 'FLUSH')]
    expect(await same(single([...lines, ...all, ...lines.slice(0, 5)].join('')))).toBe(true)
  })

  it('goes on with one where a command is on keys of several', async () => {
    const made = [
      frame('SET', 's', 'v', 'PXAT', '1900000000000'),
      frame('HSET', 'h', 'f', 'v', 'g', 'w') + frame('HPEXPIREAT', 'h', '1900000000000', 'FIELDS', '1', 'f'),
      frame('XADD', 'x', '1-1', 'f', 'v') +
        frame('XGROUP', 'CREATE', 'x', 'g', '0') +
        frame('XADD', 'y', '1-1', 'f', 'v'),
      frame(
        'XCLAIM',
        'x',
        'g',
        'c',
        '0',
        '1-1',
        'TIME',
        '1700000000000',
        'RETRYCOUNT',
        '1',
        'FORCE',
        'JUSTID',
        'LASTID',
        '1-1',
      ),
      frame('ZADD', 'z', '-0', 'a', '1.1', 'b', '-inf', 'c') +
        frame('RPUSH', 'l', ...KEYS) +
        frame('SADD', 'i', '1', '2'),
      sets(...KEYS) + frame('SELECT', '3') + frame('SADD', 't', ...KEYS) + frame('INCR', 's') + frame('INCR', 'l'),
    ]
    const crossing = [...KEYS.map(key => frame('RENAME', key, `${key}!`)), frame('SUNIONSTORE', 'a', 't', 'b', 'c')]
    const behind = [
      frame('SELECT', '0'),
      ...crossing,
      frame('INCR', 'h'),
      frame('XADD', 'x', '2-1', 'f', 'v'),
      frame('DEL', 'i'),
    ]
    const inOne = [frame('MULTI'), ...made, frame('SELECT', '0'), ...crossing, ...made, frame('EXEC'), sets(...KEYS)]
    for (const log of [[...made, ...behind], [...made, ...inOne], [...crossing, ...made], [...inOne]]) {
      for (const target of [undefined, 'redis-5.0', 'redis-7.4', 'valkey-9.1']) {
        expect(await same(single(log.join('')), {allowLoss: true, target})).toBe(true)
      }
    }
  })

  it('begins with a snapshot', async () => {
    const file = new RdbFile('REDIS', 10).op(0xfa, str('aof-base'), hex(0xc0, 1)).db(0)
    for (const key of KEYS) file.key(0, key, text(`of ${key}`))
    file.key(0, KEYS[3]!, text('twice'))
    const commands = KEYS.slice(5, 20).map(key => frame('APPEND', key, '!'))
    const files = {'appendonly.aof.1.base.rdb': file.end(), 'appendonly.aof.1.incr.aof': commands.join('')}
    expect(await same(writeLog(join(folder.path, `chain-${made++}`), files))).toBe(true)
  })

  it('tells of commands that fail in the order of the log, and of no more than one thread does', async () => {
    const wrong = KEYS.flatMap(key => [frame('SET', key, 'x'), frame('INCR', key), frame('LPUSH', key, 'y')])
    const inOne = [frame('MULTI'), ...wrong, frame('SELECT', 'x'), frame('EXEC')]
    expect(await same(single([...wrong, ...inOne, frame('NOSUCH', 'key')].join('')), {skipUnsupported: true})).toBe(
      true,
    )
  })

  it('ends where it is cut short', async () => {
    const log = sets(...KEYS) + frame('MULTI') + sets('a', 'b', 'c')
    for (const cut of [0, 1, 5, 30, 60]) expect(await same(single(log.slice(0, log.length - cut)))).toBe(true)
  })

  it('ends where it is asked to', async () => {
    const log = single(`#TS:1000\r\n${sets(...KEYS)}#TS:2000\r\n${sets('a', 'b', 'c')}`)
    expect(await same(log, {pointInTime: {untilMs: 1_500_000}})).toBe(true)
    expect(await same(log, {pointInTime: {untilOffset: {offset: 500}}})).toBe(true)
    await same(log, {pointInTime: {untilMs: 1}})
    await same(log, {pointInTime: {untilOffset: {offset: 500_000}}})
  })

  it('has the same errors', async () => {
    const log = sets(...KEYS)
    await same(single(`${log}*1\r\n$x\r\n`))
    await same(single(`${log}${frame('EVAL', 'script', '1', 'key')}`))
    await same(single(`${log}${frame('GET')}${log}`))
    await same(single(log + frame('SPOP', 'nothing', '-1') + frame('XADD', 'x', '*', 'f', 'v')))
    await same(
      writeLog(
        join(folder.path, `chain-${made++}`),
        {'a.1.incr.aof': log, 'a.2.incr.aof': ''},
        'file gone seq 1 type i\n',
      ),
    )
  })

  it('loses the same', async () => {
    const fields = KEYS.map(
      (key, i) =>
        frame('HSET', key, 'f', 'v') + frame('HPEXPIREAT', key, '1900000000000', 'FIELDS', '1', i % 2 ? 'f' : 'g'),
    )
    const streams = KEYS.map(
      key => frame('XADD', `${key}x`, '1-1', 'f', 'v') + frame('XGROUP', 'CREATE', `${key}x`, 'g', '0'),
    )
    const log = single([...fields, ...streams].join(''))
    for (const target of [undefined, 'redis-7.2', 'redis-6.2', 'redis-5.0', 'redis-4.0', 'redis-3.2', 'valkey-9.1']) {
      await same(log, {target, allowLoss: true})
      await same(log, {target})
      await same(log, {target, strict: true})
    }
  })

  it('is not read by them where only a part of it is wanted', async () => {
    const log = single(sets(...KEYS) + frame('FLUSHALL') + sets('a', 'b'))
    expect(await same(log, {selection: {match: ['key*']}} as never)).toBe(false)
    expect(await same(log, {sort: true})).toBe(false)
    expect(await same(log, {reencode: true})).toBe(false)
  })
})
