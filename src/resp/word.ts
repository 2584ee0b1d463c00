/**
 * Names of commands, and words among their arguments: servers take them in
 * whatever case, of the letters of ASCII (strcasecmp in the C locale).
 */

const LETTER_A = 0x41
const LETTER_Z = 0x5a
/** Between a large letter and its small one. */
const CASE = 0x20

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
