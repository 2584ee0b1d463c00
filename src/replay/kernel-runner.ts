/**
 * Runs the commonest commands of a log many at a time, in the replay kernel, where the data set lies in its memory.
 * What it leaves, the engine applies one by one; both do what a server does.
 */
import type {CommandRunner} from '../aof/log-reader.js'
import type {Keyspace} from '../resident/keyspace.js'
import {FOR_OTHERS, NO_ROOM, type ReplayKernel} from '../resident/replay-kernel.js'
import type {Call} from './call.js'

/** A window may end within a command: with less than this before the end of a piece, the next piece is taken. */
const REST_BYTES = 64 * 1024
/** So many commands are left to others at most where the kernel has found none to run, time and again. */
const PAUSE_MAX = 16

export class KernelRunner implements CommandRunner {
  commands = 0
  inTransaction = false
  #bytes: Uint8Array = new Uint8Array(0)
  #end = 0
  /** The piece of the window that the kernel has. */
  #pieceStart = 0
  #pieceEnd = 0
  /** Commands that are left to others before the kernel is asked again, and how many it was the last time. */
  #left = 0
  #pause = 0

  constructor(
    readonly keyspace: Keyspace,
    readonly kernel: ReplayKernel,
    readonly call: Call,
    readonly onRun: (commands: number, inTransaction: boolean) => void,
  ) {}

  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes
    this.#end = end
    this.#take(start)
  }

  #take(start: number): void {
    this.#pieceStart = start
    this.#pieceEnd = start + this.kernel.take(this.#bytes, start, this.#end)
  }

  run(at: number): number {
    this.commands = 0
    this.inTransaction = false
    if (this.#left > 0) {
      this.#left--
      return at
    }
    let p = at
    for (;;) {
      if (this.#pieceEnd < this.#end && this.#pieceEnd - p < REST_BYTES) this.#take(p)
      if (!this.keyspace.lend(this.kernel, this.call.dbNumber)) break
      const before = this.commands
      const why = this.#runPiece(p)
      p = this.#pieceStart + this.kernel.stopped
      if (this.inTransaction || why === FOR_OTHERS) break
      if (why === NO_ROOM ? !this.keyspace.arena.makeRoom() : this.commands === before) break
    }
    this.#rest()
    return p
  }

  /** Whoever finds nothing to do is asked less often. */
  #rest(): void {
    this.#pause = this.commands > 0 ? 0 : Math.min(2 * this.#pause + 1, PAUSE_MAX)
    this.#left = this.inTransaction ? 0 : this.#pause
  }

  #runPiece(at: number): number {
    const {kernel, keyspace, call} = this
    const why = kernel.run(at - this.#pieceStart, this.#pieceEnd - this.#pieceStart, call.dbNumber)
    const {commands, database, inTransaction} = kernel
    keyspace.takeBack(kernel)
    if (database !== call.dbNumber) call.select(database)
    keyspace.tidy()
    this.commands += commands
    this.inTransaction = inTransaction
    this.onRun(commands, this.inTransaction)
    return why
  }
}
