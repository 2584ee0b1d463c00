/**
 * What is read does not depend on how the bytes arrive: every fixture, and damaged ones, in windows of 1, 2, 3, 7 and
 * 4096 bytes, from memory, from a file and from a stream of unknown size.
 *
 * Of several servers' files of the same, and of those that are large or damaged, each is read in some of the windows.
 * RDBTOOL_ALL_WINDOWS=1, which `npm run fuzz` sets, reads all of them in all.
 */
import {describe, expect, it} from 'vitest'
import {type Depth, MemorySource} from '../src/index.js'
import {hex, len, lzfRun, str} from './fixtures/builder.js'
import {distinct, type Fixture, fixture, fixtures} from './reading/fixtures.js'
import {every, fileInWindows, streamOf} from './reading/pieces.js'
import {transcribe} from './reading/transcript.js'

const WINDOWS = [1, 2, 3, 7, 4096]
const ALL = process.env['RDBTOOL_ALL_WINDOWS'] !== undefined
/** Above this, byte by byte takes long: at the deepest depth only. */
const LARGE_BYTES = 8192
const DEPTHS: readonly Depth[] = ['skip', 'raw', 'nodes', 'elements']
/** Room before a window's bytes in which the rest of the last one fits (source.ts). */
const HEADROOM = 16 * 1024

const single = new Set(distinct)

function windowsFor(one: Fixture, depth: Depth): number[] {
  const isLarge = one.bytes.length > LARGE_BYTES
  if (ALL) return isLarge && depth !== 'elements' ? WINDOWS.slice(2) : WINDOWS
  if (!isLarge) return single.has(one) ? WINDOWS : [1, 7, 4096]
  return single.has(one) && depth === 'elements' ? [1, 3, 7, 4096] : [7, 4096]
}

/** How many bytes follow the end is known only where the input's size is. */
const withoutTrailing = (lines: string[]): string[] => lines.filter(line => !line.startsWith('problem TRAILING_BYTES'))

describe.each(fixtures.map(one => [one.name, one] as const))('%s', (_, one) => {
  const {bytes} = one
  it.each(DEPTHS)('in small windows, %s', async depth => {
    const whole = await transcribe(new MemorySource(bytes), depth)
    for (const window of windowsFor(one, depth)) {
      expect(await transcribe(new MemorySource(bytes, window), depth), `windows of ${window}`).toEqual(whole)
    }
  })
})

describe.each(distinct.map(one => [one.name, one] as const))('%s', (_, {path, bytes}) => {
  it.each(DEPTHS)('from a stream of unknown size, %s', async depth => {
    const whole = withoutTrailing(await transcribe(new MemorySource(bytes), depth))
    for (const piece of bytes.length > LARGE_BYTES ? [7, 4096] : [1, 7, 4096]) {
      const lines = await transcribe(streamOf(bytes, every(piece, bytes.length)), depth)
      expect(withoutTrailing(lines), `pieces of ${piece}`).toEqual(whole)
    }
  })

  it.each(DEPTHS)('from a file, %s', async depth => {
    const whole = await transcribe(new MemorySource(bytes), depth)
    for (const window of [7, 4096]) {
      const lines = await transcribe(await fileInWindows(path, bytes.length, window), depth)
      expect(lines, `windows of ${window}`).toEqual(whole)
    }
  })
})

/** How much of a value that fails was shown as it is stored depends on the windows; nobody can use it. */
const withoutBroken = (lines: string[]): string[] =>
  lines.filter((_, i) => !(i === lines.length - 2 && isBroken(lines)))

const isBroken = (lines: string[]): boolean => /^\w+Error /.test(lines.at(-1)!) && lines.at(-2)!.startsWith('chunks ')

/** Every n-th cut and flip of a file, so that all places are met over several files. */
function damaged(bytes: Uint8Array, step: number): Uint8Array[] {
  const all: Uint8Array[] = []
  for (let i = step % 5; i < bytes.length; i += step) {
    all.push(bytes.slice(0, i))
    const flipped = bytes.slice()
    flipped[i]! ^= i % 2 === 0 ? 0xff : 0x40
    all.push(flipped)
  }
  return all
}

