/** build into the shards of a cluster, and of them: every key where it belongs, and the same as before once put together. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {slotOf} from '../../src/bytes/crc16.js'
import {MemorySource, RdbReader, SKIP, UnsupportedError, UsageError} from '../../src/index.js'
import {type BuildOptions, build} from '../../src/jobs/build.js'
import {ConflictError} from '../../src/jobs/build-conflicts.js'
import {buildLog} from '../../src/jobs/build-log.js'
import {BuildError} from '../../src/jobs/build-sources.js'
import {type BuildSplitOptions, buildSplit, splitPlan} from '../../src/jobs/build-split.js'
import {fixture, readable} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {byMeaning} from '../reading/rebuild.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
let outs = 0
const newOut = (): string => join(folder.path, `out-${outs++}`)
const leftovers = (): string[] => readdirSync(folder.path).filter(name => name.endsWith('.tmp'))

async function split(sources: readonly string[], shards: string, options: Partial<BuildSplitOptions> = {}) {
  return await buildSplit(sources, {out: newOut(), plan: splitPlan(shards), ...options})
}

async function merged(sources: readonly string[], options: Partial<BuildOptions> = {}) {
  const out = `${newOut()}.rdb`
  const result = await build(sources, {out, ...options})
  return {result, bytes: readFileSync(out)}
}

async function keysOf(path: string): Promise<Buffer[]> {
  const keys: Buffer[] = []
  const reader = await RdbReader.open(path)
  for await (const entry of reader) keys.push(Buffer.from(entry.key))
  await reader.close()
  return keys
}

const slot = (key: Uint8Array): number => slotOf(key, 0, key.length)
const meaningOf = async (bytes: Uint8Array): Promise<string[]> =>
  byMeaning((await readGolden(new MemorySource(new Uint8Array(bytes)), 'elements')).golden.entries)

/** Tags, bytes that are no text, an empty key, keys that are numbers, and large values. */
const KEYS = [
  ...Array.from({length: 3000}, (_, at) => Buffer.from(`key:${at}`)),
  ...Array.from({length: 50}, (_, at) => Buffer.from(`{user:${at % 5}}:${at}`)),
  ...Array.from({length: 256}, (_, at) => Buffer.from([at, 0xff, 0])),
  ...['', '{}x', '{}{y}', 'a{b', '12345', '-7', 'x'.repeat(300)].map(key => Buffer.from(key)),
]
const many = new RdbFile('REDIS', 9).db(0)
for (const [at, key] of KEYS.entries()) {
  if (at % 3 === 0) many.expireMs(4e12)
  many.key(0, key, text(at % 700 === 0 ? 'large '.repeat(50_000) : `value ${at}`))
}
const source = folder.write('many.rdb', many.end())

describe('the shards of a file', () => {
  it.each(['1', '3', '300'])('%s of them have the keys of their slots, and the sums agree', async shards => {
    const built = await split([source], shards)
    expect(built).toMatchObject({keysIn: KEYS.length, keysOut: KEYS.length, skipped: [], lost: []})
    expect(built.shards).toHaveLength(Number(shards))
    const manifest = JSON.parse(readFileSync(join(built.out, 'manifest.json'), 'utf8'))
    expect(manifest).toMatchObject({format: 'rdbtool cluster snapshot', version: 1, keys: KEYS.length})
    expect(manifest.shards).toEqual(JSON.parse(JSON.stringify(built.shards)))
    expect(readdirSync(built.out)).toHaveLength(Number(shards) + 1)
    let keys = 0
    for (const {file, slots, ...told} of built.shards) {
      const path = join(built.out, file)
      const found = await keysOf(path)
      const [[first, last]] = slots as [[number, number]]
      for (const key of found) expect(slot(key)).toSatisfy((one: number) => one >= first && one <= last)
      expect(told).toMatchObject({keys: found.length, bytes: readFileSync(path).length})
      keys += found.length
    }
    expect(keys).toBe(KEYS.length)
  })

  it('are the same as the file once they are put together', async () => {
    const {out} = await split([source], '7')
    const {result, bytes} = await merged([out])
    expect(result).toMatchObject({keysIn: KEYS.length, keysOut: KEYS.length, misplaced: 0})
    expect(await meaningOf(bytes)).toEqual(await meaningOf(readFileSync(source)))
    const sorted = await Promise.all([merged([out], {sort: true}), merged([source], {sort: true})])
    expect(sorted[0]!.bytes.equals(sorted[1]!.bytes)).toBe(true)
  })

  it('are each sorted, if told so', async () => {
    const {out, shards} = await split([source], '4', {sort: true})
    for (const {file} of shards) {
      const keys = await keysOf(join(out, file))
      expect(keys).toEqual(keys.toSorted(Buffer.compare))
    }
    const [once, again] = await Promise.all([merged([out], {sort: true}), merged([source], {sort: true})])
    expect(once.bytes.equals(again.bytes)).toBe(true)
  })

  it('tell how many keys and expiries they have before them', async () => {
    const {out, shards} = await split([source], '3')
    const {out: careful} = await split([source], '3', {reencode: true})
    for (const {file, keys} of shards) {
      const sizes = await Promise.all([out, careful].map(path => announced(join(path, file))))
      expect(sizes[0]![0]).toBe(keys)
      expect(sizes[0]).toEqual(sizes[1])
      expect(sizes[0]![1]).toBeGreaterThan(0)
    }
  })
})

