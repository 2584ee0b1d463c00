/**
 * The largest of any number of differences, each with what it consists of and its first examples, in memory for those
 * that are kept. How large one is: the parts that differ; of a key on one side only its elements.
 */
import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
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
}

export type ExampleValue = CutBytes | number | string

export interface DifferenceExample {
  what: string
  /** What tells it from others of its kind. */
  name?: CutBytes | string | undefined
  before?: ExampleValue | undefined
  after?: ExampleValue | undefined
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

export class LargestDifferences extends DifferenceSink {
  readonly #top: TopN<KeptDifference>
  readonly #counting: CountingVisitor
  readonly #lent = new LentBytes(0)
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
    const [one, other] = [this.#first(before, this.#key.before.elements), this.#first(after, this.#key.after.elements)]
    this.#example({what: 'value', before: one, after: other})
  }

  override items(at: number, before: Run, after: Run): void {
    const counts = this.#counts('item', Math.max(before.count, after.count))
    if (!counts) return
    const [one, other] = [this.#item(before), this.#item(after)]
    this.#example({what: 'item', name: String(at), before: one, after: other})
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
      this.#example({what: 'field', name: field, before: cutLent(before?.value), after: cutLent(after?.value)})
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
    this.#example({what, name: label === '' ? undefined : label, before: factsText(before), after: factsText(after)})
  }

  override indexed(index: Int64, before: LentBytes | undefined, after: LentBytes | undefined): void {
    if (!this.#counts('element')) return
    this.#example({what: 'element', name: String(index), before: cutLent(before), after: cutLent(after)})
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
    return current.examples.length < EXAMPLES
  }

  #example(example: DifferenceExample): void {
    this.#current.examples.push(example)
  }

  #first({log, count}: Run, bytes: number): CutBytes {
    log.rewind()
    if (count === 0 || !log.next(this.#lent)) return {bytes: new Uint8Array(0), count: 0}
    const first = cut(this.#lent.bytes, this.#lent.start, this.#lent.end)
    return {...first, count: Math.max(bytes, first.count)}
  }

  #item({log, skip, count}: Run): CutBytes | undefined {
    if (count === 0) return undefined
    log.rewind()
    for (let i = 0; i <= skip; i++) log.next(this.#lent)
    return cut(this.#lent.bytes, this.#lent.start, this.#lent.end)
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

function cutLent(lent: LentBytes | undefined): CutBytes | undefined {
  return lent === undefined ? undefined : cut(lent.bytes, lent.start, lent.end)
}

function expiries(before: Int64, after: Int64): Pick<DifferenceExample, 'before' | 'after'> {
  const [one, other] = [before, after].map(at => (at === NEVER ? undefined : Number(at)))
  return {before: one, after: other}
}

function factsText(facts: StreamPart['before']): string | undefined {
  if (facts === undefined) return undefined
  const told = Object.entries(facts).filter(([, value]) => value !== undefined)
  const texts = told.map(([name, value]) => {
    const text = value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value)
    return `${name} ${text}`
  })
  return texts.length === 0 ? 'there' : texts.join(', ')
}
