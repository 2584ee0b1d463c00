/**
 * Keys that would be in a built file twice: fingerprints of everything that was
 * written, suspicions read again in the file itself before it is published.
 */
import type {LentBytes} from '../bytes/lent.js'
import {KeyIndex} from '../keyspace/key-index.js'
import {libraryName} from '../keyspace/library-name.js'
import type {RdbHeader} from '../rdb/versions.js'
import {fileAt, offsetAt} from '../rdb/written-file.js'
import {FileAgain} from './check-again.js'

/** Which of several entries of one key stays. */
export type ConflictRule = 'error' | 'first' | 'last'

/** One key, and the sources that it came from. */
export interface Conflict {
  db: number
  key: Uint8Array
  sources: string[]
}

/** Sources hold the same key, and nobody said which is to stay. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError'

  constructor(
    /** Some of them. */
    readonly conflicts: readonly Conflict[],
    /** Libraries of functions that differ under one name. */
    readonly libraries: readonly string[] = [],
    /** Modules about which sources say different things. */
    readonly modules: readonly string[] = [],
  ) {
    super('sources hold the same key, and nobody said which is to stay')
  }
}

/** So many conflicts are told; whoever has more sees the kind. */
export const CONFLICTS_TOLD_MAX = 10

export class WrittenKeys {
  readonly #index: KeyIndex
  /** Where each source begins: a place in every file. */
  readonly #starts: {source: string; places: readonly number[]}[] = []
  /** Where each database begins, or goes on, by file. */
  readonly #dbs: {place: number; db: number}[][] = []

  constructor(memoryBytes: number | undefined) {
    this.#index = new KeyIndex({memoryBytes})
  }

  begins(source: string, places: readonly number[]): void {
    this.#starts.push({source, places})
  }

  add(db: number, {bytes, start, end}: LentBytes, place: number): void {
    this.#goesOn(db, place)
    this.#index.add(db, bytes, start, end, place)
  }

  /** Keys of records that were copied whole: places as a Passer tells them, which lie `shift` further on in the file. */
  addAll(db: number, bytes: Uint8Array, places: Int32Array, count: number, shift: number): void {
    this.#goesOn(db, places[0]! + shift)
    for (let i = 0; i < 3 * count; i += 3) {
      this.#index.add(db, bytes, places[i + 1]!, places[i + 2]!, places[i]! + shift)
    }
  }

  /** Throws ConflictError where a key stands twice in the files; equal keys go to the same of several. */
  async check(files: readonly {path: string; bytes: number}[], header: RdbHeader): Promise<void> {
    const conflicts: Conflict[] = []
    for await (const {offsets} of this.#index.duplicates()) {
      // By chance, keys of several files may share a fingerprint.
      for (const number of new Set(offsets.map(fileAt))) {
        const {path, bytes} = files[number]!
        const file = await FileAgain.open(path, header, bytes)
        const places = offsets.filter(place => fileAt(place) === number)
        conflicts.push(...(await this.#confirmed(file, places).finally(() => file.close())))
      }
      if (conflicts.length >= CONFLICTS_TOLD_MAX) break
    }
    if (conflicts.length > 0) throw new ConflictError(conflicts)
  }

  close(): void {
    this.#index.close()
  }

  #goesOn(db: number, place: number): void {
    const number = fileAt(place)
    const dbs = this.#dbs[number]
    if (dbs === undefined) this.#dbs[number] = [{place, db}]
    else if (dbs.at(-1)!.db !== db) dbs.push({place, db})
  }

  async #confirmed(file: FileAgain, places: readonly number[]): Promise<Conflict[]> {
    const byKey = new Map<string, number[]>()
    for (const place of places) {
      const {key} = await file.keyAt(offsetAt(place))
      const name = Buffer.from(key).toString('latin1')
      byKey.set(name, [...(byKey.get(name) ?? []), place])
    }
    return [...byKey]
      .filter(([, found]) => found.length > 1)
      .map(([name, found]) => ({
        db: this.#dbs[fileAt(found[0]!)]!.findLast(one => one.place <= found[0]!)!.db,
        key: Buffer.from(name, 'latin1'),
        sources: found.map(place => this.#sourceAt(place)),
      }))
  }

  #sourceAt(place: number): string {
    return this.#starts.findLast(one => one.places[fileAt(place)]! <= place)!.source
  }
}

/** Several sources that hold a library each have it once in the file. */
export class Libraries {
  readonly #met = new Map<string, Uint8Array>()

  /** `last`: under each name the library that stays, where that is the last one. */
  constructor(
    readonly rule: ConflictRule,
    readonly last: ReadonlyMap<string, Uint8Array>,
  ) {}

  get count(): number {
    return this.#met.size
  }

  /** What is to be written for a library that is met; undefined where that has been done. */
  resolve(source: Uint8Array): Uint8Array | undefined {
    const name = libraryName(source)
    const before = this.#met.get(name)
    if (before === undefined || this.rule === 'last') this.#met.set(name, source)
    if (before === undefined) return this.last.get(name) ?? source
    if (this.rule === 'error' && Buffer.compare(before, source) !== 0) throw new ConflictError([], [name])
    return undefined
  }

  /** Those that stay, in the order of their bytes. */
  sorted(): Uint8Array[] {
    return [...this.#met.values()].sort(Buffer.compare)
  }
}
