/** The replay kernel does what the engine does, command by command: whatever it runs, and whatever it leaves. */
import {describe, expect, it} from 'vitest'
import {type LogEnd, LogReader} from '../../src/aof/log-reader.js'
import {MemorySource} from '../../src/bytes/source.js'
import {type Refusal, ReplayEngine} from '../../src/replay/engine.js'
import {Arena} from '../../src/resident/arena.js'
import {Keyspace} from '../../src/resident/keyspace.js'
import {ReplayKernel} from '../../src/resident/replay-kernel.js'
import {encodeCommand} from '../server/resp.js'
import {Draw} from './random/draw.js'
import {hotCommands} from './random/hot.js'
import {type Content, contentOf} from './replaying.js'

type Commands = readonly (readonly (string | Uint8Array)[])[]

interface Outcome {
  content: Content
  refusals: Refusal[]
  engine: Pick<ReplayEngine, 'commands' | 'errors' | 'skipped' | 'inTransaction'>
  end: LogEnd
  sizes: number[]
  expiring: number[]
}

interface Replayed extends Outcome {
  keyspace: Keyspace
  /** Commands that the engine was not shown. */
  taken: number
}

async function replay(log: Uint8Array, arena: Arena, windowBytes = 4096, moving = false): Promise<Replayed> {
  const keyspace = new Keyspace(arena)
  const refusals: Refusal[] = []
  const engine = new ReplayEngine(keyspace, {nowMs: 0, skipUnsupported: true, onRefusal: one => refusals.push(one)})
  let shown = 0
  const end = await new LogReader(new MemorySource(log, windowBytes)).run({
    command: command => {
      shown++
      engine.apply(command)
    },
    runner: engine.runner,
    drain: () => (moving ? void keyspace.move() : undefined),
  })
  const {commands, errors, skipped, inTransaction} = engine
  const databases = keyspace.numbers().map(number => keyspace.database(number))
  const sizes = databases.map(({size}) => size)
  const expiring = databases.map(database => database.expiring)
  const counts = {commands, errors, skipped, inTransaction}
  const taken = end.commands - shown
  return {content: await contentOf(keyspace), refusals, engine: counts, end, sizes, expiring, keyspace, taken}
}

function logOf(commands: Commands): Uint8Array {
  return Buffer.concat(commands.map(args => encodeCommand([...args])))
}

async function expectSame(
  log: Uint8Array,
  kernel: ReplayKernel,
  windowBytes?: number,
  moving?: boolean,
): Promise<number> {
  const {keyspace: _, taken: none, ...plain} = await replay(log, new Arena(), windowBytes)
  const {keyspace, taken, ...kernels} = await replay(log, new Arena(kernel), windowBytes, moving)
  expect(kernels).toEqual(plain)
  expect(none).toBe(0)
  // What is freed leaves nothing behind: the kernel's sums are those of its blocks.
  keyspace.flushAll()
  expect(keyspace.arena.liveBytes).toBe(0)
  return taken
}

describe('the replay kernel', () => {
  it('does the same as the engine with random commands', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const log = logOf([...hotCommands(new Draw(seed), 6000)])
      const taken = await expectSame(log, new ReplayKernel(4), seed % 2 === 0 ? 4096 : 100_000, seed % 3 === 0)
      expect(taken).toBeGreaterThan(500)
    }
  })

  it('leaves everything to the engine where its memory has no room for a chunk', async () => {
    expect(await expectSame(logOf([...hotCommands(new Draw(1), 1000)]), new ReplayKernel(1))).toBe(0)
  })

  it('leaves what has memory of its own to the engine', async () => {
    const huge = Buffer.alloc(40 * 1024 * 1024, 'x')
    const made = [['SET', 's', huge] as const, ['SET', 'n', huge] as const, ['RPUSH', 'l', huge] as const]
    const stream = ['XADD', 'x', '1-1', 'f', huge]
    // Whoever found nothing to run a few times over is not asked for a while.
    const between = Array.from({length: 20}, () => ['INCR', 'counter'])
    const changed = [
      'SET s v',
      'INCR n',
      'RPUSH l e',
      'LPOP l',
      'XADD x MAXLEN 1 2-1 f v',
      'DEL l',
      'SET n 1',
      'INCR n',
    ]
    const lines = changed.map(line => line.split(' '))
    const log = logOf([...made, stream, ...between, ...lines, ['SET', 'l', huge], ...between, ['DEL', 'l']])
    expect(await expectSame(log, new ReplayKernel(6), 256 * 1024)).toBeGreaterThan(0)
  })

  it('leaves what does not fit into its memory to the engine', async () => {
    const large = 'x'.repeat(10_000)
    const sets = Array.from({length: 8000}, (_, i) => ['SET', `key:${i}`, large])
    const log = logOf([...sets, ...hotCommands(new Draw(2), 3000), ['FLUSHALL'], ...hotCommands(new Draw(3), 3000)])
    const taken = await expectSame(log, new ReplayKernel(2), 256 * 1024)
    expect(taken).toBeGreaterThan(6000)
    expect(taken).toBeLessThan(sets.length)
  })

  it('does the same in windows of whatever size', async () => {
    const log = logOf([...hotCommands(new Draw(99), 300)])
    for (const windowBytes of [1, 2, 3, 7, 64, 1000]) await expectSame(log, new ReplayKernel(3), windowBytes)
  })

  it('does the same at every end of a log', async () => {
    const log = logOf([...hotCommands(new Draw(7), 40)])
    const kernel = new ReplayKernel(3)
    for (let end = 0; end <= log.length; end += Math.ceil(log.length / 500))
      await expectSame(log.subarray(0, end), kernel)
  })

  it('does the same where bytes are damaged', async () => {
    const draw = new Draw(5)
    const kernel = new ReplayKernel(3)
    for (let round = 0; round < 300; round++) {
      const log = logOf([...hotCommands(draw, 30)])
      for (let i = 0; i < 3; i++) log[draw.below(log.length)] = draw.pick([draw.below(256), 0x0a, 0x2a, 0x30, 0x39])
      const run = (arena: Arena) =>
        replay(log, arena).then(
          ({keyspace, taken, ...outcome}) => outcome,
          error => String(error),
        )
      expect(await run(new Arena(kernel))).toEqual(await run(new Arena()))
    }
  })

  it('runs as many keys as the table grows to, and frees what is removed', async () => {
    const keys = Array.from({length: 30_000}, (_, i) => `key:${i}`)
    const some = keys.filter((_, i) => i % 3 > 0)
    const sets = (of: readonly string[]) => of.map(key => ['SET', key, `value of ${key}`])
    const log = logOf([
      ...sets(keys),
      ...some.map(key => ['DEL', key]),
      ...sets(some),
      ...keys.map(key => ['INCR', `${key}:n`]),
    ])
    expect(await expectSame(log, new ReplayKernel(4))).toBeGreaterThan(99_900)
  })

  it('leaves what a snapshot told of the use of keys to the engine', async () => {
    const keyspace = new Keyspace(new Arena(new ReplayKernel(3)))
    const key = Buffer.from('k')
    const entry = keyspace.database(0).setString(key, 0, 1, key, 0, 1)
    keyspace.database(0).note(entry, {idleSeconds: 5, frequency: -1, keyMeta: undefined})
    const engine = new ReplayEngine(keyspace, {nowMs: 0})
    await new LogReader(new MemorySource(logOf([['SET', 'k', 'v']]))).run({
      command: command => engine.apply(command),
      runner: engine.runner,
    })
    expect(keyspace.database(0).facts(entry)).toBeUndefined()
  })
})
