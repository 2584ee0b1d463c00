/**
 * A log as JSON, one object a line. The names are a contract (README.md).
 */
import type {LoggedCommand, LoggedSnapshot, LoggedVisitor} from '../aof/logged.js'
import type {ByteOutput} from '../bytes/output.js'
import {writeJsonBytes, writeJsonInteger} from '../jsonl/text.js'
import type {LineListener} from './aof-log.js'
import {formatJson} from './text.js'
import {formatTime} from './units.js'

/** A line that is longer may be cut where the output is handed on. */
const LINE_BYTES = 64 * 1024

export class LogJsonLines implements LoggedVisitor {
  #seconds: number | undefined
  #time = 'null'
  #file: string | undefined
  /** `{"file":"...","offset":` */
  #head = new Uint8Array(0)

  constructor(
    readonly out: ByteOutput,
    readonly listener: LineListener = {},
  ) {}

  command({command, file, db, seconds, inTransaction}: LoggedCommand): void {
    const {out} = this
    if (out.at > out.bytes.length - LINE_BYTES) out.flush()
    this.listener.onLine?.()
    this.#begin(file, command.offset, command.endOffset)
    if (seconds !== this.#seconds) {
      this.#seconds = seconds
      this.#time = formatJson(timeOf(seconds))
    }
    out.ascii(',"time":')
    out.ascii(this.#time)
    out.ascii(',"db":')
    writeJsonInteger(out, db)
    out.ascii(',"command":')
    const {bytes, bounds, argc} = command
    writeJsonBytes(out, bytes, bounds[0]!, bounds[1]!)
    out.ascii(',"args":[')
    for (let arg = 1; arg < argc; arg++) {
      if (arg > 1) out.ascii(',')
      writeJsonBytes(out, bytes, bounds[2 * arg]!, bounds[2 * arg + 1]!)
    }
    out.ascii(inTransaction ? '],"inTransaction":true}\n' : '],"inTransaction":false}\n')
  }

  snapshot({file, bytes, keys, rdbVersion, product, serverVersion, seconds}: LoggedSnapshot): void {
    const {out} = this
    this.#begin(file, 0, bytes)
    const server = serverVersion === undefined ? '' : `,"serverVersion":${formatJson(serverVersion)}`
    const facts = `{"keys":${keys},"rdbVersion":${rdbVersion},"product":${formatJson(product)}${server}}`
    const text = Buffer.from(`,"time":${formatJson(timeOf(seconds))},"snapshot":${facts}}\n`)
    out.copy(text, 0, text.length)
  }

  drain(): Promise<void> | undefined {
    return this.out.drain()
  }

  #begin(file: string, offset: number, endOffset: number): void {
    const {out} = this
    if (file !== this.#file) {
      this.#file = file
      this.#head = new Uint8Array(Buffer.from(`{"file":${formatJson(file)},"offset":`))
    }
    out.copy(this.#head, 0, this.#head.length)
    writeJsonInteger(out, offset)
    out.ascii(',"endOffset":')
    writeJsonInteger(out, endOffset)
  }
}

function timeOf(seconds: number | undefined): string | null {
  return seconds === undefined ? null : formatTime(seconds * 1000)
}
