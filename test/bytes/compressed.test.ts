/** gzip and zstd by their first bytes, in any window, with progress and errors of what is stored. */
import * as zlib from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {compressionOf, decompressed} from '../../src/bytes/compressed.js'
import {type ByteSource, MemorySource, StreamSource, windowsOf} from '../../src/bytes/source.js'
import {hex} from '../fixtures/builder.js'
import {every, streamOf} from '../reading/pieces.js'
import {json, noise} from './samples.js'

async function allOf(source: ByteSource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of windowsOf(source)) pieces.push(piece.slice())
  await source.close()
  return Buffer.concat(pieces)
}

describe('compressionOf', () => {
  it.each<[string, Uint8Array, string | undefined]>([
    ['gzip', hex('1f8b0800'), 'gzip'],
    ['gzip by two bytes', hex('1f8b'), 'gzip'],
    ['zstd', hex('28b52ffd00'), 'zstd'],
    ['three bytes of zstd', hex('28b52f'), undefined],
    ['one byte', hex('1f'), undefined],
    ['nothing', hex(''), undefined],
    ['an RDB file', Buffer.from('REDIS0009'), undefined],
    ['the old compress', hex('1f9d9042'), undefined],
  ])('%s', (_, bytes, expected) => {
    expect(compressionOf(bytes, 0, bytes.length)).toBe(expected)
    const within = hex('aabb', bytes, '1f8b28b52ffd')
    expect(compressionOf(within, 2, 2 + bytes.length)).toBe(expected)
  })
})

describe('decompressed', () => {
  const plain = Buffer.concat([json(400_000, 1), noise(300_000, 2)])
  const packed = new Uint8Array(zlib.gzipSync(plain))

  it.each([1, 2, 3, 5, 4096, 1e9])('unpacks what arrives in windows of %i', async window => {
    // One byte at a time would take long for all of it.
    const [stored, expected] =
      window < 1000
        ? [new Uint8Array(zlib.gzipSync(plain.subarray(0, 3000))), plain.subarray(0, 3000)]
        : [packed, plain]
    expect(Buffer.compare(await allOf(await decompressed(new MemorySource(stored, window))), expected)).toBe(0)
    const stream = streamOf(stored, every(window, stored.length))
    expect(Buffer.compare(await allOf(await decompressed(stream)), expected)).toBe(0)
  })

  it.each([0, 1, 2, 3, 4, 5, 1000])('leaves %i plain bytes as they are', async bytes => {
    for (const window of [1, 2, 3, 1e9]) {
      const source = await decompressed(new MemorySource(plain.subarray(0, bytes), window))
      expect(source.inputBytes).toBe(bytes)
      expect(Buffer.compare(await allOf(source), plain.subarray(0, bytes))).toBe(0)
    }
  })

  it('keeps the name, and counts what is stored', async () => {
    const source = await decompressed(new MemorySource(packed, 10_000, 'backup.gz'))
    expect(source.name).toBe('backup.gz')
    expect(source.inputBytes).toBe(Number.POSITIVE_INFINITY)
    expect(source.storedBytes).toBe(packed.length)
    await source.read()
    const early = source.storedRead
    expect(early).toBeGreaterThan(0)
    expect(await source.readRest?.()).toBeGreaterThan(0)
    expect(source.storedRead).toBe(packed.length)
    await source.close()
  })

  it('closes what it reads from', async () => {
    let closed = 0
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield packed
    }
    const source = await decompressed(
      new StreamSource('pieces', pieces(), async () => {
        closed++
      }),
    )
    await source.read()
    await source.close()
    expect(closed).toBe(1)
  })

  it('an error of the disk stays what it is', async () => {
    const broken = Object.assign(new Error('the disk failed'), {code: 'EIO'})
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield packed.slice(0, 5000)
      throw broken
    }
    const source = await decompressed(new StreamSource('pieces', pieces()))
    await expect(allOf(source)).rejects.toMatchObject({code: 'EIO'})
  })
})
