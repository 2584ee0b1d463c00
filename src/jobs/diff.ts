/**
 * diff: what differs between two data sets, by what they mean.
 *
 *   digests    both sides are read; a digest of each entry goes into one index, and those that differ come out of it.
 *              Of two files of one version first by stored bytes, which is quick: where few differ they are looked at
 *              closely, where many do all is digested by meaning
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
import {ByteSorter} from '../bytes/sorter.js'
import {PlacedError} from '../errors.js'
import type {DifferenceSink, Side} from '../keyspace/difference.js'
import type {MeaningOptions} from '../keyspace/digest.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {KeyIndex} from '../keyspace/key-index.js'
import {PlaceOrder} from '../keyspace/key-index-order.js'
import type {SelectionOptions} from '../keyspace/selection.js'
import type {LogOptions, OpenOptions} from '../source/open.js'
import {SideSelection} from './diff-choosing.js'
import {DiffCounts, sumOf} from './diff-counts.js'
import {type DigestedSide, indexForm} from './diff-digesting.js'
import type {Places} from './diff-digests.js'
import {ReadingVisitor} from './diff-excerpts.js'
import {FirstPass, type ThreadOptions} from './diff-first-pass.js'
import {AgainPass, DifferencePass, KeysPass, Walk} from './diff-passes.js'
import {DiffPlan, type PlannedEntry, placeOf, type SideState} from './diff-plan.js'
import {changesOf, type DiffResult, type DiffSide, isAtEnd, type NamedChange, sameBytes} from './diff-result.js'
import {ofSource, SideError, SideReader} from './diff-side.js'
import {RepeatableSource} from './diff-source.js'
import {NO_TYPES, storedTypesOf, streamFactsOf} from './diff-stored-types.js'

export {SideError} from './diff-side.js'

export const DIFF_MEMORY_BYTES = 256 * 1024 * 1024
/** So many entries are read one by one where they lie; one of so many keys, that a second reading would not be worth it. */
const EXCERPTS_MAX = 20_000
const EXCERPTS_SHARE = 1 / 200
const EXCERPTS_MIN = 200

export interface DiffOptions extends LogOptions, ThreadOptions {
  /** Shown what differs. */
  sink: DifferenceSink
  /** A key is compared where it is selected on either side; databases are counted as the second does. */
  selection?: SelectionOptions | undefined
  /** Keys of one database of the first side count as of another. */
  mapDb?: readonly (readonly [from: number, to: number])[] | undefined
  /** Expiries do not matter. */
  ignoreExpiry?: boolean | undefined
  /** Nor do they where they are so near to each other, in milliseconds. */
  toleranceMs?: number | undefined
  /** What else does not matter. */
  ignore?: readonly ('idle' | 'frequency' | 'consumers' | 'functions')[] | undefined
  memoryBytes?: number | undefined
  ignoreChecksum?: boolean | undefined
  nowMs?: number | undefined
  onFetch?: OpenOptions['onFetch']
  /** Told of each source each time it is opened: to show how far the reading is. */
  onOpen?: ((source: EntrySource['source']) => void) | undefined
}

export async function diff(before: string, after: string, options: DiffOptions): Promise<DiffResult> {
  const sources: RepeatableSource[] = []
  const {ignoreChecksum, skipUnsupported, onlyCreates, onFetch, nowMs = Date.now()} = options
  const opening: OpenOptions = {ignoreChecksum, skipUnsupported, onlyCreates, onFetch, nowMs}
  try {
    for (const name of [before, after]) sources.push(await ofSource(name, RepeatableSource.open(name, opening)))
    return await new Comparing(readersOf(sources, {...options, nowMs}), options).run()
  } finally {
    for (const source of sources) await source.close()
  }
}

type Readers = readonly [SideReader, SideReader]

