/**
 * Lists, sets, sorted sets, hashes, arrays: every packed node walked deeply,
 * every element of the others looked at, none of them there twice.
 */
import type {Int64} from '../bytes/int64.js'
import {checkPacked, type PackedFinding, type PackedShape} from '../encoding/packed-check.js'
import {FormatError} from '../errors.js'
import {type Entry, NEVER, NO_TYPE_ID} from '../keyspace/entry.js'
import type {NodeKind} from '../keyspace/visitor.js'
import * as op from '../rdb/opcodes.js'
import type {DistinctElements} from './soundness-distinct.js'
import type {Findings} from './soundness-findings.js'
import type {HugeCollections} from './soundness-huge.js'
import {type Position, ValueSoundness} from './soundness-value.js'

/** The latest time a field can expire at (redis 7.4 ebuckets.h EB_EXPIRE_TIME_MAX). */
const FIELD_EXPIRE_AT_MS_MAX = 2 ** 48 - 1

/** Collections whose elements are shown one by one and must be distinct. */
const DISTINCT: readonly number[] = [
  op.TYPE_SET,
  op.TYPE_ZSET,
  op.TYPE_HASH,
  op.TYPE_ZSET_2,
  op.TYPE_HASH_22,
  op.TYPE_HASH_METADATA,
  op.TYPE_HASH_TEMPLATE_LISTPACK,
  op.TYPE_HASH_TEMPLATE_ARRAY,
]
const isDistinct = Uint8Array.from({length: 256}, (_, id) => (DISTINCT.includes(id) ? 1 : 0))

type Looking = 'not' | 'exactly' | 'by fingerprint'

export class CollectionSoundness extends ValueSoundness {
  /** Where what comes next begins. */
  #at = 0
  /** Where the node begins that was shown last. */
  #nodeAt = 0
  #shape: PackedShape = 'list'
  /** The value is made of several nodes, of which one may be empty. */
  #ofNodes = false
  #looking: Looking = 'not'
  #entry!: Entry
  #kind: NodeKind = 'listpack'
  #index: Int64 = -1
  readonly #report = (finding: PackedFinding): void => this.#packed(finding)

  constructor(
    findings: Findings,
    position: Position,
    readonly distinct: DistinctElements,
    readonly huge: HugeCollections,
  ) {
    super(findings, position)
  }

  override begin(entry: Entry, count: number | undefined): void {
    super.begin(entry, count)
    const {typeId} = entry
    this.#entry = entry
    this.#index = -1
    this.#shape = shapeOf(entry)
    this.#ofNodes = typeId === op.TYPE_LIST_QUICKLIST || typeId === op.TYPE_LIST_QUICKLIST_2
    const distinct = typeId === NO_TYPE_ID ? isKeyed(entry) : isDistinct[typeId] === 1
    this.#at = this.#ofNodes || distinct ? this.position() : entry.valueOffset
    this.#looking = 'not'
    if (distinct) this.#look(entry, count ?? 0)
  }

  override node(kind: NodeKind, bytes: Uint8Array, start: number, end: number): void {
    this.#nodeAt = this.#at
    if (this.#ofNodes) this.#at = this.position()
    if (kind === 'plain') return
    this.#kind = kind
    try {
      checkPacked(kind, this.#shape, bytes, start, end, this.#nodeAt, this.#report)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      this.damaged(error.code, this.#nodeAt, error.message)
    }
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    this.#element(bytes, start, end)
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    if (Number.isNaN(score)) this.error('BAD_SCORE', this.#at, 'a score is not a number: servers refuse it, or crash')
    this.#element(bytes, start, end)
  }

  override field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    _value: Uint8Array,
    _valueStart: number,
    _valueEnd: number,
    expireAtMs: Int64,
  ): void {
    if (expireAtMs !== NEVER && (expireAtMs < 0 || expireAtMs > FIELD_EXPIRE_AT_MS_MAX)) {
      this.error('BAD_EXPIRY', this.#at, `a field expires at ${expireAtMs} ms, which is no time a server takes`)
    }
    this.#element(name, nameStart, nameEnd)
  }

  override indexed(index: Int64): void {
    if (index <= this.#index) {
      this.error('UNSORTED', this.position(), `index ${index} of an array follows ${this.#index}`)
    }
    this.#index = index
  }

  protected override whole(entry: Entry): void {
    if (entry.elements === 0) {
      this.warning('EMPTY_COLLECTION', entry.offset, `the ${entry.type} has no elements: servers drop the key`)
    }
  }

  /** What a packed node's check found; it names bytes of the node, which may be stored compressed. */
  #packed({code, index, text}: PackedFinding): void {
    const where = `${text} (byte ${index} of the ${this.#kind})`
    if (code !== 'EMPTY_COLLECTION') this.error(code, this.#nodeAt, where)
    else if (this.#ofNodes) this.warning('EMPTY_NODE', this.#nodeAt, 'a node of the list is empty: servers drop it')
  }

  #look(entry: Entry, count: number): void {
    if (this.distinct.takes(count)) {
      this.distinct.begin(count)
      this.#looking = 'exactly'
    } else {
      this.#looking = this.huge.begin(entry) ? 'by fingerprint' : 'not'
    }
  }

  #element(bytes: Uint8Array, start: number, end: number): void {
    if (this.#looking === 'exactly') {
      if (!this.distinct.hasRoom(end - start)) {
        this.#outgrow()
        this.#element(bytes, start, end)
        return
      }
      const first = this.distinct.add(bytes, start, end, this.#at)
      if (first >= 0) this.error('DUPLICATE_ELEMENT', this.#at, `${this.#what()} stands at byte ${first} as well`)
    } else if (this.#looking === 'by fingerprint') {
      this.huge.add(bytes, start, end, this.#at)
    }
    this.#at = this.position()
  }

  #what(): string {
    return this.#entry.type === 'hash' ? 'this field' : 'this member'
  }

  /** Too many bytes to be kept: fingerprints have to do. */
  #outgrow(): void {
    this.#looking = this.huge.begin(this.#entry) ? 'by fingerprint' : 'not'
    if (this.#looking === 'not') return
    this.distinct.each((bytes, start, end, offset) => this.huge.add(bytes, start, end, offset))
  }
}

/** Elements of which there can be but one. */
function isKeyed({type}: Entry): boolean {
  return type === 'set' || type === 'zset' || type === 'hash'
}

function shapeOf({type, typeId}: Entry): PackedShape {
  if (type !== 'hash') return type === 'set' || type === 'zset' ? type : 'list'
  return typeId === op.TYPE_HASH_LISTPACK_EX || typeId === op.TYPE_HASH_LISTPACK_EX_PRE_GA ? 'hash-ttl' : 'hash'
}
