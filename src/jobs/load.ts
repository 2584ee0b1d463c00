/**
 * load: a snapshot into a running server, or the masters of a cluster.
 *
 *   ask       who the server is, and whether it takes writes
 *   prepare   the source is read to its end, or built into what that server takes: until then nothing is sent
 *   send      every key as RESTORE, without waiting for the answer to the one before, within bounds; where a connection breaks, what was not
 *             answered goes again over another one
 *   settle    until all was answered
 */
import {setTimeout as sleep} from 'node:timers/promises'
import {UnsupportedError, WireError} from '../errors.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import type {Lost} from '../keyspace/loss-report.js'
import {Selection} from '../keyspace/selection.js'
import type {Problem} from '../keyspace/visitor.js'
import {SILENCE_MS} from '../replication/client.js'
import {type ServerFacts, serverFacts} from '../replication/server-facts.js'
import {formatAddress, maskAddress, type ServerAddress} from '../resp/address.js'
import {CONNECT_TIMEOUT_MS} from '../resp/connection.js'
import {refuseLosses} from './build-losses.js'
import {of} from './build-sources.js'
import {LargeKeys} from './load-large.js'
import {isPassing} from './load-link.js'
import {Nodes} from './load-nodes.js'
import {
  FROM_THE_START,
  type LoadIdentity,
  LoadReport,
  type LoadState,
  readLoadState,
  refuseReport,
} from './load-report.js'
import {type LoadSource, prepareSource, type StageOptions} from './load-source.js'
import {type LoadConflictRule, type LoadFailure, LoadVisitor, STOPPED} from './load-visitor.js'

export interface LoadOptions extends StageOptions {
  /** Absent: error. */
  onExisting?: LoadConflictRule | undefined
  connectTimeoutMs?: number | undefined
  silenceMs?: number | undefined
  /** In all, for a server that broke the connection to come back. */
  patienceMs?: number | undefined
  /** File to write down in what was refused, and how far it came. */
  report?: string | undefined
  /** Report of an earlier run, that ended before its time or had keys refused: what it did is left alone. */
  resume?: string | undefined
  /** Ends the load: what is in flight is answered, and nothing more is sent. */
  signal?: AbortSignal | undefined
  onPhase?: ((phase: LoadPhase) => void) | undefined
}

export type LoadPhase =
  | {kind: 'asking'; server: string}
  | {kind: 'preparing'; source: EntrySource['source']}
  | {kind: 'sending'; source: EntrySource['source']; sent: () => number}

export interface Load {
  source: string
  server: string
  product: ServerFacts['product']
  version: string
  /** Masters that were written to. */
  nodes: number
  /** Of the source. */
  keysIn: number
  /** Keys that a server took. */
  loaded: number
  skipped: {reason: string; keys: number}[]
  /** Keys that were there already, and stayed. */
  kept: number
  /** Keys that an earlier run has loaded. */
  before: number
  /** Keys that were refused. */
  failed: number
  /** The first of them. */
  failures: LoadFailure[]
  libraries: number
  librariesKept: number
  /** What a server said of a library that is there already, and ended the load. */
  libraryThere: string | undefined
  /** What the servers have no place for. */
  lost: Lost[]
  /** Commands that another node of the cluster took. */
  redirected: number
  /** What it was loaded from has so many: those of the source, or what was selected of it and built. */
  entries: number
  /** Entries that have their answer; below `entries` where the load ended before its time. */
  position: number
  seconds: number
  warnings: (Problem & {source: string})[]
  /** What ended it before its time; absent also where it was told to end, or met a key that is there. */
  failure: unknown
  /** It was told to end. */
  interrupted: boolean
}

/** A server goes on for a moment with what a connection that is gone had sent: what it appends must not come behind a removal. */
const OLD_COMMANDS_MS = 1000
/** Where the connection broke so often without one large key done. */
const LARGE_BREAKS_MAX = 3

export async function load(name: string, address: ServerAddress, options: LoadOptions = {}): Promise<Load> {
  const {connectTimeoutMs = CONNECT_TIMEOUT_MS, silenceMs = SILENCE_MS, onPhase} = options
  const server = formatAddress(address)
  refuseReport(options)
  onPhase?.({kind: 'asking', server})
  const facts = await serverFacts(address, connectTimeoutMs, silenceMs)
  const onOpen = ({source}: EntrySource): void => onPhase?.({kind: 'preparing', source})
  const source = await prepareSource(name, facts.target, {...options, onOpen})
  try {
    refuseDatabases(source, facts)
    refuseLosses({target: facts.target.name, lost: lostOf(source)}, options)
    return await new Loading(name, address, facts, source, options).run()
  } finally {
    await source.close()
  }
}

function lostOf({built, lost}: LoadSource): Lost[] {
  return [...(built?.lost ?? []), ...lost]
}

/** A cluster has database 0 only, before valkey 9. */
function refuseDatabases({databases}: LoadSource, {cluster, target}: ServerFacts): void {
  const others = databases.filter(db => db > 0)
  if (!cluster || others.length === 0 || target.family === 'valkey') return
  const text = `a cluster of ${target.name} has database 0 only, and there are keys in ${others.slice(0, 10).join(', ')}`
  const error = new UnsupportedError('NOT_IN_TARGET', text, 0)
  error.advice = `put them into it with --map-db ${others[0]}=0, or leave them out with --db 0`
  throw error
}

class Loading {
  readonly #started = performance.now()
  #visitor!: LoadVisitor
  #nodes!: Nodes

