/**
 * Keys that would be in a built file twice: fingerprints of everything that was
 * written, suspicions read again in the file itself before it is published.
 */
import type {RecordHead} from '../keyspace/entry.js'
import {KeyIndex} from '../keyspace/key-index.js'
import {libraryName} from '../keyspace/library-name.js'
import type {RdbHeader} from '../rdb/versions.js'
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
  /** Where each source begins in the file. */
  readonly #starts: {source: string; offset: number}[] = []
  /** Where each database begins, or goes on. */
  readonly #dbs: {offset: number; db: number}[] = []

  constructor(memoryBytes: number | undefined) {
    this.#index = new KeyIndex({memoryBytes})
  }

  begins(source: string, offset: number): void {
    this.#starts.push({source, offset})
  }

  add({db, keyBytes}: RecordHead, offset: number): void {
    this.#goesOn(db, offset)
    this.#index.add(db, keyBytes.bytes, keyBytes.start, keyBytes.end, offset)
  }

  /** Keys of records that were copied whole: places as a Passer tells them, which lie `shift` further on in the file. */
  addAll(db: number, bytes: Uint8Array, places: Int32Array, count: number, shift: number): void {
    this.#goesOn(db, places[0]! + shift)
    for (let i = 0; i < 3 * count; i += 3) {
      this.#index.add(db, bytes, places[i + 1]!, places[i + 2]!, places[i]! + shift)
    }
  }

  /** Throws ConflictError where a key stands twice in the file that lies at `path`. */
  async check(path: string, header: RdbHeader, bytes: number): Promise<void> {
    const conflicts: Conflict[] = []
    let file: FileAgain | undefined
    try {
      for await (const {offsets} of this.#index.duplicates()) {
        file ??= await FileAgain.open(path, header, bytes)
        conflicts.push(...(await this.#confirmed(file, offsets)))
        if (conflicts.length >= CONFLICTS_TOLD_MAX) break
      }
    } finally {
      await file?.close()
    }
    if (conflicts.length > 0) throw new ConflictError(conflicts)
  }

  close(): void {
    this.#index.close()
  }

  #goesOn(db: number, offset: number): void {
    if (this.#dbs.at(-1)?.db !== db) this.#dbs.push({offset, db})
  }

  async #confirmed(file: FileAgain, offsets: readonly number[]): Promise<Conflict[]> {
    const places = new Map<string, number[]>()
    for (const offset of offsets) {
      const {key} = await file.keyAt(offset)
      const name = Buffer.from(key).toString('latin1')
      places.set(name, [...(places.get(name) ?? []), offset])
    }
    return [...places]
      .filter(([, found]) => found.length > 1)
      .map(([name, found]) => ({
        db: this.#dbs.findLast(one => one.offset <= found[0]!)!.db,
        key: Buffer.from(name, 'latin1'),
        sources: found.map(offset => this.#sourceAt(offset)),
      }))
  }

  #sourceAt(offset: number): string {
    return this.#starts.findLast(one => one.offset <= offset)!.source
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
