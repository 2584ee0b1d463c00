/**
 * Errors to exit codes: the one place.
 *
 *   0 fine   1 findings   2 usage   3 the bytes are wrong   4 not supported
 *   5 input/output or network   70 our own bug   130 SIGINT   143 SIGTERM
 */
import {FormatError, LimitError, UnsupportedError} from '../errors.js'
import {isTypedWrong} from './typed-wrong.js'

export const EXIT_FINE = 0
export const EXIT_FINDINGS = 1
export const EXIT_USAGE = 2
export const EXIT_FORMAT = 3
export const EXIT_UNSUPPORTED = 4
export const EXIT_IO = 5
export const EXIT_BUG = 70
export const EXIT_SIGINT = 130
export const EXIT_SIGTERM = 143

export function exitCodeOf(error: unknown): number {
  if (error instanceof FormatError || error instanceof LimitError) return EXIT_FORMAT
  if (error instanceof UnsupportedError) return EXIT_UNSUPPORTED
  if (isTypedWrong(error)) return EXIT_USAGE
  const {code, syscall} = (error ?? {}) as NodeJS.ErrnoException
  return typeof code === 'string' && syscall !== undefined ? EXIT_IO : EXIT_BUG
}
