/**
 * Lengths of what stands packed in a block: 7 bits a byte, the lowest first,
 * 0x80 where more follow. Most have one byte, which hot loops read themselves.
 */

/** From here on a byte is not the whole length. */
export const LENGTH_MORE = 0x80

/** Bytes that a length takes. */
export function lengthBytes(length: number): number {
  let bytes = 1
  for (let rest = length >>> 7; rest > 0; rest >>>= 7) bytes++
  return bytes
}

/** Writes a length and returns where it ends. */
export function putLength(bytes: Uint8Array, at: number, length: number): number {
  let rest = length
  let p = at
  while (rest >= LENGTH_MORE) {
    bytes[p++] = (rest & 0x7f) | LENGTH_MORE
    rest >>>= 7
  }
  bytes[p++] = rest
  return p
}

/** Where the length ends that was read last. */
let end = 0

/** Reads a length; `lengthEnd` is where it ends. */
export function readLength(bytes: Uint8Array, at: number): number {
  let length = 0
  end = at
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[end++]!
    length |= (byte & 0x7f) << shift
    if (byte < LENGTH_MORE) return length
  }
}

export function lengthEnd(): number {
  return end
}
