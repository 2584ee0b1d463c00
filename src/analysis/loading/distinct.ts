/**
 * Whether what must be distinct is: exactly for as much as is kept in memory,
 * beyond that by fingerprints, which are compared once all have been read.
 */
import type {KeyIndex} from '../../keyspace/key-index.js'
import {DistinctElements} from '../soundness-distinct.js'

const DB_BYTES = 8

/** The elements of one collection at a time. */
export class ServerElements {
  /** For whoever needs one between two collections, too: packed values are looked at whole. */
  readonly exact = new DistinctElements()
  #collection = 0
  #by: 'nothing' | 'bytes' | 'fingerprint' = 'nothing'
  #offset = 0

  /** Elements beyond what is kept go to the index, if there is one. */
  constructor(readonly index: KeyIndex | undefined) {}

  /** Begins a collection of about so many elements, in the record at an offset. */
  begin(count: number, offset: number): void {
    this.#collection++
    this.#offset = offset
    this.#by = this.exact.takes(count) ? 'bytes' : this.index === undefined ? 'nothing' : 'fingerprint'
    if (this.#by === 'bytes') this.exact.begin(count)
  }

  /** Whether it is known to be there already. */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#by === 'bytes') {
      if (this.exact.hasRoom(end - start)) return this.exact.add(bytes, start, end, 0) >= 0
      this.#by = this.index === undefined ? 'nothing' : 'fingerprint'
      if (this.#by === 'fingerprint') this.exact.each((one, from, to) => this.#toIndex(one, from, to))
    }
    if (this.#by === 'fingerprint') this.#toIndex(bytes, start, end)
    return false
  }

  #toIndex(bytes: Uint8Array, start: number, end: number): void {
    this.index!.add(this.#collection, bytes, start, end, this.#offset)
  }
}

/** The keys of all databases. */
export class ServerKeys {
  readonly #exact = new DistinctElements()
  #isExact = true
  #scratch = new Uint8Array(256)

  constructor(readonly index: KeyIndex | undefined) {
    this.#exact.begin(1024)
  }

  /** Whether the key is known to be there already. */
  add(db: number, bytes: Uint8Array, start: number, end: number, offset: number): boolean {
    if (this.#isExact) {
      const size = DB_BYTES + end - start
      if (this.#exact.hasRoom(size)) {
        this.#compose(db, bytes, start, end)
        return this.#exact.add(this.#scratch, 0, size, offset) >= 0
      }
      this.#outgrow()
    }
    this.index?.add(db, bytes, start, end, offset)
    return false
  }

  /** The key behind its database, so that both count. */
  #compose(db: number, bytes: Uint8Array, start: number, end: number): void {
    const size = DB_BYTES + end - start
    if (this.#scratch.length < size) this.#scratch = new Uint8Array(2 * size)
    const scratch = this.#scratch
    for (let i = 0, rest = db; i < DB_BYTES; i++, rest = Math.floor(rest / 256)) scratch[i] = rest % 256
    scratch.set(bytes.subarray(start, end), DB_BYTES)
  }

  #outgrow(): void {
    this.#isExact = false
    const {index} = this
    if (index === undefined) return
    this.#exact.each((bytes, start, end, offset) => {
      let db = 0
      for (let i = DB_BYTES - 1; i >= 0; i--) db = db * 256 + bytes[start + i]!
      index.add(db, bytes, start + DB_BYTES, end, offset)
    })
  }
}
