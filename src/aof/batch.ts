/**
 * Elements that go with one command: they are gathered until there are enough
 * of them, since a command says first how many arguments it has.
 */
import type {LentBytes} from '../bytes/lent.js'
import type {ByteOutput} from '../bytes/output.js'
import {ByteWriter} from '../bytes/writer.js'
import type {Entry} from '../keyspace/entry.js'
import {writeArrayHead, writeBulk} from '../resp/framing.js'

/**
 * Far below what servers take: 1,048,576 arguments, and a query buffer of 1 GB
 * (redis 7.0 networking.c, config.c). Larger ones load no faster.
 */
const ARGUMENTS_MAX = 1024
const BYTES_MAX = 32 * 1024

/** Whatever has a key. */
type Keyed = Pick<Entry, 'keyBytes'>

export class Batch {
  /** Arguments behind command and key. */
  readonly args = new ByteWriter(BYTES_MAX * 2)
  argc = 0

  constructor(readonly out: ByteOutput) {}

  /** Whether one more element goes with those that are here. */
  takes(bytes: number): boolean {
    return this.argc < ARGUMENTS_MAX && this.args.length + bytes <= BYTES_MAX
  }

  /** Whether an element deserves a command of its own, and no copy. */
  isTooLarge(bytes: number): boolean {
    return bytes > BYTES_MAX
  }

  /** Writes a command of what is here. */
  flush(command: Uint8Array, entry: Keyed): void {
    if (this.argc === 0) return
    this.head(this.argc + 2, command, entry)
    this.move()
    this.argc = 0
  }

  /** Forgets what is here. */
  drop(): void {
    this.args.reset()
    this.argc = 0
  }

  /** What every command on a key begins with. */
  head(argc: number, command: Uint8Array, {keyBytes}: Keyed): void {
    writeKeyCommand(this.out, argc, command, keyBytes)
  }

  /** Writes the arguments gathered. */
  move(): void {
    const {bytes, length} = this.args
    this.out.copy(bytes, 0, length)
    this.args.reset()
  }
}

/** A command, framed already, and its key; the further ones of `argc` arguments follow. */
export function writeKeyCommand(
  out: ByteOutput,
  argc: number,
  command: Uint8Array,
  {bytes, start, end}: LentBytes,
): void {
  writeArrayHead(out, argc)
  out.copy(command, 0, command.length)
  writeBulk(out, bytes, start, end)
}
