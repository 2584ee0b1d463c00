/** Tables: what is written reads back, what people write is read, and what is wrong with a row is told. */
import {describe, expect, it} from 'vitest'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {CsvReader} from '../../src/csv/reader.js'
import {CsvWriter} from '../../src/csv/writer.js'
import {type EntrySource, MemorySource, RdbReader, SKIP, ValueVisitor} from '../../src/index.js'
import {hex, str} from '../fixtures/builder.js'
import {distinct, type GoldenEntry, REFUSED} from '../reading/fixtures.js'
import {readGolden, readGoldenOf} from '../reading/golden.js'
import {withLimits} from '../reading/pieces.js'

async function csvOf(source: EntrySource, safe = false): Promise<{text: Uint8Array; losses: string[]}> {
  const target = new MemoryTarget()
  const writer = new CsvWriter(new ByteOutput(target), safe)
  await source.run(writer)
  writer.finish()
  return {text: target.view(), losses: writer.losses.map(({what}) => what)}
}

const rdb = (bytes: Uint8Array, window = 1e6): RdbReader =>
  new RdbReader(new MemorySource(bytes, window), {ignoreChecksum: true})

/** What a table has no column for. */
const comparable = (entries: readonly GoldenEntry[]): unknown[] =>
  entries.map(({rdbType: _, keyMeta: __, insertIndex: ___, ...entry}) => entry)

describe.each(distinct.filter(({name}) => name !== REFUSED).map(one => [one.name, one] as const))(
  '%s',
  (name, {bytes}) => {
    it('as a table reads back to what it was, in any window', async () => {
      const {golden} = await readGolden(new MemorySource(bytes), 'elements')
      const {text, losses} = await csvOf(rdb(bytes))
      expect(Buffer.compare((await csvOf(rdb(bytes, 7))).text, text)).toBe(0)
      for (const window of text.length > 2000 ? [1e6, 4096] : [1e6, 1, 7]) {
        const read = await readGoldenOf(new CsvReader(new MemorySource(text, window)))
        expect(comparable(read.golden.entries), `windows of ${window}`).toEqual(comparable(golden.entries))
        if (!name.includes('release-candidate')) expect(read.golden.functions).toEqual(golden.functions)
      }
      expect(losses.length > 0).toBe(/key-meta|array-|module-aux|slot-import/.test(name))
    })
  },
)

const table = (text: string, window = 1e6): CsvReader => new CsvReader(new MemorySource(Buffer.from(text), window))
const entriesOf = async (text: string): Promise<GoldenEntry[]> => (await readGoldenOf(table(text))).golden.entries

const file = (...records: Buffer[]): Uint8Array =>
  new Uint8Array(hex(Buffer.from('REDIS0009'), ...records, 0xff, Buffer.alloc(8)))
const string = (key: string, value: string | Buffer): Buffer => hex(0, str(key), str(value))

