/**
 * Large keys go as commands, behind all others: a payload of RESTORE would have to be in memory whole, and servers take none
 * above 512 MB.
 *
 *   EXISTS | UNLINK     what is there already stays, or gives way; a part of it that a run or a connection has left is removed
 *   RPUSH, HSET, ...    piece by piece, as the source is read
 *   ECHO number         its answer says that all before it are those of the key
 *   UNLINK              where any of those refused: half a key is none
 */
import {CommandWriter} from '../aof/rewrite.js'
import {ByteOutput} from '../bytes/output.js'
import type {ByteTarget} from '../bytes/target.js'
import {WireError} from '../errors.js'
import type {Entry} from '../keyspace/entry.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {type EntryVisitor, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {formatAddress, type ServerAddress} from '../resp/address.js'
import type {Connection} from '../resp/connection.js'
import {bulk, writeArrayHead} from '../resp/framing.js'
import {type Questions, type Reply, ReplyFailure} from '../resp/reply.js'
import type {Nodes} from './load-nodes.js'

/** Bytes that may wait for the system to take them. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024
/** A marker of a key is no answer of any other command. */
const MARK = 'rdbtool: end of key '

export interface LargeKey {
  number: number
  db: number
  key: Uint8Array
}

export interface LargeOptions {
  nodes: Nodes
  silenceMs: number
  /** Whether what is there gives way. */
  replaces: boolean
  signal: AbortSignal | undefined
  /** Those of which a part may be there; more come to it. */
  begun: Set<number>
  onBegin: (number: number) => void
  /** What became of a key: undefined where it is there, else why not. */
  onDone: (key: LargeKey, error: string | undefined) => void
}

/** A node, and what is written to it. */
interface Way {
  questions: Questions
  out: ByteOutput
  commands: CommandWriter
  /** Keys whose commands were sent. */
  keys: LargeKey[]
}

/** Loads these keys of a source, which must be as it was when they were found. */
export class LargeKeys implements EntryVisitor {
  readonly #ways = new Map<string, Way>()
  readonly #wanted = new Map<number, {key: LargeKey; way: Way}>()
  #number = 0
  #present: {key: LargeKey; way: Way} | undefined
  #source!: EntrySource

  constructor(readonly options: LargeOptions) {}

  async load(keys: readonly LargeKey[], source: EntrySource): Promise<void> {
    this.#source = source
    try {
      for (const key of keys) await this.#prepare(key)
      if (this.#wanted.size === 0) return
      await source.run(this)
      this.#endKey()
      for (const way of this.#ways.values()) {
        way.out.flush()
        const answers: (string | undefined)[] = []
        for (const key of way.keys) answers.push(await this.#answer(way, key))
        for (const [at, key] of way.keys.entries()) await this.#done(way, key, answers[at])
      }
    } finally {
      for (const {questions, commands} of this.#ways.values()) {
        commands.dispose()
        questions.close()
      }
    }
  }

  entry(entry: Entry): ValueVisitor {
    this.#endKey()
    const wanted = this.#wanted.get(this.#number++)
    // Half a key is none: a load that is to end does so between two.
    if (wanted === undefined || this.options.signal?.aborted === true) return SKIP
    this.#present = wanted
    this.options.begun.add(wanted.key.number)
    this.options.onBegin(wanted.key.number)
    return wanted.way.commands.entry(entry)
  }

  drain(): Promise<void> | undefined {
    return this.#present?.way.out.drain()
  }

  #endKey(): void {
    const {key, way} = this.#present ?? {}
    if (key === undefined || way === undefined) return
    this.#present = undefined
    const marker = bulk(`${MARK}${key.number}`)
    const echo = bulk('ECHO')
    writeArrayHead(way.out, 2)
    for (const part of [echo, marker]) way.out.copy(part, 0, part.length)
    way.keys.push(key)
  }

  /** What is there is asked for before anything is sent. */
  async #prepare(key: LargeKey): Promise<void> {
    const way = await this.#wayTo(this.options.nodes.addressFor(key.key))
    const refusal = await this.#makeRoom(way.questions, key)
    if (refusal === undefined) this.#wanted.set(key.number, {key, way})
    else this.options.onDone(key, refusal)
  }

  async #makeRoom(questions: Questions, {number, db, key}: LargeKey): Promise<string | undefined> {
    const selected = await questions.ask('SELECT', String(db))
    if (selected instanceof ReplyFailure) return selected.text
    const removes = this.options.replaces || this.options.begun.has(number)
    const there = await questions.ask(removes ? 'UNLINK' : 'EXISTS', key)
    if (there instanceof ReplyFailure) return there.text
    return there === 0 || removes ? undefined : 'BUSYKEY Target key name already exists.'
  }

  async #wayTo(address: ServerAddress): Promise<Way> {
    const name = formatAddress(address)
    const known = this.#ways.get(name)
    if (known !== undefined) return known
    const questions = await this.options.nodes.beside(address)
    const out = new ByteOutput(new ConnectionTarget(questions.connection, this.options.silenceMs))
    const commands = new CommandWriter(out, 'never', await this.#source.origin(), true)
    const way = {questions, out, commands, keys: []}
    this.#ways.set(name, way)
    return way
  }

  async #done({questions}: Way, key: LargeKey, refused: string | undefined): Promise<void> {
    if (refused !== undefined) {
      await questions.ask('SELECT', String(key.db))
      await questions.ask('UNLINK', key.key)
    }
    this.options.begun.delete(key.number)
    this.options.onDone(key, refused)
  }

  /** Takes the answers to all commands of a key; what one of them refused with, if any did. */
  async #answer({questions}: Way, {number}: LargeKey): Promise<string | undefined> {
    let refused: string | undefined
    let reply: Reply
    do {
      reply = await questions.reply('ECHO')
      if (reply instanceof ReplyFailure) refused ??= reply.text
    } while (reply !== `${MARK}${number}`)
    return refused
  }
}

/** A connection as something to write to. */
class ConnectionTarget implements ByteTarget {
  bytes = 0

  constructor(
    readonly connection: Connection,
    readonly silenceMs: number,
  ) {}

  get name(): string {
    return this.connection.address
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    this.bytes += end - start
    this.connection.send(bytes.slice(start, end))
  }

  drain(): Promise<void> | undefined {
    const {connection, name} = this
    const {socket} = connection
    if (socket.destroyed) {
      const text = `${name} closed the connection while it was loaded`
      return Promise.reject(
        new WireError('CONNECTION_LOST', text, name, {stage: 'loading'}, {cause: connection.failure}),
      )
    }
    if (socket.writableLength <= WAITING_BYTES_MAX) return undefined
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        socket.off('drain', done).off('close', done)
      }
      const done = (): void => {
        settle()
        resolve()
      }
      const timer = setTimeout(() => {
        settle()
        const text = `${name} took nothing for ${this.silenceMs / 1000} s`
        reject(new WireError('SILENCE', text, name, {stage: 'loading'}))
      }, this.silenceMs)
      socket.on('drain', done).on('close', done)
    })
  }

  async finish(): Promise<void> {}
  async abandon(): Promise<void> {}
}
