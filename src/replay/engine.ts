/**
 * Replays a log: applies its commands to a data set in memory, as a server does
 * while it loads one. Nothing expires meanwhile, and a command that fails
 * changes nothing: it is counted, and the replay goes on.
 *
 * Commands between MULTI and EXEC wait until EXEC: those of a transaction that
 * is never completed are not applied.
 */
import {type LogCommand, PAUSE} from '../aof/log-reader.js'
import {FormatError, LimitError, UnsupportedError} from '../errors.js'
import type {Keyspace} from '../resident/keyspace.js'
import {Call} from './call.js'
import {PartlyAppliedError, ReplyError, UnreplayableError} from './command.js'
import {KernelRunner} from './kernel-runner.js'
import {CommandQueue} from './queue.js'
import {type Shard, type Share, Sharing} from './shard.js'
import {lookupCommand, type NamedCommand, takesArgc} from './table.js'

/** A command that was not applied, or not all of it. */
export interface Refusal {
  /**
   * `error`: the server's own answer would be this error; `skipped`: nobody can say offline what it does; `partly`: it
   * was applied, but for what the message says.
   */
  kind: 'error' | 'skipped' | 'partly'
  command: string
  message: string
  offset: number
  db: number
  key: Uint8Array | undefined
}

export interface ReplayOptions {
  /** What relative expiries count from where the log has no timestamps, in milliseconds since 1970. */
  nowMs: number
  /**
   * As a server that loads its log, which ends at a command with too few or too many arguments (valkey 9.1; redis 8.0 crashes)
   * instead of answering with an error as it does to clients, and for which DISCARD is one command more of a transaction.
   */
  loads?: boolean | undefined
  /** Go on where a command cannot be replayed offline: it is told, and left out. */
  skipUnsupported?: boolean | undefined
  /** Told of each command that was not applied. */
  onRefusal?: ((refusal: Refusal) => void) | undefined
  /**
   * Which keys are this replay's, of several that each replay all of the log; absent: every key. All commands are counted,
   * errors where they are told: of commands on keys by who has those, of others by the first shard. At a command on keys of
   * several shards `apply` throws PAUSE, and has changed nothing (`holdAll`).
   */
  shard?: Shard | undefined
}

/** Commands between two looks at how scattered the memory is. */
const TIDY_COMMANDS = 1024

export class ReplayEngine {
  /** Commands applied, MULTI, EXEC and SELECT among them; those that failed too. */
  commands = 0
  /** Commands that the server would have answered with an error. */
  errors = 0
  /** Commands that were left out, nobody knowing what they do. */
  skipped = 0
  /** Where the last command stands that was applied: with an EXEC, others that stand before it. */
  offset = 0
  readonly #call: Call
  readonly #queue = new CommandQueue()
  #sharing: Sharing | undefined
  /** A command that waits is on keys of several shards. */
  #queueCrosses = false
  /** Whether what is wrong with the present command is this replay's to tell. */
  #tells = true
  #inTransaction = false
  /** Where a DISCARD stands in the present transaction of a log that is loaded; -1 where there is none. */
  #discardOffset = -1
  /** Its EXEC is known to follow: commands need not be kept until then. */
  #isComplete = false
  #untilTidy = TIDY_COMMANDS
  /** Where the data set lies in a kernel's memory: runs what it can of a window by itself. */
  readonly runner: KernelRunner | undefined

