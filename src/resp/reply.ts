/**
 * Replies of a server to a question of ours (RESP2), parsed whole: they are short.
 *
 *   +text   -error   :integer   $<bytes>\r\n<bytes>\r\n   *<count>\r\n then so many replies   ($-1, *-1: nothing)
 */
import {LimitError, WireError} from '../errors.js'
import {formatAddress, type ServerAddress} from './address.js'
import {Connection, SILENT} from './connection.js'
import {foreignServer} from './foreign.js'
import {formatCommand} from './framing.js'
import {refusalCode, withoutArguments} from './refusal.js'

/** Bytes are shown as UTF-8: what is asked for here is text. */
export type Reply = string | number | null | ReplyFailure | Reply[]

/** An error reply, in its place. */
export class ReplyFailure {
  constructor(readonly text: string) {}
}

const REPLY_BYTES_MAX = 16 * 1024 * 1024
const DEPTH_MAX = 16
const LF = 0x0a

/** The reply at `start`, and where it ends; undefined where more bytes are needed. */
export function parseReply(bytes: Buffer, start = 0, depth = 0): {reply: Reply; end: number} | undefined {
  const lineEnd = bytes.indexOf(LF, start)
  if (lineEnd < 0) return undefined
  const kind = String.fromCharCode(bytes[start]!)
  const text = bytes.toString('utf8', start + 1, bytes[lineEnd - 1] === 0x0d ? lineEnd - 1 : lineEnd)
  const after = lineEnd + 1
  if (kind === '+') return {reply: text, end: after}
  if (kind === '-') return {reply: new ReplyFailure(text), end: after}
  const number = Number(text)
  if (!Number.isSafeInteger(number) || text === '') throw new SyntaxError(`${JSON.stringify(kind + text)} is no reply`)
  if (kind === ':') return {reply: number, end: after}
  if (kind !== '$' && kind !== '*') throw new SyntaxError(`${JSON.stringify(kind + text)} is no reply`)
  if (number < 0) return {reply: null, end: after}
  if (kind === '$') {
    const end = after + number + 2
    return end > bytes.length ? undefined : {reply: bytes.toString('utf8', after, end - 2), end}
  }
  if (depth === DEPTH_MAX) throw new SyntaxError('the reply is nested too deeply')
  return parseArray(bytes, after, number, depth + 1)
}

function parseArray(bytes: Buffer, start: number, count: number, depth: number): ReturnType<typeof parseReply> {
  const replies: Reply[] = []
  let end = start
  for (let left = count; left > 0; left--) {
    const one = parseReply(bytes, end, depth)
    if (one === undefined) return undefined
    replies.push(one.reply)
    end = one.end
  }
  return {reply: replies, end}
}

/** A connection that questions are asked over, one after another. */
export class Questions {
  #left = Buffer.alloc(0)

  private constructor(
    readonly connection: Connection,
    readonly silenceMs: number,
  ) {}

  /**
   * Connects within `timeoutMs`, and authenticates where the address has a password. No answer takes longer than
   * `silenceMs`.
   */
  static async open(address: ServerAddress, timeoutMs: number, silenceMs: number = timeoutMs): Promise<Questions> {
    const questions = new Questions(await Connection.open(address, timeoutMs), silenceMs)
    const {user, password} = address
    if (password === undefined) return questions
    const reply = await questions.#authenticate(password, user)
    if (!(reply instanceof ReplyFailure)) return questions
    questions.close()
    const name = formatAddress(address)
    const said = withoutArguments(reply.text).replaceAll(password, '(password)')
    const context = {stage: 'asking', reply: `-${said}`, user} as const
    // In protected mode everything is refused with the same words.
    const code = refusalCode(`-${said}`) === 'PROTECTED_MODE' ? 'PROTECTED_MODE' : 'AUTH_FAILED'
    throw new WireError(code, `${name} refused AUTH: ${said}`, name, context)
  }

  async #authenticate(password: string, user: string | undefined): Promise<Reply> {
    try {
      return await this.ask(...(user === undefined ? ['AUTH', password] : ['AUTH', user, password]))
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** What the server answers; an error reply is a ReplyFailure. */
  async ask(...args: (string | Uint8Array)[]): Promise<Reply> {
    this.connection.send(formatCommand(args))
    return await this.reply(String(args[0]))
  }

  /** The next answer, to a command that was sent by somebody else. */
  async reply(name: string): Promise<Reply> {
    const {address} = this.connection
    for (;;) {
      const found = this.#parse()
      if (found !== undefined) {
        this.#left = this.#left.subarray(found.end)
        return found.reply
      }
      if (this.#left.length > REPLY_BYTES_MAX) {
        throw new LimitError(
          'replyBytesMax',
          REPLY_BYTES_MAX,
          this.#left.length,
          0,
          `${address} answers without an end`,
        )
      }
      const piece = await this.connection.read(this.silenceMs)
      if (piece === SILENT) {
        const text = `${address} did not answer ${name} within ${this.silenceMs / 1000} s`
        throw new WireError('SILENCE', text, address, {stage: 'asking'})
      }
      if (piece === undefined) {
        const foreign = foreignServer(address, this.#left, 'asking')
        if (foreign !== undefined) throw foreign
        const text = `${address} closed the connection when it was asked ${name}`
        throw new WireError('CONNECTION_LOST', text, address, {stage: 'asking'}, {cause: this.connection.failure})
      }
      this.#left = Buffer.concat([this.#left, piece])
    }
  }

  close(): void {
    this.connection.close()
  }

  #parse(): ReturnType<typeof parseReply> {
    try {
      return parseReply(this.#left)
    } catch (error) {
      const {address} = this.connection
      const foreign = foreignServer(address, this.#left, 'asking')
      if (foreign !== undefined) throw foreign
      const text = `${address} does not talk like a Redis or Valkey server: ${(error as Error).message}`
      throw new WireError('NOT_A_SERVER', text, address, {stage: 'asking'}, {cause: error})
    }
  }
}
