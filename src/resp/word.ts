/**
 * Names of commands, and words among their arguments: servers take them in
 * whatever case, of the letters of ASCII (strcasecmp in the C locale). And what
 * SELECT is given.
 */

const LETTER_A = 0x41
const LETTER_Z = 0x5a
/** Between a large letter and its small one. */
const CASE = 0x20
const ZERO = 0x30
const DATABASE_DIGITS_MAX = 9

/** A word as `isWord` takes it: in small letters. */
export function wordOf(text: string): Uint8Array {
  const bytes = Buffer.from(text)
  for (let i = 0; i < bytes.length; i++) bytes[i] = small(bytes[i]!)
  return bytes
}

/** Whether bytes[start … end) are a word, in whatever case. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  const {length} = word
  if (end - start !== length) return false
  for (let i = 0; i < length; i++) if (small(bytes[start + i]!) !== word[i]) return false
  return true
}

function small(byte: number): number {
  return byte >= LETTER_A && byte <= LETTER_Z ? byte + CASE : byte
}

/** The number of a database; undefined where it is none: a server would answer with an error, and stay in the one that it is in. */
export function databaseOf(bytes: Uint8Array, start: number, end: number): number | undefined {
  if (end === start || end - start > DATABASE_DIGITS_MAX) return undefined
  let db = 0
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - ZERO
    if (digit < 0 || digit > 9) return undefined
    db = db * 10 + digit
  }
  return db
}
