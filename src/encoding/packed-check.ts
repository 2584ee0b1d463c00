/**
 * The deep check of packed nodes: that they can be walked, and that what they
 * hold makes a value of its type.
 *
 *   shape       an element is               and beyond its chain is checked for
 *   list        <item>
 *   set         <member>                    duplicates
 *   zset        <member> <score>            duplicates, scores, ascending (score, member)
 *   hash        <field> <value>             duplicates
 *   hash-ttl    <field> <value> <ms, or 0>  duplicates, times, ascending, 0 last
 *
 * A chain that breaks ends the walk: FormatError, as the walkers throw it. What
 * is wrong by meaning is reported and the walk goes on; duplicates are looked
 * for last, in a node whose chain is whole.
 */
import {parseDouble} from '../bytes/decimal.js'
import {compareHalves, readUint32le} from '../bytes/int64.js'
import {copyIn, kernel} from '../bytes/kernel.js'
import {LentBytes} from '../bytes/lent.js'
import {IntsetWalker} from './intset.js'
import {ListpackWalker, listpackCount} from './listpack.js'
import {MemberSet} from './member-set.js'
import {ZiplistWalker} from './ziplist.js'
import {ZipmapWalker} from './zipmap.js'

/** What the entries of a node make. */
export type PackedShape = 'list' | 'set' | 'zset' | 'hash' | 'hash-ttl'

export type PackedCheckKind = 'listpack' | 'ziplist' | 'intset' | 'zipmap'

export type PackedFindingCode =
  | 'EMPTY_COLLECTION'
  | 'ODD_ENTRIES'
  | 'DUPLICATE_ELEMENT'
  | 'UNSORTED'
  | 'BAD_SCORE'
  | 'BAD_EXPIRY'

export interface PackedFinding {
  code: PackedFindingCode
  /** The byte of the node where the entry begins. */
  index: number
  text: string
}

export type ReportFinding = (finding: PackedFinding) => void

/** Entries that make one element. */
export const ENTRIES_EACH: Readonly<Record<PackedShape, number>> = {list: 1, set: 1, zset: 2, hash: 2, 'hash-ttl': 3}

/** As src/kernels/packed.ts numbers them. */
const KERNEL_SHAPE = {set: 1, zset: 2, hash: 3, 'hash-ttl': 4}

/** A hostile node may be wrong a million times over: this many findings of one node are told. */
const FINDINGS_MAX = 100

/** The latest time a field can expire at (redis 7.4 ebuckets.h EB_EXPIRE_TIME_MAX). */
const EXPIRE_AT_MS_MAX = 2 ** 48 - 1

/** Where the count, or what stands for it, is. */
const COUNT_INDEX: Readonly<Record<PackedCheckKind, number>> = {listpack: 4, ziplist: 8, intset: 4, zipmap: 0}

/**
 * Walks the node that is exactly bytes[start, end), whole. `offset` is where it begins in the input. Returns its
 * entries; a pair of a zipmap counts as two.
 */
export function checkPacked(
  kind: PackedCheckKind,
  shape: PackedShape,
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
  report: ReportFinding,
): number {
  if (kind === 'listpack') {
    const entries = soundEntries(shape, bytes, start, end)
    if (entries >= 0) return entries
  }
  return checkPackedByWalking(kind, shape, bytes, start, end, offset, report)
}

/** The same, entry by entry: what `checkPacked` does with a node that is not sound at first sight. */
export function checkPackedByWalking(
  kind: PackedCheckKind,
  shape: PackedShape,
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
  report: ReportFinding,
): number {
  const check = new PackedCheck(kind, bytes, start, end, offset, report)
  if (kind === 'intset') return check.intset()
  if (kind === 'zipmap') return check.zipmap()
  return check.entries(kind === 'listpack' ? listpackWalker : ziplistWalker, shape)
}

/** The entries of a listpack that is sound beyond doubt, as most are; -1 where it is to be walked with care. */
function soundEntries(shape: PackedShape, bytes: Uint8Array, start: number, end: number): number {
  if (shape === 'list') return soundChain(bytes, start, end)
  const {bytes: memory, inputArea, packedCheck} = kernel()
  // What was decompressed whole lies there already.
  if (bytes === memory) return packedCheck(KERNEL_SHAPE[shape], start, end)
  if (end - start > inputArea.bytes) return -1
  copyIn(bytes, start, end, inputArea.start)
  return packedCheck(KERNEL_SHAPE[shape], inputArea.start, inputArea.start + end - start)
}

