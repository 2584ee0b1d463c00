/**
 * Random commands, replayed by a server and by us, and compared by the server's own answers; and what of them is to
 * blame where they differ.
 */
import {cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {type BuildOptions, build} from '../../src/jobs/build.js'
import type {Command} from '../replay/random/arguments.js'
import {type Dialect, randomCommands} from '../replay/random/stream-of-commands.js'
import * as oracle from './oracle.js'
import {encodeCommand} from './resp.js'
import {type Server, startServer} from './server.js'

const PIPELINED = 2000
/** `npm run soak` draws from more commands. */
const WIDER = process.env['RDBTOOL_REPLAY_WIDER'] !== undefined

export interface RandomRun {
  name: string
  seed: number
  commands: number
  /** As config of the server. */
  config: Record<string, string>
  /** Rewrite the log in the middle. */
  rewrite: boolean
}

const BASES: Readonly<Record<string, number>> = {
  'valkey-8.0': 7.2,
  'valkey-8.1': 7.2,
  'valkey-9.1': 7.2,
  'redict-7.3': 7.2,
}

function redisOf(name: string): number {
  return BASES[name] ?? Number(name.split('-')[1])
}

export async function dialectOf(server: Server, chosen: boolean): Promise<Dialect> {
  const all = (await server.client.call('COMMAND')) as [name: Uint8Array][]
  const known = new Set(all.map(([name]) => String(name).toUpperCase()))
  const payloads = WIDER ? await payloadsOf(server) : []
  return {product: server.name.split('-')[0]!, redis: redisOf(server.name), known, chosen, wider: WIDER, payloads}
}

/** A value of each type, small and large, as the server dumps it. Nothing of it stays. */
async function payloadsOf(server: Server): Promise<Uint8Array[]> {
  const many = Array.from({length: 300}, (_, i) => String(i))
  const made: string[][] = [
    ...[
      ['SET', 'a', 'text'],
      ['SET', 'b', '12'],
      ['RPUSH', 'c', '1', 'x'],
      ['RPUSH', 'd', ...many],
      ['SADD', 'e', '1'],
    ],
    ...[
      ['SADD', 'f', 'm1', ...many],
      ['SADD', 'g', ...many, ...many.map(one => `m${one}`)],
      ['HSET', 'h', 'm1', '1'],
    ],
    ...[
      ['HSET', 'i', ...many, 'w'.repeat(100), ''],
      ['ZADD', 'j', '1', 'm1'],
      ['ZADD', 'k', ...many, '1', 'w'.repeat(100)],
    ],
    ...[
      ['XADD', 'l', '1-1', 'f', 'v'],
      ['PFADD', 'm', ...many],
    ],
  ]
  await server.client.pipeline([...made, ['XGROUP', 'CREATE', 'l', 'g1', '0']])
  const dumped = await server.client.pipeline(made.map(([, key]) => ['DUMP', key!]))
  await server.client.call('FLUSHALL')
  return dumped as Uint8Array[]
}

async function inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'rdbtool-replay-'))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, {recursive: true, force: true})
  }
}

/** Where a server keeps its log. */
export function logIn(folder: string, name: string): string {
  return join(folder, name === 'redis-6.0' ? 'appendonly.aof' : 'appendonlydir')
}

/** What differs between the log as its server loads it, and as we build a snapshot of it. */
export async function differences(
  name: string,
  log: string,
  folder: string,
  options: Partial<BuildOptions> = {},
): Promise<string[]> {
  const out = join(folder, 'ours.rdb')
  await build([log], {out, target: name, force: true, ...options})
  return await differencesAfterLoading(name, log, out)
}

/** What differs between what a server loads of a log, and of what we made of it. */
async function differencesAfterLoading(name: string, log: string, ours: string): Promise<string[]> {
  return comparedAsLogs(await oracle.loaded(name, log), await oracle.loaded(name, ours))
}

/** Between what servers answer that have loaded them. */
export function comparedAsLogs(log: oracle.Snapshot, ours: oracle.Snapshot): string[] {
  const found = oracle.compare(log, ours, {clocks: false, idle: false})
  // A claim of what is gone makes a consumer from redis 7.2 on, and none in 7.0; a log of commands does not say whose it is.
  return log.name === 'redis-7.0' ? found.filter(line => !IDLE_CONSUMER.test(line)) : found
}

const IDLE_CONSUMER = /consumer ".*": none, then 0 pending/

/** Says what differs between a log as its server loads it, and as we make of it. */
type Compared = (name: string, log: string, folder: string) => Promise<string[]>

/** Sends random commands to a server that logs them, and compares what the log means to it and to us. */
export async function runThroughServer(run: RandomRun, compared: Compared = differences): Promise<string[]> {
  return await inFolder(async folder => {
    const config = {appendonly: 'yes', appendfsync: 'no', save: '', ...run.config}
    const server = await startServer(run.name, {dir: folder, config})
    try {
      await server.client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '0')
      const dialect = await dialectOf(server, true)
      let sent = 0
      for (const batch of batches(randomCommands(run.seed, run.commands, dialect))) {
        await server.client.pipeline(batch)
        sent += batch.length
        if (run.rewrite && sent > run.commands / 2) {
          run = {...run, rewrite: false}
          await rewrite(server)
        }
      }
    } finally {
      await server.stop()
    }
    return await compared(run.name, logIn(folder, run.name), folder)
  })
}

