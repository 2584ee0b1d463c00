/**
 * A fingerprint and an offset for each of any number of keys, within a memory
 * budget, and which of them are equal: duplicate keys of a file, keys that
 * several sources hold, elements of one huge collection.
 *
 *                 full                        a digit at a time
 *   add ──► records ──► runs in a temporary ──► records, grouped until they fit the ──► groups in the order
 *              │        file, by digit           cache, chained by equal keys             of first offsets
 *              └──────── never full ────────────────────▲
 *
 * Nothing is looked up while keys are added: a record of 16 bytes is appended,
 * and what it carries. Seven tenths of the budget hold records, an eighth the
 * groups found (which spill to a file of their own), the rest is what growing
 * leaves behind and the tables. Beyond the budget: 1 KiB for each time it was
 * filled. The files take as much as all records, and as the groups, take.
 *
 * A group is a suspicion: fingerprints are equal, by chance in one of 3,700
 * data sets of 100 million keys (fingerprint.ts). Reading the keys again confirms it.
 */
import {SpillFile} from '../bytes/spill.js'
import {Fingerprinter} from './fingerprint.js'
import {Balance} from './key-index-balance.js'
import {type Alike, Gathering, type GatheringRule, GroupFinder} from './key-index-groups.js'
import {HeavyKeys, SAMPLE_RECORDS} from './key-index-heavy.js'
import {GroupOrder, type KeyGroup} from './key-index-order.js'
import {
  digitBitsFor,
  offsetAt,
  RECORD_WORDS,
  Records,
  type RecordTaker,
  writePrints,
  writeRecord,
} from './key-index-records.js'
import {RecordRuns} from './key-index-runs.js'

export type {Alike} from './key-index-groups.js'
export type {KeyGroup} from './key-index-order.js'

export interface KeyIndexOptions {
  /** Bytes of memory to keep within, at least 4 KiB. */
  memoryBytes?: number | undefined
  /** Folder of the temporary file; the system's own unless told. */
  folder?: string | undefined
  /** Words kept beside each key: a digest of its value, by which two sources are compared. */
  payloadWords?: number | undefined
  /**
   * The first word of a digest of 128 bits within the payload, where two sources are to be compared whose second begins
   * with this offset: most of what both hold equally often is then seen at once, and not told.
   */
  balanced?: {boundary: number; word: number} | undefined
  /** Offsets told of one group (of each source); it may have more. */
  offsetsPerGroupMax?: number | undefined
  /** Two words, for a run that is to be repeated exactly: the answers do not depend on it, the work does. */
  seed?: Int32Array | undefined
}

export const KEY_INDEX_BYTES = 64 * 1024 * 1024
const KEY_INDEX_BYTES_MIN = 4096
const RECORDS_SHARE = 0.7
const ORDER_SHARE = 1 / 8
const ORDER_RECORD_BYTES = 16
/** The tables take a thirty-second of the budget, and no more than the second-level cache. */
const TABLE_SHARE = 1 / 32
const TABLE_RECORD_BYTES = 16
const TABLE_RECORDS_MAX = 16_384
const OFFSETS_PER_GROUP = 16
/** How long the event loop may have to wait: signals and progress are served there. */
const TURN_MS = 25

export class KeyIndex implements RecordTaker {
  readonly memoryBytes: number
  readonly #print: Fingerprinter
  readonly #records: Records
  /** Words from which on there is no room, or adding is refused. */
  #limit: number
  #offsetMax = 0
  readonly #digitBits: number
  readonly #offsetsPerGroupMax: number
  readonly #payloadWords: number
  readonly #balance: Balance | undefined
  readonly #file: SpillFile
  #runs: RecordRuns | undefined
  /** Records in the runs. */
  #spilled = 0
  #state: 'adding' | 'reading' | 'closed' = 'adding'

  constructor(options: KeyIndexOptions = {}) {
    this.memoryBytes = Math.max(options.memoryBytes ?? KEY_INDEX_BYTES, KEY_INDEX_BYTES_MIN)
    this.#offsetsPerGroupMax = Math.max(options.offsetsPerGroupMax ?? OFFSETS_PER_GROUP, 2)
    this.#print = new Fingerprinter(options.seed)
    this.#payloadWords = options.payloadWords ?? 0
    this.#balance = options.balanced === undefined ? undefined : new Balance(options.balanced)
    const width = RECORD_WORDS + this.#payloadWords
    const recordsMax = Math.floor((this.memoryBytes * RECORDS_SHARE) / (4 * width))
    this.#records = new Records(width, recordsMax)
    this.#limit = this.#records.limit
    this.#digitBits = digitBitsFor(recordsMax)
    this.#file = new SpillFile(options.folder)
  }

