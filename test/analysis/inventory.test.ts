/** The sums of an inventory against a plain re-count of the same entries, and its rules one by one. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {type Inventory, type InventoryOptions, InventoryVisitor} from '../../src/analysis/inventory.js'
import {RdbReader} from '../../src/rdb/reader.js'
import {integer, list, RdbFile, text} from '../start/rdb.js'

const NOW_MS = 1_000_000

async function inventoryOf(file: Uint8Array, options: Partial<InventoryOptions> = {}): Promise<Inventory> {
  const reader = await RdbReader.open(file)
  const visitor = new InventoryVisitor({top: 5, nowMs: NOW_MS, ...options})
  await reader.run(visitor)
  return visitor.result(reader.header!, reader.offset, reader.end)
}

const VALUES = {
  string: {rdbType: 0, value: text('value')},
  integer: {rdbType: 0, value: integer(7)},
  list: {rdbType: 1, value: list(['a', 'b', 'c'])},
} as const
const ELEMENTS = {string: 5, integer: 1, list: 3}
const STORED = {string: ['string', 'raw'], integer: ['string', 'int'], list: ['list', 'linkedlist']} as const

const rows = fc.array(
  fc.record({
    db: fc.nat({max: 3}),
    key: fc.string({maxLength: 4}),
    form: fc.constantFrom('string' as const, 'integer' as const, 'list' as const),
    expireAtMs: fc.option(fc.integer({min: NOW_MS - 2, max: NOW_MS + 2}), {nil: undefined}),
  }),
  {maxLength: 30},
)
type Row = typeof rows extends fc.Arbitrary<(infer T)[]> ? T : never

function fileOf(entries: readonly Row[]): Buffer {
  const file = new RdbFile('REDIS', 9)
  for (const {db, key, form, expireAtMs} of entries) {
    file.db(db)
    if (expireAtMs !== undefined) file.expireMs(expireAtMs)
    file.key(VALUES[form].rdbType, key, VALUES[form].value)
  }
  return file.end()
}

/** Bytes of a record: attribute, type, key, value. */
function bytesOf({key, form, expireAtMs}: Row): number {
  return (expireAtMs === undefined ? 0 : 9) + 1 + 1 + Buffer.byteLength(key) + VALUES[form].value.bytes.length
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

describe('InventoryVisitor', () => {
  it('counts as a plain re-count does', async () => {
    await fc.assert(
      fc.asyncProperty(rows, fc.nat({max: 6}), async (entries, top) => {
        const inventory = await inventoryOf(fileOf(entries), {top})
        const count = (of: readonly Row[]) => ({
          keys: of.length,
          expiring: of.filter(({expireAtMs}) => expireAtMs !== undefined).length,
          expired: of.filter(({expireAtMs}) => expireAtMs !== undefined && expireAtMs < NOW_MS).length,
        })
        expect(inventory).toMatchObject(count(entries))
        const databases = [...new Set(entries.map(({db}) => db))].sort((a, b) => a - b)
        expect(inventory.databases).toEqual(
          databases.map(db => {
            const own = entries.filter(entry => entry.db === db)
            return {db, ...count(own), rdbBytes: sum(own.map(bytesOf)), memoryBytes: 0}
          }),
        )
        const forms = [...new Set(entries.map(({form}) => form))].map(form => {
          const own = entries.filter(entry => entry.form === form)
          const [type, encoding] = STORED[form]
          return {
            type,
            encoding,
            keys: own.length,
            elements: own.length * ELEMENTS[form],
            expiring: count(own).expiring,
            rdbBytes: sum(own.map(bytesOf)),
            memoryBytes: 0,
          }
        })
        const byName = (a: {encoding: string}, b: {encoding: string}): number => (a.encoding < b.encoding ? -1 : 1)
        expect(inventory.encodings.toSorted(byName)).toEqual(forms.sort(byName))
        const ranked = entries.toSorted(
          (a, b) => bytesOf(b) - bytesOf(a) || a.db - b.db || Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)),
        )
        expect(inventory.biggest.map(({db, key, rdbBytes}) => [db, Buffer.from(key).toString(), rdbBytes])).toEqual(
          ranked.slice(0, top).map(row => [row.db, row.key, bytesOf(row)]),
        )
      }),
    )
  })

  it('lets a key live through the very millisecond of its expiry, as servers do', async () => {
    const file = new RdbFile('REDIS', 9).db(0)
    for (const at of [NOW_MS - 1, NOW_MS, NOW_MS + 1]) file.expireMs(at).key(0, `at ${at}`, text('v'))
    expect(await inventoryOf(file.end())).toMatchObject({keys: 3, expiring: 3, expired: 1})
  })

  it('tells expiries that no double holds', async () => {
    const file = new RdbFile('REDIS', 9).db(0).expireMs(Number.MAX_SAFE_INTEGER).key(0, 'far', text('v'))
    const bytes = file.end('zero')
    bytes
      .fill(0xff, bytes.indexOf(0xfc) + 1, bytes.indexOf(0xfc) + 8)
      .fill(0x7f, bytes.indexOf(0xfc) + 8, bytes.indexOf(0xfc) + 9)
    const {biggest, expired} = await inventoryOf(bytes)
    expect(biggest[0]!.expireAtMs).toBe(2n ** 63n - 1n)
    expect(expired).toBe(0)
  })

  it('keeps the first of repeated aux fields, and the key of no entry that follows', async () => {
    const file = new RdbFile('REDIS', 9).aux('redis-ver', '7.0.15').aux('note', 'first').aux('note', 'second')
    const {aux, serverVersion} = await inventoryOf(file.end())
    expect(aux.get('note')).toBe('first')
    expect(serverVersion).toBe('7.0.15')
  })

  it('reads engine and name off the first line of a function library', async () => {
    const file = new RdbFile('REDIS', 10)
      .function('#!lua name=first\nreturn 1')
      .function('#!js name=second x=1\nname=other')
      .function('no shebang name=third')
    expect((await inventoryOf(file.end())).functions).toEqual([
      {name: 'first', engine: 'lua', bytes: 25},
      {name: 'second', engine: 'js', bytes: 31},
      {name: 'third', engine: '', bytes: 21},
    ])
  })

  it('counts what was read before a failure, and knows no checksum then', async () => {
    const whole = fileOf([{db: 0, key: 'a', form: 'string', expireAtMs: undefined}])
    const reader = await RdbReader.open(whole.subarray(0, whole.length - 9))
    const visitor = new InventoryVisitor({top: 5, nowMs: NOW_MS})
    await expect(reader.run(visitor)).rejects.toMatchObject({code: 'TRUNCATED'})
    expect(visitor.result(reader.header!, reader.offset, reader.end)).toMatchObject({keys: 1, checksum: undefined})
  })
})
