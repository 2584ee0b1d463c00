/**
 * Writes an RDB file, the mirror of reader.ts and records.ts: it is shown
 * entries and answers with who writes their values.
 *
 *   magic version   aux*   function*   (SELECTDB [RESIZEDB] record*)*   ff [checksum]
 *
 * A value goes as it is stored where the target takes that form; else it is
 * shown by element, and stored as the target itself would.
 *
 * RESIZEDB stands before the keys it counts: it is written as zeros, in lengths of
 * five bytes, and replaced at the end, the checksum corrected.
 */
import type {LentBytes} from '../bytes/lent.js'
import type {ByteTarget} from '../bytes/target.js'
import type {ByteWriter} from '../bytes/writer.js'
import {writeString} from '../encoding/string.js'
import {UnsupportedError} from '../errors.js'
import {type Entry, NEVER, type RecordHead} from '../keyspace/entry.js'
import {libraryName} from '../keyspace/library-name.js'
import type {LossKind, LossReport} from '../keyspace/loss-report.js'
import {OrderedStreamVisitor} from '../keyspace/ordered-stream-visitor.js'
import {OrderedVisitor} from '../keyspace/ordered-visitor.js'
import {type ModuleAux, SKIP, type SlotInfo, type ValueVisitor} from '../keyspace/visitor.js'
import {canCopy} from './copying.js'
import {LOST, moduleData} from './loss-kinds.js'
import * as op from './opcodes.js'
import type {LentWindow} from './output.js'
import {lostWhole, type Policy, policyOf} from './policy.js'
import {EXPIRY_MS_VERSION, RecordHeadWriter} from './record-head.js'
import {SortedRecords, type StoredRecord, type TwinRule} from './sorted-records.js'
import type {Target} from './targets.js'
import {RawWriter, type ValueSink, type ValueWriter} from './value/writer.js'
import {valueWriters, type WrittenType} from './value/writers.js'
import type {RdbHeader} from './versions.js'
import {WrittenFile} from './written-file.js'
import {writeHashTemplate, writeModuleAux, writeSlotImport, writeSlotInfo} from './written-others.js'

export interface RdbWriterOptions {
  target: Target
  /** Compress strings where that pays; absent: yes. */
  compress?: boolean | undefined
  /** Store every value anew, even where the target takes it as it is. */
  reencode?: boolean | undefined
  /** Takes what the target has no place for, and the rest is written; absent: what is no hint is refused by an UnsupportedError. */
  losses?: LossReport | undefined
  /** Fields that expired before are left out where the target has no expiries of fields; absent: none are. */
  nowMs?: number | undefined
  /** References to hash templates are kept: the templates are written as they come. */
  templates?: boolean | undefined
  /**
   * Keys in the order of database and bytes, and what has no order of its own within values too: the same data makes
   * the same bytes. Temporary files take what does not fit the memory.
   */
  sort?: SortOptions | undefined
  /** Where there are several files: the number of the one that a key goes to. What stands beside the keys goes to all. */
  fileOf?: ((key: LentBytes) => number) | undefined
  /** Told of every record that begins, with its place in the file; not of those that are taken whole (`records`). */
  onRecord?: ((head: RecordHead, offset: number) => void) | undefined
}

export interface SortOptions {
  /** For records; values have as much of their own. */
  memoryBytes?: number | undefined
  /** Which of several records of one key stays. */
  twins: TwinRule
  /** Told of each that does not, and of the one beside it that does. */
  onTwin: (record: StoredRecord, stays: StoredRecord) => void
}

export class RdbWriter implements ValueSink {
  readonly policy: Policy
  /** Whose stored bytes are shown; undefined: of a source that has none. */
  sourceFamily: op.Family | undefined
  /** Which of several sources is shown. */
  sourceNumber = 0
  /** Empty collections, which are no keys. */
  emptied = 0
  /** Modules that values or data are of: without them no server loads the file. */
  readonly modules = new Set<string>()
  readonly #target: Target
  readonly files: readonly WrittenFile[]
  /** The one that is written to. */
  #file: WrittenFile
  readonly #writers: Readonly<Record<WrittenType, ValueWriter>>
  readonly #raw: RawWriter
  readonly #sorted: SortedRecords | undefined
  readonly #ordered = new OrderedVisitor()
  readonly #orderedStream = new OrderedStreamVisitor()
  /** What is written belongs to a record that is sorted. */
  #inRecord = false
  /** Where the record begins that is open. */
  #recordAt = 0
  #handingOn = false
  /** What stands behind the keys, where they are written last. */
  readonly #behind: ModuleAux[] = []
  #head!: RecordHead
  #entry!: Entry
  /** Number of the entry, by which losses of it are known. */
  #record = 0
  readonly #headWriter: RecordHeadWriter

