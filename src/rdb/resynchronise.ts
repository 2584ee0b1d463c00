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
import {NEVER} from '../keyspace/entry.js'
import {limits} from '../limits.js'
import {BITS_STRONG, type KeyProfile} from './key-profile.js'
import {TYPE_STRING} from './opcodes.js'
import {RecordHeads} from './record-heads.js'
import type {RecordWalker} from './record-walker.js'
import {CHECKSUM_VERSION_MIN} from './versions.js'

/** A record that was read, as far as anybody knew. */
export interface ReadRecord {
  offset: number
  end: number
  /** How much it is like this file, in bits. */
  bits: number
  /** Of these, what its fields count for, which are stored like keys. */
  fieldBits: number
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
  bits: number
  /** Of these, what a field of a hash has not that is stored like a string. */
  certain: number
  isEnd: boolean
}

/** A chain, and what stands before each place of it. */
interface Trunk {
  sums: Map<number, number>
  total: number
  /** Up to here another chain may have begun that leads to this one. */
  horizon: number
  /** Where it ends in damage; -1: not within what was followed. */
  dies: number
  /** Of all its records, without what fields of a hash have too. */
  certain: number
}

/** A chain of so many bits is believed, and of one more for twice as many places that were looked at. */
const BITS_MIN = 20
/** No other chain begins behind records that are so much like the file: bytes of another place hold some as well. */
const BITS_CERTAIN = 160
/** Nor so far behind the first. */
const LOOKED_MAX = 256 * 1024
/** What leads to the end of the file does not do so by chance. */
const BITS_OF_END = 8
/** A record that is no key is none of chance. */
export const BITS_OF_OPCODE = 6
/** Of what may be a field of a hash as well. */
const BITS_OF_FIELD = 4
/** What begins within a record that is so much like the file is believed only where it is so much more like it. */
const BITS_WHOLE = 10
const BITS_WITHIN = 8
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
   * Where a chain of records begins, from `from` on, that leads further than `beyond`, where reading failed. `before` are the
   * last records that were read until then: a chain that begins among them leads through none of them. Of all such places the
   * one at which what was read before and what follows are most like this file. Yields how far it has looked; returns nothing
   * where there is none.
   */
  *find(from: number, beyond: number, before: readonly ReadRecord[] = []): Generator<number, number | undefined> {
    this.#failed = {beyond, before, dead: new Set([beyond, ...before.map(({offset}) => offset)])}
    const {db} = this.walker.entry
    const {templates} = this.walker
    const traces = Error.stackTraceLimit
    for (let at = from; at < this.#fileEnd; ) {
      templates.mode = 'fixed'
      this.walker.wholeBytesMax = GUESSED_BYTES_MAX
      // Nobody reads where the error of a guess was made.
      Error.stackTraceLimit = 0
      let found: number | undefined
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

  #findWithin(from: number, until: number): number | undefined {
    const read = this.#bitsBefore(Number.POSITIVE_INFINITY)
    for (let at = from; ; at++) {
      at = this.heads.next(at, until)
      if (at < 0) return undefined
      // What was read before, and would not be kept, weighs against it.
      const wanted = BITS_MIN + Math.log2(1 + at - from) + read - this.#bitsBefore(at)
      if (!this.#leadsOn(at, wanted)) continue
      if (!this.profile.isWellKnown) this.#learnFrom(at)
      return this.#best(at)
    }
  }

  /** Whether sound records lead from a place on to the end of the file, or are so much like it, less what they begin with. */
  #leadsOn(offset: number, wanted: number): boolean {
    const {beyond, dead} = this.#failed
    let at = offset
    for (let bits = 0; bits < wanted || at <= beyond; ) {
      const probe = dead.has(at) ? undefined : this.#probe(at)
      if (probe === undefined) return false
      bits = Math.max(bits, 0) + probe.bits
      at = probe.end
      if (probe.isEnd) return at === this.#fileEnd
    }
    return true
  }

  /** Where the chain begins, of all that lead to this one, that is most like this file with what was read before it. */
  #best(start: number): number {
    const trunk = this.#trunk(start)
    let best = start
    let bestBits = Number.NEGATIVE_INFINITY
    let more = 0
    for (let at = start; ; at++) {
      at = this.heads.next(at, trunk.horizon + 1)
      if (at < 0) return best
      const led = this.#leadTo(at, trunk.sums)
      if (led === undefined) {
        if (trunk.dies >= 0 && this.#outlives(at, trunk)) return this.#best(at)
        continue
      }
      const bits = this.#bitsBefore(at) + led + trunk.total
      // What adds nothing is left: a value that is damaged inside.
      if (bits < bestBits + more) continue
      best = at
      bestBits = bits
      // Values hold much that is like a key, and end where they do.
      more = this.#probe(at)!.bits >= BITS_WHOLE ? BITS_WITHIN : 0
    }
  }

  /** Whether another chain leads further than one that ends in damage, and has as much to show until then. */
  #outlives(from: number, {dies, certain}: Trunk): boolean {
    let at = from
    let until = 0
    for (let bits = 0; at <= dies || bits < BITS_MIN; ) {
      const probe = this.#failed.dead.has(at) ? undefined : this.#probe(at)
      if (probe === undefined) return false
      if (at < dies) until += probe.certain
      else bits += probe.bits
      at = probe.end
      if (probe.isEnd) break
    }
    return until >= certain
  }

  /** What the records from a place to one of a chain are worth, less what stands before that on the chain; undefined: none lead there. */
  #leadTo(from: number, sums: ReadonlyMap<number, number>): number | undefined {
    const {dead} = this.#failed
    let bits = 0
    for (let at = from, records = 0; records < RECORDS_MAX && !dead.has(at); records++) {
      const sum = sums.get(at)
      if (sum !== undefined) return bits - sum
      const probe = this.#probe(at)
      if (probe === undefined) break
      bits += probe.bits
      at = probe.end
    }
    return undefined
  }

  /** Of what was read until reading failed, and ends before a place; as much of it as is like this file. */
  #bitsBefore(at: number): number {
    let bits = 0
    let most = 0
    for (const record of this.#failed.before) {
      if (record.end > at) {
        // What begins within it may be one of the fields that follow there, and none of those before.
        if (record.offset < at) most += (record.fieldBits * (at - record.offset)) / (record.end - record.offset)
        break
      }
      bits += record.bits
      most = Math.max(most, bits)
    }
    return most
  }

  #trunk(start: number): Trunk {
    const trunk = {sums: new Map([[start, 0]]), total: 0, horizon: -1, dies: -1, certain: 0}
    const {sums} = trunk
    let at = start
    for (let bits = 0; sums.size < RECORDS_MAX; ) {
      const probe = this.#probe(at)
      if (probe === undefined) {
        trunk.dies = at
        break
      }
      bits = Math.max(bits, 0) + probe.bits
      if (
        trunk.horizon < 0 &&
        sums.size > 1 &&
        (bits >= BITS_CERTAIN || (bits >= BITS_MIN && at - start >= LOOKED_MAX))
      )
        trunk.horizon = at
      trunk.total += probe.bits
      trunk.certain += probe.certain
      at = probe.end
      sums.set(at, trunk.total)
      if (probe.isEnd) break
    }
    if (trunk.horizon < 0 || trunk.dies >= 0) trunk.horizon = at - 1
    return trunk
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
      const isKey = kind === 'key' && profile.bits(walker, false) >= BITS_STRONG
      return isKey ? {end: walker.end, bits: 0, certain: 0, isEnd: false} : undefined
    }
    if (kind === 'key') {
      if (!this.heads.isType(walker.entry.typeId)) return undefined
      const bits = profile.bits(walker, true)
      return {end: walker.end, bits, certain: isPlain(walker) ? Math.min(bits, BITS_OF_FIELD) : bits, isEnd: false}
    }
    if (kind !== 'end') return {end: walker.end, bits: BITS_OF_OPCODE, certain: BITS_OF_OPCODE, isEnd: false}
    const end = this.#endOf(offset)
    return end === this.#fileEnd ? {end, bits: BITS_OF_END, certain: BITS_OF_END, isEnd: true} : undefined
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

/** A string without anything before its key: fields of hashes are stored so. */
function isPlain({entry, attributes}: RecordWalker): boolean {
  const {expireAtMs, idleSeconds, frequency} = attributes
  return entry.typeId === TYPE_STRING && expireAtMs === NEVER && idleSeconds < 0 && frequency < 0
}
