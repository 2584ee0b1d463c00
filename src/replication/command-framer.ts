/**
 * The command stream that follows a full resync, cut into commands without keeping them: a command of any size takes the
 * memory of what is shown of it.
 *
 *   *<arguments>\r\n  then for each  $<bytes>\r\n<argument>\r\n        every byte counts as one of the offset
 *   \n                                                                between commands: a sign of life, no part of the stream
 */
import {WireError} from '../errors.js'

/** Of a command, what is kept to be shown. */
const ARGUMENTS_KEPT = 64
const ARGUMENT_BYTES_KEPT = 1024
/** No server sends more of either (proto: redis 7.0 networking.c refuses an argument count above 2^31 - 1). */
const ARGUMENTS_MAX = 2 ** 31 - 1

const LF = 0x0a
const CR = 0x0d
const STAR = 0x2a
const DOLLAR = 0x24
const ZERO = 0x30

/** One whole command of the stream. */
export interface ReplicatedCommand {
  /** The first arguments, each cut after so many bytes: see `argumentBytes`. */
  args: readonly Uint8Array[]
  /** How many arguments there are. */
  argumentCount: number
  /** The true sizes of those that are kept. */
  argumentBytes: readonly number[]
  /** What the command takes on the wire. */
  bytes: number
  /** The replication offset behind it. */
  offset: number
}

/** What is expected next. */
type Expecting = 'command' | 'count' | 'bulk' | 'bulk-bytes' | 'body' | 'body-end'

export class CommandFramer {
  /** Commands seen whole. */
  commands = 0
  #expecting: Expecting = 'command'
  /** Bytes of the present command so far. */
  #bytes = 0
  /** The number being read; -1 before its first digit. */
  #number = -1
  #argumentsLeft = 0
  #bodyLeft = 0
  #args: Uint8Array[] = []
  #argumentBytes: number[] = []
  #argumentCount = 0
  #kept = 0

  /** `offset` is the replication offset at which the stream begins. */
  constructor(
    public offset: number,
    readonly address: string,
  ) {}

  /** Takes a piece of the stream; `onCommand` is shown every command that ends in it, before its bytes count. */
  push(bytes: Uint8Array, start: number, end: number, onCommand: (command: ReplicatedCommand) => void): void {
    for (let at = start; at < end; ) {
      if (this.#expecting === 'body') {
        const taken = Math.min(end - at, this.#bodyLeft)
        this.#keep(bytes, at, at + taken)
        this.#bodyLeft -= taken
        this.#bytes += taken
        at += taken
        if (this.#bodyLeft === 0) this.#expecting = 'body-end'
        continue
      }
      if (this.#takeByte(bytes[at++]!)) this.#deliver(onCommand)
    }
  }

  /** Whether the stream stands between two commands. */
  get between(): boolean {
    return this.#bytes === 0
  }

  /** Returns true where a command is whole. */
  #takeByte(byte: number): boolean {
    if (this.#expecting === 'command' && byte === LF) return false
    this.#bytes++
    switch (this.#expecting) {
      case 'command':
        this.#must(byte === STAR, 'a command', byte)
        this.#expecting = 'count'
        return false
      case 'bulk':
        this.#must(byte === DOLLAR, 'an argument', byte)
        this.#expecting = 'bulk-bytes'
        return false
      case 'body-end':
        if (byte === CR) return false
        this.#must(byte === LF, 'the end of an argument', byte)
        this.#expecting = --this.#argumentsLeft > 0 ? 'bulk' : 'command'
        return this.#argumentsLeft === 0
      default:
        return this.#takeDigit(byte)
    }
  }

  #takeDigit(byte: number): boolean {
    const digit = byte - ZERO
    if (digit >= 0 && digit <= 9) {
      this.#number = Math.max(this.#number, 0) * 10 + digit
      this.#must(this.#number <= Number.MAX_SAFE_INTEGER / 10, 'a length', byte)
      return false
    }
    if (byte === CR) return false
    this.#must(byte === LF && this.#number >= 0, 'a length', byte)
    const number = this.#number
    this.#number = -1
    if (this.#expecting === 'count') {
      this.#must(number <= ARGUMENTS_MAX, 'a count of arguments', byte)
      this.#argumentsLeft = this.#argumentCount = number
      this.#expecting = number > 0 ? 'bulk' : 'command'
      return number === 0
    }
    this.#begin(number)
    return false
  }

  #begin(bodyBytes: number): void {
    this.#bodyLeft = bodyBytes
    this.#kept = 0
    if (this.#args.length < ARGUMENTS_KEPT) {
      this.#args.push(new Uint8Array(Math.min(bodyBytes, ARGUMENT_BYTES_KEPT)))
      this.#argumentBytes.push(bodyBytes)
    } else this.#kept = ARGUMENT_BYTES_KEPT
    this.#expecting = bodyBytes > 0 ? 'body' : 'body-end'
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const into = this.#args.at(-1)!
    const kept = Math.min(end - start, into.length - this.#kept)
    if (kept <= 0) return
    into.set(bytes.subarray(start, start + kept), this.#kept)
    this.#kept += kept
  }

  #deliver(onCommand: (command: ReplicatedCommand) => void): void {
    const bytes = this.#bytes
    const command: ReplicatedCommand = {
      args: this.#args,
      argumentCount: this.#argumentCount,
      argumentBytes: this.#argumentBytes,
      bytes,
      offset: this.offset + bytes,
    }
    this.#bytes = 0
    this.#args = []
    this.#argumentBytes = []
    this.commands++
    onCommand(command)
    this.offset += bytes
  }

  #must(holds: boolean, wanted: string, byte: number): void {
    if (holds) return
    const shown = byte >= 0x20 && byte < 0x7f ? `"${String.fromCharCode(byte)}"` : `byte 0x${byte.toString(16)}`
    const text = `the command stream is broken at offset ${this.offset + this.#bytes}: where ${wanted} should be stands ${shown}`
    throw new WireError('UNEXPECTED_REPLY', text, this.address, {stage: 'stream'})
  }
}

/** The name of a command, in upper case. */
export function nameOfCommand({args}: Pick<ReplicatedCommand, 'args'>): string {
  return Buffer.from(args[0] ?? new Uint8Array(0))
    .toString('latin1')
    .toUpperCase()
}

/** `REPLCONF GETACK *`: the master wants to know at once how far we are. */
export function isGetAck(command: ReplicatedCommand): boolean {
  if (nameOfCommand(command) !== 'REPLCONF') return false
  return (
    Buffer.from(command.args[1] ?? new Uint8Array(0))
      .toString('latin1')
      .toUpperCase() === 'GETACK'
  )
}
