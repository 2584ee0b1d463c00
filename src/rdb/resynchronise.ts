/**
 * Finds where records begin again: behind damage, or anywhere in the middle of
 * a file.
 *
 *   ... damaged │ ? ? ? [record][record][record] ... [end]
 *                       └ boundary: a chain of records that leads on
 *
 * Any place may look like a record by chance. Those are believed that lead from
 * one sound record to the next, and of several chains that meet, the one with
 * more records that are like this file's. A whole file within one value is a
 * chain of its own: whoever lands in it, because what the value begins with is
 * damaged, takes it for one.
 */
import type {ByteRegion} from '../bytes/region.js'
import {limits} from '../limits.js'
import type {KeyProfile, Plausibility} from './key-profile.js'
import {RecordHeads} from './record-heads.js'
import type {RecordWalker} from './record-walker.js'
import {CHECKSUM_VERSION_MIN} from './versions.js'

/** Where records begin again, and what that rests on. */
export interface Boundary {
  /** Absolute, in bytes. */
  offset: number
  /** Records that were walked over from here on, each sound. */
  records: number
  /** What the chain has led to: the end of the file, more records than were looked at, the next damage. */
  reaches: 'end' | 'records' | 'damage'
}

/** A chain as far as it was followed. */
interface Chain extends Boundary {
  /** How much its records look like this file's. */
  weight: number
  /** Where what could not be followed begins. */
  stop: number
}

/** A record that was read, as far as anybody knew. */
export interface ReadRecord {
  offset: number
  end: number
  weight: Plausibility
}

/** Where reading failed, and what was read before. */
interface Failure {
  beyond: number
  before: readonly ReadRecord[]
  /** No chain leads through these. */
  dead: ReadonlySet<number>
}

/** A record that was looked at. */
interface Probe {
  end: number
  weight: number
  isEnd: boolean
}

/** A chain of so much is believed: two keys of text, or eight that could be anything. */
const WEIGHT_MIN = 4
const WEIGHT_MIN_WEAK = 8
/** Nothing ends where the file ends by chance. */
const WEIGHT_OF_END = 8
/** Of chains that may meet, so much is followed. */
const RECORDS_MAX = 64
/** Learned from ahead, where nothing is known of the keys. */
const RECORDS_LEARNED = 64
/** Of these, chance may have made the first. */
const RECORDS_UNCERTAIN = 4
/** Answers that are remembered. */
const PROBES_MAX = 1 << 18
/** Places looked through before whoever waits is told. */
const PORTION_BYTES = 1024 * 1024
const CHECKSUM_BYTES = 8
/** Elements of a record that is a guess are no larger: chance often makes them so. Strings that are passed over may be. */
const GUESSED_BYTES_MAX = 16 * 1024 * 1024

export class Resynchroniser {
  readonly heads: RecordHeads
  /** What is being looked for. */
  #failed: Failure = {beyond: 0, before: [], dead: new Set()}
  readonly #probes = new Map<number, Probe | undefined>()
  /** Where the file ends, the mark of it included. */
  readonly #fileEnd: number

  /** `walker` is lent meanwhile: what it has walked over last is another afterwards. */
  constructor(
    readonly region: ByteRegion,
    readonly walker: RecordWalker,
    readonly profile: KeyProfile,
  ) {
    this.heads = new RecordHeads(region, walker.header, profile)
    this.#fileEnd = region.inputBytes
  }

