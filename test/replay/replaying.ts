/** Runs commands through the engine, and shows what a data set holds: ours, or a real server's. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {expect} from 'vitest'
import type {LogCommand} from '../../src/aof/log-reader.js'
import type {Int64} from '../../src/bytes/int64.js'
import type {StreamId} from '../../src/encoding/stream-id.js'
import {type Entry, NEVER} from '../../src/keyspace/entry.js'
import {
  type EntryVisitor,
  type StreamConsumer,
  type StreamGroup,
  type StreamIdempotence,
  type StreamInfo,
  ValueVisitor,
} from '../../src/keyspace/visitor.js'
import {RdbReader} from '../../src/rdb/reader.js'
import {type Refusal, ReplayEngine} from '../../src/replay/engine.js'
import {lookupCommand, takesArgc} from '../../src/replay/table.js'
import {Keyspace} from '../../src/resident/keyspace.js'
import {showKeyspace} from '../../src/resident/showing.js'
import {encodeCommand} from '../server/resp.js'
import {type Server, startServer} from '../server/server.js'

export type Argument = string | number | Uint8Array

export function commandOf(args: readonly Argument[], offset = 0): LogCommand {
  const parts = args.map(arg => (typeof arg === 'object' ? arg : Buffer.from(String(arg), 'latin1')))
  const bounds = new Int32Array(2 * args.length)
  let at = 0
  for (const [i, part] of parts.entries()) {
    bounds[2 * i] = at
    at += part.length
    bounds[2 * i + 1] = at
  }
  return {bytes: Buffer.concat(parts), argc: args.length, bounds, offset, endOffset: offset + 1}
}

export interface Replayed {
  keyspace: Keyspace
  refusals: Refusal[]
  engine: ReplayEngine
}

/** Commands as lists of arguments, or as lines with spaces between them. */
export function replay(
  commands: readonly (string | readonly Argument[])[],
  nowMs = 0,
  /** So many commands apart memory is moved. */
  moving = Number.POSITIVE_INFINITY,
): Replayed {
  const keyspace = new Keyspace()
  const refusals: Refusal[] = []
  const options = {nowMs, skipUnsupported: true, onRefusal: (one: Refusal) => refusals.push(one)}
  const engine = new ReplayEngine(keyspace, options)
  for (const [i, command] of commands.entries()) {
    engine.apply(commandOf(typeof command === 'string' ? command.split(' ') : command, i))
    if ((i + 1) % moving === 0) keyspace.move()
  }
  return {keyspace, refusals, engine}
}

/** Of every key `db:key` its type, its expiry and its value, elements without an order of their own sorted. */
export type Content = Record<string, string>

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}

class ContentVisitor extends ValueVisitor implements EntryVisitor {
  readonly depth = 'elements'
  readonly content: Content = {}
  #parts: string[] = []

  entry(): ValueVisitor {
    this.#parts = []
    return this
  }

  function(source: Uint8Array): void {
    this.content[`function ${/name=(\w+)/.exec(text(source, 0, source.length))?.[1]}`] = text(source, 0, source.length)
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    this.#parts.push(text(bytes, start, end))
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.#parts.push(JSON.stringify(text(bytes, start, end)))
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    this.item(bytes, start, end)
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    this.#parts.push(`${JSON.stringify(text(bytes, start, end))} ${Object.is(score, -0) ? '-0' : score}`)
  }

