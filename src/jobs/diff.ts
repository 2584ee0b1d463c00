/**
 * diff: what differs between two data sets, by what they mean.
 *
 *   digests    both sides are read; a digest of each entry goes into one index, and those that differ come out of it
 *   knots      only where keys share a fingerprint: those are told apart by the keys themselves
 *   passes     both sides are read again: what is on one alone is shown, what may differ is spread into its elements
 *   compare    side by side, exactly: what differs is shown
 *   again      only where the sink asks: entries of the second side are shown once more
 *
 * Entries whose digests of 128 bits are equal are taken for equal; whatever is told to differ was compared byte by byte.
 */
import {randomFillSync} from 'node:crypto'
import {ChangedMeanwhile, type OnPair, PairComparison} from '../analysis/diff-merge.js'
import {SpreadVisitor} from '../analysis/diff-spread.js'
import {Bitmap} from '../bytes/bitmap.js'
import {ByteSorter} from '../bytes/sorter.js'
import {PlacedError} from '../errors.js'
import type {DifferenceSink, Side} from '../keyspace/difference.js'
import type {MeaningOptions} from '../keyspace/digest.js'
import {EntryChanges} from '../keyspace/entry-changes.js'
import type {EntrySource, SourceOrigin} from '../keyspace/entry-source.js'
import {KeyIndex} from '../keyspace/key-index.js'
import {PlaceOrder} from '../keyspace/key-index-order.js'
import {Selection, type SelectionOptions} from '../keyspace/selection.js'
import type {EntryVisitor, Problem} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {type LogOptions, nameOf, type OpenOptions} from '../source/open.js'
import {surveySources} from './build-survey.js'
import {DiffCounts, sumOf} from './diff-counts.js'
import {DIGEST_WORDS, DigestPass, EXPIRY_WORDS, Places} from './diff-digests.js'
import {AgainPass, DifferencePass, KeysPass, Walk} from './diff-passes.js'
import {DiffPlan, type SideState} from './diff-plan.js'
import {changesOf, type DiffResult, type DiffSide, isAtEnd, type NamedChange, sameBytes} from './diff-result.js'
import {RepeatableSource, SourceChangedError} from './diff-source.js'
import {SizedVisitor} from './dump.js'

export const DIFF_MEMORY_BYTES = 128 * 1024 * 1024

export interface DiffOptions extends LogOptions {
  /** Shown what differs. */
  sink: DifferenceSink
  /** Applied to each side; databases are counted as the second does. */
  selection?: SelectionOptions | undefined
  /** Keys of one database of the first side count as of another. */
  mapDb?: readonly (readonly [from: number, to: number])[] | undefined
  /** Expiries do not matter. */
  ignoreExpiry?: boolean | undefined
  /** Nor do they where they are so near to each other, in milliseconds. */
  toleranceMs?: number | undefined
  /** What else does not matter. */
  ignore?: readonly ('idle' | 'frequency' | 'consumers')[] | undefined
  memoryBytes?: number | undefined
  ignoreChecksum?: boolean | undefined
  nowMs?: number | undefined
  onFetch?: OpenOptions['onFetch']
  /** Told of each source each time it is opened: to show how far the reading is. */
  onOpen?: ((source: EntrySource['source']) => void) | undefined
}

/** A source failed so that nothing can be compared; `cause` says why. */
export class SideError extends Error {
  override readonly name = 'SideError'

  constructor(
    readonly source: string,
    override readonly cause: unknown,
  ) {
    super(`${source}: ${(cause as Error).message}`, {cause})
  }
}

export async function diff(before: string, after: string, options: DiffOptions): Promise<DiffResult> {
  const sources: RepeatableSource[] = []
  const {ignoreChecksum, skipUnsupported, onlyCreates, onFetch, nowMs = Date.now()} = options
  const opening: OpenOptions = {ignoreChecksum, skipUnsupported, onlyCreates, onFetch, nowMs}
  try {
    for (const name of [before, after]) sources.push(await of(name, RepeatableSource.open(name, opening)))
    return await new Comparing(sources as [RepeatableSource, RepeatableSource], {...options, nowMs}).run()
  } finally {
    for (const source of sources) await source.close()
  }
}

const NOTHING = new Bitmap()
const BOTH: readonly Side[] = [0, 1]

class Comparing {
  readonly #meaning: MeaningOptions
  readonly #counts = new DiffCounts()
  readonly #selections: readonly [Selection, Selection]
  readonly #wrongSize: (Bitmap | undefined)[] = []
  readonly #dbs: ReadonlyMap<number, number>
  readonly #sides: DiffSide[] = []
  readonly #memoryBytes: number
  #twins = 0

