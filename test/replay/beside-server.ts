/**
 * The same commands to a real server and to the replay engine: what is then there, and what was refused, has to be the
 * same. Values are read from the server by plain commands.
 */
import {expect} from 'vitest'
import {ReplayEngine} from '../../src/replay/engine.js'
import {RecordPlace} from '../../src/resident/byte-table.js'
import type {Database} from '../../src/resident/database.js'
import {Keyspace} from '../../src/resident/keyspace.js'
import {ListValue} from '../../src/resident/list.js'
import {SetValue} from '../../src/resident/set.js'
import {SortedSetValue} from '../../src/resident/sorted-set.js'
import {ReplyError} from '../server/resp.js'
import type {startServer} from '../server/server.js'
import {commandOf} from './replaying.js'

type Server = Awaited<ReturnType<typeof startServer>>

/** Text of one character a byte. */
export type Command = readonly string[]

/** Elements of a list in their order, members of a sorted set in theirs, of a set sorted; each score as its number. */
type Value = string | (string | number)[]

interface Outcome {
  /** What each command was refused with; undefined where it was not. */
  refused: (string | undefined)[]
  values: Record<string, Value>
}

const latin1 = (bytes: Uint8Array, start = 0, end = bytes.length): string =>
  Buffer.from(bytes.subarray(start, end)).toString('latin1')

interface Replayed extends Outcome {
  /** Numbers of commands of which not all can be known. */
  partly: number[]
}

/** What the engine makes of commands; between any two of them memory is moved where `moves` says so. */
export function replayed(commands: readonly Command[], moves: (i: number) => boolean = () => false): Replayed {
  const keyspace = new Keyspace()
  const refused: (string | undefined)[] = []
  const partly: number[] = []
  const engine = new ReplayEngine(keyspace, {
    nowMs: Date.now(),
    onRefusal({kind, offset, message}) {
      if (kind === 'partly') partly.push(offset)
      else refused[offset] = message
    },
  })
  for (const [i, command] of commands.entries()) {
    refused.push(undefined)
    engine.apply(commandOf(command, i))
    if (moves(i)) keyspace.move()
  }
  return {refused, partly, values: valuesOf(keyspace.database(0))}
}

/** Commands without those that the engine tells not to know wholly. One after the other: the next depend on them. */
export function whollyKnown(commands: readonly Command[]): readonly Command[] {
  for (let left = commands; ; ) {
    const [first] = replayed(left).partly
    if (first === undefined) return left
    left = left.filter((_, i) => i !== first)
  }
}

function valuesOf(db: Database): Record<string, Value> {
  const values: Record<string, Value> = {}
  const place = new RecordPlace()
  for (let entry = db.next(0); entry >= 0; entry = db.next(entry + 1)) {
    db.place(entry, place)
    const key = latin1(place.bytes, place.start, place.end)
    values[key] = valueAt(db, entry) ?? latin1(place.bytes, place.end, place.payloadEnd)
  }
  return values
}

function valueAt(db: Database, entry: number): Value | undefined {
  const value = db.value(entry)
  const found: (string | number)[] = []
  const take = (bytes: Uint8Array, start: number, end: number): void => {
    found.push(latin1(bytes, start, end))
  }
  if (value instanceof ListValue) value.each(take)
  else if (value instanceof SetValue) value.each(take)
  else if (value instanceof SortedSetValue) {
    value.range(0, value.size - 1, (bytes, start, end, score) => found.push(latin1(bytes, start, end), score))
  } else if (value !== undefined) return [value.type]
  if (value instanceof SetValue) found.sort()
  return value === undefined ? undefined : found
}

/** What a server makes of them. It is emptied before. They are one transaction: nothing waits for a key, as while a log is loaded. */
export async function served({client}: Server, commands: readonly Command[]): Promise<Outcome> {
  const sent = commands.map(command => command.map(arg => Buffer.from(arg, 'latin1')))
  const answers = await client.pipeline([['FLUSHALL'], ['MULTI'], ...sent, ['EXEC']])
  const replies = answers.at(-1) as unknown[] | ReplyError
  // A wrong number of arguments, or a name that it does not know, are no errors of the transaction's commands.
  if (replies instanceof ReplyError) throw new Error(`${replies.message}: ${String(answers.find(isError))}`)
  const keys = (await client.call('KEYS', '*')) as Buffer[]
  const types = (await client.pipeline(keys.map(key => ['TYPE', key]))) as string[]
  const raw = await client.pipeline(keys.map((key, i) => [...(READ[types[i]!]?.(key) ?? ['TYPE', key])]))
  const values: Record<string, Value> = {}
  for (const [i, key] of keys.entries()) values[latin1(key)] = asValue(types[i]!, raw[i])
  return {refused: replies.map(reply => (reply instanceof ReplyError ? reply.message : undefined)), values}
}

const isError = (reply: unknown): boolean => reply instanceof ReplyError

const READ: Readonly<Record<string, (key: Buffer) => (string | Buffer)[]>> = {
  string: key => ['GET', key],
  list: key => ['LRANGE', key, '0', '-1'],
  set: key => ['SMEMBERS', key],
  zset: key => ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
}

function asValue(type: string, reply: Buffer | Buffer[] | string): Value {
  if (typeof reply === 'string') return [reply]
  if (!Array.isArray(reply)) return latin1(reply)
  const texts = reply.map(one => latin1(one))
  if (type === 'zset') return texts.map((text, i) => (i % 2 === 0 ? text : scoreOf(text)))
  return type === 'set' ? texts.sort() : texts
}

function scoreOf(text: string): number {
  if (text.endsWith('inf')) return text.startsWith('-') ? -Infinity : Infinity
  return Number(text)
}

interface AlikeOptions {
  /** Between which commands memory is moved. */
  moves?: (i: number) => boolean
  /** Servers whose messages are ours; of others counts whether there is one. */
  wordedAlike?: readonly string[]
  /** Minus zero is another score than zero: which of them stays depends on how a server happens to hold a set. */
  signedZeros?: boolean
}

/** Runs commands on both sides and expects the same of them. */
export async function expectAlike(
  server: Server,
  commands: readonly Command[],
  {moves, wordedAlike = ['redis-8.0', 'valkey-9.1'], signedZeros = false}: AlikeOptions = {},
): Promise<void> {
  const worded = wordedAlike.includes(server.name)
  const shown = ({refused, values}: Outcome): unknown => ({
    refused: refused
      .map((message, i) => [commands[i]!.join(' '), worded ? message : message && 'refused'])
      .filter(([, message]) => message),
    values: signedZeros ? values : withoutSigns(values),
  })
  const theirs = shown(await served(server, commands))
  expect(shown(replayed(commands, moves))).toEqual(theirs)
}

function withoutSigns(values: Outcome['values']): Outcome['values'] {
  const unsigned = (value: Value): Value =>
    typeof value === 'string' ? value : value.map(one => (one === 0 ? 0 : one))
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, unsigned(value)]))
}
