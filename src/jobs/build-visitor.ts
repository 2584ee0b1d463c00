/**
 * Between sources and the file that is built of them: which entries go in,
 * under which key, and what is counted.
 */
import {kernel} from '../bytes/kernel.js'
import type {Entry} from '../keyspace/entry.js'
import {type EntryChanges, FieldChangingVisitor} from '../keyspace/entry-changes.js'
import type {LossReport, Lost} from '../keyspace/loss-report.js'
import type {Passer} from '../keyspace/passer.js'
import type {Selection} from '../keyspace/selection.js'
import {
  type EntryVisitor,
  type ModuleAux,
  type Problem,
  SKIP,
  type SlotInfo,
  type ValueVisitor,
} from '../keyspace/visitor.js'
import {LOST} from '../rdb/loss-kinds.js'
import {convertedTypes, OlderRecords} from '../rdb/older-records.js'
import {typesOf} from '../rdb/opcodes.js'
import {mayExpire} from '../rdb/value/writer.js'
import type {RdbWriter} from '../rdb/writer.js'
import {ConflictError, type Libraries, type WrittenKeys} from './build-conflicts.js'
import type {BuildHead} from './build-head.js'
import type {Misplaced, SlotRouter} from './build-router.js'
import type {Survey} from './build-survey.js'

export interface BuildVisitorOptions {
  writer: RdbWriter
  head: BuildHead
  selection: Selection
  changes: EntryChanges
  survey: Survey
  libraries: Libraries
  losses: LossReport
  /** Left out, and counted: values of modules with what stands beside them, libraries of functions. */
  drops: Drops
  /** All of one source goes in, as it is: what it says of all its keys stays true. */
  whole: boolean
  /** For the product itself: marks that only it knows go along. */
  keepsMarks: boolean
  /** Records stay what they are, and none is left out for another: those that are selected may be copied many at a time. */
  keepsRecords: boolean
  /** Told of every key that is copied so; of others, the writer tells. */
  keys: WrittenKeys | undefined
  /** Libraries of functions wait until all are known, and go in the order of their names. */
  sort: boolean
  /** Which of several files a key goes to. */
  router: SlotRouter | undefined
  /** There where a source is a shard of a cluster. */
  misplaced: Misplaced | undefined
}

/** What is left out by name. */
export interface Drops {
  modules: boolean
  functions: boolean
}

export class BuildVisitor implements EntryVisitor {
  keysIn = 0
  #db = 0
  problem: (problem: Problem) => void = () => {}
  readonly #skipped = new Map<string, number>()
  readonly #moduleAux = new Map<string, Uint8Array>()
  readonly #fields: FieldChangingVisitor
  readonly #copier: Passer
  /** There where whole records of the present source can be copied. */
  passer: Passer | undefined = undefined
  /** There instead of it where others can be converted beside them, many at a time. */
  take: EntryVisitor['take'] = undefined
  takeWaits = false
  readonly #older: OlderRecords

  constructor(readonly options: BuildVisitorOptions) {
    this.#fields = new FieldChangingVisitor(options.changes)
    this.#copier = this.#copies()
    this.#older = new OlderRecords(options.writer.policy.compress)
  }

  /** Another source begins, or a part of one. */
  begins(family: 'redis' | 'valkey' | undefined): void {
    const {writer} = this.options
    writer.sourceFamily = family
    this.selectDb(0)
  }

