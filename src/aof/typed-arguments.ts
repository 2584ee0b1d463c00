/**
 * The arguments of a command as what they stand for.
 */
import {parseDouble} from '../bytes/decimal.js'
import {type Halves, type Int64, parseInt64, signedInt64} from '../bytes/int64.js'
import {StreamId} from '../encoding/stream-id.js'
import {FormatError, UnsupportedError} from '../errors.js'
import type {CommandReader} from '../resp/command-reader.js'

/** No name of a command, no option and no ID is longer. */
const WORD_BYTES_MAX = 48

export class Arguments {
  /** Of the command. */
  offset = 0
  readonly #halves: Halves = {high: 0, low: 0}

  constructor(readonly commands: CommandReader) {}

  get count(): number {
    return this.commands.argc
  }

  get bytes(): Uint8Array {
    return this.commands.cursor.bytes
  }

  start(arg: number): number {
    return this.commands.start(arg)
  }

  end(arg: number): number {
    return this.commands.end(arg)
  }

  /** The command's name in capitals. */
  name(): string {
    return this.word(0)
  }

  /** An argument in capitals: a name, an option. Of a long one, its beginning. */
  word(arg: number): string {
    const end = Math.min(this.end(arg), this.start(arg) + WORD_BYTES_MAX)
    return Buffer.from(this.bytes.subarray(this.start(arg), end))
      .toString('latin1')
      .toUpperCase()
  }

  copy(arg: number): Uint8Array {
    return this.bytes.slice(this.start(arg), this.end(arg))
  }

  /** At least so many, the name included. */
  expect(argcMin: number): void {
    if (this.count < argcMin) this.fail(`${this.name()} has ${this.count - 1} arguments, which are too few`)
  }

  integer(arg: number): Int64 {
    if (arg < this.count && parseInt64(this.bytes, this.start(arg), this.end(arg), this.#halves)) {
      return signedInt64(this.#halves.high, this.#halves.low)
    }
    return this.fail(`argument ${arg} of ${this.name()} is no integer`)
  }

  number(arg: number): number {
    const value = this.integer(arg)
    if (typeof value === 'number' && value >= 0) return value
    return this.fail(`argument ${arg} of ${this.name()} cannot be ${value}`)
  }

  double(arg: number): number {
    const value = parseDouble(this.bytes, this.start(arg), this.end(arg))
    if (value !== undefined && !Number.isNaN(value)) return value
    return this.fail(`argument ${arg} of ${this.name()} is no score`)
  }

  /** `ms-seq`, or `ms` alone. */
  id(arg: number): StreamId {
    const text = arg < this.count ? this.word(arg) : ''
    return StreamId.parse(text) ?? this.fail(`argument ${arg} of ${this.name()} is no ID that is written out`)
  }

  fail(message: string): never {
    throw new FormatError('BAD_COMMAND', message, this.offset)
  }

  /** The command does more than create, or says it in a way that is not followed. */
  refuse(message: string): never {
    throw new UnsupportedError('UNKNOWN_CONTAINER', message, this.offset)
  }
}
