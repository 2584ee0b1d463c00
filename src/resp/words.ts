/**
 * What arguments of a command say, where they are words or numbers.
 */

/** Makes a letter small. */
const LOWER = 0x20
const ZERO = 0x30
const DATABASE_DIGITS_MAX = 9

/** Whether an argument is a word, in letters of any case. `word`: small letters. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false
  for (let i = 0; i < word.length; i++) if ((bytes[start + i]! | LOWER) !== word.charCodeAt(i)) return false
  return true
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