async function announced(path: string): Promise<[keys: number, expires: number]> {
  const sizes: [number, number] = [0, 0]
  const reader = await RdbReader.open(path)
  await reader.run({
    entry: () => SKIP,
    resizeDb: (_, keys, expires) => {
      sizes[0] += keys
      sizes[1] += expires
    },
  })
  await reader.close()
  return sizes
}

describe('every fixture', () => {
  const REFUSED = /zset-ascii-nan|keydb|key-twice|aof-preamble|checksum-wrong|module-aux-twice/
  it.each(readable.filter(({name}) => !REFUSED.test(name)).map(one => [one.name, one] as const))(
    '%s holds the same once it was split and put together',
    async (_, one) => {
      const dbs = [...new Set(one.golden.entries.map(({db}) => db))]
      // Databases are put into one where that loses nothing.
      const mapDb = dbs.filter(db => db > 0).map(db => [db, 0] as const)
      const whole = await merged([one.path], {changes: {mapDb}}).catch(error => {
        if (error instanceof ConflictError) return undefined
        throw error
      })
      if (whole === undefined) return
      const {out, keysOut} = await split([one.path], '3', {changes: {mapDb}})
      const {result, bytes} = await merged([out])
      expect(result).toMatchObject({keysIn: keysOut, keysOut, misplaced: 0})
      expect(await meaningOf(bytes)).toEqual(await meaningOf(whole.bytes))
    },
  )
})

describe('what stands beside the keys', () => {
  it('is in every shard: who wrote it, and functions', async () => {
    const {out, shards} = await split([fixture('rdb/functions-v10.rdb').path], '3')
    const original = await readGolden(new MemorySource(readFileSync(fixture('rdb/functions-v10.rdb').path)), 'elements')
    expect(original.golden.functions?.length).toBeGreaterThan(0)
    for (const {file} of shards) {
      const {golden, aux, checksum} = await readGolden(new MemorySource(readFileSync(join(out, file))), 'elements')
      expect(golden.functions).toEqual(original.golden.functions)
      expect(aux['redis-ver']).toEqual(original.aux['redis-ver'])
      expect(checksum).toBe('ok')
    }
    const {bytes} = await merged([out])
    const again = await readGolden(new MemorySource(new Uint8Array(bytes)), 'elements')
    expect(again.golden.functions).toEqual(original.golden.functions)
  })
})

describe('keys that no shard may have', () => {
  const db3 = folder.write('db3.rdb', new RdbFile('REDIS', 9).db(3).key(0, 'a', text('1')).key(0, 'b', text('2')).end())

  it('are those of other databases: told by database, with what to do', async () => {
    const out = newOut()
    const error = await split([source, db3], '3', {out}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UnsupportedError)
    expect((error as UnsupportedError).message).toContain('there are keys in 3 (2 keys)')
    expect((error as UnsupportedError).advice).toContain('--map-db 3=0')
    expect(existsSync(out)).toBe(false)
    expect(leftovers()).toEqual([])
    expect((await split([source, db3], '3', {changes: {mapDb: [[3, 0]]}})).keysOut).toBe(KEYS.length + 2)
    expect((await split([db3], '2', {selection: {db: [0]}})).keysOut).toBe(0)
  })

  it('of a valkey 9 may be in any database', async () => {
    const {out, keysOut} = await split([db3], '3', {target: 'valkey-9.0'})
    expect(keysOut).toBe(2)
    expect((await merged([out])).result.keysOut).toBe(2)
  })
})