function readersOf(
  sources: readonly RepeatableSource[],
  {mapDb = [], selection = {}, nowMs, onOpen}: DiffOptions,
): Readers {
  const dbs = new Map(mapDb)
  const own = (db: number): number[] => [
    ...mapDb.filter(([, to]) => to === db).map(([from]) => from),
    ...(dbs.has(db) ? [] : [db]),
  ]
  const first = new SideSelection({...selection, db: selection.db?.flatMap(own), nowMs})
  const second = new SideSelection({...selection, nowMs})
  return [
    new SideReader(sources[0]!, 0, first, dbs.size > 0 ? db => dbs.get(db) ?? db : db => db, onOpen),
    new SideReader(sources[1]!, 1, second, db => db, onOpen),
  ]
}

const BOTH: readonly Side[] = [0, 1]

/** A plan, and where its entries are read one by one all of them. */
interface Planned {
  plan: DiffPlan
  entries: readonly (readonly PlannedEntry[])[] | undefined
}

class Comparing {
  readonly #meaning: MeaningOptions
  readonly #counts = new DiffCounts()
  readonly #sides: DiffSide[] = []
  readonly #memoryBytes: number
  readonly #toldByOne: DiffResult['toldByOne'] = []
  #twins = 0
  #usedOnly = 0

