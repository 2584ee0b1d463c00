/**
 * A look through all sources before anything is written: which entries are
 * left out by their size, and which by another of the same key.
 *
 *   sizes      every value is seen once; an entry of the wrong size leaves a bit
 *   conflicts  fingerprints of all keys; entries that share one are looked at once
 *              more, under fingerprints of another seed: what shares both is one key
 *
 * An entry is known by its number, counted through all sources. Nothing is kept
 * of it but bits and fingerprints.
 */
import {layoutOfProducer} from '../analysis/memory/layout.js'
import {MemoryModel} from '../analysis/memory/model.js'
import {MemoryVisitor} from '../analysis/memory/visitor.js'
import {Bitmap} from '../bytes/bitmap.js'
import {FormatError} from '../errors.js'
import type {Entry} from '../keyspace/entry.js'
import type {EntryChanges} from '../keyspace/entry-changes.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {KeyIndex} from '../keyspace/key-index.js'
import {libraryName} from '../keyspace/library-name.js'
import type {Selection} from '../keyspace/selection.js'
import {type EntryVisitor, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {producerOf} from '../rdb/producer.js'
import type {ConflictRule} from './build-conflicts.js'

/** What can be shown to a visitor once. */
type Opened = Pick<EntrySource, 'run'>

export interface SurveyOptions {
  /** Opens each source anew, in their order. */
  open: () => AsyncIterable<Opened>
  selection: Selection
  changes: EntryChanges
  /** Which of several entries of one key stays; `error` is settled when all is written. */
  onConflict: ConflictRule
  /** Entries are left out by their estimated memory. */
  bounded: boolean
  /** For the fingerprints. */
  memoryBytes: number | undefined
  /** How many sources there are. */
  sources: number
  /** Values of modules are left out. */
  dropModules?: boolean | undefined
}

export interface Survey {
  /** Numbers of entries that are left out by their size. */
  wrongSize: Bitmap
  /** Numbers of entries that another of the same key replaces. */
  replaced: Bitmap
  /** The last library of functions under each name, where that one stays. */
  lastLibraries: Map<string, Uint8Array>
}

/** Entries of one key in one source: a few are met, more is damage. */
const TWINS_MAX = 16

export async function surveySources(options: SurveyOptions): Promise<Survey> {
  const wrongSize = new Bitmap()
  const replaced = new Bitmap()
  const lastLibraries = new Map<string, Uint8Array>()
  if (options.bounded) {
    for await (const numbered of passes(options, wrongSize)) await numbered.run(new SizeVisitor(options, numbered))
  }
  const survey = {wrongSize, replaced, lastLibraries}
  if (options.onConflict !== 'error') await findReplaced(options, survey)
  return survey
}

/** One source in a pass over all: the numbers of its entries go on from the last. */
class Numbered {
  #number = -1

  constructor(
    readonly source: Opened,
    readonly options: SurveyOptions,
    readonly wrongSize: Bitmap,
    first: number,
  ) {
    this.#number = first - 1
  }

  get number(): number {
    return this.#number
  }

  /** Counts an entry; whether it is selected, as far as is known by now. */
  takes(entry: Entry): boolean {
    this.#number++
    const {selection, dropModules} = this.options
    if (dropModules === true && entry.type === 'module') return false
    return selection.takes(entry) && !this.wrongSize.has(this.#number)
  }

  async run(visitor: EntryVisitor): Promise<void> {
    await this.source.run(visitor)
  }
}

async function* passes(options: SurveyOptions, wrongSize: Bitmap): AsyncGenerator<Numbered> {
  let next = 0
  for await (const source of options.open()) {
    const numbered = new Numbered(source, options, wrongSize, next)
    yield numbered
    next = numbered.number + 1
  }
}

/** Estimates the memory of every selected key, as the server that wrote it would take it. */
class SizeVisitor implements EntryVisitor {
  readonly #aux = new Map<string, string>()
  #memory: NotingVisitor | undefined

  constructor(
    readonly options: SurveyOptions,
    readonly numbered: Numbered,
  ) {}

  aux(name: string, value: Uint8Array): void {
    if (this.#aux.size < AUX_MAX) this.#aux.set(name, Buffer.from(value).toString('latin1'))
  }

  entry(entry: Entry): ValueVisitor {
    if (!this.numbered.takes(entry)) return SKIP
    this.#memory ??= new NotingVisitor(this.#model(), this.options.selection, this.numbered)
    return this.#memory
  }

  #model(): MemoryModel {
    const valkey = this.#aux.has('valkey-ver')
    const origin = {family: valkey ? 'valkey' : 'redis', rdbVersion: 7} as const
    const {product, serverVersion} = producerOf(origin, this.#aux, false)
    return new MemoryModel(layoutOfProducer(product, serverVersion))
  }
}

const AUX_MAX = 100

class NotingVisitor extends MemoryVisitor {
  constructor(
    model: MemoryModel,
    readonly selection: Selection,
    readonly numbered: Numbered,
  ) {
    super(model)
  }

  override end(entry: Entry): void {
    super.end(entry)
    if (!this.selection.takesBytes(this.bytes)) this.numbered.wrongSize.add(this.numbered.number)
  }
}

/** Adds keys to an index: all that are selected, or of those the suspects. */
class KeysVisitor implements EntryVisitor {
  constructor(
    readonly index: KeyIndex,
    readonly numbered: Numbered,
    readonly changes: EntryChanges,
    readonly libraries: Map<string, Uint8Array>,
    readonly suspects?: Bitmap,
  ) {}

  function(source: Uint8Array): void {
    this.libraries.set(libraryName(source), source)
  }

  entry(entry: Entry): ValueVisitor {
    if (!this.numbered.takes(entry)) return SKIP
    const {number} = this.numbered
    if (this.suspects?.has(number) === false) return SKIP
    const {db, keyBytes} = this.changes.headOf(entry)
    this.index.add(db, keyBytes.bytes, keyBytes.start, keyBytes.end, number)
    return SKIP
  }
}

async function findReplaced(options: SurveyOptions, survey: Survey): Promise<void> {
  const suspects = new Bitmap()
  for await (const offsets of groups(options, survey)) for (const number of offsets) suspects.add(number)
  if (options.onConflict === 'first') survey.lastLibraries.clear()
  if (suspects.size === 0) return
  for await (const offsets of groups(options, survey, suspects)) {
    const others = options.onConflict === 'first' ? offsets.slice(1) : offsets.slice(0, -1)
    for (const number of others) survey.replaced.add(number)
  }
}

/** Numbers of entries whose keys share a fingerprint, ascending. */
async function* groups(options: SurveyOptions, survey: Survey, suspects?: Bitmap): AsyncGenerator<number[]> {
  const {memoryBytes, changes, sources} = options
  const offsetsPerGroupMax = sources * TWINS_MAX
  const index = new KeyIndex({memoryBytes, offsetsPerGroupMax})
  try {
    for await (const numbered of passes(options, survey.wrongSize)) {
      await numbered.run(new KeysVisitor(index, numbered, changes, survey.lastLibraries, suspects))
    }
    for await (const {count, offsets} of index.duplicates()) {
      if (count > offsets.length) {
        throw new FormatError('BAD_COUNT', `one key is there ${count} times in ${sources} sources: look for damage`, 0)
      }
      yield offsets
    }
  } finally {
    index.close()
  }
}
