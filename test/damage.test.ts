/**
 * Bytes that are wrong: cut, flipped, inserted and hostile ones, in every type and record. Only our own errors may come
 * of them, with an offset that lies in the input, soon, and without memory for what a length merely claims.
 */
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {type ByteSource, type Depth, FormatError, MemorySource} from '../src/index.js'
import {hex, str} from './fixtures/builder.js'
import {distinct} from './reading/fixtures.js'
import {every, streamOf} from './reading/pieces.js'
import {fileOf, SAMPLES, type Sample} from './reading/samples.js'
import {isReaderError, type ReaderError, readSilently} from './reading/silent.js'

const DEPTHS: readonly Depth[] = ['skip', 'raw', 'nodes', 'elements']
/** A read of a few bytes; a hang would be without end. */
const READ_MS_MAX = 3000
/** A window grown at once, with room; never the gigabytes of a claim. */
const ALLOCATION_BYTES_MAX = 1024 * 1024

let largestAllocation = 0
const PlainUint8Array = globalThis.Uint8Array

/** Notes the size of every buffer that is asked for: untouched memory would not show in the process's size. */
beforeAll(() => {
  globalThis.Uint8Array = new Proxy(PlainUint8Array, {
    construct(target, args: [unknown]) {
      if (typeof args[0] === 'number') largestAllocation = Math.max(largestAllocation, args[0])
      return Reflect.construct(target, args, target) as object
    },
  })
})

afterAll(() => {
  globalThis.Uint8Array = PlainUint8Array
})

/**
 * Reads broken bytes and checks what must hold whatever they are. Returns the error, if it came to one. A call of `expect`
 * takes longer than a reading of so few bytes, and there are half a million: it is called where something does not hold.
 */
async function readBroken(source: ByteSource, bytes: number, depth: Depth): Promise<ReaderError | undefined> {
  largestAllocation = 0
  const startMs = performance.now()
  const error = await readSilently(source, depth)
  const tookMs = performance.now() - startMs
  if (tookMs >= READ_MS_MAX) expect.fail(`reading took ${tookMs} ms`)
  if (largestAllocation > ALLOCATION_BYTES_MAX + bytes)
    expect.fail(`a buffer of ${largestAllocation} bytes for ${bytes}`)
  if (error === undefined) return undefined
  if (!isReaderError(error)) throw error
  const {offset, place} = error
  if (!(Number.isInteger(offset) && offset >= 0 && offset <= bytes)) expect.fail(`byte ${offset} of ${bytes}`)
  if (place.recordOffset !== undefined && !(place.recordOffset <= offset))
    expect.fail(`byte ${offset} in a record that begins at byte ${place.recordOffset}`)
  return error
}

const all = SAMPLES.map(one => [one.name, one] as const)

describe('samples', () => {
  it.each(all)('%s is whole before it is broken', async (_, {bytes}: Sample) => {
    for (const depth of DEPTHS) expect(await readSilently(new MemorySource(bytes), depth)).toBeUndefined()
  })
})

function isTruncatedAt(cut: number, error: ReaderError | undefined): boolean {
  return error instanceof FormatError && error.code === 'TRUNCATED' && error.offset === cut
}

describe('cut at every byte', () => {
  async function fails(bytes: Uint8Array): Promise<void> {
    for (let cut = 0; cut < bytes.length; cut++) {
      for (const depth of DEPTHS) {
        const error = await readBroken(new MemorySource(bytes.slice(0, cut)), cut, depth)
        const code = error instanceof FormatError ? error.code : String(error)
        // A count is refused where it stands when the rest of the file cannot hold it.
        const isTold = cut === 0 ? code === 'EMPTY_INPUT' : code === 'BAD_COUNT' || isTruncatedAt(cut, error)
        if (!isTold) expect.fail(`cut at ${cut}: ${code} at byte ${error?.offset}`)
      }
    }
  }

  it.each(all)('%s', (_, {bytes}) => fails(bytes))
  // The built ones end in their own bytes, or in none.
  const small = distinct.filter(({name, bytes}) => bytes.length < 500 && !/bytes-after-end|preamble|v79/.test(name))
  it.each(small.map(({name, bytes}) => [name, bytes] as const))('%s', (_, bytes) => fails(bytes))
})