  constructor(
    readonly readers: Readers,
    readonly options: DiffOptions,
  ) {
    const {ignore = [], ignoreExpiry, toleranceMs = 0} = options
    this.#meaning = {
      expiry: ignoreExpiry ? 'none' : toleranceMs > 0 ? 'fields' : 'all',
      idle: !ignore.includes('idle'),
      frequency: !ignore.includes('frequency'),
      consumers: !ignore.includes('consumers'),
    }
    this.#memoryBytes = options.memoryBytes ?? DIFF_MEMORY_BYTES
  }

  async run(): Promise<DiffResult> {
    const {minBytes, maxBytes} = this.options.selection ?? {}
    if (minBytes !== undefined || maxBytes !== undefined) for (const reader of this.readers) await reader.survey()
    const planned = await this.#plan()
    const {plan} = planned
    try {
      await this.#untie(plan)
      const {libraries, moduleAux} = this.#besideKeys(plan)
      const second = this.#sides[1]!
      this.options.sink.second(second.origin, second.format === 'rdb')
      this.#tellLibraries(plan, libraries)
      if (plan.entries > 0) await this.#compare(planned)
      for (const reader of this.readers) reader.mustBeTheSame()
      return this.#result(plan, {libraries, moduleAux})
    } finally {
      plan.close()
    }
  }

  /** Digests of both sides, and what follows from them. */
  async #plan(): Promise<Planned> {
    const kinds = [await this.readers[0].kind(), await this.readers[1].kind()]
    const rdb = kinds.every(({format, plain}) => format === 'rdb' && plain)
    if (kinds.every(({format}) => format === 'rdb')) {
      this.#meaning.streamFacts = streamFactsOf(kinds[0]!.origin, kinds[1]!.origin)
    }
    const {selection, nowMs, ...options} = this.options
    const firstPass = new FirstPass(this.readers, {...selection, nowMs}, this.#counts, kinds, options)
    const index = new KeyIndex({memoryBytes: this.#memoryBytes, ...indexForm(this.#meaning)})
    try {
      for (
        let storedTypes = rdb ? storedTypesOf(kinds[0]!.origin, kinds[1]!.origin) : NO_TYPES;
        ;
        storedTypes = NO_TYPES
      ) {
        const planned = await this.#planBy(firstPass, index, storedTypes)
        if (planned !== undefined) return planned
      }
    } finally {
      index.close()
      await firstPass.close()
    }
  }

  /** Undefined: another form of digests is to be tried. The index is used again: it has its memory by then. */
  async #planBy(firstPass: FirstPass, index: KeyIndex, storedTypes: number): Promise<Planned | undefined> {
    const {toleranceMs = 0} = this.options
    const seed = randomFillSync(new Uint8Array(16))
    index.clear()
    this.#counts.clear()
    const [before, after] = await firstPass.digest(index, {seed, meaning: this.#meaning, storedTypes})
    const states = [this.#stateOf(0, before), this.#stateOf(1, after)] as const
    if (this.#leavesOut(states)) return await this.#planBy(firstPass, index, storedTypes)
    const plan = new DiffPlan(states, this.#memoryBytes / 4)
    try {
      const excerptsMax = Math.min(EXCERPTS_MAX, Math.max(EXCERPTS_MIN, index.count * EXCERPTS_SHARE))
      await plan.fill(index, toleranceMs, storedTypes !== NO_TYPES ? excerptsMax : undefined)
      if (storedTypes === NO_TYPES) return {plan, entries: undefined}
      const placed = states.every(({facts}) => !facts.dbsCut) && plan.knots.length + plan.unplaced === 0
      const few = placed && plan.entries <= excerptsMax
      const entries = few ? plan.sides.map(side => Array.from(side.planned(), one => ({...one}))) : undefined
      if (entries !== undefined && (await this.#areSound(plan, entries))) return {plan, entries}
    } catch (error) {
      plan.close()
      throw error
    }
    plan.close()
    return undefined
  }

  /** What one side alone tells of uses is left out: with it every digest would differ. */
  #leavesOut(states: readonly [SideState, SideState]): boolean {
    const odd = (['idle', 'frequency'] as const).filter(
      what => this.#meaning[what] && states[0].facts[what] !== states[1].facts[what],
    )
    this.#toldByOne.push(...odd)
    for (const what of odd) this.#meaning[what] = false
    // A file that tells more than its version does: nothing that both tell is left out.
    const told = Math.min(...states.map(({facts}) => facts.streamFacts))
    const toldMore = told > (this.#meaning.streamFacts ?? 3)
    if (toldMore) this.#meaning.streamFacts = undefined
    return odd.length > 0 || toldMore
  }

  #stateOf(side: Side, {facts, failure, ...found}: DigestedSide): SideState {
    const reader = this.readers[side]
    const incomplete = failure !== undefined && !isAtEnd(failure)
    reader.failure = failure
    const {empty, damaged} = facts
    this.#sides[side] = {...found, source: reader.name, failure, incomplete, empty, damaged: damaged.size}
    return {facts, incomplete}
  }

  /** Whether all values can be read of entries that were digested as they are stored, their lengths believed. */
  async #areSound(plan: DiffPlan, entries: readonly (readonly PlannedEntry[])[]): Promise<boolean> {
    const visitor = new ReadingVisitor()
    try {
      for (const side of BOTH) {
        const places = entries[side]!.map(({place}) => place)
        await this.readers[side].pass(() => ({entry: () => visitor}), plan.states[side].facts, places)
      }
      return true
    } catch (error) {
      if (error instanceof SideError && error.cause instanceof PlacedError) return false
      throw error
    }
  }

  /** Tells keys apart that share a fingerprint. */
  async #untie(plan: DiffPlan): Promise<void> {
    if (plan.knots.length === 0) return
    const keys = plan.knots.map(() => new Map<string, [number[], number[]]>())
    for (const reader of this.readers) {
      const {side} = reader
      const {facts} = plan.states[side]
      const order = new PlaceOrder(0, facts.placeMax)
      for (const [i, knot] of plan.knots.entries()) {
        for (const marked of side === 0 ? knot.before : knot.after) order.put(placeOf(marked), i)
      }
      const walk = new Walk(order.places())
      const onKey: KeysPass['onKey'] = (knot, place, entry) => {
        const name = `${reader.dbOf(entry.db)} ${Buffer.from(entry.key()).toString('latin1')}`
        const found = keys[knot]!.get(name) ?? [[], []]
        const {before, after} = plan.knots[knot]!
        found[side].push((side === 0 ? before : after).find(marked => placeOf(marked) === place)!)
        keys[knot]!.set(name, found)
      }
      try {
        await reader.pass(places => new KeysPass(walk, places, onKey), facts)
        if (!walk.done) throw reader.changed()
      } finally {
        order.close()
      }
    }
    for (const [before, after] of keys.flatMap(one => [...one.values()])) {
      if (before.length <= 1 && after.length <= 1) {
        plan.put(before[0], after[0])
      } else if (plan.lose(before, after)) {
        this.#twins++
      }
    }
  }

  /** What differs beside the keys: of a selection of keys it is no part. */
  #besideKeys({states}: DiffPlan): Pick<DiffResult, 'libraries' | 'moduleAux'> {
    if (!this.readers.every(({selection}) => selection.all.everything)) return {libraries: [], moduleAux: []}
    const functions = this.options.ignore?.includes('functions') !== true
    const moduleAux = changesOf(
      states,
      facts => facts.moduleAux,
      (a, b) => a === b,
    )
    return {libraries: functions ? changesOf(states, facts => facts.libraries, sameBytes) : [], moduleAux}
  }

  #tellLibraries(plan: DiffPlan, libraries: readonly NamedChange[]): void {
    const [before, after] = plan.states.map(({facts}) => facts.libraries)
    const changes = libraries.map(({name}) => ({name, before: before!.get(name), after: after!.get(name)}))
    if (changes.length > 0) this.options.sink.libraries(changes)
  }

  /** Reads both sides again and compares closely what may differ. */
  async #compare({plan, entries}: Planned): Promise<void> {
    const {sink, toleranceMs = 0} = this.options
    const counts = this.#counts
    const sorter = new ByteSorter(this.#memoryBytes / 4)
    const spread = new SpreadVisitor(sorter)
    const again = new PlaceOrder(this.#memoryBytes / 8, plan.states[1].facts.placeMax)
    const wanted: number[] = []
    let wantedCount = 0
    const onPair: OnPair = ({db, before, place}, differs) => {
      if (differs === 'nothing') return
      counts.changed(db, before.type)
      if (differs === 'use') this.#usedOnly++
      if (!sink.wantsAgain) return
      again.put(place, 0)
      wantedCount++
      if (entries !== undefined) wanted.push(place)
    }
    const comparison = new PairComparison(sorter, sink, {meaning: this.#meaning, toleranceMs}, onPair)
    try {
      for (const reader of this.readers) {
        const {side, dbOf} = reader
        const walk = new Walk<PlannedEntry>(entries?.[side] ?? plan.sides[side].planned())
        const visitorOf = (places: Places) => new DifferencePass({side, walk, places, counts, sink, spread, dbOf})
        await reader.pass(
          visitorOf,
          plan.states[side].facts,
          entries?.[side]?.map(({place}) => place),
        )
        if (!walk.done) throw reader.changed()
        sink.endPass()
      }
      await comparison.run()
      if (wantedCount > 0) await this.#showAgain(plan, again, entries === undefined ? undefined : wanted)
    } catch (error) {
      throw error instanceof ChangedMeanwhile ? this.readers[1].changed() : error
    } finally {
      comparison.close()
      sorter.close()
      again.close()
    }
  }

  async #showAgain(plan: DiffPlan, order: PlaceOrder, wanted: number[] | undefined): Promise<void> {
    const {sink, readers} = {...this.options, readers: this.readers}
    sink.beginAgain()
    const walk = new Walk(order.places())
    const places = wanted?.sort((a, b) => a - b)
    await readers[1].pass(own => new AgainPass(walk, own, sink), plan.states[1].facts, places)
    if (!walk.done) throw readers[1].changed()
    sink.endPass()
  }

  #result(plan: DiffPlan, found: Pick<DiffResult, 'libraries' | 'moduleAux'>): DiffResult {
    const rows = this.#counts.rows()
    const {added, removed, changed, notCompared} = sumOf(rows)
    const [first, second] = this.#sides as [DiffSide, DiffSide]
    const failed = first.failure !== undefined || second.failure !== undefined
    const differences = added + removed + changed + found.libraries.length + found.moduleAux.length
    const counts = {twins: this.#twins, usedOnly: this.#usedOnly, mapped: (this.options.mapDb ?? []).length > 0}
    const equal = !failed && differences + notCompared + plan.unplaced === 0
    return {equal, sides: [first, second], rows, ...found, toldByOne: this.#toldByOne, ...counts}
  }
}
