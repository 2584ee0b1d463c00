/**
 * What a master shows while it runs: on standard output what people want to know, or every event as a line of JSON; a line
 * that changes on a terminal; and in a file, or on standard error, the lines that a server would log.
 */
import {closeSync, openSync, writeSync} from 'node:fs'
import type {MasterMessage, ReplicaStatus} from '../replication/master-events.js'
import {formatMasterLog, type ServeEvent} from '../report/master-log.js'
import {
  formatMasterMessage,
  formatServed,
  formatServeEvent,
  formatServing,
  replicasText,
  type ServedReport,
  servedJson,
  serveEventJson,
} from '../report/serve.js'
import type {Style} from '../report/table.js'
import {formatJson, formatText} from '../report/text.js'
import {Phases} from './phases.js'

const STANDARD_ERROR = '-'

export interface ServeScreenOptions {
  /** A file that lines are added to, or - for standard error. */
  log: string | undefined
  trace: boolean
  json: boolean
  quiet: boolean
  style: Style
}

interface Attached {
  readonly address: string
  readonly offset: number
  readonly replicas: readonly ReplicaStatus[]
}

/** What may be served: with what a report tells of it. */
type Staged = ServedReport['snapshot']

export class ServeScreen {
  readonly #phases: Phases
  readonly #logFile: number | undefined
  #master: Attached | undefined
  #told = false

  /** Opens the log file; throws what the system throws. */
  constructor(
    /** As it is to be called. */
    readonly source: string,
    readonly options: ServeScreenOptions,
    readonly print: (line: string) => void,
    readonly printError: (line: string) => void,
  ) {
    const {log, trace, quiet} = options
    this.#phases = new Phases(quiet || trace || log === STANDARD_ERROR)
    this.#logFile = log === undefined || log === STANDARD_ERROR ? undefined : openSync(log, 'a')
  }

  listening(master: Attached): void {
    this.#master = master
  }

  event(event: ServeEvent<Staged>): void {
    const nowMs = Date.now()
    const {log, json, style} = this.options
    const first = event.kind === 'staged' && !this.#told
    if (first) this.#told = true
    if (log !== undefined) for (const line of formatMasterLog(event, process.pid, nowMs)) this.#log(line)
    if (json) this.print(formatJson(serveEventJson(event, nowMs), 0))
    else if (event.kind === 'staged' && first) {
      this.#show(formatServing(this.source, this.#master!.address, event.snapshot, style))
    } else this.#show(formatServeEvent(event, nowMs, style))
    this.#enter(event)
  }

  /** Absent where nobody wants to see the wire. */
  get message(): ((message: MasterMessage) => void) | undefined {
    return this.options.trace ? message => this.printError(formatMasterMessage(message, Date.now())) : undefined
  }

  /** The end: what came of it, where something did. */
  ended(served: ServedReport | undefined, failure: unknown): void {
    this.stop()
    const {json, style} = this.options
    if (json) this.print(formatJson(servedJson(this.source, served, failure, Date.now()), 0))
    else if (served !== undefined) this.#show(formatServed(served, style))
  }

  stop(): void {
    this.#phases.stop()
  }

  close(): void {
    this.stop()
    if (this.#logFile !== undefined) closeSync(this.#logFile)
  }

  #enter(event: ServeEvent<Staged>): void {
    const source = formatText(this.source)
    if (event.kind === 'staging') {
      const whom = event.target === undefined ? '' : ` for ${event.target}`
      this.#phases.enter(`preparing ${source}${whom}`)
    } else if (event.kind !== 'closed' && this.#told) {
      const master = this.#master!
      this.#phases.enter(() => replicasText(master.address, master.offset, master.replicas))
    }
  }

  #log(line: string): void {
    if (this.#logFile === undefined) this.printError(line)
    else writeSync(this.#logFile, `${line}\n`)
  }

  /** A line that changes would be written over. */
  #show(lines: readonly string[]): void {
    if (lines.length === 0) return
    this.#phases.stop()
    for (const line of lines) this.print(line)
  }
}
