/** A spool: bytes in order whatever the pieces, its checksum, what becomes of it, and a disk that fails. */
import {closeSync, existsSync, openSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {crc64} from '../../src/bytes/crc64.js'
import {windowsOf} from '../../src/bytes/source.js'
import {Spool} from '../../src/bytes/spool.js'
import {SpoolSource} from '../../src/bytes/spool-source.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
let outputs = 0
const output = (): string => join(folder.path, `out-${++outputs}`)
const leftovers = (): string[] => readdirSync(folder.path).filter(name => name.endsWith('.tmp'))

/** Bytes that repeat nowhere near. */
const content = Buffer.from(Array.from({length: 3_000_017}, (_, at) => (at * 2_654_435_761) >>> 24))

async function filled(path: string, pieceBytes: number, bytes: Uint8Array = content): Promise<Spool> {
  const spool = await Spool.create(path)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    spool.append(bytes, at, Math.min(at + pieceBytes, bytes.length))
    await spool.ready()
  }
  await spool.finish()
  return spool
}

async function read(spool: Spool): Promise<Buffer> {
  const source = await spool.source('spool')
  const pieces: Buffer[] = []
  for await (const piece of windowsOf(source)) pieces.push(Buffer.from(piece))
  await source.close()
  return Buffer.concat(pieces)
}

describe('a spool', () => {
  it.each([1000, 65_536, 524_288, 1_000_003, content.length])('of pieces of %i bytes', async pieceBytes => {
    const spool = await filled(output(), pieceBytes)
    expect(spool.bytes).toBe(content.length)
    expect((await read(spool)).equals(content)).toBe(true)
    const {high, low} = spool.checksum
    expect({high, low}).toEqual(crc64(content, 0, content.length))
    expect(Buffer.from(await spool.peek(5, 3))).toEqual(content.subarray(5, 8))
    expect(await spool.peek(content.length - 2, 8)).toHaveLength(2)
    await spool.discard()
    expect(leftovers()).toEqual([])
  })

  it('may be begun again', async () => {
    const path = output()
    const spool = await filled(path, 65_536)
    await spool.restart()
    spool.append(Buffer.from('hello'), 1, 5)
    await spool.finish()
    const {high, low} = spool.checksum
    expect({high, low}).toEqual(crc64(Buffer.from('ello'), 0, 4))
    await spool.publish(path, false)
    expect(readFileSync(path, 'latin1')).toBe('ello')
    await spool.discard()
    expect(readFileSync(path, 'latin1')).toBe('ello')
    expect(leftovers()).toEqual([])
  })

  it('replaces nothing unless forced', async () => {
    const path = output()
    writeFileSync(path, 'old')
    const spool = await filled(path, 65_536, Buffer.from('new'))
    await expect(spool.publish(path, false)).rejects.toThrow(/is there already/)
    expect(readFileSync(path, 'latin1')).toBe('old')
    await spool.publish(path, true)
    expect(readFileSync(path, 'latin1')).toBe('new')
    expect(leftovers()).toEqual([])
  })

  it('meets a disk that fails where it is waited for, and can still be removed', async () => {
    const path = output()
    const spool = await Spool.create(path)
    // The descriptor is somebody else's now: one that cannot be written to.
    closeSync(spool.file.fd)
    const other = openSync('/dev/null', 'r')
    expect(other).toBe(spool.file.fd)
    const appending = async (): Promise<void> => {
      for (let at = 0; at < 20; at++) {
        spool.append(content, 0, content.length)
        await spool.ready()
      }
      await spool.finish()
    }
    await expect(appending()).rejects.toMatchObject({code: 'EBADF'})
    await expect(spool.finish()).rejects.toMatchObject({code: 'EBADF'})
    await spool.discard()
    expect(existsSync(path)).toBe(false)
    expect(leftovers()).toEqual([])
  })
})

describe('a spool that is read while it is written', () => {
  /** Lets a reader go on only when told. */
  function gate(): {time: () => Promise<void>; open: () => void} {
    let isOpen = false
    const waiting: (() => void)[] = []
    const open = (): void => {
      isOpen = true
      for (const resolve of waiting.splice(0)) resolve()
    }
    const time = (): Promise<void> => (isOpen ? Promise.resolve() : new Promise(resolve => waiting.push(resolve)))
    return {time, open}
  }

  async function readAlong(source: SpoolSource): Promise<Buffer> {
    const pieces: Buffer[] = []
    for await (const piece of windowsOf(source)) pieces.push(Buffer.from(piece))
    return Buffer.concat(pieces)
  }

  it('gives what it gives afterwards', async () => {
    const spool = await Spool.create(output())
    const source = new SpoolSource('spool', spool, content.length, async () => {})
    const reading = readAlong(source)
    for (let at = 0; at < content.length; at += 50_000) {
      spool.append(content, at, Math.min(at + 50_000, content.length))
      await spool.ready()
      if (at % 500_000 === 0) await sleep(1)
    }
    await spool.finish()
    expect((await reading).equals(content)).toBe(true)
    expect({read: source.storedRead, of: source.storedBytes}).toEqual({read: content.length, of: content.length})
    await spool.discard()
  })

  it('is not read before there is time for it', async () => {
    const spool = await Spool.create(output())
    const {time, open} = gate()
    const source = new SpoolSource('spool', spool, Number.POSITIVE_INFINITY, time)
    const reading = readAlong(source)
    spool.append(content, 0, content.length)
    await spool.finish()
    await sleep(5)
    expect(source.storedRead).toBe(0)
    open()
    expect((await reading).equals(content)).toBe(true)
    await spool.discard()
  })

  it.each(['restart', 'discard'] as const)('ends the reading with an error on %s', async how => {
    const spool = await Spool.create(output())
    const reading = readAlong(new SpoolSource('spool', spool, 10, async () => {}))
    spool.append(content, 0, 5)
    const failing = expect(reading).rejects.toThrow('the spool has been given up')
    await spool[how]()
    await failing
    await spool.discard()
    expect(leftovers()).toEqual([])
  })
})
