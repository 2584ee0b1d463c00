/**
 * Which commands of a log are shown: by name, key, database and time.
 */
import type {LogCommand} from '../aof/log-reader.js'
import type {LoggedCommand} from '../aof/logged.js'
import {Glob} from '../keyspace/glob.js'
import {CommandKeys} from '../replay/keys.js'
import {isWord, wordOf} from '../resp/word.js'

export interface LogFilterOptions {
  /** Names, in whatever case; also with the first of their arguments: XGROUP CREATE. */
  commands?: readonly string[] | undefined
  /** Only commands with a key that matches one of these, and none of `notMatch`; and those that take whatever key there is. */
  match?: readonly string[] | undefined
  /** Commands without keys are not left out by these. */
  notMatch?: readonly string[] | undefined
  dbs?: readonly number[] | undefined
  /** Milliseconds since 1970. A log tells seconds: those in which it lies are taken. */
  sinceMs?: number | undefined
  untilMs?: number | undefined
}

const SECOND_MS = 1000
const NUMBER_BYTES_MAX = 20

/** Commands that name no key and change every one of a database. */
const SWEEPING: readonly Uint8Array[] = ['flushall', 'flushdb', 'swapdb'].map(wordOf)

const COPY = wordOf('copy')
const DB = wordOf('db')
/** Commands that change other databases than the one that is selected: which of their arguments name them; none: all. */
const REACHING: readonly {name: Uint8Array; arg?: number; until: number}[] = [
  {name: wordOf('flushall'), until: 0},
  {name: wordOf('swapdb'), arg: 1, until: 3},
  {name: wordOf('move'), arg: 2, until: 3},
  // COPY source destination ... DB n
  {name: COPY, arg: 4, until: Number.POSITIVE_INFINITY},
]

export class LogFilter {
  readonly #names: readonly (readonly Uint8Array[])[] | undefined
  readonly #match: readonly Glob[]
  readonly #notMatch: readonly Glob[]
  readonly #dbs: ReadonlySet<number> | undefined
  readonly #since: number
  readonly #until: number
  readonly #keys: CommandKeys | undefined
  /** It leaves nothing out. */
  readonly everything: boolean
  /** It asks for times. */
  readonly timed: boolean

  constructor({commands, match = [], notMatch = [], dbs, sinceMs, untilMs}: LogFilterOptions) {
    const named = commands !== undefined && commands.length > 0
    this.#names = named ? commands.map(wordsOf) : undefined
    this.#match = match.map(one => Glob.parse(one))
    this.#notMatch = notMatch.map(one => Glob.parse(one))
    this.#dbs = dbs !== undefined && dbs.length > 0 ? new Set(dbs) : undefined
    this.#since = sinceMs === undefined ? Number.NEGATIVE_INFINITY : Math.floor(sinceMs / SECOND_MS)
    this.#until = untilMs === undefined ? Number.POSITIVE_INFINITY : Math.floor(untilMs / SECOND_MS)
    this.#keys = match.length + notMatch.length > 0 ? new CommandKeys() : undefined
    this.timed = sinceMs !== undefined || untilMs !== undefined
    this.everything = !named && this.#keys === undefined && this.#dbs === undefined && !this.timed
  }

  /** Nothing that is written in a second, or after it, is taken any more. */
  isPast(seconds: number): boolean {
    return seconds > this.#until
  }

  takes({command, db, seconds}: LoggedCommand): boolean {
    if (this.#dbs !== undefined && !this.#dbs.has(db) && !this.#reaches(command, this.#dbs)) return false
    if (this.timed && !this.#takesTime(seconds)) return false
    if (this.#names !== undefined && !this.#takesName(command)) return false
    return this.#keys === undefined || this.#takesKeys(command, this.#keys)
  }

  /** Whether a command that is given to another database changes one of these as well. */
  #reaches(command: LogCommand, dbs: ReadonlySet<number>): boolean {
    for (const {name, arg, until} of REACHING) {
      if (!isArgument(command, 0, name)) continue
      if (arg === undefined) return true
      for (let at = arg; at < Math.min(until, command.argc); at++) {
        if (dbs.has(Number(textOf(command, at))) && (name !== COPY || isArgument(command, at - 1, DB))) return true
      }
    }
    return false
  }

  /** What stands before the first time was written before it, and nobody knows when. */
  #takesTime(seconds: number | undefined): boolean {
    if (seconds === undefined) return this.#since === Number.NEGATIVE_INFINITY
    return seconds >= this.#since && seconds <= this.#until
  }

  #takesName(command: LogCommand): boolean {
    return this.#names!.some(words => words.every((word, arg) => arg < command.argc && isArgument(command, arg, word)))
  }

  /** Of a command that is not known every argument may be a key. */
  #takesKeys(command: LogCommand, keys: CommandKeys): boolean {
    const {bytes, bounds, argc} = command
    const known = keys.find(command)
    const count = known ? keys.count : argc - 1
    for (let i = 0; i < count; i++) {
      const arg = known ? keys.args[i]! : i + 1
      if (this.#takesKey(bytes, bounds[2 * arg]!, bounds[2 * arg + 1]!)) return true
    }
    return count === 0 && (this.#match.length === 0 || SWEEPING.some(name => isArgument(command, 0, name)))
  }

  #takesKey(bytes: Uint8Array, start: number, end: number): boolean {
    for (const glob of this.#notMatch) if (glob.matches(bytes, start, end)) return false
    if (this.#match.length === 0) return true
    for (const glob of this.#match) if (glob.matches(bytes, start, end)) return true
    return false
  }
}

function wordsOf(name: string): Uint8Array[] {
  return name.trim().split(/\s+/).map(wordOf)
}

function isArgument({bytes, bounds}: LogCommand, arg: number, word: Uint8Array): boolean {
  return isWord(bytes, bounds[2 * arg]!, bounds[2 * arg + 1]!, word)
}

/** Of a number. */
function textOf({bytes, bounds}: LogCommand, arg: number): string {
  const start = bounds[2 * arg]!
  return Buffer.from(bytes.subarray(start, Math.min(bounds[2 * arg + 1]!, start + NUMBER_BYTES_MAX))).toString('latin1')
}
