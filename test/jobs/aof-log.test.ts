/** What is shown of a log: every command in its place, and which of them filters leave. */
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {FormatError} from '../../src/errors.js'
import {type AofLog, type AofLogOptions, showLog} from '../../src/jobs/aof-log.js'
import {unpackFolder} from '../fixtures/aof-folder.js'
import {temporaryFolder} from '../start/folder.js'
import {at, frame, writeLog} from '../start/log.js'
import {fileOf} from '../start/rdb.js'
import {Shown} from './shown-log.js'

const folder = temporaryFolder()
const bytesOf = (...pieces: string[]): Buffer => Buffer.from(pieces.join(''))
const newFolder = (): string => mkdtempSync(join(folder.path, 'log-'))

async function show(path: string, options: Partial<AofLogOptions> = {}): Promise<Shown & AofLog> {
  const shown = new Shown()
  const result = await showLog(path, shown.options(options))
  return Object.assign(shown, result)
}

let made = 0
const fileWith = (...text: string[]): string => folder.write(`log-${made++}.aof`, bytesOf(...text))

/** Of bytes that need not be text. */
function framed(args: readonly Buffer[]): Buffer {
  const pieces = args.flatMap(arg => [Buffer.from(`$${arg.length}\r\n`), arg, Buffer.from('\r\n')])
  return Buffer.concat([Buffer.from(`*${args.length}\r\n`), ...pieces])
}

const FIXTURES = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))

