/** String values that are verified, but not shown. */
import {describe, expect, it} from 'vitest'
import {type Depth, type Entry, type EntryVisitor, MemorySource, RdbReader, ValueVisitor} from '../../src/index.js'
import {hex, intStr, len, lzfRun, lzfStr, str} from '../fixtures/builder.js'
import {fixtures} from '../reading/fixtures.js'
import {every, streamOf} from '../reading/pieces.js'
import {fileOf, SAMPLES} from '../reading/samples.js'
import {isReaderError} from '../reading/transcript.js'

const WINDOWS = [1, 2, 3, 7, 4096, 1 << 20]

class StringVisitor extends ValueVisitor implements EntryVisitor {
  readonly seen: string[] = []
  chunks = 0

  constructor(
    readonly depth: Depth,
    override readonly opaqueStrings: boolean,
  ) {
    super()
  }

  entry(): ValueVisitor {
    return this
  }

  damage(error: Error & {code: string; offset: number}): void {
    this.seen.push(`damage ${error.code} ${error.offset}`)
  }

  override begin(entry: Entry, count: number | undefined): void {
    this.seen.push(`begin ${entry.type} ${count}`)
  }

  override chunk(): void {
    this.chunks++
  }

  override end(entry: Entry): void {
    this.seen.push(`end ${entry.type} ${entry.encoding} ${entry.elements} ${entry.endOffset}`)
  }
}

async function read(source: MemorySource | ReturnType<typeof streamOf>, visitor: StringVisitor): Promise<string[]> {
  try {
    const {checksum} = await new RdbReader(source).run(visitor)
    visitor.seen.push(`checksum ${checksum}`)
  } catch (error) {
    if (!isReaderError(error)) throw error
    visitor.seen.push(`${error.name} ${'code' in error ? error.code : ''} ${error.offset}`)
  }
  return visitor.seen
}

/** The outcome, which must be the same in every window and, from a stream, in every piece. */
async function opaque(file: Uint8Array, depth: Depth = 'nodes', windows = WINDOWS): Promise<string[]> {
  const outcomes: string[][] = []
  for (const window of windows) {
    const visitor = new StringVisitor(depth, true)
    outcomes.push(await read(new MemorySource(file, window), visitor))
    expect(outcomes.at(-1), `windows of ${window}`).toEqual(outcomes[0])
  }
  return outcomes[0]!
}

const shown = (file: Uint8Array): Promise<string[]> => read(new MemorySource(file), new StringVisitor('nodes', false))

const long = (bytes: number): Buffer => Buffer.alloc(bytes, 'a long text, ')

describe('opaque strings', () => {
  const file = fileOf(9, [
    hex(0, str('raw'), str('hello')),
    hex(0, str('empty'), str('')),
    hex(0, str('long'), str(long(100_000))),
    hex(0, str('int'), intStr(4, -70_000)),
    hex(0, str('lzf'), lzfRun(97, 40)),
    hex(0, str('streamed'), lzfRun(98, 300_000)),
    hex(0, str('last'), str('x')),
  ])

  it('are begun and ended, and no chunk is shown', async () => {
    const expected = await shown(file)
    expect(expected.length).toBe(15)
    for (const depth of ['nodes', 'elements'] as const) expect(await opaque(file, depth)).toEqual(expected)
    const visitor = new StringVisitor('nodes', true)
    await read(new MemorySource(file, 7), visitor)
    expect(visitor.chunks).toBe(0)
  })

  it.each(['skip', 'raw'] as const)('are at depth %s what they are to anybody', async depth => {
    for (const window of WINDOWS) {
      const opaqueVisitor = new StringVisitor(depth, true)
      const plainVisitor = new StringVisitor(depth, false)
      await read(new MemorySource(file, window), opaqueVisitor)
      await read(new MemorySource(file, window), plainVisitor)
      expect(opaqueVisitor.seen).toEqual(plainVisitor.seen)
      expect(opaqueVisitor.chunks).toBe(plainVisitor.chunks)
    }
  })

  it('arrive from a stream of unknown size', async () => {
    const expected = await shown(file)
    for (const piece of [1, 1000]) {
      const visitor = new StringVisitor('nodes', true)
      expect(await read(streamOf(file, every(piece, file.length)), visitor)).toEqual(expected)
    }
  })

  it('are not shown in any fixture, and all else is as ever', async () => {
    for (const {name, bytes} of fixtures) {
      if (bytes.length > 200_000) continue
      expect(await opaque(bytes, 'nodes', [3, 4096]), name).toEqual(await shown(bytes))
    }
  })
})

