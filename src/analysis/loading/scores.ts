/**
 * Scores that are text, as servers read them: with sscanf where they stand in
 * the file by themselves, with strtod or its like where they stand in a packed
 * value. Both take more than a writer writes, and of some texts the beginning.
 */
import type {LentBytes} from '../../bytes/lent.js'
import type {Loader} from '../../rdb/loaders.js'

const BLANK = /^[ \t\n\v\f\r]*[+-]?/
const HEXADECIMAL = /^0x([\da-f]*\.?[\da-f]*)(?:p([+-]?\d*))?/
const DECIMAL = /^(\d*\.?\d*)(?:e([+-]?\d*))?/
const DIGIT = /[\da-f]/

/**
 * What sscanf("%lg") makes of a text. `unsure`: an exponent without digits is taken by C libraries up to 2025 (glibc 2.41, with
 * redis 8.0 and valkey 8.1), and not by later ones (with valkey 9.1).
 */
export function scanned(text: string): 'number' | 'nan' | 'nothing' | 'unsure' {
  const rest = text.replace(BLANK, '').toLowerCase()
  if (rest.startsWith('nan')) return 'nan'
  if (rest.startsWith('inf')) return rest[3] !== 'i' || rest.startsWith('infinity') ? 'number' : 'nothing'
  const hexadecimal = HEXADECIMAL.exec(rest)
  const [, digits = '', exponent] = hexadecimal ?? DECIMAL.exec(rest) ?? []
  if (!DIGIT.test(digits)) return 'nothing'
  if (exponent === undefined || /\d/.test(exponent)) return 'number'
  return 'unsure'
}

/** `signed`: as valkey 9.1 does while it walks a ziplist or a listpack, which takes either sign and no blanks. */
export type ScoreParser = Loader['packedScores'] | 'signed'

const NAN: Readonly<Record<ScoreParser, RegExp>> = {
  strtod: /^[ \t\n\v\f\r]*[+-]?nan/i,
  from_chars: /^-?nan/i,
  signed: /^[+-]?nan/i,
}
/** Longer ones are cut (redis 7.0 t_zset.c zzlStrtod). */
const TEXT_BYTES_MAX = 127

/** Whether a packed score is what is not a number: of all else the server makes something, if only 0. */
export function isNanText({bytes, start, end}: LentBytes, parser: ScoreParser): boolean {
  // A text that begins with a digit is a number, as nearly all do.
  const first = bytes[start]!
  if (start === end || (first >= 0x30 && first <= 0x39)) return false
  const text = Buffer.from(bytes.subarray(start, Math.min(end, start + TEXT_BYTES_MAX))).toString('latin1')
  return NAN[parser].test(text)
}