  constructor(
    readonly sources: readonly [RepeatableSource, RepeatableSource],
    readonly options: DiffOptions,
  ) {
    const {ignore = [], ignoreExpiry, toleranceMs = 0, mapDb = [], selection = {}, nowMs} = options
    this.#meaning = {
      expiry: ignoreExpiry ? 'none' : toleranceMs > 0 ? 'fields' : 'all',
      idle: !ignore.includes('idle'),
      frequency: !ignore.includes('frequency'),
      consumers: !ignore.includes('consumers'),
    }
    this.#memoryBytes = options.memoryBytes ?? DIFF_MEMORY_BYTES
    this.#dbs = new Map(mapDb)
    const own = (db: number): number[] => [
      ...mapDb.filter(([, to]) => to === db).map(([from]) => from),
      ...(this.#dbs.has(db) ? [] : [db]),
    ]
    const first = {...selection, db: selection.db?.flatMap(own)}
    this.#selections = [new Selection({...first, nowMs}, 'later'), new Selection({...selection, nowMs}, 'later')]
  }

  async run(): Promise<DiffResult> {
    await this.#survey()
    const {plan, toldByOne} = await this.#plan()
    try {
      await this.#untie(plan)
      const libraries = changesOf(plan.states, facts => facts.libraries, sameBytes)
      const moduleAux = changesOf(
        plan.states,
        facts => facts.moduleAux,
        (a, b) => a === b,
      )
      const second = this.#sides[1]!
      this.options.sink.second(second.origin, second.format === 'rdb')
      this.#tellLibraries(plan, libraries)
      if (plan.entries > 0) await this.#compare(plan)
      return this.#result(plan, {libraries, moduleAux, toldByOne})
    } finally {
      plan.close()
    }
  }

