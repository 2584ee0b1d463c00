/**
 * The servers that a load goes to: one, or the masters of a cluster, each with a pipeline of its own.
 *
 *   MOVED slot host:port    the slot has another master: the command goes there, and from now on all of the slot
 *   ASK slot host:port      the key is on its way: this command alone goes there, behind ASKING
 */
import {SLOT_COUNT, slotOf} from '../bytes/crc16.js'
import {WireError} from '../errors.js'
import type {ServerFacts} from '../replication/server-facts.js'
import {clusterShards} from '../replication/topology.js'
import {formatAddress, parseAddress, type ServerAddress} from '../resp/address.js'
import {formatCommand, putBulk} from '../resp/framing.js'
import {type OnBulk, type OnRefused, Pipeline, type PipelineOptions, type Refused} from '../resp/pipeline.js'
import type {Questions} from '../resp/reply.js'
import {type LinkOptions, LinkPatience, openLink} from './load-link.js'

/** A command that is on its way for more often than this goes round in circles. */
const REDIRECTS_MAX = 15
const SELECT = 1
const ASKING = 2
const REDIRECT = /^(MOVED|ASK) (\d+) (\S*):(\d+)/
const ASKING_COMMAND = formatCommand(['ASKING'])

/** A library of functions, and a question about one. */
export const FUNCTION = 3
export const LIBRARY = 4
/** A key, as it is sent for the first time, and a question about one; each redirection counts one up. */
export const KEY = 16
export const QUESTION = 32

export interface NodesOptions extends LinkOptions {
  /** A command was refused by words that are no redirection. */
  onRefused: OnRefused
  /** The answer to a question. */
  onBulk: OnBulk
  onAgain: PipelineOptions['onAgain']
}

export class Nodes {
  readonly #pipelines = new Map<string, Pipeline>()
  readonly #addresses = new Map<string, ServerAddress>()
  readonly #patience = new Map<string, LinkPatience>()
  /** Of each slot; of a single server, of all. */
  readonly #owners: Pipeline[] = []
  /** Commands that wait until their node is connected. */
  readonly #opening = new Map<string, Promise<Pipeline>>()
  #moving = 0
  readonly #unflushed = new Set<Pipeline>()
  #failure: unknown
  redirected = 0
  /** The longest argument that all of them take. */
  bulkBytesMax = Number.POSITIVE_INFINITY

  private constructor(
    readonly seed: ServerAddress,
    readonly facts: ServerFacts,
    readonly options: NodesOptions,
  ) {}

  static async open(seed: ServerAddress, facts: ServerFacts, options: NodesOptions): Promise<Nodes> {
    const nodes = new Nodes(seed, facts, options)
    try {
      if (!facts.cluster) nodes.#owners.push(await nodes.#pipelineOf(seed))
      else {
        const shards = await clusterShards(seed, options.connectTimeoutMs, options.silenceMs)
        for (const {master, slots} of shards) {
          const pipeline = await nodes.#pipelineOf(master.address)
          for (const [first, last] of slots) for (let slot = first; slot <= last; slot++) nodes.#owners[slot] = pipeline
        }
      }
      return nodes
    } catch (error) {
      nodes.close()
      throw error
    }
  }