describe('logs that servers wrote', () => {
  it.each(readdirSync(FIXTURES))('%s is shown whole, byte for byte', async fixture => {
    const dir = newFolder()
    const {files} = JSON.parse(readFileSync(join(FIXTURES, fixture), 'utf8'))
    unpackFolder(files, dir)
    const inner = readdirSync(dir).includes('appendonlydir') ? 'appendonlydir' : 'appendonly.aof'
    const path = join(dir, inner)
    const {lines, snapshots, problems, failure, commands} = await show(path)
    expect({failure, problems, commands}).toEqual({failure: undefined, problems: [], commands: lines.length})
    const base = inner === 'appendonlydir' ? path : dir
    for (const name of new Set(lines.map(line => line.file))) {
      const bytes = readFileSync(join(base, name))
      // Commands and snapshots follow each other without a gap, but for times.
      let end = snapshots.find(one => one.file === name)?.bytes ?? 0
      for (const line of lines.filter(({file}) => file === name)) {
        expect(bytes.toString('latin1', end, line.offset)).toMatch(/^(#TS:\d+\r\n)?$/)
        expect(bytes.subarray(line.offset, line.endOffset)).toEqual(framed(line.args))
        end = line.endOffset
      }
      expect(end).toBe(bytes.length)
    }
  })
})

describe('a damaged length', () => {
  const SET = frame('SET', 'key', 'value')
  const long = SET.replace('$5\r\n', '$1900000000\r\n')

  it.each<[string, string[], number]>([
    ['that takes in what follows', [SET, long, ...Array(10).fill(SET)], SET.length],
    ['that takes in one command', [SET, long, SET], SET.length],
    ['within a transaction', [frame('MULTI'), SET, long, SET, frame('EXEC')], frame('MULTI').length + SET.length],
    ['of the first command', [long, SET, SET, SET, SET.slice(0, 20)], 0],
  ])('%s is no tear of a crash', async (_, log, offset) => {
    const {failure, problems} = await show(fileWith(...log))
    expect(failure).toMatchObject({code: 'BAD_COMMAND', offset})
    expect((failure as FormatError).message).toContain('whole commands begin again at byte ')
    expect(problems).toEqual([])
  })

  it('is told with its file, and behind a snapshot', async () => {
    const base = Buffer.concat([fileOf(['k']), bytesOf(SET, long, SET)])
    const {failure, snapshots} = await show(writeLog(newFolder(), {'a.1.base.aof': base, 'a.1.incr.aof': SET}))
    expect(failure).toMatchObject({code: 'BAD_COMMAND', offset: fileOf(['k']).length + SET.length})
    expect((failure as FormatError).place).toMatchObject({file: 'a.1.base.aof'})
    expect(snapshots).toHaveLength(1)
  })

  it.each<[string, string]>([
    ['a command', SET],
    ['a long one', frame('MSET', ...Array(2000).fill('word'))],
    [
      'a value that looks like framing',
      frame('SET', 'k', '*3\r\n$3\r\nfoo\r\n$1\r\n1\r\n*2\r\n$3\r\nGET\r\n'.repeat(3)),
    ],
  ])('is not what a crash leaves of %s', async (_, torn) => {
    for (const end of [1, 5, 9, Math.floor(torn.length / 2), torn.length - 1]) {
      const {failure, problems} = await show(fileWith(SET, frame('MULTI'), SET, torn.slice(0, end)))
      expect({failure, codes: problems.map(({code}) => code)}).toEqual({failure: undefined, codes: ['LOG_TORN']})
    }
  })
})

describe('a log that is rewritten meanwhile', () => {
  it('is shown as it was when it was opened', async () => {
    const path = writeLog(newFolder(), {
      ...{'a.1.base.rdb': fileOf(['k']), 'a.1.incr.aof': frame('SET', 'a', '1')},
      'a.2.incr.aof': gzipSync(frame('SET', 'b', '1')),
    })
    const shown = new Shown()
    const {show} = shown.options()
    const {failure} = await showLog(path, {
      show: (...args) => {
        for (const name of readdirSync(path)) rmSync(join(path, name))
        return show(...args)
      },
    })
    expect({failure, texts: shown.texts}).toEqual({failure: undefined, texts: ['SET a 1', 'SET b 1']})
    expect(shown.snapshots).toHaveLength(1)
  })
})

describe('a command', () => {
  it('has its place, time, database and transaction', async () => {
    const base = bytesOf(at(1000), frame('SELECT', '2'), frame('SET', 'a', '1'))
    const first = bytesOf(
      ...[frame('SET', 'b', '1'), frame('select', '5'), at(2000), frame('MULTI'), frame('INCR', 'n')],
      ...[frame('SELECT', '7'), frame('EXEC'), frame('DEL', 'a'), frame('SELECT', 'x')],
    )
    const path = writeLog(newFolder(), {
      'appendonly.aof.1.base.aof': base,
      'appendonly.aof.1.incr.aof': first,
      'appendonly.aof.2.incr.aof': frame('PING'),
    })
    const {lines} = await show(path)
    const told = lines.map(({file, db, seconds, inTransaction, text}) => [
      file.split('.').slice(2, 4).join('.'),
      ...[db, seconds, inTransaction, text],
    ])
    expect(told).toEqual([
      ['1.base', 2, 1000, false, 'SELECT 2'],
      ['1.base', 2, 1000, false, 'SET a 1'],
      // The database is 0 at the start of a file; the time goes on.
      ['1.incr', 0, 1000, false, 'SET b 1'],
      ['1.incr', 5, 1000, false, 'select 5'],
      ['1.incr', 5, 2000, true, 'MULTI'],
      ['1.incr', 5, 2000, true, 'INCR n'],
      ['1.incr', 7, 2000, true, 'SELECT 7'],
      ['1.incr', 7, 2000, true, 'EXEC'],
      ['1.incr', 7, 2000, false, 'DEL a'],
      ['1.incr', 7, 2000, false, 'SELECT x'],
      ['2.incr', 0, 2000, false, 'PING'],
    ])
    expect(lines[0]!.offset).toBe(at(1000).length)
    expect(lines[1]!.endOffset).toBe(base.length)
  })

  it('comes behind the snapshot that a file begins with', async () => {
    const snapshot = fileOf(['a', 'b'])
    const path = folder.write('preamble.aof', Buffer.concat([snapshot, bytesOf(frame('SET', 'c', '1'))]))
    const {lines, snapshots} = await show(path)
    expect(snapshots).toEqual([
      {
        ...{file: 'preamble.aof', bytes: snapshot.length, keys: 2, rdbVersion: 9},
        ...{product: 'unknown', serverVersion: undefined, seconds: undefined},
      },
    ])
    expect(lines).toMatchObject([{offset: snapshot.length, db: 0, text: 'SET c 1'}])
  })

  it('need not be known', async () => {
    const {texts} = await show(fileWith(frame('JSON.SET', 'a', '$', '1'), frame('0f343b0931', 'a', '1')))
    expect(texts).toEqual(['JSON.SET a $ 1', '0f343b0931 a 1'])
  })
})

describe('filters', () => {
  const path = fileWith(
    ...[frame('SELECT', '0'), frame('SET', 'user:1', 'x'), frame('set', 'user:2', 'y'), at(100)],
    ...[frame('DEL', 'other', 'user:2'), frame('RENAME', 'tmp', 'user:3'), frame('SELECT', '4')],
    ...[frame('FLUSHDB'), at(105), frame('SUNIONSTORE', 'dest', 'user:4'), frame('JSON.SET', 'user:5', '$', '1')],
    ...[frame('MULTI'), frame('SET', 'count', 'user:6'), frame('EXEC')],
  )

  it.each<[string, Partial<AofLogOptions>, string[]]>([
    ['a name', {commands: ['Set']}, ['SET user:1 x', 'set user:2 y', 'SET count user:6']],
    ['a subcommand', {commands: ['json.set  USER:5', 'multi x']}, ['JSON.SET user:5 $ 1']],
    ['several names', {commands: ['flushdb', 'multi']}, ['FLUSHDB', 'MULTI']],
    [
      'any of the keys',
      {match: ['user:*']},
      [
        ...['SET user:1 x', 'set user:2 y', 'DEL other user:2', 'RENAME tmp user:3', 'FLUSHDB'],
        ...['SUNIONSTORE dest user:4', 'JSON.SET user:5 $ 1'],
      ],
    ],
    [
      'keys but not others',
      {match: ['user:*'], notMatch: ['*:[12]', '$', '1']},
      ['RENAME tmp user:3', 'FLUSHDB', 'SUNIONSTORE dest user:4', 'JSON.SET user:5 $ 1'],
    ],
    [
      'all but keys',
      {notMatch: ['user:*', 'count', 'tmp'], commands: ['SET', 'RENAME', 'FLUSHDB', 'EXEC']},
      ['FLUSHDB', 'EXEC'],
    ],
    [
      'a database',
      {dbs: [4], commands: ['SELECT', 'FLUSHDB', 'SET', 'DEL']},
      ['SELECT 4', 'FLUSHDB', 'SET count user:6'],
    ],
    ['databases', {dbs: [0, 4], limit: 2}, ['SELECT 0', 'SET user:1 x']],
    [
      'a beginning',
      {sinceMs: 105_999},
      ['SUNIONSTORE dest user:4', 'JSON.SET user:5 $ 1', 'MULTI', 'SET count user:6', 'EXEC'],
    ],
    ['an end', {untilMs: 99_999}, ['SELECT 0', 'SET user:1 x', 'set user:2 y']],
    ['both', {sinceMs: 100_000, untilMs: 104_000, match: ['*']}, ['DEL other user:2', 'RENAME tmp user:3', 'FLUSHDB']],
    ['the first', {limit: 1}, ['SELECT 0']],
    ['nothing but what takes every key', {match: ['nobody']}, ['FLUSHDB']],
    ['nothing', {match: ['nobody'], commands: ['SET']}, []],
  ])('by %s', async (_, options, expected) => {
    const {texts, failure, problems, shown} = await show(path, options)
    expect(texts).toEqual(expected)
    expect({failure, problems, shown}).toEqual({failure: undefined, problems: [], shown: expected.length})
  })

  it('by key take what empties databases and swaps them', async () => {
    const path = fileWith(
      ...[frame('SET', 'a', '1'), frame('SWAPDB', '0', '3'), frame('PING'), frame('SELECT', '3')],
      ...[frame('flushdb', 'ASYNC'), frame('SET', 'b', '1'), frame('FLUSHALL')],
    )
    const {texts} = await show(path, {match: ['a']})
    expect(texts).toEqual(['SET a 1', 'SWAPDB 0 3', 'flushdb ASYNC', 'FLUSHALL'])
    const ofDatabase = await show(path, {match: ['a'], dbs: [0]})
    expect(ofDatabase.texts).toEqual(['SET a 1', 'SWAPDB 0 3', 'FLUSHALL'])
  })

  it('by database take what changes it from another', async () => {
    const path = fileWith(
      ...[frame('SELECT', '1'), frame('FLUSHALL'), frame('SWAPDB', '0', '3'), frame('SWAPDB', '0', '2')],
      ...[frame('MOVE', 'a', '3'), frame('MOVE', '3', '2'), frame('COPY', 'a', '3', 'DB', '2')],
      ...[frame('copy', 'a', 'b', 'REPLACE', 'db', '3'), frame('COPY', 'a', 'b'), frame('FLUSHDB')],
    )
    const {texts} = await show(path, {dbs: [3]})
    expect(texts).toEqual(['FLUSHALL', 'SWAPDB 0 3', 'MOVE a 3', 'copy a b REPLACE db 3'])
  })

  it('leave the snapshot out, which is no command', async () => {
    const path = folder.write('filtered.aof', Buffer.concat([fileOf(['a']), bytesOf(frame('DEL', 'a'))]))
    expect(await show(path, {match: ['a']})).toMatchObject({snapshots: [], texts: ['DEL a']})
    expect((await show(path)).snapshots).toHaveLength(1)
  })

  it('by time say where a log has none', async () => {
    const path = fileWith(frame('DEL', 'a'))
    const {texts, problems} = await show(path, {sinceMs: 0})
    expect(texts).toEqual([])
    expect(problems).toMatchObject([{code: 'LOG_WITHOUT_TIMES', severity: 'warning'}])
  })
})

describe('damage', () => {
  const SET = frame('SET', 'a', '1')

  it('is told with its place, behind all that lies before it', async () => {
    const path = writeLog(newFolder(), {'a.1.incr.aof': SET + SET, 'a.2.incr.aof': `${SET}\0\0\0\0`})
    const {texts, failure} = await show(path)
    expect(texts).toEqual(['SET a 1', 'SET a 1', 'SET a 1'])
    expect(failure).toBeInstanceOf(FormatError)
    expect(failure).toMatchObject({code: 'BAD_COMMAND', offset: SET.length, place: {file: 'a.2.incr.aof'}})
  })

  it('of a snapshot is told too', async () => {
    const snapshot = fileOf(['a'])
    snapshot[snapshot.length - 1]! ^= 1
    const path = folder.write('bad.aof', Buffer.concat([snapshot, bytesOf(SET)]))
    expect(await show(path)).toMatchObject({texts: [], failure: {code: 'BAD_CHECKSUM'}})
    const {texts, problems, failure} = await show(path, {ignoreChecksum: true})
    expect({texts, failure}).toEqual({texts: ['SET a 1'], failure: undefined})
    expect(problems).toMatchObject([{code: 'BAD_CHECKSUM'}])
  })

  it.each([
    ['a command', SET.slice(0, 9), 0],
    ['a transaction', frame('MULTI') + SET, 2],
    ['a line', '#TS:17', 0],
  ])('that a crash leaves within %s is a warning at the end', async (_, rest, more) => {
    const {texts, problems, failure} = await show(fileWith(SET, rest))
    expect({texts: texts.length, failure}).toEqual({texts: 1 + more, failure: undefined})
    expect(problems).toMatchObject([{code: 'LOG_TORN', offset: SET.length, bytesLost: rest.length}])
  })

  it('that a crash leaves is an error where another file follows', async () => {
    const path = writeLog(newFolder(), {'a.1.incr.aof': SET + SET.slice(0, 9), 'a.2.incr.aof': SET})
    const {texts, failure} = await show(path)
    expect(texts).toEqual(['SET a 1'])
    expect(failure).toMatchObject({code: 'TRUNCATED', offset: SET.length, place: {file: 'a.1.incr.aof'}})
  })

  it('ends between two commands where nobody wants more', async () => {
    const ended = new AbortController()
    const path = fileWith(SET.repeat(100_000))
    const shown = new Shown()
    const options = shown.options({signal: ended.signal})
    const result = await showLog(path, {
      ...options,
      show: (files, progress) => ({
        ...options.show(files, progress),
        command: () => ended.abort(),
      }),
    })
    expect(result.failure).toBeUndefined()
    expect(result.shown).toBeGreaterThan(0)
    expect(result.shown).toBeLessThan(100_000)
  })

  it('of what is no log is told', async () => {
    expect((await show(fileWith('{"db":0}'))).failure).toMatchObject({code: 'BAD_COMMAND', offset: 0})
    expect((await show(newFolder())).failure).toMatchObject({code: 'UNKNOWN_CONTAINER'})
    expect((await show(join(folder.path, 'missing'))).failure).toMatchObject({code: 'ENOENT'})
    expect((await show('redis://127.0.0.1:1')).failure).toMatchObject({name: 'UsageError'})
  })
})
