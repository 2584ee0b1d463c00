/** Every fixture against its golden, which a server or the fixture's builder told, at every depth and by both drivers. */
import {describe, expect, it} from 'vitest'
import {
  type Entry,
  type EntryVisitor,
  FormatError,
  MemorySource,
  type RdbElement,
  type RdbEntry,
  RdbReader,
  SKIP,
  ValueVisitor,
} from '../src/index.js'
import {hex, str} from './fixtures/builder.js'
import {formatBytes} from './fixtures/golden.js'
import {type Fixture, fixture, type Golden, type GoldenEntry, REFUSED, readable} from './reading/fixtures.js'
import {elementRows, readGolden} from './reading/golden.js'

const TYPE_ZSET = 3
const TYPE_ZSET_2 = 5
const MODULE_ID_BYTES = 9

/** Skiplists lie in the file from the highest score down, in the golden from the lowest up. */
function inOneOrder(entries: readonly GoldenEntry[]): GoldenEntry[] {
  return entries.map(entry => {
    const {rdbType, type, value} = entry
    if (type === 'module') return {...entry, value: {...(value as object), base64: undefined}}
    if (rdbType !== TYPE_ZSET && rdbType !== TYPE_ZSET_2) return entry
    return {...entry, value: (value as unknown[]).map(row => JSON.stringify(row)).sort()}
  })
}

/** Equal keys of several databases by what they hold. */
const keyOf = ({key, count, value}: GoldenEntry): string =>
  JSON.stringify([key, count, typeof value === 'string' ? value : ''])

interface Skipped {
  offset: number
  valueOffset: number
  endOffset: number
  elements: number
  encoding: string
}

async function readSkipping(bytes: Uint8Array): Promise<Skipped[]> {
  const facts: Skipped[] = []
  const skipping = new (class extends ValueVisitor {
    override readonly depth = 'skip'
    override end({offset, valueOffset, endOffset, elements, encoding}: Entry): void {
      facts.push({offset, valueOffset, endOffset, elements, encoding})
    }
  })()
  await new RdbReader(new MemorySource(bytes), {ignoreChecksum: true}).run({entry: () => skipping})
  return facts
}

interface Raw {
  key: Uint8Array
  typeId: number
  valueOffset: number
  endOffset: number
  value: Uint8Array
}

/** Every value as it is stored, and the templates that some refer to. */
async function readRaw(bytes: Uint8Array): Promise<{raws: Raw[]; templates: (readonly Uint8Array[])[]}> {
  const raws: Raw[] = []
  const templates: (readonly Uint8Array[])[] = []
  let pieces: Uint8Array[] = []
  const raw = new (class extends ValueVisitor {
    override readonly depth = 'raw'
    override begin(_entry: Entry, count: number | undefined): void {
      expect(count).toBeUndefined()
      pieces = []
    }
    override chunk(piece: Uint8Array, start: number, end: number): void {
      pieces.push(piece.slice(start, end))
    }
    override end(entry: Entry): void {
      const {typeId, valueOffset, endOffset} = entry
      raws.push({key: entry.key(), typeId, valueOffset, endOffset, value: Buffer.concat(pieces)})
    }
  })()
  const visitor: EntryVisitor = {entry: () => raw, hashTemplate: (_, fields) => templates.push(fields)}
  await new RdbReader(new MemorySource(bytes), {ignoreChecksum: true}).run(visitor)
  return {raws, templates}
}

describe.each(readable.map(one => [one.name, one] as const))('%s', (_, {bytes, golden}: Fixture) => {
  it('holds what its golden says, element by element', async () => {
    const {golden: read} = await readGolden(new MemorySource(bytes), 'elements')
    expect(inOneOrder(read.entries)).toEqual(inOneOrder(golden.entries))
    expect(read.functions.toSorted()).toEqual(golden.functions.toSorted())
    const digits = /\d+$/.exec(Buffer.from(bytes.subarray(0, 9)).toString('latin1'))?.[0]
    expect(read.meta.rdbVersion).toBe(golden.meta.rdbVersion ?? Number(digits))
  })

  it('holds the same in its packed nodes', async () => {
    const {golden: read} = await readGolden(new MemorySource(bytes), 'nodes')
    expect(inOneOrder(read.entries)).toEqual(inOneOrder(golden.entries))
  })

  it('names its writer', async () => {
    const {product, serverVersion} = golden.meta
    if (product === undefined) return
    const {aux} = await readGolden(new MemorySource(bytes), 'elements')
    expect(aux[product === 'valkey' ? 'valkey-ver' : 'redis-ver'] ?? aux['redis-ver']).toBe(serverVersion)
  })

  it('is passed over with the same entries and counts', async () => {
    const {facts} = await readGolden(new MemorySource(bytes), 'elements')
    expect(await readSkipping(bytes)).toEqual(facts)
    expect(facts).toHaveLength(golden.entries.length)
  })

  it('gives values as they are stored, which read the same elsewhere', async () => {
    const {raws, templates} = await readRaw(bytes)
    const header = bytes.slice(0, 9)
    const definitions = templates.map((fields, id) =>
      hex(0xf2, id, fields.length, ...fields.map(f => str(Buffer.from(f)))),
    )
    const records = raws.map(({key, typeId, value}) => hex(typeId, str(Buffer.from(key)), value))
    for (const {valueOffset, endOffset, value} of raws) {
      expect(Buffer.compare(value, bytes.subarray(valueOffset, endOffset))).toBe(0)
    }
    const synthetic = hex(header, ...definitions, ...records, 0xff, Buffer.alloc(8))
    const {golden: read} = await readGolden(new MemorySource(new Uint8Array(synthetic)), 'elements')
    const bare = ({key, type, rdbType, value, count, insertIndex}: GoldenEntry): GoldenEntry =>
      ({db: 0, key, type, rdbType, value, count, insertIndex}) as GoldenEntry
    const byKey = (a: GoldenEntry, b: GoldenEntry): number => (keyOf(a) < keyOf(b) ? -1 : 1)
    const bareOf = (entries: GoldenEntry[]): GoldenEntry[] => inOneOrder(entries.map(bare)).sort(byKey)
    expect(bareOf(read.entries)).toEqual(bareOf(golden.entries))
  })

  it.each(['skip', 'raw', 'parts', 'collect', 'nothing'] as const)('gives it one entry at a time: %s', async form => {
    const {facts, golden: expected} = await readGolden(new MemorySource(bytes), 'elements')
    const reader = await RdbReader.open(bytes, {ignoreChecksum: true})
    let at = 0
    for await (const entry of reader) {
      const {offset, valueOffset, endOffset} = facts[at++]!
      expect(entry.offset).toBe(offset)
      const stored = bytes.subarray(valueOffset, endOffset)
      if (form === 'skip') await entry.value.skip()
      else if (form === 'raw') expect(Buffer.compare(await joined(entry.value.raw()), stored)).toBe(0)
      else if (form !== 'nothing') expect(goldenValues(expected, entry)).toContainEqual(await valueRead(entry, form))
    }
    expect(at).toBe(expected.entries.length)
    expect(reader.end).toMatchObject({bytes: bytes.length - reader.end!.trailingBytes})
  })
})

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