  get all(): Pipeline[] {
    return [...this.#pipelines.values()]
  }

  /** Who the servers are, from their start to their end. */
  get runIds(): string[] {
    return [...this.#patience.values()].map(({runId}) => runId).sort()
  }

  /** The least number of a command that was not answered. */
  get oldest(): number {
    const moving = this.#opening.size > 0 ? this.#oldestMoving : Number.POSITIVE_INFINITY
    return Math.min(moving, ...this.all.map(({oldest}) => oldest))
  }

  /** Keys that nothing is known of yet. */
  get unanswered(): number {
    return this.all.reduce((sum, one) => sum + one.waitingFrom(KEY), this.#moving)
  }

  #oldestMoving = Number.POSITIVE_INFINITY

  /** Where a key goes, with its database selected. */
  pipelineFor(db: number, bytes: Uint8Array, start: number, end: number): Pipeline {
    const owners = this.#owners
    const pipeline = owners.length === 1 ? owners[0]! : owners[slotOf(bytes, start, end)]!
    if (pipeline.db !== db) this.#select(pipeline, db)
    return pipeline
  }

  /** The node that a key goes to. */
  addressFor(key: Uint8Array): ServerAddress {
    const owners = this.#owners
    const {name} = owners.length === 1 ? owners[0]! : owners[slotOf(key, 0, key.length)]!
    return this.#addresses.get(name)!
  }

  /** Another connection to that node. */
  async beside(address: ServerAddress): Promise<Questions> {
    return await this.#patience.get(formatAddress(address))!.connect()
  }

  /** A question to whoever has just answered; `number` and kind as of any command. */
  ask(
    pipeline: Pipeline,
    {db, number}: Pick<Refused, 'db' | 'number'>,
    kind: number,
    command: readonly (string | Uint8Array)[],
    about: Uint8Array,
  ): void {
    if (pipeline.db !== db) this.#select(pipeline, db)
    const out = pipeline.begin()
    const bytes = formatCommand([...command, about])
    out.copy(bytes, 0, bytes.length)
    const end = out.length - 2
    pipeline.end(end - about.length, end, db, number, kind)
    this.#flushSoon(pipeline)
  }

  /** Waits until there is room for more in all of them. */
  drain(): Promise<void> | undefined {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#owners.length === 1 && this.#opening.size === 0) return this.#owners[0]!.drain()
    const waits = this.all.map(one => one.drain()).filter(one => one !== undefined)
    if (waits.length + this.#opening.size === 0) return undefined
    return Promise.all([...waits, ...this.#opening.values()]).then(() => {})
  }

  /** Waits until everything was answered, wherever it had to go. */
  async settled(): Promise<void> {
    do {
      await Promise.all(this.#opening.values())
      for (const pipeline of this.all) await pipeline.settled()
      if (this.#failure !== undefined) throw this.#failure
    } while (this.#opening.size > 0 || this.all.some(({waiting}) => waiting > 0))
  }

  close(): void {
    for (const pipeline of this.all) pipeline.close()
  }

  async #pipelineOf(address: ServerAddress): Promise<Pipeline> {
    const name = formatAddress(address)
    const known = this.#pipelines.get(name)
    if (known !== undefined) return known
    const {silenceMs, onBulk, onAgain} = this.options
    const {questions, runId, bulkBytesMax} = await openLink(address, this.options)
    const patience = new LinkPatience(address, runId, this.options)
    const pipeline = new Pipeline(questions.connection, {
      ...{silenceMs, onBulk, onAgain, onLost: (error, broken) => patience.reopen(error, broken)},
      onRefused: (text, command, refusing) => this.#refused(text, command, refusing),
    })
    this.bulkBytesMax = Math.min(this.bulkBytesMax, bulkBytesMax)
    this.#pipelines.set(name, pipeline)
    this.#addresses.set(name, address)
    this.#patience.set(name, patience)
    return pipeline
  }

  #select(pipeline: Pipeline, db: number): void {
    const out = pipeline.begin()
    const text = Buffer.from(String(db))
    out.ascii('*2\r\n$6\r\nSELECT\r\n')
    putBulk(out, text, 0, text.length)
    pipeline.end(0, 0, db, Number.POSITIVE_INFINITY, SELECT)
    pipeline.db = db
  }

  #refused(text: string, command: Refused, pipeline: Pipeline): void {
    const [, what, slot, host, port] = REDIRECT.exec(text) ?? []
    if (command.kind === SELECT || command.kind === ASKING) {
      this.#failure ??= new WireError(
        'WRITE_REFUSED',
        `${pipeline.name} refused ${command.kind === SELECT ? `SELECT ${command.db}` : 'ASKING'}: ${text}`,
        pipeline.name,
        {stage: 'loading', reply: `-${text}`},
      )
    } else if (what === undefined) this.options.onRefused(text, command, pipeline)
    else if ((command.kind & REDIRECTS_MAX) === REDIRECTS_MAX)
      this.options.onRefused(`redirected ${REDIRECTS_MAX} times: ${text}`, command, pipeline)
    else
      this.#redirect(
        {asking: what === 'ASK', slot: Number(slot), where: this.#addressOf(host!, Number(port), pipeline)},
        command,
      )
  }

  /** A node that does not know its own name is where the answer comes from. */
  #addressOf(host: string, port: number, pipeline: Pipeline): ServerAddress {
    const {path: _, ...credentials} = this.seed
    const told = host === '' || host === '?' ? parseAddress(pipeline.name).host : host
    return {...credentials, host: told, port}
  }

  #redirect({asking, slot, where}: {asking: boolean; slot: number; where: ServerAddress}, command: Refused): void {
    this.redirected++
    const known = this.#pipelines.get(formatAddress(where))
    if (known !== undefined) {
      this.#send(known, command, asking)
      if (!asking && slot < SLOT_COUNT) this.#owners[slot] = known
      return
    }
    // The command's bytes are lent: while the connection is made, a copy waits.
    const copy = {
      ...command,
      bytes: command.bytes.slice(command.start, command.end),
      start: 0,
      end: command.end - command.start,
    }
    copy.keyStart -= command.start
    copy.keyEnd -= command.start
    this.#oldestMoving = Math.min(this.#oldestMoving, command.number)
    this.#moving++
    const name = formatAddress(where)
    const opening = (this.#opening.get(name) ?? this.#pipelineOf(where)).then(pipeline => {
      this.#moving--
      this.#send(pipeline, copy, asking)
      if (!asking && slot < SLOT_COUNT) this.#owners[slot] = pipeline
      return pipeline
    })
    const settled = opening.finally(() => {
      if (this.#opening.get(name) === settled) this.#opening.delete(name)
      if (this.#opening.size === 0) this.#oldestMoving = Number.POSITIVE_INFINITY
    })
    settled.catch(error => {
      this.#failure ??= error
    })
    this.#opening.set(name, settled)
  }

  /** Whoever waits for this node may have sent everything before. Many answers come at once: what they lead to is sent at once. */
  #flushSoon(pipeline: Pipeline): void {
    if (this.#unflushed.size === 0) {
      queueMicrotask(() => {
        for (const one of this.#unflushed) one.flush()
        this.#unflushed.clear()
      })
    }
    this.#unflushed.add(pipeline)
  }

  /** The same command once more, to another node. */
  #send(pipeline: Pipeline, {bytes, start, end, keyStart, keyEnd, db, number, kind}: Refused, asking: boolean): void {
    if (pipeline.db !== db) this.#select(pipeline, db)
    if (asking) {
      pipeline.begin().copy(ASKING_COMMAND, 0, ASKING_COMMAND.length)
      pipeline.end(0, 0, db, Number.POSITIVE_INFINITY, ASKING)
    }
    const out = pipeline.begin()
    const shift = out.length - start
    out.copy(bytes, start, end)
    pipeline.end(keyStart + shift, keyEnd + shift, db, number, kind + 1)
    this.#flushSoon(pipeline)
  }
}
