/** What could drive a terminal or turn the writing direction, by code point and independent of the code under test. */
const DANGEROUS: readonly [first: number, last: number][] = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0xad, 0xad],
  [0x061c, 0x061c],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2060, 0x206f],
  [0xfeff, 0xfeff],
  [0xe0001, 0xe007f],
]

/** Code points in a text that must not reach a screen; newlines end the lines of a report. */
export function dangerousIn(text: string, allowed = ''): string[] {
  const found = Array.from(text).filter(character => {
    const point = character.codePointAt(0)!
    return !allowed.includes(character) && DANGEROUS.some(([first, last]) => point >= first && point <= last)
  })
  return found.map(character => `U+${character.codePointAt(0)!.toString(16)}`)
}
