/**
 * The largest of any number of differences, each with what it consists of and its first examples, in memory for those
 * that are kept. How large one is: the parts that differ; of a key on one side only its elements.
 */
import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {formatTime} from '../bytes/time.js'
import type {StreamId} from '../encoding/stream-id.js'
import {
  BEFORE,
  type ChangedKey,
  DifferenceSink,
  type FieldValue,
  type Run,
  type Side,
  type StreamPart,
} from '../keyspace/difference.js'
import {type Entry, type KeptKey, keptKey, NEVER, type ValueType} from '../keyspace/entry.js'
import {ValueVisitor} from '../keyspace/visitor.js'
import {TopN} from './top.js'

/** Bytes, of a long run the first of them; how many there are in all. */
export interface CutBytes {
  bytes: Uint8Array
  count: number
  /** Bytes before them: of long values the part is kept where they begin to differ. */
  skipped?: number | undefined
}

export type ExampleValue = CutBytes | number | string

export interface DifferenceExample {
  what: string
  /** What tells it from others of its kind. */
  name?: CutBytes | string | undefined
  before?: ExampleValue | undefined
  after?: ExampleValue | undefined
  /** The first byte that differs, where the values are not shown from their beginning. */
  at?: number | undefined
}

export interface KeptDifference extends KeptKey {
  change: 'removed' | 'added' | 'changed'
  db: number
  type: ValueType
  /** Of a key that is of another type now. */
  typeBefore?: ValueType | undefined
  /** Parts that differ; of a key on one side only its elements, 1 of a string. */
  size: number
  /** How many there are of each kind. */
  parts: Record<string, number>
  examples: DifferenceExample[]
  /** In the order in which they were met. */
  number: number
}

/** Of a value in an example. */
const VALUE_BYTES_MAX = 256
const EXAMPLES = 4
/** Where they begin to differ before this byte, values are shown from their beginning; else from so many bytes before. */
const SHOWN_FROM_START_MAX = 8
const SHOWN_BEFORE = 6

export class LargestDifferences extends DifferenceSink {
  readonly #top: TopN<KeptDifference>
  readonly #counting: CountingVisitor
  readonly #lent = new LentBytes(0)
  readonly #other = new LentBytes(0)
  #current!: KeptDifference
  #key!: ChangedKey
  #number = 0

  constructor(readonly max: number) {
    super()
    this.#top = new TopN(max, ranks)
    this.#counting = new CountingVisitor(entry => this.#only(entry))
  }

  /** The largest first. */
  get largest(): KeptDifference[] {
    return this.#top.sorted()
  }

  override removed(): ValueVisitor {
    this.#counting.change = 'removed'
    return this.#counting
  }

  override added(): ValueVisitor {
    this.#counting.change = 'added'
    return this.#counting
  }

