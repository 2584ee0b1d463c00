/** Logs as sources: what is told of one, where it may end, and where it may not. */
import {writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import type {Problem} from '../../src/index.js'
import {inspect} from '../../src/jobs/inspect.js'
import {ElementVisitor} from '../../src/rdb/elements.js'
import type {AofSource} from '../../src/source/aof.js'
import {type OpenOptions, openEntries} from '../../src/source/open.js'
import {hex, str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {frame, sets, writeLog} from '../start/log.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
let made = 0

function chainOf(files: Record<string, string | Uint8Array>, manifest?: string): string {
  return writeLog(join(folder.path, `chain-${made++}`), files, manifest)
}

async function read(
  name: string,
  options: OpenOptions = {},
): Promise<{keys: string[]; problems: Problem[]; source: AofSource}> {
  const source = (await openEntries(name, options)) as AofSource
  expect(source.format).toBe('aof')
  const keys: string[] = []
  const problems: Problem[] = []
  try {
    await source.run({
      entry: entry => {
        keys.push(`${entry.db}/${Buffer.from(entry.key()).toString()}`)
        return new ElementVisitor()
      },
      problem: problem => problems.push(problem),
    })
  } finally {
    await source.close()
  }
  return {keys, problems, source}
}

/** A snapshot that says of itself where it stands. */
function snapshotOf(mark: string, ...keys: string[]): Buffer {
  const file = new RdbFile('REDIS', 9).op(0xfa, str(mark), hex(0xc0, 1)).db(0)
  for (const key of keys) file.key(0, key, text('v'))
  return file.end()
}

const single = (content: string | Buffer): string => folder.write(`log-${made++}.aof`, Buffer.from(content as string))

describe('a log in one file', () => {
  it('holds what its commands leave, in the order of their making', async () => {
    const {keys, problems, source} = await read(
      single(frame('SELECT', '2') + sets('a', 'b') + frame('DEL', 'a') + sets('c', 'a')),
    )
    expect(keys).toEqual(['2/b', '2/c', '2/a'])
    expect(problems).toEqual([])
    expect(source.replayed).toEqual({
      ...{commands: 6, errors: 0, skipped: 0, dropped: 0},
      ...{cut: undefined, lastTimestamp: undefined},
    })
  })

  it('may begin with a snapshot, whose facts are shown', async () => {
    const rdb = snapshotOf('aof-preamble', 'from')
    const {inventory} = await inspect(single(Buffer.concat([rdb, Buffer.from(sets('later'))])), {
      top: 5,
      nowMs: 0,
    })
    expect(inventory).toMatchObject({format: 'aof', keys: 2, rdbVersion: 9})
    // They stand nowhere in the file: the biggest are those that take the most memory.
    expect(inventory!.biggest.every(({memoryBytes}) => memoryBytes > 0)).toBe(true)
  })
})

describe('where a log ends', () => {
  const whole = sets('a', 'b')
  const cases = [
    ['a command', whole + frame('SET', 'c', '1').slice(0, -3), ['0/a', '0/b'], 'the log ends within a command'],
    ['a transaction', whole + frame('MULTI') + sets('c'), ['0/a', '0/b'], 'the log ends within a transaction'],
    ['a command of a transaction', whole + frame('MULTI') + sets('c') + '*3\r\n$3', ['0/a', '0/b'], 'within a command'],
    ['a line', `${whole}#TS:17000`, ['0/a', '0/b'], 'within a line that begins with #'],
  ] as const

  it.each(cases)('within %s, what comes before is kept', async (_, log, kept, said) => {
    const {keys, problems} = await read(single(log))
    expect(keys).toEqual(kept)
    expect(problems).toMatchObject([
      {code: 'LOG_TORN', severity: 'warning', offset: whole.length, bytesLost: log.length - whole.length},
    ])
    expect(problems[0]!.text).toContain(said)
  })

  it('at any byte, it is kept up to the last whole command', async () => {
    const log = sets('a') + frame('SET', 'b', 'x\r\ny') + frame('MULTI') + sets('c', 'd') + frame('EXEC')
    for (let end = 1; end < log.length; end++) {
      const {keys, problems} = await read(single(log.slice(0, end)))
      const expected =
        end < sets('a').length
          ? 0
          : end < log.indexOf('*1\r\n')
            ? end >= sets('a').length + frame('SET', 'b', 'x\r\ny').length
              ? 2
              : 1
            : 2
      expect(keys.length, `cut at ${end}`).toBe(expected)
      const clean = [sets('a').length, log.indexOf('*1\r\n')].includes(end)
      expect(problems.length, `cut at ${end}`).toBe(clean ? 0 : 1)
    }
  })

  it('is an error in any file but the last, as it is for servers', async () => {
    const torn = chainOf({'a.1.incr.aof': whole + '*3\r\n', 'a.2.incr.aof': sets('c')})
    await expect(read(torn)).rejects.toMatchObject({
      ...{code: 'TRUNCATED', offset: whole.length},
      place: {file: 'a.1.incr.aof'},
    })
    const last = chainOf({'a.1.incr.aof': whole, 'a.2.incr.aof': sets('c') + '*3\r\n'})
    expect((await read(last)).problems).toMatchObject([{code: 'LOG_TORN', file: 'a.2.incr.aof'}])
  })

  it.each([
    ['NULs', '\0\0\0\0'],
    ['text', 'garbage\r\n'],
    ['no number', '*x\r\n'],
    ['a command of nothing', '*0\r\n'],
    ['a length below zero', '*1\r\n$-1\r\n\r\n'],
  ])('is no matter where there is damage: %s', async (_, damage) => {
    await expect(read(single(whole + damage + sets('c')))).rejects.toMatchObject({offset: expect.any(Number)})
    const failing = read(chainOf({'a.1.incr.aof': whole + damage}))
    await expect(failing).rejects.toMatchObject({name: 'FormatError', place: {file: 'a.1.incr.aof'}})
  })
})

describe('a log in several files', () => {
  it('begins every file at database 0, with no transaction', async () => {
    const path = chainOf({
      'a.1.incr.aof': frame('SELECT', '3') + sets('a'),
      'a.2.incr.aof': sets('b') + frame('EXEC') + sets('c'),
    })
    const {keys, problems} = await read(path)
    expect(keys).toEqual(['0/b', '0/c', '3/a'])
    expect(problems).toMatchObject([
      {code: 'COMMAND_FAILED', file: 'a.2.incr.aof', text: expect.stringContaining('EXEC without MULTI')},
    ])
  })

  it('may have a snapshot as its base, or nothing in it', async () => {
    const base = snapshotOf('aof-base', 'old', 'gone')
    expect(
      (await read(chainOf({'a.1.base.rdb': base, 'a.1.incr.aof': frame('DEL', 'gone') + sets('new')}))).keys,
    ).toEqual(['0/old', '0/new'])
    expect((await read(chainOf({'a.1.base.rdb': '', 'a.1.incr.aof': ''}))).keys).toEqual([])
  })

  it('tells of files beside it', async () => {
    const path = chainOf({'appendonly.aof.1.incr.aof': sets('a')})
    writeFileSync(join(path, 'appendonly.aof.9.incr.aof'), sets('b'))
    const {keys, problems} = await read(path)
    expect(keys).toEqual(['0/a'])
    expect(problems).toMatchObject([{code: 'STRAY_FILE', file: 'appendonly.aof.9.incr.aof'}])
  })
})

describe('commands that are not applied', () => {
  it('are told where a server would answer with an error; the first of many one by one', async () => {
    const {keys, problems, source} = await read(single(sets('a') + frame('LPUSH', 'a', 'x').repeat(50) + sets('b')))
    expect(keys).toEqual(['0/a', '0/b'])
    expect(source.replayed?.errors).toBe(50)
    expect(problems[0]).toMatchObject({
      code: 'COMMAND_FAILED',
      offset: sets('a').length,
      text: expect.stringContaining('WRONGTYPE'),
    })
    expect(problems.length).toBe(21)
    expect(problems.at(-1)!.text).toContain('30 more')
  })

  it('stop the reading where nobody knows what they do, or are left out', async () => {
    const log = sets('a') + frame('EVAL', 'return 1', '0') + sets('b')
    await expect(read(single(log))).rejects.toMatchObject({code: 'UNKNOWN_COMMAND', offset: sets('a').length})
    const {keys, problems} = await read(single(log), {skipUnsupported: true})
    expect(keys).toEqual(['0/a', '0/b'])
    expect(problems).toMatchObject([{code: 'COMMAND_SKIPPED', offset: sets('a').length}])
  })

  it('are told where their log does not say all of it', async () => {
    const log = sets('a') + frame('XADD', 'b', 'IDMPAUTO', 'p', '1-1', 'f', 'v')
    const {keys, problems} = await read(single(log))
    expect(keys).toEqual(['0/a', '0/b'])
    expect(problems).toMatchObject([{code: 'COMMAND_PARTLY', offset: sets('a').length}])
  })

  it('stop the reading where they have too few arguments, as servers do; or are told, where that is wanted', async () => {
    const log = sets('a') + frame('SET', 'b') + sets('c')
    await expect(read(single(log))).rejects.toMatchObject({code: 'BAD_COMMAND', offset: sets('a').length})
    const {keys, problems} = await read(single(log), {skipUnsupported: true})
    expect(keys).toEqual(['0/a', '0/c'])
    expect(problems).toMatchObject([
      {code: 'COMMAND_FAILED', text: expect.stringContaining('wrong number of arguments')},
    ])
  })

  it('are told with their file only where there are several', async () => {
    const failing = sets('a') + frame('LPUSH', 'a', '1')
    expect((await read(single(failing))).problems).toMatchObject([{code: 'COMMAND_FAILED', file: undefined}])
    const {problems} = await read(chainOf({'a.1.incr.aof': failing}))
    expect(problems).toMatchObject([{code: 'COMMAND_FAILED', file: 'a.1.incr.aof'}])
  })

  it('DISCARD ends no transaction: without EXEC none of it is applied, with one servers crash', async () => {
    const begun = sets('a') + frame('MULTI') + sets('b') + frame('DISCARD') + sets('c')
    const {keys, problems} = await read(single(begun))
    expect(keys).toEqual(['0/a'])
    expect(problems).toMatchObject([{code: 'LOG_TORN', offset: sets('a').length}])
    await expect(read(single(begun + frame('EXEC')))).rejects.toMatchObject({
      code: 'BAD_COMMAND',
      offset: begun.indexOf(frame('DISCARD')),
    })
  })

  it('are not those whose framing is loose: servers read it', async () => {
    const {keys, problems} = await read(single(`*3\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1xx${sets('b')}`))
    expect(keys).toEqual(['0/a', '0/b'])
    expect(problems.map(({code}) => code)).toEqual(['LOOSE_FRAMING', 'LOOSE_FRAMING'])
  })
})

describe('time', () => {
  it('is that of the last line before a command, else that which is given', async () => {
    const log = frame('SET', 'a', '1', 'EX', '10') + '#TS:1700000000\r\n' + frame('SET', 'b', '1', 'EX', '10')
    const source = await openEntries(single(log), {nowMs: 5000})
    const expiries: unknown[] = []
    await source.run({
      entry: ({expireAtMs}) => {
        expiries.push(expireAtMs)
        return new ElementVisitor()
      },
    })
    await source.close()
    expect(expiries).toEqual([15_000, 1_700_000_010_000])
  })
})
