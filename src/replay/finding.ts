/**
 * Looks for commands that are named, through the files of a log: where the first,
 * the last or the n-th of them stands. Those of a transaction count once it is
 * complete: until then none of them is applied.
 */
import type {Chain} from '../aof/chain.js'
import {type LogReader, type LogVisitor, STOP} from '../aof/log-reader.js'
import {formatTime} from '../bytes/time.js'
import {UsageError} from '../errors.js'
import type {CommandMark} from './command-mark.js'
import {isMarked} from './marked.js'

/** A place in a log: the number of its file, and an offset in that. */
export interface Place {
  file: number
  offset: number
}

interface Found extends Place {
  unixSeconds: number | undefined
}

/** So many places are told where it is not clear which is meant. */
const TOLD_MAX = 5

class Tally {
  count = 0
  /** The first few. */
  readonly places: Found[] = []
  last: Found | undefined
  /** The one whose number is asked for. */
  numbered: Found | undefined

  constructor(readonly mark: CommandMark) {}

  add(found: Found): void {
    this.count++
    if (this.places.length < TOLD_MAX) this.places.push(found)
    if (this.count === this.mark.which) this.numbered = found
    this.last = found
  }

  /** Nothing that follows could be meant. */
  get settled(): boolean {
    const {which} = this.mark
    return which === 'first' ? this.count > 0 : typeof which === 'number' && this.count >= which
  }
}

export class Finding {
  readonly #tallies: readonly Tally[]

  constructor(marks: readonly CommandMark[]) {
    this.#tallies = marks.map(mark => new Tally(mark))
  }

  /** Whatever follows, it is known which commands are meant. */
  get settled(): boolean {
    return this.#tallies.every(tally => tally.settled)
  }

  /**
   * Who is shown a file of the log by this reader; they are shown in their order. It ends the reading once all is known.
   */
  visitor(file: number, reader: () => LogReader): LogVisitor {
    let unixSeconds: number | undefined
    /** Of a transaction that is not complete. */
    let waiting: [Tally, Found][] = []
    return {
      command: command => {
        for (const tally of this.#tallies) {
          if (isMarked(tally.mark, command)) waiting.push([tally, {file, offset: command.offset, unixSeconds}])
        }
        if (waiting.length === 0 || reader().inTransaction) return
        for (const [tally, found] of waiting) tally.add(found)
        waiting = []
        if (this.settled) throw STOP
      },
      timestamp: seconds => {
        unixSeconds = seconds
      },
    }
  }

  /** Where the one command stands that is meant. Throws UsageError where there is none, or it is not clear which. */
  theOne(mark: CommandMark, chain: Chain): Place {
    this.mustBeThere(mark)
    const tally = this.#tallyOf(mark)
    const {count, places} = tally
    const {which, name} = mark
    if (which === 'first') return places[0]!
    if (which === 'last') return tally.last!
    if (typeof which === 'number') {
      if (tally.numbered !== undefined) return tally.numbered
      throw new UsageError(`there is no ${name}:${which} in the log: it has ${count}`)
    }
    if (count === 1) return places[0]!
    const told = places.map((place, i) => `${name}:${i + 1} at ${wordsOf(place, chain)}`)
    const more = count > places.length ? [`... and ${count - places.length} more`] : []
    const lines = [`the log has ${count} commands ${name}: say which, with ${name}:first, :last or a number`]
    throw new UsageError([...lines, ...told, ...more].join('\n'))
  }

  /** Throws UsageError where there is none. */
  mustBeThere(mark: CommandMark): void {
    if (this.#tallyOf(mark).count > 0) return
    const about = mark.keys === undefined ? '' : ' about such a key'
    throw new UsageError(`there is no command ${mark.name}${about} in the log`)
  }

  #tallyOf(mark: CommandMark): Tally {
    return this.#tallies.find(one => one.mark === mark)!
  }
}

function wordsOf({file, offset, unixSeconds}: Found, {files}: Chain): string {
  const time = unixSeconds === undefined ? '' : `, ${formatTime(unixSeconds * 1000)}`
  return `${files[file]!.name}:${offset}${time}`
}
