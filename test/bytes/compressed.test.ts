/** gzip and zstd by their first bytes, in any window, with progress and errors of what is stored. */
import * as zlib from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {compressionOf, decompressed} from '../../src/bytes/compressed.js'
import {type ByteSource, MemorySource, StreamSource, windowsOf} from '../../src/bytes/source.js'
import {RdbReader, SKIP} from '../../src/index.js'
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

/** A zstd frame of one raw block: no compressor is needed to make one. */
function zstdFrame(content: Uint8Array): Uint8Array {
  const block = (content.length << 3) | 1
  return hex('28b52ffd20', content.length, block & 0xff, (block >> 8) & 0xff, block >> 16, content)
}

describe('what is wrong with a compressed input is told', () => {
  const rdb = Buffer.concat([Buffer.from('REDIS0003'), Buffer.from([0xff])])
  const gzip = zlib.gzipSync(rdb)
  const zstd = zstdFrame(rdb)
  const read = async (bytes: Uint8Array): Promise<unknown> => {
    const reader = await RdbReader.open(new Uint8Array(bytes))
    return reader.run({entry: () => SKIP}).then(
      ({bytes: read}) => read,
      (error: unknown) => error,
    )
  }

  it('sound ones are read', async () => {
    for (const bytes of [gzip, zstd, Buffer.concat([gzip, Buffer.alloc(512)])]) expect(await read(bytes)).toBe(10)
  })

  it.each([
    ['gzip', gzip],
    ['zstd', zstd],
  ])('%s that is cut is truncated, wherever it is cut', async (_, bytes) => {
    for (let cut = 4; cut < bytes.length; cut++) {
      const error = await read(bytes.subarray(0, cut))
      expect(error, `cut at ${cut}`).toMatchObject({name: 'FormatError', code: 'TRUNCATED', offset: cut})
    }
  })

  it.each([
    ['text', Buffer.from('and some text')],
    ['what begins like gzip', Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8])],
  ])('gzip that is followed by %s', async (_, junk) => {
    const error = await read(Buffer.concat([gzip, junk]))
    expect(error).toMatchObject({code: 'BAD_COMPRESSION', message: /what follows them is not gzip: cut it off/})
  })

  it.each([
    ['gzip in gzip', zlib.gzipSync(gzip)],
    ['zstd in gzip', zlib.gzipSync(zstd)],
    ['gzip in zstd', zstdFrame(gzip)],
  ])('%s', async (_, bytes) => {
    expect(await read(bytes)).toMatchObject({code: 'BAD_MAGIC', message: /compressed twice: unpack it once/})
  })
})
