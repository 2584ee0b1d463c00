/**
 * Finds where whole commands begin again behind damage: at the next
 *
 *   *<digits>\r\n $<digits>\r\n <a name that servers know> \r\n ...
 *
 * from which several commands follow each other without a gap, or all up to the
 * end. What looks like a command within an argument is none: an argument that is
 * whole is passed over.
 */
import {readSync} from 'node:fs'
import {open} from 'node:fs/promises'
import {setImmediate as eventLoopTurn} from 'node:timers/promises'

/** What a command's name and its number of arguments say of it: `wrong` is what no server reads over. */
export type Verdict = 'known' | 'unknown' | 'wrong'
/** Judges a command by its name, which is lent, and the number of its arguments, the name included. */
export type Judge = (bytes: Uint8Array, start: number, end: number, argc: number) => Verdict

/** So many commands after each other are no chance; fewer must reach the end of the file. */
const RUN_COMMANDS = 3
const WINDOW_BYTES = 256 * 1024
/** Enough for the heads of arguments, where they lie outside the window. */
const PROBE_BYTES = 512
const NAME_BYTES_MAX = 64
const DIGITS_MAX = 10
const ARGUMENTS_MAX = 1024 * 1024
const LINE_BYTES_MAX = 1024
/** Arguments that may be looked at in vain; then what has been looked at is not looked at once more. */
const VAIN_ARGUMENTS_MAX = 1_000_000
/** Windows after which signals and timers get a turn. */
const WINDOWS_A_TURN = 32

const CR = 0x0d
const LF = 0x0a
const STAR = 0x2a
const DOLLAR = 0x24
const HASH = 0x23
const ZERO = 0x30

/** There is no whole command here. */
const BROKEN = -1
/** It goes on behind the end of the file. */
const CUT = -2

/**
 * Of a file whose last command is torn and begins at a place: where whole commands are found all the same, within what would
 * be its arguments. Then it is no crash that has torn it: a length in it is damaged. Undefined: there are none.
 */
export async function wholeWithinTorn(
  path: string,
  tornOffset: number,
  bytes: number,
  judge: Judge,
): Promise<number | undefined> {
  const file = await open(path, 'r')
  try {
    return await wholeWithinTornOf(file.fd, tornOffset, bytes, judge)
  } finally {
    await file.close()
  }
}

/** The same of a file that is open. */
export async function wholeWithinTornOf(
  fd: number,
  tornOffset: number,
  bytes: number,
  judge: Judge,
): Promise<number | undefined> {
  const found = await new CommandSearch(fd, bytes, judge).next(tornOffset + 1)
  return found < 0 ? undefined : found
}

export class CommandSearch {
  readonly #window = new Uint8Array(WINDOW_BYTES)
  #windowAt = 0
  #windowEnd = 0
  readonly #probe = new Uint8Array(PROBE_BYTES)
  #probeAt = 0
  #probeEnd = 0
  readonly #name = new Uint8Array(NAME_BYTES_MAX)
  /** Of the number that was read last. */
  #numberEnd = 0
  /** An argument that is passed over may lead out of the window: to here. */
  #behind = 0
  /** Looked at in this search. */
  #arguments = 0

  /** Looks at the first `bytes` of a file that is open. */
  constructor(
    readonly fd: number,
    readonly bytes: number,
    readonly judge: Judge,
  ) {}

  /** Where whole commands begin, at `from` or behind it; -1: nowhere. */
  async next(from: number): Promise<number> {
    let at = from
    this.#arguments = 0
    for (let windows = 1; at < this.bytes; windows++) {
      // A file that has become shorter ends the search.
      if (!this.#load(at)) return -1
      const found = this.#inWindow(at)
      if (found >= 0) return found
      at = ~found
      if (windows % WINDOWS_A_TURN === 0) await eventLoopTurn()
    }
    return -1
  }

  /** Where commands begin; or the complement of where the search goes on, behind the window. */
  #inWindow(from: number): number {
    const window = this.#window.subarray(0, this.#windowEnd - this.#windowAt)
    let star = -1
    let dollar = -1
    for (let at = from; at < this.#windowEnd; ) {
      const place = at - this.#windowAt
      if (star < place) star = placeOf(window, STAR, place)
      if (dollar < place) dollar = placeOf(window, DOLLAR, place)
      const first = Math.min(star, dollar)
      at = this.#windowAt + first
      if (first === window.length) break
      if (first === dollar) {
        at = this.#behindArgument(at)
        continue
      }
      const broken = this.#run(at)
      if (broken < 0) return at
      at = this.#arguments > VAIN_ARGUMENTS_MAX ? Math.max(at + 1, broken) : at + 1
    }
    return ~Math.max(this.#windowEnd, this.#behind)
  }

  #behindArgument(at: number): number {
    const end = this.#argumentEnd(at)
    if (end < 0) return at + 1
    const next = this.#byte(end)
    if (next !== STAR && next !== DOLLAR && next !== HASH && end !== this.bytes) return at + 1
    this.#behind = end
    return end
  }

