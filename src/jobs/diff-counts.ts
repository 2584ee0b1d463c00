/**
 * Keys of both data sets and what became of them, by database and type. Databases are those of the second.
 */
import {AFTER, BEFORE, type Side} from '../keyspace/difference.js'
import type {ValueType} from '../keyspace/entry.js'
import {VALUE_TYPES} from '../keyspace/selection.js'

export interface DiffCount {
  /** Keys of the first, and of the second. */
  before: number
  after: number
  removed: number
  added: number
  /** On both sides; of a key that is of another type on each, by that of the first. */
  changed: number
  same: number
  /** Keys of either side that could not be compared. */
  notCompared: number
}

export interface DiffRow extends DiffCount {
  db: number
  type: ValueType
}

type Mutable = Record<'before' | 'after' | 'removed' | 'added' | 'changed' | 'lostBefore' | 'lostAfter', number>

export class DiffCounts {
  readonly #rows = new Map<number, Mutable[]>()

  /** Keys that a side has. */
  has(side: Side, db: number, type: number, keys: number): void {
    const row = this.#row(db, type)
    if (side === BEFORE) row.before += keys
    else row.after += keys
  }

  only(side: Side, db: number, type: ValueType): void {
    const row = this.#row(db, VALUE_TYPES.indexOf(type))
    if (side === BEFORE) row.removed++
    else row.added++
  }

  changed(db: number, type: ValueType): void {
    this.#row(db, VALUE_TYPES.indexOf(type)).changed++
  }

  /** A key could not be compared. */
  lost(side: Side, db: number, type: ValueType): void {
    const row = this.#row(db, VALUE_TYPES.indexOf(type))
    if (side === AFTER) row.lostAfter++
    else row.lostBefore++
  }

  clear(): void {
    this.#rows.clear()
  }

  /** By database, then type. */
  rows(): DiffRow[] {
    const dbs = [...this.#rows].sort(([a], [b]) => a - b)
    return dbs.flatMap(([db, types]) =>
      types.flatMap((row, type) => (row === undefined ? [] : [{db, type: VALUE_TYPES[type]!, ...countOf(row)}])),
    )
  }

  #row(db: number, type: number): Mutable {
    let types = this.#rows.get(db)
    if (types === undefined) {
      types = []
      this.#rows.set(db, types)
    }
    types[type] ??= {before: 0, after: 0, removed: 0, added: 0, changed: 0, lostBefore: 0, lostAfter: 0}
    return types[type]
  }
}

function countOf({before, after, removed, added, changed, lostBefore, lostAfter}: Mutable): DiffCount {
  const same = before - removed - changed - lostBefore
  return {before, after, removed, added, changed, same, notCompared: lostBefore + lostAfter}
}

/** The sums over several rows. */
export function sumOf(rows: readonly DiffCount[]): DiffCount {
  const sum: DiffCount = {before: 0, after: 0, removed: 0, added: 0, changed: 0, same: 0, notCompared: 0}
  for (const row of rows) for (const name of Object.keys(sum) as (keyof DiffCount)[]) sum[name] += row[name]
  return sum
}
