/**
 * Names of commands that no server knows: those that somebody has renamed a
 * command to, and those that are damaged.
 */
import type {Judge} from './command-search.js'
import type {LogCommand} from './log-reader.js'

/** Makes a letter small. */
const LOWER = 0x20
/** Of what names are made of. */
const NAME_BYTES = Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789._-|')
/** What is there more often is no chance. */
const FEW = 3
/** More different ones are not remembered: those are kept. */
const NAMES_MAX = 1000

/** What commands are renamed to is of letters, digits, `.`, `_` and `-`: any other byte has been changed, or swallowed. */
export function hasPlainName({bytes, bounds}: LogCommand): boolean {
  for (let at = bounds[0]!; at < bounds[1]!; at++) if (!isPlain(bytes[at]!)) return false
  return true
}

function isPlain(byte: number): boolean {
  const letter = (byte | LOWER) - 0x61
  const digit = byte - 0x30
  return (letter >= 0 && letter < 26) || (digit >= 0 && digit <= 9) || byte === 0x2d || byte === 0x2e || byte === 0x5f
}

export class UnknownNames {
  /** How often each is there that is like a known one; Infinity where it is like none. */
  readonly #counts = new Map<string, number>()
  #damaged: ReadonlySet<string> = new Set()

  constructor(readonly judge: Judge) {}

  /** A command with such a name is there. */
  met(command: LogCommand): void {
    const name = nameOf(command)
    const count = this.#counts.get(name)
    if (count !== undefined) this.#counts.set(name, count + 1)
    else if (this.#counts.size < NAMES_MAX) this.#counts.set(name, this.#isLikeKnown(command) ? 1 : Infinity)
  }

  /** All have been met: whether some are too few, and too much like a known one, to be anything but damaged. */
  someAreDamaged(): boolean {
    const damaged = [...this.#counts].filter(([, count]) => count <= FEW)
    this.#damaged = new Set(damaged.map(([name]) => name))
    return this.#damaged.size > 0
  }

  isDamaged(command: LogCommand): boolean {
    return this.#damaged.size > 0 && this.#damaged.has(nameOf(command))
  }

  /** With one byte of it changed it is the name of a command that takes as many arguments. */
  #isLikeKnown({bytes, bounds, argc}: LogCommand): boolean {
    const name = Buffer.from(bytes.subarray(bounds[0]!, bounds[1]!))
    for (const [at, was] of name.entries()) {
      for (const byte of NAME_BYTES) {
        name[at] = byte
        if (this.judge(name, 0, name.length, argc) === 'known') return true
      }
      name[at] = was
    }
    return false
  }
}

function nameOf({bytes, bounds}: LogCommand): string {
  return Buffer.from(bytes.subarray(bounds[0]!, bounds[1]!)).toString('latin1')
}