  /** -1: a run of commands begins here; else where it breaks off. */
  #run(from: number): number {
    let at = from
    for (let commands = 0; ; ) {
      if (at === this.bytes) return commands > 0 ? -1 : at
      const isLine = this.#byte(at) === HASH
      const end = isLine ? this.#lineEnd(at) : this.#commandEnd(at)
      if (end < 0) return at
      at = end
      if (!isLine && ++commands === RUN_COMMANDS) return -1
    }
  }

  #lineEnd(at: number): number {
    for (let end = at; end < at + LINE_BYTES_MAX && end < this.bytes; end++) {
      if (this.#byte(end) === LF) return end + 1
    }
    return BROKEN
  }

  #commandEnd(start: number): number {
    const argc = this.#number(start, STAR)
    if (argc < 1 || argc > ARGUMENTS_MAX) return BROKEN
    const name = this.#numberEnd
    let at = this.#argumentEnd(name)
    if (at < 0 || !this.#isKnown(name, argc)) return at < 0 ? at : BROKEN
    for (let i = 1; i < argc && at >= 0; i++) at = this.#argumentEnd(at)
    return at
  }

  #isKnown(at: number, argc: number): boolean {
    const length = this.#number(at, DOLLAR)
    if (length < 1 || length > NAME_BYTES_MAX) return false
    for (let i = 0; i < length; i++) this.#name[i] = this.#byte(this.#numberEnd + i)
    return this.judge(this.#name, 0, length, argc) === 'known'
  }

  #argumentEnd(at: number): number {
    this.#arguments++
    const length = this.#number(at, DOLLAR)
    if (length < 0) return BROKEN
    const end = this.#numberEnd + length
    if (end + 2 > this.bytes) return CUT
    return this.#byte(end) === CR && this.#byte(end + 1) === LF ? end + 2 : BROKEN
  }

  /** The number behind a mark, up to its CR LF; -1 where there is none. */
  #number(start: number, mark: number): number {
    if (this.#byte(start) !== mark) return BROKEN
    let value = 0
    let at = start + 1
    for (; at <= start + DIGITS_MAX; at++) {
      const digit = this.#byte(at) - ZERO
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    if (at === start + 1 || this.#byte(at) !== CR || this.#byte(at + 1) !== LF) return BROKEN
    this.#numberEnd = at + 2
    return value
  }

  /** -1 behind the end. */
  #byte(at: number): number {
    if (at >= this.#windowAt && at < this.#windowEnd) return this.#window[at - this.#windowAt]!
    if (at >= this.bytes) return -1
    if (at < this.#probeAt || at >= this.#probeEnd) {
      this.#probeAt = at
      this.#probeEnd = at + this.#read(this.#probe, at)
    }
    return at < this.#probeEnd ? this.#probe[at - this.#probeAt]! : -1
  }

  #load(at: number): boolean {
    this.#windowAt = at
    this.#windowEnd = at + this.#read(this.#window, at)
    this.#behind = 0
    return this.#windowEnd > at
  }

  #read(into: Uint8Array, at: number): number {
    return readSync(this.fd, into, 0, Math.min(into.length, this.bytes - at), at)
  }
}

/** The next place of a byte, from one on; the length where there is none. */
function placeOf(bytes: Uint8Array, byte: number, from: number): number {
  const place = bytes.indexOf(byte, from)
  return place < 0 ? bytes.length : place
}
