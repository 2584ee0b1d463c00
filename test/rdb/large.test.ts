/** Values far larger than the memory that reading them may take. None of it is stored: the bytes are made as they are read. */
import {mkdtemp, open, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {StreamSource} from '../../src/bytes/source.js'
import {type ByteSource, type Depth, type Entry, openFile, RdbReader, ValueVisitor} from '../../src/index.js'
import {hex, len, str} from '../fixtures/builder.js'
import {withLimits} from '../reading/pieces.js'

const MEGABYTE = 1024 * 1024
const GROWTH_BYTES_MAX = 100 * MEGABYTE
const SECONDS_MAX = 30
const PIECE_BYTES = 256 * 1024

/** What stands before and after the large part, and the pattern it repeats. */
interface Made {
  before: Uint8Array
  pattern: Uint8Array
  patternBytes: number
  after: Uint8Array
}

/** The file as a stream of pieces, all of them lent from one buffer. */
function streamOfMade({before, pattern, patternBytes, after}: Made): ByteSource {
  const buffer = new Uint8Array(PIECE_BYTES + pattern.length)
  for (let at = 0; at < buffer.length; at += pattern.length) {
    buffer.set(pattern.subarray(0, Math.min(pattern.length, buffer.length - at)), at)
  }
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield before
    for (let made = 0; made < patternBytes; ) {
      const phase = made % pattern.length
      const piece = Math.min(PIECE_BYTES, patternBytes - made)
      yield buffer.subarray(phase, phase + piece)
      made += piece
    }
    yield after
  }
  return new StreamSource('made bytes', pieces())
}

const header = Buffer.from('REDIS0009')
/** A key after the large one: its being read proves that the large one ended where it should. */
const after = new Uint8Array(hex(0, str('after'), str('end'), 0xff, Buffer.alloc(8)))

const RAW_BYTES = 512 * MEGABYTE
const RAW: Made = {
  before: new Uint8Array(hex(header, 0, str('large'), len(RAW_BYTES))),
  pattern: new Uint8Array(Buffer.from('0123456789abcdef0')),
  patternBytes: RAW_BYTES,
  after,
}

/** A literal `a`, then references of 264 to the byte before. */
const REFERENCES = Math.floor((600 * MEGABYTE) / 264)
const LZF_OUT_BYTES = 1 + 264 * REFERENCES
const LZF_BYTES = 2 + 3 * REFERENCES
const LZF: Made = {
  before: new Uint8Array(hex(header, 0, str('large'), 0xc3, len(LZF_BYTES), len(LZF_OUT_BYTES), 0x00, 0x61)),
  pattern: new Uint8Array(hex('e0ff00')),
  patternBytes: 3 * REFERENCES,
  after,
}

/** Counts bytes, and looks at memory now and then. */
class Watching extends ValueVisitor {
  bytes = 0
  firstLast = [-1, -1]
  peakBytes = 0
  keys: string[] = []
  #largest = 0
  #calls = 0

