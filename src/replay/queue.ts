/**
 * The commands of a transaction, copied, until it is complete.
 */
import type {LogCommand} from '../aof/log-reader.js'
import {ByteWriter} from '../bytes/writer.js'
import {LimitError} from '../errors.js'
import type {NamedCommand} from './table.js'

/** Of one transaction: places in it are signed numbers of 32 bits. */
const HELD_BYTES_MAX = 1024 * 1024 * 1024
/** What one large transaction left is not kept for the next. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024

export class CommandQueue {
  #bytes = new ByteWriter()
  /** Of each command: arguments, where it begins and ends in the log, then its bounds. */
  #numbers = new Float64Array(256)
  #length = 0
  readonly #specs: NamedCommand[] = []
  /** Of the next command. */
  #number = 0
  readonly #command: LogCommand = {
    bytes: new Uint8Array(0),
    argc: 0,
    bounds: new Int32Array(64),
    offset: 0,
    endOffset: 0,
  }

  /** Takes a copy. */
  add(spec: NamedCommand, {bytes, argc, bounds, offset, endOffset}: LogCommand): void {
    const start = bounds[0]!
    const held = this.#bytes.length + bounds[2 * argc - 1]! - start
    if (held > HELD_BYTES_MAX) throw new LimitError('transaction', HELD_BYTES_MAX, held, offset)
    const shift = this.#bytes.length - start
    if (this.#length + 3 + 2 * argc > this.#numbers.length) this.#widen(3 + 2 * argc)
    const numbers = this.#numbers
    let at = this.#length
    numbers[at++] = argc
    numbers[at++] = offset
    numbers[at++] = endOffset
    for (let i = 0; i < 2 * argc; i++) numbers[at++] = bounds[i]! + shift
    this.#length = at
    this.#specs.push(spec)
    this.#bytes.copy(bytes, start, bounds[2 * argc - 1]!)
  }

  #widen(more: number): void {
    const wider = new Float64Array((this.#length + more) * 2)
    wider.set(this.#numbers)
    this.#numbers = wider
  }

  /** The commands in their order, one after another, lent; -1 where there are no more: then they are forgotten. */
  next(at: number): number {
    if (at >= this.#length) {
      this.clear()
      return -1
    }
    const numbers = this.#numbers
    const command = this.#command
    const argc = numbers[at]!
    if (2 * argc > command.bounds.length) command.bounds = new Int32Array(4 * argc)
    this.#number++
    command.bytes = this.#bytes.bytes
    command.argc = argc
    command.offset = numbers[at + 1]!
    command.endOffset = numbers[at + 2]!
    for (let i = 0; i < 2 * argc; i++) command.bounds[i] = numbers[at + 3 + i]!
    return at + 3 + 2 * argc
  }

  /** The command that `next` has come to. Lent. */
  get command(): LogCommand {
    return this.#command
  }

  /** What it was found to be when it was added. */
  get spec(): NamedCommand {
    return this.#specs[this.#number - 1]!
  }

  clear(): void {
    this.#specs.length = 0
    this.#number = 0
    if (this.#bytes.bytes.length > KEPT_BYTES_MAX) this.#bytes = new ByteWriter()
    this.#bytes.reset()
    this.#length = 0
  }
}
