/** A zstd frame that claims more than it may: refused by its header. */
import {describe, expect, it} from 'vitest'
import {decompressed} from '../../src/bytes/compressed.js'
import {MemorySource, RdbReader} from '../../src/index.js'

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd]

/** Node's own decompressor keeps its own bound. */
const own = 'createZstdDecompress' in (await import('node:zlib'))

describe.skipIf(own)('a zstd window', () => {
  it.each([
    ['of 1.9 GB', [...MAGIC, 0x00, 0xa7, 0, 0, 0, 0, 0, 0]],
    ['of a content of 4 GB', [...MAGIC, 0xa0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0]],
  ])('%s is not allocated', async (_name, bytes) => {
    const source = await decompressed(new MemorySource(Uint8Array.from(bytes)))
    const before = process.memoryUsage().arrayBuffers
    const error = await new RdbReader(source).readHeader().catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({name: 'LimitError', limit: 'ZSTD_WINDOW_BYTES_MAX'})
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000)
  })
})