describe('damage', () => {
  const small = distinct.filter(({bytes}) => bytes.length <= 350)

  it.each(small.map(one => [one.name, one] as const))('%s fails in every window alike', async (_, {bytes}) => {
    const windows = [1, 3, 7]
    for (const [i, broken] of damaged(bytes, 9 + (bytes.length % 5)).entries()) {
      for (const [at, depth] of DEPTHS.entries()) {
        const told = depth === 'raw' ? withoutBroken : (lines: string[]) => lines
        const whole = told(await transcribe(new MemorySource(broken), depth))
        // A cut and the flip at the same place, at each depth, have another one each.
        for (const window of ALL ? windows : [windows[(i + at) % 3]!]) {
          const lines = await transcribe(new MemorySource(broken, window), depth)
          expect(told(lines), `windows of ${window}`).toEqual(whole)
        }
      }
    }
  })

  it.each(small.map(one => [one.name, one] as const))('%s, cut, is cut for a stream too', async (_, {bytes}) => {
    for (let cut = 9; cut < bytes.length; cut += 11) {
      const broken = bytes.slice(0, cut)
      const whole = await transcribe(new MemorySource(broken), 'elements')
      const lines = await transcribe(streamOf(broken, every(5, cut)), 'elements')
      // A count that the file cannot hold is refused at once where the size of the file is known.
      if (whole.at(-1)!.includes('BAD_COUNT')) expect(lines.at(-1)).toContain(`TRUNCATED ${cut} `)
      else expect(withoutTrailing(lines)).toEqual(withoutTrailing(whole))
    }
  })
})

/** Text that never repeats within a window. */
const text = (bytes: number, seed: number): Buffer =>
  Buffer.from(Array.from({length: bytes}, (_, i) => 33 + ((i * 7 + (i >> 8) * 13 + seed) % 90)))

/** A file of long things: keys and elements longer than any window, raw and compressed. */
function longThings(): Uint8Array {
  const long = text(50_000, 1)
  const records = [
    hex(0xfa, str('aux'), str(text(20_000, 2))),
    hex(0, str(text(40_000, 3)), str('short')),
    hex(0, str('raw'), str(long)),
    hex(0, str('lzf'), lzfRun(97, 300_000)),
    hex(0, lzfRun(98, 30_000), str('a compressed key')),
    hex(2, str('set'), len(4), str('a'), str(long), lzfRun(99, 200_000), str('z')),
    hex(4, str('hash'), len(2), str(text(30_000, 4)), lzfRun(100, 70_000), lzfRun(101, 70_000), lzfRun(102, 90_000)),
  ]
  return new Uint8Array(hex(Buffer.from('REDIS0009'), ...records, 0xff, Buffer.alloc(8)))
}

describe('longer than the window', () => {
  const bytes = longThings()

  it.each(DEPTHS)('keys and elements, %s', async depth => {
    const whole = await transcribe(new MemorySource(bytes), depth)
    expect(whole.at(-1)).toBe(`checksum absent, ${bytes.length} bytes`)
    for (const window of [61, 997, 4096, HEADROOM, 65_536]) {
      expect(await transcribe(new MemorySource(bytes, window), depth), `windows of ${window}`).toEqual(whole)
      const lines = await transcribe(streamOf(bytes, every(window, bytes.length)), depth)
      expect(lines, `pieces of ${window}`).toEqual(whole)
    }
  })

  it('an element that leaves just less than the headroom, all of it, and just more', async () => {
    const member = text(40_000, 5)
    const file = new Uint8Array(
      hex(
        Buffer.from('REDIS0009'),
        2,
        str('set'),
        len(3),
        str('first'),
        str(member),
        str('last'),
        0xff,
        Buffer.alloc(8),
      ),
    )
    const start = Buffer.from(file).indexOf(member) - 5
    for (const depth of DEPTHS) {
      const whole = await transcribe(new MemorySource(file), depth)
      for (const kept of [HEADROOM - 2, HEADROOM - 1, HEADROOM, HEADROOM + 1, HEADROOM + 2]) {
        for (const cuts of [
          [start + kept],
          [start, start + kept],
          [start + kept, start + kept + 1, start + 2 * kept],
        ]) {
          expect(await transcribe(streamOf(file, cuts), depth), `${kept} bytes kept`).toEqual(whole)
        }
      }
    }
  })

  it('cut once, anywhere around the edges of its records', async () => {
    const {bytes: file} = fixture('rdb-built/hash-templates-v15.rdb')
    for (const depth of DEPTHS) {
      const whole = await transcribe(new MemorySource(file), depth)
      for (let cut = 1; cut < file.length; cut++) {
        expect(await transcribe(streamOf(file, [cut]), depth), `cut at ${cut}`).toEqual(whole)
      }
    }
  })
})
