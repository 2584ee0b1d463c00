/**
 * Whether a file is what it should be, to its last byte: shown everything by a
 * reader, says what some server would refuse, crash on or misread (errors), and
 * what is odd though servers take it (warnings).
 */
import {SLOT_COUNT} from '../bytes/crc16.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import type {SourceFormat} from '../keyspace/entry-source.js'
import type {KeyIndex} from '../keyspace/key-index.js'
import {type PassedEntries, type Passer, passesAll} from '../keyspace/passer.js'
import type {EntryVisitor, ModuleAux, Problem, SlotInfo, ValueVisitor} from '../keyspace/visitor.js'
import * as op from '../rdb/opcodes.js'
import type {ChecksumVerdict} from '../rdb/records.js'
import {CHECKSUM_VERSION_MIN, MAGIC_BYTES, type RdbHeader} from '../rdb/versions.js'
import {auxOddity, parseSlotHint, type SlotHint} from './soundness-aux.js'
import {DatabaseSizes} from './soundness-databases.js'
import {Findings, type ProblemCount} from './soundness-findings.js'
import {parseLibraryHead} from './soundness-function.js'
import {HugeCollections} from './soundness-huge.js'
import {tellDangling, tellNegativeExpiry} from './soundness-keys.js'
import type {LogSoundness} from './soundness-log.js'
import type {KeyCounts} from './soundness-part.js'
import type {Position} from './soundness-value.js'
import {ValuesSoundness} from './soundness-values.js'
import {type Opcode, VersionSoundness} from './soundness-version.js'

const CHECKSUM_BYTES = 8

/** What a check comes to. */
export interface Soundness {
  format: SourceFormat
  /** Of an RDB file. */
  header: RdbHeader | undefined
  /** Undefined where the source does not say. */
  rdbVersion: number | undefined
  /** Undefined where the end was not reached. */
  checksum: ChecksumVerdict | undefined
  keys: number
  /** Bytes verified: all of the file where its end was reached. */
  bytes: number
  /** Bytes of the input, unpacked; Infinity where nobody knows. */
  inputBytes: number
  errors: number
  warnings: number
  /** The first ones of each severity, by offset. */
  problems: Problem[]
  /** How many of each code. */
  counts: ProblemCount[]
  /** Keys were compared with each other, and the elements of huge collections. */
  duplicatesChecked: boolean
  /** Collections so large that their elements were not compared. */
  collectionsUnchecked: number
  /** Of an append-only log. */
  log?: LogSoundness | undefined
}

export interface SoundnessOptions {
  /** Absent: the source is no RDB file, and what only RDB files have is not looked for. */
  header?: RdbHeader | undefined
  /** Where the reader is: the end of what it has shown last; absent: only where records are is known. */
  position?: Position | undefined
  /** Where the record begins that is being shown; absent: as `position`. */
  recordStart?: Position | undefined
  /** Problems kept of each severity. */
  problemsMax: number
  /** Given every key, for duplicates to be looked for. */
  keys?: KeyIndex | undefined
  /** Given the elements of collections too large to be looked into otherwise. */
  elements?: KeyIndex | undefined
  /** A wrong checksum is a warning. */
  ignoreChecksum?: boolean | undefined
}

/** Verifies everything it is shown; give it to the `run` of a source, then tell it the end. */
export class SoundnessVisitor implements EntryVisitor {
  readonly findings: Findings
  readonly huge: HugeCollections
  keys = 0
  /** The file is the head of an append-only file, whose commands follow. */
  isPreamble = false
  readonly passer: Passer | undefined
  readonly damage: NonNullable<EntryVisitor['damage']>
  /** Records that are no keys. */
  others = 0
  readonly #stored: boolean
  readonly #position: Position
  readonly #recordStart: Position
  readonly #version: VersionSoundness
  readonly #ignoreChecksum: boolean
  readonly #index: KeyIndex | undefined
  readonly #sizes: DatabaseSizes
  readonly #values: ValuesSoundness
  readonly #libraries = new Set<string>()
  /** The last record that is no key. */
  #otherStart = 0
  #otherEnd = MAGIC_BYTES
  readonly #checksumBytes: number
  #entry: Entry | undefined
  #db = -1

