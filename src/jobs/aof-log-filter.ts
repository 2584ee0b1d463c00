/**
 * Which commands of a log are shown: by name, key, database and time.
 */
import type {LogCommand} from '../aof/log-reader.js'
import type {LoggedCommand} from '../aof/logged.js'
import {Glob} from '../keyspace/glob.js'
import {CommandKeys} from '../replay/keys.js'

export interface LogFilterOptions {
  /** Names, in whatever case. */
  commands?: readonly string[] | undefined
  /** Only commands with a key that matches one of these, and none of `notMatch`. */
  match?: readonly string[] | undefined
  /** Commands without keys are not left out by these. */
  notMatch?: readonly string[] | undefined
  dbs?: readonly number[] | undefined
  /** Milliseconds since 1970. A log tells seconds: those in which it lies are taken. */
  sinceMs?: number | undefined
  untilMs?: number | undefined
}

const SECOND_MS = 1000

export class LogFilter {
  readonly #names: readonly Uint8Array[] | undefined
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
    this.#names = named ? commands.map(one => Buffer.from(one.toLowerCase())) : undefined
    this.#match = match.map(one => Glob.parse(one))
    this.#notMatch = notMatch.map(one => Glob.parse(one))
    this.#dbs = dbs !== undefined && dbs.length > 0 ? new Set(dbs) : undefined
    this.#since = sinceMs === undefined ? Number.NEGATIVE_INFINITY : Math.floor(sinceMs / SECOND_MS)
    this.#until = untilMs === undefined ? Number.POSITIVE_INFINITY : Math.floor(untilMs / SECOND_MS)
    this.#keys = match.length + notMatch.length > 0 ? new CommandKeys() : undefined
    this.timed = sinceMs !== undefined || untilMs !== undefined
    this.everything = !named && this.#keys === undefined && this.#dbs === undefined && !this.timed
  }

  takes({command, db, seconds}: LoggedCommand): boolean {
    if (this.#dbs !== undefined && !this.#dbs.has(db)) return false
    if (this.timed && !this.#takesTime(seconds)) return false
    if (this.#names !== undefined && !this.#takesName(command)) return false
    return this.#keys === undefined || this.#takesKeys(command, this.#keys)
  }

  /** What stands before the first time was written before it, and nobody knows when. */
  #takesTime(seconds: number | undefined): boolean {
    if (seconds === undefined) return this.#since === Number.NEGATIVE_INFINITY
    return seconds >= this.#since && seconds <= this.#until
  }

  #takesName({bytes, bounds}: LogCommand): boolean {
    const start = bounds[0]!
    const end = bounds[1]!
    for (const name of this.#names!) if (isName(name, bytes, start, end)) return true
    return false
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
    return count === 0 && this.#match.length === 0
  }

  #takesKey(bytes: Uint8Array, start: number, end: number): boolean {
    for (const glob of this.#notMatch) if (glob.matches(bytes, start, end)) return false
    if (this.#match.length === 0) return true
    for (const glob of this.#match) if (glob.matches(bytes, start, end)) return true
    return false
  }
}

/** `name` in small letters. */
function isName(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const {length} = name
  if (end - start !== length) return false
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i]!
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
    if (lower !== name[i]) return false
  }
  return true
}