describe('a file that says which node has which slots', () => {
  const node = (digit: string, ...slots: string[]): string =>
    [digit.repeat(40), '127.0.0.1:7000@17000', 'master', '-', '0', '0', '1', 'connected', ...slots].join(' ')

  it('divides by it, and the manifest names the nodes', async () => {
    const conf = folder.write('nodes.conf', `${node('b', '5', '100-16383')}\n${node('a', '0-4', '6-99')}\n`)
    const built = await split([source], conf)
    expect(built.shards.map(({file, nodeId, slots}) => [file, nodeId?.[0], slots])).toEqual([
      [
        'shard-00000.rdb',
        'a',
        [
          [0, 4],
          [6, 99],
        ],
      ],
      [
        'shard-00005.rdb',
        'b',
        [
          [5, 5],
          [100, 16_383],
        ],
      ],
    ])
    expect(built.warnings).toEqual([])
    expect((await merged([built.out])).result).toMatchObject({keysOut: KEYS.length, misplaced: 0})
  })

  it('that leaves slots out is refused with their ranges, and the keys in them', async () => {
    const conf = folder.write('gaps.conf', `${node('a', '0-99', '300-16383')}\n`)
    const out = newOut()
    const error = await split([source], conf, {out}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(UsageError)
    const lacking = KEYS.filter(key => slot(key) >= 100 && slot(key) <= 299).length
    expect((error as UsageError).message).toBe(
      `${conf}: of the slots, no shard has 100-299, and there are keys in them: ${lacking} of 100-299`,
    )
    const selected = split([source], conf, {out, selection: {match: ['nothing']}})
    await expect(selected).rejects.toThrow('no shard has 100-299, and no key is in them')
    expect(existsSync(out)).toBe(false)
    expect(leftovers()).toEqual([])
  })

  it('that gives slots twice is refused with their ranges', async () => {
    const conf = folder.write('twice.conf', `${node('a', '0-16383')}\n${node('b', '7-9')}\n`)
    await expect(split([source], conf)).rejects.toThrow('more than one has 7-9')
  })

  it('is told where keys may collide, too', async () => {
    const conf = folder.write('gaps.conf', `${node('a', '0-99', '300-16383')}\n`)
    const lines = folder.write('lines.jsonl', '{"key":"a","type":"string","value":"1"}\n')
    await expect(split([source, lines], conf, {onConflict: 'error'})).rejects.toThrow(/no shard has 100-299, and /)
    await expect(split([lines], conf)).rejects.toThrow(/no shard has 100-299, and no key is in them/)
  })

  it('is that of a master that failed, with a warning', async () => {
    const text = `${node('a', '0-5460').replace('master', 'master,fail')}\n${node('b', '5461-16383')}\n`
    const conf = folder.write('failed.conf', text)
    const {shards, warnings} = await split([source], conf)
    expect(shards.map(({keys}) => keys)).toEqual([expect.any(Number), expect.any(Number)])
    expect(warnings).toMatchObject([{code: 'NODE_FAILED', source: conf, text: expect.stringContaining('a'.repeat(40))}])
  })

  it('is warned of where slots are moving', async () => {
    const conf = folder.write('moving.conf', node('a', '0-16383', `[93->-${'b'.repeat(40)}]`))
    expect((await split([source], conf)).warnings).toMatchObject([{code: 'SLOTS_MOVING', source: conf}])
  })
})

describe('several sources', () => {
  const [a, b] = ['a', 'b'].map(name =>
    folder.write(
      `${name}.rdb`,
      new RdbFile('REDIS', 9).db(0).key(0, 'both', text(name)).key(0, name, text(name)).end(),
    ),
  ) as [string, string]

  it.each([{}, {sort: true}])('that have a key are an error that names it and them: %o', async options => {
    const out = newOut()
    const error = await split([a, b], '5', {out, ...options}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConflictError)
    const told = (error as ConflictError).conflicts.map(one => ({...one, key: Buffer.from(one.key).toString()}))
    expect(told).toEqual([{db: 0, key: 'both', sources: [a, b]}])
    expect(existsSync(out)).toBe(false)
  })

  it('are split with the one that stays', async () => {
    const {out} = await split([a, b], '5', {onConflict: 'last'})
    const {bytes} = await merged([out])
    expect(await meaningOf(bytes)).toEqual(await meaningOf((await merged([a, b], {onConflict: 'last'})).bytes))
  })

  it('are selected and renamed on their way: the new name says where they go', async () => {
    const built = await split([source], '3', {
      selection: {match: ['key:*']},
      changes: {renamePrefix: [[Buffer.from('key:'), Buffer.from('{one}:')]]},
    })
    expect(built.shards.filter(({keys}) => keys > 0)).toHaveLength(1)
    expect(built.keysOut).toBe(3000)
  })
})

describe('the folder', () => {
  it('is replaced by force only where it is ours, and never by itself', async () => {
    const out = newOut()
    await split([source], '2', {out: `${out}/`})
    await expect(split([source], '3', {out})).rejects.toThrow(/is there already/)
    expect((await split([source], '3', {out, force: true})).shards).toHaveLength(3)
    await expect(split([out], '4', {out, force: true})).rejects.toThrow(/is what is read/)
    await expect(split([join(out, 'shard-00000.rdb')], '4', {out, force: true})).rejects.toThrow(/is what is read/)
    const foreign = newOut()
    mkdirSync(foreign)
    writeFileSync(join(foreign, 'precious'), 'x')
    await expect(split([source], '2', {out: foreign, force: true})).rejects.toThrow(/we did not make it/)
    expect(readdirSync(foreign)).toEqual(['precious'])
  })

  it.each([
    ['a file', (path: string) => writeFileSync(path, 'x')],
    ['a folder', (path: string) => mkdirSync(path)],
  ])('is not replaced where %s came to stand among its shards', async (_, make) => {
    const {out} = await split([source], '2')
    make(join(out, 'precious'))
    await expect(split([source], '3', {out, force: true})).rejects.toThrow(/no longer as we did/)
    expect(readdirSync(out)).toEqual(['manifest.json', 'precious', 'shard-00000.rdb', 'shard-08192.rdb'])
  })

  it('is replaced behind a link that leads to it, with the same care', async () => {
    const {out} = await split([source], '2')
    const link = `${newOut()}-link`
    symlinkSync(out, link)
    await split([source], '3', {out: link, force: true})
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(readdirSync(out)).toHaveLength(4)
    writeFileSync(join(out, 'precious'), 'x')
    await expect(split([source], '2', {out: `${link}/`, force: true})).rejects.toThrow(/no longer as we did/)
    expect(readdirSync(out)).toContain('precious')
  })

  it('does not appear where a source is damaged at its very end', async () => {
    const bytes = Buffer.from(readFileSync(source))
    bytes[bytes.length - 1]! ^= 1
    const out = newOut()
    await expect(split([folder.write('damaged.rdb', bytes)], '3', {out})).rejects.toThrow(/checksum/)
    expect(existsSync(out)).toBe(false)
    expect(leftovers()).toEqual([])
  })

  it('with a file too few, or slots that are not covered, is no source', async () => {
    const {out} = await split([source], '3')
    rmSync(join(out, 'shard-05461.rdb'))
    await expect(merged([out])).rejects.toThrow(/names what is not there: shard-05461\.rdb/)
    const manifest = readFileSync(join(out, 'manifest.json'), 'utf8')
    const {shards, ...facts} = JSON.parse(manifest)
    writeFileSync(join(out, 'manifest.json'), JSON.stringify({...facts, shards: [shards[0], shards[2]]}))
    await expect(merged([out])).rejects.toThrow(/no shard has 5461-10922/)
    for (const wrong of [
      {...facts, shards: [{...shards[0], file: '../other.rdb'}]},
      {...facts, version: 2, shards},
    ]) {
      writeFileSync(join(out, 'manifest.json'), JSON.stringify(wrong))
      await expect(merged([out])).rejects.toThrow(BuildError)
    }
  })

  it('with keys in the wrong shard is a source that tells how many', async () => {
    const {out, shards} = await split([source], '2')
    const names = shards.map(({file}) => join(out, file)) as [string, string]
    renameSync(names[0], `${names[0]}.x`)
    renameSync(names[1], names[0])
    renameSync(`${names[0]}.x`, names[1])
    for (const options of [{}, {reencode: true}, {onConflict: 'last'}] as const) {
      expect((await merged([out], options)).result).toMatchObject({keysOut: KEYS.length, misplaced: KEYS.length})
    }
  })

  it('is a source of a log, and beside other sources', async () => {
    const {out} = await split([source], '3')
    const log = newOut()
    expect((await buildLog([out], {out: log, form: 'folder', base: 'snapshot'})).keysOut).toBe(KEYS.length)
    const other = folder.write('beside.rdb', new RdbFile('REDIS', 9).db(0).key(0, 'another', text('v')).end())
    expect((await merged([other, out])).result).toMatchObject({keysOut: KEYS.length + 1, misplaced: 0})
  })
})
