/** Files that appear whole or not at all, and streams that are waited for. */
import {existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {Writable} from 'node:stream'
import {describe, expect, it} from 'vitest'
import {FileTarget, MemoryTarget, StreamTarget} from '../../src/bytes/target.js'
import {UsageError} from '../../src/errors.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const bytes = Uint8Array.from({length: 1000}, (_, i) => i)

function fresh(name: string): string {
  const path = join(folder.path, name)
  mkdirSync(path)
  return join(path, 'out')
}

describe('a file', () => {
  it('appears under its name once it is finished, and not before', async () => {
    const path = fresh('new')
    const target = FileTarget.create(path)
    target.write(bytes, 10, 500)
    target.write(bytes, 500, 1000)
    expect(target.drain()).toBeUndefined()
    expect(existsSync(path)).toBe(false)
    await target.finish()
    expect(target.bytes).toBe(990)
    expect(new Uint8Array(readFileSync(path))).toEqual(bytes.slice(10))
    expect(readdirSync(join(path, '..'))).toEqual(['out'])
    await target.abandon()
    expect(readdirSync(join(path, '..'))).toEqual(['out'])
  })

  it('leaves nothing behind when it is abandoned', async () => {
    const path = fresh('abandoned')
    const target = FileTarget.create(path)
    target.write(bytes, 0, 1000)
    await target.abandon()
    await target.abandon()
    expect(readdirSync(join(path, '..'))).toEqual([])
  })

  it('does not replace another unless forced, and until then the other stands', async () => {
    const path = fresh('taken')
    writeFileSync(path, 'before')
    expect(() => FileTarget.create(path)).toThrow(UsageError)
    expect(() => FileTarget.create(path)).toThrow(/--force/)
    const target = FileTarget.create(path, {force: true})
    target.write(bytes, 0, 5)
    expect(readFileSync(path, 'utf8')).toBe('before')
    await target.finish()
    expect(readFileSync(path)).toHaveLength(5)
  })

  it('does not replace one that appeared meanwhile', async () => {
    const path = fresh('meanwhile')
    const target = FileTarget.create(path)
    writeFileSync(path, 'theirs')
    await expect(target.finish()).rejects.toThrow(UsageError)
    await target.abandon()
    expect(readFileSync(path, 'utf8')).toBe('theirs')
    expect(readdirSync(join(path, '..'))).toEqual(['out'])
  })

  it('is no substitute for a device or a folder', () => {
    const path = fresh('odd')
    symlinkSync('/dev/null', path)
    expect(() => FileTarget.create(path, {force: true})).toThrow(/no file/)
    expect(() => FileTarget.create(folder.path, {force: true})).toThrow(/no file/)
  })

  it('tells the system’s error where there is no such folder', () => {
    expect(() => FileTarget.create(join(folder.path, 'missing', 'out'))).toThrow(/ENOENT/)
  })
})

/** Takes one piece at a time, when it is told to. */
function slow(): {stream: Writable; seen: Buffer[]; proceed: () => void} {
  const seen: Buffer[] = []
  let next: (() => void) | undefined
  const stream = new Writable({
    highWaterMark: 100,
    write(chunk, _, done) {
      seen.push(chunk)
      next = done
    },
  })
  return {stream, seen, proceed: () => next?.()}
}

describe('a stream', () => {
  it('is waited for when it is full, and takes bytes that are spoiled afterwards', async () => {
    const {stream, seen, proceed} = slow()
    const target = new StreamTarget('a stream', stream)
    const lent = bytes.slice(0, 200)
    target.write(lent, 0, 200)
    lent.fill(0)
    let ready = false
    const draining = target.drain()!.then(() => {
      ready = true
    })
    await new Promise(setImmediate)
    expect(ready).toBe(false)
    proceed()
    await draining
    expect(target.drain()).toBeUndefined()
    const finishing = target.finish()
    await new Promise(setImmediate)
    proceed()
    await finishing
    expect(new Uint8Array(Buffer.concat(seen))).toEqual(bytes.slice(0, 200))
  })

  it('passes on what went wrong, also to who asks later', async () => {
    const {stream} = slow()
    const target = new StreamTarget('a stream', stream)
    target.write(bytes, 0, 200)
    const draining = target.drain()
    stream.destroy(Object.assign(new Error('gone'), {code: 'EPIPE'}))
    await expect(draining).rejects.toThrow('gone')
    expect(() => target.write(bytes, 0, 1)).toThrow('gone')
    await expect(target.finish()).rejects.toThrow('gone')
  })
})

it('memory keeps what it was given', async () => {
  const target = new MemoryTarget()
  expect(target.view()).toHaveLength(0)
  target.write(bytes, 0, 300)
  target.write(bytes, 300, 1000)
  await target.finish()
  expect(target.view()).toEqual(bytes)
  await target.abandon()
  expect(target.view()).toHaveLength(0)
})
