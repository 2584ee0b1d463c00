/**
 * Between a snapshot and the servers it is loaded into: each key goes as RESTORE, with its expiry as it is, each library of
 * functions as FUNCTION LOAD; and what the servers answer is counted.
 *
 *   RESTORE key expiry payload [REPLACE] ABSTTL [IDLETIME seconds] [FREQ frequency]
 */
import {writeInteger} from '../aof/arguments.js'
import {WireError} from '../errors.js'
import {type Entry, isCollection, NEVER} from '../keyspace/entry.js'
import {libraryName} from '../keyspace/library-name.js'
import type {Selection} from '../keyspace/selection.js'
import {type EntryVisitor, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {PayloadWriter} from '../rdb/payload.js'
import type {Target} from '../rdb/targets.js'
import {bulk, putArrayHead, putBulk, putFramed} from '../resp/framing.js'
import type {Pipeline, Refused} from '../resp/pipeline.js'
import {Doubts} from './load-doubts.js'
import type {LargeKey} from './load-large.js'
import {FUNCTION, KEY, LIBRARY, type Nodes, QUESTION} from './load-nodes.js'
import type {LoadReport, LoadState} from './load-report.js'

/** What happens to keys that are there already: the load ends, they stay, or they give way. */
export type LoadConflictRule = 'error' | 'skip' | 'replace'

export interface LoadFailure {
  db: number
  key: Uint8Array
  error: string
}

export interface LoadVisitorOptions {
  nodes: () => Nodes
  target: Target
  selection: Selection
  onConflict: LoadConflictRule
  /** Numbers of entries that go by another way, behind all others. */
  large: ReadonlySet<number>
  /** Where an earlier run ended. */
  state: LoadState
  report: LoadReport | undefined
  signal: AbortSignal | undefined
}

/** So many are told; a report has all. */
export const FAILURES_TOLD_MAX = 10
/** RESTORE refuses a time below zero; this one has long passed. */
const LONG_PASSED_MS = 1
/** Refusals that have nothing to do with the key: the next would meet them too. */
const OF_THE_SERVER =
  /^(OOM|MISCONF|READONLY|NOAUTH|LOADING|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|NOGOODSLAVE|BUSY|DENIED)\b|^NOPERM (?!.*\bkeys?\b)|^ERR (unknown command|This instance has cluster|wrong number of arguments)|DUMP payload version/
/** Below it, a server that is given a value of a module that it has not loaded ends itself, by RESTORE too (redis 6.0.16 rdb.c: exit). */
const MODULE_VERSION_MIN = 6.2
const RESTORE = bulk('RESTORE')
const REPLACE = bulk('REPLACE')
const ABSTTL = bulk('ABSTTL')
const IDLETIME = bulk('IDLETIME')
const FREQ = bulk('FREQ')
const FUNCTION_LOAD = Buffer.concat([bulk('FUNCTION'), bulk('LOAD')])
/** Older servers have none: what a source has of them is told as lost before anything is sent. */
export const FUNCTIONS_VERSION_MIN = 10
/** Between two notes of how far it has come. */
const NOTE_MS = 1000
/** So many may be sent before the next note: what is above that was not. */
const NOTED_AHEAD = 100_000

/** Ends the reading: whoever asked for it knows why. */
export const STOPPED: Error = Object.freeze(new Error('the load was ended'))

export class LoadVisitor implements EntryVisitor {
  /** Entries seen. */
  number = 0
  /** Keys sent; of them, those that were refused are counted below. */
  sent = 0
  /** Keys that are there already, and stay. */
  conflicts = 0
  failed = 0
  /** Sent to a server that takes no more: as if they had not been. */
  held = 0
  /** Left alone since an earlier run has loaded them. */
  before = 0
  /** What a server said of one that is there, where that ends the load. */
  libraryThere: string | undefined
  /** The first of those that were refused, or met one that is there. */
  readonly failures: LoadFailure[] = []
  /** Large keys that have not had their turn. */
  readonly deferred: LargeKey[] = []
  readonly skipped = new Map<string, number>()
  /** Why nothing more is sent; undefined: it goes on. */
  failure: unknown
  stopped = false
  /** Where it was ended. */
  #firstUnsent = Number.POSITIVE_INFINITY
  /** The first number that may not be sent before that is noted. */
  #notedEnd = 0
  readonly #doubts: Doubts
  readonly #libraries = new Map<string, Buffer>()
  readonly #librariesRefused = new Set<string>()
  readonly #librariesKept = new Set<string>()
  readonly #payloads: PayloadWriter
  readonly #endsByModules: boolean
  #present = 0
  #notedMs = performance.now()

  constructor(readonly options: LoadVisitorOptions) {
    const {target} = options
    this.#endsByModules = target.product === 'redis' && Number.parseFloat(target.serverVersion) < MODULE_VERSION_MIN
    this.#doubts = new Doubts(options.state)
    this.#payloads = new PayloadWriter({target}, (entry, bytes, start, end) => this.#restore(entry, bytes, start, end))
    this.#payloads.sourceFamily = target.family
  }

  /** Whose stored bytes are shown. */
  begins(family: 'redis' | 'valkey'): void {
    this.#payloads.sourceFamily = family
  }

  /** Entries below have their answer. */
  get position(): number {
    return Math.min(this.number, this.#firstUnsent, this.options.nodes().oldest)
  }

  /** Those that were sent and not refused. */
  get libraries(): number {
    return this.#libraries.size - this.#librariesRefused.size - this.#librariesKept.size
  }

  /** Those that were there, and stayed. */
  get librariesKept(): number {
    return this.#librariesKept.size
  }

  entry(entry: Entry): ValueVisitor {
    const {selection, state, large} = this.options
    const number = this.number++
    if (this.stopped) {
      this.#firstUnsent = Math.min(this.#firstUnsent, number)
      return SKIP
    }
    if (number >= this.#notedEnd) this.note()
    const reason = selection.everything ? undefined : selection.refusal(entry)
    if (reason !== undefined) {
      this.skipped.set(reason, (this.skipped.get(reason) ?? 0) + 1)
      return SKIP
    }
    if (number < state.position && !state.failed.has(number)) {
      this.before++
      return SKIP
    }
    if (entry.type === 'module' && this.#endsByModules) {
      this.sent++
      this.#fail(number, entry.db, entry.key(), 'not sent: this server ends itself where it has not loaded the module')
      return SKIP
    }
    if (large.has(number)) return this.#defer(entry, number)
    this.#present = number
    return this.#payloads.entry(entry)
  }

  /** Until it has had its turn it counts as one that was refused. */
  #defer(entry: Entry, number: number): ValueVisitor {
    const key = {number, db: entry.db, key: entry.key()}
    this.deferred.push(key)
    this.options.report?.failed(number, key.db, key.key, 'it is large, and has its turn behind all others')
    return SKIP
  }

  /** From now on a part of it may be there. */
  largeBegins(number: number): void {
    this.options.report?.begun(number)
  }

  /** What became of a large key. */
  largeDone({number, db, key}: LargeKey, error: string | undefined): void {
    const {onConflict, report} = this.options
    this.sent++
    const kept = error?.startsWith('BUSYKEY') === true && onConflict === 'skip'
    if (kept) this.conflicts++
    else if (error !== undefined) this.#fail(number, db, key, error)
    if (kept || error === undefined) report?.loaded(number)
  }

  #restore(entry: Entry, bytes: Uint8Array, start: number, end: number): void {
    if (entry.elements === 0 && isCollection(entry.type) && entry.type !== 'stream') {
      this.skipped.set('empty', (this.skipped.get('empty') ?? 0) + 1)
      return
    }
    const {db, keyBytes: key, expireAtMs, idleSeconds, frequency} = entry
    const nodes = this.options.nodes()
    if (end - start > nodes.bulkBytesMax) {
      const bytes = `its payload has ${end - start} bytes, and the server takes ${nodes.bulkBytesMax} (proto-max-bulk-len)`
      this.sent++
      this.#fail(this.#present, db, entry.key(), bytes)
      return
    }
    const pipeline = nodes.pipelineFor(db, key.bytes, key.start, key.end)
    const out = pipeline.begin()
    const replaces = this.options.onConflict === 'replace'
    putArrayHead(out, 5 + (replaces ? 1 : 0) + (idleSeconds >= 0 ? 2 : 0) + (frequency >= 0 ? 2 : 0))
    putFramed(out, RESTORE)
    putBulk(out, key.bytes, key.start, key.end)
    const keyEnd = out.length - 2
    writeInteger(out, expireAtMs === NEVER ? 0 : expireAtMs > 0 ? expireAtMs : LONG_PASSED_MS)
    putBulk(out, bytes, start, end)
    if (replaces) putFramed(out, REPLACE)
    putFramed(out, ABSTTL)
    if (idleSeconds >= 0) {
      putFramed(out, IDLETIME)
      writeInteger(out, idleSeconds)
    }
    if (frequency >= 0) {
      putFramed(out, FREQ)
      writeInteger(out, frequency)
    }
    pipeline.end(keyEnd - (key.end - key.start), keyEnd, db, this.#present, KEY)
    this.sent++
  }

  function(source: Uint8Array): void {
    const {target, state, onConflict, nodes} = this.options
    // They stand before the keys: an earlier run that came to those has loaded them.
    if (state.position > 0) return
    if (target.rdbVersion < FUNCTIONS_VERSION_MIN) return
    this.#libraries.set(libraryName(source), Buffer.from(source))
    for (const pipeline of nodes().all) {
      const out = pipeline.begin()
      const replaces = onConflict === 'replace'
      putArrayHead(out, replaces ? 4 : 3)
      putFramed(out, FUNCTION_LOAD)
      if (replaces) putFramed(out, REPLACE)
      putBulk(out, source, 0, source.length)
      const end = out.length - 2
      pipeline.end(end - source.length, end, pipeline.db, 0, FUNCTION)
    }
  }

  drain(): Promise<void> | undefined {
    const {signal, nodes} = this.options
    if (signal?.aborted === true) this.stopped = true
    if (this.stopped) return Promise.reject(STOPPED)
    if (performance.now() - this.#notedMs > NOTE_MS) this.note()
    return nodes().drain()
  }

  /** Writes down how far it has come. */
  note(): void {
    this.#notedMs = performance.now()
    this.#notedEnd = this.number + NOTED_AHEAD
    this.options.report?.progress(this.position, this.#notedEnd)
  }

  /** Nothing more will be sent. */
  noteEnd(): void {
    this.options.report?.progress(this.position, this.number)
  }

  /** A command goes once more, since the connection broke before its answer. */
  sentAgain(number: number): void {
    this.#doubts.add(number)
  }

  /** What a server refused. */
  refused(text: string, command: Refused, pipeline: Pipeline): void {
    const {kind, number, db, bytes, keyStart, keyEnd} = command
    const isThere = text.startsWith('BUSYKEY')
    if (kind === FUNCTION || kind === LIBRARY) this.#libraryRefused(text, command, pipeline)
    else if (kind >= QUESTION) this.#hold(number, `DUMP of a key that this load may have made: ${text}`, pipeline.name)
    else if (isThere && this.options.onConflict === 'skip') this.conflicts++
    else if (isThere && this.#doubts.has(number)) {
      const key = bytes.slice(keyStart, keyEnd)
      this.#doubts.ask(command)
      this.options.nodes().ask(pipeline, command, QUESTION, ['DUMP'], key)
    } else if (OF_THE_SERVER.test(text)) this.#hold(number, text, pipeline.name)
    else {
      this.#fail(number, db, bytes.slice(keyStart, keyEnd), text)
      if (isThere) this.stopped = true
    }
  }

  /** What a server answers to a question. */
  answered(answer: Uint8Array | undefined, command: Refused): void {
    const {kind, number, db, bytes, keyStart, keyEnd} = command
    const about = bytes.slice(keyStart, keyEnd)
    if (kind === LIBRARY) {
      const name = Buffer.from(about).toString()
      const isOurs = answer !== undefined && Buffer.from(answer).includes(this.#libraries.get(name)!)
      if (!isOurs) this.#libraryIsThere(`ERR Library '${name}' already exists`, name)
    } else if (kind >= QUESTION && !this.#doubts.isOurs(number, answer)) {
      this.#fail(number, db, about, 'BUSYKEY Target key name already exists.')
      this.stopped = true
    }
  }

  #fail(number: number, db: number, key: Uint8Array, error: string): void {
    this.failed++
    this.options.report?.failed(number, db, key, error)
    if (this.failures.length < FAILURES_TOLD_MAX) this.failures.push({db, key, error})
  }

  #libraryRefused(text: string, {kind, bytes, keyStart, keyEnd}: Refused, pipeline: Pipeline): void {
    const name = kind === FUNCTION ? libraryName(bytes.subarray(keyStart, keyEnd)) : ''
    const isThere = /already exists/i.test(text)
    if (isThere && this.options.onConflict === 'skip') this.#librariesKept.add(name)
    else if (isThere && this.#doubts.has(0)) {
      const question = ['FUNCTION', 'LIST', 'WITHCODE', 'LIBRARYNAME']
      this.options.nodes().ask(pipeline, {db: pipeline.db, number: 0}, LIBRARY, question, Buffer.from(name))
    } else if (isThere) this.#libraryIsThere(text, name)
    else {
      this.#librariesRefused.add(name)
      this.#end(text, pipeline.name)
    }
  }

  #libraryIsThere(text: string, name: string): void {
    this.#librariesRefused.add(name)
    this.libraryThere ??= text
    this.stopped = true
  }

  /** The server takes no more: what it refused stands where nothing was sent. */
  #hold(number: number, text: string, name: string): void {
    this.held++
    this.#firstUnsent = Math.min(this.#firstUnsent, number)
    this.#end(text, name)
  }

  #end(text: string, name: string): void {
    this.stopped = true
    const context = {stage: 'loading', reply: `-${text}`} as const
    this.failure ??= new WireError('WRITE_REFUSED', `${name} refused what it was to load: ${text}`, name, context)
  }

  dispose(): void {
    this.#payloads.dispose()
  }
}
