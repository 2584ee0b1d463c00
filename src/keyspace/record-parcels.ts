/**
 * Collects records for the KeyIndex of another thread, as they lie in it: there they are copied, no more. What both
 * sources have in common is balanced here.
 */
import {Balance} from './key-index-balance.js'
import {RECORD_WORDS, type RecordTaker, writePrints, writeRecord} from './key-index-records.js'

const WORD_BYTES = 4

/** Where the records go. */
export interface RecordOutlet {
  /** Memory for some of them. */
  take(): ArrayBuffer
  /** Takes it away: so many bytes of it are records. */
  post(buffer: ArrayBuffer, used: number): void
}

export class RecordParcels implements RecordTaker {
  /** Absent where the index has none. */
  readonly balance: Balance | undefined
  readonly #width: number
  #words: Int32Array
  #used = 0
  #limit: number

  /** As the index was made that they are for. */
  constructor(
    readonly outlet: RecordOutlet,
    {payloadWords, balanced}: {payloadWords: number; balanced?: {boundary: number; word: number}},
  ) {
    this.#width = RECORD_WORDS + payloadWords
    this.balance = balanced && new Balance(balanced)
    this.#words = new Int32Array(outlet.take())
    this.#limit = this.#words.length - (this.#words.length % this.#width)
  }

  addPrint(high: number, low: number, offset: number, payload: Int32Array, at: number): void {
    if (this.#used === this.#limit) this.flush()
    const words = this.#words
    const from = this.#used
    writeRecord(words, from, high, low, offset)
    for (let i = RECORD_WORDS; i < this.#width; i++) words[from + i] = payload[at + i - RECORD_WORDS]!
    this.#used += this.#width
    this.balance?.add(words, from, offset)
  }

  addPrints(prints: Int32Array, count: number, stride: number, shift: number): void {
    const width = this.#width
    for (let done = 0; done < count; ) {
      if (this.#used === this.#limit) this.flush()
      const words = this.#words
      const from = this.#used
      const some = Math.min(count - done, (this.#limit - from) / width)
      const to = from + some * width
      const last = writePrints(words, from, to, width, prints, done * stride, stride, shift)
      this.balance?.addAll(words, from, to, width, last)
      this.#used = to
      done += some
    }
  }

  /** Hands on what there is. */
  flush(): void {
    if (this.#used === 0) return
    const {outlet} = this
    outlet.post(this.#words.buffer as ArrayBuffer, this.#used * WORD_BYTES)
    this.#words = new Int32Array(outlet.take())
    this.#used = 0
  }
}
