/**
 * The memory that an arena shares with the replay kernel (src/kernels/replay), and the kernel itself: commands of a log
 * that it can run, it runs on the blocks where they lie. Where things are in it, src/kernels/replay/layout.ts says.
 *
 * The memory is taken as address space at once and filled as blocks are needed: growing it would detach every view of it.
 */
import {readFileSync} from 'node:fs'
import {builtUrl} from '../bytes/built.js'

/** Bytes of a seat: an arena's chunk lies in one, or in several that follow each other. */
export const SEAT_BYTES = 64 * 1024 * 1024
const PAGE_BYTES = 64 * 1024
/** All that addresses of 32 bits reach, without what the kernel may read behind the last block. */
const SEATS_MAX = 63
/** A small log may mean as much as this, in chunks of several sizes. */
const SEATS_MIN = 8

/** Why the kernel stopped. */
export const ALL_RUN = 0
export const FOR_OTHERS = 1
export const NO_ROOM = 2

interface Exports {
  run(start: number, end: number, database: number): number
  beginWindow(): void
}

/** What the WebAssembly interface is made of, as far as it is used here: Node's types leave it to the DOM's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => {exports: Record<string, unknown>}
  Memory: new (pages: {initial: number; maximum: number}) => {buffer: ArrayBuffer}
}

let compiled: object | undefined

function kernelModule(): object {
  compiled ??= new WebAssembly.Module(readFileSync(builtUrl('kernels/replay.wasm')))
  return compiled
}

export class ReplayKernel {
  readonly buffer: ArrayBuffer
  /** Seats of chunks are below this; the first one is the kernel's own. */
  readonly seats: number
  /** Of the arena: the seat that blocks are cut from, its next unit and its end, seats, live units, free units. */
  readonly arena: Uint32Array
  /** By class of sizes the first block that waits. */
  readonly free: Uint32Array
  /** What hashes are taken with (key-hash.ts). */
  readonly hashNumbers: Uint32Array
  readonly hashState: Uint32Array
  /** What is known of the tables of databases while the kernel runs: `databaseWords` of each. */
  readonly databases: Uint32Array
  readonly databaseWords: number
  readonly databasesMax: number
  /** Number and count: of several that each run the whole log, which keys this one has (src/replay/shard.ts). */
  readonly #shard: Uint32Array
  readonly #results: Uint32Array
  readonly window: Uint8Array
  readonly #windowStart: number
  readonly #exports: Exports

  /** For a log of so many bytes; undefined where there is not so much address space. */
  static of(dataBytes: number): ReplayKernel | undefined {
    const wanted = Math.ceil((2 * dataBytes) / SEAT_BYTES) + SEATS_MIN
    try {
      return new ReplayKernel(Math.min(wanted, SEATS_MAX))
    } catch (error) {
      // Whoever limits address space gets what he can: all commands run without the kernel too.
      if (error instanceof RangeError) return undefined
      throw error
    }
  }

  /** Of so many seats, its own among them. */
  constructor(seats: number) {
    const pages = (seats * SEAT_BYTES) / PAGE_BYTES + 1
    const memory = new WebAssembly.Memory({initial: pages, maximum: pages})
    const {exports} = new WebAssembly.Instance(kernelModule(), {env: {memory}})
    const at = (name: string): number => (exports[name] as {value: number}).value
    const {buffer} = memory
    this.buffer = buffer
    this.seats = seats
    this.#exports = exports as unknown as Exports
    this.arena = new Uint32Array(buffer, at('ARENA'), 8)
    this.free = new Uint32Array(buffer, at('FREE'), at('CLASSES'))
    this.hashNumbers = new Uint32Array(buffer, at('HASH_NUMBERS'), 2 * at('HASH_PLACES'))
    this.hashState = new Uint32Array(buffer, at('HASH_STATE'), 4)
    this.databaseWords = at('DATABASE_BYTES') >>> 2
    this.databasesMax = at('DATABASES_MAX')
    this.databases = new Uint32Array(buffer, at('DATABASES'), this.databaseWords * this.databasesMax)
    this.#results = new Uint32Array(buffer, at('RESULTS'), 4)
    this.#shard = new Uint32Array(buffer, at('SHARD'), 2)
    this.#windowStart = at('WINDOW')
    this.window = new Uint8Array(buffer, this.#windowStart, at('WINDOW_BYTES'))
  }

  /** Commands on keys of other shards are passed over from the next window on; undefined: none are. */
  share(shard: {number: number; count: number} | undefined): void {
    this.#shard.set([shard?.number ?? 0, shard?.count ?? 1])
  }

  /** Takes a piece of the log, as much as the window holds; returns how much that is. */
  take(bytes: Uint8Array, start: number, end: number): number {
    const taken = Math.min(end - start, this.window.length)
    this.window.set(bytes.subarray(start, start + taken))
    this.#exports.beginWindow()
    return taken
  }

  /** Runs commands of the window between two places, from a database on; returns why it stopped. */
  run(start: number, end: number, database: number): number {
    return this.#exports.run(this.#windowStart + start, this.#windowStart + end, database)
  }

  /** Where in the window the last run stopped. */
  get stopped(): number {
    return this.#results[0]! - this.#windowStart
  }

  /** How many commands it ran. */
  get commands(): number {
    return this.#results[1]!
  }

  /** The database that was selected then. */
  get database(): number {
    return this.#results[2]!
  }

  /** Whether it stopped within a transaction whose EXEC lies in the window. */
  get inTransaction(): boolean {
    return this.#results[3] !== 0
  }
}