  constructor(
    readonly name: string,
    readonly address: ServerAddress,
    readonly facts: ServerFacts,
    readonly source: LoadSource,
    readonly options: LoadOptions,
  ) {}

  async run(): Promise<Load> {
    const {facts, options, address, source} = this
    const {
      connectTimeoutMs = CONNECT_TIMEOUT_MS,
      silenceMs = SILENCE_MS,
      patienceMs,
      onExisting = 'error',
      signal,
    } = options
    const nodes = await Nodes.open(address, facts, {
      ...{connectTimeoutMs, silenceMs, patienceMs, signal, databases: source.databases},
      onRefused: (text, command, pipeline) => this.#visitor.refused(text, command, pipeline),
      onBulk: (bytes, command) => this.#visitor.answered(bytes, command),
      onAgain: number => this.#visitor.sentAgain(number),
    })
    this.#nodes = nodes
    let report: LoadReport | undefined
    try {
      const opened = this.#openReport(nodes.runIds)
      report = opened.report
      // What was built is what was selected.
      const selection = new Selection(source.built === undefined ? (options.selection ?? {}) : {}, 'later')
      const visitor = new LoadVisitor({
        ...{nodes: () => nodes, target: facts.target, selection, onConflict: onExisting},
        ...{...opened, signal, large: source.large},
      })
      this.#visitor = visitor
      const failure = await this.#send(opened.state).catch(error => error)
      visitor.noteEnd()
      return this.#result(failure === STOPPED ? visitor.failure : (visitor.failure ?? failure))
    } finally {
      report?.close()
      this.#visitor?.dispose()
      nodes.close()
    }
  }

  #openReport(servers: string[]): {state: LoadState; report: LoadReport | undefined} {
    const {report: path, resume, selection, changes} = this.options
    const {keys, mark} = this.source
    const identity: LoadIdentity = {
      ...{source: maskAddress(this.name), keys, mark, target: formatAddress(this.address)},
      selection: JSON.stringify({...selection, nowMs: undefined, changes}),
    }
    const state = resume === undefined ? FROM_THE_START : readLoadState(resume, identity, servers)
    const written = path ?? resume
    if (written === undefined) return {state, report: undefined}
    const report = new LoadReport(written, written === resume)
    report.begin(identity, servers)
    return {state, report}
  }

  /** Shows everything to the servers; what ends it before its time is thrown. */
  async #send(state: LoadState): Promise<undefined> {
    const visitor = this.#visitor
    const source = await this.source.open()
    try {
      this.options.onPhase?.({kind: 'sending', source: source.source, sent: () => visitor.sent})
      visitor.begins((await source.origin())!.family)
      await of(this.name, source.run(visitor)).catch(error => {
        // What a server says is not the source's.
        if (error.cause !== STOPPED) throw error.cause instanceof WireError ? error.cause : error
      })
      // Answers that are on their way say what became of keys.
      await this.#nodes.settled()
      await this.#sendLarge(new Set(state.begun))
      if (visitor.stopped) throw STOPPED
      return undefined
    } finally {
      await source.close()
    }
  }

  /** `begun`: of which a part may be there. */
  async #sendLarge(begun: Set<number>): Promise<void> {
    const {silenceMs = SILENCE_MS, onExisting, signal} = this.options
    const visitor = this.#visitor
    let left = visitor.deferred
    for (let breaks = 0; left.length > 0 && !visitor.stopped; ) {
      visitor.note()
      if (begun.size > 0) await sleep(OLD_COMMANDS_MS)
      const done = new Set<number>()
      const source = await this.source.open()
      try {
        await new LargeKeys({
          ...{nodes: this.#nodes, silenceMs, signal, replaces: onExisting === 'replace', begun},
          onBegin: number => visitor.largeBegins(number),
          onDone: (key, error) => {
            done.add(key.number)
            visitor.largeDone(key, error)
          },
        }).load(left, source)
        break
      } catch (error) {
        breaks = done.size > 0 ? 1 : breaks + 1
        if (!isPassing(error) || breaks > LARGE_BREAKS_MAX || signal?.aborted === true) throw error
        left = left.filter(({number}) => !done.has(number))
      } finally {
        await source.close()
      }
    }
    if (signal?.aborted === true) visitor.stopped = true
  }

  #result(failure: unknown): Load {
    const {facts, source, options} = this
    const visitor = this.#visitor
    const nodes = this.#nodes
    const staged = source.built
    const skipped = [...visitor.skipped].map(([reason, keys]) => ({reason, keys}))
    return {
      ...{source: maskAddress(this.name), server: formatAddress(this.address)},
      ...{product: facts.product, version: facts.version, nodes: nodes.all.length},
      keysIn: staged?.keysIn ?? source.keys,
      loaded: visitor.sent - visitor.conflicts - visitor.failed - visitor.held - nodes.unanswered,
      skipped: [...(staged?.skipped ?? []), ...skipped],
      ...{kept: visitor.conflicts, before: visitor.before, failed: visitor.failed, failures: visitor.failures},
      ...{libraries: visitor.libraries, librariesKept: visitor.librariesKept, libraryThere: visitor.libraryThere},
      lost: lostOf(source),
      ...{redirected: nodes.redirected, entries: source.keys, position: visitor.position},
      seconds: (performance.now() - this.#started) / 1000,
      warnings: source.problems.map(problem => ({source: this.name, ...problem})),
      failure,
      interrupted: options.signal?.aborted === true,
    }
  }
}
