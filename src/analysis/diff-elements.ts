/**
 * Elements that have a name of their own: the records of one element, of one side or of both, compared. A fact that only
 * one side tells says nothing.
 */
import {compareBytes} from '../bytes/compare.js'
import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {StreamId} from '../encoding/stream-id.js'
import {
  AFTER,
  BEFORE,
  type DifferenceSink,
  type FieldValue,
  type Side,
  type StreamFacts,
  type StreamPart,
} from '../keyspace/difference.js'
import type {MeaningOptions} from '../keyspace/digest.js'
import {NEVER} from '../keyspace/entry.js'
import * as part from './diff-parts.js'
import {RecordReader} from './diff-record.js'

/** What counts as the same. */
export interface ComparisonRule {
  meaning: MeaningOptions
  /** Expiries so near to each other are the same, in milliseconds. */
  toleranceMs: number
}

/** Where the record of a side lies, its side first. */
interface Place {
  payload: number
  end: number
}

export class ElementComparison {
  readonly #reader = new RecordReader()
  readonly #name = new LentBytes(0)
  readonly #lent = [new LentBytes(0), new LentBytes(0)] as const
  readonly #fields: readonly [FieldValue, FieldValue] = [
    {value: new LentBytes(0), expireAtMs: NEVER},
    {value: new LentBytes(0), expireAtMs: NEVER},
  ]
  readonly #id = new StreamId()
  #opaqueTold = false

  constructor(
    readonly sink: DifferenceSink,
    readonly rule: ComparisonRule,
    /** To be called before the sink is told. */
    readonly differ: () => void,
  ) {}

  /** The records in bytes, their key first; they are of one element. */
  compare(bytes: Uint8Array, keyEnd: number, places: readonly Place[]): void {
    const kind = bytes[part.PREFIX_BYTES - 1]!
    const before = places.find(({payload}) => bytes[payload] === BEFORE)
    const after = places.find(({payload}) => bytes[payload] === AFTER)
    switch (kind) {
      case part.MEMBER:
        this.#member(bytes, keyEnd, before, after)
        break
      case part.SCORED:
        this.#scored(bytes, keyEnd, before, after)
        break
      case part.FIELD:
        this.#field(bytes, keyEnd, before, after)
        break
      case part.ENTRY:
        this.#entry(bytes, before, after)
        break
      case part.INDEXED:
        this.#indexed(bytes, before, after)
        break
      case part.INSERT_INDEX:
        this.#insertIndex(bytes, before, after)
        break
      case part.PENDING:
        this.#pending(bytes, places)
        break
      case part.INFO:
        this.#info(bytes, before, after)
        break
      case part.OPAQUE:
        this.#opaque(bytes, before, after)
        break
      default:
        this.#streamPart(kind, bytes, keyEnd, before, after)
    }
  }

  #member(bytes: Uint8Array, keyEnd: number, before: Place | undefined, after: Place | undefined): void {
    if (before !== undefined && after !== undefined) return
    this.differ()
    this.sink.member(bytes, part.PREFIX_BYTES, keyEnd, before === undefined ? AFTER : BEFORE)
  }

  #scored(bytes: Uint8Array, keyEnd: number, before: Place | undefined, after: Place | undefined): void {
    const one = this.#score(bytes, before)
    const other = this.#score(bytes, after)
    // To the last bit. Both zeros are one score, as to servers; and no number is like any other that is none.
    if (one === other || (Number.isNaN(one) && Number.isNaN(other))) return
    this.differ()
    this.sink.scored(bytes, part.PREFIX_BYTES, keyEnd, one, other)
  }

  #score(bytes: Uint8Array, place: Place | undefined): number | undefined {
    return place === undefined ? undefined : this.#reader.open(bytes, place.payload + 1).f64()
  }

  #field(bytes: Uint8Array, keyEnd: number, before: Place | undefined, after: Place | undefined): void {
    const one = this.#fieldValue(bytes, BEFORE, before)
    const other = this.#fieldValue(bytes, AFTER, after)
    const sameValue = one !== undefined && other !== undefined && equal(one.value, other.value)
    if (sameValue && sameExpiry(one.expireAtMs, other.expireAtMs, this.rule)) return
    this.#name.lend(bytes, part.PREFIX_BYTES, keyEnd)
    this.differ()
    this.sink.field(this.#name, one, other, sameValue)
  }

  #fieldValue(bytes: Uint8Array, side: Side, place: Place | undefined): FieldValue | undefined {
    if (place === undefined) return undefined
    const field = this.#fields[side]
    const reader = this.#reader.open(bytes, place.payload + 1)
    field.expireAtMs = reader.told() ?? NEVER
    field.value.lend(bytes, reader.at, place.end)
    return field
  }

  #entry(bytes: Uint8Array, before: Place | undefined, after: Place | undefined): void {
    const one = this.#lend(bytes, BEFORE, before)
    const other = this.#lend(bytes, AFTER, after)
    if (one !== undefined && other !== undefined && equal(one, other)) return
    this.#id.readBE(bytes, part.PREFIX_BYTES)
    this.differ()
    this.sink.streamEntry(this.#id, one, other)
  }

  #indexed(bytes: Uint8Array, before: Place | undefined, after: Place | undefined): void {
    const one = this.#lend(bytes, BEFORE, before)
    const other = this.#lend(bytes, AFTER, after)
    if (one !== undefined && other !== undefined && equal(one, other)) return
    this.differ()
    this.sink.indexed(this.#reader.open(bytes, part.PREFIX_BYTES).index(), one, other)
  }

  #insertIndex(bytes: Uint8Array, before: Place | undefined, after: Place | undefined): void {
    const [one, other] = [before, after].map(place =>
      place === undefined ? undefined : this.#reader.open(bytes, place.payload + 1).integer(),
    )
    if (one === other) return
    this.differ()
    this.sink.insertIndex(one, other)
  }

  #opaque(bytes: Uint8Array, before: Place | undefined, after: Place | undefined): void {
    const one = this.#lend(bytes, BEFORE, before)
    const other = this.#lend(bytes, AFTER, after)
    if (one === undefined || other === undefined || !equal(one, other)) this.tellOpaque()
  }

  /** A value that has no parts to tell of differs: once. */
  tellOpaque(): void {
    if (this.#opaqueTold) return
    this.differ()
    this.sink.opaque()
    this.#opaqueTold = true
  }

  /** Another pair begins. */
  begin(): void {
    this.#opaqueTold = false
  }

  // Streams.

  #info(bytes: Uint8Array, before: Place | undefined, after: Place | undefined): void {
    const [one, other] = [before, after].map(place => this.#infoFacts(bytes, place))
    for (const what of ['lastId', 'maxDeletedId', 'entriesAdded'] as const) {
      const [a, b] = [one?.[what], other?.[what]]
      if (a === undefined || b === undefined || sameFact(a, b)) continue
      this.differ()
      this.sink.streamPart({what, before: {[what]: a}, after: {[what]: b}})
    }
  }

  #infoFacts(bytes: Uint8Array, place: Place | undefined): StreamFacts | undefined {
    if (place === undefined) return undefined
    const reader = this.#reader.open(bytes, place.payload + 1)
    const lastId = reader.id()
    const told = reader.u8() === 1
    const maxDeletedId = reader.id()
    return {lastId, maxDeletedId: told ? maxDeletedId : undefined, entriesAdded: reader.told()}
  }

  /** Delivery, owners and whether nobody owns it stand in records of their own. */
  #pending(bytes: Uint8Array, places: readonly Place[]): void {
    const facts: [PendingFacts | undefined, PendingFacts | undefined] = [undefined, undefined]
    for (const {payload, end} of places) {
      const side = bytes[payload] as Side
      const reader = this.#reader.open(bytes, payload + 1)
      const what = reader.u8()
      facts[side] ??= {}
      const mine = facts[side]
      if (what === part.DELIVERED) Object.assign(mine, {deliveredAtMs: reader.integer(), deliveries: reader.integer()})
      // Two owners are damage; they are told as one name.
      else if (what === part.OWNED) mine.consumer = joined(mine.consumer, reader.rest(end))
      else mine.unowned = true
    }
    const [before, after] = facts
    const key = this.#reader.open(bytes, part.PREFIX_BYTES)
    this.#tell({what: 'pending', group: key.name(), id: key.id(), before, after})
  }

  #streamPart(
    kind: number,
    bytes: Uint8Array,
    keyEnd: number,
    before: Place | undefined,
    after: Place | undefined,
  ): void {
    if (kind === part.CONSUMER && !this.rule.meaning.consumers) return
    const [one, other] = [before, after].map(place =>
      place === undefined ? undefined : this.#facts(kind, this.#reader.open(bytes, place.payload + 1)),
    )
    const key = this.#reader.open(bytes, part.PREFIX_BYTES)
    const both = {before: one, after: other}
    if (kind === part.GROUP) this.#tell({what: 'group', group: key.rest(keyEnd), ...both})
    else if (kind === part.CONSUMER) this.#tell({what: 'consumer', group: key.name(), name: key.rest(keyEnd), ...both})
    else if (kind === part.PRODUCER) this.#tell({what: 'producer', name: key.rest(keyEnd), ...both})
    else if (kind === part.PRODUCER_ENTRY)
      this.#tell({what: 'producerEntry', name: key.name(), iid: key.rest(keyEnd), ...both})
    else if (kind === part.IDEMPOTENCE) this.#tell({what: 'idempotence', ...both})
    else this.#tell({what: 'producerCounters', ...both})
  }

  #facts(kind: number, reader: RecordReader): StreamFacts {
    if (kind === part.GROUP) return {lastId: reader.id(), entriesRead: reader.told()}
    if (kind === part.CONSUMER) return {seenAtMs: reader.told(), activeAtMs: reader.told()}
    if (kind === part.PRODUCER) return {}
    if (kind === part.PRODUCER_ENTRY) return {id: reader.id()}
    if (kind === part.IDEMPOTENCE) return {durationSeconds: reader.integer(), maxEntries: reader.integer()}
    return {iidsAdded: reader.integer(), iidsDuplicates: reader.integer()}
  }

  #tell(one: StreamPart): void {
    if (one.before !== undefined && one.after !== undefined && sameFacts(one.before, one.after)) return
    this.differ()
    this.sink.streamPart(one)
  }

  /** What a record says, behind its side. */
  #lend(bytes: Uint8Array, side: Side, place: Place | undefined): LentBytes | undefined {
    if (place === undefined) return undefined
    const lent = this.#lent[side]
    lent.lend(bytes, place.payload + 1, place.end)
    return lent
  }
}

