/**
 * Where the lines of a log go: to a terminal as wide as it is, or to whoever
 * reads them; with the progress of the reading while there are none.
 */
import type {LoggedVisitor} from '../aof/logged.js'
import {LastLines} from '../bytes/last-lines.js'
import {ByteOutput} from '../bytes/output.js'
import {StreamTarget} from '../bytes/target.js'
import type {LogProgress} from '../jobs/aof-log.js'
import {fileLabel, type LineListener, type LogLineOptions, LogLines} from '../report/aof-log.js'
import {LogJsonLines} from '../report/aof-log-json.js'
import {formatText, shorten, widthOf} from '../report/text.js'
import type {LogFiles} from '../source/log-files.js'
import {nameOf} from '../source/open.js'
import {columnsOf, styleOf} from './command.js'
import {Progress} from './progress.js'

/** What no terminal shows has no edge; what is longer is cut all the same, unless --full. */
const PIPED_LINE_COLUMNS = 4096
const PIPED_ARGUMENT_COLUMNS = 256
/** On a terminal an argument takes at most this part of a line. */
const ARGUMENTS_A_LINE = 2
/** Of the source, in a line of progress. */
const NAME_COLUMNS_MAX = 40
/** A log that grows gets longer offsets. */
const GROWING_OFFSET_COLUMNS = 10
const STANDARD_INPUT = '-'

export interface LogScreenOptions {
  tail: number | undefined
  json: boolean
  full: boolean
  follow: boolean
  quiet: boolean
}

export class LogScreen {
  readonly #target = new StreamTarget('standard output', process.stdout)
  readonly #tail: LastLines | undefined
  readonly #out: ByteOutput
  #progress: Progress | undefined

  constructor(
    readonly path: string,
    readonly options: LogScreenOptions,
    /** The reading is ended before the log is. */
    readonly interrupted: AbortSignal,
  ) {
    this.#tail = options.tail === undefined ? undefined : new LastLines(this.#target, options.tail)
    this.#out = new ByteOutput(this.#tail ?? this.#target)
  }

  /** Something has been shown. */
  get written(): boolean {
    return this.#target.bytes > 0
  }

  /** The last lines were asked for, and the reading was ended before anybody knew which they are. */
  get isCutShort(): boolean {
    return this.interrupted.aborted && this.#tail?.released === false
  }

  show(files: LogFiles, progress: LogProgress): LoggedVisitor {
    // A terminal that shows the lines has none left for progress; what is followed does not come to an end.
    const quiet = this.options.quiet || this.options.follow || process.stdout.isTTY === true
    const label = `reading ${shorten(formatText(nameOf(this.path)), NAME_COLUMNS_MAX)}`
    this.#progress = new Progress(label, progress, quiet).start()
    const out = this.#out
    const listener = this.#listener()
    const lines = this.options.json
      ? new LogJsonLines(out, listener)
      : new LogLines(out, this.#lineOptions(files), listener)
    return {
      command: logged => lines.command(logged),
      snapshot: snapshot => lines.snapshot(snapshot),
      pause: () => this.#pause(lines),
      drain: () => {
        // Whoever writes into a pipe line by line wants to see them.
        if (this.path === STANDARD_INPUT) out.flush()
        return out.drain()
      },
    }
  }

  #listener(): LineListener {
    const [out, tail] = [this.#out, this.#tail]
    if (tail === undefined) return {}
    return {
      onLine: () => tail.begin(out.written),
      onTitles: () => {
        out.flush()
        tail.keep()
      },
    }
  }

  #pause(lines: LoggedVisitor): Promise<void> | undefined {
    lines.pause?.()
    this.#out.flush()
    return this.isCutShort ? undefined : this.#tail?.release()
  }

  #lineOptions(files: LogFiles): LogLineOptions {
    const screen = process.stdout.isTTY === true
    const names = files.names.map(name => widthOf(fileLabel(name, screen)))
    const {full, follow} = this.options
    const whole = Number.POSITIVE_INFINITY
    const columns = full ? whole : screen ? columnsOf(process.stdout) : PIPED_LINE_COLUMNS
    return {
      style: styleOf(process.stdout),
      screen,
      columns,
      argumentColumns: full ? whole : screen ? Math.ceil(columns / ARGUMENTS_A_LINE) : PIPED_ARGUMENT_COLUMNS,
      fileColumns: files.several ? Math.max(0, ...names) : undefined,
      timed: files.mayHaveTimes,
      offsetColumns: Math.max(String(files.bytesMax).length, follow ? GROWING_OFFSET_COLUMNS : 'offset'.length),
    }
  }

  flush(): void {
    this.#out.flush()
  }

  stop(): void {
    this.#progress?.stop()
  }

  async finish(): Promise<void> {
    this.#out.flush()
    if (this.isCutShort) await this.#tail!.abandon()
    else await (this.#tail ?? this.#target).finish()
  }
}