  constructor(readonly depth: Depth) {
    super()
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    if (this.keys.length > 0) return
    if (this.bytes === 0) this.firstLast[0] = bytes[start]!
    this.bytes += end - start
    this.#largest = Math.max(this.#largest, end - start)
    if (end > start) this.firstLast[1] = bytes[end - 1]!
    if (this.#calls++ % 50 === 0) this.peakBytes = Math.max(this.peakBytes, process.memoryUsage.rss())
  }

  get largestChunk(): number {
    return this.#largest
  }

  override end(entry: Entry): void {
    this.keys.push(`${Buffer.from(entry.key()).toString()} ${entry.encoding} ${entry.elements}`)
    this.peakBytes = Math.max(this.peakBytes, process.memoryUsage.rss())
  }
}

async function watched(made: Made, depth: Depth): Promise<Watching> {
  const watching = new Watching(depth)
  const beforeBytes = process.memoryUsage.rss()
  const startMs = performance.now()
  await new RdbReader(streamOfMade(made)).run({entry: () => watching})
  expect((performance.now() - startMs) / 1000).toBeLessThan(SECONDS_MAX)
  expect(watching.peakBytes - beforeBytes).toBeLessThan(GROWTH_BYTES_MAX)
  return watching
}

describe('512 MB as they are', () => {
  it.each<[Depth, number]>([
    ['skip', 0],
    ['raw', RAW_BYTES + 5],
    ['elements', RAW_BYTES],
    ['nodes', RAW_BYTES],
  ])('at depth %s', async (depth, bytes) => {
    const seen = await watched(RAW, depth)
    expect(seen.keys).toEqual([`large raw ${RAW_BYTES}`, 'after raw 3'])
    expect(seen.bytes).toBe(bytes)
    expect(seen.largestChunk).toBeLessThan(MEGABYTE)
    if (depth === 'elements') expect(seen.firstLast).toEqual([0x30, RAW.pattern[(RAW_BYTES - 1) % 17]])
  })
})

describe('600 MB compressed', () => {
  it.each<[Depth, number]>([
    ['skip', 0],
    ['raw', LZF_BYTES + 11],
    ['elements', LZF_OUT_BYTES],
  ])('at depth %s', async (depth, bytes) => {
    const seen = await watched(LZF, depth)
    expect(seen.keys).toEqual([`large lzf ${LZF_OUT_BYTES}`, 'after raw 3'])
    expect(seen.bytes).toBe(bytes)
    expect(seen.largestChunk).toBeLessThan(8 * MEGABYTE)
    if (depth === 'elements') expect(seen.firstLast).toEqual([0x61, 0x61])
  })
})

describe('an element larger than the limit', () => {
  const LARGE_BYTES = 600 * MEGABYTE
  const set: Made = {...RAW, before: new Uint8Array(hex(header, 2, str('large'), len(1), len(LARGE_BYTES)))}
  set.patternBytes = LARGE_BYTES

  it('is refused from a stream before it has arrived', async () => {
    const source = streamOfMade(set)
    const beforeBytes = process.memoryUsage.rss()
    const run = new RdbReader(source).run({entry: () => new Watching('elements')})
    await expect(run).rejects.toMatchObject({name: 'LimitError', limit: 'elementBytesMax', allowed: 512 * MEGABYTE})
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(GROWTH_BYTES_MAX)
    expect(source.storedRead).toBeLessThan(MEGABYTE)
  })

  it('is refused from a file that does hold it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rdbtool-large-'))
    const path = join(folder, 'sparse.rdb')
    const file = await open(path, 'w')
    await file.write(set.before)
    await file.truncate(set.before.length + LARGE_BYTES + 100)
    await file.close()
    const beforeBytes = process.memoryUsage.rss()
    const reader = new RdbReader(await openFile(path))
    const run = reader.run({entry: () => new Watching('elements')})
    await expect(run).rejects.toMatchObject({name: 'LimitError', limit: 'elementBytesMax'})
    expect(process.memoryUsage.rss() - beforeBytes).toBeLessThan(GROWTH_BYTES_MAX)
    await reader.close()
    await rm(folder, {recursive: true})
  })

  it('is passed over all the same', async () => {
    const seen = await watched(set, 'skip')
    expect(seen.keys).toEqual(['large hashtable 1', 'after raw 3'])
  })

  it('is one byte too large, or just not', async () => {
    const member = (bytes: number): Made => ({
      before: new Uint8Array(hex(header, 2, str('k'), len(1), len(bytes))),
      pattern: RAW.pattern,
      patternBytes: bytes,
      after,
    })
    const countBytes = len(1).length
    await withLimits({elementBytesMax: 100_000}, async () => {
      const lengthBytes = len(100_000).length
      const fits = streamOfMade(member(100_000 - lengthBytes))
      await expect(new RdbReader(fits).run({entry: () => new Watching('elements')})).resolves.toBeDefined()
      const large = streamOfMade(member(100_001 - lengthBytes))
      await expect(new RdbReader(large).run({entry: () => new Watching('elements')})).rejects.toMatchObject({
        name: 'LimitError',
        wanted: 100_001,
        offset: header.length + 1 + str('k').length + countBytes,
      })
    })
  })
})
