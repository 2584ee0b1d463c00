/** `--sort`: the same data makes the same bytes, whatever its encoding and its order were. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import {type BuildOptions, build} from '../../src/jobs/build.js'
import {ConflictError} from '../../src/jobs/build-conflicts.js'
import {hex, str} from '../fixtures/builder.js'
import {readable} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {byMeaning} from '../reading/rebuild.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
let outs = 0

async function sorted(sources: readonly string[], options: Partial<BuildOptions> = {}): Promise<Buffer> {
  const out = join(folder.path, `out-${outs++}.rdb`)
  await build(sources, {out, sort: true, ignoreChecksum: true, ...options})
  return readFileSync(out)
}

async function meaningOf(bytes: Uint8Array): Promise<string[]> {
  const {golden, checksum} = await readGolden(new MemorySource(new Uint8Array(bytes)), 'elements')
  expect(checksum).not.toBe('mismatch')
  return byMeaning(golden.entries)
}

/** What cannot be stored anew, keys that stand twice, and a log, of which the golden has only the snapshot before it. */
const REFUSED = /zset-ascii-nan|keydb-cron|key-twice|aof-preamble/

describe('every fixture', () => {
  const all = readable.filter(({name}) => !REFUSED.test(name))
  it.each(all.map(one => [one.name, one] as const))('%s holds the same once it is sorted', async (_, one) => {
    // Marks of KeyDB stand behind the key they belong to, and would stand behind another.
    const once = await sorted([one.path], {allowLoss: one.name === 'rdb-built/keydb-v9.rdb'})
    expect(await meaningOf(once)).toEqual(byMeaning(one.golden.entries))
    const again = folder.write('again.rdb', once)
    expect(Buffer.compare(await sorted([again]), once)).toBe(0)
  })
})

describe('equal data', () => {
  const AS = [
    ['hash', ['hash-listpack-v12', 'hash-listpack-v80', 'hash-listpack-v12-redict']],
    ['set', ['set-listpack-v12', 'set-listpack-v80', 'set-listpack-v11']],
    ['zset', ['zset-listpack-v12', 'zset-listpack-v10', 'zset-listpack-v80']],
    ['stream', ['stream-nodes-v12', 'stream-nodes-v11', 'stream-nodes-v80']],
    ['list', ['list-quicklist2-nodes-v12', 'list-quicklist2-nodes-v10', 'list-quicklist2-nodes-v80']],
  ] as const

  it.each(AS)('of type %s is the same file, whichever server wrote it', async (_, names) => {
    const files: Buffer[] = []
    for (const name of names) files.push(await sorted([join('fixtures/rdb', `${name}.rdb`)], {target: 'redis-8.0'}))
    for (const file of files) expect(file.equals(files[0]!)).toBe(true)
  })

  it('is the same file, in whatever order and database order it comes', async () => {
    const keys = Array.from({length: 2000}, (_, i) => `key:${(i * 7919) % 2000}`)
    const make = (name: string, dbs: readonly number[], order: readonly string[]): string => {
      const file = new RdbFile('REDIS', 9)
      for (const db of dbs) {
        file.db(db)
        for (const key of order) file.key(0, key, text(`${db} ${key}`.repeat(1 + (key.length % 3) * 20)))
      }
      return folder.write(name, file.end())
    }
    const one = make('one.rdb', [0, 3, 12], keys)
    const other = make('other.rdb', [12, 0, 3], keys.toSorted().toReversed())
    const expected = await sorted([one])
    expect((await sorted([other])).equals(expected)).toBe(true)
    expect((await sorted([other], {memoryBytes: 20_000})).equals(expected)).toBe(true)
    expect(expected.subarray(0, 60).toString('latin1')).not.toContain('ctime')
  })

  it('keeps values larger than the memory for sorting', async () => {
    const file = new RdbFile('REDIS', 9).db(0)
    const large = Buffer.alloc(3_000_000, 'large ')
    for (const key of ['z', 'a', 'm']) file.key(0, key, text(Buffer.concat([Buffer.from(key), large])))
    const original = file.end()
    const path = folder.write('large.rdb', original)
    const bytes = await sorted([path], {memoryBytes: 100_000, compress: false})
    expect(await meaningOf(bytes)).toEqual(await meaningOf(original))
    expect(bytes.length).toBeGreaterThan(9_000_000)
  })
})

describe('keys that stand twice', () => {
  const source = (name: string, value: string): string =>
    folder.write(`${name}.rdb`, new RdbFile('REDIS', 9).db(0).key(0, 'k', text(value)).key(0, name, text('own')).end())
  const [a, b] = [source('a', 'of a'), source('b', 'of b')]

  it('are an error that names both sources', async () => {
    const error = await sorted([a, b]).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConflictError)
    expect((error as ConflictError).conflicts).toEqual([
      {db: 0, key: new Uint8Array(Buffer.from('k')), sources: [a, b]},
    ])
  })

  it.each([
    ['first', 'of a'],
    ['last', 'of b'],
  ] as const)('leave the %s where that is said', async (onConflict, value) => {
    const out = join(folder.path, `${onConflict}.rdb`)
    const result = await build([a, b], {out, sort: true, onConflict})
    expect(result).toMatchObject({keysIn: 4, keysOut: 3, skipped: [{reason: 'conflict', keys: 1}]})
    const {golden} = await readGolden(new MemorySource(new Uint8Array(readFileSync(out))), 'elements')
    expect(golden.entries.map(({key, value: held}) => [key, held])).toEqual([
      ['a', 'own'],
      ['b', 'own'],
      ['k', value],
    ])
  })
})

it('libraries of functions go in the order of their bytes', async () => {
  const make = (name: string, libraries: readonly string[]): string => {
    const file = new RdbFile('REDIS', 10)
    for (const library of libraries) file.op(0xf5, hex(str(`#!lua name=${library}\n`)))
    return folder.write(name, file.end())
  }
  const expected = await sorted([make('f1.rdb', ['x', 'y', 'z'])])
  expect((await sorted([make('f2.rdb', ['z', 'x', 'y'])])).equals(expected)).toBe(true)
})
