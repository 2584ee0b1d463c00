/**
 * The first pass over one side: a digest of every entry goes into the index of both sides, under the place where the
 * entry lies. Values are not kept.
 */
import {createHash, randomFillSync} from 'node:crypto'
import type {DigestSeed} from '../bytes/digest.js'
import {splitInt64} from '../bytes/int64.js'
import {type FormatError, LimitError} from '../errors.js'
import type {Side} from '../keyspace/difference.js'
import {DigestVisitor, type MeaningOptions} from '../keyspace/digest.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import type {KeyIndex} from '../keyspace/key-index.js'
import {libraryName} from '../keyspace/library-name.js'
import {VALUE_TYPES} from '../keyspace/selection.js'
import type {EntryVisitor, ModuleAux, Problem, ValueVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import type {DiffCounts} from './diff-counts.js'

/** Places of the second side begin here: no input is so large. */
export const SECOND_SIDE = 2 ** 52
/** Words of a digest, and of an expiry beside it. */
export const DIGEST_WORDS = 4
export const EXPIRY_WORDS = 2

/** Where entries lie: by their offsets in an RDB file, counted in any other source. */
export class Places {
  #next = 0

  constructor(readonly byOffset: boolean) {}

  of(entry: Entry): number {
    return this.byOffset ? entry.offset : this.#next++
  }
}

/** What is found of one side besides its keys. */
export interface SideFacts {
  /** Libraries of functions by name. */
  libraries: Map<string, Uint8Array>
  /** What modules keep beside their keys: by module and place, a digest. */
  moduleAux: Map<string, string>
  /** Places of entries whose values are damaged, on this side. */
  damaged: Set<number>
  /** Whether any entry tells of its use. */
  idle: boolean
  frequency: boolean
  /** Collections without elements, which are no keys. */
  empty: number
  placeMax: number
}

export interface DigestPassOptions {
  side: Side
  index: KeyIndex
  meaning: MeaningOptions
  seed: DigestSeed
  counts: DiffCounts
  places: Places
  /** The database that those of a source count as. */
  dbOf: (db: number) => number
  onProblem: (problem: Problem) => void
}

export class DigestPass extends DigestVisitor implements EntryVisitor {
  readonly facts: SideFacts = {
    libraries: new Map(),
    moduleAux: new Map(),
    damaged: new Set(),
    idle: false,
    frequency: false,
    empty: 0,
    placeMax: 0,
  }
  #libraryBytes = 0
  #place = 0
  #damaged = false
  readonly #payload = new Int32Array(DIGEST_WORDS + EXPIRY_WORDS)
  readonly #halves = {high: 0, low: 0}

  constructor(readonly options: DigestPassOptions) {
    super(options.meaning, options.seed)
  }

  entry(entry: Entry): ValueVisitor {
    this.#place = this.options.places.of(entry)
    if (entry.idleSeconds >= 0) this.facts.idle = true
    if (entry.frequency >= 0) this.facts.frequency = true
    return this
  }

  protected override dbOf({db}: Entry): number {
    return this.options.dbOf(db)
  }

  /** The value has been passed over: whatever it is, it is like no other. */
  damage(error: FormatError | LimitError, entry: Entry): void {
    const {code, message, offset} = error
    const {db, type} = entry
    const kept = entry.keptKey(limits.problemsMax)
    this.options.onProblem({code, severity: 'error', offset, text: message, db, ...kept, type})
    this.#damaged = true
  }

  override end(entry: Entry): void {
    if (!this.#damaged) {
      super.end(entry)
      return
    }
    this.#damaged = false
    this.facts.damaged.add(this.#place)
    const {bytes, start, end} = entry.keyBytes
    this.digest.key(this.dbOf(entry), bytes, start, end)
    randomFillSync(this.digest.out.subarray(2))
    this.digested(entry)
  }

  protected override digested(entry: Entry): void {
    const {out} = this.digest
    const payload = this.#payload
    for (let i = 0; i < DIGEST_WORDS; i++) payload[i] = out[2 + i]!
    if (this.meaning.expiry === 'fields') {
      splitInt64(entry.expireAtMs === NEVER ? NEVER_MS : entry.expireAtMs, this.#halves)
      payload[DIGEST_WORDS] = this.#halves.high
      payload[DIGEST_WORDS + 1] = this.#halves.low
    }
    this.#add(out[0]!, out[1]!, entry)
  }

  #add(high: number, low: number, entry: Entry): void {
    const {side, index, counts} = this.options
    const place = this.#place
    if (place > this.facts.placeMax) this.facts.placeMax = place
    index.addPrint(high, low, side === 0 ? place : SECOND_SIDE + place, this.#payload)
    counts.has(side, this.dbOf(entry), VALUE_TYPES.indexOf(entry.type), 1)
  }

  protected override empty(): void {
    this.facts.empty++
  }

  function(source: Uint8Array): void {
    this.#libraryBytes += source.length
    if (this.#libraryBytes > limits.listBytesMax) {
      throw new LimitError('listBytesMax', limits.listBytesMax, this.#libraryBytes, 0, 'libraries of functions')
    }
    this.facts.libraries.set(libraryName(source), source)
  }

  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    this.function(libraryOf(name, engine, code))
  }

  moduleAux({module, version, when, payload}: ModuleAux): void {
    const {moduleAux} = this.facts
    if (moduleAux.size >= limits.namesMax) return
    const name = `${module} ${when}`
    const hash = createHash('sha256')
      .update(`${moduleAux.get(name) ?? ''} ${version} `)
      .update(payload)
    moduleAux.set(name, hash.digest('hex'))
  }

  problem(problem: Problem): void {
    this.options.onProblem(problem)
  }
}

/** Stands for no expiry: later than any. */
export const NEVER_MS = Number.MAX_SAFE_INTEGER

/** A library in the form of release candidates, as servers take it. */
export function libraryOf(name: Uint8Array, engine: Uint8Array, code: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from('#!'), engine, Buffer.from(' name='), name, Buffer.from('\n'), code])
}
