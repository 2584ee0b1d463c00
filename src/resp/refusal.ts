/**
 * Error replies: what their words mean in every version, and what of them must not be shown.
 */
import type {WireCode} from '../errors.js'

/** Refusals by the words of every version, the more special first. */
const REFUSALS: readonly [words: RegExp, code: WireCode][] = [
  [/^-NOAUTH|^-ERR operation not permitted/, 'AUTH_REQUIRED'],
  [/^-WRONGPASS|^-ERR invalid password|^-ERR .*AUTH.*(no password is set|without any password)/, 'AUTH_FAILED'],
  [/^-DENIED/, 'PROTECTED_MODE'],
  [/^-NOPERM/, 'NO_PERMISSION'],
  // Those that pass: it loads, its own link is down, a script blocks it, it could not save lately, it fails over.
  [/^-(LOADING|NOMASTERLINK|MASTERDOWN|BUSY|MISCONF|TRYAGAIN)|not connected with my master/i, 'MASTER_NOT_READY'],
  [/BGSAVE failed|can't BGSAVE|unable to perform background save/i, 'SNAPSHOT_FAILED'],
  [/unknown command|not support|not allowed|command .* is disabled|-ERR unsupported/i, 'COMMAND_UNKNOWN'],
]

/** What an error line means. */
export function refusalCode(line: string): WireCode {
  return REFUSALS.find(([words]) => words.test(line))?.[1] ?? 'MASTER_REFUSED'
}

/**
 * A refusal of AUTH without the arguments that servers repeat where they do not know the command. They cut them at 128
 * characters, so a password may stand there in part.
 */
export function withoutArguments(line: string): string {
  return line.replace(/,?\s*with args beginning with.*$/is, '')
}
