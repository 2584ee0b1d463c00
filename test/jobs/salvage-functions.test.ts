/** What becomes of libraries of functions in a salvage: they are saved without any key too, and those that are lost are named. */
import {existsSync, mkdtempSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {lostLibraries} from '../../src/analysis/lost-libraries.js'
import {compressLzf} from '../../src/bytes/lzf.js'
import {MemoryRegion} from '../../src/bytes/region.js'
import {MemorySource} from '../../src/index.js'
import type {SalvagedSnapshot} from '../../src/jobs/check-options.js'
import {checkAndSalvage} from '../../src/jobs/check-salvage.js'
import {formatSnapshotSalvage, snapshotSalvageJson} from '../../src/report/salvage-snapshot.js'
import {PLAIN} from '../../src/report/table.js'
import {lzfStr, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import * as value from '../fixtures/values.js'
import {readGolden} from '../reading/golden.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()

const sourceOf = (library: string): string =>
  `#!lua name=${library}\n${`redis.register_function('${library}', function() return 1 end)\n`.repeat(3)}`

function packed(text: string): Buffer {
  const bytes = Buffer.from(text)
  const {bytes: into, start, end} = compressLzf(bytes, 0, bytes.length)!
  return lzfStr(Buffer.from(into.subarray(start, end)), bytes.length)
}

/** Three libraries, the second compressed, and `keys` keys. */
function sample(keys: number): Buffer {
  const file = new RdbFile('REDIS', 10).aux('redis-ver', '7.0.15').function(sourceOf('first'))
  file.op(0xf5, packed(sourceOf('second'))).function(sourceOf('third'))
  if (keys > 0) file.db(0).sizes(keys, 0)
  for (let i = 0; i < keys; i++) file.key(0, `user:${1000 + i}`, value.string(`value of ${i}`))
  return file.end()
}

const lineOf = (bytes: Buffer, library: string): number => bytes.indexOf(`#!lua name=${library}`)

async function salvage(bytes: Uint8Array): Promise<{saved: SalvagedSnapshot; functions: string[]}> {
  const place = mkdtempSync(join(folder.path, 'place-'))
  const out = join(place, 'out.rdb')
  const checked = await checkAndSalvage(folder.write('dump.rdb', bytes), {out})
  expect(checked.salvageFailure).toBeUndefined()
  const saved = checked.salvagedSnapshot!
  expect(saved.check).toMatchObject({errors: 0, warnings: 0})
  const {golden} = await readGolden(new MemorySource(readFileSync(out)), 'elements')
  expect(golden.entries.length).toBe(saved.keys)
  expect(golden.functions?.length ?? 0).toBe(saved.functions)
  return {saved, functions: (golden.functions ?? []) as string[]}
}

const report = (saved: SalvagedSnapshot): string =>
  formatSnapshotSalvage(saved, undefined, {style: PLAIN, columns: 200}).join('\n')

describe('functions', () => {
  it('are saved where no key is', async () => {
    const bytes = sample(0)
    const {saved, functions} = await salvage(bytes.subarray(0, bytes.length - 9))
    expect(functions).toEqual(['first', 'second', 'third'].map(sourceOf))
    expect(saved).toMatchObject({keys: 0, functions: 3, functionLosses: 0, endFound: false})
    expect(report(saved)).toContain('0 keys, 3 libraries of functions, ')
  })

  it('are saved where all keys are lost', async () => {
    const bytes = sample(40)
    bytes.fill(0, bytes.indexOf('user:1000') - 2)
    const {saved, functions} = await salvage(bytes)
    expect(functions).toEqual(['first', 'second', 'third'].map(sourceOf))
    expect(saved).toMatchObject({keys: 0, functions: 3, losses: 1})
  })

  it('are saved beside one that is damaged, before it and behind it', async () => {
    const all = ['first', 'second', 'third']
    for (const lost of all) {
      for (const damage of [Buffer.alloc(33), Buffer.alloc(33, 0x91), Buffer.from([0xf5, 0x7f])]) {
        const bytes = sample(0)
        const head = bytes.lastIndexOf(0xf5, lineOf(bytes, lost))
        damage.copy(bytes, head)
        const {saved, functions} = await salvage(bytes)
        expect(functions, lost).toEqual(all.filter(one => one !== lost).map(sourceOf))
        expect(saved).toMatchObject({keys: 0, functions: 2})
      }
    }
  })

  it('are given up before damage where they are no text to their end', async () => {
    const bytes = sample(40)
    const third = bytes.lastIndexOf(0xf5, lineOf(bytes, 'third'))
    bytes.fill(0x91, third - 4, third + 8)
    const {functions} = await salvage(bytes)
    expect(functions).toEqual([sourceOf('first')])
  })

  it('that are not, nor any key, leave nothing to be written', async () => {
    const out = join(mkdtempSync(join(folder.path, 'place-')), 'out.rdb')
    const bytes = sample(0)
    bytes.fill(0, lineOf(bytes, 'first') - 3)
    const found = await checkAndSalvage(folder.write('none.rdb', bytes), {out})
    expect(found).toMatchObject({soundness: {}, salvageFailure: {name: 'FormatError'}})
    expect(existsSync(out)).toBe(false)
  })

  it('that are lost are named, compressed or not', async () => {
    const bytes = sample(40)
    const first = lineOf(bytes, 'first') - 3
    const second = lineOf(bytes, 'second')
    // The length of the first, and what the second is compressed to.
    bytes[first + 1] = 0xb9
    bytes.fill(0xb9, second + 40, second + 60)
    const {saved, functions} = await salvage(bytes)
    expect(functions).toEqual([sourceOf('third')])
    const opcode = bytes.lastIndexOf(0xf5, second)
    expect(saved.functionsLost).toEqual([
      {offset: first, name: 'first'},
      {offset: opcode, name: 'second'},
    ])
    expect(report(saved)).toContain(`2 libraries of functions lost: first (byte ${first}), second (byte ${opcode})`)
    expect(snapshotSalvageJson(saved)).toMatchObject({
      functions: 1,
      functionLosses: 2,
      functionsLost: [{name: 'first'}, {}],
    })
  })

  it('whose names are lost as well are counted, with their place', async () => {
    const bytes = sample(40)
    const line = lineOf(bytes, 'first')
    bytes.write('#!lua nbme', line)
    const {saved} = await salvage(bytes)
    expect(saved.functionsLost).toEqual([{offset: line - 3, name: undefined}])
    expect(report(saved)).toContain(`1 library of functions lost: one whose name is lost (byte ${line - 3})`)
  })
})

describe('libraries that are lost', () => {
  const around = (text: Buffer | string): Buffer =>
    Buffer.concat([Buffer.alloc(50, 0xb9), Buffer.from(text), Buffer.alloc(50, 0xb9)])
  const found = (bytes: Buffer): unknown => lostLibraries(new MemoryRegion(bytes), [{offset: 0, bytes: bytes.length}])

  it('are found within a stretch whatever their length', () => {
    for (const size of [40, 400, 40_000]) {
      const source = `#!lua name=some\n${'-'.repeat(size)}`
      const record = Buffer.concat([Buffer.from([0xf5]), str(source)])
      expect(found(around(record))).toEqual({count: 1, libraries: [{offset: 50, name: 'some'}]})
    }
  })

  it('are found where their length is damaged', () => {
    const record = Buffer.concat([Buffer.from([0xf5]), str(sourceOf('some'))])
    record[1] = 0xb9
    expect(found(around(record))).toEqual({count: 1, libraries: [{offset: 50, name: 'some'}]})
  })

  it('are none where a text only looks like one', () => {
    expect(found(around(str(sourceOf('text'))))).toEqual({count: 0, libraries: []})
    expect(found(around(`\xf5#!lua name=text\n`))).toEqual({count: 0, libraries: []})
  })

  it('are found on the edge between two windows, once', () => {
    const record = Buffer.concat([Buffer.from([0xf5]), str(sourceOf('edge'))])
    for (let before = 1024 * 1024 - 40; before < 1024 * 1024 + 4; before++) {
      const bytes = Buffer.concat([Buffer.alloc(before, 0xb9), record, Buffer.alloc(600)])
      expect(found(bytes)).toEqual({count: 1, libraries: [{offset: before, name: 'edge'}]})
    }
  })

  it('have no name where that goes on behind what is lost', () => {
    const bytes = Buffer.concat([Buffer.from([0xf5]), str(sourceOf('longer'))])
    const lost = [{offset: 0, bytes: 3 + '#!lua name=long'.length}]
    expect(lostLibraries(new MemoryRegion(bytes), lost)).toEqual({count: 1, libraries: [{offset: 0, name: undefined}]})
  })
})
