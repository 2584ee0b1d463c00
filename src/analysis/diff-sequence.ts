/**
 * Values whose elements have an order: strings in pieces, lists by item. All of the first side come before the second's.
 * Of lists what both begin with and what both end in is left out; what stands between is told, and where both have as many
 * items there, only those that differ.
 */
import {compareBytes} from '../bytes/compare.js'
import {ElementLog, type LogPlace} from '../bytes/element-log.js'
import {LentBytes} from '../bytes/lent.js'
import {AFTER, BEFORE, type DifferenceSink, type Run, type Side} from '../keyspace/difference.js'
import type {ValueType} from '../keyspace/entry.js'

const START: LogPlace = {block: -1, at: 0}

export class SequenceComparison {
  readonly #logs = [new ElementLog(), new ElementLog()] as const
  #type: ValueType = 'string'
  readonly #one = new LentBytes(0)
  readonly #other = new LentBytes(0)

  constructor(
    readonly sink: DifferenceSink,
    /** To be called before the sink is told. */
    readonly differ: () => void,
    /** A script differs, of which only keys and arguments come in order. */
    readonly tellOpaque: () => void,
  ) {}

  begin(type: ValueType): void {
    this.#type = type
  }

  add(side: Side, bytes: Uint8Array, start: number, end: number): void {
    const log = this.#logs[side]
    log.push(bytes, start, end)
    log.settle()
  }

  /** Compares what was added, and forgets it. */
  end(): void {
    const [before, after] = this.#logs
    if (before.count + after.count > 0) {
      const head = this.#sameFrom(0, 0)
      const shorter = Math.min(before.count, after.count)
      if (head < before.count || head < after.count) this.#tell(head, shorter - head)
    }
    before.reset()
    after.reset()
  }

  close(): void {
    for (const log of this.#logs) log.close()
  }

  #tell(head: number, restMax: number): void {
    const {sink} = this
    const [before, after] = this.#logs
    if (this.#type !== 'string' && this.#type !== 'list') {
      this.tellOpaque()
      return
    }
    this.differ()
    if (this.#type === 'string') {
      sink.string({log: before, from: START, count: before.count}, {log: after, from: START, count: after.count})
      return
    }
    const tail = Math.min(this.#sameAtEnd(), restMax)
    const [mine, theirs] = [before.count - head - tail, after.count - head - tail]
    this.#open(head, head)
    if (mine === theirs) this.#tellRuns(head, mine)
    else sink.items(head, this.#run(BEFORE, mine), this.#run(AFTER, theirs))
  }

  /** Of items that stand opposite each other, each run of those that differ. */
  #tellRuns(head: number, count: number): void {
    const [before, after] = this.#logs
    const [mine, theirs] = [this.#run(BEFORE, 0), this.#run(AFTER, 0)]
    for (let i = 0; i < count; i++) {
      if (mine.count === 0) {
        before.place(mine.from)
        after.place(theirs.from)
      }
      const same = this.#nextSame()
      if (!same) mine.count = ++theirs.count
      if (mine.count === 0 || (!same && i + 1 < count)) continue
      const [next, other] = [before.place(), after.place()]
      this.sink.items(head + i + (same ? 0 : 1) - mine.count, mine, theirs)
      mine.count = theirs.count = 0
      before.goTo(next)
      after.goTo(other)
    }
  }

  /** The next so many of a side. */
  #run(side: Side, count: number): Run {
    const log = this.#logs[side]
    return {log, from: log.place(), count}
  }

  /** How many are the same from these places on. */
  #sameFrom(skipBefore: number, skipAfter: number): number {
    this.#open(skipBefore, skipAfter)
    for (let same = 0; ; same++) if (!this.#nextSame()) return same
  }

  /** How many are the same at the end. */
  #sameAtEnd(): number {
    const [before, after] = this.#logs
    const shorter = Math.min(before.count, after.count)
    this.#open(before.count - shorter, after.count - shorter)
    let same = 0
    for (let i = 0; i < shorter; i++) same = this.#nextSame() ? same + 1 : 0
    return same
  }

  #open(skipBefore: number, skipAfter: number): void {
    for (const [log, skip] of [
      [this.#logs[BEFORE], skipBefore],
      [this.#logs[AFTER], skipAfter],
    ] as const) {
      log.rewind()
      for (let i = 0; i < skip; i++) log.next(this.#one)
    }
  }

  /** False where they differ, or where one has ended. */
  #nextSame(): boolean {
    const [one, other] = [this.#one, this.#other]
    if (!this.#logs[BEFORE].next(one) || !this.#logs[AFTER].next(other)) return false
    return compareBytes(one.bytes, one.start, one.end, other.bytes, other.start, other.end) === 0
  }
}
