/** Every limit is met by a test somewhere, and those of lists and names here. */
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {InventoryFacts} from '../src/analysis/inventory-facts.js'
import {Findings} from '../src/analysis/soundness-findings.js'
import {LentBytes} from '../src/bytes/lent.js'
import {type Depth, type Entry, type Limits, limits, MemorySource, RdbReader, SKIP, ValueVisitor} from '../src/index.js'
import {inspect} from '../src/jobs/inspect.js'
import {LossReport} from '../src/keyspace/loss-report.js'
import {LOST} from '../src/rdb/loss-kinds.js'
import {inventoryJson} from '../src/report/inventory-json.js'
import {formatKey, shorten} from '../src/report/text.js'
import {listpack} from './fixtures/blobs.js'
import {hex, le, len, str} from './fixtures/builder.js'
import {withLimits} from './reading/pieces.js'
import {fileOf} from './reading/samples.js'
import {temporaryFolder} from './start/folder.js'

const folder = temporaryFolder()

class Quiet extends ValueVisitor {
  constructor(override readonly depth: Depth) {
    super()
  }
}

const failure = (records: Uint8Array[], depth: Depth = 'elements'): Promise<unknown> =>
  new RdbReader(new MemorySource(fileOf(15, records))).run({entry: () => new Quiet(depth)}).then(
    () => undefined,
    (error: unknown) => error,
  )

const template = (id: number, ...fields: string[]): Uint8Array =>
  hex(0xf2, len(id), len(fields.length), ...fields.map(str))
const cron = (keys: string[]): Uint8Array =>
  hex(64, str('k'), str('script'), le(8, 1), le(8, 2), len(keys.length), ...keys.map(str), len(0))

describe('limits of what a file may hold at once', () => {
  it.each<[string, Partial<Limits>, Uint8Array[], Uint8Array[]]>([
    ['keys of a script', {listStringsMax: 2}, [cron(['a', 'b'])], [cron(['a', 'b', 'c'])]],
    ['bytes of the keys of a script', {listBytesMax: 6}, [cron(['abc', 'def'])], [cron(['abc', 'defg'])]],
    ['names of a template', {listStringsMax: 2}, [template(0, 'a', 'b')], [template(0, 'a', 'b', 'c')]],
    ['bytes of the names of a template', {listBytesMax: 6}, [template(0, 'abc', 'def')], [template(0, 'abc', 'defg')]],
    [
      'names that a hash packs with it',
      {listStringsMax: 2},
      [hex(31, str('k'), len(0), str(listpack(['f', 'g'])), str('v'), str('w'))],
      [hex(31, str('k'), len(0), str(listpack(['f', 'g', 'h'])), str('v'), str('w'), str('x'))],
    ],
    [
      'bytes of the names that a hash packs with it',
      {listBytesMax: 13},
      [hex(31, str('k'), len(0), str(listpack(['f', 'g'])), str('v'), str('w'))],
      [hex(31, str('k'), len(0), str(listpack(['f', 'gg'])), str('v'), str('w'))],
    ],
    [
      'names of all templates',
      {templateFieldsMax: 3},
      [template(0, 'a', 'b'), template(1, 'c')],
      [template(0, 'a', 'b'), template(1, 'c', 'd')],
    ],
    [
      'bytes of all templates',
      {templateBytesMax: 7},
      [template(0, 'abc'), template(1, 'defg')],
      [template(0, 'abc'), template(1, 'defgh')],
    ],
  ])('%s', async (_, changed, within, beyond) => {
    const [limit] = Object.keys(changed)
    await withLimits(changed, async () => {
      for (const depth of ['skip', 'elements'] as const) {
        expect(await failure(within, depth)).toBeUndefined()
        expect(await failure(beyond, depth)).toMatchObject({name: 'LimitError', code: 'TOO_LARGE', limit})
      }
    })
  })

  it.each([
    ['of the file', template(0)],
    ['of a hash', hex(31, str('k'), len(1), len(0))],
    ['of a hash, packed', hex(29, str('k'), len(0), str(listpack([])), str(listpack([0])))],
  ])('a template %s has one field at least', async (_, record) => {
    for (const depth of ['skip', 'elements'] as const) {
      expect(await failure([record], depth)).toMatchObject({
        name: 'FormatError',
        code: 'BAD_HASH',
        message: /no fields/,
      })
    }
  })
})

