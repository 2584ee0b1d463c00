/** A log that is followed: as it grows, through rewrites, and to its ends. What servers do is in test/server/aof-log.test.ts. */
import {appendFileSync, mkdtempSync, renameSync, truncateSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {type AofLog, showLog} from '../../src/jobs/aof-log.js'
import {formatFailure} from '../../src/report/failure.js'
import {temporaryFolder} from '../start/folder.js'
import {at, frame, writeLog} from '../start/log.js'
import {fileOf} from '../start/rdb.js'
import {Shown} from './shown-log.js'

const folder = temporaryFolder()
const bytesOf = (...pieces: string[]): Buffer => Buffer.from(pieces.join(''))
const newFolder = (): string => mkdtempSync(join(folder.path, 'log-'))
let made = 0
const fileWith = (...text: string[]): string => folder.write(`log-${made++}.aof`, bytesOf(...text))

describe('a log that is followed', () => {
  const SET = (key: string): string => frame('SET', key, '1')

  async function follow(path: string, steps: ((shown: Shown) => void)[]): Promise<Shown & AofLog> {
    const ended = new AbortController()
    const shown = new Shown()
    const result = showLog(path, shown.options({follow: true, signal: ended.signal}))
    for (const step of steps) {
      await paused(shown)
      step(shown)
    }
    await Promise.race([paused(shown), result])
    ended.abort()
    return Object.assign(shown, await result)
  }

  /** Until all has been read that was there when we began to wait. */
  async function paused(shown: Shown): Promise<void> {
    const enough = shown.pauses + 2
    while (shown.pauses < enough) await sleep(10)
  }

  it('is shown as it grows, in whatever pieces', async () => {
    const path = fileWith(SET('a'))
    const next = bytesOf(SET('b'), SET('c'))
    const {texts, failure, problems} = await follow(path, [
      shown => expect(shown.texts).toEqual(['SET a 1']),
      () => appendFileSync(path, next.subarray(0, 7)),
      shown => expect(shown.texts).toEqual(['SET a 1']),
      () => appendFileSync(path, next.subarray(7, next.length - 1)),
      shown => expect(shown.texts).toEqual(['SET a 1', 'SET b 1']),
      () => appendFileSync(path, next.subarray(next.length - 1)),
    ])
    expect({texts, failure, problems}).toEqual({
      ...{texts: ['SET a 1', 'SET b 1', 'SET c 1'], failure: undefined, problems: []},
    })
  })

  it('shows a snapshot as soon as it is whole', async () => {
    const snapshot = fileOf(['a'])
    const path = folder.write('snapshot.aof', snapshot.subarray(0, 20))
    const {snapshots, texts} = await follow(path, [
      shown => expect(shown.snapshots).toEqual([]),
      () => appendFileSync(path, snapshot.subarray(20)),
      shown => expect(shown.snapshots).toMatchObject([{keys: 1, bytes: snapshot.length}]),
      () => appendFileSync(path, bytesOf(SET('b'))),
    ])
    expect({snapshots: snapshots.length, texts}).toEqual({snapshots: 1, texts: ['SET b 1']})
  })

  it('ends where a damaged length takes in what follows', async () => {
    const path = fileWith(SET('a'), frame('SET', 'b', 'xyz').replace('$3\r\nxyz', '$9999999\r\nxyz'))
    const {failure, texts} = await follow(path, [
      () => appendFileSync(path, bytesOf(SET('c').slice(0, 9))),
      () => appendFileSync(path, bytesOf(SET('c').slice(9), SET('d'), SET('e'))),
    ])
    expect(texts).toEqual(['SET a 1'])
    expect(failure).toMatchObject({code: 'BAD_COMMAND', offset: SET('a').length})
  })

  it('may end anywhere', async () => {
    const path = fileWith(frame('MULTI'), SET('a'), SET('b').slice(0, 5))
    expect(await follow(path, [])).toMatchObject({failure: undefined, problems: [], texts: ['MULTI', 'SET a 1']})
    const snapshot = folder.write('half.aof', fileOf(['a']).subarray(0, 20))
    expect(await follow(snapshot, [])).toMatchObject({failure: undefined, problems: [], texts: [], snapshots: []})
  })

  it('ends with as many commands as are wanted', async () => {
    const path = fileWith(SET('a'))
    const shown = new Shown()
    const result = showLog(path, shown.options({follow: true, limit: 2}))
    await paused(shown)
    appendFileSync(path, bytesOf(SET('b'), SET('c')))
    expect(await result).toMatchObject({failure: undefined, shown: 2})
    expect(shown.texts).toEqual(['SET a 1', 'SET b 1'])
  })

  it('goes on in the files that a manifest names anew', async () => {
    const dir = newFolder()
    const path = writeLog(dir, {'a.1.base.rdb': fileOf(['k']), 'a.2.incr.aof': SET('a')})
    const manifest = join(dir, 'appendonly.aof.manifest')
    const rename = (...lines: string[]): void => {
      writeFileSync(join(dir, 'temp-appendonly.aof.manifest'), lines.map(line => `file ${line}\n`).join(''))
      renameSync(join(dir, 'temp-appendonly.aof.manifest'), manifest)
    }
    const {lines, failure, problems, snapshots} = await follow(path, [
      () => {
        // The beginning of a rewrite: what is still appended to the old file was so before the manifest changed.
        appendFileSync(join(dir, 'a.2.incr.aof'), bytesOf(SET('b')))
        writeFileSync(join(dir, 'a.3.incr.aof'), bytesOf(SET('c')))
        rename('a.1.base.rdb seq 1 type b', 'a.2.incr.aof seq 2 type i', 'a.3.incr.aof seq 3 type i')
      },
      () => {
        // Its end: another base, which says nothing new.
        writeFileSync(join(dir, 'a.2.base.rdb'), fileOf(['k', 'a', 'b']))
        rename('a.2.base.rdb seq 2 type b', 'a.2.incr.aof seq 2 type h', 'a.3.incr.aof seq 3 type i')
        appendFileSync(join(dir, 'a.3.incr.aof'), bytesOf(SET('d')))
      },
      () => {
        // A rewrite that was over before anybody looked.
        writeFileSync(join(dir, 'a.5.incr.aof'), bytesOf(SET('f')))
        rename('a.2.base.rdb seq 2 type b', 'a.5.incr.aof seq 5 type i')
      },
    ])
    expect(failure).toBeUndefined()
    expect(lines.map(({file, text}) => `${file} ${text}`)).toEqual([
      ...['a.2.incr.aof SET a 1', 'a.2.incr.aof SET b 1', 'a.3.incr.aof SET c 1', 'a.3.incr.aof SET d 1'],
      'a.5.incr.aof SET f 1',
    ])
    expect(snapshots).toHaveLength(1)
    expect(problems).toMatchObject([{code: 'LOG_GAP', file: 'a.5.incr.aof'}])
  })

  it('ends where the manifest is that of another log', async () => {
    const dir = newFolder()
    const path = writeLog(dir, {'a.1.incr.aof': SET('a')})
    const {failure} = await follow(path, [
      () => writeFileSync(join(dir, 'appendonly.aof.manifest'), 'file b.1.base.rdb seq 1 type b\n'),
    ])
    expect(failure).toMatchObject({code: 'BAD_MANIFEST'})
  })

  it('goes on in the file that takes its name', async () => {
    const path = fileWith(SET('a'))
    const {lines, failure, problems} = await follow(path, [
      () => {
        appendFileSync(path, bytesOf(SET('b')))
        renameSync(folder.write('rewritten', bytesOf(frame('SELECT', '3'), SET('b'), SET('c'))), path)
      },
      () => appendFileSync(path, bytesOf(SET('d'))),
    ])
    expect(failure).toBeUndefined()
    expect(lines.map(({db, text}) => [db, text])).toEqual([
      [0, 'SET a 1'],
      [0, 'SET b 1'],
      [3, 'SELECT 3'],
      [3, 'SET b 1'],
      [3, 'SET c 1'],
      [3, 'SET d 1'],
    ])
    expect(problems).toMatchObject([{code: 'LOG_REWRITTEN'}])
  })

  it('ends where it shrinks', async () => {
    const path = fileWith(SET('a'), SET('b'))
    const {texts, failure} = await follow(path, [() => truncateSync(path, 10)])
    expect(texts).toEqual(['SET a 1', 'SET b 1'])
    expect(failure).toMatchObject({code: 'TRUNCATED', offset: 10})
    expect((failure as Error).message).toContain('shrunk to 10 bytes')
  })

  it('ends where it was cut off and has grown beyond that before anybody looked', async () => {
    const path = fileWith(SET('a'), SET('b'))
    const {texts, failure} = await follow(path, [
      () => {
        truncateSync(path, SET('a').length)
        appendFileSync(path, bytesOf(SET('c'), SET('d')))
      },
    ])
    expect(texts).toEqual(['SET a 1', 'SET b 1'])
    const offset = SET('a').length + SET('b').indexOf('b\r\n')
    expect(failure).toMatchObject({code: 'TRUNCATED', offset})
    expect((failure as Error).message).toContain('written anew')
  })

  it('ends where its folder is moved away', async () => {
    const dir = newFolder()
    const path = writeLog(dir, {'a.1.incr.aof': SET('a')})
    const {failure} = await follow(path, [() => renameSync(dir, `${dir}-moved`)])
    expect(failure).toMatchObject({code: 'LOG_MOVED', path: join(dir, 'appendonly.aof.manifest')})
    expect(formatFailure(failure, path).join('\n')).toContain('next   begin again with the name of the folder')
  })

  it('ends at the first time behind the last that is wanted', async () => {
    const path = fileWith(at(100), SET('a'), at(90), SET('b'))
    const shown = new Shown()
    const result = showLog(path, shown.options({follow: true, untilMs: 100_000}))
    await paused(shown)
    appendFileSync(path, bytesOf(at(100), SET('c'), at(101), SET('d'), at(99), SET('e')))
    expect(await result).toMatchObject({failure: undefined, shown: 3})
    expect(shown.texts).toEqual(['SET a 1', 'SET b 1', 'SET c 1'])
  })

  it('must be a file that can grow', async () => {
    const packed = folder.write('packed.aof', Buffer.from('1f8b0800', 'hex'))
    const {failure} = await showLog(packed, new Shown().options({follow: true}))
    expect(failure).toMatchObject({name: 'UsageError', message: expect.stringContaining('compressed')})
  })
})