async function rewrite(server: Server): Promise<void> {
  await server.client.call('BGREWRITEAOF')
  for (;;) {
    const info = String(await server.client.call('INFO', 'persistence'))
    if (/aof_rewrite_in_progress:0/.test(info) && /aof_rewrite_scheduled:0/.test(info)) return
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

function* batches(commands: Iterable<Command>): Generator<Command[]> {
  let batch: Command[] = []
  let open = false
  for (const command of commands) {
    batch.push(command)
    const name = String(command[0]).toUpperCase()
    open = name === 'MULTI' || (open && name !== 'EXEC')
    // Within a transaction the server would only queue what is asked between two batches, and never rewrite its log.
    if (batch.length >= PIPELINED && !open) {
      yield batch
      batch = []
    }
  }
  yield batch
}

/** Writes commands as a log of this server; returns where it is. */
export function writeLog(folder: string, name: string, commands: Iterable<Command>): string {
  const bytes = Buffer.concat([...commands].map(encodeCommand))
  const log = logIn(folder, name)
  if (name === 'redis-6.0') {
    writeFileSync(log, bytes)
    return log
  }
  mkdirSync(log, {recursive: true})
  writeFileSync(join(log, 'appendonly.aof.1.incr.aof'), bytes)
  writeFileSync(join(log, 'appendonly.aof.manifest'), 'file appendonly.aof.1.incr.aof seq 1 type i\n')
  return log
}

/** The same of commands that no server has rewritten: they are its log as they are. */
export async function runAsLog(run: RandomRun): Promise<string[]> {
  return await inFolder(async folder => {
    const commands = await commandsOf(run)
    return await differences(run.name, writeLog(folder, run.name, commands), folder)
  })
}

export async function commandsOf(run: RandomRun): Promise<Command[]> {
  return await inFolder(async folder => {
    const server = await startServer(run.name, {dir: folder, config: {save: ''}})
    try {
      return [...randomCommands(run.seed, run.commands, await dialectOf(server, false))]
    } finally {
      await server.stop()
    }
  })
}

/**
 * Fewer commands that still differ in the same way: the shortest beginning first, then without ever smaller parts of it.
 * A transaction stays whole: a log that ends within one is another case.
 */
export async function minimise(
  name: string,
  commands: readonly Command[],
  tell: (text: string) => void,
): Promise<Command[]> {
  const outcome = (units: readonly Command[][]): Promise<string> =>
    inFolder(async folder => {
      const found = differences(name, writeLog(folder, name, units.flat()), folder)
      return await found.then(
        lines => (lines.length > 0 ? 'differs' : ''),
        (error: Error) => error.name,
      )
    })
  const all = transactions(commands)
  const wanted = await outcome(all)
  if (wanted === '') return []
  let left = all.slice(0, await shortest(all.length, async n => (await outcome(all.slice(0, n))) === wanted))
  tell(`the first ${left.length} commands and transactions ${wanted}`)
  for (let size = Math.ceil(left.length / 2); size >= 1; ) {
    const before = left.length
    for (let at = 0; at < left.length; ) {
      const without = [...left.slice(0, at), ...left.slice(at + size)]
      if ((await outcome(without)) === wanted) left = without
      else at += size
    }
    if (left.length < before) tell(`${left.length} of them left`)
    if (size === 1 && left.length === before) break
    size = Math.ceil(size / 2)
  }
  return left.flat()
}

/** The least n up to the highest for which it holds; it does for the highest. */
async function shortest(highest: number, holds: (n: number) => Promise<boolean>): Promise<number> {
  let [low, high] = [0, highest]
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (await holds(middle)) high = middle
    else low = middle
  }
  return high
}

function transactions(commands: readonly Command[]): Command[][] {
  const units: Command[][] = []
  let open = false
  for (const command of commands) {
    if (open) units.at(-1)!.push(command)
    else units.push([command])
    const name = String(command[0]).toUpperCase()
    open = name === 'MULTI' || (open && name !== 'EXEC')
  }
  return units
}

/** The least that differs, as lines to be read; for a failure's message. */
export async function minimised(run: RandomRun, commands: readonly Command[]): Promise<string[]> {
  const least = await minimise(run.name, commands, text => process.stderr.write(`minimising: ${text}\n`))
  if (least.length === 0) return ['as a log of commands alone there is no difference: look at what lies before them']
  return [`${least.length} commands are enough on ${run.name}:`, ...least.map(shown)]
}

function shown(command: Command): string {
  const quoted = (arg: Command[number]): string => {
    const text = Buffer.from(arg).toString('latin1')
    return /^[!-~]+$/.test(text) ? text : JSON.stringify(text)
  }
  return `  ${command.map(quoted).join(' ')}`
}

/** The commands of a server's own log. */
export async function loggedCommands(run: RandomRun): Promise<Command[]> {
  return await inFolder(async folder => {
    const config = {appendonly: 'yes', appendfsync: 'no', save: '', ...run.config, 'aof-use-rdb-preamble': 'no'}
    const server = await startServer(run.name, {dir: folder, config})
    try {
      const dialect = await dialectOf(server, true)
      for (const batch of batches(randomCommands(run.seed, run.commands, dialect))) await server.client.pipeline(batch)
    } finally {
      await server.stop()
    }
    const kept = join(folder, 'kept')
    cpSync(logIn(folder, run.name), kept, {recursive: true})
    const file = run.name === 'redis-6.0' ? kept : join(kept, 'appendonly.aof.1.incr.aof')
    return parseCommands(readFileSync(file))
  })
}

function parseCommands(bytes: Buffer): Command[] {
  const commands: Command[] = []
  let at = 0
  const line = (): string => {
    const end = bytes.indexOf('\r\n', at)
    const text = bytes.toString('latin1', at, end)
    at = end + 2
    return text
  }
  while (at < bytes.length) {
    const head = line()
    if (head.startsWith('#')) continue
    const command: Command = []
    for (let i = Number(head.slice(1)); i > 0; i--) {
      const length = Number(line().slice(1))
      command.push(bytes.subarray(at, at + length))
      at += length + 2
    }
    commands.push(command)
  }
  return commands
}
