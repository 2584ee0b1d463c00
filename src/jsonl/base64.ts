/**
 * Base64 to bytes (RFC 4648, section 4): the standard alphabet, padding where
 * the length is no multiple of four.
 */
const PADDING = 0x3d
const INVALID = 0xff

const VALUES = new Uint8Array(256).fill(INVALID)
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries()) {
  VALUES[character.charCodeAt(0)] = value
}

/** Decodes all of bytes[start … end) to the beginning of `into`; returns how many bytes that makes, -1 where it is no base64. */
export function decodeBase64(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  if ((end - start) % 4 !== 0) return -1
  let dataEnd = end
  if (dataEnd > start && bytes[dataEnd - 1] === PADDING) dataEnd--
  if (dataEnd > start && dataEnd < end && bytes[dataEnd - 1] === PADDING) dataEnd--
  const wholeEnd = dataEnd - ((dataEnd - start) % 4)
  const at = decodeQuads(bytes, start, wholeEnd, into)
  if (at < 0 || wholeEnd === dataEnd) return at
  const a = VALUES[bytes[wholeEnd]!]!
  const b = VALUES[bytes[wholeEnd + 1]!]!
  const c = dataEnd - wholeEnd === 3 ? VALUES[bytes[wholeEnd + 2]!]! : 0
  if ((a | b | c) > 63) return -1
  into[at] = (a << 2) | (b >> 4)
  if (dataEnd - wholeEnd === 2) return (b & 15) === 0 ? at + 1 : -1
  into[at + 1] = ((b & 15) << 4) | (c >> 2)
  return (c & 3) === 0 ? at + 2 : -1
}

/** Decodes whole groups of four characters without padding. */
export function decodeQuads(bytes: Uint8Array, start: number, end: number, into: Uint8Array): number {
  let at = 0
  for (let p = start; p < end; p += 4) {
    const a = VALUES[bytes[p]!]!
    const b = VALUES[bytes[p + 1]!]!
    const c = VALUES[bytes[p + 2]!]!
    const d = VALUES[bytes[p + 3]!]!
    if ((a | b | c | d) > 63) return -1
    into[at] = (a << 2) | (b >> 4)
    into[at + 1] = ((b & 15) << 4) | (c >> 2)
    into[at + 2] = ((c & 3) << 6) | d
    at += 3
  }
  return at
}
