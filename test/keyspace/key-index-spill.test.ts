import fs, {existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync} from 'node:fs'
import {syncBuiltinESMExports} from 'node:module'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {SpillError, SpillFile} from '../../src/bytes/spill.js'
import {exitCodeOf} from '../../src/cli/exit.js'
import {KeyIndex} from '../../src/keyspace/key-index.js'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rdbtool-spill-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  rmSync(folder, {recursive: true, force: true})
})

/** Makes one function of the system fail, after a number of calls. */
function failing(name: 'writeSync' | 'readSync' | 'unlinkSync', code: string, afterCalls = 0): void {
  const real = fs[name] as (...args: unknown[]) => unknown
  let calls = 0
  vi.spyOn(fs, name).mockImplementation(((...args: unknown[]) => {
    if (calls++ >= afterCalls) {
      const message = `${code}: told by the test, ${name}`
      throw Object.assign(new Error(message), {code, syscall: name.replace('Sync', ''), errno: -1})
    }
    return real(...args)
  }) as never)
  syncBuiltinESMExports()
}

/** Whether this process holds an open file that lay in the folder; only Linux tells. */
function holdsFile(): boolean {
  return readdirSync('/proc/self/fd').some(fd => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder)
    } catch {
      return false
    }
  })
}

function fill(index: KeyIndex, count: number): void {
  const key = Buffer.alloc(4)
  for (let i = 0; i < count; i++) {
    key.writeUInt32LE(i >> 1)
    index.add(0, key, 0, 4, i)
  }
}

async function drain(index: KeyIndex): Promise<number> {
  let groups = 0
  for await (const _ of index.duplicates()) groups++
  return groups
}

function caught(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

describe('SpillFile', () => {
  it('gives back what was appended, and room that is not needed', () => {
    const file = new SpillFile(folder)
    const bytes = Uint8Array.from({length: 100}, (_, i) => i)
    expect([file.append(bytes, 10, 30), file.append(bytes, 0, 100), file.bytes]).toEqual([0, 20, 120])
    const into = new Uint8Array(12)
    file.read(18, into, 1, 11)
    expect([...into]).toEqual([0, 28, 29, 0, 1, 2, 3, 4, 5, 6, 7, 0])
    file.truncate(20)
    expect(file.append(bytes, 50, 60)).toBe(20)
    file.read(20, into, 0, 10)
    expect(into[0]).toBe(50)
    file.close()
    file.close()
    expect([file.bytes, file.append(bytes, 0, 1)]).toEqual([0, 0])
    file.close()
  })

  it('tells what lies beyond the end instead of waiting for it', () => {
    const file = new SpillFile(folder)
    file.append(new Uint8Array(10), 0, 10)
    expect(() => file.read(5, new Uint8Array(10), 0, 10)).toThrow(/cannot read the temporary file in .*cut it short$/)
    file.close()
  })

  it('is written to the end where the system takes a little at a time', () => {
    const real = fs.writeSync as (...args: unknown[]) => number
    vi.spyOn(fs, 'writeSync').mockImplementation(((
      fd: number,
      b: Uint8Array,
      at: number,
      n: number,
      position: number,
    ) => real(fd, b, at, Math.min(n, 7), position)) as never)
    syncBuiltinESMExports()
    const file = new SpillFile(folder)
    const bytes = Uint8Array.from({length: 100}, (_, i) => i)
    file.append(bytes, 0, 100)
    const into = new Uint8Array(100)
    file.read(0, into, 0, 100)
    expect(into).toEqual(bytes)
    file.close()
  })

  it('has no name while it is open', () => {
    const file = new SpillFile(folder)
    expect(readdirSync(folder)).toEqual([])
    file.append(new Uint8Array(10), 0, 10)
    expect(readdirSync(folder)).toEqual([])
    file.close()
  })

  it('that has to keep its name loses it on close, or when the process ends', () => {
    failing('unlinkSync', 'EBUSY')
    const before = process.listeners('exit')
    const [closed, left] = [new SpillFile(folder), new SpillFile(folder)]
    for (const file of [closed, left]) file.append(new Uint8Array(10), 0, 10)
    const names = readdirSync(folder)
    expect(names).toHaveLength(2)
    expect(names[0]).toMatch(/^rdbtool-\d+-[0-9a-f]{16}\.tmp$/)
    closed.close()
    expect(readdirSync(folder)).toHaveLength(1)
    const atExit = process.listeners('exit').filter(listener => !before.includes(listener))
    expect(atExit).toHaveLength(1)
    atExit[0]!(0)
    expect(readdirSync(folder)).toEqual([])
    left.close()
  })
})

describe('a KeyIndex and its temporary file', () => {
  it.runIf(existsSync('/proc/self/fd'))('opens it when memory is used up and lets go of it', async () => {
    const index = new KeyIndex({memoryBytes: 4096, folder})
    fill(index, 100)
    expect([holdsFile(), index.spilledBytes]).toEqual([false, 0])
    fill(index, 10_000)
    expect([holdsFile(), index.spilledBytes > 4096]).toEqual([true, true])
    index.clear()
    expect([holdsFile(), index.spilledBytes]).toEqual([false, 0])
    fill(index, 10_000)
    for await (const _ of index.duplicates()) break
    expect(holdsFile()).toBe(true)
    expect(await drain(index)).toBe(5000)
    index.close()
    expect([holdsFile(), readdirSync(folder)]).toEqual([false, []])
  })

  it('tells a folder that is not there', () => {
    const index = new KeyIndex({memoryBytes: 4096, folder: join(folder, 'absent')})
    const error = caught(() => fill(index, 10_000)) as SpillError
    expect(error).toBeInstanceOf(SpillError)
    expect(error.message).toMatch(/^cannot create the temporary file in .*absent: ENOENT/)
    expect(exitCodeOf(error)).toBe(5)
    index.close()
  })

  it.each([0, 3, 40])('tells a full disk after %i writes and leaves nothing behind', written => {
    const index = new KeyIndex({memoryBytes: 4096, folder})
    failing('writeSync', 'ENOSPC', written)
    const error = caught(() => fill(index, 20_000)) as SpillError
    expect(error.message).toContain(`cannot write the temporary file in ${folder}`)
    expect(error.message).toContain(
      'the disk is full; make room there, choose another folder for it, or allow more memory',
    )
    expect([error.code, error.syscall, (error.cause as NodeJS.ErrnoException).code]).toEqual([
      'TEMPORARY_FILE',
      'write',
      'ENOSPC',
    ])
    expect(exitCodeOf(error)).toBe(5)
    if (existsSync('/proc/self/fd')) expect(holdsFile()).toBe(false)
    expect(() => fill(index, 1)).toThrow('the key index is closed')
  })

  it.each(['writeSync', 'readSync'] as const)('tells what fails while groups are looked for: %s', async name => {
    const index = new KeyIndex({memoryBytes: 4096, folder})
    fill(index, 20_000)
    failing(name, name === 'writeSync' ? 'ENOSPC' : 'EIO', 50)
    await expect(drain(index)).rejects.toThrow(SpillError)
    if (existsSync('/proc/self/fd')) expect(holdsFile()).toBe(false)
    await expect(drain(index)).rejects.toThrow('the key index is closed')
  })
})
