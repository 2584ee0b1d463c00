/**
 * Whether strtod makes of a text what is not a number: all else it makes something of, if only 0.
 */
import type {LentBytes} from '../../bytes/lent.js'

const NAN = /^[ \t\n\v\f\r]*[+-]?nan/i
/** Longer ones are cut (redis 7.0 t_zset.c zzlStrtod). */
const TEXT_BYTES_MAX = 127

export function isNanText({bytes, start, end}: LentBytes): boolean {
  // A text that begins with a digit is a number, as nearly all do.
  const first = bytes[start]!
  if (start === end || (first >= 0x30 && first <= 0x39)) return false
  return NAN.test(Buffer.from(bytes.subarray(start, Math.min(end, start + TEXT_BYTES_MAX))).toString('latin1'))
}
