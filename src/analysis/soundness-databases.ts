/**
 * Databases: their numbers, their order, and the sizes that the file announces
 * for them.
 */
import {limits} from '../limits.js'
import type {Findings} from './soundness-findings.js'

/** Databases that a server has unless told otherwise. */
export const DATABASES_DEFAULT = 16
/**
 * A server makes room for as many keys as are announced before it reads one
 * (redis 7.0 rdb.c dbExpand): from so many on in a table of 1 GiB, and it ends where it gets no more.
 */
const RUINOUS_KEYS = 2 ** 26 + 1
/** A hint is wrong by less where keys were dropped from a sound file, or came while it was written. */
const RUINOUS_RATIO = 8

export interface DatabaseSize {
  db: number
  keys: number
  expires: number
  /** What the file announces; -1 where it does not. */
  announcedKeys: number
  announcedExpires: number
  /** Of the announcement. */
  offset: number
}

export class DatabaseSizes {
  readonly #sizes = new Map<number, DatabaseSize>()
  /** The selected database: its keys are counted by whoever sees them. */
  present: DatabaseSize
  #selected = -1
  /** Where which database was selected, in file order. */
  readonly #selections: {offset: number; db: number}[] = []
  /** The one announced with most keys. */
  #slot = {slot: -1, keys: 0, offset: 0}

  constructor(readonly findings: Findings) {
    this.present = this.#sizeOf(0)
  }

  select(db: number, offset: number): void {
    if (db >= DATABASES_DEFAULT) {
      const text = `database ${db}: a server has ${DATABASES_DEFAULT}, and refuses the file unless "databases" says more`
      this.findings.inFile('DATABASE_NUMBER', 'warning', offset, text)
    }
    if (db <= this.#selected) {
      const text = `database ${db} follows database ${this.#selected}: no server writes them in this order`
      this.findings.inFile('DATABASE_ORDER', 'warning', offset, text)
    }
    this.#selected = db
    if (this.#selections.length < limits.namesMax) this.#selections.push({offset, db})
    this.present = this.#sizeOf(db)
  }

  /** Of a source that selects nothing: a key is of this database, the one before was of another. */
  meet(db: number, offset: number): void {
    if (db >= DATABASES_DEFAULT && !this.#sizes.has(db)) {
      const text = `database ${db}: a server has ${DATABASES_DEFAULT}, and takes its keys only if "databases" says more`
      this.findings.inFile('DATABASE_NUMBER', 'warning', offset, text)
    }
    this.#selected = db
    if (this.#selections.length < limits.namesMax) this.#selections.push({offset, db})
    this.present = this.#sizeOf(db)
  }

  announce(db: number, keys: number, expires: number, offset: number): void {
    const size = this.#sizeOf(db)
    size.announcedKeys = keys
    size.announcedExpires = expires
    size.offset = offset
  }

  /** The database of the record at an offset; undefined where so many were selected that they were not remembered. */
  dbAt(offset: number): number | undefined {
    const after = this.#selections.findIndex(one => one.offset > offset)
    if (after < 0 && this.#selections.length === limits.namesMax) return undefined
    return this.#selections.at(after < 0 ? -1 : after - 1)?.db ?? 0
  }

  /** The same for a slot of a cluster. */
  announceSlot(slot: number, keys: number, offset: number): void {
    if (keys > this.#slot.keys) this.#slot = {slot, keys, offset}
  }

  /** Every key has been seen. */
  finish(): void {
    let all = 0
    for (const {db, keys, expires, announcedKeys, announcedExpires, offset} of this.#sizes.values()) {
      all += keys
      if (announcedKeys < 0 || (keys === announcedKeys && expires === announcedExpires)) continue
      const announced = `database ${db} is announced with ${announcedKeys} keys, ${announcedExpires} of them expiring`
      const ruinous = isRuinous(announcedKeys, keys) || isRuinous(announcedExpires, expires)
      const text = `${announced}; it has ${keys} and ${expires}${ruinous ? MEMORY_WASTED : ''}`
      this.findings.inFile('SIZE_HINT', ruinous ? 'error' : 'warning', offset, text)
    }
    const {slot, keys, offset} = this.#slot
    if (!isRuinous(keys, all)) return
    const text = `slot ${slot} is announced with ${keys} keys; all databases have ${all}${MEMORY_WASTED}`
    this.findings.inFile('SIZE_HINT', 'error', offset, text)
  }

  #sizeOf(db: number): DatabaseSize {
    const known = this.#sizes.get(db)
    if (known !== undefined) return known
    const size = {db, keys: 0, expires: 0, announcedKeys: -1, announcedExpires: -1, offset: 0}
    // Of a hostile file's later ones nothing is remembered.
    if (this.#sizes.size < limits.namesMax) this.#sizes.set(db, size)
    return size
  }
}

const MEMORY_WASTED = ': servers take a gigabyte of memory or more to make room for them, and end where they get none'

function isRuinous(announced: number, there: number): boolean {
  return announced >= RUINOUS_KEYS && announced > RUINOUS_RATIO * there
}
