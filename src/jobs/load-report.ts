/**
 * What a load writes down of itself, so that it can be taken up where it ended: lines of JSON, appended as things happen.
 *
 *   {"load": {"source", "keys", "target", "selection"}}       a run begins
 *   {"failed": 17, "db": 0, "key": "k", "error": "..."}       the entry of that number was refused
 *   {"loaded": 17}                                            and is there after all
 *   {"position": 5000, "sent": 6000}                          what is below was answered; what is above may be there, up to `sent`
 *
 * Several runs may stand in one file, each of which took up the one before it.
 */
import {closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync} from 'node:fs'
import {UsageError} from '../errors.js'
import {jsonBytes} from '../report/text.js'

/** By which a run is known to be of the same load. */
export interface LoadIdentity {
  source: string
  /** All that the source has. */
  keys: number
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
}

export const FROM_THE_START: LoadState = {position: 0, sent: 0, failed: new Set()}

export class LoadReport {
  readonly #fd: number

  /** `append`: to the file of the run that is taken up. */
  constructor(
    readonly path: string,
    append: boolean,
  ) {
    if (!append && existsSync(path)) throw new UsageError(`${path} is there already: give another name, or --resume it`)
    this.#fd = openSync(path, append ? 'a' : 'wx')
  }

  begin(identity: LoadIdentity): void {
    this.#line({load: identity})
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
    writeSync(this.#fd, `${JSON.stringify(value)}\n`)
  }
}

/** What the report of earlier runs says; UsageError where it is of another load. */
export function readLoadState(path: string, identity: LoadIdentity): LoadState {
  const runs = new Runs()
  for (const [at, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    const {load, failed, loaded, position, sent} = parsed(line)
    if (load !== undefined) {
      refuseOther(path, load as Partial<LoadIdentity>, identity)
      runs.begin()
    } else if (!runs.begun && line !== '') throw new UsageError(`${path}, line ${at + 1}: this is no report of a load`)
    else if (typeof failed === 'number') runs.present.add(failed)
    else if (typeof loaded === 'number') runs.present.delete(loaded)
    else if (typeof position === 'number' && typeof sent === 'number') runs.advance(position, sent)
  }
  if (!runs.begun) throw new UsageError(`${path}: this is no report of a load`)
  return runs.end()
}

/** One run after another: what it took up of those before, it has done as far as it came. */
class Runs {
  begun = false
  /** Refused in the present run. */
  present = new Set<number>()
  #before = new Set<number>()
  #position = 0
  #reached = 0
  #sent = 0

  begin(): void {
    this.end()
    this.begun = true
  }

  advance(position: number, sent: number): void {
    this.#reached = Math.max(this.#reached, position)
    this.#sent = Math.max(this.#sent, sent)
  }

  end(): LoadState {
    const open = [...this.#before].filter(number => number >= this.#reached)
    this.#before = new Set([...open, ...this.present])
    this.#position = Math.max(this.#position, this.#reached)
    this.present = new Set()
    this.#reached = 0
    return {position: this.#position, sent: this.#sent, failed: this.#before}
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
  for (const name of ['source', 'keys', 'target', 'selection'] as const) {
    if (load[name] === identity[name]) continue
    const [was, is] = [load[name], identity[name]].map(value => JSON.stringify(value))
    throw new UsageError(`${path} is of another load: its ${name} was ${was}, and is ${is} now`)
  }
}
