/**
 * Which entries: by database, key, type, expiry, slot and size, judged before a
 * value is read.
 *
 * Several choices of one kind widen the selection, kinds narrow it: two
 * databases and two patterns take a key of either database that matches either
 * pattern. An absent or empty kind takes everything.
 *
 * A key is text to a regular expression: of its UTF-8 where it is valid, else
 * one character a byte (latin1), so that `\xff` finds the byte. Patterns are
 * those of a server and see bytes (glob.ts).
 */
import {isUtf8} from 'node:buffer'
import {SLOT_COUNT, slotOf} from '../bytes/crc16.js'
import type {LentBytes} from '../bytes/lent.js'
import {UsageError} from '../errors.js'
import {type Entry, NEVER, type ValueType} from './entry.js'
import {Glob} from './glob.js'
import {type EntryVisitor, type ModuleAux, type Problem, SKIP, type SlotInfo, type ValueVisitor} from './visitor.js'

/** What to do with keys whose expiry has passed. */
export type ExpiredRule = 'keep' | 'drop' | 'only'

/** Time left until a key expires, negative once it has; keys without expiry are outside any bounds. */
export interface TtlBounds {
  belowMs?: number | undefined
  aboveMs?: number | undefined
}

export type TtlRule = 'any' | 'none' | 'set' | TtlBounds

/** Plain data: it can be sent to a worker. */
export interface SelectionOptions {
  db?: readonly number[] | undefined
  /** A string is a pattern of text with \xHH for any byte; bytes are a pattern as a server is given it. */
  match?: readonly (string | Uint8Array)[] | undefined
  notMatch?: readonly (string | Uint8Array)[] | undefined
  /** JavaScript's, with flag u; one that backtracks without end is its author's own. */
  regex?: readonly string[] | undefined
  types?: readonly ValueType[] | undefined
  /** Both ends included. */
  slots?: readonly (readonly [first: number, last: number])[] | undefined
  /** Of estimated memory, ends included. */
  minBytes?: number | undefined
  maxBytes?: number | undefined
  /** Absent: keep. */
  expired?: ExpiredRule | undefined
  /** Absent: any. */
  ttl?: TtlRule | undefined
  /** The moment that expiries are judged against, in milliseconds since 1970; absent: the clock, looked at once. */
  nowMs?: number | undefined
}

/** Estimated memory of a key and its value, asked of entries that are selected otherwise. */
export type MemoryEstimate = (entry: Entry) => number

/** The kind that refused an entry: the first that did, in this order. */
export type SkipReason = 'db' | 'type' | 'expired' | 'ttl' | 'match' | 'notMatch' | 'slot' | 'regex' | 'bytes'

const EVERY_TYPE: Record<ValueType, true> = {
  string: true,
  list: true,
  set: true,
  zset: true,
  hash: true,
  stream: true,
  array: true,
  module: true,
  cron: true,
}

/** The types that can be selected. */
export const VALUE_TYPES = Object.keys(EVERY_TYPE) as readonly ValueType[]

export class Selection {
  /** Whether nothing can be refused: then there is no need to ask. */
  readonly everything: boolean
  /** Whether more decides than database and type. */
  readonly #asksKeys: boolean
  readonly #dbs: ReadonlySet<number> | undefined
  readonly #types: ReadonlySet<ValueType> | undefined
  readonly #expired: ExpiredRule
  readonly #nowMs: number
  readonly #ttl: 'any' | 'none' | 'set'
  /** Of a key with an expiry: strictly between these two. */
  readonly #expiresAfterMs: number
  readonly #expiresBeforeMs: number
  readonly #match: readonly Glob[]
  readonly #notMatch: readonly Glob[]
  readonly #slots: Uint8Array | undefined
  readonly #regexes: readonly RegExp[]
  readonly #minBytes: number
  readonly #maxBytes: number
  readonly #memoryBytes: MemoryEstimate | undefined

