/**
 * Digests of 128 bits over parts that have no order, keyed anew for every run: the kernel (src/kernels/digest.ts) behind
 * lent bytes, wherever they lie.
 *
 *   const digest = new Digest()
 *   digest.key(db, bytes, start, end)
 *   digest.begin(tag); digest.text(...); digest.double(...); digest.add()      for each part
 *   digest.end(type, ...); digest.out                                          fingerprint of the key, digest of all
 *
 * Two that differ have the same digest by chance in one of 2^128 pairs; who makes the data cannot know the key. One at a
 * time: the state is the kernel's.
 */
import {randomFillSync} from 'node:crypto'
import {type Halves, type Int64, splitInt64} from './int64.js'
import {copyIn, type DigestKernel, type KernelArea, kernel} from './kernel.js'

/** The kinds that something digested may be of. */
const TAG_KEY = 0
/** Numbers below this are the caller's own, from 1 on. */
export const DIGEST_TAGS_END = 29
const TAG_STRING = 30
const TAG_LONG_STRING = 31

/** Longer texts are taken as they come: they spell no integer that would be taken as one. */
const SHORT_BYTES_MAX = 19

/** Words that the kernel leaves of each record. */
export const RECORD_WORDS = 10
/** A bit for each type of a record that the kernel digests: string, set, hash, zset 2, intset, listpacks, quicklist 2. */
const RECORD_TYPES = [0, 2, 4, 5, 11, 16, 17, 18, 20].reduce((bits, type) => bits | (1 << type), 0)

/** What the kernel passes over by lengths (src/rdb/passing.ts), but for ziplists, which no server writes beside listpacks. */
const STORED_TYPES = [0, 1, 2, 4, 5, 11, 15, 16, 17, 18, 19, 20, 21].reduce((bits, type) => bits | (1 << type), 0)

export type DigestSeed = Uint8Array

export class Digest {
  /** Fingerprint of the key, high and low; then the digest: four words. */
  readonly out: Int32Array
  /** Of each record: fingerprint (two words), where it lies, its type byte, its digest (four), its expiry (two). */
  readonly records: Int32Array
  recordCount = 0
  /** The record at which `takeRecords` stopped has not arrived whole. */
  recordGoesOn = false
  readonly #results: Uint32Array
  readonly #kernel: DigestKernel
  readonly #memory: Uint8Array
  readonly #texts: readonly [KernelArea, KernelArea]
  readonly #halves: Halves = {high: 0, low: 0}
  /** Of a string value: its first bytes, until there are more than a short one has. */
  readonly #short = new Uint8Array(SHORT_BYTES_MAX)
  #stringBytes = 0

  /** Those that share a seed of 16 bytes agree; drawn at random unless given. */
  constructor(seed: DigestSeed = randomFillSync(new Uint8Array(16))) {
    const {bytes, digest, results} = kernel()
    this.records = digest.records
    this.#results = results
    bytes.set(seed, digest.keys.start)
    digest.digestSeed()
    this.#memory = bytes
    this.#kernel = digest
    this.#texts = digest.texts
    this.out = digest.out
  }

  /** Begins an entry: its fingerprint is in `out` at once, and stays there until the next. */
  key(db: number, bytes: Uint8Array, start: number, end: number): void {
    const kernel = this.#kernel
    kernel.digestBegin(TAG_KEY)
    kernel.digestWord(db, db / 2 ** 32)
    this.text(bytes, start, end)
    kernel.digestKeyEnd()
  }

  begin(tag: number): void {
    this.#kernel.digestBegin(tag)
  }

  add(): void {
    this.#kernel.digestAdd()
  }

  word(low: number, high = 0): void {
    this.#kernel.digestWord(low, high)
  }

  integer(value: Int64): void {
    splitInt64(value, this.#halves)
    this.#kernel.digestWord(this.#halves.low, this.#halves.high)
  }

  double(value: number): void {
    this.#kernel.digestDouble(value)
  }

  /** Bytes that lie here in one piece. */
  text(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (bytes === this.#memory) {
      this.#kernel.digestText(start, length)
      return
    }
    const area = this.#texts[0]
    if (length > area.bytes) {
      this.#long(bytes, start, end)
      return
    }
    copyIn(bytes, start, end, area.start)
    this.#kernel.digestText(area.start, length)
  }

  /** Begins a string value, which arrives in pieces; it is a part of its own. */
  beginString(): void {
    this.#stringBytes = 0
  }

  piece(bytes: Uint8Array, start: number, end: number): void {
    const before = this.#stringBytes
    this.#stringBytes += end - start
    const total = this.#stringBytes
    if (total <= SHORT_BYTES_MAX) {
      for (let p = start; p < end; p++) this.#short[before + p - start] = bytes[p]!
      return
    }
    if (before <= SHORT_BYTES_MAX) {
      this.#kernel.digestBegin(TAG_LONG_STRING)
      this.#kernel.digestTextHead(0, 0)
      this.#piece(this.#short, 0, before)
    }
    this.#piece(bytes, start, end)
  }

  endString(): void {
    const total = this.#stringBytes
    if (total <= SHORT_BYTES_MAX) {
      this.#kernel.digestBegin(TAG_STRING)
      this.text(this.#short, 0, total)
    } else {
      // How long it is was not known before.
      this.#kernel.digestTextEnd()
      this.#kernel.digestWord(total, total / 2 ** 32)
    }
    this.#kernel.digestAdd()
  }

  /** The value is complete, of a type by its number; words that belong to the entry may follow. */
  endValue(type: number): void {
    this.#kernel.digestValueEnd(type)
  }

  /** All is complete: the digest is in `out`. */
  end(): void {
    this.#kernel.digestEnd()
  }

  /**
   * Digests records of an RDB file that lie in the kernels' memory, as src/keyspace/digest.ts does, or by their stored
   * bytes: up to 1024 of those that the kernel knows. Says where it stopped; `records` has them then.
   */
  takeRecords(start: number, end: number, db: number, storedTypes: number, expiries: boolean): number {
    const types = (STORED_TYPES & storedTypes) | (RECORD_TYPES & ~storedTypes)
    const reached = this.#kernel.recordsDigest(start, end, types, db, storedTypes, expiries ? 1 : 0)
    this.recordCount = this.#results[0]!
    this.recordGoesOn = this.#results[1] === 1
    return reached
  }

  /** Begins a string value that is digested as it is stored, after its key; `endStored` ends it. */
  beginStored(typeId: number): void {
    this.#kernel.digestStored(typeId)
    this.#stringBytes = 0
  }

  storedPiece(bytes: Uint8Array, start: number, end: number): void {
    this.#stringBytes += end - start
    this.#piece(bytes, start, end)
  }

  endStored(): void {
    this.#kernel.digestTextEnd()
    this.#kernel.digestWord(this.#stringBytes, this.#stringBytes / 2 ** 32)
  }

  #long(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start
    this.#kernel.digestTextHead(length, length / 2 ** 32)
    this.#piece(bytes, start, end)
    this.#kernel.digestTextEnd()
  }

  #piece(bytes: Uint8Array, start: number, end: number): void {
    if (bytes === this.#memory) {
      this.#kernel.digestPiece(start, end - start)
      return
    }
    const area = this.#texts[1]
    for (let p = start; p < end; p += area.bytes) {
      const next = Math.min(p + area.bytes, end)
      copyIn(bytes, p, next, area.start)
      this.#kernel.digestPiece(area.start, next - p)
    }
  }
}
