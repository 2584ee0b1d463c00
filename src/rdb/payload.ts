/**
 * What DUMP answers and RESTORE takes: one value, with a footer.
 *
 *   [f3 key metadata] <type> value <u16le RDB version> <u64le CRC-64 of all before>
 *
 * Neither key nor expiry is in it. From version 80 on the numbers are Valkey's.
 */
import {Crc64, crc64} from '../bytes/crc64.js'
import {ByteCursor} from '../bytes/cursor.js'
import {MemorySource} from '../bytes/source.js'
import {ByteWriter} from '../bytes/writer.js'
import {FormatError, UnsupportedError} from '../errors.js'
import {Entry} from '../keyspace/entry.js'
import type {LossKind} from '../keyspace/loss-report.js'
import {type EntryVisitor, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {canCopy} from './copying.js'
import {LOST} from './loss-kinds.js'
import * as op from './opcodes.js'
import {OtherRecords} from './other-records.js'
import {lostWhole, type Policy, policyOf} from './policy.js'
import {RdbReader} from './reader.js'
import {takesKeyMeta} from './record-head.js'
import {type ChecksumVerdict, RecordReader} from './records.js'
import type {Target} from './targets.js'
import {HashTemplates} from './value/hash-template.js'
import {RawWriter, type ValueSink, type ValueWriter} from './value/writer.js'
import {valueWriters, type WrittenType} from './value/writers.js'
import {MAGIC_BYTES, type RdbHeader} from './versions.js'

const FOOTER_BYTES = 10
const CHECKSUM_BYTES = 8
/** Versions from here on are Valkey's. */
const VALKEY_VERSION_MIN = 80

/** Takes a finished payload, lent during the call. */
export type TakePayload = (entry: Entry, bytes: Uint8Array, start: number, end: number) => void

export interface PayloadOptions {
  /** Whose RESTORE is to take it. */
  target: Target
  compress?: boolean | undefined
  /** Store every value anew, even where the target takes it as it is. */
  reencode?: boolean | undefined
}

/** Makes a payload of every entry it is shown. Each is held in memory whole. */
export class PayloadWriter implements ValueSink {
  readonly out = new ByteWriter(4096)
  /** Whose stored bytes are shown; undefined: of a source that has none. */
  sourceFamily: op.Family | undefined
  readonly #target: Target
  readonly #writers: Readonly<Record<WrittenType, ValueWriter>>
  readonly #raw: RawWriter
  readonly #policy: Policy
  /** Nothing is left out. */
  readonly nowMs = Number.NEGATIVE_INFINITY
  readonly #checksum = new Crc64()
  #entry!: Entry

  constructor(
    readonly options: PayloadOptions,
    readonly takePayload: TakePayload,
  ) {
    this.#target = options.target
    this.#policy = policyOf(options.target, options.compress)
    this.#writers = valueWriters(this, this.#policy)
    this.#raw = new RawWriter(this, this.#policy)
  }

  /** Who writes the value of this entry; the payload is told when it is complete, of an empty collection never. */
  entry(entry: Entry): ValueVisitor {
    this.#entry = entry
    this.out.reset()
    // RESTORE knows no templates.
    if (this.options.reencode !== true && canCopy(entry.typeId, this.sourceFamily, this.#target, false)) {
      this.#raw.typeId = entry.typeId
      return this.#raw
    }
    const lost = lostWhole(entry.type, this.#policy)
    if (lost !== undefined) this.refuse(lost.what)
    return this.#writers[entry.type as WrittenType]
  }

  open(typeId: number): void {
    const {keyMeta} = this.#entry
    if (keyMeta !== undefined) {
      if (!takesKeyMeta(this.#target)) this.lose(LOST.keyMeta)
      this.out.u8(op.OPCODE_KEY_META_OR_SLOT_IMPORT)
      this.out.copy(keyMeta, 0, keyMeta.length)
    }
    this.out.u8(typeId)
  }

  settle(): void {}

  take(bytes: Uint8Array, start: number, end: number): void {
    this.out.copy(bytes, start, end)
  }

  close(): void {
    const {out} = this
    out.u16le(this.#target.rdbVersion)
    const sum = this.#checksum
    sum.reset()
    sum.update(out.bytes, 0, out.length)
    out.i64le(sum.high, sum.low)
    this.takePayload(this.#entry, out.bytes, 0, out.length)
  }

  passEmpty(): void {}

  /** A payload is whole, or there is none. */
  lose(kind: LossKind): void {
    if (kind.data) this.refuse(kind.what)
  }

  takeBack(kind: LossKind): void {
    this.refuse(kind.what)
  }

  refuse(what: string): never {
    const {db, type, offset} = this.#entry
    const error = new UnsupportedError('NOT_IN_TARGET', `${this.#target.name} cannot hold ${what}`, offset)
    error.place = {db, key: this.#entry.key(), type, recordOffset: offset}
    throw error
  }

  /** Removes temporary files. */
  dispose(): void {
    for (const writer of Object.values(this.#writers)) writer.dispose()
  }
}

export interface PayloadFacts {
  rdbVersion: number
  family: op.Family
  /** `absent`: all zeros, which servers before Redis 8.10 refuse. */
  checksum: ChecksumVerdict
}

/** Reads the footer. FormatError where the payload is too short for one, or its checksum is wrong. */
export function readPayloadFooter(payload: Uint8Array, bodyBytesMin = 2): PayloadFacts {
  const at = payload.length - FOOTER_BYTES
  if (at < bodyBytesMin) {
    const text = `a DUMP payload has at least ${bodyBytesMin + FOOTER_BYTES} bytes, this one ${payload.length}`
    throw new FormatError('TRUNCATED', text, 0)
  }
  const rdbVersion = payload[at]! | (payload[at + 1]! << 8)
  const family = rdbVersion >= VALKEY_VERSION_MIN ? 'valkey' : 'redis'
  const stored = payload.subarray(payload.length - CHECKSUM_BYTES)
  const {high, low} = crc64(payload, 0, payload.length - CHECKSUM_BYTES)
  const sum = new ByteWriter(CHECKSUM_BYTES)
  sum.i64le(high, low)
  if (Buffer.compare(stored, sum.view()) === 0) return {rdbVersion, family, checksum: 'ok'}
  if (stored.every(byte => byte === 0)) return {rdbVersion, family, checksum: 'absent'}
  throw new FormatError('BAD_CHECKSUM', 'the checksum of the DUMP payload is wrong', payload.length - CHECKSUM_BYTES)
}

/** Shows a visitor the value of a payload, as the one entry of database 0, under the key that is given; `base`: its offset. */
export async function readPayload(
  payload: Uint8Array,
  visitor: EntryVisitor,
  key: Uint8Array = new Uint8Array(0),
  base = 0,
): Promise<PayloadFacts> {
  const {facts, file, shift, body} = opened(payload, key)
  const watching = new WatchingVisitor(visitor)
  try {
    await new RdbReader(new MemorySource(file, file.length), {base}).run(watching)
  } catch (error) {
    throw watching.failure(error, base + shift, body)
  }
  watching.check(base + shift, body)
  return facts
}

/** The same at once: for a visitor that waits for nothing. */
export function readPayloadNow(payload: Uint8Array, visitor: EntryVisitor, key: Uint8Array): PayloadFacts {
  const {facts, file, shift, body} = opened(payload, key)
  const watching = new WatchingVisitor(visitor)
  const records = new RecordReader(cursorOver(file))
  try {
    records.readHeader()
    records.readAll(watching)
  } catch (error) {
    throw watching.failure(error, shift, body)
  }
  watching.check(shift, body)
  return facts
}

/** Shows a visitor the libraries of what FUNCTION DUMP answers: their records, with the same footer. */
export function readFunctionsPayload(payload: Uint8Array, visitor: EntryVisitor): void {
  // Of no libraries at all, the footer is everything.
  const facts = readPayloadFooter(payload, 0)
  const head = new ByteWriter()
  head.ascii(magicOf(facts))
  head.copy(payload, 0, payload.length - FOOTER_BYTES)
  head.u8(op.OPCODE_EOF)
  head.i64le(0, 0)
  const file = head.view()
  const records = new RecordReader(cursorOver(file))
  records.readHeader()
  records.readAll(visitor)
}

/** Magic and version of a snapshot whose values are stored as that of a payload. */
export function payloadHeader({family, rdbVersion}: PayloadFacts): RdbHeader {
  return {magic: family === 'valkey' ? 'VALKEY' : 'REDIS', family, rdbVersion}
}

function magicOf(facts: PayloadFacts): string {
  const {magic, rdbVersion} = payloadHeader(facts)
  return magic + String(rdbVersion).padStart(MAGIC_BYTES - magic.length, '0')
}

/** All of it is there. */
function cursorOver(bytes: Uint8Array): ByteCursor {
  const cursor = new ByteCursor(bytes.length)
  cursor.refill(bytes, 0, bytes.length)
  cursor.finish()
  return cursor
}

/** A payload as a file with one entry. */
interface OpenedPayload {
  facts: PayloadFacts
  file: Uint8Array
  /** How much further on in the file everything behind the type stands. */
  shift: number
  /** Where the value ends in the payload. */
  body: number
}

function opened(payload: Uint8Array, key: Uint8Array): OpenedPayload {
  const facts = readPayloadFooter(payload)
  const typeAt = typeOffset(payload, facts)
  const body = payload.length - FOOTER_BYTES
  const head = new ByteWriter()
  head.ascii(magicOf(facts))
  head.copy(payload, 0, typeAt + 1)
  head.u8(0x80)
  head.u32be(key.length)
  head.copy(key, 0, key.length)
  const shift = head.length - typeAt - 1
  head.copy(payload, typeAt + 1, body)
  head.u8(op.OPCODE_EOF)
  head.i64le(0, 0)
  return {facts, file: head.view(), shift, body}
}

/** Where the type byte stands: behind key metadata, where there are any. */
function typeOffset(payload: Uint8Array, {family, rdbVersion}: PayloadFacts): number {
  if (family !== 'redis' || rdbVersion < 13 || payload[0] !== op.OPCODE_KEY_META_OR_SLOT_IMPORT) return 0
  const cursor = cursorOver(payload)
  cursor.u8()
  new OtherRecords(cursor, new Entry(), new HashTemplates()).keyMeta()
  return cursor.pos
}

/** Passes the first entry on, and notes where its value ends. */
class WatchingVisitor implements EntryVisitor {
  #first: Entry | undefined
  /** Where another record begins behind the first. */
  #second = -1

  constructor(readonly inner: EntryVisitor) {}

  /** -1 before the value has been read. */
  get ended(): number {
    return this.#second >= 0 ? this.#second : (this.#first?.endOffset ?? -1)
  }

  /** Throws where anything follows the value. */
  check(shift: number, body: number): void {
    if (this.ended - shift !== body) throw leftOver(this.ended - shift, body)
  }

  /** What an error of the reading says of the payload. */
  failure(error: unknown, shift: number, body: number): unknown {
    return this.ended >= 0 ? leftOver(this.ended - shift, body) : unshifted(error, shift)
  }

  entry(entry: Entry): ValueVisitor {
    if (this.#first === undefined) {
      this.#first = entry
      entry.endOffset = -1
      return this.inner.entry(entry)
    }
    if (this.#second < 0) this.#second = entry.offset
    return SKIP
  }
}

function leftOver(ended: number, body: number): FormatError {
  return new FormatError('BAD_LENGTH', `${body - ended} bytes follow the value, before the footer`, ended)
}

/** The offset of an error within the payload itself. */
function unshifted(error: unknown, shift: number): unknown {
  if (!(error instanceof FormatError)) return error
  return new FormatError(error.code, error.message, Math.max(error.offset - shift, 0), {cause: error})
}
