/**
 * The passes over a side after the first: only entries that the plan names are looked at.
 */
import type {SpreadVisitor} from '../analysis/diff-spread.js'
import {BEFORE, type DifferenceSink, type Side} from '../keyspace/difference.js'
import type {Entry} from '../keyspace/entry.js'
import {VALUE_TYPES} from '../keyspace/selection.js'
import {type EntryVisitor, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import type {DiffCounts} from './diff-counts.js'
import type {Places} from './diff-digests.js'
import {LOST, ONLY, type PlannedEntry} from './diff-plan.js'

/** Walks along what is planned as entries come by. */
export class Walk<T extends {readonly place: number}> {
  readonly #planned: Iterator<T>
  #next: T | undefined

  constructor(planned: Iterable<T>) {
    this.#planned = planned[Symbol.iterator]()
    this.#advance()
  }

  /** What is planned at a place; lent until the next call. */
  at(place: number): T | undefined {
    if (this.#passed) this.#advance()
    this.#passed = this.#next?.place === place
    return this.#passed ? this.#next : undefined
  }

  #passed = false

  /** Everything planned has come by. */
  get done(): boolean {
    if (this.#passed) this.#advance()
    this.#passed = false
    return this.#next === undefined
  }

  #advance(): void {
    const {value, done} = this.#planned.next()
    this.#next = done === true ? undefined : value
  }
}

export interface DifferencePassOptions {
  side: Side
  walk: Walk<PlannedEntry>
  places: Places
  counts: DiffCounts
  sink: DifferenceSink
  spread: SpreadVisitor
  dbOf: (db: number) => number
}

/** Shows the sink what is on one side alone, and spreads what is to be compared. */
export class DifferencePass implements EntryVisitor {
  constructor(readonly options: DifferencePassOptions) {}

  entry(entry: Entry): ValueVisitor {
    const {side, walk, places, counts, sink, spread, dbOf} = this.options
    const place = places.of(entry)
    const planned = walk.at(place)
    if (planned === undefined) return SKIP
    const db = dbOf(entry.db)
    if (planned.unchosen) counts.has(side, db, VALUE_TYPES.indexOf(entry.type), 1)
    if (planned.fate === LOST) {
      counts.lost(side, db, entry.type)
      return SKIP
    }
    if (planned.fate !== ONLY) return spread.prepare(side, planned.pair, place, db)
    counts.only(side, db, entry.type)
    return side === BEFORE ? sink.removed(entry) : sink.added(entry)
  }

  /** It was met in the first pass, and is in no plan. */
  damage(): void {}

  drain(): Promise<void> | undefined {
    return this.options.sink.drain()
  }
}

/** Reads the keys of what is planned. */
export class KeysPass implements EntryVisitor {
  constructor(
    readonly walk: Walk<{readonly place: number; readonly value: number}>,
    readonly places: Places,
    readonly onKey: (value: number, place: number, entry: Entry) => void,
  ) {}

  entry(entry: Entry): ValueVisitor {
    const place = this.places.of(entry)
    const planned = this.walk.at(place)
    if (planned !== undefined) this.onKey(planned.value, place, entry)
    return SKIP
  }

  damage(): void {}
}

/** Shows whole entries once more. */
export class AgainPass implements EntryVisitor {
  constructor(
    readonly walk: Walk<{readonly place: number}>,
    readonly places: Places,
    readonly sink: DifferenceSink,
  ) {}

  entry(entry: Entry): ValueVisitor {
    return this.walk.at(this.places.of(entry)) === undefined ? SKIP : this.sink.added(entry)
  }

  damage(): void {}

  drain(): Promise<void> | undefined {
    return this.sink.drain()
  }
}