  constructor(
    target: ByteTarget | readonly ByteTarget[],
    readonly options: RdbWriterOptions,
  ) {
    this.#target = options.target
    this.policy = policyOf(options.target, options.compress)
    const targets = 'write' in target ? [target] : target
    this.files = targets.map((one, at) => new WrittenFile(one, this.header, at, targets.length))
    this.#file = this.files[0]!
    this.#writers = valueWriters(this, this.policy)
    this.#raw = new RawWriter(this, this.policy)
    // Of the source's own version all is copied as it is.
    this.#raw.watchesScores = !options.target.own
    this.#headWriter = new RecordHeadWriter(options.target, this.policy.compress, kind => this.lose(kind))
    if (options.sort !== undefined) this.#sorted = new SortedRecords(options.sort.memoryBytes)
  }

  get out(): ByteWriter {
    return this.#inRecord ? this.#sorted!.out : this.#file.output.out
  }

  /** Keys written. */
  get keys(): number {
    return this.files.reduce((sum, {keys}) => sum + keys, 0)
  }

  /** Of the databases that have something in them, as far as it has been written. */
  get highestDb(): number {
    return Math.max(...this.files.map(({highestDb}) => highestDb))
  }

  get nowMs(): number {
    return this.options.nowMs ?? Number.NEGATIVE_INFINITY
  }

  /** Magic and version of the file. */
  get header(): RdbHeader {
    const {family, rdbVersion} = this.#target
    return {magic: family === 'valkey' ? 'VALKEY' : 'REDIS', family, rdbVersion}
  }

  /** Whether the target has a place for slots that are being imported. */
  get takesSlotImports(): boolean {
    return this.#target.family === 'valkey'
  }

  /** Whether it has a place for facts about the file. */
  get takesAux(): boolean {
    return this.#knows(7)
  }

  /** Where the present file has come to. */
  get place(): number {
    return this.#file.place
  }