  /** Settles which records of a database are copied or converted whole. */
  #settleWhole(db: number): void {
    const {writer, keepsRecords, changes, keys, router, misplaced} = this.options
    this.passer = this.take = undefined
    this.takeWaits = false
    if (!keepsRecords || router?.takesDb(changes.dbOf(db)) === false || router?.isWhole === false) return
    const copied = this.#selected(db, writer.copiedTypes)
    // Of what is converted nobody is told which keys they are.
    const told = (keys ?? router ?? misplaced) !== undefined
    const converted = told || this.options.sort ? 0 : this.#selected(db, convertedTypes(writer.policy) & ~copied)
    this.#copier.types = this.#older.copied = copied
    this.#older.converted = converted
    if (converted !== 0) this.take = this.#convert
    else if (copied !== 0) this.passer = this.#copier
  }

  /** Those of the types, a bit each, of which all keys of a database are selected. */
  #selected(db: number, types: number): number {
    const {selection} = this.options
    return COMMON_TYPES.reduce(
      (bits, {id, type}) => (selection.takesAll(db, type) ? bits | (types & (1 << id)) : bits),
      0,
    )
  }

  #convert(from: number, start: number, end: number): number {
    const {writer, head, changes} = this.options
    const older = this.#older
    const reached = older.write(start, end)
    this.takeWaits = older.goesOn
    if (reached === start) return start
    head.write(writer)
    writer.records(changes.dbOf(from), kernel().bytes, older.start, older.end)
    this.keysIn += older.keys
    writer.count(older.keys, older.expiring)
    return reached
  }

  #copies(): Passer {
    const {writer, head, changes, keys: written, router, misplaced} = this.options
    // From a place in the window to the one in the file.
    let shift = 0
    // Where the last record ends, in the window.
    let last = 0
    const keys: Passer['keys'] = (from, bytes, places, count) => {
      const db = changes.dbOf(from)
      misplaced?.lookAll(bytes, places, count)
      if (router !== undefined) router.copy(writer, {db, bytes, places, count, end: last}, written)
      else written?.addAll(db, bytes, places, count, shift)
    }
    return {
      deep: false,
      types: 0,
      bytesEnd: Number.POSITIVE_INFINITY,
      elementsEnd: Number.POSITIVE_INFINITY,
      nowMs: 0,
      begin: () => head.write(writer),
      records: (db, bytes, start, end, summed) => {
        last = end
        if (router !== undefined) return
        shift = writer.records(changes.dbOf(db), bytes, start, end, {summed}) - start
      },
      add: ({keys, expiring}) => {
        this.keysIn += keys
        if (router === undefined) writer.count(keys, expiring)
      },
      ...((written ?? router ?? misplaced) ? {keys} : {}),
    }
  }

  entry(entry: Entry): ValueVisitor {
    const {writer, head, selection, changes, survey, drops, router, misplaced} = this.options
    misplaced?.look(entry.keyBytes.bytes, entry.keyBytes.start, entry.keyBytes.end)
    const number = this.keysIn++
    const reason = selection.everything ? undefined : selection.refusal(entry)
    if (reason !== undefined) return this.#skip(reason)
    if (drops.modules && entry.type === 'module') return this.#skip('module')
    if (survey.wrongSize.has(number)) return this.#skip('bytes')
    if (survey.replaced.has(number)) return this.#skip('conflict')
    const written = changes.headOf(entry)
    if (router?.takes(written) === false) return SKIP
    head.write(writer)
    if (entry.dragonflyMask >= 0) this.options.losses.addKey(LOST.dragonflyFlags, entry, number)
    if (!changes.expiries || entry.type !== 'hash' || !mayExpire(entry.typeId)) {
      return writer.entry(entry, written)
    }
    return this.#fields.showTo(writer.entry(entry, written, true))
  }

  aux(name: string, value: Uint8Array, nameBytes?: Uint8Array): void {
    const {head, writer, keepsMarks, losses} = this.options
    const became = head.add(name, value, writer, nameBytes)
    if (became === 'kept' && !writer.takesAux && !MADE_ANEW.has(name)) losses.add(LOST.aux, name)
    if (became !== 'of a key') return
    if (keepsMarks) {
      head.write(writer)
      writer.aux(name, value, nameBytes)
    } else if (name === KEYDB_MEMBER) {
      losses.add(LOST.keydbMembers, Buffer.from(value).toString('utf8'))
    }
  }

  function(source: Uint8Array): void {
    const {writer, head, libraries, drops} = this.options
    if (drops.functions) {
      this.#skip('function')
      return
    }
    const resolved = libraries.resolve(source)
    if (resolved === undefined) return
    head.write(writer)
    if (!this.options.sort) writer.function(resolved)
  }

  drain(): Promise<void> | undefined {
    return this.options.writer.drain()
  }

  /** Everything has been shown: what waited is written. */
  finish(): void {
    const {writer, head} = this.options
    head.write(writer)
    if (!this.options.sort) return
    for (const source of this.options.libraries.sorted()) writer.function(source)
  }

  /** Servers refuse the form of release candidates: the same library, in the form that they take. */
  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    const line = [Buffer.from('#!'), engine, Buffer.from(' name='), name, Buffer.from('\n')]
    this.function(new Uint8Array(Buffer.concat([...line, code])))
  }

  /** Several sources that say the same of a module say it once. */
  moduleAux(aux: ModuleAux): void {
    const {writer, head, drops} = this.options
    if (drops.modules) {
      this.#skip('moduleData')
      return
    }
    const id = `${aux.module} ${aux.version} ${aux.when}`
    const before = this.#moduleAux.get(id)
    if (!this.options.whole && before !== undefined) {
      if (Buffer.compare(before, aux.payload) === 0) return
      throw new ConflictError([], [], [aux.module])
    }
    this.#moduleAux.set(id, aux.payload)
    head.write(writer)
    writer.moduleAux(aux)
  }

  hashTemplate(id: number, fields: readonly Uint8Array[]): void {
    const {writer, head} = this.options
    if (!writer.options.templates) return
    head.write(writer)
    writer.hashTemplate(id, fields)
  }

  selectDb(db: number): void {
    this.#db = db
    this.#settleWhole(db)
  }

  slotInfo(info: SlotInfo): void {
    const {writer, head, whole} = this.options
    if (!whole) return
    head.write(writer)
    writer.slotInfo(info, this.#db)
  }

  slotImport(job: string, ranges: readonly [first: number, last: number][]): void {
    const {writer, head, whole, losses} = this.options
    head.write(writer)
    if (whole && writer.takesSlotImports) writer.slotImport(job, ranges)
    else losses.add(LOST.slotImports, job)
  }

  /** What became of all keys. */
  counts(): {
    keysIn: number
    keysOut: number
    skipped: {reason: string; keys: number}[]
    lost: Lost[]
  } {
    const {writer, losses} = this.options
    const {keys, emptied} = writer
    const skipped = [...this.#skipped].map(([reason, count]) => ({reason, keys: count}))
    if (emptied > 0) skipped.push({reason: 'empty', keys: emptied})
    return {keysIn: this.keysIn, keysOut: keys, skipped, lost: losses.list()}
  }

  #skip(reason: string): ValueVisitor {
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + 1)
    return SKIP
  }
}

/** Types that may be copied many at a time: of whatever family, they have these numbers. */
const COMMON_TYPES = Object.entries(typesOf('redis'))
  .map(([id, [type]]) => ({id: Number(id), type}))
  .filter(({id}) => id < 32)

/** What a snapshot says of whoever wrote it: another says it of itself. */
const MADE_ANEW = new Set(['redis-ver', 'valkey-ver', 'redis-bits', 'ctime', 'used-mem'])
/** One such field belongs to the key before it. */
const KEYDB_MEMBER = 'keydb-subexpire-key'