describe('limits of what a report remembers', () => {
  it('names: of aux fields, function libraries and modules', async () => {
    await withLimits({namesMax: 2}, async () => {
      const facts = new InventoryFacts()
      for (const name of ['a', 'b', 'c']) {
        facts.addAux(name, Buffer.from('v'))
        facts.addLibrary({name, engine: 'LUA', bytes: 1})
        facts.addModule(name, 1, 1, 10)
      }
      facts.addAux('?', Buffer.from('v'), Uint8Array.of(0xff))
      facts.addModule('a', 1, 1, 10)
      expect([...facts.aux.keys(), ...facts.otherAux]).toEqual(['a', 'b'])
      expect(facts.functions.map(({name}) => name)).toEqual(['a', 'b'])
      expect(facts.modules()).toMatchObject([
        {name: 'a', keys: 2},
        {name: 'b', keys: 1},
      ])
    })
  })

  it('bytes of names', async () => {
    await withLimits({namesBytesMax: 10}, async () => {
      const facts = new InventoryFacts()
      for (const name of ['abcde', 'fghijk', 'l']) facts.addLibrary({name, engine: 'LUA', bytes: 1})
      expect(facts.functions.map(({name}) => name)).toEqual(['abcde'])
    })
  })

  it('problems', async () => {
    // Attributes that hold for no key are no problem of the reader; a repeated warning of the counting is not either.
    await withLimits({problemsMax: 1}, async () => {
      const path = folder.write('newer.rdb', fileOf(17, [hex(0, str('k'), str('v'))]))
      const {inventory} = await inspect(path, {top: 1, nowMs: 0})
      expect(inventory?.problems.map(({code}) => code)).toEqual(['NEWER_VERSION'])
    })
  })

  it('keys of a kind of loss', async () => {
    await withLimits({lostKeysMax: 2}, async () => {
      const losses = new LossReport()
      for (const [record, key] of ['a', 'b', 'c'].entries()) {
        const keyBytes = new LentBytes()
        keyBytes.lend(Buffer.from(key), 0, 1)
        losses.addKey(LOST.keyMeta, {db: 0, keyBytes}, record)
      }
      expect(losses.list()).toMatchObject([{keys: 3, examples: [{key: Buffer.from('a')}, {key: Buffer.from('b')}]}])
    })
  })

  it('the window that is read at a time', async () => {
    await withLimits({windowBytes: 5}, async () => {
      const window = await new MemorySource(new Uint8Array(20)).read()
      expect(window!.end - window!.start).toBe(5)
    })
  })
})

describe('a key longer than a report keeps', () => {
  const long = `${'é'.repeat(50)}${'x'.repeat(1000)}`
  const file = fileOf(9, [hex(0, str('short'), str('v')), hex(1, str(long), len(1), str('item'))])

  it('is cut, between characters, and marked as cut', async () => {
    const path = folder.write('long.rdb', file)
    await withLimits({keyBytesKept: 31}, async () => {
      const {inventory} = await inspect(path, {top: 10, nowMs: 0})
      const [first, second] = inventory!.biggest
      expect([Buffer.from(first!.key).toString(), first!.keyBytes]).toEqual(['é'.repeat(15), 1100])
      expect([Buffer.from(second!.key).toString(), second!.keyBytes]).toEqual(['short', undefined])
      const json = inventoryJson(path, inventory, undefined) as {biggest: object[]}
      expect(json.biggest).toMatchObject([{key: 'é'.repeat(15), keyBytes: 1100}, {key: 'short'}])
      expect(Object.keys(json.biggest[1]!)).not.toContain('keyBytes')
      expect(shorten(formatKey(first!), 60)).toBe(`${'é'.repeat(15)}… (1100 bytes)`)
    })
  })

  it('is cut shorter in a long list', async () => {
    const path = folder.write('list.rdb', file)
    await withLimits({keysBytesKept: 5000}, async () => {
      const {inventory} = await inspect(path, {top: 10, nowMs: 0})
      expect(inventory!.biggest[0]!.key.length).toBe(500)
    })
  })

  it('is cut in problems and in errors', async () => {
    await withLimits({keyBytesKept: 300}, async () => {
      const broken = fileOf(9, [hex(1, str(long), len(1), 0x82)])
      const error = await new RdbReader(new MemorySource(broken)).run({entry: () => SKIP}).catch((one: unknown) => one)
      expect(error).toMatchObject({place: {keyBytes: 1100}})
      const findings = new Findings(10)
      const keep = (entry: Entry): ValueVisitor => {
        findings.entry = entry
        findings.inEntry('X', 'error', 0, 'text')
        return SKIP
      }
      await new RdbReader(new MemorySource(file)).run({entry: keep})
      expect(findings.kept().map(({key, keyBytes}) => [key!.length, keyBytes])).toEqual([
        [5, undefined],
        [300, 1100],
      ])
    })
  })
})

it('every limit is lowered by some test', () => {
  const root = fileURLToPath(new URL('.', import.meta.url))
  const tests = readdirSync(root, {recursive: true, encoding: 'utf8'}).filter(path => path.endsWith('.test.ts'))
  const text = tests.map(path => readFileSync(join(root, path), 'utf8')).join('\n')
  // Of these two the default itself is met: by a million databases, and by more pending entries than are compared.
  const met = ['databasesMax', 'pendingMax']
  const unmet = Object.keys(limits).filter(
    name => !new RegExp(`\\{[^{}]*\\b${name}: [\\d_]`).test(text) && !met.includes(name),
  )
  expect(unmet).toEqual([])
})