/** Encoding and data of an entry, by its first byte; 0 where more is to be read. Integers, and strings below 64 bytes. */
const ENTRY_BYTES = Uint8Array.from({length: 256}, (_, first) => {
  if (first < 0xc0) return first < 0x80 ? 1 : 1 + (first & 0x3f)
  if (first < 0xe0) return 2
  return first > 0xf0 && first < 0xf5 ? (first === 0xf4 ? 9 : first - 0xee) : 0
})

/**
 * Counts the entries of a listpack whose chain is sound; -1 in doubt. Where nothing but the chain counts, copying a node
 * to the kernel takes longer than walking it.
 */
function soundChain(bytes: Uint8Array, start: number, end: number): number {
  const last = end - 1
  if (end - start < 7 || readUint32le(bytes, start) !== end - start || bytes[last] !== 0xff) return -1
  let p = start + 6
  let count = 0
  while (p < last) {
    const size = ENTRY_BYTES[bytes[p]!]!
    if (size !== 0) {
      p += size
      if (bytes[p++] !== size) return -1
    } else {
      p = passString(bytes, p, last)
      if (p < 0) return -1
    }
    count++
  }
  const claimed = listpackCount(bytes, start, end)
  return p === last && count > 0 && (claimed === count || claimed < 0) ? count : -1
}

/** Passes over a string of up to 4095 bytes; -1 in doubt. */
function passString(bytes: Uint8Array, p: number, last: number): number {
  const size = 2 + (((bytes[p]! & 0x0f) << 8) | bytes[p + 1]!)
  const end = p + size
  if ((bytes[p]! & 0xf0) !== 0xe0 || end + 2 > last) return -1
  if (size <= 127) return bytes[end] === size ? end + 1 : -1
  return bytes[end] === size >> 7 && bytes[end + 1] === ((size & 0x7f) | 0x80) ? end + 2 : -1
}

const listpackWalker = new ListpackWalker()
const ziplistWalker = new ZiplistWalker()
const intsetWalker = new IntsetWalker()
const zipmapWalker = new ZipmapWalker()
const members = new MemberSet()

/** An entry and the one that is compared with it. */
const lent: [LentBytes, LentBytes] = [new LentBytes(0), new LentBytes(0)]
const other = new LentBytes(0)

class PackedCheck {
  #findings = 0

  constructor(
    readonly kind: PackedCheckKind,
    readonly bytes: Uint8Array,
    readonly start: number,
    readonly end: number,
    readonly offset: number,
    readonly report: ReportFinding,
  ) {}

  entries(walker: ListpackWalker | ZiplistWalker, shape: PackedShape): number {
    walker.open(this.bytes, this.start, this.end, this.offset)
    const each = ENTRIES_EACH[shape]
    let count: number
    if (shape === 'zset') count = this.#scored(walker)
    else if (shape === 'hash-ttl') count = this.#expiring(walker)
    else count = this.#plain(walker, each)
    this.#notEmpty(count)
    if (shape !== 'list') this.#unique(walker, each, Math.floor(count / each))
    return count
  }

  intset(): number {
    const walker = intsetWalker
    walker.open(this.bytes, this.start, this.end, this.offset)
    this.#notEmpty(walker.count)
    let high = 0
    let low = 0
    for (let at = walker.position, i = 0; walker.nextInt64(); at = walker.position, i++) {
      if (i > 0 && compareHalves(high, low, walker.high, walker.low) > 0) {
        this.#found('UNSORTED', at, 'a member is less than the one before')
      }
      high = walker.high
      low = walker.low
    }
    if (!walker.sorted) this.#uniqueIntegers()
    return walker.count
  }

  zipmap(): number {
    const walker = zipmapWalker
    const [field] = lent
    walker.open(this.bytes, this.start, this.end, this.offset)
    let pairs = 0
    while (walker.next(field, other)) pairs++
    this.#notEmpty(pairs)
    members.open(this.bytes, this.start, pairs)
    for (let pass = 0; pass < members.passes; pass++) {
      members.beginPass(pass)
      walker.open(this.bytes, this.start, this.end, this.offset)
      for (let at = walker.position; walker.next(field, other); at = walker.position) this.#add(field, at)
    }
    return 2 * pairs
  }

