/** Strings that are too large to be held are written in pieces, compressed where that pays; so are they without a count. */
import {describe, expect, it} from 'vitest'
import {
  Entry,
  MemorySource,
  MemoryTarget,
  NO_TYPE_ID,
  RdbReader,
  RdbWriter,
  targetOf,
  ValueVisitor,
} from '../../src/index.js'

const MEGABYTES = 20
const PIECE = 100_000

/** Bytes that repeat, or bytes that do not. */
function content(compressible: boolean): Uint8Array {
  const bytes = new Uint8Array(MEGABYTES * 1024 * 1024)
  let state = 7
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0
    bytes[i] = compressible ? 97 + (i % 23) : state >>> 24
  }
  return bytes
}

async function written(bytes: Uint8Array, count: number | undefined): Promise<Uint8Array> {
  const target = new MemoryTarget()
  const writer = new RdbWriter(target, {target: targetOf('redis-7.2')})
  const entry = new Entry()
  entry.typeId = NO_TYPE_ID
  entry.keyBytes.lend(Buffer.from('key'), 0, 3)
  const value = writer.entry(entry)
  value.begin(entry, count)
  for (let at = 0; at < bytes.length; at += PIECE) {
    const end = Math.min(at + PIECE, bytes.length)
    value.chunk(bytes, at, end, end === bytes.length)
  }
  value.end(entry)
  writer.finish()
  await target.finish()
  return target.view()
}

class Gathering extends ValueVisitor {
  override readonly depth = 'elements'
  readonly pieces: Uint8Array[] = []
  override chunk(bytes: Uint8Array, start: number, end: number): void {
    this.pieces.push(bytes.slice(start, end))
  }
}

describe('a string of 20 MiB', () => {
  it.each([
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ])('that repeats: %s, of known length: %s, is written and read back', async (repeats, known) => {
    const bytes = content(repeats)
    const file = await written(bytes, known ? bytes.length : undefined)
    const gathering = new Gathering()
    const reader = new RdbReader(new MemorySource(file))
    const {checksum} = await reader.run({entry: () => gathering})
    expect(checksum).toBe('ok')
    expect(Buffer.concat(gathering.pieces).equals(Buffer.from(bytes))).toBe(true)
    if (repeats && known) expect(file.length).toBeLessThan(bytes.length / 10)
    else expect(file.length).toBeLessThan(bytes.length + 200)
  })
})
