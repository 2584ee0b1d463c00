/**
 * Where in the middle of a snapshot a record may begin: the first place on a chain of records that lead on, whole as far
 * as their lengths tell, with keys that are alike.
 *
 *   from - before        from
 *   │ ? ? [rec?][record]│[record][record][record] ...
 *         └ chain        └ guess
 *
 * A guess that is cheap, and may be wrong: a value may hold a snapshot. Whoever uses it finds that out, since what lies
 * before leads elsewhere. (The resynchroniser looks harder, for nobody corrects it.)
 */
import {readSync} from 'node:fs'
import {giveBackWindows, kernel, takeWindows, type WindowArea} from '../bytes/kernel.js'
import {FileRegion} from '../bytes/region.js'
import {SKIP} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {isText, KeyProfile} from './key-profile.js'
import {OPCODE_EXPIRETIME_MS} from './opcodes.js'
import {KEYS_FULL, PASSED_TYPES, WINDOW_ENDS} from './passing.js'
import {RecordHeads} from './record-heads.js'
import {type RecordJudge, RecordWalker} from './record-walker.js'
import {HashTemplates} from './value/hash-template.js'
import type {RdbHeader} from './versions.js'

/** A chain of so many is believed; the last tell whether the first are like them. */
const RECORDS = 12
/** Of as many, where what follows is not looked at. */
const RECORDS_MIN = 6
/** Looked at before the place: a chain that began there has met the true one until then, as a rule. */
const BEFORE_BYTES = 2 * 1024
/** Looked at behind the place for a chain to begin: few records are longer. */
const BEHIND_BYTES = 96 * 1024
/** Chains are short as a rule: first so much is looked at. */
const NEAR_BYTES = 8 * 1024
/** In all. */
const WINDOW_BYTES = 256 * 1024
/** Keys are as long as those behind them, or not much longer. */
const LONGER_MAX = 4
const LONGER_BYTES = 32
/** Records that are walked over one by one for a guess. */
const WALKS_MAX = 200
const WALKED_BYTES = 512 * 1024
const CHECKSUM_BYTES = 8

/** Only lengths are looked at. */
const FRAMING: RecordJudge = {visitor: {entry: () => SKIP}, begin: () => {}, verdict: () => undefined}

export class BoundaryGuess {
  /** By first byte: what the kernel may pass over. */
  readonly #first = new Uint8Array(256)
  /** Places of chains that are believed. */
  readonly #known = new Set<number>()
  /** Records of the chain followed last that begin before the place: the more, the surer. */
  #before = 0
  #area: WindowArea | undefined

  /** `start`: where the snapshot begins in the file. */
  constructor(
    readonly file: {fd: number; start: number},
    readonly inputBytes: number,
    readonly header: RdbHeader,
  ) {
    for (let type = 0; type < 32; type++) this.#first[type] = (PASSED_TYPES >> type) & 1
    this.#first[OPCODE_EXPIRETIME_MS] = 1
  }

  /** The first boundary from `from` on; undefined where none was found near it. Input/output errors pass through. */
  find(from: number): number | undefined {
    const areas = takeWindows()
    try {
      this.#area = areas?.[0]
      return this.#findPassing(from) ?? this.#findWalking(from)
    } finally {
      kernel().passedSums.fill(0)
      if (areas !== undefined) giveBackWindows(areas)
    }
  }

