/** Bytes as tests write them down, and the ways to break them. */
import {LentBytes} from '../../src/bytes/lent.js'
import {FormatError} from '../../src/errors.js'

/** Reads the blob that is exactly bytes[start, end). */
export type Read = (bytes: Uint8Array, start: number, end: number) => unknown

export function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/[\s|]/g, ''), 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Bytes of a text in latin1, so that a test can name any byte. */
export function latin1(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}

export function textOf(lent: LentBytes): string {
  return Buffer.from(lent.bytes.subarray(lent.start, lent.end)).toString('latin1')
}

/** Every entry that a walker lends, as latin1 text. */
export function textsOf(walker: {next(into: LentBytes): boolean}): string[] {
  const into = new LentBytes(0)
  const texts: string[] = []
  while (walker.next(into)) texts.push(textOf(into))
  return texts
}

const BEFORE = 5
/** What lies around a blob in a window: plausible entries, so that reading too far would succeed. */
const AROUND = latin1('\x00\x01\x81a\x02\xf2\xff\x02\x00\x01')

/** Reads a blob that lies inside a larger window, away from its start. */
export function readWithin<T>(blob: Uint8Array, read: (bytes: Uint8Array, start: number, end: number) => T): T {
  const window = new Uint8Array(BEFORE + blob.length + AROUND.length)
  window.set(AROUND.subarray(0, BEFORE))
  window.set(blob, BEFORE)
  window.set(AROUND, BEFORE + blob.length)
  return read(window, BEFORE, BEFORE + blob.length)
}

/** How the reading of a damaged blob ended: true where it was refused. Any other error than ours passes through. */
export function isRefused(blob: Uint8Array, read: Read): boolean {
  try {
    readWithin(blob, read)
    return false
  } catch (error) {
    if (error instanceof FormatError) return true
    throw error
  }
}

/** Every shorter blob must be refused. */
export function cutsNotRefused(blob: Uint8Array, read: Read): number[] {
  const accepted: number[] = []
  for (let size = 0; size < blob.length; size++) if (!isRefused(blob.slice(0, size), read)) accepted.push(size)
  return accepted
}

/** Long blobs are damaged near their ends and at a few places between. */
function places(size: number): number[] {
  const all = Array.from({length: size}, (_, i) => i)
  return size <= 300 ? all : all.filter(i => i < 40 || i >= size - 40 || i % 997 === 0)
}

/** Puts every other value at every place; returns how many of those blobs were refused, and of how many. */
export function flipEveryByte(blob: Uint8Array, read: Read): {refused: number; tried: number} {
  const damaged = blob.slice()
  const step = blob.length <= 300 ? 1 : 37
  let refused = 0
  let tried = 0
  for (const place of places(blob.length)) {
    for (let change = 1; change < 256; change += step) {
      damaged[place] = blob[place]! ^ change
      tried++
      if (isRefused(damaged, read)) refused++
    }
    damaged[place] = blob[place]!
  }
  return {refused, tried}
}
