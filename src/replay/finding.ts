/**
 * Looks for commands that are named, through all files of a log: where the first,
 * the last or the n-th of them stands.
 */
import type {Chain} from '../aof/chain.js'
import type {LogVisitor} from '../aof/log-reader.js'
import {UsageError} from '../errors.js'
import type {CommandMark} from './command-mark.js'

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
}

export class Finding {
  readonly #tallies: readonly Tally[]

  constructor(marks: readonly CommandMark[]) {
    this.#tallies = marks.map(mark => new Tally(mark))
  }

  /** Who is shown a file of the log; they are shown in their order. */
  visitor(file: number): LogVisitor {
    let unixSeconds: number | undefined
    return {
      command: command => {
        for (const tally of this.#tallies) {
          if (tally.mark.isOf(command)) tally.add({file, offset: command.offset, unixSeconds})
        }
      },
      timestamp: seconds => {
        unixSeconds = seconds
      },
    }
  }

  /** Where the one command stands that is meant. Throws UsageError where there is none, or it is not clear which. */
  theOne(mark: CommandMark, chain: Chain): Place {
    const tally = this.some(mark)
    const {count, places} = tally
    const {which, name} = mark
    if (which === 'first') return places[0]!
    if (which === 'last') return tally.last!
    if (typeof which === 'number') {
      if (tally.numbered !== undefined) return tally.numbered
      throw new UsageError(`there is no ${name}:${which} in the log: it has ${count}`)
    }
    if (count === 1) return places[0]!
    const told = places.map((place, i) => `  ${name}:${i + 1} at ${wordsOf(place, chain)}`)
    const more = count > places.length ? [`  ... and ${count - places.length} more`] : []
    const lines = [`the log has ${count} commands ${name}: say which, with ${name}:first, :last or a number`]
    throw new UsageError([...lines, ...told, ...more].join('\n'))
  }

  /** Throws UsageError where there is none. */
  some(mark: CommandMark): Tally {
    const tally = this.#tallies.find(one => one.mark === mark)!
    if (tally.count > 0) return tally
    const about = mark.keys === undefined ? '' : ' about such a key'
    throw new UsageError(`there is no command ${mark.name}${about} in the log`)
  }
}

function wordsOf({file, offset, unixSeconds}: Found, {files}: Chain): string {
  const time = unixSeconds === undefined ? '' : `, ${new Date(unixSeconds * 1000).toISOString().replace('.000Z', 'Z')}`
  return `${files[file]!.name}:${offset}${time}`
}
