/**
 * What a client says to a server, in whatever pieces it arrives.
 *
 *   *<argc>\r\n ($<bytes>\r\n <argument> \r\n)*      a command
 *   <word> <word> ...\n                              the same in a line: the oldest replicas (redis 2.8), and people by hand
 *   \n                                               nothing: a sign of life
 *
 * Anybody may connect to a port: nothing is believed of a length before it is known to be small, and no more is held than
 * the largest command that is taken.
 */

/** Of one command. Those of replicas have a few dozen; a password may be long. */
const REQUEST_BYTES_MAX = 16 * 1024
const ARGUMENTS_MAX = 1024
const LF = 0x0a
const CR = 0x0d
const STAR = 0x2a
const DOLLAR = 0x24

/** What was said is no command: the words of servers for it (redis 7.0 networking.c). The connection is to be closed. */
export class RequestError extends Error {
  override readonly name = 'RequestError'
}

export class RequestReader {
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0

  push(piece: Uint8Array): void {
    const left = this.#bytes.subarray(this.#at)
    this.#bytes = left.length === 0 ? Buffer.from(piece) : Buffer.concat([left, piece])
    this.#at = 0
  }

  /**
   * The next whole command; undefined where more of it must arrive. Each character of an argument is one byte; no
   * arguments at all are a bare newline. Throws RequestError.
   */
  next(): string[] | undefined {
    const line = this.#line(this.#at)
    if (line === undefined) return undefined
    if (this.#bytes[this.#at] !== STAR) {
      this.#at = line.end
      return wordsOf(line.text)
    }
    const argc = Math.max(countOf(line.text, ARGUMENTS_MAX, 'invalid multibulk length'), 0)
    const args: string[] = []
    let at = line.end
    while (args.length < argc) {
      const argument = this.#argument(at)
      if (argument === undefined) {
        this.#mustFit()
        return undefined
      }
      args.push(argument.text)
      at = argument.end
    }
    this.#at = at
    return args
  }

  #argument(at: number): {text: string; end: number} | undefined {
    if (at >= this.#bytes.length) return undefined
    const mark = this.#bytes[at]!
    if (mark !== DOLLAR) {
      throw new RequestError(`Protocol error: expected '$', got '${String.fromCharCode(mark)}'`)
    }
    const head = this.#line(at)
    if (head === undefined) return undefined
    const bytes = countOf(head.text, REQUEST_BYTES_MAX, 'invalid bulk length')
    if (bytes < 0) throw new RequestError('Protocol error: invalid bulk length')
    const end = head.end + bytes
    if (end + 2 > this.#bytes.length) return undefined
    return {text: this.#bytes.toString('latin1', head.end, end), end: end + 2}
  }

  /** Without its end. */
  #line(at: number): {text: string; end: number} | undefined {
    const feed = this.#bytes.indexOf(LF, at)
    if (feed < 0) {
      this.#mustFit()
      return undefined
    }
    if (feed - at > REQUEST_BYTES_MAX) throw new RequestError('Protocol error: too big inline request')
    const end = feed > at && this.#bytes[feed - 1] === CR ? feed - 1 : feed
    return {text: this.#bytes.toString('latin1', at, end), end: feed + 1}
  }

  /** A command of which so much has arrived is larger than any that is taken. */
  #mustFit(): void {
    if (this.#bytes.length - this.#at <= REQUEST_BYTES_MAX) return
    const what = this.#bytes[this.#at] === STAR ? 'too big mbulk count string' : 'too big inline request'
    throw new RequestError(`Protocol error: ${what}`)
  }
}

/** Of a head `*<count>` or `$<count>`. */
function countOf(text: string, max: number, what: string): number {
  const count = /^.-?\d{1,10}$/.test(text) ? Number(text.slice(1)) : Number.NaN
  if (count <= max) return count
  throw new RequestError(`Protocol error: ${what}`)
}

const WORD = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s"']\S*))(?=\s|$)/gy

function wordsOf(line: string): string[] {
  const words: string[] = []
  WORD.lastIndex = 0
  const text = line.trimEnd()
  for (let at = 0; at < text.length; at = WORD.lastIndex) {
    WORD.lastIndex = at
    const found = WORD.exec(text)
    if (found === null) throw new RequestError('Protocol error: unbalanced quotes in request')
    words.push(found[3] ?? (found[1] ?? found[2] ?? '').replace(/\\(.)/g, '$1'))
  }
  return words
}
