/**
 * Sorted sets.
 *
 *   3  ZSET            <count> (<string> <ASCII score>)*
 *   5  ZSET_2          <count> (<string> <binary64 LE>)*     highest score first
 *   12 ZSET_ZIPLIST    <string: ziplist of member, score>    lowest first
 *   17 ZSET_LISTPACK   <string: listpack of member, score>   lowest first
 *
 * ASCII score: one byte n and n digits; 255 is -inf, 254 +inf, 253 nan.
 */

import {compareBytes} from '../../bytes/compare.js'
import type {ByteCursor} from '../../bytes/cursor.js'
import {parseDouble, writeShortest} from '../../bytes/decimal.js'
import {ElementLog} from '../../bytes/element-log.js'
import {LentBytes} from '../../bytes/lent.js'
import {ByteWriter} from '../../bytes/writer.js'
import {writeLength} from '../../encoding/length.js'
import {
  asciiScoreBytes,
  BINARY_SCORE_BYTES,
  readAsciiScore,
  readBinaryScore,
  writeAsciiScore,
  writeBinaryScore,
} from '../../encoding/score.js'
import {readString, skipString, writeString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import {memberWithoutScore} from '../../keyspace/node-visitor.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {LOST} from '../loss-kinds.js'
import {TYPE_ZSET, TYPE_ZSET_2, TYPE_ZSET_LISTPACK, TYPE_ZSET_ZIPLIST} from '../opcodes.js'
import type {Policy} from '../policy.js'
import {CountedReader, PackedReader, StringsReader} from './reader.js'
import {wrongCount} from './strings-writer.js'
import {PackedBlob, type ValueSink, ValueWriter} from './writer.js'

export class AsciiZsetReader extends CountedReader {
  readonly #member = new LentBytes(0)

  constructor() {
    super(2, 'sorted set members')
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const member = this.#member
    readString(cursor, member)
    const bytes = asciiScoreBytes(cursor.peek())
    const offset = cursor.offset
    const score = readAsciiScore(cursor.bytes, cursor.take(bytes), offset)
    visitor.scored(member.bytes, member.start, member.end, score)
  }

  protected skipElement(cursor: ByteCursor): void {
    if (!this.halfway) {
      skipString(cursor)
      this.passedHalf(cursor)
    }
    cursor.skip(asciiScoreBytes(cursor.peek()))
  }
}

export class ZsetReader extends StringsReader {
  readonly #member = new LentBytes(0)

  constructor() {
    super(1, 'sorted set members', BINARY_SCORE_BYTES)
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const member = this.#member
    readString(cursor, member)
    const start = cursor.take(BINARY_SCORE_BYTES)
    visitor.scored(member.bytes, member.start, member.end, readBinaryScore(cursor.bytes, start))
  }
}

export class PackedZsetReader extends PackedReader {
  readonly #member = new LentBytes(1)
  readonly #score = new LentBytes(1)

  constructor(kind: 'ziplist' | 'listpack') {
    super(kind, 2)
  }

  protected elements(visitor: ValueVisitor): void {
    const member = this.#member
    const score = this.#score
    while (this.walker.next(member)) {
      if (!this.walker.next(score)) throw memberWithoutScore(this.kind, this.entry)
      visitor.scored(member.bytes, member.start, member.end, this.#parse(score))
    }
  }

  #parse(score: LentBytes): number {
    const value = parseDouble(score.bytes, score.start, score.end)
    if (value !== undefined) return value
    throw new FormatError('BAD_SCORE', 'a score is not a number', this.entry.valueOffset)
  }
}

/** One member, and what orders it. */
interface Scored {
  score: number
  start: number
  end: number
}

/** Packed while it is small, lowest score first; else a count, members and scores as they come. */
export class ZsetWriter extends ValueWriter {
  readonly #blob: PackedBlob
  /** Of a set that may still be packed: bytes of its members, and where each lies. */
  readonly #members = new ByteWriter(1024)
  readonly #scored: Scored[] = []
  #gathered = 0
  /** Ascending so far, by score and bytes. */
  #ascending = true
  #phase: 'gather' | 'plain' | 'log' = 'gather'
  #announced: number | undefined
  /** Nothing is written before the last member is known. */
  #waits = false
  #isLost = false
  /** The set was packed where it comes from. */
  #wasPacked = false
  #count = 0
  readonly #log = new ElementLog()
  readonly #member = new LentBytes()
  readonly #text = new Uint8Array(32)

  constructor(sink: ValueSink, policy: Policy) {
    super(sink, policy)
    this.#blob = new PackedBlob(policy)
  }

  override begin({typeId}: Entry, count: number | undefined): void {
    this.#announced = count
    // A score may be no number, and then nothing may have been written. Large sets of binary scores do not wait for that.
    this.#waits = count === undefined || typeId !== TYPE_ZSET_2
    this.#wasPacked = typeId === TYPE_ZSET_ZIPLIST || typeId === TYPE_ZSET_LISTPACK
    this.#count = this.#gathered = 0
    this.#isLost = false
    this.#ascending = true
    this.#members.reset()
    this.#phase = 'gather'
    if (this.policy.zset.entriesMax === 0 || (count ?? 0) > this.policy.zset.entriesMax) this.#leaveGathering()
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    this.#count++
    if (Number.isNaN(score)) this.#isNoNumber()
    if (this.#isLost) return
    if (this.#phase === 'gather') {
      const {entriesMax, valueBytesMax} = this.policy.zset
      // Packed, servers read -0 back as it is, yet turn it into 0 where they pack it themselves: it stays what it was.
      const packs = end - start <= valueBytesMax && (this.#wasPacked || !Object.is(score, -0))
      if (packs && this.#gathered < entriesMax) {
        this.#gather(bytes, start, end, score)
        return
      }
      this.#leaveGathering()
      for (let i = 0; i < this.#gathered; i++) {
        const one = this.#scored[i]!
        this.#append(this.#members.bytes, one.start, one.end, one.score)
      }
    }
    this.#append(bytes, start, end, score)
  }

  override end(entry: Entry): void {
    const {sink} = this
    const count = this.#count
    if (this.#announced !== undefined && this.#announced !== count) throw wrongCount(entry, this.#announced, count)
    if (this.#isLost) return
    if (count === 0) {
      sink.passEmpty()
      return
    }
    if (this.#phase === 'gather') this.#writePacked()
    else if (this.#phase === 'log') this.#writeLog(count)
    sink.close()
  }

  override dispose(): void {
    this.#log.close()
  }

  #gather(bytes: Uint8Array, start: number, end: number, score: number): void {
    const members = this.#members
    const at = members.length
    members.copy(bytes, start, end)
    this.#scored[this.#gathered] ??= {score: 0.5, start: 0, end: 0}
    const one = this.#scored[this.#gathered]!
    one.score = score
    one.start = at
    one.end = members.length
    if (this.#ascending && this.#gathered > 0) {
      this.#ascending = compareScored(members.bytes, this.#scored[this.#gathered - 1]!, one) < 0
    }
    this.#gathered++
  }

  /** No server loads such a score. */
  #isNoNumber(): void {
    if (this.#isLost) return
    this.#isLost = true
    if (this.#phase === 'plain') this.sink.takeBack(LOST.nanScores)
    else this.sink.lose(LOST.nanScores)
  }

  #leaveGathering(): void {
    const announced = this.#announced
    if (announced === undefined || this.#waits) {
      this.#phase = 'log'
      this.#log.reset()
      return
    }
    this.#phase = 'plain'
    if (announced > 0) this.#open(announced)
  }

  #open(count: number): void {
    this.sink.open(this.policy.binaryScores ? TYPE_ZSET_2 : TYPE_ZSET, true)
    writeLength(this.sink.out, count)
  }

  #append(bytes: Uint8Array, start: number, end: number, score: number): void {
    if (this.#phase === 'plain') {
      this.#write(bytes, start, end, score)
      return
    }
    this.#log.push(bytes, start, end)
    this.#log.pushDouble(score)
    this.#log.settle()
  }

  #write(bytes: Uint8Array, start: number, end: number, score: number): void {
    const {out} = this.sink
    writeString(out, bytes, start, end, this.policy.compress)
    if (this.policy.binaryScores) writeBinaryScore(out, score)
    else writeAsciiScore(out, score)
    this.sink.settle()
  }

  #writePacked(): void {
    const {builder} = this.#blob
    const {bytes} = this.#members
    let scored: readonly Scored[] = this.#scored
    if (!this.#ascending) {
      scored = this.#scored.slice(0, this.#gathered).sort((a, b) => compareScored(bytes, a, b))
    }
    builder.reset()
    for (let i = 0; i < this.#gathered; i++) {
      const {start, end, score} = scored[i]!
      builder.append(bytes, start, end)
      // The shortest text reads back to the same score in every server, whatever it prints itself.
      builder.append(this.#text, 0, writeShortest(score, this.#text, 0))
    }
    const blob = builder.finish()
    this.sink.open(this.policy.packed === 'listpack' ? TYPE_ZSET_LISTPACK : TYPE_ZSET_ZIPLIST)
    writeString(this.sink.out, blob, 0, blob.length, this.policy.compress)
  }

  #writeLog(count: number): void {
    const member = this.#member
    this.#open(count)
    this.#log.rewind()
    while (this.#log.next(member)) this.#write(member.bytes, member.start, member.end, this.#log.nextDouble())
    this.#log.reset()
  }
}

/** The order of a sorted set: by score, equal ones by bytes. */
function compareScored(bytes: Uint8Array, a: Scored, b: Scored): number {
  if (a.score !== b.score) return a.score - b.score
  return compareBytes(bytes, a.start, a.end, bytes, b.start, b.end)
}
