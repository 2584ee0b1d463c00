/**
 * Whole records of keys, put in the order of database and key before they are
 * written. Large ones wait in a temporary file of their own, and only their
 * place is sorted.
 *
 *   key       <database: u32be> key
 *   payload   <expires: u8> <source: u32le> <0> record
 *             <expires: u8> <source: u32le> <1> <position: f64le> <bytes: f64le>
 */
import {readUint32le} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {ByteSorter, type SortedRecord} from '../bytes/sorter.js'
import {SpillFile} from '../bytes/spill.js'
import {ByteWriter} from '../bytes/writer.js'
import {NEVER, type RecordHead} from '../keyspace/entry.js'

/** Above this a record is not moved about while it is sorted. */
const INLINE_BYTES_MAX = 64 * 1024
const WINDOW_BYTES = 1024 * 1024
const DB_BYTES = 4
const PAYLOAD_HEAD_BYTES = 6

/** Which of several records of one key stays. */
export type TwinRule = 'error' | 'first' | 'last'

/** One record on its way out. */
export interface StoredRecord {
  db: number
  key: LentBytes
  expires: boolean
  /** Number of the source that it came from. */
  source: number
}

export class SortedRecords {
  /** Of the record that is being written. */
  readonly out = new ByteWriter(4096)
  readonly #sorter: ByteSorter
  readonly #large: SpillFile
  /** Where the present record lies in the file, once it is too large for memory. */
  #largeAt = -1
  readonly #record: SortedRecord = {bytes: new Uint8Array(0), keyStart: 0, keyEnd: 0, payloadEnd: 0}
  readonly #places = new DataView(new ArrayBuffer(16))

  constructor(memoryBytes?: number, folder?: string) {
    this.#sorter = new ByteSorter(memoryBytes, folder)
    this.#large = new SpillFile(folder)
  }

  /** A record begins; whatever was not ended is forgotten. */
  begin(): void {
    this.out.reset()
    if (this.#largeAt >= 0) this.#large.truncate(this.#largeAt)
    this.#largeAt = -1
  }

  settle(): void {
    if (this.out.length >= WINDOW_BYTES) this.#spill()
  }

  take(bytes: Uint8Array, start: number, end: number): void {
    if (end - start < WINDOW_BYTES) {
      this.out.copy(bytes, start, end)
      this.settle()
      return
    }
    this.#spill()
    this.#large.append(bytes, start, end)
  }

  /** The present record is complete. */
  end({db, keyBytes, expireAtMs}: RecordHead, source: number): void {
    const {out} = this
    const inline = this.#largeAt < 0 && out.length <= INLINE_BYTES_MAX
    if (!inline) this.#spill()
    const sorted = this.#sorter.begin()
    sorted.u32be(db)
    sorted.copy(keyBytes.bytes, keyBytes.start, keyBytes.end)
    this.#sorter.endKey()
    sorted.u8(expireAtMs === NEVER ? 0 : 1)
    sorted.u32le(source)
    sorted.u8(inline ? 0 : 1)
    if (inline) {
      sorted.copy(out.bytes, 0, out.length)
    } else {
      sorted.f64le(this.#largeAt)
      sorted.f64le(this.#large.bytes - this.#largeAt)
    }
    this.#sorter.end()
    this.#largeAt = -1
  }

  /**
   * Hands on every record in order: `begin` first, then its bytes. Of several
   * of one key one stays; `twin` is told of each of the others.
   */
  handOn(
    begin: (record: StoredRecord) => void,
    take: (bytes: Uint8Array, start: number, end: number) => void,
    rule: TwinRule,
    twin: (record: StoredRecord, stays: StoredRecord) => void,
  ): void {
    const [record, held] = [this.#record, new ByteWriter(4096)]
    const heldRecord: SortedRecord = {bytes: held.bytes, keyStart: 0, keyEnd: 0, payloadEnd: 0}
    let holding = false
    this.#sorter.sort()
    while (this.#sorter.next(record)) {
      if (holding && sameKey(heldRecord, record)) {
        if (rule === 'last') twin(storedRecord(heldRecord), storedRecord(record))
        else twin(storedRecord(record), storedRecord(heldRecord))
        if (rule !== 'last') continue
      } else if (holding) {
        this.#emit(heldRecord, begin, take)
      }
      hold(record, held, heldRecord)
      holding = true
    }
    if (holding) this.#emit(heldRecord, begin, take)
  }

  /** Removes temporary files. */
  close(): void {
    this.#sorter.close()
    this.#large.close()
  }

  #spill(): void {
    if (this.#largeAt < 0) this.#largeAt = this.#large.bytes
    if (this.out.length > 0) this.#large.append(this.out.bytes, 0, this.out.length)
    this.out.reset()
  }

  #emit(
    record: SortedRecord,
    begin: (record: StoredRecord) => void,
    take: (bytes: Uint8Array, start: number, end: number) => void,
  ): void {
    const {bytes, keyEnd, payloadEnd} = record
    begin(storedRecord(record))
    if (bytes[keyEnd + PAYLOAD_HEAD_BYTES - 1] === 0) {
      take(bytes, keyEnd + PAYLOAD_HEAD_BYTES, payloadEnd)
      return
    }
    const places = this.#places
    for (let i = 0; i < 16; i++) places.setUint8(i, bytes[keyEnd + PAYLOAD_HEAD_BYTES + i]!)
    const position = places.getFloat64(0, true)
    const end = position + places.getFloat64(8, true)
    const window = new Uint8Array(Math.min(WINDOW_BYTES, end - position))
    for (let at = position; at < end; at += window.length) {
      const taken = Math.min(window.length, end - at)
      this.#large.read(at, window, 0, taken)
      take(window, 0, taken)
    }
  }
}

/** Copies a record that must outlast the next. */
function hold({bytes, keyStart, keyEnd, payloadEnd}: SortedRecord, held: ByteWriter, into: SortedRecord): void {
  held.reset()
  held.copy(bytes, keyStart, payloadEnd)
  into.bytes = held.bytes
  into.keyStart = 0
  into.keyEnd = keyEnd - keyStart
  into.payloadEnd = payloadEnd - keyStart
}

function sameKey(a: SortedRecord, b: SortedRecord): boolean {
  const length = a.keyEnd - a.keyStart
  if (length !== b.keyEnd - b.keyStart) return false
  for (let i = 0; i < length; i++) if (a.bytes[a.keyStart + i] !== b.bytes[b.keyStart + i]) return false
  return true
}

function storedRecord({bytes, keyStart, keyEnd}: SortedRecord): StoredRecord {
  const key = new LentBytes()
  key.lend(bytes, keyStart + DB_BYTES, keyEnd)
  const db = readUint32be(bytes, keyStart)
  return {db, key, expires: bytes[keyEnd] === 1, source: readUint32le(bytes, keyEnd + 1)}
}

function readUint32be(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}