  /** Which entries are left out by their size: known only once their values have been read. */
  async #survey(): Promise<void> {
    const {minBytes, maxBytes} = this.options.selection ?? {}
    if (minBytes === undefined && maxBytes === undefined) return
    for (const side of BOTH) {
      const open = async function* (this: Comparing): AsyncGenerator<EntrySource> {
        const source = await this.#open(side)
        try {
          yield source
        } finally {
          await source.close()
        }
      }.bind(this)
      const changes = new EntryChanges({})
      const selection = this.#selections[side]
      const survey = surveySources({
        ...{open, selection, changes, bounded: true},
        ...{onConflict: 'error', memoryBytes: undefined, sources: 1},
      })
      this.#wrongSize[side] = (await of(this.sources[side].name, survey)).wrongSize
    }
  }

  /** Digests of both sides, and what follows from them. */
  async #plan(): Promise<{plan: DiffPlan; toldByOne: DiffResult['toldByOne']}> {
    const {toleranceMs = 0} = this.options
    const toldByOne: DiffResult['toldByOne'] = []
    for (;;) {
      const payloadWords = DIGEST_WORDS + (this.#meaning.expiry === 'fields' ? EXPIRY_WORDS : 0)
      const index = new KeyIndex({memoryBytes: this.#memoryBytes, payloadWords})
      try {
        const seed = randomFillSync(new Uint8Array(16))
        const states = [await this.#digest(0, index, seed), await this.#digest(1, index, seed)] as const
        const odd = (['idle', 'frequency'] as const).filter(
          what => this.#meaning[what] && states[0].facts[what] !== states[1].facts[what],
        )
        if (odd.length > 0) {
          // With it every digest differs; it is left out, and all are made anew.
          toldByOne.push(...odd)
          for (const what of odd) this.#meaning[what] = false
          continue
        }
        const plan = new DiffPlan(states, this.#memoryBytes / 4)
        await plan.fill(index, toleranceMs)
        return {plan, toldByOne}
      } finally {
        index.close()
      }
    }
  }

  async #digest(side: Side, index: KeyIndex, seed: Uint8Array): Promise<SideState> {
    if (side === 0) this.#counts.clear()
    const problems: Problem[] = []
    const source = await this.#open(side)
    const places = new Places(source.format === 'rdb')
    const pass = new DigestPass({
      ...{side, index, seed, places, meaning: this.#meaning, counts: this.#counts},
      dbOf: this.#dbOf(side),
      onProblem: problem => {
        if (problems.length < limits.problemsMax) problems.push(problem)
      },
    })
    let failure: unknown
    let origin: SourceOrigin | undefined
    try {
      origin = await source.origin()
      await source.run(this.#selecting(side, pass))
    } catch (error) {
      failure = error
    } finally {
      await source.close()
    }
    const {facts} = pass
    const keys = index.count - (this.#sides[0]?.keys ?? 0) * side
    const incomplete = failure !== undefined && !isAtEnd(failure)
    if (failure !== undefined && (!(failure instanceof PlacedError) || (incomplete && keys === 0))) {
      throw new SideError(this.sources[side].name, failure)
    }
    const {format} = source
    const name = this.sources[side].name
    this.#sides[side] = {
      ...{source: name, format, origin, keys, problems, failure, incomplete},
      ...{empty: facts.empty, damaged: facts.damaged.size},
    }
    return {facts, incomplete}
  }

  /** Tells keys apart that share a fingerprint. */
  async #untie(plan: DiffPlan): Promise<void> {
    if (plan.knots.length === 0) return
    const keys = plan.knots.map(() => new Map<string, [number[], number[]]>())
    for (const side of BOTH) {
      const order = new PlaceOrder(0, plan.states[side].facts.placeMax)
      for (const [i, knot] of plan.knots.entries()) {
        for (const place of side === 0 ? knot.before : knot.after) order.put(place, i)
      }
      const walk = new Walk(order.places())
      try {
        await this.#pass(side, places => {
          return new KeysPass(walk, places, (knot, place, entry) => {
            const name = `${this.#dbOf(side)(entry.db)} ${Buffer.from(entry.key()).toString('latin1')}`
            const found = keys[knot]!.get(name) ?? [[], []]
            found[side].push(place)
            keys[knot]!.set(name, found)
          })
        })
        if (!walk.done) throw this.#changed(side)
      } finally {
        order.close()
      }
    }
    for (const [before, after] of keys.flatMap(one => [...one.values()])) {
      if (before.length <= 1 && after.length <= 1) {
        plan.put(before[0], after[0])
      } else {
        this.#twins++
        plan.lose(before, after)
      }
    }
  }

  #tellLibraries(plan: DiffPlan, libraries: readonly NamedChange[]): void {
    const [before, after] = plan.states
    for (const {name} of libraries) {
      this.options.sink.library(name, before.facts.libraries.get(name), after.facts.libraries.get(name))
    }
  }

  /** Reads both sides again and compares closely what may differ. */
  async #compare(plan: DiffPlan): Promise<void> {
    const {sink, toleranceMs = 0} = this.options
    const counts = this.#counts
    const sorter = new ByteSorter(this.#memoryBytes / 4)
    const spread = new SpreadVisitor(sorter)
    const again = new PlaceOrder(this.#memoryBytes / 8, plan.states[1].facts.placeMax)
    let wanted = 0
    const onPair: OnPair = ({db, before, place}, differs) => {
      if (!differs) return
      counts.changed(db, before.type)
      if (!sink.wantsAgain) return
      again.put(place, 0)
      wanted++
    }
    const comparison = new PairComparison(sorter, sink, {meaning: this.#meaning, toleranceMs}, onPair)
    try {
      for (const side of BOTH) {
        const walk = new Walk(plan.sides[side].planned())
        const dbOf = this.#dbOf(side)
        await this.#pass(side, places => new DifferencePass({side, walk, places, counts, sink, spread, dbOf}))
        if (!walk.done) throw this.#changed(side)
        sink.endPass()
      }
      await comparison.run()
      if (wanted > 0) await this.#showAgain(again)
    } catch (error) {
      throw error instanceof ChangedMeanwhile ? this.#changed(1) : error
    } finally {
      comparison.close()
      sorter.close()
      again.close()
    }
  }

  async #showAgain(order: PlaceOrder): Promise<void> {
    const {sink} = this.options
    sink.beginAgain()
    const walk = new Walk(order.places())
    await this.#pass(1, places => new AgainPass(walk, places, sink))
    if (!walk.done) throw this.#changed(1)
    sink.endPass()
  }

  /** Reads a side once more, up to where it was read the first time. */
  async #pass(side: Side, visitorOf: (places: Places) => EntryVisitor): Promise<void> {
    const source = await this.#open(side)
    try {
      const visitor = visitorOf(new Places(source.format === 'rdb'))
      await source.run(this.#selecting(side, visitor))
    } catch (error) {
      // What ended it the first time ends it again.
      if (!(error instanceof PlacedError) || this.#sides[side]!.failure === undefined) {
        throw error instanceof ChangedMeanwhile ? error : new SideError(this.sources[side].name, error)
      }
    } finally {
      await source.close()
    }
  }

  #selecting(side: Side, visitor: EntryVisitor): EntryVisitor {
    const selection = this.#selections[side]
    if (selection.everything) return visitor
    return new SizedVisitor(selection, visitor, this.#wrongSize[side] ?? NOTHING)
  }

  #dbOf(side: Side): (db: number) => number {
    return side === 0 && this.#dbs.size > 0 ? db => this.#dbs.get(db) ?? db : db => db
  }

  async #open(side: Side): Promise<EntrySource> {
    const source = await of(this.sources[side].name, this.sources[side].entries())
    this.options.onOpen?.(source.source)
    return source
  }

  #changed(side: Side): SideError {
    const {name} = this.sources[side]
    return new SideError(name, new SourceChangedError(nameOf(name)))
  }

  #result(plan: DiffPlan, found: Pick<DiffResult, 'libraries' | 'moduleAux' | 'toldByOne'>): DiffResult {
    const rows = this.#counts.rows()
    const {added, removed, changed, notCompared} = sumOf(rows)
    const [first, second] = this.#sides as [DiffSide, DiffSide]
    const failed = first.failure !== undefined || second.failure !== undefined
    const differences = added + removed + changed + found.libraries.length + found.moduleAux.length
    const equal = !failed && differences + notCompared + plan.unplaced === 0
    return {equal, sides: [first, second], rows, ...found, twins: this.#twins}
  }
}

/** Says of which source an error is. */
async function of<T>(name: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw error instanceof SideError ? error : new SideError(name, error)
  }
}