  /** Keys added. */
  get count(): number {
    return this.#spilled + (this.#state === 'reading' && this.#runs ? 0 : this.#records.used / this.#records.width)
  }

  /** Bytes in the temporary file, where the memory did not suffice. */
  get spilledBytes(): number {
    return this.#spilled * this.#records.width * 4
  }

  /** Adds a key, bytes[start … end) of a database; `offset` is at most 2^53 - 1. The bytes are not kept. */
  add(db: number, bytes: Uint8Array, start: number, end: number, offset: number): void {
    this.#print.take(db, bytes, start, end)
    this.#append(this.#print.high, this.#print.low, offset)
  }

  /** In an index that was made for a payload. */
  addPrint(high: number, low: number, offset: number, payload: Int32Array, at: number): void {
    this.#append(high, low, offset)
    const {words, used} = this.#records
    const from = used - this.#payloadWords
    for (let i = 0; i < this.#payloadWords; i++) words[from + i] = payload[at + i]!
    this.#balance?.add(words, used - this.#records.width, offset)
  }

  addPrints(prints: Int32Array, count: number, stride: number, shift: number): void {
    const {width} = this.#records
    for (let done = 0; done < count; ) {
      if (this.#records.used >= this.#limit) this.#makeRoom()
      const {words, used} = this.#records
      const some = Math.min(count - done, (this.#limit - used) / width)
      const to = used + some * width
      const last = writePrints(words, used, to, width, prints, done * stride, stride, shift)
      this.#records.used = to
      done += some
      if (last > this.#offsetMax) this.#offsetMax = last
      this.#balance?.addAll(words, used, to, width, last)
    }
  }

  /** Records of words[0 … used) that RecordParcels collected of one source, for an index like this one. */
  addRecords(words: Int32Array, used: number): void {
    const {width} = this.#records
    for (let done = 0; done < used; ) {
      if (this.#records.used >= this.#limit) this.#makeRoom()
      const some = Math.min(used - done, this.#limit - this.#records.used)
      this.#records.words.set(words.subarray(done, done + some), this.#records.used)
      this.#records.used += some
      done += some
    }
    this.#offsetMax = Math.max(this.#offsetMax, offsetAt(words, used - width))
  }

  /** The balance of what RecordParcels collected, once all of it has been added. */
  addBalance(sums: Int32Array): void {
    this.#balance?.addSums(sums)
  }

  #append(high: number, low: number, offset: number): void {
    if (this.#records.used >= this.#limit) this.#makeRoom()
    const {words, used} = this.#records
    writeRecord(words, used, high, low, offset)
    this.#records.used = used + this.#records.width
    if (offset > this.#offsetMax) this.#offsetMax = offset
  }

  /**
   * Groups of equal fingerprints, by first offset; those that share it in no order of their own. Nothing can be added
   * meanwhile; afterwards it can, and read anew.
   */
  duplicates(): AsyncGenerator<KeyGroup, void, undefined> {
    return this.#groups(Infinity)
  }

  /**
   * Of two sources: every fingerprint that does not occur exactly once in each with the same payload. An offset
   * of the first source is below `boundary`, one of the second is not: add the boundary to it. Payloads are the same where
   * they are equal, or where `alike` says so.
   */
  differing(boundary: number, alike?: Alike): AsyncGenerator<KeyGroup, void, undefined> {
    return this.#groups(boundary, alike)
  }

  /** Forgets all keys; memory is kept for the next ones. */
  clear(): void {
    if (this.#state !== 'adding') this.#refuse()
    this.#records.used = 0
    this.#offsetMax = 0
    this.#balance?.clear()
    this.#spilled = 0
    this.#runs = undefined
    this.#file.close()
  }

  /** Frees the memory and removes the temporary file. */
  close(): void {
    this.#state = 'closed'
    this.#limit = -1
    this.#spilled = 0
    this.#runs = undefined
    this.#records.free()
    this.#file.close()
  }

  #refuse(): never {
    throw new Error(this.#closed ? 'the key index is closed' : 'the key index is being read')
  }

  #makeRoom(): void {
    if (this.#state !== 'adding') this.#refuse()
    if (!this.#records.grow()) this.#spill()
    this.#limit = this.#records.limit
  }

  /** What was found so far is worth nothing once the file has failed: everything is freed. */
  #spill(): void {
    const {used, width} = this.#records
    this.#runs ??= new RecordRuns(this.#file, this.#digitBits, 0)
    try {
      this.#runs.append(this.#records)
    } catch (error) {
      this.close()
      throw error
    }
    this.#spilled += used / width
  }

  async *#groups(boundary: number, alike?: Alike): AsyncGenerator<KeyGroup, void, undefined> {
    if (this.#state !== 'adding') this.#refuse()
    if (this.#runs) this.#spill()
    this.#state = 'reading'
    this.#limit = -1
    const recordsMax = Math.max(
      Math.floor((this.memoryBytes * ORDER_SHARE) / ORDER_RECORD_BYTES),
      2 * this.#offsetsPerGroupMax + 2,
    )
    const order = new GroupOrder(recordsMax, this.#offsetMax, new SpillFile(this.#file.folder))
    const turn = new Turn()
    try {
      const balance = alike === undefined && this.#balance?.boundary === boundary ? this.#balance : undefined
      const rule = {boundary, alike, balanced: balance !== undefined}
      for (const _ of this.#find(this.#finder(order, rule), balance)) {
        if (turn.over) await turn.next()
        if (this.#closed) this.#refuse()
      }
      let told = 0
      for (const group of order.groups()) {
        yield group
        if ((++told & 255) === 0 && turn.over) await turn.next()
        if (this.#closed) this.#refuse()
      }
    } catch (error) {
      this.close()
      throw error
    } finally {
      order.close()
      this.#endReading()
    }
  }

  get #closed(): boolean {
    return this.#state === 'closed'
  }

  #endReading(): void {
    if (this.#closed) return
    this.#state = 'adding'
    this.#limit = this.#records.limit
    if (!this.#runs) return
    this.#records.used = 0
    this.#file.truncate(this.spilledBytes)
  }

  #finder(order: GroupOrder, rule: Pick<GatheringRule, 'boundary' | 'alike' | 'balanced'>): GroupFinder {
    const tableRecords = (this.memoryBytes * TABLE_SHARE) / TABLE_RECORD_BYTES
    return new GroupFinder(
      this.#digitBits,
      Math.min(2 ** (31 - Math.clz32(tableRecords)), TABLE_RECORDS_MAX),
      new Gathering({offsetsMax: this.#offsetsPerGroupMax, payloadWords: this.#payloadWords, ...rule}),
      gathering => order.put(gathering),
    )
  }

  /** Finds all groups; gives control back now and then. */
  *#find(finder: GroupFinder, balance: Balance | undefined): Generator<void> {
    if (this.#runs) yield* this.#findInRuns(this.#runs, finder, balance)
    else this.#findAmong(finder, balance, 0)
  }

  /** Finds groups among what is in memory. */
  #findAmong(finder: GroupFinder, balance: Balance | undefined, level: number): void {
    const records = this.#records
    finder.find(records, 0, balance === undefined ? records.used : balance.bringForward(records), level)
  }

  *#findInRuns(runs: RecordRuns, finder: GroupFinder, balance: Balance | undefined): Generator<void> {
    const records = this.#records
    for (let digit = 0; digit < runs.digits; digit++) {
      if (runs.wordsOf(digit) > records.limit) {
        yield* this.#divide(runs, digit, finder, balance)
      } else {
        for (const _ of runs.parts(digit, records)) this.#findAmong(finder, balance, runs.level + 1)
        yield
      }
    }
  }

  /** The records of one digit do not fit: all but those of heavy keys become runs of the next digit. */
  *#divide(runs: RecordRuns, digit: number, finder: GroupFinder, balance: Balance | undefined): Generator<void> {
    const records = this.#records
    const sample = runs.sample(digit, SAMPLE_RECORDS, records.width)
    const heavy = new HeavyKeys(sample, records.width, finder.gathering.rule)
    const deeper = new RecordRuns(this.#file, this.#digitBits, runs.level + 1)
    for (const _ of runs.parts(digit, records)) {
      heavy.takeFrom(records)
      deeper.append(records)
      yield
    }
    for (const gathering of heavy.gatherings) finder.finish(gathering)
    yield* this.#findInRuns(deeper, finder, balance)
    deeper.release()
  }
}

/** Lets the event loop have its turn, when it has waited long enough. */
class Turn {
  #startedMs = performance.now()

  get over(): boolean {
    return performance.now() - this.#startedMs > TURN_MS
  }

  async next(): Promise<void> {
    await new Promise(resolve => setImmediate(resolve))
    this.#startedMs = performance.now()
  }
}