  /**
   * The first place from `from` on where a chain of records begins that leads further than `beyond`, where reading failed.
   * `before` are the last records that were read until then: a chain that begins among them leads through none of them, and
   * is more like this file than what it does away with. Yields how far it has looked; returns nothing where there is none.
   */
  *find(from: number, beyond: number, before: readonly ReadRecord[] = []): Generator<number, Boundary | undefined> {
    this.#failed = {beyond, before, dead: new Set([beyond, ...before.map(({offset}) => offset)])}
    const {db} = this.walker.entry
    const {templates} = this.walker
    const traces = Error.stackTraceLimit
    for (let at = from; at < this.#fileEnd; ) {
      templates.mode = 'fixed'
      this.walker.wholeBytesMax = GUESSED_BYTES_MAX
      // Nobody reads where the error of a guess was made.
      Error.stackTraceLimit = 0
      let found: Boundary | undefined
      const until = Math.min(at + PORTION_BYTES, this.#fileEnd)
      try {
        found = this.#findWithin(at, until)
      } finally {
        Error.stackTraceLimit = traces
        templates.mode = 'gaps'
        this.walker.wholeBytesMax = limits.elementBytesMax
        this.walker.entry.db = db
      }
      if (found !== undefined) return found
      at = until
      yield at
    }
    return undefined
  }

  /** Forgets what was found out: something is known now that changes it. */
  forget(): void {
    this.#probes.clear()
  }

  #findWithin(from: number, until: number): Boundary | undefined {
    for (let at = from; ; at++) {
      at = this.heads.next(at, until)
      if (at < 0) return undefined
      const wanted = Math.max(this.profile.isText ? WEIGHT_MIN : WEIGHT_MIN_WEAK, this.#weightAfter(at) + 1)
      const {stop, weight} = this.#follow(at, wanted)
      if (stop <= this.#failed.beyond || weight < wanted) continue
      if (!this.profile.isWellKnown) this.#learnFrom(at)
      const best = this.#refined(at)
      if (best !== undefined) return best
    }
  }

  /** Of what was read until reading failed, and goes on behind a place. */
  #weightAfter(at: number): number {
    const {before} = this.#failed
    let weight = 0
    for (let i = before.length - 1; i >= 0 && before[i]!.end > at; i--) weight += before[i]!.weight
    return weight
  }

  /** Walks from one record to the next while they are sound, until they are worth enough. */
  #follow(offset: number, wanted: number): Chain {
    const {beyond, dead} = this.#failed
    const chain: Chain = {offset, records: 0, reaches: 'damage', weight: 0, stop: offset}
    while (chain.weight < wanted || chain.stop <= beyond) {
      if (dead.has(chain.stop)) return chain
      const probe = this.#probe(chain.stop)
      if (probe === undefined) return chain
      chain.stop = probe.end
      chain.weight += probe.weight
      if (probe.isEnd) {
        if (probe.end === this.#fileEnd) chain.reaches = 'end'
        else chain.weight = 0
        return chain
      }
      chain.records++
    }
    chain.reaches = 'records'
    return chain
  }

  /** Of all chains that meet this one soon, the one that is most like this file; what is not like it at its beginning is left. */
  #refined(from: number): Boundary | undefined {
    let start = from
    for (let better: number | undefined = from; better !== undefined; better = this.#better(start)) start = better
    const begin = this.#likely(start, this.profile.isText ? 1 : 2) ?? this.#likely(start, 1)
    if (begin === undefined) return undefined
    const {offset, records, reaches} = this.#follow(begin, WEIGHT_MIN_WEAK)
    return {offset, records, reaches}
  }

  /** The first record of a chain that is so much like this file, and is not far. */
  #likely(start: number, weight: number): number | undefined {
    for (let records = 0; records < RECORDS_UNCERTAIN; records++) {
      const probe = this.#probe(start)
      if (probe === undefined || probe.weight >= weight) return probe && start
      start = probe.end
    }
    return undefined
  }

  /** A place within the first records of a chain from which more records lead to a place of the chain. */
  #better(start: number): number | undefined {
    const sums = this.#sums(start)
    // What is not like this file at the beginning of a chain may hide what is.
    const end = Math.max(this.#probe(start)?.end ?? start, this.#likely(start, 1) ?? start)
    for (let at = start + 1; ; at++) {
      at = this.heads.next(at, end)
      if (at < 0) return undefined
      let weight = 0
      let stop = at
      for (let records = 0; records < RECORDS_MAX || stop < end; records++) {
        const probe = this.#probe(stop)
        if (probe === undefined) break
        weight += probe.weight
        stop = probe.end
        const sum = sums.get(stop)
        if (sum === undefined) continue
        if (weight > sum) return at
        break
      }
    }
  }

  /** By place on a chain, how much stands before it. */
  #sums(start: number): Map<number, number> {
    const sums = new Map<number, number>()
    let weight = 0
    let stop = start
    while (sums.size < RECORDS_MAX) {
      const probe = this.#probe(stop)
      if (probe === undefined) break
      weight += probe.weight
      stop = probe.end
      sums.set(stop, weight)
      if (probe.isEnd) break
    }
    return sums
  }

  /** What is known of the record at a place; undefined: there is none, or no sound one. */
  #probe(offset: number): Probe | undefined {
    const known = this.#probes.get(offset)
    if (known !== undefined || this.#probes.has(offset)) return known
    if (this.#probes.size >= PROBES_MAX) this.#probes.clear()
    const probe = this.#look(offset)
    this.#probes.set(offset, probe)
    return probe
  }

  #look(offset: number): Probe | undefined {
    const {walker, profile} = this
    if (offset >= this.#fileEnd || this.heads.isZeros(offset)) return undefined
    if (!walker.walk(offset)) return undefined
    const {kind} = walker
    // Behind a value that is damaged inside, the chain may go on where the key is one.
    if (walker.flaw !== undefined) {
      const isKey = kind === 'key' && profile.plausibility(walker) === 2
      return isKey ? {end: walker.end, weight: 0, isEnd: false} : undefined
    }
    if (kind === 'key' && !this.heads.isType(walker.entry.typeId)) return undefined
    const end = kind === 'end' ? this.#endOf(offset) : walker.end
    const isEnd = kind === 'end'
    const weight = kind === 'key' ? profile.plausibility(walker) : isEnd && end === this.#fileEnd ? WEIGHT_OF_END : 1
    return {end, weight, isEnd}
  }

  #endOf(offset: number): number {
    return offset + 1 + (this.walker.header.rdbVersion < CHECKSUM_VERSION_MIN ? 0 : CHECKSUM_BYTES)
  }

  /** The first records of a chain are the least certain. */
  #learnFrom(start: number): void {
    let at = this.#probe(start)?.end ?? this.#fileEnd
    for (let i = 0; i < RECORDS_LEARNED && at < this.#fileEnd; i++) {
      const probe = this.#look(at)
      if (probe === undefined || probe.isEnd) break
      if (this.walker.kind === 'key' && i >= RECORDS_UNCERTAIN) this.profile.learn(this.walker)
      at = probe.end
    }
    this.forget()
  }
}