  override field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: Int64,
  ): void {
    const expires = expireAtMs === NEVER ? '' : ` @${expireAtMs}`
    const pair = [text(name, nameStart, nameEnd), text(value, valueStart, valueEnd)]
    this.#parts.push(JSON.stringify(pair) + expires)
  }

  override streamEntry(id: StreamId): void {
    this.#parts.push(String(id))
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.field(name, nameStart, nameEnd, value, valueStart, valueEnd, NEVER)
  }

  override streamInfo({length, lastId, maxDeletedId, entriesAdded}: StreamInfo): void {
    this.#parts.push(`${length} ${lastId} ${maxDeletedId} ${entriesAdded}`)
  }

  override group({name, lastId, entriesRead, pendingCount}: StreamGroup): void {
    this.#parts.push(`group ${text(name, 0, name.length)} ${lastId} ${entriesRead} ${pendingCount}`)
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.#parts.push(`${id} ${deliveredAtMs} ${deliveries}`)
  }

  override consumer({name, seenAtMs, activeAtMs, pendingCount}: StreamConsumer): void {
    this.#parts.push(`consumer ${text(name, 0, name.length)} ${seenAtMs} ${activeAtMs} ${pendingCount}`)
  }

  override consumerPending(id: StreamId): void {
    this.#parts.push(String(id))
  }

  override nacked(id: StreamId): void {
    this.#parts.push(`nobody ${id}`)
  }

  override idempotence({durationSeconds, entriesMax, producerCount}: StreamIdempotence): void {
    this.#parts.push(`producers ${durationSeconds} ${entriesMax} ${producerCount}`)
  }

  override producer(name: Uint8Array, entryCount: number): void {
    this.#parts.push(`producer ${text(name, 0, name.length)} ${entryCount}`)
  }

  override producerEntry(iid: Uint8Array, id: StreamId): void {
    this.#parts.push(`${text(iid, 0, iid.length)} ${id}`)
  }

  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    this.#parts.push(`${added} ${duplicates}`)
  }

  override end(entry: Entry): void {
    const {db, type, expireAtMs, keyBytes} = entry
    const ordered = type === 'list' || type === 'stream'
    const parts = type === 'string' ? this.#parts.join('') : (ordered ? this.#parts : this.#parts.sort()).join()
    const expires = expireAtMs === NEVER ? '' : ` @${expireAtMs}`
    this.content[`${db}:${text(keyBytes.bytes, keyBytes.start, keyBytes.end)}`] = `${type}${expires} ${parts}`
  }
}

export async function contentOf(keyspace: Keyspace): Promise<Content> {
  const visitor = new ContentVisitor()
  await showKeyspace(keyspace, visitor)
  return visitor.content
}

export async function contentOfSnapshot(path: string): Promise<Content> {
  const visitor = new ContentVisitor()
  await (await RdbReader.open(new Uint8Array(readFileSync(path)))).run(visitor)
  return visitor.content
}

export async function contentOfServer(server: Server): Promise<Content> {
  return contentOfSnapshot(await server.save())
}

export interface Outcome {
  content: Content
  /** Of each command the message of the error that it was answered with; empty where there was none. */
  errors: string[]
}

/** Sends the same commands to a real server, one after the other. */
export async function askServer(name: string, commands: readonly (readonly Argument[])[]): Promise<Outcome> {
  const server = await startServer(name)
  try {
    const replies = await server.client.pipeline(commands as never)
    const errors = replies.map(reply => (reply instanceof Error ? reply.message : ''))
    return {content: await contentOfServer(server), errors}
  } finally {
    await server.stop()
  }
}

/** What a server holds that has loaded the same commands as its log; those that make it give up are left out of it. */
export async function contentOfLog(name: string, commands: readonly (readonly Argument[])[]): Promise<Content> {
  const dir = mkdtempSync(join(tmpdir(), 'rdbtool-log-'))
  try {
    const taken = commands.filter(args => {
      const word = Buffer.from(String(args[0]))
      const spec = lookupCommand(word, 0, word.length)
      return spec !== undefined && takesArgc(spec, args.length)
    })
    writeFileSync(join(dir, 'appendonly.aof'), Buffer.concat(taken.map(args => encodeCommand([...args]))))
    const server = await startServer(name, {dir, config: {appendonly: 'yes'}})
    try {
      return await contentOfServer(server)
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(dir, {recursive: true, force: true})
  }
}

/** What the engine makes of them; the same when all memory moves meanwhile. */
export async function askEngine(commands: readonly (readonly Argument[])[], nowMs = Date.now()): Promise<Outcome> {
  const {keyspace, refusals} = replay(commands, nowMs)
  const errors: string[] = commands.map(() => '')
  for (const {offset, message} of refusals) errors[offset] = message
  const content = await contentOf(keyspace)
  const moved = replay(commands, nowMs, commands.length < 1000 ? 1 : 97)
  expect(await contentOf(moved.keyspace)).toEqual(content)
  return {content, errors}
}