describe('damage in opaque strings', () => {
  const AFTER = hex(0, str('after'), str('sound'))
  const damaged: [string, Buffer][] = [
    ['refers too far back', lzfStr(hex(0, 0x61, 0x3f, 0xff, 0, 0x62), 8)],
    ['is cut', lzfStr(hex(0, 0x61, 0xe0, 0x01), 20)],
    ['makes too much', lzfStr(hex(0, 0x61, 0xe0, 0xff, 0), 20)],
    ['makes too little', lzfStr(hex(0, 0x61, 0x20, 0), 20)],
    ['claims too much', lzfStr(hex(0, 0x61, 0x20, 0), 4_000_000)],
    ['is long and cut', lzfStr(hex(0, 0x61, Buffer.alloc(30_001, 0xe0)), 9000 * 264)],
    [
      'is long and makes too little',
      lzfStr(hex(0, 0x61, Buffer.alloc(30_000, Buffer.from('e0ff00', 'hex'))), 2_640_002),
    ],
  ]

  it.each(damaged)('that %s is told, and the next key is read', async (_, value) => {
    const file = fileOf(9, [hex(0, str('key'), value), AFTER])
    const end = 9 + 5 + value.length
    const lines = await opaque(file)
    expect(lines[1]).toMatch(/^damage BAD_LZF /)
    expect(lines[2]).toMatch(new RegExp(` ${end}$`))
    expect(lines.slice(3)).toEqual(['begin string 5', `end string raw 5 ${end + AFTER.length}`, 'checksum absent'])
    expect(lines).toEqual(await shown(file))
  })

  it('ends the reading of a visitor that does not want to go on', async () => {
    const file = fileOf(9, [hex(0, str('key'), damaged[0]![1]), AFTER])
    const value = new StringVisitor('nodes', true)
    await expect(new RdbReader(new MemorySource(file)).run({entry: () => value})).rejects.toMatchObject({
      code: 'BAD_LZF',
    })
  })

  it('is found where a raw string is cut', async () => {
    const file = fileOf(9, [hex(0, str('key'), len(100), Buffer.from('short'))])
    for (const window of WINDOWS) {
      const visitor = new StringVisitor('nodes', true)
      expect((await read(new MemorySource(file, window), visitor)).at(-1)).toMatch(/^FormatError TRUNCATED /)
    }
    const visitor = new StringVisitor('nodes', true)
    const lines = await read(streamOf(file, every(3, file.length)), visitor)
    expect(lines.at(-1)).toMatch(/^FormatError TRUNCATED /)
    expect(lines.some(line => line.startsWith('end'))).toBe(false)
  })

  it('is the same in all windows, whatever byte is flipped or cut off', async () => {
    for (const {bytes, name, valueOffset, endOffset} of SAMPLES.filter(one => one.name.startsWith('string'))) {
      for (let at = valueOffset; at < Math.min(endOffset, valueOffset + 300); at++) {
        const flipped = Uint8Array.from(bytes)
        flipped[at]! ^= 0x81
        const lines = await opaque(flipped, 'nodes', [1, 3, 4096])
        const expected = await shown(flipped)
        // Where bytes are wrong and others missing, either may be told.
        if (!expected.at(-1)!.includes('TRUNCATED')) expect(lines, `${name}, byte ${at}`).toEqual(expected)
        await opaque(bytes.slice(0, at), 'nodes', [1, 3, 4096])
      }
    }
  })
})