  #only({db, type, elements, keyBytes}: Entry): void {
    const size = type === 'string' || elements < 1 ? 1 : elements
    const kept: KeptDifference = {
      ...{change: this.#counting.change, db, type, size, key: NO_KEY},
      ...{parts: {}, examples: [], number: this.#number++},
    }
    if (!this.#top.admits(kept)) return
    Object.assign(kept, keptKey(keyBytes.bytes, keyBytes.start, keyBytes.end, this.max))
    this.#top.add(kept)
  }

  override begin(key: ChangedKey): void {
    const {before, after} = key
    this.#key = key
    this.#current = {
      ...{change: 'changed', db: key.db, type: after.type, key: NO_KEY, size: 0},
      ...{typeBefore: before.type === after.type ? undefined : before.type},
      ...{parts: {}, examples: [], number: this.#number++},
    }
  }

  override end(): void {
    if (!this.#top.admits(this.#current)) return
    const {bytes, start, end} = this.#key.keyBytes
    Object.assign(this.#current, keptKey(bytes, start, end, this.max))
    this.#top.add(this.#current)
  }

  override type(): void {
    const {before, after} = this.#key
    if (this.#counts('type')) this.#example({what: 'type', before: before.type, after: after.type})
  }

  override expiry(before: Int64, after: Int64): void {
    if (this.#counts('expiry')) this.#example({what: 'expiry', ...expiries(before, after)})
  }

  override use(what: 'idleSeconds' | 'frequency', before: number, after: number): void {
    if (this.#counts(what)) this.#example({what, before, after})
  }

  override string(before: Run, after: Run): void {
    if (!this.#counts('value')) return
    if (before.count <= 1 && after.count <= 1) {
      this.#example({what: 'value', ...cutBoth(piece(before, this.#lent), piece(after, this.#other))})
      return
    }
    const at = this.#firstDifference(before, after)
    const from = this.#cutFrom(before, at)
    const [one, other] = [before, after].map(run => this.#cutRun(run, from))
    const {before: mine, after: theirs} = this.#key
    const both = {before: {...one!, count: mine.elements}, after: {...other!, count: theirs.elements}}
    this.#example({what: 'value', ...shownFrom(from, at), ...both})
  }

  override items(at: number, before: Run, after: Run): void {
    const counts = this.#counts('item', Math.max(before.count, after.count))
    if (!counts) return
    const [one, other] = [this.#item(before, this.#lent), this.#item(after, this.#other)]
    this.#example({what: 'item', name: String(at), ...cutBoth(one, other)})
  }

  override member(bytes: Uint8Array, start: number, end: number, side: Side): void {
    if (!this.#counts('member')) return
    const member = cut(bytes, start, end)
    this.#example({what: 'member', ...(side === BEFORE ? {before: member} : {after: member})})
  }

  override scored(
    bytes: Uint8Array,
    start: number,
    end: number,
    before: number | undefined,
    after: number | undefined,
  ): void {
    if (this.#counts('score')) this.#example({what: 'score', name: cut(bytes, start, end), before, after})
  }

  override field(
    name: LentBytes,
    before: FieldValue | undefined,
    after: FieldValue | undefined,
    sameValue: boolean,
  ): void {
    if (!this.#counts(sameValue ? 'fieldExpiry' : 'field')) return
    const field = cut(name.bytes, name.start, name.end)
    if (sameValue) {
      const both = expiries(before?.expireAtMs ?? NEVER, after?.expireAtMs ?? NEVER)
      this.#example({what: 'fieldExpiry', name: field, ...both})
    } else {
      this.#example({what: 'field', name: field, ...cutBoth(before?.value, after?.value)})
    }
  }

  override streamEntry(id: StreamId, before: LentBytes | undefined, after: LentBytes | undefined): void {
    if (!this.#counts('entry')) return
    const told = (side: LentBytes | undefined): string | undefined => (side === undefined ? undefined : 'there')
    this.#example({what: 'entry', name: String(id), before: told(before), after: told(after)})
  }

  override streamPart({what, group, name, iid, id, before, after}: StreamPart): void {
    if (!this.#counts(what)) return
    const names = [group, name, iid].flatMap(one => (one === undefined ? [] : [Buffer.from(one).toString('utf8')]))
    const label = [...names, ...(id === undefined ? [] : [String(id)])].join(' ')
    const [one, other] = [before, after].map(facts => factsText(what, facts))
    this.#example({what, name: label === '' ? undefined : label, before: one, after: other})
  }

  override indexed(index: Int64, before: LentBytes | undefined, after: LentBytes | undefined): void {
    if (!this.#counts('element')) return
    this.#example({what: 'element', name: String(index), ...cutBoth(before, after)})
  }

  override insertIndex(before: Int64 | undefined, after: Int64 | undefined): void {
    if (!this.#counts('insertIndex')) return
    const [one, other] = [before, after].map(value => (value === undefined ? undefined : String(value)))
    this.#example({what: 'insertIndex', before: one, after: other})
  }

  override opaque(): void {
    if (this.#counts('value')) this.#example({what: 'value'})
  }

  /** Counts parts that differ; whether one of them is wanted as an example. */
  #counts(what: string, parts = 1): boolean {
    const current = this.#current
    current.size += parts
    current.parts[what] = (current.parts[what] ?? 0) + parts
    return this.max > 0 && current.examples.length < EXAMPLES
  }

  #example(example: DifferenceExample): void {
    this.#current.examples.push(example)
  }

  /** The first byte that differs of two strings in pieces, or where the shorter one ends. */
  #firstDifference(before: Run, after: Run): number {
    const [one, other] = [this.#lent, this.#other]
    before.log.goTo(before.from)
    after.log.goTo(after.from)
    for (let passed = 0; ; passed += one.end - one.start) {
      if (!before.log.next(one) || !after.log.next(other)) return passed
      const same = sameBytes(one, other)
      if (same < one.end - one.start || same < other.end - other.start) return passed + same
    }
  }

  /** Where the kept part of a string begins whose byte `at` is the first that differs. */
  #cutFrom(run: Run, at: number): number {
    const {bytes, skipped = 0} = this.#cutRun(run, Math.max(0, at - VALUE_BYTES_MAX / 2), VALUE_BYTES_MAX / 2)
    return skipped + beginOfPart(bytes, 0, at - skipped)
  }

  /** Some bytes of a string in pieces. */
  #cutRun({log, from, count}: Run, start: number, bytesMax = VALUE_BYTES_MAX): CutBytes {
    const lent = this.#lent
    const bytes = new Uint8Array(bytesMax)
    let used = 0
    let passed = 0
    log.goTo(from)
    for (let i = 0; i < count && used < bytesMax && log.next(lent); i++) {
      const first = lent.start + Math.max(0, start - passed)
      const some = Math.max(0, Math.min(lent.end - first, bytesMax - used))
      bytes.set(lent.bytes.subarray(first, first + some), used)
      used += some
      passed += lent.end - lent.start
    }
    return {bytes: bytes.slice(0, used), count: passed, ...(start > 0 ? {skipped: start} : {})}
  }

  #item({log, from, count}: Run, into: LentBytes): LentBytes | undefined {
    log.goTo(from)
    return count > 0 && log.next(into) ? into : undefined
  }
}

const NO_KEY = new Uint8Array(0)

/** Is told each entry once its elements are counted. */
class CountingVisitor extends ValueVisitor {
  override readonly depth = 'skip'
  change: 'removed' | 'added' = 'removed'

  constructor(readonly counted: (entry: Entry) => void) {
    super()
  }

  override end(entry: Entry): void {
    this.counted(entry)
  }
}

/** The larger first; of equal ones what changed, then as they were met. */
function ranks(a: KeptDifference, b: KeptDifference): boolean {
  if (a.size !== b.size) return a.size > b.size
  if (a.change !== b.change && (a.change === 'changed' || b.change === 'changed')) return a.change === 'changed'
  return a.number < b.number
}

function cut(bytes: Uint8Array, start: number, end: number): CutBytes {
  return {bytes: bytes.slice(start, Math.min(end, start + VALUE_BYTES_MAX)), count: end - start}
}

/** The only piece of a string, or nothing of an empty one. */
function piece({log, from, count}: Run, into: LentBytes): LentBytes {
  log.goTo(from)
  if (count === 0 || !log.next(into)) into.lend(into.bytes, 0, 0)
  return into
}

/** Both values, long ones from a little before the first byte that differs. */
function cutBoth(
  before: LentBytes | undefined,
  after: LentBytes | undefined,
): Pick<DifferenceExample, 'before' | 'after' | 'at'> {
  const at = before === undefined || after === undefined ? 0 : sameBytes(before, after)
  const from = before === undefined ? 0 : beginOfPart(before.bytes, before.start, at)
  const [one, other] = [before, after].map(lent => {
    if (lent === undefined) return undefined
    const cutBytes = cut(lent.bytes, lent.start + from, lent.end)
    return {...cutBytes, count: lent.end - lent.start, ...(from > 0 ? {skipped: from} : {})}
  })
  return {...shownFrom(from, at), before: one, after: other}
}

function shownFrom(from: number, at: number): Pick<DifferenceExample, 'at'> {
  return from > 0 ? {at} : {}
}

/** How many bytes both begin with. */
function sameBytes(one: LentBytes, other: LentBytes): number {
  const shorter = Math.min(one.end - one.start, other.end - other.start)
  for (let i = 0; i < shorter; i++) if (one.bytes[one.start + i] !== other.bytes[other.start + i]) return i
  return shorter
}

/** Of bytes[start …] whose byte `at` is the first that differs: where the part that is shown begins, at a whole character. */
function beginOfPart(bytes: Uint8Array, start: number, at: number): number {
  if (at < SHOWN_FROM_START_MAX) return 0
  let from = at - SHOWN_BEFORE
  for (let i = 0; i < 3 && from > 0 && (bytes[start + from]! & 0xc0) === 0x80; i++) from--
  return from
}

function expiries(before: Int64, after: Int64): Pick<DifferenceExample, 'before' | 'after'> {
  // A moment beyond what a double holds is no date either.
  const [one, other] = [before, after].map(at => (at === NEVER ? undefined : typeof at === 'number' ? at : `@${at} ms`))
  return {before: one, after: other}
}

function factsText(what: string, facts: StreamPart['before']): string | undefined {
  if (facts === undefined) return undefined
  const told = Object.entries(facts).filter(([, value]) => value !== undefined)
  const texts = told.map(([name, value]) => {
    const text = value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value)
    // What is told has the name of the fact itself.
    if (name === what) return text
    if (!name.endsWith('AtMs')) return `${name} ${text}`
    return `${name.slice(0, -'AtMs'.length)} ${value === -1 ? 'never' : formatTime(value as Int64)}`
  })
  return texts.length === 0 ? 'there' : texts.join(', ')
}
