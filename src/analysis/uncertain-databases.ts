/** Keys behind a loss, of which nobody knows whether they are of the database that was named last. */
import type {UncertainDatabase} from './snapshot-losses.js'

export class UncertainDatabases {
  /** The first ones. */
  readonly kept: UncertainDatabase[] = []
  /** Of all of them. */
  keys = 0
  #guessing: UncertainDatabase | undefined

  constructor(readonly keptMax: number) {}

  /** The name of another database may be lost before an offset. */
  begin(offset: number, db: number): void {
    this.#guessing = {offset, db, keys: 0}
  }

  /** A database is named. */
  end(): void {
    this.#guessing = undefined
  }

  /** A key is kept. */
  keep(offset: number): void {
    const guessing = this.#guessing
    if (guessing === undefined) return
    this.keys++
    if (guessing.keys++ > 0) return
    guessing.offset = offset
    if (this.kept.length < this.keptMax) this.kept.push(guessing)
  }
}
