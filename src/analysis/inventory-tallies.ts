/**
 * Keys counted by database, type and encoding, in bounded memory: a hostile file
 * may have millions of databases. Those of the lowest numbers are told apart, all others
 * together: that depends only on the set of databases, not on their order.
 */
import type {Entry, ValueType} from '../keyspace/entry.js'
import {limits} from '../limits.js'

export interface DatabaseSums {
  keys: number
  expiring: number
  expired: number
  /** Bytes of the keys' records in the file. */
  rdbBytes: number
  /** Estimated, with the tables of the database; 0 where nobody asked. */
  memoryBytes: number
}

export interface DatabaseCount extends DatabaseSums {
  db: number
}

export interface EncodingCount {
  type: ValueType
  encoding: string
  keys: number
  elements: number
  expiring: number
  rdbBytes: number
  /** Estimated; 0 where nobody asked. */
  memoryBytes: number
}

/** What is counted per key, for each database and encoding: everything else is a sum of these. */
export interface Tally extends EncodingCount {
  db: number
  /** NO_TYPE_ID tells nothing of the type. */
  typeId: number
  expired: number
}

/** The number of those that are counted together. */
const OTHERS = -1
const NO_DATABASE = -2

export class Tallies {
  /** By database; one holds a tally per encoding, a few dozen at most. */
  readonly #tallies = new Map<number, Tally[]>()
  readonly #others: Tally[] = []
  /** Databases from this one on are counted together. */
  #end = Number.POSITIVE_INFINITY

  /** The database asked for last, and its tallies: the next key is most often of the same. */
  #db = NO_DATABASE
  #ofDb: Tally[] = []

  /** `databasesMax` are told apart. */
  constructor(readonly databasesMax = limits.databasesMax) {}

  of({db, type, typeId, encoding}: Pick<Entry, 'db' | 'type' | 'typeId' | 'encoding'>): Tally {
    if (db !== this.#db) this.#turnTo(db)
    const ofDb = this.#ofDb
    for (const tally of ofDb) {
      if (tally.encoding === encoding && tally.typeId === typeId && tally.type === type) return tally
    }
    const number = ofDb === this.#others ? OTHERS : db
    const zero = {keys: 0, elements: 0, rdbBytes: 0, memoryBytes: 0, expiring: 0, expired: 0}
    const tally = {db: number, type, typeId, encoding, ...zero}
    ofDb.push(tally)
    return tally
  }

  /** Ascending. */
  databases(): DatabaseCount[] {
    this.#fold()
    return [...this.#tallies].map(([db, tallies]) => ({db, ...summed(tallies)})).sort((a, b) => a.db - b.db)
  }

  /** Undefined where there are none. */
  others(): DatabaseSums | undefined {
    this.#fold()
    return this.#others.length === 0 ? undefined : summed(this.#others)
  }

  /** Most memory first where it is estimated, else most bytes in the file, then by type and encoding: never by which came first. */
  encodings(): EncodingCount[] {
    const sums = new Map<string, EncodingCount>()
    for (const {type, typeId, encoding, keys, elements, expiring, rdbBytes, memoryBytes} of this.#all()) {
      const name = `${String(typeId).padStart(3)} ${encoding} ${type}`
      const zero = {keys: 0, elements: 0, expiring: 0, rdbBytes: 0, memoryBytes: 0}
      const sum = sums.get(name) ?? {type, encoding, ...zero}
      sum.keys += keys
      sum.elements += elements
      sum.expiring += expiring
      sum.rdbBytes += rdbBytes
      sum.memoryBytes += memoryBytes
      sums.set(name, sum)
    }
    return [...sums.entries()]
      .sort(([aName, a], [bName, b]) => compareSizes(a, b) || (aName < bName ? -1 : 1))
      .map(([, sum]) => sum)
  }

  *#all(): Generator<Tally> {
    for (const tallies of this.#tallies.values()) yield* tallies
    yield* this.#others
  }

  #ofDatabase(db: number): Tally[] {
    if (db >= this.#end) return this.#others
    const known = this.#tallies.get(db)
    if (known !== undefined) return known
    // Twice as many are let in before the higher half goes: so each is looked at a few times at most.
    if (this.#tallies.size >= 2 * this.databasesMax) {
      this.#fold()
      return this.#ofDatabase(db)
    }
    const tallies: Tally[] = []
    this.#tallies.set(db, tallies)
    return tallies
  }

  #turnTo(db: number): void {
    this.#ofDb = this.#ofDatabase(db)
    this.#db = db
  }

  #fold(): void {
    if (this.#tallies.size <= this.databasesMax) return
    this.#db = NO_DATABASE
    const numbers = [...this.#tallies.keys()].sort((a, b) => a - b)
    this.#end = numbers[this.databasesMax]!
    for (const db of numbers.slice(this.databasesMax)) {
      for (const tally of this.#tallies.get(db)!) this.#addToOthers(tally)
      this.#tallies.delete(db)
    }
  }

  /** The tally itself may be in somebody's hands: whoever has it looks at its database before counting on. */
  #addToOthers(tally: Tally): void {
    const sum = this.#others.find(
      ({encoding, typeId, type}) => encoding === tally.encoding && typeId === tally.typeId && type === tally.type,
    )
    if (sum === undefined) {
      this.#others.push({...tally, db: OTHERS})
      return
    }
    for (const member of ['keys', 'elements', 'rdbBytes', 'memoryBytes', 'expiring', 'expired'] as const) {
      sum[member] += tally[member]
    }
  }
}

/** Orders by what is shown first: memory, which is 0 of all where nobody asked, then bytes in the file. */
export function compareSizes(a: Sized, b: Sized): number {
  return b.memoryBytes - a.memoryBytes || b.rdbBytes - a.rdbBytes
}

type Sized = Pick<EncodingCount, 'rdbBytes' | 'memoryBytes'>

function summed(rows: readonly DatabaseSums[]): DatabaseSums {
  const sum = {keys: 0, expiring: 0, expired: 0, rdbBytes: 0, memoryBytes: 0}
  for (const row of rows) {
    sum.keys += row.keys
    sum.expiring += row.expiring
    sum.expired += row.expired
    sum.rdbBytes += row.rdbBytes
    sum.memoryBytes += row.memoryBytes
  }
  return sum
}
