/**
 * What is changed about entries on their way: the database, the first bytes of
 * the key, expiries of the key and of fields. The value stays what it is.
 */
import {type Int64, sumInt64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {UsageError} from '../errors.js'
import {type Entry, NEVER, type RecordHead} from './entry.js'
import {ValueVisitor} from './visitor.js'

/** What happens to expiries: they stay, they go, or they move by so many milliseconds. */
export type ExpiryChange = 'keep' | 'strip' | {shiftMs: number}

/** Plain data: it can be sent to a worker. */
export interface EntryChangeOptions {
  /** Keys of one database go to another; several may go to the same. */
  mapDb?: readonly (readonly [from: number, to: number])[] | undefined
  /** Keys that begin with the one begin with the other instead: the first pair that fits. */
  renamePrefix?: readonly (readonly [from: Uint8Array, to: Uint8Array])[] | undefined
  expiry?: ExpiryChange | undefined
}

export class EntryChanges {
  /** Whether nothing is changed: then there is no need to ask. */
  readonly nothing: boolean
  /** Whether different keys may become the same. */
  readonly mayCollide: boolean
  /** Whether a record stays what it is, whatever its key: only its database may be another. */
  readonly keepsRecords: boolean
  /** Whether expiries change, of keys and of fields. */
  readonly expiries: boolean
  readonly #dbs: ReadonlyMap<number, number>
  readonly #prefixes: readonly (readonly [from: Uint8Array, to: Uint8Array])[]
  readonly #expiry: ExpiryChange
  readonly #head: RecordHead = {
    db: 0,
    keyBytes: new LentBytes(),
    expireAtMs: NEVER,
    idleSeconds: -1,
    frequency: -1,
    keyMeta: undefined,
  }
  #key = new Uint8Array(256)

  constructor({mapDb = [], renamePrefix = [], expiry = 'keep'}: EntryChangeOptions) {
    this.#dbs = new Map(mapDb)
    if (this.#dbs.size < mapDb.length) throw new UsageError('a database can be mapped once')
    this.#prefixes = renamePrefix
    this.#expiry = expiry
    this.expiries = expiry !== 'keep'
    this.mayCollide = mapDb.length > 0 || renamePrefix.length > 0
    this.keepsRecords = renamePrefix.length === 0 && !this.expiries
    this.nothing = !this.mayCollide && !this.expiries
  }

  /** Where keys of a database go. */
  dbOf(db: number): number {
    return this.#dbs.get(db) ?? db
  }

  /** What the entry is to stand under: lent, until the next one is asked for. */
  headOf(entry: Entry): RecordHead {
    if (this.nothing) return entry
    const head = this.#head
    head.db = this.dbOf(entry.db)
    head.keyBytes = this.#prefixes.length > 0 ? this.#renamed(entry.keyBytes) : entry.keyBytes
    head.expireAtMs = this.expireAtMs(entry.expireAtMs)
    head.idleSeconds = entry.idleSeconds
    head.frequency = entry.frequency
    head.keyMeta = entry.keyMeta
    return head
  }

  /** What becomes of an expiry, of a key or of a field. */
  expireAtMs(expireAtMs: Int64): Int64 {
    const change = this.#expiry
    if (expireAtMs === NEVER || change === 'keep') return expireAtMs
    return change === 'strip' ? NEVER : sumInt64(expireAtMs, 0, change.shiftMs)
  }

  #renamed(key: LentBytes): LentBytes {
    const pair = this.#prefixes.find(([from]) => beginsWith(key, from))
    if (pair === undefined) return key
    const [from, to] = pair
    const bytes = key.end - key.start - from.length + to.length
    if (this.#key.length < bytes) this.#key = new Uint8Array(bytes * 2)
    this.#key.set(to)
    this.#key.set(key.bytes.subarray(key.start + from.length, key.end), to.length)
    const renamed = this.#renamedKey
    renamed.lend(this.#key, 0, bytes)
    return renamed
  }

  readonly #renamedKey = new LentBytes()
}

function beginsWith({bytes, start, end}: LentBytes, prefix: Uint8Array): boolean {
  if (end - start < prefix.length) return false
  for (let i = 0; i < prefix.length; i++) if (bytes[start + i] !== prefix[i]) return false
  return true
}

/** Shows a hash to another visitor with the expiries of its fields changed. */
export class FieldChangingVisitor extends ValueVisitor {
  override readonly depth = 'elements'
  #inner!: ValueVisitor

  constructor(readonly changes: EntryChanges) {
    super()
  }

  /** The visitor that the next hash is shown to. */
  showTo(inner: ValueVisitor): this {
    this.#inner = inner
    return this
  }

  override begin(entry: Entry, count: number | undefined): void {
    this.#inner.begin(entry, count)
  }

  override field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: Int64,
  ): void {
    const at = this.changes.expireAtMs(expireAtMs)
    this.#inner.field(name, nameStart, nameEnd, value, valueStart, valueEnd, at)
  }

  override end(entry: Entry): void {
    this.#inner.end(entry)
  }
}