  #plain(walker: ListpackWalker | ZiplistWalker, each: number): number {
    let count = 0
    let elementAt = walker.position
    while (walker.skipEntry()) if (++count % each === 0) elementAt = walker.position
    if (count % each !== 0) this.#odd(elementAt)
    return count
  }

  /** Ascending by score, and where scores are equal by the member's bytes (redis t_zset.c zzlInsertAt). */
  #scored(walker: ListpackWalker | ZiplistWalker): number {
    let [member, before] = lent
    let scoreBefore = Number.NaN
    let count = 0
    for (let at = walker.position; walker.next(member); at = walker.position) {
      count++
      const scoreAt = walker.position
      if (!walker.next(other)) {
        this.#odd(at)
        break
      }
      count++
      const score = parseDouble(other.bytes, other.start, other.end) ?? Number.NaN
      if (Number.isNaN(score)) this.#found('BAD_SCORE', scoreAt, 'a score is not a number')
      if (score < scoreBefore || (score === scoreBefore && compareBytes(before, member) > 0)) {
        this.#found('UNSORTED', at, 'a member belongs before the one before it')
      }
      scoreBefore = score
      const spare = before
      before = member
      member = spare
    }
    return count
  }

  /** Ascending by time, those without one last (redis 7.4 t_hash.c listpackExAddNew). */
  #expiring(walker: ListpackWalker | ZiplistWalker): number {
    let before = 0
    let count = 0
    for (let at = walker.position; walker.skipEntry(); at = walker.position) {
      count++
      if (walker.skipEntry()) count++
      const timeAt = walker.position
      const isInteger = walker.isInteger
      if (!walker.next(other)) {
        this.#odd(at)
        break
      }
      count++
      // A server takes an integer for granted here, and stops at a string that spells one.
      const time = isInteger ? parseDouble(other.bytes, other.start, other.end)! : -1
      if (time < 0 || time > EXPIRE_AT_MS_MAX) {
        this.#found('BAD_EXPIRY', timeAt, isInteger ? `${time} ms is no time` : 'a string stands where a time belongs')
        continue
      }
      const order = time === 0 ? Number.POSITIVE_INFINITY : time
      if (order < before) this.#found('UNSORTED', at, 'a field expires before the one before it')
      before = order
    }
    return count
  }

  #unique(walker: ListpackWalker | ZiplistWalker, each: number, elements: number): void {
    const [member] = lent
    members.open(this.bytes, this.start, elements)
    for (let pass = 0; pass < members.passes; pass++) {
      members.beginPass(pass)
      walker.open(this.bytes, this.start, this.end, this.offset)
      for (let left = elements; left > 0; left--) {
        const at = walker.position
        walker.next(member)
        for (let i = 1; i < each; i++) walker.skipEntry()
        this.#add(member, at)
      }
    }
  }

  #uniqueIntegers(): void {
    const walker = intsetWalker
    const [member] = lent
    members.open(this.bytes, this.start, walker.count)
    for (let pass = 0; pass < members.passes; pass++) {
      members.beginPass(pass)
      walker.open(this.bytes, this.start, this.end, this.offset)
      for (let at = walker.position; walker.next(member); at = walker.position) this.#add(member, at)
    }
  }

  #add(member: LentBytes, at: number): void {
    const first = members.add(member.bytes, member.start, member.end, at - this.start)
    if (first >= 0) this.#found('DUPLICATE_ELEMENT', at, `the same stands at byte ${first}`)
  }

  #notEmpty(count: number): void {
    if (count === 0) this.#found('EMPTY_COLLECTION', this.start + COUNT_INDEX[this.kind], `the ${this.kind} is empty`)
  }

  #odd(at: number): void {
    this.#found('ODD_ENTRIES', at, `the ${this.kind} ends within an element`)
  }

  #found(code: PackedFindingCode, at: number, text: string): void {
    if (this.#findings++ < FINDINGS_MAX) this.report({code, index: at - this.start, text})
  }
}

/** As memcmp, and the shorter first where one begins the other. */
function compareBytes(a: LentBytes, b: LentBytes): number {
  const aBytes = a.bytes
  const bBytes = b.bytes
  const size = Math.min(a.end - a.start, b.end - b.start)
  for (let i = 0, p = a.start, q = b.start; i < size; i++) {
    const order = aBytes[p + i]! - bBytes[q + i]!
    if (order !== 0) return order
  }
  return a.end - a.start - (b.end - b.start)
}
