/**
 * A data set in memory: what a server would hold.
 */
import type {ModuleAux} from '../keyspace/visitor.js'
import {Arena} from './arena.js'
import {Database} from './database.js'
import {putHashKeys} from './key-hash.js'
import type {ReplayKernel} from './replay-kernel.js'

export class Keyspace {
  constructor(readonly arena = new Arena()) {
    if (arena.kernel !== undefined) putHashKeys(arena.kernel.hashNumbers, arena.kernel.hashState)
  }

  readonly #databases = new Map<number, Database>()
  /** Source of each function library, by name. */
  readonly functions = new Map<string, Uint8Array>()
  /** What modules stored besides their values; nobody but they can read it. */
  readonly moduleAux: ModuleAux[] = []

  /** The database of a number; made where there is none. */
  database(number: number): Database {
    let database = this.#databases.get(number)
    if (database === undefined) {
      database = new Database(this.arena)
      this.#databases.set(number, database)
    }
    return database
  }

  /** Numbers of databases that have keys, ascending. */
  numbers(): number[] {
    return [...this.#databases]
      .filter(([, {size}]) => size > 0)
      .map(([number]) => number)
      .sort((one, other) => one - other)
  }

  /** Keys of all databases. */
  get size(): number {
    let size = 0
    for (const database of this.#databases.values()) size += database.size
    return size
  }

  /** Each gets all that the other had. */
  swap(one: number, other: number): void {
    const [a, b] = [this.database(one), this.database(other)]
    this.#databases.set(one, b)
    this.#databases.set(other, a)
  }

  flush(number: number): void {
    this.#databases.get(number)?.dispose()
    this.#databases.delete(number)
  }

  flushAll(): void {
    for (const number of [...this.#databases.keys()]) this.flush(number)
  }

  /**
   * The replay kernel runs commands from here to `takeBack`; false where it cannot see the database of a number. Of
   * the other databases it sees those that it can.
   */
  lend(kernel: ReplayKernel, selected: number): boolean {
    const {databases, databaseWords, databasesMax} = kernel
    let seen = false
    databases.fill(0)
    for (const [number, database] of this.#databases) {
      if (number >= databasesMax) continue
      if (!database.lend(databases, number * databaseWords)) databases[number * databaseWords] = 0
      else if (number === selected) seen = true
    }
    if (seen) this.arena.lend(kernel)
    return seen
  }

  takeBack(kernel: ReplayKernel): void {
    const {databases, databaseWords} = kernel
    this.arena.takeBack(kernel)
    for (const [number, database] of this.#databases) {
      if (databases[number * databaseWords]) database.takeBack(databases, number * databaseWords)
    }
  }

  /** Between two commands: gives memory back that is scattered over many gaps. Blocks move. */
  tidy(): void {
    if (this.arena.scattered) this.move()
  }

  /** The same, whether it is worth it or not. */
  move(): void {
    this.arena.beginMove()
    for (const database of this.#databases.values()) database.move()
    this.arena.endMove()
  }
}
