/**
 * Who is let in: everybody, or who says the password of the master (masterauth of a replica).
 */
import {createHash, timingSafeEqual} from 'node:crypto'
import {arityError, errorReply, helloReply} from './master-answers.js'

const MASK = '(password)'
/** What may be said by whoever is not let in yet. */
const BEFORE: ReadonlySet<string> = new Set(['AUTH', 'HELLO', 'QUIT'])
export const NOT_AUTHENTICATED = errorReply('Authentication required.', 'NOAUTH')

/** Of one connection. */
export class Access {
  #granted: boolean

  constructor(readonly password: string | undefined) {
    this.#granted = password === undefined
  }

  takes(command: string): boolean {
    return this.#granted || BEFORE.has(command)
  }

  /** AUTH [user] password: any name will do, the secret is the password. */
  authenticate(args: readonly string[]): string {
    const {password} = this
    if (args.length < 1 || args.length > 2) return arityError('AUTH')
    if (password === undefined) {
      return errorReply('AUTH <password> called without any password configured. Are you sure it is needed?')
    }
    if (!sameSecret(args.at(-1)!, password)) {
      return errorReply('invalid username-password pair or user is disabled.', 'WRONGPASS')
    }
    this.#granted = true
    return '+OK\r\n'
  }

  /** HELLO [version [AUTH user password]] */
  hello([protocol, auth, user, password]: readonly string[]): string {
    if (auth?.toUpperCase() === 'AUTH') {
      const reply = this.authenticate([user ?? '', password ?? ''])
      if (reply.startsWith('-')) return reply
    }
    return this.#granted ? helloReply(protocol) : NOT_AUTHENTICATED
  }
}

/** A command as it may be shown. */
export function maskedArguments(name: string, args: readonly string[]): readonly string[] {
  if (name === 'AUTH') return args.map((one, i) => (i === 0 ? one : MASK))
  return name === 'HELLO' ? args.map((one, i) => (i < 4 ? one : MASK)) : args
}

/** Takes as long for any guess. */
function sameSecret(said: string, secret: string): boolean {
  const digest = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
  return timingSafeEqual(digest(Buffer.from(said, 'latin1')), digest(Buffer.from(secret)))
}