/** A value as a library user reads it, in the shape of a golden; modules and scripts have no elements to show. */
async function valueRead(entry: RdbEntry, form: 'parts' | 'collect'): Promise<unknown> {
  const {type, value} = entry
  if (type === 'string') {
    return formatBytes(form === 'parts' ? await joined(value.chunks()) : ((await value.collect()) as Uint8Array))
  }
  const elements: RdbElement[] = []
  if (form === 'collect') elements.push(...((await value.collect()) as RdbElement[]))
  else for await (const element of value.elements()) elements.push(element)
  if (type === 'module') return 'module'
  return elementRows(type, elements)
}

/** What the golden has for a key; several values where a key stands twice. */
function goldenValues(golden: Golden, {db, key, type}: RdbEntry): unknown[] {
  const text = JSON.stringify(formatBytes(key))
  const twins = golden.entries.filter(one => one.db === db && JSON.stringify(one.key) === text)
  return twins.map(({value}) => {
    if (type === 'stream') return (value as {entries: unknown}).entries
    if (type === 'cron')
      return Object.values(value as Record<string, unknown[]>)
        .slice(3)
        .flat()
    return type === 'module' ? 'module' : value
  })
}

describe('modules', () => {
  it.each(['rdb-built/module-value-v9.rdb', 'rdb/module-vectorset-v12.rdb'])(
    '%s keeps every byte after the module ID',
    async name => {
      const {bytes, golden} = fixture(name)
      const {raws} = await readRaw(bytes)
      const modules = golden.entries.filter(({type}) => type === 'module')
      expect(modules.length).toBeGreaterThan(0)
      for (const {key, value} of modules) {
        const raw = raws.find(one => formatBytes(one.key) === key)
        const items = raw!.value.subarray(MODULE_ID_BYTES)
        expect(Buffer.from(items).toString('base64')).toBe((value as {base64: string}).base64)
      }
    },
  )
})

describe('what servers say of a file as a whole', () => {
  it.each(readable.map(one => [one.name, one] as const))(
    '%s has the checksum it should have',
    async (name, {bytes, golden}) => {
      const {checksum, problems} = await readGolden(new MemorySource(bytes), 'elements')
      const off = /no-checksum|checksum-zero/.test(name) || golden.meta.rdbVersion < 5
      const expected = off ? 'absent' : name.includes('checksum-wrong') ? 'mismatch' : 'ok'
      expect(checksum).toBe(expected)
      const after = /bytes-after-end|aof-preamble/.test(name)
      const told = [...(after ? ['TRAILING_BYTES'] : []), ...(off ? ['CHECKSUM_ABSENT'] : [])]
      expect(problems).toEqual(expected === 'mismatch' ? [...told, 'BAD_CHECKSUM'] : told)
    },
  )

  it('fails at the end of a file with a wrong checksum, after all of it has been shown', async () => {
    const {bytes, golden} = fixture('rdb-built/checksum-wrong-v6.rdb')
    let entries = 0
    const reader = new RdbReader(new MemorySource(bytes))
    const run = reader.run({
      entry: () => {
        entries++
        return SKIP
      },
    })
    await expect(run).rejects.toMatchObject({name: 'FormatError', code: 'BAD_CHECKSUM', offset: bytes.length - 8})
    expect(entries).toBe(golden.entries.length)
  })

  it('refuses a version that its magic never had', async () => {
    const reader = new RdbReader(new MemorySource(fixture(REFUSED).bytes))
    await expect(reader.run({entry: () => SKIP})).rejects.toThrow(FormatError)
    await expect(new RdbReader(new MemorySource(fixture(REFUSED).bytes)).readHeader()).rejects.toMatchObject({
      code: 'BAD_VERSION',
    })
  })
})
