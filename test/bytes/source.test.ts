/** Windows of an input: all its bytes, in order, valid for as long as promised. */
import {mkdtemp, open, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout} from 'node:timers/promises'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {giveBackWindows, kernel, takeWindows} from '../../src/bytes/kernel.js'
import {
  type ByteSource,
  type ByteWindow,
  FileSource,
  MemorySource,
  openFile,
  StreamSource,
  windowsOf,
} from '../../src/bytes/source.js'
import {every, fileInWindows, streamOf} from '../reading/pieces.js'
import {noise} from './samples.js'

const BYTES = noise(100_000, 3)
let folder = ''
let path = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rdbtool-source-'))
  path = join(folder, 'file')
  await writeFile(path, BYTES)
})

afterAll(() => rm(folder, {recursive: true}))

async function allOf(source: ByteSource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of windowsOf(source)) pieces.push(piece.slice())
  await source.close()
  return Buffer.concat(pieces)
}

const kinds: [string, () => Promise<ByteSource> | ByteSource][] = [
  ['memory', () => new MemorySource(BYTES, 777)],
  ['memory in one window', () => new MemorySource(BYTES, 1e9)],
  ['a file', () => openFile(path)],
  ['a file in windows', () => fileInWindows(path, BYTES.length, 1000)],
  ['a stream', () => streamOf(BYTES, every(999, BYTES.length))],
]

describe.each(kinds)('%s', (_, make) => {
  it('gives all bytes in order, then nothing', async () => {
    const source = await make()
    expect(Buffer.compare(await allOf(source), BYTES)).toBe(0)
  })

  it('keeps the window before while the next is read', async () => {
    const source = await make()
    let before: {window: ByteWindow; copy: Uint8Array} | undefined
    for (let window = await source.read(); window !== undefined; window = await source.read()) {
      if (before !== undefined) {
        const {bytes, start, end} = before.window
        expect(Buffer.compare(bytes.subarray(start, end), before.copy)).toBe(0)
      }
      expect(window.end).toBeGreaterThan(window.start)
      before = {window, copy: window.bytes.slice(window.start, window.end)}
    }
    expect(await source.read()).toBeUndefined()
    await source.close()
  })

  it('counts what was read', async () => {
    const source = await make()
    expect(source.storedRead).toBe(0)
    await source.read()
    expect(source.storedRead).toBeGreaterThan(0)
    while ((await source.read()) !== undefined);
    expect(source.storedRead).toBe(BYTES.length)
    if (source.inputBytes !== Number.POSITIVE_INFINITY) expect(source.inputBytes).toBe(BYTES.length)
    expect(source.storedBytes).toBe(source.inputBytes)
    await source.close()
  })
})

describe('a file', () => {
  it('is read as large as it was when it was opened', async () => {
    const growing = join(folder, 'growing')
    await writeFile(growing, BYTES.subarray(0, 1000))
    const source = await openFile(growing)
    await writeFile(growing, BYTES.subarray(1000, 3000), {flag: 'a'})
    expect(Buffer.compare(await allOf(source), BYTES.subarray(0, 1000))).toBe(0)
  })

  it('that becomes shorter ends early', async () => {
    const shrinking = join(folder, 'shrinking')
    await writeFile(shrinking, BYTES)
    const source = await fileInWindows(shrinking, BYTES.length, 1000)
    await source.read()
    await writeFile(shrinking, BYTES.subarray(0, 2500))
    let bytes = 1000
    for (let window = await source.read(); window !== undefined; window = await source.read()) {
      bytes += window.end - window.start
    }
    expect(bytes).toBe(2500)
    await source.close()
  })

  it('is the same whether windows are read ahead or not, in any order', async () => {
    for (const turns of [[true], [false], [true, false], [false, false, true], [true, true, true, false, false]]) {
      const source = await fileInWindows(path, BYTES.length, 999)
      const pieces: Uint8Array[] = []
      let before: {window: ByteWindow; copy: Uint8Array} | undefined
      for (let i = 0; ; i++) {
        const window = await source.read(turns[i % turns.length])
        // The window before may still be looked into.
        if (before !== undefined) {
          const {bytes, start, end} = before.window
          expect(Buffer.compare(bytes.subarray(start, end), before.copy)).toBe(0)
        }
        if (window === undefined) break
        before = {window, copy: window.bytes.slice(window.start, window.end)}
        pieces.push(before.copy)
        await setTimeout(i % 10 === 0 ? 1 : 0)
      }
      expect(source.storedRead).toBe(BYTES.length)
      expect(Buffer.compare(Buffer.concat(pieces), BYTES)).toBe(0)
      await source.close()
    }
  })

  it('that is closed while it is read ahead writes to no window of the next', async () => {
    const {count, first} = kernel().windows
    const source = await fileInWindows(path, BYTES.length, 999)
    await source.read()
    await source.close()
    const areas = takeWindows(count)!
    expect(areas.length).toBe(count)
    const end = Math.max(...areas.map(area => area.end))
    kernel().bytes.fill(0, first, end)
    await setTimeout(20)
    expect(
      kernel()
        .bytes.subarray(first, end)
        .every(byte => byte === 0),
    ).toBe(true)
    giveBackWindows(areas)
  })

  it('can be read from a place on', async () => {
    const source = new FileSource(path, await open(path, 'r'), 5000, 95_000)
    expect(Buffer.compare(await allOf(source), BYTES.subarray(95_000))).toBe(0)
  })

  it('of nothing has no window', async () => {
    const empty = join(folder, 'empty')
    await writeFile(empty, '')
    const source = await openFile(empty)
    expect(source.inputBytes).toBe(0)
    expect(await source.read()).toBeUndefined()
    await source.close()
  })

  it('that is none is an error of input and output', async () => {
    await expect(openFile(join(folder, 'nowhere'))).rejects.toMatchObject({code: 'ENOENT'})
    await expect(openFile(folder)).rejects.toMatchObject({code: 'EISDIR', path: folder})
  })
})

describe('a stream', () => {
  it('passes over empty pieces', async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (const text of ['', 'a', '', '', 'bc', '']) yield Buffer.from(text)
    }
    expect(Buffer.from(await allOf(new StreamSource('pieces', pieces()))).toString()).toBe('abc')
  })

  it('passes its errors through', async () => {
    const broken = Object.assign(new Error('the pipe broke'), {code: 'EPIPE'})
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('a')
      throw broken
    }
    await expect(allOf(new StreamSource('pieces', pieces()))).rejects.toBe(broken)
  })

  it('is told when nobody reads on', async () => {
    let returned = false
    let closed = false
    async function* pieces(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield Buffer.from('a')
      } finally {
        returned = true
      }
    }
    const source = new StreamSource('pieces', pieces(), async () => {
      closed = true
    })
    await source.read()
    await source.close()
    expect([returned, closed]).toEqual([true, true])
  })

  it('is not read to an end that may never come', async () => {
    const source = streamOf(BYTES, every(100, BYTES.length))
    await source.read()
    expect(await source.readRest?.()).toBe(0)
    expect(source.storedRead).toBe(100)
  })
})
