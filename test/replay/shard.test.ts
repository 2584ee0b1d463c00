/** Several replays of one log that share its keys: together they hold, count and tell what one does. */
import {describe, expect, it} from 'vitest'
import {LogReader, PAUSE} from '../../src/aof/log-reader.js'
import {MemorySource} from '../../src/bytes/source.js'
import {type Refusal, ReplayEngine} from '../../src/replay/engine.js'
import {type Shard, Sharing, shardOf} from '../../src/replay/shard.js'
import {lookupCommand} from '../../src/replay/table.js'
import {Arena} from '../../src/resident/arena.js'
import {Keyspace} from '../../src/resident/keyspace.js'
import {ReplayKernel} from '../../src/resident/replay-kernel.js'
import {encodeCommand} from '../server/resp.js'
import type {Command} from './random/arguments.js'
import {Draw} from './random/draw.js'
import {hotCommands} from './random/hot.js'
import {type Dialect, randomCommands} from './random/stream-of-commands.js'
import {type Content, commandOf, contentOf} from './replaying.js'

interface Replayed {
  content: Content
  refusals: Refusal[]
  commands: number
  errors: number
  skipped: number
  /** Where it was halted. */
  paused: number | undefined
}

async function replay(log: Uint8Array, arena: Arena, shard?: Shard, windowBytes = 4096): Promise<Replayed> {
  const keyspace = new Keyspace(arena)
  const refusals: Refusal[] = []
  const onRefusal = (one: Refusal) => refusals.push(one)
  const engine = new ReplayEngine(keyspace, {nowMs: 0, skipUnsupported: true, onRefusal, shard})
  let paused: number | undefined
  const reading = new LogReader(new MemorySource(log, windowBytes)).run({
    command: command => {
      try {
        engine.apply(command)
      } catch (error) {
        if (error === PAUSE) paused = command.offset
        throw error
      }
    },
    runner: engine.runner,
    goOn: () => Promise.reject(PAUSE),
  })
  await reading.catch(error => {
    if (error !== PAUSE) throw error
  })
  const {commands, errors, skipped} = engine
  return {content: await contentOf(keyspace), refusals, commands, errors, skipped, paused}
}

const KERNELS = Array.from({length: 3}, () => new ReplayKernel(3))
const arenaOf = (number: number, kernels: boolean) => (kernels ? new Arena(KERNELS[number]) : new Arena())

async function expectSame(log: Uint8Array, count: number, kernels: boolean, windowBytes?: number): Promise<void> {
  const one = await replay(log, new Arena(), undefined, windowBytes)
  const content: Content = {}
  const refusals: Refusal[] = []
  let [errors, skipped] = [0, 0]
  for (let number = 0; number < count; number++) {
    const part = await replay(log, arenaOf(number, kernels), {number, count}, windowBytes)
    expect(part.paused).toBeUndefined()
    expect(part.commands).toBe(one.commands)
    expect(Object.keys(part.content).filter(key => key in content && !key.startsWith('function '))).toEqual([])
    Object.assign(content, part.content)
    refusals.push(...part.refusals)
    errors += part.errors
    skipped += part.skipped
  }
  for (const all of [refusals, one.refusals]) all.sort((a, b) => a.offset - b.offset)
  expect({content, refusals, errors, skipped}).toEqual({
    ...{content: one.content, refusals: one.refusals, errors: one.errors, skipped: one.skipped},
  })
}

function logOf(commands: readonly Command[]): Uint8Array {
  return Buffer.concat(commands.map(args => encodeCommand([...args])))
}

/** Commands that shards can run side by side. */
function uncrossed(commands: Iterable<Command>, count: number): Command[] {
  const sharing = new Sharing({number: 0, count})
  return [...commands].filter(args => {
    const command = commandOf(args)
    const spec = lookupCommand(command.bytes, command.bounds[0]!, command.bounds[1]!)
    return spec === undefined || sharing.shareOf(spec, command) !== 'crossing'
  })
}

const known = {has: () => true} as unknown as ReadonlySet<string>
const DIALECTS: Dialect[] = ['redis', 'valkey'].map(product => {
  return {product, redis: 8.2, known, chosen: false, wider: false, payloads: []}
})