  /** By the kernel, which knows the commonest types. */
  #findPassing(from: number): number | undefined {
    if (this.#area === undefined) return undefined
    const {bytes} = kernel()
    const {start} = this.#area
    const {fd, start: fileStart} = this.file
    const offset = Math.max(from - BEFORE_BYTES, 0)
    const wanted = Math.min(this.#area.end - start, this.inputBytes - offset, WINDOW_BYTES)
    const end = start + readSync(fd, bytes, start, wanted, fileStart + offset)
    const at = this.#findIn(start, start + from - offset, end)
    return at === undefined ? undefined : offset + at - start
  }

  /** In the window: the first boundary from `from` on. */
  #findIn(start: number, from: number, end: number): number | undefined {
    const {bytes} = kernel()
    const first = this.#first
    this.#known.clear()
    let best: number | undefined
    let bestBefore = -1
    // A chain may have passed over the beginning of another.
    for (let at = start; at < (best ?? Math.min(from + BEHIND_BYTES, end)); at++) {
      if (first[bytes[at]!] === 0 || bytes[at + 1] === 0 || this.#known.has(at)) continue
      const near = Math.min(at + NEAR_BYTES, end)
      const found = this.#chain(at, from, near, near === end) ?? this.#chain(at, from, end, true)
      if (found === undefined || found < 0) continue
      if (this.#before < bestBefore || (this.#before === bestBefore && found > best!)) continue
      best = found
      bestBefore = this.#before
    }
    return best
  }

  /** The first place from `from` on of the chain that begins at `at`; -1: it is none; undefined: it goes on behind `end`. */
  #chain(at: number, from: number, end: number, isLast: boolean): number | undefined {
    const {recordsPass, results, passedKeys} = kernel()
    const reached = recordsPass(at, end, 0, PASSED_TYPES, 0x7fff_ffff, 0x7fff_ffff, 0, 1)
    const records = results[1]!
    const why = results[0]
    const isEnough = records >= RECORDS && reached >= from
    if (!isEnough && why === WINDOW_ENDS && !isLast) return undefined
    if (!isEnough && (records < RECORDS_MIN || (why !== WINDOW_ENDS && why !== KEYS_FULL))) return -1
    const first = this.#firstAlike(records)
    for (let k = first; k < records; k++) this.#known.add(passedKeys[3 * k]!)
    let i = first
    while (i < records && passedKeys[3 * i]! < from) i++
    this.#before = i - first
    return i < records ? passedKeys[3 * i]! : reached
  }

  /** Behind those of a chain whose keys are unlike the ones that follow. */
  #firstAlike(records: number): number {
    const doubted = records >> 1
    const {bytes, passedKeys} = kernel()
    let texts = true
    let bytesMax = 0
    for (let i = doubted; i < Math.min(records, 2 * RECORDS); i++) {
      const key = passedKeys[3 * i + 1]!
      const keyEnd = passedKeys[3 * i + 2]!
      texts &&= isText(bytes, key, keyEnd)
      bytesMax = Math.max(bytesMax, keyEnd - key)
    }
    for (let i = doubted - 1; i >= 0; i--) {
      const key = passedKeys[3 * i + 1]!
      const keyEnd = passedKeys[3 * i + 2]!
      if (texts && !isText(bytes, key, keyEnd)) return i + 1
      if (keyEnd - key > LONGER_MAX * bytesMax + LONGER_BYTES) return i + 1
    }
    return 0
  }

  /** Record by record, of any type. */
  #findWalking(from: number): number | undefined {
    const {fd, start} = this.file
    // Nobody looks further: an element that does is none.
    const region = new FileRegion(fd, Math.min(from + WALKED_BYTES, this.inputBytes), start)
    const templates = new HashTemplates()
    const walker = new RecordWalker(region, this.header, FRAMING, templates)
    templates.mode = 'fixed'
    walker.wholeBytesMax = Math.min(BEHIND_BYTES, limits.elementBytesMax)
    const heads = new RecordHeads(region, this.header, new KeyProfile())
    const traces = Error.stackTraceLimit
    // Nobody reads where the error of a guess was made.
    Error.stackTraceLimit = 0
    try {
      const until = Math.min(from + BEHIND_BYTES, this.inputBytes)
      let walks = 0
      for (let at = Math.max(from - BEFORE_BYTES, 0); walks < WALKS_MAX; at++) {
        at = heads.next(at, until)
        if (at < 0) return undefined
        let found: number | undefined
        for (let next = at, records = 0; walks < WALKS_MAX; next = walker.end, records++) {
          if (found === undefined && next >= from) found = next
          if (records >= RECORDS && found !== undefined) return found
          walks++
          if (!walker.walk(next)) break
          if (walker.kind !== 'end') continue
          if (walker.end + CHECKSUM_BYTES >= this.inputBytes) return found
          break
        }
      }
      return undefined
    } finally {
      Error.stackTraceLimit = traces
    }
  }
}
