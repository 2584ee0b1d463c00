/**
 * What is wrong with the commands of a log without replaying it: names that no
 * server knows, wrong numbers of arguments, transactions within each other.
 */

import {DATABASES_DEFAULT} from '../analysis/soundness-databases.js'
import type {Findings} from '../analysis/soundness-findings.js'
import type {LogCommand} from '../aof/log-reader.js'
import type {Problem} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {moduleOf} from '../replay/engine.js'
import {lookupCommand, type NamedCommand, takesArgc} from '../replay/table.js'
import {formatBytes} from '../report/text.js'
import {databaseOf} from '../resp/word.js'

const NAME_BYTES_MAX = 64

export class CommandSoundness {
  /** The first command that no server takes. */
  stop: Problem | undefined
  #inTransaction = false
  /** Where a DISCARD stands in the present transaction; -1 where there is none. */
  #discardOffset = -1
  /** Those that have been told. */
  readonly #databases = new Set<number>()

  constructor(readonly findings: Findings) {}

  command(command: LogCommand): void {
    const {bytes, bounds, argc} = command
    const spec = lookupCommand(bytes, bounds[0]!, bounds[1]!)
    if (spec === undefined) this.#unknown(command)
    else if (!takesArgc(spec, argc)) this.#wrongArity(spec, command)
    else if (argc === 1) this.#watch(spec, command)
    else if (argc === 2 && spec.name === 'SELECT') this.#select(command)
  }

  /** Servers that have no such database log an error, and go on in the one that they are in (redis 6.0 to 8.0, valkey 9.1). */
  #select({bytes, bounds, offset}: LogCommand): void {
    const db = databaseOf(bytes, bounds[2]!, bounds[3]!)
    if (db === undefined || db < DATABASES_DEFAULT || this.#databases.has(db)) return
    if (this.#databases.size < limits.namesMax) this.#databases.add(db)
    const then = 'otherwise what follows goes to the database before'
    const text = `database ${db}: a server has ${DATABASES_DEFAULT}, and needs "databases ${db + 1}"; ${then}`
    this.findings.inFile('DATABASE_NUMBER', 'warning', offset, text)
  }

  #unknown({bytes, bounds, offset}: LogCommand): void {
    const start = bounds[0]!
    const nameBytes = Buffer.from(bytes.subarray(start, Math.min(bounds[1]!, start + NAME_BYTES_MAX)))
    const name = formatBytes(nameBytes)
    const module = moduleOf(nameBytes.toString('latin1'))
    if (module === undefined) {
      const text = `${name} is a command of no server that we know: servers do not start from a log with one`
      this.#stops('UNKNOWN_COMMAND', offset, text)
    } else {
      const text = `${name} is a command of the module ${module}: a server without it does not start`
      this.findings.inFile('MODULE_COMMAND', 'warning', offset, text)
    }
  }

  /** Valkey 8.1 looks and refuses; redis up to 8.0 and valkey 8.0 read arguments that are not there, and mostly crash. */
  #wrongArity({name, arity}: NamedCommand, {argc, offset}: LogCommand): void {
    const [least, wanted] = arity < 0 ? ['at least ', -arity - 1] : ['', arity - 1]
    const text = `${name} has ${argc - 1} arguments, and takes ${least}${wanted}: servers do not start from such a log`
    this.#stops('BAD_ARITY', offset, text)
  }

  /** MULTI, EXEC and DISCARD have no arguments. */
  #watch({name}: NamedCommand, {offset}: LogCommand): void {
    if (name === 'MULTI') {
      if (this.#inTransaction) this.#nesting(offset, 'MULTI stands within a transaction')
      this.#inTransaction = true
    } else if (name === 'EXEC') {
      if (!this.#inTransaction) this.#nesting(offset, 'EXEC stands without a MULTI')
      this.#inTransaction = false
      this.#discarded()
    } else if (name === 'DISCARD') {
      if (this.#inTransaction) this.#discardOffset = offset
      else this.#nesting(offset, 'DISCARD stands without a MULTI')
    }
  }

  /** DISCARD is queued like any command, and crashes servers once the transaction is run (redis 6.0 to 8.0, valkey 8.0 to 9.1). */
  #discarded(): void {
    const offset = this.#discardOffset
    if (offset < 0) return
    this.#discardOffset = -1
    this.#stops('BAD_TRANSACTION', offset, 'DISCARD stands within a transaction: servers crash at its EXEC')
  }

  #stops(code: string, offset: number, text: string): void {
    this.findings.inFile(code, 'error', offset, text)
    this.stop ??= {code, severity: 'error', offset, text}
  }

  #nesting(offset: number, what: string): void {
    this.findings.inFile('BAD_TRANSACTION', 'warning', offset, `${what}: redis-check-aof refuses it, servers go on`)
  }
}
