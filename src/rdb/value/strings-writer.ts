/**
 * The shape that most writers share, mirror of the readers' StringsReader and
 * PackedReader: one packed blob while a value is small, a count and strings
 * beyond.
 */
import {ElementLog} from '../../bytes/element-log.js'
import {LentBytes} from '../../bytes/lent.js'
import {writeLength} from '../../encoding/length.js'
import {writeString} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {Entry} from '../../keyspace/entry.js'
import type {PackedBounds, Policy} from '../policy.js'
import {PackedBlob, type ValueSink, ValueWriter} from './writer.js'

/** Where the strings of the present value go. */
type Phase = 'packed' | 'plain' | 'log'

export abstract class StringsWriter extends ValueWriter {
  protected readonly blob: PackedBlob
  /** Elements that were announced; undefined where nobody knows. */
  #announced: number | undefined
  #strings = 0
  #phase: Phase = 'packed'
  readonly #log = new ElementLog()
  readonly #string = new LentBytes()

  /** `stringsEach` strings make one element. */
  constructor(
    sink: ValueSink,
    policy: Policy,
    readonly bounds: PackedBounds,
    readonly stringsEach: 1 | 2,
    readonly plainType: number,
    readonly packedType: number,
  ) {
    super(sink, policy)
    this.blob = new PackedBlob(policy)
  }

  override begin(_entry: Entry, count: number | undefined): void {
    this.#announced = count
    this.#strings = 0
    this.blob.builder.reset()
    this.#phase = 'packed'
    if (this.bounds.entriesMax === 0 || (count ?? 0) > this.bounds.entriesMax) this.#leavePacked()
  }

  /** How many elements are known to come; undefined where nobody knows. */
  protected get announced(): number | undefined {
    return this.#announced
  }

  /** Takes the next string of the value. */
  protected put(bytes: Uint8Array, start: number, end: number): void {
    this.#strings++
    if (this.#phase === 'packed') {
      const {builder} = this.blob
      const {entriesMax, valueBytesMax} = this.bounds
      const fits = end - start <= valueBytesMax && builder.count < entriesMax * this.stringsEach
      if (fits && builder.append(bytes, start, end)) return
      this.#unpack()
    }
    this.#append(bytes, start, end)
  }

  override end(entry: Entry): void {
    const {sink, blob, stringsEach} = this
    const count = this.#strings / stringsEach
    if (this.#announced !== undefined && this.#announced !== count) throw wrongCount(entry, this.#announced, count)
    if (count === 0) {
      // A count of 0 opens nothing.
      sink.passEmpty()
      return
    }
    if (this.#phase === 'packed') {
      sink.open(this.packedType)
      const packed = blob.builder.finish()
      writeString(sink.out, packed, 0, packed.length, this.policy.compress)
    } else if (this.#phase === 'log') {
      this.#writeLog(count)
    }
    sink.close()
  }

  override dispose(): void {
    this.#log.close()
  }

  #append(bytes: Uint8Array, start: number, end: number): void {
    if (this.#phase === 'plain') {
      writeString(this.sink.out, bytes, start, end, this.policy.compress)
      this.sink.settle()
      return
    }
    this.#log.push(bytes, start, end)
    this.#log.settle()
  }

  /** Whatever comes is too much, or too large, for a packed blob. */
  #leavePacked(): void {
    if (this.#announced === undefined) {
      this.#phase = 'log'
      this.#log.reset()
      return
    }
    this.#phase = 'plain'
    if (this.#announced > 0) this.#open(this.#announced)
  }

  #open(count: number): void {
    this.sink.open(this.plainType)
    writeLength(this.sink.out, count)
  }

  #unpack(): void {
    this.#leavePacked()
    const {blob} = this
    const string = this.#string
    blob.reopen()
    while (blob.next(string)) this.#append(string.bytes, string.start, string.end)
  }

  #writeLog(count: number): void {
    const {sink} = this
    const string = this.#string
    this.#open(count)
    this.#log.rewind()
    while (this.#log.next(string)) {
      writeString(sink.out, string.bytes, string.start, string.end, this.policy.compress)
      sink.settle()
    }
    this.#log.reset()
  }
}

/** A source said how many elements there would be, and was wrong: the count has been written already. */
export function wrongCount(entry: Entry, announced: number, count: number): FormatError {
  return new FormatError('BAD_COUNT', `${announced} elements are announced, but there are ${count}`, entry.offset)
}