describe('shards of a log', () => {
  it.each([2, 3])('%i of them hold together what one holds, of the commonest commands', async count => {
    for (let seed = 1; seed <= 8; seed++) {
      const log = logOf(uncrossed(hotCommands(new Draw(seed), 4000), count))
      await expectSame(log, count, true, seed % 2 === 0 ? 4096 : 100_000)
      await expectSame(log, count, false)
    }
  })

  it('halt all at the same command, and hold by then what one holds', async () => {
    const halts = new Set<number>()
    for (let seed = 1; seed <= 30; seed++) {
      const log = logOf([
        ...uncrossed(hotCommands(new Draw(seed), 500), 2),
        ...hotCommands(new Draw(seed + 1000), 200),
        ...(seed % 2 === 0 ? [['MULTI'], ['SET', 'a', '1'], ['RENAME', 'a', 'c'], ['EXEC']] : [['RENAME', 'a', 'c']]),
      ])
      const parts = [0, 1].map(number => replay(log, arenaOf(number, seed % 3 > 0), {number, count: 2}, 700))
      const [first, second] = (await Promise.all(parts)) as [Replayed, Replayed]
      expect(second.paused).toBe(first.paused)
      expect(second.commands).toBe(first.commands)
      const before = await replay(log.subarray(0, first.paused), new Arena())
      expect({...first.content, ...second.content}).toEqual(before.content)
      if (first.paused !== undefined) halts.add(first.paused)
    }
    expect(halts.size).toBeGreaterThan(5)
  })

  it('run what is about no key each, and one of them tells of it', async () => {
    const lines = ['SELECT 3', 'SET a 1', 'SET b 1', 'SWAPDB 3 1', 'SELECT x', 'EVAL s 0', 'NOSUCH a', 'GET', 'EXEC']
    const more = [
      'MULTI',
      'MULTI',
      'SET c 1',
      'FLUSHDB x',
      'EXEC',
      'SELECT 1',
      'SET d 1',
      'FLUSHDB',
      'MSET a 1 b',
      'SET b 2',
    ]
    const commands = [...lines, ...more].map(line => line.split(' '))
    for (const count of [2, 3]) await expectSame(logOf(uncrossed(commands, count)), count, true)
  })

  it('do by key what is about several', async () => {
    const keys = Array.from({length: 40}, (_, i) => `k${i}`)
    const commands = [
      ['MSET', ...keys.flatMap(key => [key, `of ${key}`])],
      ['DEL', ...keys.slice(0, 10)],
      ['UNLINK', 'k11', 'nothing'],
      ['TOUCH', ...keys],
      ['DEL', ...keys.slice(12, 30), ...keys.slice(12, 14)],
    ]
    for (const kernels of [true, false]) for (const count of [2, 3]) await expectSame(logOf(commands), count, kernels)
  })

  it('keep keys of one tag together', async () => {
    const commands = Array.from({length: 60}, (_, i) => [
      ['SET', `{tag ${i % 7}}from`, `${i}`],
      ['RENAME', `{tag ${i % 7}}from`, `to{tag ${i % 7}}`],
      ['SADD', `a{${i % 5}}`, `${i}`],
      ['SUNIONSTORE', `c{${i % 5}}`, `a{${i % 5}}`, `b{${i % 5}}`],
    ]).flat()
    for (const count of [2, 3]) await expectSame(logOf(commands), count, true)
  })

  it('are as large as each other', () => {
    for (const name of ['user', 'user:session:', 'x']) {
      const keys = Array.from({length: 10_000}, (_, i) => Buffer.from(`${name}${i}:profile`))
      for (const count of [2, 3, 4]) {
        const counts = new Array(count).fill(0)
        for (const key of keys) counts[shardOf(key, 0, key.length, count)]++
        for (const one of counts) expect(Math.abs(one - keys.length / count)).toBeLessThan(keys.length / count / 10)
      }
    }
  })

  it('are the same to the kernel', async () => {
    const draw = new Draw(11)
    const bytes = () => draw.pick([0x7b, 0x7d, 0x7a, 0x7c, 0x61, 0, 0xff, draw.below(256)])
    const keys = Array.from({length: 4000}, () => Uint8Array.from({length: draw.below(24)}, bytes))
    const log = logOf(keys.map(key => ['SET', key, 'v']))
    for (let number = 0; number < 3; number++) {
      const {content} = await replay(log, arenaOf(number, true), {number, count: 3}, 100_000)
      const {content: plain} = await replay(log, new Arena(), {number, count: 3})
      expect(content).toEqual(plain)
    }
  })
})

describe('shards of a log of any commands', () => {
  it.each(DIALECTS)('$product', async dialect => {
    for (let seed = 1; seed <= 4; seed++) {
      const commands = uncrossed(randomCommands(seed, 3000, dialect), 2)
      await expectSame(logOf(commands), 2, seed % 2 === 0)
    }
  })
})