  /** Who writes the value of this entry, under another head where one is given. `elements`: not as it is stored. */
  entry(entry: Entry, head: RecordHead = entry, elements = false): ValueVisitor {
    this.#entry = entry
    this.#head = head
    this.#record++
    const sorts = this.#sorted !== undefined
    // Nobody can order what is in it, nor store it otherwise.
    const asStored = sorts ? entry.type === 'cron' : !elements && this.options.reencode !== true
    if (asStored && canCopy(entry.typeId, this.sourceFamily, this.#target, !sorts && this.options.templates === true)) {
      this.#raw.typeId = entry.typeId
      return this.#raw
    }
    const lost = lostWhole(entry.type, this.policy)
    if (lost !== undefined) {
      this.lose(lost)
      return SKIP
    }
    const writer = this.#writers[entry.type as WrittenType]
    if (!sorts) return writer
    return (entry.type === 'stream' ? this.#orderedStream : this.#ordered).showTo(writer)
  }

  /** A bit for each type below 32 whose records can be copied whole: with their attributes, many at a time. */
  get copiedTypes(): number {
    if (this.options.sort !== undefined || !this.#knows(EXPIRY_MS_VERSION)) return 0
    let bits = 0
    for (let type = 0; type < 32; type++) if (this.#copies(type)) bits |= 1 << type
    return bits
  }

  /** Takes whole records of one database, as the target has them; `count` follows. Returns where they begin in the file: `onRecord` is not told. */
  records(db: number, bytes: Uint8Array, start: number, end: number, window?: LentWindow): number {
    if (db !== this.#file.db) this.#file.selectDb(db)
    const at = this.place
    this.#file.output.take(bytes, start, end, window)
    return at
  }

  /** Waits until there is room for more, and windows can be filled anew. */
  drain(): Promise<void> | undefined {
    // Bytes that are to be written later are those of a single file.
    return this.#file.target.drain()
  }

  /** Counts keys of the present database that were taken whole. */
  count(keys: number, expiring: number): void {
    this.#file.count(keys, expiring)
  }

  /** `nameBytes`: where `name` is not all of it. */
  aux(name: string, value: Uint8Array, nameBytes: Uint8Array = Buffer.from(name)): void {
    if (!this.takesAux) return
    this.#toEach(out => {
      out.u8(op.OPCODE_AUX)
      writeString(out, nameBytes, 0, nameBytes.length, this.policy.compress)
      writeString(out, value, 0, value.length, this.policy.compress)
    })
  }

  /** The whole source of a library. */
  function(source: Uint8Array): void {
    if (!this.#knows(10)) {
      this.#loseBeside(LOST.functions, libraryName(source))
      return
    }
    this.#toEach(out => {
      out.u8(op.OPCODE_FUNCTION2)
      writeString(out, source, 0, source.length, this.policy.compress)
    })
  }

  moduleAux(aux: ModuleAux): void {
    const {module, when} = aux
    if (!this.#knows(9)) {
      this.#loseBeside(moduleData(module))
      return
    }
    if (this.#sorted !== undefined && when === AFTER_KEYS && !this.#handingOn) {
      this.#behind.push(aux)
      return
    }
    this.#needs(module)
    this.#toEach(out => writeModuleAux(out, aux))
  }

  /** Of a target that knows none, hashes are written with their own fields. */
  hashTemplate(id: number, fields: readonly Uint8Array[]): void {
    if (!this.#target.types.has(op.TYPE_HASH_LISTPACK_REF)) return
    writeHashTemplate(this.out, id, fields, this.policy.compress)
    this.settle()
  }

  /** A hint about the keys of a database that follow. */
  slotInfo(slot: SlotInfo, db: number): void {
    if (this.#target.family !== 'redis' || !this.#knows(12)) return
    if (db !== this.#file.db) this.#file.selectDb(db)
    writeSlotInfo(this.out, slot)
  }

  slotImport(job: string, ranges: readonly [first: number, last: number][]): void {
    writeSlotImport(this.out, job, ranges)
  }

  /** Ends the file, or all of them. Returns the size in bytes. */
  finish(): number {
    if (this.#sorted !== undefined) this.#handOn(this.#sorted)
    const bytes = this.files.reduce((sum, file) => sum + file.finish(), 0)
    this.dispose()
    return bytes
  }

  /** Removes temporary files. */
  dispose(): void {
    for (const writer of Object.values(this.#writers)) writer.dispose()
    this.#sorted?.close()
    this.#ordered.close()
    this.#orderedStream.close()
  }

  open(typeId: number, mayGo = false): void {
    const head = this.#head
    if (this.#sorted !== undefined) {
      this.#sorted.begin()
      this.#inRecord = true
    } else {
      this.#goTo(head.keyBytes, head.db)
      if (mayGo) this.#file.output.mark()
    }
    this.#recordAt = this.place
    this.#headWriter.write(this.out, head, typeId)
    if (!this.#inRecord) this.count(1, head.expireAtMs === NEVER ? 0 : 1)
  }

  settle(): void {
    if (this.#inRecord) this.#sorted!.settle()
    else this.#file.output.settle()
  }

  take(bytes: Uint8Array, start: number, end: number): void {
    if (this.#inRecord) this.#sorted!.take(bytes, start, end)
    else this.#file.output.take(bytes, start, end)
  }

  close(): void {
    if (this.#entry.type === 'module') this.#needs(this.#entry.module)
    this.options.onRecord?.(this.#head, this.#recordAt)
    if (this.#inRecord) {
      this.#sorted!.end(this.#head, this.sourceNumber)
    } else {
      this.#file.output.settle()
      this.#file.output.keep()
    }
    this.#inRecord = false
  }

  takeBack(kind: LossKind): void {
    // What is not ended is forgotten there.
    if (this.#inRecord) this.#inRecord = false
    else if (this.#file.output.takeBack()) this.count(-1, this.#head.expireAtMs === NEVER ? 0 : -1)
    else this.refuse(kind.what)
    this.lose(kind)
  }

  passEmpty(): void {
    this.emptied++
  }

  lose(kind: LossKind): void {
    const {losses} = this.options
    if (losses !== undefined) losses.addKey(kind, this.#head, this.#record)
    else if (kind.data) this.refuse(kind.what)
  }

  refuse(what: string): never {
    const error = this.#cannot(what, this.#entry.offset)
    const {db, keyBytes} = this.#head
    error.place = {db, key: keyBytes.copy(), type: this.#entry.type, recordOffset: this.#entry.offset}
    throw error
  }

  #copies(typeId: number): boolean {
    const {reencode, templates} = this.options
    return reencode !== true && canCopy(typeId, this.sourceFamily, this.#target, templates === true)
  }

  /** Writes all records, now that their order is known. */
  #handOn(sorted: SortedRecords): void {
    const {twins, onTwin} = this.options.sort!
    this.#handingOn = true
    const begin = ({db, key, expires}: StoredRecord): void => {
      this.#goTo(key, db)
      this.count(1, expires ? 1 : 0)
    }
    sorted.handOn(begin, (bytes, start, end) => this.#file.output.take(bytes, start, end), twins, onTwin)
    for (const aux of this.#behind) this.moduleAux(aux)
  }

  /** What stands beside the keys. */
  #toEach(write: (out: ByteWriter) => void): void {
    for (const {output} of this.files) {
      write(output.out)
      output.settle()
    }
  }

  /** A key comes next. */
  #goTo(key: LentBytes, db: number): void {
    const {fileOf} = this.options
    if (fileOf !== undefined) this.#file = this.files[fileOf(key)]!
    if (db !== this.#file.db) this.#file.selectDb(db)
  }

  /** Something beside the keys has no place. */
  #loseBeside(kind: LossKind, name?: string): void {
    const {losses} = this.options
    if (losses === undefined) throw this.#cannot(kind.what, 0)
    losses.add(kind, name)
  }

  #needs(module: string): void {
    if (this.modules.size < MODULES_MAX) this.modules.add(module)
  }

  #knows(rdbVersion: number): boolean {
    return this.#target.rdbVersion >= rdbVersion
  }

  #cannot(what: string, offset: number): UnsupportedError {
    return new UnsupportedError('NOT_IN_TARGET', `${this.#target.name} cannot hold ${what}`, offset)
  }
}

/** Whoever has more sees the kind. */
const MODULES_MAX = 100
/** Of MODULE_AUX: it stands behind the keys. */
const AFTER_KEYS = 2