  constructor(
    readonly keyspace: Keyspace,
    readonly options: ReplayOptions,
  ) {
    this.#call = new Call(keyspace, options.nowMs)
    const {shard} = options
    if (shard !== undefined) this.#sharing = new Sharing(shard)
    const {kernel} = keyspace.arena
    if (kernel === undefined) return
    kernel.share(shard)
    this.runner = new KernelRunner(keyspace, kernel, this.#call, (commands, inTransaction) => {
      this.commands += commands
      this.#inTransaction = this.#isComplete = inTransaction
    })
  }

  /** A transaction has begun, and is not complete. */
  get inTransaction(): boolean {
    return this.#inTransaction
  }

  /** Another file of the log begins: its first commands are for database 0, and a transaction does not go on. */
  beginFile(): void {
    this.#inTransaction = false
    this.#discardOffset = -1
    this.#clearQueue()
    this.#call.select(0)
  }

  /** From now on every key is this replay's: it has been given those of the other shards. */
  holdAll(): void {
    this.#sharing = undefined
    this.keyspace.arena.kernel?.share(undefined)
  }

  /** The log says what time it was, in milliseconds since 1970. */
  setTime(nowMs: number): void {
    this.#call.nowMs = nowMs
  }

  /**
   * Applies a command, or keeps it until its transaction is complete. Throws UnsupportedError, with the offset, for what
   * cannot be replayed, unless that is to be left out, and for what no server knows.
   */
  apply(command: LogCommand): void {
    this.offset = command.offset
    this.#tells = this.#sharing === undefined || this.#sharing.tells
    const spec = lookupCommand(command.bytes, command.bounds[0]!, command.bounds[1]!)
    if (spec === undefined) {
      this.#refuseUnknown(command)
      return
    }
    if (!takesArgc(spec, command.argc)) {
      this.#refuseArgc(spec, command)
      return
    }
    if (this.#inTransaction || spec.name === 'MULTI') this.#transact(spec, command)
    else this.#run(spec, command)
  }

  #transact(spec: NamedCommand, command: LogCommand): void {
    if (spec.name === 'EXEC' && this.#queueCrosses && this.#sharing !== undefined) throw PAUSE
    this.commands++
    switch (spec.name) {
      case 'MULTI':
        if (this.#inTransaction) this.#refuse('ERR MULTI calls can not be nested', spec, command)
        this.#inTransaction = true
        return
      case 'DISCARD':
        this.#discard(command)
        return
      case 'EXEC':
        this.#inTransaction = this.#isComplete = false
        this.#runQueued()
        return
      default:
        this.commands--
        if (this.#isComplete) this.#run(spec, command)
        else this.#enqueue(spec, command)
    }
  }

  #enqueue(spec: NamedCommand, command: LogCommand): void {
    this.#queueCrosses ||= this.#sharing?.shareOf(spec, command) === 'crossing'
    this.#queue.add(spec, command)
  }

  #clearQueue(): void {
    this.#queue.clear()
    this.#queueCrosses = false
  }

  /** A server that loads its log queues it; the EXEC then crashes it (all of redis 6.0 to 8.0, valkey 8.0 to 9.1). */
  #discard({offset}: LogCommand): void {
    if (this.options.loads === true) {
      this.#discardOffset = offset
      return
    }
    this.#clearQueue()
    this.#inTransaction = false
  }

  #runQueued(): void {
    if (this.#discardOffset >= 0) {
      const text = 'DISCARD stands within a transaction: servers crash at its EXEC'
      throw new FormatError('BAD_COMMAND', text, this.#discardOffset)
    }
    const queue = this.#queue
    this.#queueCrosses = false
    for (let at = queue.next(0); at >= 0; at = queue.next(at)) this.#run(queue.spec, queue.command)
  }

  #run(spec: NamedCommand, command: LogCommand): void {
    const share = this.#sharing === undefined ? 'own' : this.#sharing.shareOf(spec, command)
    if (share === 'crossing') throw PAUSE
    this.commands++
    if (share === 'foreign') return
    this.#runShare(spec, share === 'part' ? this.#sharing!.partOf(spec, command) : command, share)
  }

  #runShare(spec: NamedCommand, command: LogCommand, share: Share): void {
    const call = this.#call
    call.bytes = command.bytes
    call.argc = command.argc
    call.bounds = command.bounds
    this.#tells = share !== 'everyone' || this.#sharing === undefined || this.#sharing.tells
    try {
      spec.run(call)
    } catch (error) {
      this.#failed(error, spec, command)
    }
    if (--this.#untilTidy === 0) {
      this.#untilTidy = TIDY_COMMANDS
      this.keyspace.tidy()
    }
  }

  #failed(error: unknown, spec: NamedCommand, command: LogCommand): void {
    if (error instanceof ReplyError) this.#refuse(error.message, spec, command)
    else if (error instanceof UnreplayableError) this.#skip(error.message, spec, command)
    else if (error instanceof PartlyAppliedError) {
      if (this.#tells) this.options.onRefusal?.(this.#refusal('partly', error.message, spec.name, spec.key, command))
    } else throw error instanceof LimitError ? this.#placed(error, spec, command) : error
  }

  /** Commands do not know where they stand. */
  #placed({limit, allowed, wanted, message}: LimitError, spec: NamedCommand, command: LogCommand): LimitError {
    const placed = new LimitError(limit, allowed, wanted, command.offset, `${spec.name}: ${message}`)
    placed.place = {db: this.#call.dbNumber, key: keyOf(spec.key, command)}
    return placed
  }

  #refuseArgc(spec: NamedCommand, command: LogCommand): void {
    if (this.options.loads === true) {
      const text = `${spec.name} cannot have ${command.argc - 1} arguments: servers end at such a log, or crash`
      throw new FormatError('BAD_COMMAND', text, command.offset)
    }
    this.commands++
    this.#refuse(`ERR wrong number of arguments for '${spec.name.toLowerCase()}' command`, spec, command)
  }

  #refuse(message: string, spec: NamedCommand, command: LogCommand): void {
    if (!this.#tells) return
    this.errors++
    this.options.onRefusal?.(this.#refusal('error', message, spec.name, spec.key, command))
  }

  #skip(message: string, spec: Pick<NamedCommand, 'name' | 'key'>, command: LogCommand): void {
    const refusal = this.#refusal('skipped', message, spec.name, spec.key, command)
    if (this.options.skipUnsupported === true) {
      if (!this.#tells) return
      this.skipped++
      this.options.onRefusal?.(refusal)
      return
    }
    this.skipped++
    const error = new UnsupportedError('UNKNOWN_COMMAND', `${refusal.command}: ${message}`, command.offset)
    error.place = {db: refusal.db, key: refusal.key}
    throw error
  }

  #refuseUnknown(command: LogCommand): void {
    this.commands++
    const name = Buffer.from(
      command.bytes.subarray(command.bounds[0]!, Math.min(command.bounds[1]!, command.bounds[0]! + 64)),
    )
    this.#skip(reasonOf(name.toString('latin1')), {name: name.toString('latin1'), key: 1}, command)
  }

  #refusal(kind: Refusal['kind'], message: string, name: string, keyArg: number, command: LogCommand): Refusal {
    const {offset} = command
    return {kind, command: name, message, offset, db: this.#call.dbNumber, key: keyOf(keyArg, command)}
  }
}

/** A copy of the key that an argument is; 0: there is none. */
function keyOf(arg: number, {bytes, bounds, argc}: LogCommand): Uint8Array | undefined {
  return arg > 0 && arg < argc ? bytes.slice(bounds[2 * arg], bounds[2 * arg + 1]) : undefined
}

/** Words that commands of modules begin with, and whose they are. */
const MODULES: Readonly<Record<string, string>> = {
  ...{JSON: 'ReJSON', TS: 'timeseries', FT: 'search', BF: 'bf', CF: 'bf', CMS: 'bf', TOPK: 'bf', TDIGEST: 'bf'},
  ...{VADD: 'vectorset', VREM: 'vectorset', VSETATTR: 'vectorset'},
}

/** The module whose command has this name, of those that we know. */
export function moduleOf(name: string): string | undefined {
  return MODULES[name.toUpperCase().split('.')[0]!]
}

function reasonOf(name: string): string {
  const module = moduleOf(name)
  if (module !== undefined) return `only the module ${module} knows what it does`
  return 'no server that we know has such a command'
}