  constructor(options: SoundnessOptions) {
    const {header, problemsMax, keys, elements, ignoreChecksum} = options
    const {position = () => this.#entry?.offset ?? 0, recordStart = position} = options
    this.findings = new Findings(problemsMax)
    this.huge = new HugeCollections(elements)
    this.#stored = header !== undefined
    this.#position = position
    this.#recordStart = recordStart
    this.#version = new VersionSoundness(this.findings, header)
    this.#checksumBytes = (header?.rdbVersion ?? 0) < CHECKSUM_VERSION_MIN ? 0 : CHECKSUM_BYTES
    this.#ignoreChecksum = ignoreChecksum === true
    this.#index = keys
    if (this.#stored) this.passer = this.#passerOf(keys)
    this.#sizes = new DatabaseSizes(this.findings)
    const values = new ValuesSoundness(this.findings, position, this.huge)
    this.#values = values
    this.damage = error => values.damaged(error)
  }

  #passerOf(keys: KeyIndex | undefined): Passer {
    const passer: Passer = {
      ...passesAll(true),
      types: this.#version.typesTaken,
      begin: (entry, offset) => this.#passedFrom(entry, offset),
      add: sums => this.#passed(sums),
    }
    if (keys !== undefined) passer.keys = keysInto(keys)
    return passer
  }

  entry(entry: Entry): ValueVisitor {
    this.keys++
    // The reader has but one entry, filled anew for every key.
    if (this.#entry !== entry) this.#entry = this.findings.entry = entry
    if (!this.#stored && entry.db !== this.#db) this.#meet(entry)
    const database = this.#sizes.present
    database.keys++
    if (entry.expireAtMs !== NEVER) {
      database.expires++
      if (entry.expireAtMs < 0) tellNegativeExpiry(this.findings, entry)
    }
    if (this.#index !== undefined) {
      const {bytes, start, end} = entry.keyBytes
      this.#index.add(entry.db, bytes, start, end, entry.offset)
    }
    if (this.#stored) this.#record(entry)
    return this.#values.of(entry)
  }

  /** What stands before a key's value in an RDB file. */
  #record(entry: Entry): void {
    const before = Math.max(entry.endOffset, this.#otherEnd)
    if (entry.offset < before) tellDangling(this.findings, entry.offset)
    const plain = entry.typeId === op.TYPE_STRING && entry.keyMeta === undefined && entry.dragonflyMask < 0
    if (!plain || this.#version.isOld) this.#version.entry(entry)
  }

  #meet({db, offset}: Entry): void {
    this.#db = db
    this.#sizes.meet(db, offset)
  }

  problem(problem: Problem): void {
    if (problem.code === 'BAD_CHECKSUM' && this.#ignoreChecksum) {
      this.findings.add({...problem, severity: 'warning'})
    } else if (problem.code === 'TRAILING_BYTES' && this.isPreamble) {
      const text = `${problem.text.split(' ')[0]} bytes of append-only log follow the RDB file: they are not checked`
      this.findings.add({...problem, code: 'LOG_UNCHECKED', text})
    } else {
      this.findings.add(problem)
    }
  }

  selectDb(db: number): void {
    if (!this.#stored) return
    this.#other()
    this.#sizes.select(db, this.#otherStart)
  }

  resizeDb(db: number, keys: number, expires: number): void {
    this.#other('RESIZEDB')
    this.#sizes.announce(db, keys, expires, this.#otherStart)
  }

  aux(name: string, value: Uint8Array): void {
    this.#other('AUX')
    const oddity = auxOddity(name, value)
    if (oddity !== undefined) this.findings.inFile('BAD_AUX', oddity.severity, this.#otherStart, oddity.text)
    if (name === 'slot-info') this.#announceSlot(parseSlotHint(value))
    if (name === 'aof-preamble' && value.length === 1 && value[0] === 0x31) this.isPreamble = true
  }

  function(source: Uint8Array): void {
    this.#other('FUNCTION2')
    const head = parseLibraryHead(source)
    if (typeof head === 'string') {
      this.#error('BAD_FUNCTION', head)
    } else if (this.#libraries.has(head.name)) {
      this.#error('DUPLICATE_FUNCTION', `there are two function libraries ${head.name}: servers refuse the file`)
    } else {
      this.#libraries.add(head.name)
    }
  }

  functionPreGa(): void {
    this.#other()
    this.#error('FUNCTION_CANDIDATE', 'functions as 7.0 release candidates stored them: every release refuses the file')
  }

  moduleAux({module, when}: ModuleAux): void {
    this.#other('MODULE_AUX')
    if (when === 1 || when === 2) return
    this.#error('BAD_MODULE', `data of module ${module} belong before (1) or after (2) the keys, not ${when}`)
  }

  slotInfo({slot, keys}: SlotInfo): void {
    this.#other('SLOT_INFO')
    this.#announceSlot({slot, keys})
    if (slot >= SLOT_COUNT) this.#error('BAD_SLOT', `a hint is for slot ${slot}; there are ${SLOT_COUNT}`)
  }

  vendorOpcode(_opcode: number, offset: number): void {
    this.#version.enterprise(offset)
    // Among the attributes of a key it belongs to the key's record.
    if (this.#recordStart() === offset) this.#otherEnd = this.#position()
  }

  /** Valkey refuses ranges that overlap or do not ascend (valkey 9.0 cluster_migrateslots.c). */
  slotImport(job: string, ranges: readonly [first: number, last: number][]): void {
    this.#other()
    let next = 0
    for (const [first, last] of ranges) {
      if (first >= next && last >= first && last < SLOT_COUNT) {
        next = last + 1
        continue
      }
      this.#error('BAD_SLOT', `job ${JSON.stringify(job)} imports slots ${first} to ${last}, which cannot be`)
      return
    }
  }

  hashTemplate(id: number, fields: readonly Uint8Array[]): void {
    this.#other('HASH_TEMPLATE')
    for (let i = 1; i < fields.length; i++) {
      if (comesBefore(fields[i - 1]!, fields[i]!)) continue
      this.#error('UNSORTED', `field ${i} of hash template ${id} does not come after the one before it`)
      return
    }
  }

  /** The database of the record at an offset. */
  dbAt(offset: number): number | undefined {
    return this.#sizes.dbAt(offset)
  }

  /** Keys that somebody else has looked at. */
  countKeys({keys, expires}: KeyCounts): void {
    this.keys += keys
    const database = this.#sizes.present
    database.keys += keys
    database.expires += expires
  }

  /** The end of the file has been reached, at `bytes`; the last record ends at `before`. */
  finish(bytes: number, before = Math.max(this.#entry?.endOffset ?? 0, this.#otherEnd)): void {
    this.#sizes.finish()
    if (!this.#stored) return
    const end = bytes - this.#checksumBytes - 1
    if (end > before) tellDangling(this.findings, before)
  }

  #passed({keys, expiring}: PassedEntries): void {
    this.countKeys({keys, expires: expiring})
  }

  #passedFrom(entry: Entry, offset: number): void {
    if (this.#entry !== entry) this.#entry = this.findings.entry = entry
    const before = Math.max(entry.endOffset, this.#otherEnd)
    if (offset < before) tellDangling(this.findings, offset)
  }

  #announceSlot(hint: SlotHint | undefined): void {
    if (hint !== undefined) this.#sizes.announceSlot(hint.slot, hint.keys, this.#otherStart)
  }

  /** A record that is no key has been read. */
  #other(opcode?: Opcode): void {
    this.others++
    this.#otherStart = this.#recordStart()
    this.#otherEnd = this.#position()
    if (opcode !== undefined) this.#version.opcode(opcode, this.#otherStart)
  }

  #error(code: string, text: string): void {
    this.findings.inFile(code, 'error', this.#otherStart, text)
  }
}

/** What a passer does with keys that are to be looked for twice. */
export function keysInto(index: KeyIndex): NonNullable<Passer['keys']> {
  return (db, bytes, places, count, base) => {
    for (let i = 0; i < 3 * count; i += 3) index.add(db, bytes, places[i + 1]!, places[i + 2]!, base + places[i]!)
  }
}

/** The order of names in a template: by length, then by bytes (redis 8.10). */
function comesBefore(a: Uint8Array, b: Uint8Array): boolean {
  return a.length !== b.length ? a.length < b.length : Buffer.compare(a, b) < 0
}