type PendingFacts = {
  deliveredAtMs?: Int64
  deliveries?: Int64
  consumer?: Uint8Array
  unowned?: boolean
}

/** Whether two expiries are the same, as far as it matters. */
export function sameExpiry(before: Int64, after: Int64, {meaning, toleranceMs}: ComparisonRule): boolean {
  if (before === after || meaning.expiry === 'none') return true
  if (toleranceMs === 0 || before === NEVER || after === NEVER) return false
  // Beyond what a double holds nothing is near.
  return typeof before === 'number' && typeof after === 'number' && Math.abs(before - after) <= toleranceMs
}

function equal(one: LentBytes, other: LentBytes): boolean {
  return compareBytes(one.bytes, one.start, one.end, other.bytes, other.start, other.end) === 0
}

function joined(one: Uint8Array | undefined, other: Uint8Array): Uint8Array {
  return one === undefined ? other : Buffer.concat([one, Buffer.from(', '), other])
}

/** Facts that both sides tell are the same. */
function sameFacts(before: StreamFacts, after: StreamFacts): boolean {
  return Object.keys({...before, ...after}).every(name => {
    const [a, b] = [before[name], after[name]]
    return name in before && name in after ? a === undefined || b === undefined || sameFact(a, b) : false
  })
}

function sameFact(a: NonNullable<StreamFacts[string]>, b: NonNullable<StreamFacts[string]>): boolean {
  if (a instanceof StreamId) return b instanceof StreamId && a.compare(b) === 0
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  return a === b
}