  /**
   * Bounds of size need to know how size is estimated: by a function of the
   * entry, or `later`, where only the value tells. Then `takes` leaves size
   * open, and whoever reads the value asks `takesBytes`.
   */
  constructor(options: SelectionOptions, memoryBytes?: MemoryEstimate | 'later') {
    const {db, types, expired = 'keep', ttl = 'any', nowMs = Date.now(), match, notMatch, slots, regex} = options
    this.#dbs = filled(db) ? new Set(db.map(checkedDb)) : undefined
    this.#types = filled(types) ? new Set(types.map(checkedType)) : undefined
    this.#expired = expired
    this.#nowMs = nowMs
    const bounds = typeof ttl === 'object' ? ttl : {}
    this.#ttl = typeof ttl === 'object' ? 'set' : ttl
    this.#expiresAfterMs = nowMs + (bounds.aboveMs ?? Number.NEGATIVE_INFINITY)
    this.#expiresBeforeMs = nowMs + (bounds.belowMs ?? Number.POSITIVE_INFINITY)
    this.#match = (match ?? []).map(compiled)
    this.#notMatch = (notMatch ?? []).map(compiled)
    this.#slots = filled(slots) ? slotMap(slots) : undefined
    this.#regexes = (regex ?? []).map(compileRegex)
    this.#minBytes = options.minBytes ?? 0
    this.#maxBytes = options.maxBytes ?? Number.POSITIVE_INFINITY
    checkBounds(options, bounds, nowMs)
    const bounded = this.#minBytes > 0 || this.#maxBytes < Number.POSITIVE_INFINITY
    if (bounded && memoryBytes === undefined) {
      throw new UsageError('a selection by size must be told how memory is estimated')
    }
    this.#memoryBytes = bounded && memoryBytes !== 'later' ? memoryBytes : undefined
    const chosen = this.#dbs !== undefined || this.#types !== undefined
    const patterns = this.#match.length + this.#notMatch.length + this.#regexes.length
    const asksKeys = patterns > 0 || expired !== 'keep' || this.#ttl !== 'any' || bounded || this.#slots !== undefined
    this.#asksKeys = asksKeys
    this.everything = !chosen && !asksKeys
  }

  /** Whether the entry is selected, as far as it can be told before its value is read. */
  takes(entry: Entry): boolean {
    return this.refusal(entry) === undefined
  }

  /** Whether every key of a database and a type is, with no need to ask. */
  takesAll(db: number, type: ValueType): boolean {
    return !this.#asksKeys && this.#dbs?.has(db) !== false && this.#types?.has(type) !== false
  }

  /** Whether a key of this estimated memory is: for what only the value tells. */
  takesBytes(bytes: number): boolean {
    return bytes >= this.#minBytes && bytes <= this.#maxBytes
  }

