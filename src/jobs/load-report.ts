/**
 * What a load writes down of itself, so that it can be taken up where it ended: lines of JSON, appended as things happen.
 *
 *   {"load": {"source", "keys", "mark", "target", "selection"}, "servers": [run ID]}       a run begins
 *   {"failed": 17, "db": 0, "key": "k", "error": "..."}       the entry of that number was refused
 *   {"begun": 17}                                             a part of it may be there: it is large
 *   {"loaded": 17}                                            and is there after all
 *   {"position": 5000, "sent": 6000}                          what is below was answered; what is above may be there, up to `sent`
 *
 * Several runs may stand in one file, each of which took up the one before it. A server that was started anew since may have lost
 * what it had: then all of it goes again, and may be there.
 */
import {closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync} from 'node:fs'
import {UsageError} from '../errors.js'
import {jsonBytes} from '../report/text.js'

/** By which a run is known to be of the same load. */
export interface LoadIdentity {
  source: string
  /** All that the source has. */
  keys: number
  /** By which its bytes are known. */
  mark: string
  target: string
  /** What was selected, and which rule was given. */
  selection: string
}

/** Where a load is taken up. */
export interface LoadState {
  /** Entries below were answered. */
  position: number
  /** Entries from here on were not sent. */
  sent: number
  /** Those below `position` that were refused. */
  failed: ReadonlySet<number>
  /** Large keys of which a part may be there. */
  begun: ReadonlySet<number>
}

export const FROM_THE_START: LoadState = {position: 0, sent: 0, failed: new Set(), begun: new Set()}

export class LoadReport {
  readonly #fd: number

  /** `append`: to the file of the run that is taken up. */
  constructor(
    readonly path: string,
    append: boolean,
  ) {
    if (!append) refuseReport({report: path})
    this.#fd = openSync(path, append ? 'a' : 'wx')
  }

  begin(identity: LoadIdentity, servers: readonly string[]): void {
    this.#line({load: identity, servers})
  }

  begun(number: number): void {
    this.#line({begun: number})
  }

  failed(number: number, db: number, key: Uint8Array, error: string): void {
    this.#line({failed: number, db, key: jsonBytes(key), error})
  }

  /** One of those that were told before is there after all. */
  loaded(number: number): void {
    this.#line({loaded: number})
  }

  progress(position: number, sent: number): void {
    this.#line({position, sent})
  }

  close(): void {
    fsyncSync(this.#fd)
    closeSync(this.#fd)
  }

  #line(value: object): void {
    const bytes = Buffer.from(`${JSON.stringify(value)}\n`)
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
    } catch (error) {
      // The system does not say which file it was.
      throw Object.assign(error as Error, {path: this.path})
    }
  }
}

/** Throws UsageError where a new report would take the place of a file. */
export function refuseReport({report, resume}: {report?: string | undefined; resume?: string | undefined}): void {
  if (report === undefined || report === resume || !existsSync(report)) return
  throw new UsageError(`${report} is there already: give another name, or --resume it`)
}

/** What the report of earlier runs says; UsageError where it is of another load. */
export function readLoadState(path: string, identity: LoadIdentity, servers: readonly string[]): LoadState {
  const runs = new Runs()
  for (const [at, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    const {load, servers: met, failed, begun, loaded, position, sent} = parsed(line)
    if (load !== undefined) {
      refuseOther(path, load as Partial<LoadIdentity>, identity)
      runs.begin(met)
    } else if (!runs.begun && line !== '') throw new UsageError(`${path}, line ${at + 1}: this is no report of a load`)
    else if (typeof failed === 'number') runs.refused(failed)
    else if (typeof begun === 'number') runs.begunKeys.add(begun)
    else if (typeof loaded === 'number') runs.loaded(loaded)
    else if (typeof position === 'number' && typeof sent === 'number') runs.advance(position, sent)
  }
  if (!runs.begun) throw new UsageError(`${path}: this is no report of a load`)
  return runs.end(servers)
}

/** One run after another: what it took up of those before, it has done as far as it came. */
class Runs {
  begun = false
  /** Refused in the present run. */
  present = new Set<number>()
  readonly begunKeys = new Set<number>()
  #servers: string | undefined
  #before = new Set<number>()
  #position = 0
  #reached = 0
  #sent = 0
  /** The last run may have sent fewer than it had noted before. */
  #sentNow = 0

  begin(servers: unknown): void {
    this.end(servers)
    this.begun = true
  }

  /** What was refused is not there, not even in part. */
  refused(number: number): void {
    this.present.add(number)
    this.begunKeys.delete(number)
  }

  loaded(number: number): void {
    this.present.delete(number)
    this.begunKeys.delete(number)
  }

  advance(position: number, sent: number): void {
    this.#reached = Math.max(this.#reached, position)
    this.#sentNow = sent
  }

  /** `servers`: whom the next run speaks to. */
  end(servers: unknown): LoadState {
    const open = [...this.#before].filter(number => number >= this.#reached)
    this.#before = new Set([...open, ...this.present])
    this.#position = Math.max(this.#position, this.#reached)
    this.#sent = Math.max(this.#sent, this.#sentNow)
    this.present = new Set()
    this.#reached = 0
    this.#sentNow = 0
    const now = JSON.stringify(servers)
    if (this.#servers !== undefined && this.#servers !== now) this.#forget()
    this.#servers = now
    return {position: this.#position, sent: this.#sent, failed: this.#before, begun: this.begunKeys}
  }

  #forget(): void {
    this.#position = 0
    this.#before = new Set()
  }
}

/** The last line may have been cut by what ended the run. */
function parsed(line: string): Record<string, unknown> {
  try {
    return (JSON.parse(line) ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}

function refuseOther(path: string, load: Partial<LoadIdentity>, identity: LoadIdentity): void {
  for (const name of ['source', 'keys', 'mark', 'target', 'selection'] as const) {
    if (load[name] === identity[name]) continue
    const [was, is] = [load[name], identity[name]].map(value => JSON.stringify(value))
    const what = name === 'mark' ? 'source is another one, or has changed' : `${name} was ${was}, and is ${is} now`
    throw new UsageError(`${path} is of another load: its ${what}`)
  }
}
