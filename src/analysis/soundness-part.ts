/**
 * Whether a part of a snapshot is sound, wherever it begins: keys and values are verified here, records that are no keys
 * are listed for whoever sees the whole (soundness.ts), since what is wrong with them lies in what stands elsewhere.
 */
import {type Entry, NEVER} from '../keyspace/entry.js'
import {type PassedEntries, type Passer, passesAll} from '../keyspace/passer.js'
import type {EntryVisitor, ModuleAux, SlotInfo, ValueVisitor} from '../keyspace/visitor.js'
import * as op from '../rdb/opcodes.js'
import type {RdbHeader} from '../rdb/versions.js'
import {Findings} from './soundness-findings.js'
import type {HugeCollections} from './soundness-huge.js'
import {tellDangling, tellNegativeExpiry} from './soundness-keys.js'
import type {Position} from './soundness-value.js'
import {ValuesSoundness} from './soundness-values.js'
import {VersionSoundness} from './soundness-version.js'

/** What an EntryVisitor is shown beside keys, by the name of its method. */
type Shown = {
  [Name in
    | 'selectDb'
    | 'resizeDb'
    | 'aux'
    | 'function'
    | 'functionPreGa'
    | 'moduleAux'
    | 'slotInfo'
    | 'slotImport'
    | 'hashTemplate'
    | 'vendorOpcode']: {name: Name; shown: Parameters<NonNullable<EntryVisitor[Name]>>}
}[
  | 'selectDb'
  | 'resizeDb'
  | 'aux'
  | 'function'
  | 'functionPreGa'
  | 'moduleAux'
  | 'slotInfo'
  | 'slotImport'
  | 'hashTemplate'
  | 'vendorOpcode']

/** Keys, and those of them that expire. */
export interface KeyCounts {
  keys: number
  expires: number
}

/** A record that is no key: plain data. */
export type OtherRecord = Shown & {
  /** Since the one before. */
  counts: KeyCounts
  start: number
  end: number
}

export interface PartOptions {
  header: RdbHeader
  findings: Findings
  huge: HugeCollections
  /** Where the part begins. */
  start: number
  position: Position
  recordStart: Position
  /** Given the place of every key: as `Passer.keys`. */
  key: ((db: number, bytes: Uint8Array, start: number, end: number, offset: number) => void) | undefined
}

export class PartSoundness implements EntryVisitor {
  readonly passer: Passer
  /** Records that are no keys, in file order. */
  readonly others: OtherRecord[] = []
  /** Since the last of them. */
  counts: KeyCounts = {keys: 0, expires: 0}
  readonly #values: ValuesSoundness
  readonly #versionFindings = new Findings(0)
  readonly #version: VersionSoundness
  #otherEnd: number
  #entry: Entry | undefined

  constructor(readonly options: PartOptions) {
    const {header, findings, huge, start, position, key} = options
    this.#values = new ValuesSoundness(findings, position, huge)
    this.#version = new VersionSoundness(this.#versionFindings, header)
    this.#otherEnd = start
    this.passer = {
      ...passesAll(true),
      types: this.#version.typesTaken,
      begin: (entry, offset) => this.#follows(entry, offset),
      add: sums => this.#passed(sums),
    }
    if (key === undefined) return
    this.passer.keys = (db, bytes, places, count, base) => {
      for (let i = 0; i < 3 * count; i += 3) key(db, bytes, places[i + 1]!, places[i + 2]!, base + places[i]!)
    }
  }

  /** Something was met that is told once of a file: who has seen a part only cannot say whether it has been. */
  get isOdd(): boolean {
    return this.#versionFindings.errors + this.#versionFindings.warnings > 0
  }

  /** Where the last record ends. */
  get end(): number {
    return Math.max(this.#entry?.endOffset ?? 0, this.#otherEnd)
  }

  entry(entry: Entry): ValueVisitor {
    this.#follows(entry, entry.offset)
    const {counts, options} = this
    counts.keys++
    if (entry.expireAtMs !== NEVER) {
      counts.expires++
      if (entry.expireAtMs < 0) tellNegativeExpiry(options.findings, entry)
    }
    if (options.key !== undefined) {
      const {bytes, start, end} = entry.keyBytes
      options.key(entry.db, bytes, start, end, entry.offset)
    }
    const plain = entry.typeId === op.TYPE_STRING && entry.keyMeta === undefined && entry.dragonflyMask < 0
    if (!plain || this.#version.isOld) this.#version.entry(entry)
    return this.#values.of(entry)
  }

  damage: NonNullable<EntryVisitor['damage']> = error => this.#values.damaged(error)

  selectDb(db: number): void {
    this.#other({name: 'selectDb', shown: [db]})
  }

  resizeDb(...shown: [db: number, keys: number, expires: number]): void {
    this.#other({name: 'resizeDb', shown})
  }

  aux(name: string, value: Uint8Array): void {
    this.#other({name: 'aux', shown: [name, value.slice()]})
  }

  function(source: Uint8Array): void {
    this.#other({name: 'function', shown: [source.slice()]})
  }

  functionPreGa(): void {
    const none = new Uint8Array(0)
    this.#other({name: 'functionPreGa', shown: [none, none, none]})
  }

  moduleAux({module, version, when}: ModuleAux): void {
    this.#other({name: 'moduleAux', shown: [{module, version, when, payload: new Uint8Array(0)}]})
  }

  slotInfo(info: SlotInfo): void {
    this.#other({name: 'slotInfo', shown: [{...info}]})
  }

  slotImport(job: string, ranges: readonly [first: number, last: number][]): void {
    this.#other({name: 'slotImport', shown: [job, ranges]})
  }

  hashTemplate(id: number, fields: readonly Uint8Array[]): void {
    this.#other({name: 'hashTemplate', shown: [id, fields.map(field => field.slice())]})
  }

  vendorOpcode(opcode: number, offset: number): void {
    const {position, recordStart} = this.options
    const start = recordStart()
    this.#list({name: 'vendorOpcode', shown: [opcode, offset]}, start)
    if (start === offset) this.#otherEnd = position()
  }

  #other(shown: Shown): void {
    this.#list(shown, this.options.recordStart())
    this.#otherEnd = this.options.position()
  }

  #list(shown: Shown, start: number): void {
    this.others.push({...shown, counts: this.counts, start, end: this.options.position()})
    this.counts = {keys: 0, expires: 0}
  }

  #follows(entry: Entry, offset: number): void {
    // The reader has but one entry, filled anew for every key.
    if (this.#entry !== entry) this.#entry = this.options.findings.entry = entry
    if (offset < Math.max(entry.endOffset, this.#otherEnd)) tellDangling(this.options.findings, offset)
  }

  #passed({keys, expiring}: PassedEntries): void {
    this.counts.keys += keys
    this.counts.expires += expiring
  }
}