  /** What refuses the entry; undefined where nothing does. */
  refusal(entry: Entry): SkipReason | undefined {
    if (this.everything) return undefined
    if (this.#dbs !== undefined && !this.#dbs.has(entry.db)) return 'db'
    if (this.#types !== undefined && !this.#types.has(entry.type)) return 'type'
    if (this.#expired !== 'keep' && this.#isExpired(entry) !== (this.#expired === 'only')) return 'expired'
    if (this.#ttl !== 'any' && !this.#takesTtl(entry)) return 'ttl'
    const key = entry.keyBytes
    if (this.#match.length > 0 && !matchesAny(this.#match, key)) return 'match'
    if (this.#notMatch.length > 0 && matchesAny(this.#notMatch, key)) return 'notMatch'
    if (this.#slots !== undefined && this.#slots[slotOf(key.bytes, key.start, key.end)] === 0) return 'slot'
    if (this.#regexes.length > 0 && !testsAny(this.#regexes, key)) return 'regex'
    if (this.#memoryBytes !== undefined && !this.takesBytes(this.#memoryBytes(entry))) return 'bytes'
    return undefined
  }

  /** At its very moment a key still is (redis 7.0 db.c keyIsExpired). */
  #isExpired(entry: Entry): boolean {
    return entry.expireAtMs < this.#nowMs
  }

  #takesTtl({expireAtMs}: Entry): boolean {
    if (expireAtMs === NEVER) return this.#ttl === 'none'
    return this.#ttl === 'set' && expireAtMs > this.#expiresAfterMs && expireAtMs < this.#expiresBeforeMs
  }
}

/** How many entries a selection was shown, and what became of them. */
export interface SelectionCounts {
  seen: number
  taken: number
  /** By the first kind that refused. */
  skipped: Record<SkipReason, number>
}

/** The sum of two; the first is absent where nothing has been counted. */
export function addCounts(counts: SelectionCounts | undefined, more: SelectionCounts): SelectionCounts {
  if (counts === undefined) return more
  const reasons = Object.keys(more.skipped) as SkipReason[]
  const skipped = reasons.map(reason => [reason, counts.skipped[reason] + more.skipped[reason]])
  return {
    seen: counts.seen + more.seen,
    taken: counts.taken + more.taken,
    skipped: Object.fromEntries(skipped) as SelectionCounts['skipped'],
  }
}

/** Shows another visitor the selected entries only, and everything that is no entry: damage too, wherever it lies. */
export class SelectingVisitor
  implements Required<Omit<EntryVisitor, 'damage' | 'keysBegin' | 'passer' | 'take' | 'takeWaits'>>
{
  readonly counts: SelectionCounts = {
    seen: 0,
    taken: 0,
    skipped: {db: 0, type: 0, expired: 0, ttl: 0, match: 0, notMatch: 0, slot: 0, regex: 0, bytes: 0},
  }

  /** There only where the other visitor has it: having it changes how the reading goes on. */
  readonly damage?: NonNullable<EntryVisitor['damage']>
  #keysMet = false

  constructor(
    readonly selection: Selection,
    readonly inner: EntryVisitor,
  ) {
    if (inner.damage !== undefined) this.damage = (error, entry) => inner.damage!(error, entry)
  }

  entry(entry: Entry): ValueVisitor {
    const {counts} = this
    counts.seen++
    const reason = this.selection.refusal(entry)
    if (reason === undefined) {
      counts.taken++
      return this.inner.entry(entry)
    }
    counts.skipped[reason]++
    this.keysBegin()
    return SKIP
  }

  keysBegin(): void {
    if (this.#keysMet) return
    this.#keysMet = true
    this.inner.keysBegin?.()
  }

  /** An entry that was taken turned out too small or too large once its value was read. */
  refuseBytes(): void {
    this.counts.taken--
    this.counts.skipped.bytes++
  }

  aux(name: string, value: Uint8Array, nameBytes?: Uint8Array): void {
    this.inner.aux?.(name, value, nameBytes)
  }
  function(source: Uint8Array): void {
    this.inner.function?.(source)
  }
  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    this.inner.functionPreGa?.(name, engine, code)
  }
  moduleAux(aux: ModuleAux): void {
    this.inner.moduleAux?.(aux)
  }
  selectDb(db: number): void {
    this.inner.selectDb?.(db)
  }
  /** The file's own hints, of all its keys. */
  resizeDb(db: number, keys: number, expires: number): void {
    this.inner.resizeDb?.(db, keys, expires)
  }
  slotInfo(info: SlotInfo): void {
    this.inner.slotInfo?.(info)
  }
  vendorOpcode(opcode: number, offset: number): void {
    this.inner.vendorOpcode?.(opcode, offset)
  }

  slotImport(job: string, ranges: readonly [first: number, last: number][]): void {
    this.inner.slotImport?.(job, ranges)
  }
  hashTemplate(id: number, fields: readonly Uint8Array[]): void {
    this.inner.hashTemplate?.(id, fields)
  }
  begins(family: 'redis' | 'valkey' | undefined): void {
    this.inner.begins?.(family)
  }

  problem(problem: Problem): void {
    this.inner.problem?.(problem)
  }
  drain(): Promise<void> | undefined {
    return this.inner.drain?.()
  }
}

/** A regular expression as keys are tried on. */
export function compileRegex(text: string): RegExp {
  try {
    return new RegExp(text, 'u')
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: .*: /s, '')
    throw new UsageError(`${JSON.stringify(text)} is no regular expression: ${why} (JavaScript's syntax, with flag u)`)
  }
}

function filled<T>(list: readonly T[] | undefined): list is readonly T[] {
  return list !== undefined && list.length > 0
}

function compiled(pattern: string | Uint8Array): Glob {
  return typeof pattern === 'string' ? Glob.parse(pattern) : Glob.of(pattern)
}

function matchesAny(globs: readonly Glob[], {bytes, start, end}: LentBytes): boolean {
  for (const glob of globs) if (glob.matches(bytes, start, end)) return true
  return false
}

function testsAny(regexes: readonly RegExp[], {bytes, start, end}: LentBytes): boolean {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
  const text = key.toString(isUtf8(key) ? 'utf8' : 'latin1')
  for (const regex of regexes) if (regex.test(text)) return true
  return false
}

function checkedDb(db: number): number {
  if (Number.isSafeInteger(db) && db >= 0) return db
  throw new UsageError(`${db} is no database: they are numbered from 0`)
}

function checkedType(type: ValueType): ValueType {
  if (Object.hasOwn(EVERY_TYPE, type)) return type
  throw new UsageError(`${JSON.stringify(type)} is no type of value: there are ${VALUE_TYPES.join(', ')}`)
}

/** One byte a slot: whether it is selected. */
function slotMap(ranges: readonly (readonly [first: number, last: number])[]): Uint8Array {
  const map = new Uint8Array(SLOT_COUNT)
  for (const [first, last] of ranges) {
    const whole = Number.isInteger(first) && Number.isInteger(last)
    if (!whole || first < 0 || last < first || last >= SLOT_COUNT) {
      throw new UsageError(`${first}-${last} are no slots: they run from 0 to ${SLOT_COUNT - 1}, the lower first`)
    }
    map.fill(1, first, last + 1)
  }
  return map
}

/** Whatever could take nothing at all is a mistake. */
function checkBounds(options: SelectionOptions, ttl: TtlBounds, nowMs: number): void {
  const {minBytes = 0, maxBytes = Number.POSITIVE_INFINITY} = options
  const {aboveMs = Number.NEGATIVE_INFINITY, belowMs = Number.POSITIVE_INFINITY} = ttl
  if ([minBytes, maxBytes, aboveMs, belowMs, nowMs].some(Number.isNaN)) throw new UsageError('a bound is no number')
  if (minBytes > maxBytes) {
    throw new UsageError(`at least ${minBytes} and at most ${maxBytes} bytes: no key has both`)
  }
  if (aboveMs >= belowMs) {
    throw new UsageError(`more than ${aboveMs} and less than ${belowMs} ms to live: no key has both`)
  }
}
