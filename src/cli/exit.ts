/**
 * Errors to exit codes: the one place.
 *
 *   0 fine   1 findings   2 usage   3 the bytes are wrong   4 not supported
 *   5 input/output or network   70 our own bug   129 SIGHUP   130 SIGINT   143 SIGTERM
 */
import {FormatError, LimitError, UnsupportedError, type WireCode, WireError} from '../errors.js'
import {isTypedWrong} from './typed-wrong.js'

export const EXIT_FINE = 0
export const EXIT_FINDINGS = 1
export const EXIT_USAGE = 2
export const EXIT_FORMAT = 3
export const EXIT_UNSUPPORTED = 4
export const EXIT_IO = 5
export const EXIT_BUG = 70
export const EXIT_SIGHUP = 129
export const EXIT_SIGINT = 130
export const EXIT_SIGTERM = 143

/** Whoever does not talk like a server is as wrong as a file that is none; a server without PSYNC may be right. */
const WIRE_EXITS: Readonly<Partial<Record<WireCode, number>>> = {
  NOT_A_SERVER: EXIT_FORMAT,
  UNEXPECTED_REPLY: EXIT_FORMAT,
  COMMAND_UNKNOWN: EXIT_UNSUPPORTED,
  NOT_A_CLUSTER: EXIT_UNSUPPORTED,
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof FormatError || error instanceof LimitError) return EXIT_FORMAT
  if (error instanceof UnsupportedError) return EXIT_UNSUPPORTED
  if (error instanceof WireError) return WIRE_EXITS[error.code] ?? EXIT_IO
  if (isTypedWrong(error)) return EXIT_USAGE
  const {code, syscall} = (error ?? {}) as NodeJS.ErrnoException
  return typeof code === 'string' && syscall !== undefined ? EXIT_IO : EXIT_BUG
}
