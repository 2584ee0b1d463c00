/**
 * Shows a visitor of elements what is in packed nodes, unless whoever is asked
 * first takes a node whole.
 */
import {parseDouble} from '../bytes/decimal.js'
import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {FormatError} from '../errors.js'
import {type Entry, NEVER, type ValueType} from './entry.js'
import {type NodeKind, ValueVisitor} from './visitor.js'

/** Lends the entries of a node, one at a time. */
interface Walker {
  open(bytes: Uint8Array, start: number, end: number, offset: number): void
  next(into: LentBytes): boolean
}

/** Of lists, sets, sorted sets and hashes whose nodes are listpacks, or single elements. */
export class NodeVisitor extends ValueVisitor {
  override readonly depth = 'nodes'
  #type: ValueType = 'list'
  #entry!: Entry
  readonly #first = new LentBytes(0)
  readonly #second = new LentBytes(1)

  constructor(
    readonly inner: ValueVisitor,
    readonly walker: Walker,
    /** Whether the node has been dealt with. */
    readonly takes: (type: ValueType, bytes: Uint8Array, start: number, end: number) => boolean,
  ) {
    super()
  }

  override begin(entry: Entry, count: number | undefined): void {
    this.#type = entry.type
    this.#entry = entry
    this.inner.begin(entry, count)
  }

  override node(kind: NodeKind, bytes: Uint8Array, start: number, end: number): void {
    if (kind === 'plain') this.inner.item(bytes, start, end)
    else if (!this.takes(this.#type, bytes, start, end)) this.#walk(bytes, start, end)
  }

  #walk(bytes: Uint8Array, start: number, end: number): void {
    const {inner, walker} = this
    const first = this.#first
    walker.open(bytes, start, end, this.#entry.valueOffset)
    while (walker.next(first)) {
      if (this.#type === 'list') inner.item(first.bytes, first.start, first.end)
      else if (this.#type === 'set') inner.member(first.bytes, first.start, first.end)
      else if (this.#type === 'zset') this.#scored(first)
      else this.#field(first)
    }
  }

  #scored(member: LentBytes): void {
    const text = this.#second
    if (!this.walker.next(text)) throw memberWithoutScore('listpack', this.#entry)
    const score = parseDouble(text.bytes, text.start, text.end)
    if (score === undefined) throw new FormatError('BAD_SCORE', 'a score is not a number', this.#entry.valueOffset)
    this.inner.scored(member.bytes, member.start, member.end, score)
  }

  #field(name: LentBytes): void {
    const value = this.#second
    if (!this.walker.next(value)) throw fieldWithoutValue('listpack', this.#entry)
    this.inner.field(name.bytes, name.start, name.end, value.bytes, value.start, value.end, NEVER)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.inner.item(bytes, start, end)
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
    this.inner.field(name, nameStart, nameEnd, value, valueStart, valueEnd, expireAtMs)
  }

  override end(entry: Entry): void {
    this.inner.end(entry)
  }
}

/** A packed hash with an odd number of entries. */
export function fieldWithoutValue(kind: string, {valueOffset}: Entry): FormatError {
  return new FormatError('BAD_HASH', `the ${kind} holds a field without its value`, valueOffset)
}

/** The same of a sorted set. */
export function memberWithoutScore(kind: string, {valueOffset}: Entry): FormatError {
  return new FormatError('BAD_COUNT', `the ${kind} holds a member without a score`, valueOffset)
}