describe('every byte flipped', () => {
  it.each(all)('%s', async (_, {bytes}) => {
    for (let i = 0; i < bytes.length; i++) {
      for (const mask of [0xff, 0x80, 0x40, 0x01]) {
        const broken = bytes.slice()
        broken[i]! ^= mask
        for (const depth of DEPTHS) await readBroken(new MemorySource(broken), broken.length, depth)
      }
    }
  })

  const small = distinct.filter(({bytes}) => bytes.length < 400)
  it.each(small.map(one => [one.name, one.bytes] as const))('%s is not taken for whole', async (name, bytes) => {
    const checked = !/checksum|no-checksum|v[1-4]\.rdb|v79/.test(name)
    for (let i = 0; i < bytes.length; i++) {
      const broken = bytes.slice()
      broken[i]! ^= 0x10
      const error = await readBroken(new MemorySource(broken), broken.length, DEPTHS[i % 4]!)
      const after = /bytes-after-end|preamble/.test(name)
      if (checked && !after && error === undefined) expect.fail(`byte ${i} is flipped, and nothing is told of it`)
    }
  })
})

describe('a byte inserted anywhere', () => {
  it.each(all)('%s', async (_, {bytes}) => {
    for (let i = 0; i <= bytes.length; i++) {
      for (const byte of [0x00, 0x81, 0xc3, 0xff]) {
        const broken = new Uint8Array(hex(bytes.slice(0, i), byte, bytes.slice(i)))
        for (const depth of DEPTHS) await readBroken(new MemorySource(broken), broken.length, depth)
      }
    }
  })
})

const HOSTILE: Readonly<Record<string, Uint8Array>> = {
  'a count of 2^32 - 1': hex('80 ffffffff'),
  'a length of 2^40': hex('81 0000010000000000'),
  'a length of 2^53': hex('81 0020000000000000'),
  'a length of 2^53 - 1': hex('81 001fffffffffffff'),
  'a length of 2^64 - 1': hex('81 ffffffffffffffff'),
  'a length of 600 MB': hex('80 24000000'),
  'LZF of 4 GB that makes 4 GB': hex('c3 80ffffffff 80ffffffff'),
  'LZF of 5 bytes that makes 4 GB': hex('c3 05 80ffffffff'),
  'LZF of 5 bytes that makes 2^50': hex('c3 05 81 0004000000000000'),
  'LZF of 2^50 that makes 5 bytes': hex('c3 81 0004000000000000 05'),
  'LZF of 400 MB that makes 400 MB': hex('c3 80 18000000 80 18000000'),
}

describe.each(Object.entries(HOSTILE))('%s, in place of any byte', (_, hostile) => {
  it.each(all)('%s', async (_name, {bytes, valueOffset, endOffset}) => {
    for (let i = valueOffset; i < Math.min(endOffset, valueOffset + 200); i++) {
      const broken = new Uint8Array(hex(bytes.slice(0, i), hostile, bytes.slice(i + 1)))
      for (const depth of DEPTHS) await readBroken(new MemorySource(broken), broken.length, depth)
      // Where nobody knows how much follows, a claim can be refused only by a limit or at the end.
      await readBroken(streamOf(broken, every(64, broken.length)), broken.length, DEPTHS[i % 4]!)
    }
  })
})

describe('a count that the file could hold', () => {
  it.each(all)('%s', async (_, {bytes, valueOffset, endOffset}) => {
    const padding = Buffer.alloc(70_000)
    for (let i = valueOffset; i < Math.min(endOffset, valueOffset + 100); i++) {
      const broken = new Uint8Array(hex(bytes.slice(0, i), hex('80 00010000'), bytes.slice(i + 1), padding))
      await readBroken(new MemorySource(broken), broken.length, 'elements')
    }
  })
})

describe('the watch over buffers', () => {
  it('sees those that the reader makes', async () => {
    const {bytes} = SAMPLES.find(({name}) => name === 'string raw')!
    await readBroken(new MemorySource(bytes, 1), bytes.length, 'elements')
    expect(largestAllocation).toBeGreaterThan(0)
  })

  it('finds no gigabyte for a bitmap that claims one, nor the time to fill it', async () => {
    const claim = hex('81 0004000000000000')
    const broken = fileOf(16, [hex(33, str('k'), claim, str(Buffer.alloc(8)))])
    for (const depth of ['nodes', 'elements'] as const) {
      const error = await readBroken(new MemorySource(broken), broken.length, depth)
      expect(error).toMatchObject({name: 'LimitError', limit: 'elementBytesMax', wanted: 2 ** 50})
    }
  })
})
