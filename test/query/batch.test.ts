/** Rows as the engine has them in memory: what is put in comes out of it. */
import fc from 'fast-check'
import {afterAll, beforeAll, describe, expect, it} from 'vitest'
import {BATCH_ROWS, type BatchData, BatchWriter} from '../../src/query/batch.js'
import {type KeyColumn, TABLES, type TableName} from '../../src/query/columns.js'
import {type RowScan, SqlEngine} from '../../src/query/engine.js'

/** Columns of the table of keys that rows are put into, and the batches that come of them. */
let batches: BatchData[] = []
let asked: {table: TableName; columns: readonly string[]}[] = []
let fill: (columns: readonly string[]) => void = () => {}
let engine: SqlEngine

beforeAll(async () => {
  const open = (table: TableName, columns: readonly string[]): RowScan => {
    asked.push({table, columns})
    batches = []
    fill(columns)
    return {next: () => batches.shift(), giveBack: () => {}, close: () => {}}
  }
  engine = await SqlEngine.open(open, {memoryBytes: 256 * 1024 * 1024, scratch: '/nonexistent'})
})

afterAll(() => engine.close())

function writerOf(columns: readonly string[]): BatchWriter<KeyColumn> {
  const wanted = columns.map(name => TABLES.keys.find(column => column.name === name)!)
  return new BatchWriter<KeyColumn>(wanted, batch => {
    batches.push(batch)
    return undefined
  })
}

async function ask(sql: string): Promise<unknown[][]> {
  const rows = await engine.rows(sql)
  const all: unknown[][] = []
  for await (const chunk of rows.chunks()) all.push(...chunk)
  return all
}

describe('what a statement touches', () => {
  it.each([
    ['SELECT count(*) FROM keys', 1],
    ['SELECT prefix1, sum(memory_bytes) FROM keys GROUP BY 1', ['prefix1_bytes', 'memory_bytes']],
    ['SELECT elements, type FROM keys', ['elements', 'type']],
    ['SELECT key FROM keys WHERE db = 3', ['key_bytes', 'db']],
  ] as const)('%s', async (sql, columns) => {
    asked = []
    fill = () => {}
    await ask(sql)
    expect(asked).toHaveLength(1)
    if (typeof columns === 'number') expect(asked[0]!.columns.length).toBeLessThanOrEqual(columns)
    else expect([...asked[0]!.columns].sort()).toEqual([...columns].sort())
  })
})

describe('columns', () => {
  it('have every text and number that was put into them, NULLs too, over many batches', async () => {
    const bytes = fc.oneof(fc.uint8Array({maxLength: 40}), fc.uint8Array({minLength: 11, maxLength: 14}))
    const row = fc.record({
      key: fc.option(bytes, {nil: undefined}),
      elements: fc.option(fc.maxSafeInteger(), {nil: undefined}),
      db: fc.integer(),
    })
    const property = fc.asyncProperty(
      fc.array(row, {minLength: 1, maxLength: 50}),
      fc.integer({min: 1, max: 900}),
      async (rows, times) => {
        const all = Array.from({length: times}, () => rows).flat()
        fill = columns => {
          const writer = writerOf(columns)
          const {key_bytes, elements, db} = writer.columns
          for (const {key, elements: count, db: number} of all) {
            if (key === undefined) key_bytes?.putNull(writer.row)
            else key_bytes?.putBytes(writer.row, key, 0, key.length)
            if (count === undefined) elements?.putNull(writer.row)
            else elements?.putBigint(writer.row, count)
            db?.putInteger(writer.row, number)
            writer.endRow()
          }
          writer.flush()
        }
        const found = await ask('SELECT key_bytes, elements, db FROM keys')
        expect(found).toHaveLength(all.length)
        const hex = (one: unknown): unknown => (one instanceof Uint8Array ? Buffer.from(one).toString('hex') : one)
        const wrong = all.findIndex(({key, elements, db}, at) => {
          const [a, b, c] = found[at]!
          return hex(a) !== hex(key ?? null) || b !== (elements ?? null) || c !== db
        })
        expect(wrong).toBe(-1)
        if (all.length > BATCH_ROWS) expect(batches).toEqual([])
      },
    )
    await fc.assert(property, {numRuns: 30})
  })

  it.each([
    [0, '1970-01-01 00:00:00'],
    [1_700_000_000_123, '2023-11-14 22:13:20.123'],
    [-1, '1969-12-31 23:59:59.999'],
    [9_007_199_254_741, '2255-06-05 23:47:34.741'],
    [9_007_199_254_741 * 1000, '287396-10-12 08:59:01'],
    [2 ** 63 - 1, 'infinity'],
    [-(2 ** 62), '-infinity'],
  ])('%d milliseconds are %s', async (ms, text) => {
    fill = columns => {
      const writer = writerOf(columns)
      writer.columns.expire_at?.putTimestamp(writer.row, ms)
      writer.endRow()
      writer.flush()
    }
    expect(await ask('SELECT expire_at::VARCHAR FROM keys')).toEqual([[text]])
  })
})
