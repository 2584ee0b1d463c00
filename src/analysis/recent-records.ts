/**
 * The records that were walked over last: until more have followed they may
 * turn out to be none.
 */
import type {KeyProfile} from '../rdb/key-profile.js'
import type {RecordWalker} from '../rdb/record-walker.js'
import {BITS_OF_OPCODE, type ReadRecord} from '../rdb/resynchronise.js'

/** Keys of a database, and those of them that expire. */
export interface AnnouncedSize {
  keys: number
  expires: number
}

export interface RecentRecord extends ReadRecord {
  /** Its bits, whatever it counts for where records are looked for. */
  likeness: number
  /** Its type byte, or its opcode. */
  byte: number
  isKey: boolean
  /** A library of functions whose source is text to its end: it has neither been cut nor led astray. */
  isText: boolean
  expires: boolean
  /** Of RESIZEDB: what the database is announced to have. */
  size: AnnouncedSize | undefined
  /** The database before it and behind it. */
  db: number
  dbAfter: number
}

const RECORDS_MAX = 64
/** So far back is looked for what led astray. */
const LOOKED_BACK_BITS = 24
/** Of a collection, what it holds does not count. */
const BITS_TYPICAL_MAX = 40
const KEYS_TELLING = 3
/** Of whatever can be read at all. */
const BITS_OF_SOUND = 4

export class RecentRecords {
  #records: RecentRecord[] = []

  /** Told of each record that is old enough to be believed. */
  constructor(readonly onSettle: (record: RecentRecord) => void) {}

  get last(): RecentRecord | undefined {
    return this.#records.at(-1)
  }

  get beforeLast(): RecentRecord | undefined {
    return this.#records.at(-2)
  }

  push(record: RecentRecord): void {
    this.#records.push(record)
    // Half of them at a time: an array gives up its first one slowly.
    if (this.#records.length < 2 * RECORDS_MAX) return
    for (const old of this.#records.splice(0, RECORDS_MAX)) this.onSettle(old)
  }

  /** Takes the last one back: it was none, or is not to be kept. */
  pop(): RecentRecord | undefined {
    return this.#records.pop()
  }

  /** Says how much each is like this file: seldom asked, and never of those that are believed. `walker` is lent meanwhile. */
  weigh(walker: RecordWalker, profile: KeyProfile): void {
    const {db} = walker.entry
    for (const record of this.#records) {
      if (record.isKey) {
        const isSound = walker.walk(record.offset) && walker.flaw === undefined
        record.bits = profile.bits(walker, isSound)
        record.fieldBits = isSound ? Math.min(profile.fieldBits(walker.entry), Math.max(record.bits, 0)) : 0
      } else record.bits = BITS_OF_OPCODE
      record.likeness = record.bits
    }
    walker.entry.db = db
  }

  /** Takes back those at the end that together speak against being of this file. Whether there were any. */
  dropUnlike(): boolean {
    const records = this.#records
    let from = records.length
    let least = 0
    for (let i = records.length - 1, bits = 0; i >= 0; i--) {
      bits += records[i]!.bits
      if (bits >= least) continue
      least = bits
      from = i
    }
    return records.splice(from).length > 0
  }

  /** Whether it is much less like this file than the others are. */
  isWeak({likeness}: RecentRecord): boolean {
    const keys = this.#records.filter(({isKey}) => isKey)
    const mean = keys.reduce((sum, one) => sum + Math.min(one.likeness, BITS_TYPICAL_MAX), 0) / keys.length
    return keys.length >= KEYS_TELLING && likeness < mean / 2
  }

  /** All that are left are believed. */
  settle(): void {
    for (const record of this.#records.splice(0)) this.onSettle(record)
  }

  /** In their order. */
  get all(): readonly RecentRecord[] {
    return this.#records
  }

  /**
   * From where on something else may be found than what was read, where reading has failed at a place: chance makes a few
   * records, but none that are like this file, and the one before them was led astray.
   */
  lookBackFrom(at: number): number {
    const records = this.#records
    let from = at
    for (let i = records.length - 1, bits = 0; i >= 0 && bits < LOOKED_BACK_BITS; i--) {
      const record = records[i]!
      bits += Math.max(record.bits, BITS_OF_SOUND)
      from = record.offset
    }
    return from + 1
  }
}
