/** Logs that are read up to a moment, a place or a command, and without a command. */
import {rmSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import type {Problem} from '../../src/index.js'
import {Glob} from '../../src/keyspace/glob.js'
import {ElementVisitor} from '../../src/rdb/elements.js'
import {CommandMark} from '../../src/replay/command-mark.js'
import type {PointInTimeOptions} from '../../src/replay/point-in-time.js'
import type {AofSource, Replayed} from '../../src/source/aof.js'
import {openEntries} from '../../src/source/open.js'
import {hex, str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {at, frame, sets, writeLog} from '../start/log.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
let made = 0

const BASE = 'a.1.base.rdb'
const FIRST = 'a.1.incr.aof'
const SECOND = 'a.2.incr.aof'
const T0 = 1_700_000_000

/** A snapshot written at a second, with one key. */
function snapshot(unixSeconds: number, mark = 'aof-base'): Buffer {
  const file = new RdbFile('REDIS', 10)
    .op(0xfa, str('ctime'), str(String(unixSeconds)))
    .op(0xfa, str(mark), hex(0xc0, 1))
  return file.db(0).key(0, 'base', text('v')).end()
}

/** Two files of commands behind a snapshot: a second apart, a transaction in the first, a FLUSHALL in the second. */
const FILES = {
  [BASE]: snapshot(T0),
  [FIRST]:
    at(T0 + 1) + sets('one') + frame('MULTI') + sets('two', 'three') + frame('EXEC') + at(T0 + 2) + frame('DEL', 'one'),
  [SECOND]: at(T0 + 3) + sets('four') + at(T0 + 4) + frame('FLUSHALL') + sets('five') + at(T0 + 5) + sets('six'),
}
const offsetIn = (file: keyof typeof FILES, what: string): number => String(FILES[file]).indexOf(what)

interface Read {
  keys: string
  problems: Problem[]
  replayed: Replayed
}

async function read(path: string, pointInTime: PointInTimeOptions): Promise<Read> {
  const source = (await openEntries(path, {pointInTime})) as AofSource
  const keys: string[] = []
  const problems: Problem[] = []
  try {
    await source.run({
      entry: entry => {
        keys.push(Buffer.from(entry.key()).toString())
        return new ElementVisitor()
      },
      problem: problem => problems.push(problem),
    })
  } finally {
    await source.close()
  }
  return {keys: keys.sort().join(' '), problems, replayed: source.replayed!}
}

const log = (files: Record<string, string | Uint8Array> = FILES): string =>
  writeLog(join(folder.path, `log-${made++}`), files)
const single = (content: string | Uint8Array): string => folder.write(`single-${made++}.aof`, content)
const mark = (name: string, keys?: string): CommandMark =>
  CommandMark.parse(name, keys === undefined ? undefined : Glob.parse(keys))

describe('a log up to a moment', () => {
  it.each([
    [T0, 'base'],
    [T0 + 1, 'base one three two'],
    [T0 + 2, 'base three two'],
    [T0 + 2.999, 'base three two'],
    [T0 + 3, 'base four three two'],
    [T0 + 4, 'five'],
    [T0 + 5, 'five six'],
    [T0 + 999, 'five six'],
  ])('of second %d holds %s', async (seconds, keys) => {
    expect((await read(log(), {untilMs: seconds * 1000})).keys).toBe(keys)
  })

  it('tells where it ends, and how much is left out', async () => {
    const {problems, replayed} = await read(log(), {untilMs: (T0 + 1) * 1000})
    const offset = offsetIn(FIRST, `#TS:${T0 + 2}`)
    const leftOut = FILES[FIRST].length - offset + FILES[SECOND].length
    expect(problems).toMatchObject([{code: 'LOG_CUT', severity: 'warning', file: FIRST, offset, bytesLost: leftOut}])
    expect(replayed).toMatchObject({cut: {file: FIRST, offset, leftOut}, lastTimestamp: T0 + 1, commands: 5})
  })

  it('does not go back before its snapshot was written, or its first command', async () => {
    await expect(read(log(), {untilMs: (T0 - 1) * 1000})).rejects.toThrow(
      'the snapshot that the log begins with was written at 2023-11-14T22:13:20Z, which is later than 2023-11-14T22:13:19Z',
    )
    await expect(read(single(at(T0) + sets('a')), {untilMs: (T0 - 1) * 1000})).rejects.toThrow(
      'the first time in it is 2023',
    )
  })

  it('does not go back to where nothing is known to be as old', async () => {
    const untimed = writeLog(join(folder.path, `log-${made++}`), {
      'a.1.base.aof': sets('x'),
      [FIRST]: sets('a') + at(T0) + sets('b'),
    })
    for (const path of [untimed, single(frame('SELECT', '0') + at(T0) + sets('a'))]) {
      await expect(read(path, {untilMs: (T0 - 1) * 1000})).rejects.toThrow('nothing in the log is known to be as old')
    }
    expect((await read(untimed, {untilMs: T0 * 1000})).keys).toBe('a b x')
    // A snapshot says when it was written.
    const mixed = single(Buffer.concat([snapshot(T0, 'aof-preamble'), Buffer.from(at(T0 + 9) + sets('a'))]))
    expect((await read(mixed, {untilMs: (T0 + 5) * 1000})).keys).toBe('base')
  })

  it('must say when it was written', async () => {
    await expect(read(single(sets('a')), {untilMs: T0 * 1000})).rejects.toThrow('nothing in the log says when')
  })

  it('is no other source', async () => {
    const rdb = folder.write('snapshot.rdb', snapshot(T0))
    await expect(openEntries(rdb, {pointInTime: {untilMs: 0}})).rejects.toThrow('only of a log can a part be taken')
    await expect(openEntries(single(sets('a')), {onlyCreates: true, pointInTime: {untilMs: 0}})).rejects.toThrow(
      'only of a log can a part be taken',
    )
  })
})

describe('a log up to an offset', () => {
  it('holds the commands that end before it; a transaction whole or not at all', async () => {
    const multi = offsetIn(FIRST, frame('MULTI'))
    const exec = offsetIn(FIRST, frame('EXEC')) + frame('EXEC').length
    const until = async (offset: number): Promise<string> =>
      (await read(log(), {untilOffset: {file: FIRST, offset}})).keys
    for (let offset = 0; offset <= FILES[FIRST].length; offset++) {
      const one = offset >= offsetIn(FIRST, sets('one')) + sets('one').length
      const deleted = offset === FILES[FIRST].length
      const expected = ['base', ...(one && !deleted ? ['one'] : []), ...(offset >= exec ? ['three', 'two'] : [])]
      expect(await until(offset), `offset ${offset}`).toBe(expected.join(' '))
    }
    const {replayed} = await read(log(), {untilOffset: {file: FIRST, offset: exec - 1}})
    expect(replayed.cut).toMatchObject({file: FIRST, offset: multi})
  })

  it('is one of the last file, where none is named', async () => {
    expect((await read(log(), {untilOffset: {offset: offsetIn(SECOND, frame('FLUSHALL'))}})).keys).toBe(
      'base four three two',
    )
  })

  it('is one of the file whose name ends so', async () => {
    const offset = offsetIn(FIRST, frame('MULTI'))
    expect((await read(log(), {untilOffset: {file: '1.incr.aof', offset}})).keys).toBe('base one')
    await expect(read(log(), {untilOffset: {file: 'aof', offset}})).rejects.toThrow('the log has no file aof')
  })

  it('takes no later file along, though the file ends there', async () => {
    const whole = {file: FIRST, offset: FILES[FIRST].length}
    const {keys, replayed} = await read(log(), {untilOffset: whole})
    expect(keys).toBe('base three two')
    expect(replayed.cut).toEqual({...whole, leftOut: FILES[SECOND].length})
  })

  it('is refused in a snapshot, behind the end of the file, and in a file that is not there', async () => {
    const refused = (file: string, offset: number): Promise<Read> => read(log(), {untilOffset: {file, offset}})
    await expect(refused(BASE, 20)).rejects.toThrow(`the offset 20 lies in the snapshot that ${BASE} begins with`)
    await expect(refused(FIRST, 9999)).rejects.toThrow(`${FIRST} has ${FILES[FIRST].length} bytes`)
    await expect(refused('b', 0)).rejects.toThrow(`the log has no file b: its files are ${BASE}, ${FIRST}, ${SECOND}`)
  })

  it('needs nothing that lies behind it: not whole, and not even there', async () => {
    const files = {...FILES, [FIRST]: `${FILES[FIRST]}\0\0\0`, [SECOND]: 'nothing of a log'}
    const whole = {file: FIRST, offset: FILES[FIRST].length}
    const path = log(files)
    rmSync(join(path, SECOND))
    const {keys, replayed} = await read(path, {untilOffset: whole})
    expect([keys, replayed.cut]).toEqual(['base three two', {...whole, leftOut: 3}])
    await expect(read(path, {untilOffset: {file: FIRST, offset: whole.offset + 1}})).rejects.toThrow('begins with *')
  })

  it('of a compressed file does not know how much it leaves out', async () => {
    const path = single(gzipSync(sets('a', 'b') + 'x'.repeat(1_000_000)))
    const {keys, replayed} = await read(path, {untilOffset: {offset: sets('a').length}})
    expect([keys, replayed.cut?.leftOut]).toEqual(['a', undefined])
  })

  it('keeps what a damaged file behind it holds out of the way', async () => {
    const files = {...FILES, [SECOND]: 'nothing of a log'}
    expect((await read(log(files), {untilOffset: {file: FIRST, offset: FILES[FIRST].length}})).keys).toBe(
      'base three two',
    )
  })
})

describe('a log up to a command', () => {
  it.each([
    ['flushall', undefined, 'base four three two'],
    ['DEL', undefined, 'base one three two'],
    ['SET:first', undefined, 'base'],
    ['set:2', undefined, 'base one'],
    ['SET:3', undefined, 'base one'],
    ['SET:4', undefined, 'base three two'],
    ['SET:last', undefined, 'five'],
    ['SET', 'f?ve', ''],
    ['SET:last', 't*', 'base one'],
    ['EXEC', undefined, 'base one'],
  ])('%s, of keys %s, holds %j', async (name, keys, expected) => {
    expect((await read(log(), {beforeCommand: mark(name, keys)})).keys).toBe(expected)
  })

  it('is found before damage, and counts where it is applied', async () => {
    const damaged = single(`${sets('a')}${frame('FLUSHALL')}${sets('b')}\0\0`)
    for (const name of ['FLUSHALL', 'FLUSHALL:first', 'FLUSHALL:last', 'FLUSHALL:1']) {
      expect((await read(damaged, {beforeCommand: mark(name)})).keys).toBe('a')
    }
    await expect(read(damaged, {dropCommands: [mark('FLUSHALL')]})).rejects.toThrow('begins with *')
    // The second is in a transaction that is never completed.
    const unfinished = single(`${sets('x')}${frame('FLUSHALL')}${sets('y')}${frame('MULTI')}${frame('FLUSHALL')}`)
    expect((await read(unfinished, {dropCommands: [mark('FLUSHALL:last')]})).keys).toBe('x y')
    expect((await read(unfinished, {dropCommands: [mark('FLUSHALL')]})).keys).toBe('x y')
  })

  it('finds any key of the command', async () => {
    const path = single(sets('a', 'b') + frame('DEL', 'a', 'b') + frame('RENAME', 'a', 'c'))
    expect((await read(path, {beforeCommand: mark('DEL', 'b')})).keys).toBe('a b')
  })

  it('that is there several times must be told apart, and the places are told', async () => {
    const told = await read(log(), {beforeCommand: mark('SET')}).catch((error: Error) => error.message)
    expect(told).toContain('the log has 6 commands SET: say which')
    expect(told).toContain(`SET:1 at ${FIRST}:${offsetIn(FIRST, sets('one'))}, 2023-11-14T22:13:21Z`)
    expect(told).toContain('... and 1 more')
  })

  it('that is not there is refused', async () => {
    await expect(read(log(), {beforeCommand: mark('FLUSHDB')})).rejects.toThrow(
      'there is no command FLUSHDB in the log',
    )
    await expect(read(log(), {beforeCommand: mark('SET:7')})).rejects.toThrow('there is no SET:7 in the log: it has 6')
    await expect(read(log(), {beforeCommand: mark('SET', 'x')})).rejects.toThrow('no command SET about such a key')
    await expect(read(log(), {beforeCommand: mark('SET:all')})).rejects.toThrow('say which')
  })
})

describe('a log without a command', () => {
  it('goes on behind it', async () => {
    const {keys, replayed} = await read(log(), {dropCommands: [mark('FLUSHALL')]})
    expect(keys).toBe('base five four six three two')
    expect(replayed).toMatchObject({dropped: 1, cut: undefined})
  })

  it('may be without all of a name, one of them, or some in a transaction', async () => {
    expect((await read(log(), {dropCommands: [mark('SET:all')]})).keys).toBe('')
    expect((await read(log(), {dropCommands: [mark('SET:last'), mark('FLUSHALL')]})).keys).toBe(
      'base five four three two',
    )
    expect((await read(log(), {dropCommands: [mark('SET', 'two'), mark('FLUSHALL')]})).keys).toBe(
      'base five four six three',
    )
  })

  it('ends earlier too', async () => {
    const both = {dropCommands: [mark('DEL')], beforeCommand: mark('FLUSHALL')}
    expect((await read(log(), both)).keys).toBe('base four one three two')
  })

  it('cannot be without what others need', async () => {
    await expect(read(log(), {dropCommands: [mark('MULTI')]})).rejects.toThrow('MULTI cannot be left out')
  })
})

describe('a command that is named', () => {
  it.each(['', 'SET:', 'SET:0', 'SET:x', 'A B', ':last'])('is not %j', name => {
    expect(() => mark(name)).toThrow('names no command')
  })
})
