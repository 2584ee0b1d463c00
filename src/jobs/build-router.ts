/**
 * Which file of several a key goes to, by its slot; and keys that none of them has a place for, which are counted, so that
 * the error tells how many there are.
 */
import {SLOT_COUNT, slotOf} from '../bytes/crc16.js'
import {LentBytes} from '../bytes/lent.js'
import {UnsupportedError, UsageError} from '../errors.js'
import type {RecordHead} from '../keyspace/entry.js'
import {coverage, formatSlots, type SlotRange, uncoveredText} from '../keyspace/slots.js'
import {OPCODE_EXPIRETIME_MS} from '../rdb/opcodes.js'
import type {Target} from '../rdb/targets.js'
import type {RdbWriter} from '../rdb/writer.js'
import type {WrittenKeys} from './build-conflicts.js'

const NO_FILE = 0xffff

export class SlotRouter {
  /** Slots that no shard has. */
  readonly missing: readonly SlotRange[]
  readonly #files = new Uint16Array(SLOT_COUNT).fill(NO_FILE)
  /** Keys of slots that no shard has, by slot. */
  readonly #uncovered = new Float64Array(SLOT_COUNT)
  /** Keys of databases that a cluster does not have. */
  readonly #others = new Map<number, number>()
  #target!: Target

  /** UsageError where several shards have a slot. `name`: of what says so. */
  constructor(
    shards: readonly {readonly slots: readonly SlotRange[]}[],
    readonly name: string,
  ) {
    const {missing, twice} = coverage(shards)
    if (twice.length > 0) throw new UsageError(`${name}: of the slots, ${uncoveredText({missing, twice})}`)
    this.missing = missing
    for (const [file, {slots}] of shards.entries()) {
      for (const [first, last] of slots) this.#files.fill(file, first, last + 1)
    }
  }

  /** It is known for which server the files are. */
  begins(target: Target): void {
    this.#target = target
  }

  /** Whether every key has a file. */
  get isWhole(): boolean {
    return this.missing.length === 0
  }

  /** Whether all databases can be in a cluster: of valkey 9 (cluster-databases); of all others 0 alone. */
  takesDb(db: number): boolean {
    return db === 0 || this.#target.family === 'valkey'
  }

  /** Whether a key goes to a file; if not it is counted. */
  takes({db, keyBytes: {bytes, start, end}}: RecordHead): boolean {
    const slot = slotOf(bytes, start, end)
    if (this.#files[slot] === NO_FILE) this.#uncovered[slot]!++
    else if (this.takesDb(db)) return this.isWhole
    else this.#others.set(db, (this.#others.get(db) ?? 0) + 1)
    return false
  }

  fileOf({bytes, start, end}: LentBytes): number {
    return this.#files[slotOf(bytes, start, end)]!
  }

  /** Records that were passed together, as a Passer tells of them: `end` is where the last one does. */
  copy(
    {files}: RdbWriter,
    {db, bytes, places, count, end}: {db: number; bytes: Uint8Array; places: Int32Array; count: number; end: number},
    keys: WrittenKeys | undefined,
  ): void {
    for (let i = 0; i < 3 * count; i += 3) {
      const start = places[i]!
      const next = i + 3 < 3 * count ? places[i + 3]! : end
      this.#key.lend(bytes, places[i + 1]!, places[i + 2]!)
      const file = files[this.fileOf(this.#key)]!
      if (file.db !== db) file.selectDb(db)
      keys?.add(db, this.#key, file.place)
      file.output.take(bytes, start, next)
      // Other attributes are left to the careful reader.
      file.count(1, bytes[start] === OPCODE_EXPIRETIME_MS ? 1 : 0)
    }
  }

  readonly #key = new LentBytes()

  /** All keys have been seen: throws where some have no place. */
  check(): void {
    const uncovered = uncoveredText({missing: [...this.missing], twice: []})
    if (uncovered !== undefined) {
      throw new UsageError(`${this.name}: of the slots, ${uncovered}, and ${this.#uncoveredKeys()}`)
    }
    if (this.#others.size === 0) return
    const dbs = [...this.#others].sort(([a], [b]) => a - b)
    const told = dbs.slice(0, TOLD_MAX).map(([db, keys]) => `${db} (${keys} keys)`)
    const rest = dbs.length > TOLD_MAX ? `, and ${dbs.length - TOLD_MAX} more` : ''
    const text = `a cluster has database 0 only (before valkey 9.0), and there are keys in ${told.join(', ')}${rest}`
    const error = new UnsupportedError('NOT_IN_TARGET', text, 0)
    error.advice = `put them into it with --map-db ${dbs[0]![0]}=0, or leave them out with --db 0`
    throw error
  }

  #uncoveredKeys(): string {
    const ranges = this.missing.map(range => {
      const keys = this.#uncovered.subarray(range[0], range[1] + 1).reduce((sum, one) => sum + one, 0)
      return {range, keys}
    })
    const held = ranges.filter(({keys}) => keys > 0)
    if (held.length === 0) return 'no key is in them'
    const told = held.slice(0, TOLD_MAX).map(({range, keys}) => `${keys} of ${formatSlots([range])}`)
    const rest = held.length > TOLD_MAX ? `, and more in ${held.length - TOLD_MAX} other ranges` : ''
    return `there are keys in them: ${told.join(', ')}${rest}`
  }
}

const TOLD_MAX = 10

/** Counts keys that are not of the slots that their source has: of shards of a cluster. */
export class Misplaced {
  keys = 0
  #slots: Uint8Array | undefined

  /** Another source begins; `slots`: what it may have keys of, absent where of all. */
  begins(slots: readonly SlotRange[] | undefined): void {
    this.#slots = slots === undefined ? undefined : new Uint8Array(SLOT_COUNT)
    for (const [first, last] of slots ?? []) this.#slots!.fill(1, first, last + 1)
  }

  look(bytes: Uint8Array, start: number, end: number): void {
    if (this.#slots?.[slotOf(bytes, start, end)] === 0) this.keys++
  }

  /** The same of keys that were passed together, as a Passer tells of them. */
  lookAll(bytes: Uint8Array, places: Int32Array, count: number): void {
    if (this.#slots === undefined) return
    for (let i = 0; i < 3 * count; i += 3) this.look(bytes, places[i + 1]!, places[i + 2]!)
  }
}
