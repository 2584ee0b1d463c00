/**
 * A command that somebody means: by its name, which of several, and the keys it
 * is about.
 */
import {UsageError} from '../errors.js'
import type {Glob} from '../keyspace/glob.js'
import {wordOf} from '../resp/word.js'

/** Which of the commands of a name: `only` where there must be no other. */
export type WhichCommand = 'only' | 'first' | 'last' | 'all' | number

/** Commands that say how others are to be taken. */
const FRAMING: ReadonlySet<string> = new Set(['SELECT', 'MULTI', 'EXEC', 'DISCARD'])

export class CommandMark {
  /** In capitals. */
  readonly name: string
  /** As it is compared. */
  readonly word: Uint8Array

  /** `keys`: of those that have none of these keys, none is meant. */
  constructor(
    name: string,
    readonly which: WhichCommand,
    readonly keys?: Glob | undefined,
  ) {
    this.name = name.toUpperCase()
    this.word = wordOf(name)
  }

  /** NAME, NAME:first, NAME:last, NAME:all, NAME:3. Throws UsageError for anything else. */
  static parse(text: string, keys?: Glob): CommandMark {
    const [, name, which = 'only'] = /^([^:\s]+)(?::(first|last|all|[1-9]\d{0,14}))?$/i.exec(text) ?? []
    if (name === undefined) {
      throw new UsageError(`${JSON.stringify(text)} names no command: give FLUSHALL, FLUSHALL:last, FLUSHALL:2`)
    }
    const word = which.toLowerCase()
    return new CommandMark(name, /^\d/.test(word) ? Number(word) : (word as WhichCommand), keys)
  }

  /** Others would mean something else without it. */
  get isFraming(): boolean {
    return FRAMING.has(this.name)
  }
}
