/** What is saved of a damaged snapshot, what is said of the rest, and when nothing is written. */
import {existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import type {Check, SalvagedSnapshot} from '../../src/jobs/check-options.js'
import {checkAndSalvage} from '../../src/jobs/check-salvage.js'
import {formatSnapshotSalvage, snapshotSalvageJson} from '../../src/report/salvage-snapshot.js'
import {PLAIN} from '../../src/report/table.js'
import {listpack} from '../fixtures/blobs.js'
import {hex, len, lzfStr, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import * as value from '../fixtures/values.js'
import {readGolden} from '../reading/golden.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const newPlace = (): string => join(mkdtempSync(join(folder.path, 'place-')), 'out.rdb')
const YEAR_2100_MS = 4_102_444_800_000

const name = (i: number): string => `user:${1000 + i}`
const keyOf = (key: string): Uint8Array => new Uint8Array(Buffer.from(key))
const packed = (...elements: (string | number)[]): Buffer => str(listpack(elements))

/** Keys from `from` on, of which one in three expires. */
function fill(file: RdbFile, from: number, count: number): RdbFile {
  for (let i = from; i < from + count; i++) {
    if (i % 3 === 0) file.expireMs(YEAR_2100_MS + i)
    if (i % 2 === 0) file.key(0, name(i), value.string(`value of ${i}`))
    else
      file.key(
        16,
        name(i),
        value.hash(packed('f', i, 'g', 'text'), [
          ['f', String(i)],
          ['g', 'text'],
        ]),
      )
  }
  return file
}

/** 60 keys in two databases, as servers write them. */
function sample(): RdbFile {
  const file = new RdbFile('REDIS', 10)
    .aux('redis-ver', '7.0.15')
    .aux('redis-bits', '64')
    .aux('repl-id', 'a'.repeat(40))
  fill(file.db(0).sizes(40, 14), 0, 40)
  return fill(file.db(3).sizes(20, 7), 40, 20)
}

const WHOLE = sample().end()

const placeOf = (bytes: Buffer, i: number): number => bytes.indexOf(name(i))

/** A copy with other bytes at a place. */
function changed(at: number, ...bytes: number[]): Buffer {
  const copy = Buffer.from(WHOLE)
  copy.set(bytes, at)
  return copy
}

async function salvage(bytes: Uint8Array, path = 'dump.rdb'): Promise<Check & {out: string; saved: SalvagedSnapshot}> {
  const out = newPlace()
  const checked = await checkAndSalvage(folder.write(path, bytes), {out})
  expect(checked.salvageFailure).toBeUndefined()
  expect(readdirSync(join(out, '..'))).toEqual(['out.rdb'])
  // Whatever was lost: what was written is sound.
  expect(checked.salvagedSnapshot!.check).toMatchObject({errors: 0, warnings: 0, checksum: 'ok'})
  return {...checked, out, saved: checked.salvagedSnapshot!}
}

const keysOf = async (path: string): Promise<string[]> => {
  const {golden} = await readGolden(new MemorySource(readFileSync(path)), 'elements')
  return golden.entries.map(({db, key}) => `${db} ${key}`)
}

const dbOf = (i: number): number => (i < 40 ? 0 : 3)
const all = (...without: number[]): string[] =>
  Array.from({length: 60}, (_, i) => i)
    .filter(i => !without.includes(i))
    .map(i => `${dbOf(i)} ${name(i)}`)

const report = (checked: Check): string =>
  formatSnapshotSalvage(checked.salvagedSnapshot!, checked.soundness, {style: PLAIN, columns: 200}).join('\n')

describe('a snapshot', () => {
  it('that is sound is written as it is, without what is true of the old file alone', async () => {
    const {saved, out, soundness} = await salvage(WHOLE)
    expect(soundness!.errors).toBe(0)
    expect(saved).toMatchObject({
      keys: 60,
      losses: 0,
      bytesLost: 0,
      lost: [],
      twins: 0,
      keysUncertain: 0,
      endFound: true,
    })
    const before = await readGolden(new MemorySource(WHOLE), 'elements')
    const after = await readGolden(new MemorySource(readFileSync(out)), 'elements')
    expect(after.golden.entries).toEqual(before.golden.entries)
    expect(readFileSync(out, 'latin1')).not.toContain('repl-id')
  })

  it('whose checksum is wrong, and nothing else, is kept whole: nobody can tell which bytes changed', async () => {
    const checked = await salvage(changed(WHOLE.length - 3, WHOLE.at(-3)! ^ 1))
    expect(await keysOf(checked.out)).toEqual(all())
    expect(checked.saved).toMatchObject({losses: 0})
    expect(report(checked)).toContain('bytes of values may be others than they were, which nobody can tell')
  })

  it('with a value that is damaged inside loses that key, which is named', async () => {
    const at = WHOLE.indexOf(0xff, placeOf(WHOLE, 21))
    const checked = await salvage(changed(at, 0))
    expect(await keysOf(checked.out)).toEqual(all(21))
    expect(checked.saved.lost).toMatchObject([
      {
        code: 'BAD_LISTPACK',
        key: {db: 0, key: keyOf(name(21))},
        before: {db: 0, key: keyOf(name(20))},
        after: {db: 0, key: keyOf(name(22))},
      },
    ])
    expect(report(checked)).toMatch(/user:1020 +user:1022 +user:1021: the listpack has no end mark/)
  })

  it.each([
    ['a length that is too large', [0x7f, 0xff]],
    ['a length that reaches into the next keys', [60]],
    ['a length that is too small', [3]],
    ['a length that cannot be', [0x9f]],
  ])('with %s loses one key', async (_, bytes) => {
    const at = placeOf(WHOLE, 20) + name(20).length
    const {out, saved} = await salvage(changed(at, ...bytes))
    expect(await keysOf(out)).toEqual(all(20))
    expect(saved.losses).toBe(1)
  })

  it.each([30, 100, 4096])('with %i zero bytes loses what they hide', async count => {
    const big = new RdbFile('REDIS', 10).aux('redis-ver', '7.0.15')
    fill(big.db(0).sizes(600, 200), 0, 600)
    const whole = big.end()
    const bytes = Buffer.from(whole)
    const at = placeOf(bytes, 100)
    bytes.fill(0, at, at + count)
    const {out, saved} = await salvage(bytes)
    const kept = await keysOf(out)
    const hidden = Array.from({length: 600}, (_, i) => i).filter(i => {
      const place = placeOf(whole, i)
      return place >= at - 20 && place < at + count + 20
    })
    expect(kept.length).toBeGreaterThanOrEqual(600 - hidden.length - 1)
    expect(new Set(kept).size).toBe(kept.length)
    expect(saved.lost[0]!.before!.db).toBe(0)
  })

  it('that is cut short keeps what there is', async () => {
    for (const at of [placeOf(WHOLE, 30) + 12, WHOLE.length - 4]) {
      const checked = await salvage(WHOLE.subarray(0, at))
      const kept = await keysOf(checked.out)
      expect(all().slice(0, kept.length)).toEqual(kept)
      expect(kept.length).toBeGreaterThanOrEqual(at > placeOf(WHOLE, 59) ? 59 : 29)
      expect(checked.saved).toMatchObject({endFound: false})
      expect(report(checked)).toContain('the end of the file is lost')
    }
  })

  it('whose next database is not named any more says that keys may be of another', async () => {
    const at = WHOLE.indexOf(hex(0xfe, 3, 0xfb))
    const checked = await salvage(changed(at, 0xb7, 0xb7, 0xb7, 0xb7, 0xb7))
    const kept = await keysOf(checked.out)
    expect(kept.length).toBeGreaterThanOrEqual(58)
    expect(kept).toContain(`0 ${name(50)}`)
    expect(checked.saved.uncertain).toMatchObject([{db: 0}])
    expect(checked.saved.keysUncertain).toBe(checked.saved.uncertain[0]!.keys)
    expect(report(checked)).toContain('taken to be of database 0, since the name of another may be lost')
    expect(snapshotSalvageJson(checked.saved)).toMatchObject({uncertainDb: [{db: 0}]})
  })

  it('whose header is damaged is known by the server that wrote it', async () => {
    const checked = await salvage(changed(0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    expect(await keysOf(checked.out)).toEqual(all())
    expect(readFileSync(checked.out, 'latin1').slice(0, 9)).toBe('REDIS0010')
    expect(checked.saved.lost).toMatchObject([{offset: 0, bytes: 9, code: 'BAD_MAGIC'}])
    expect(report(checked)).toContain('the header is damaged: this is taken to be REDIS0010')
  })

  it.each([
    ['the first letter', 0, 0x53],
    ['a digit', 7, 0x58],
  ])('whose header is damaged in %s is known too', async (_, at, byte) => {
    const {out} = await salvage(changed(at, byte))
    expect(await keysOf(out)).toEqual(all())
  })

  it('whose facts are damaged keeps all its keys', async () => {
    const {out} = await salvage(changed(11, 0xb9, 0xb9, 0xb9))
    expect(await keysOf(out)).toEqual(all())
  })

  it('whose mark of the end is damaged keeps all its keys but one', async () => {
    const {out} = await salvage(changed(WHOLE.length - 9, 0xb9))
    const kept = await keysOf(out)
    expect(kept.length).toBeGreaterThanOrEqual(59)
    expect(all().slice(0, kept.length)).toEqual(kept)
  })

  it('that is damaged in several places loses no more than at each', async () => {
    const bytes = Buffer.from(WHOLE)
    for (const i of [10, 24, 50])
      bytes.fill(0xb7, placeOf(bytes, i) + name(i).length, placeOf(bytes, i) + name(i).length + 4)
    const {out, saved} = await salvage(bytes)
    const kept = await keysOf(out)
    expect(kept.filter(one => !all(10, 24, 50).includes(one))).toEqual([])
    expect(kept.length).toBeGreaterThanOrEqual(54)
    expect(saved.lost.map(({offset}) => offset)).toEqual(saved.lost.map(({offset}) => offset).toSorted((a, b) => a - b))
  })

  it('whose compressed values are damaged loses them', async () => {
    const file = fill(new RdbFile('REDIS', 10).aux('redis-ver', '7.0.15').db(0), 0, 20)
    const bad = lzfStr(hex(0x00, 0x61, 0x3f, 0xff, 0x00, 0x62), 12)
    file.key(0, 'user:bad', {type: 'string', value: '', count: 12, bytes: bad})
    fill(file, 20, 20)
    const {out, saved} = await salvage(file.end())
    const kept = await keysOf(out)
    expect(kept).not.toContain('0 user:bad')
    expect(kept.length).toBeGreaterThanOrEqual(39)
    expect(saved.lost[0]).toMatchObject({code: 'BAD_LZF', key: {key: keyOf('user:bad')}})
  })

  it('that holds a key twice keeps the first', async () => {
    const file = fill(new RdbFile('REDIS', 10).aux('redis-ver', '7.0.15').db(0), 0, 20)
    fill(file, 5, 3)
    const checked = await salvage(fill(file, 20, 20).end())
    expect(await keysOf(checked.out)).toEqual(Array.from({length: 40}, (_, i) => `0 ${name(i)}`))
    expect(checked.saved).toMatchObject({twins: 3, losses: 3, keys: 40})
    expect(checked.saved.lost[0]).toMatchObject({code: 'DUPLICATE_KEY', key: {db: 0, key: keyOf(name(5))}})
    expect(report(checked)).toContain('3 keys left out that are there twice')
  })

  it('keeps its functions, and loses one that is damaged', async () => {
    const source = (library: string): string =>
      `#!lua name=${library}\nredis.register_function('${library}', function() end)\n`
    const file = new RdbFile('REDIS', 10).aux('redis-ver', '7.0.15').function(source('one')).function(source('two'))
    const bytes = fill(file.db(0).sizes(40, 14), 0, 40).end()
    bytes.write('#!Lua nbme', bytes.indexOf('#!lua name=one'))
    const {out} = await salvage(bytes)
    const {golden} = await readGolden(new MemorySource(readFileSync(out)), 'elements')
    expect(golden.functions).toEqual([source('two')])
    expect(golden.entries.length).toBe(40)
  })

  it('keeps hashes whose templates are there, written with their own fields', async () => {
    const file = new RdbFile('REDIS', 15).aux('redis-ver', '8.10.0')
    for (const id of [0, 1]) file.op(0xf2, len(id), len(2), str(`a${id}`), str(`b${id}`))
    file.db(0)
    for (let i = 0; i < 40; i++) {
      const id = i % 2
      const rows: value.Row[] = [
        [`a${id}`, 'x'],
        [`b${id}`, 'y'],
      ]
      file.key(30, name(i), value.hash(packed(id, 'x', 'y'), rows))
    }
    const bytes = file.end()
    const lost = bytes.indexOf(hex(0xf2, 0))
    bytes[lost] = 0xb9
    const {out, saved} = await salvage(bytes)
    const {golden} = await readGolden(new MemorySource(readFileSync(out)), 'elements')
    expect(golden.entries.map(({key}) => key)).toEqual(Array.from({length: 20}, (_, i) => name(2 * i + 1)))
    expect(golden.entries[0]!.value).toEqual([
      ['a1', 'x'],
      ['b1', 'y'],
    ])
    expect(saved.losses).toBe(21)
  })

  it('that is compressed in a way that is damaged is looked at as far as it could be unpacked', async () => {
    const big = fill(new RdbFile('REDIS', 10).aux('redis-ver', '7.0.15').db(0), 0, 20_000).end()
    const packedFile = gzipSync(big)
    const checked = await salvage(packedFile.subarray(0, packedFile.length / 2), 'half.rdb.gz')
    const kept = await keysOf(checked.out)
    expect(kept.length).toBeGreaterThan(5000)
    expect(new Set(kept)).toEqual(new Set(Array.from({length: kept.length}, (_, i) => `0 ${name(i)}`)))
    expect(report(checked)).toContain('only what could be unpacked was looked at')
    expect(snapshotSalvageJson(checked.saved)).toMatchObject({unpackError: {code: 'TRUNCATED'}})
  })
})

describe('nothing is written', () => {
  const source = folder.write('source.rdb', WHOLE)

  it('over what is there, nor over the source', async () => {
    const out = newPlace()
    writeFileSync(out, 'mine')
    expect(await checkAndSalvage(source, {out})).toMatchObject({failure: {name: 'UsageError'}})
    expect(readFileSync(out, 'utf8')).toBe('mine')
    expect(await checkAndSalvage(source, {out: source, force: true})).toMatchObject({
      failure: {name: 'UsageError', message: expect.stringContaining('is what is to be salvaged')},
    })
    expect(readFileSync(source)).toEqual(WHOLE)
    const {salvagedSnapshot} = await checkAndSalvage(source, {out, force: true})
    expect(salvagedSnapshot).toMatchObject({keys: 60})
    expect(await keysOf(out)).toEqual(all())
  })

  it('where nothing can be saved', async () => {
    const out = newPlace()
    const bytes = Buffer.concat([WHOLE.subarray(0, 9), Buffer.alloc(5000)])
    const found = await checkAndSalvage(folder.write('zeros.rdb', bytes), {out})
    expect(found).toMatchObject({soundness: {}, salvageFailure: {name: 'FormatError'}})
    expect(found.salvagedSnapshot).toBeUndefined()
    expect(existsSync(out)).toBe(false)
    expect(readdirSync(join(out, '..'))).toEqual([])
  })
})

it('a snapshot within a value that is sound is no part of the file', async () => {
  const inner = fill(new RdbFile('REDIS', 10).db(0), 500, 30).end()
  const file = fill(new RdbFile('REDIS', 10).aux('redis-ver', '7.0.15').db(0), 0, 20)
  file.key(0, 'user:backup', value.string(inner))
  const bytes = fill(file, 20, 20).end()
  bytes.fill(0xb7, placeOf(bytes, 10) + 10, placeOf(bytes, 10) + 14)
  const {out} = await salvage(bytes)
  const kept = await keysOf(out)
  expect(kept).toContain('0 user:backup')
  expect(kept.filter(one => one.startsWith('0 user:15'))).toEqual([])
})