describe('the rows', () => {
  it('are these', async () => {
    const bytes = file(string('a', 'x "y", z'), string('b', hex(0xff)), hex(1, str('l'), 2, str('1'), str('"')))
    expect(Buffer.from((await csvOf(rdb(bytes))).text).toString()).toBe(
      `${[
        'db,key,type,count,expireAtMs,idleSeconds,frequency,base64,value',
        '0,"a",string,8,,,,,"x ""y"", z"',
        '0,"b",string,1,,,,value,"/w=="',
        '0,"l",list,,,,,,"[""1"",""\\""""]"',
      ].join('\n')}\n`,
    )
  })

  it('of an empty file are the names of the columns', async () => {
    const {text} = await csvOf(rdb(file()))
    expect(Buffer.from(text).toString()).toBe('db,key,type,count,expireAtMs,idleSeconds,frequency,base64,value\n')
    expect(await entriesOf(Buffer.from(text).toString())).toEqual([])
  })

  it('are safe in a spreadsheet where that is wanted', async () => {
    const bytes = file(...['=1+1', '+1', '-1', '@x', '\tx', '\rx', 'x=1'].map(one => string(one, one)))
    const lines = Buffer.from((await csvOf(rdb(bytes), true)).text)
      .toString()
      .split('\n')
    for (const line of lines.slice(1, 7)) expect(line).toMatch(/^0,"'[=+\-@\t\r].*,"'[=+\-@\t\r]/)
    expect(lines[7]).toBe('0,"x=1",string,3,,,,,"x=1"')
    expect(Buffer.from((await csvOf(rdb(bytes))).text).toString()).toContain('0,"=1+1",string,4,,,,,"=1+1"')
  })

  it('hold a string longer than may be held as base64', async () => {
    const bytes = file(string('a', 'text '.repeat(2000)))
    const {text} = await withLimits({jsonTextBytesMax: 1000}, () => csvOf(rdb(bytes, 100)))
    expect(Buffer.from(text).toString()).toContain(',value,"dGV4dCB0')
    const read = await readGoldenOf(new CsvReader(new MemorySource(text, 1000)))
    expect(read.golden.entries).toHaveLength(1)
    expect(read.golden.entries[0]?.count).toBe(10_000)
  })
})

describe('what people write', () => {
  it('has few columns, in any order, CR LF, and lines that are empty', async () => {
    const entries = await entriesOf('\ufeffKey, value\r\na,1\r\n"b ""q""","line\r\nbreak"\r\n\r\n')
    expect(entries).toEqual([
      {db: 0, key: 'a', type: 'string', rdbType: -1, count: 1, value: '1'},
      {db: 0, key: 'b "q"', type: 'string', rdbType: -1, count: 11, value: 'line\r\nbreak'},
    ])
  })

  it('has types, databases and expiries', async () => {
    const entries = await entriesOf(
      'value,type,key,expireAtMs,db\n"[""x"",""y""]",set,s,4102444800000,2\n"[[""m"",1.5]]",ZSET,z,,0\n',
    )
    expect(entries).toMatchObject([
      {db: 0, key: 'z', type: 'zset', value: [['m', 1.5]]},
      {db: 2, key: 's', type: 'set', value: ['x', 'y'], expireAtMs: 4102444800000},
    ])
  })

  const WRONG: readonly [title: string, text: string, message: RegExp][] = [
    ['a column nobody knows', 'key,value,colour\n', /"colour": those there can be are db, key/],
    ['a column twice', 'key,key,value\n', /two columns are called key/],
    ['no values', 'key,type\n', /no column is called value \(row 1\)/],
    ['a cell too few', 'key,value\na,1\nb\n', /this row has 1 cells, the first has 2 \(row 3\)/],
    ['a cell too many', 'key,value\na,1,2\n', /this row has 3 cells/],
    ['a type nobody knows', 'key,type,value\na,tree,1\n', /a type is one of .*, not "tree" \(row 2\)/],
    ['a value that is no JSON', 'key,type,value\na,list,x\n', /the value of the list is not as it should be/],
    ['a value that goes on', 'key,type,value\na,list,[] []\n', /the cell does not/],
    ['a time that is none', 'key,value,expireAtMs\na,1,tomorrow\n', /expireAtMs is no integer/],
    ['a database below 0', 'key,value,db\na,1,-1\n', /db cannot be -1/],
    ['a count that is wrong', 'key,value,count\na,xy,3\n', /count says 3, but the value has 2/],
    ['base64 that is none', 'key,value,base64\na,?,value\n', /value is no base64/],
    ['a quote that does not end', 'key,value\na,"x\n', /within a quoted cell/],
    ['text behind a quote', 'key,value\na,"x"y\n', /a comma should stand behind/],
  ]

  it.each(WRONG)('%s is refused', async (_, text, message) => {
    const places = new Set<string>()
    for (const window of [1e6, 1, 7]) {
      const error = await table(text, window)
        .run({entry: () => SKIP})
        .catch(one => one)
      const checked = message.source.startsWith('the ')
        ? await table(text, window)
            .run({entry: () => EVERYTHING})
            .catch(one => one)
        : error
      expect(checked).toMatchObject({name: 'FormatError', code: text.includes('"x\n') ? 'TRUNCATED' : 'BAD_TABLE'})
      expect(checked.message).toMatch(message)
      places.add(`${checked.offset}`)
    }
    expect(places.size).toBe(1)
  })
})

const EVERYTHING = new (class extends ValueVisitor {
  override readonly depth = 'elements'
})()
