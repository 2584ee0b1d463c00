/** Logs that are rewritten where they lie: what is there before, after, and beside, and what is refused. */
import {spawn} from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {type RewriteOptions, rewriteLog} from '../../src/jobs/rewrite-log.js'
import {frame, sets} from '../start/log.js'
import {BASE, fileLog, folderLog, INCR, keysOf, names, newFolder} from './logs.js'

describe('in its place', () => {
  it('a folder has new files with higher numbers, and a backup that is a log too', async () => {
    const log = folderLog()
    const {backup, out, files} = await rewriteLog(log, {inPlace: true})
    expect(out).toBe(log)
    expect(files).toEqual(['appendonly.aof.2.base.rdb', 'appendonly.aof.2.incr.aof', 'appendonly.aof.manifest'])
    expect(names(log)).toBe('appendonly.aof.2.base.rdb appendonly.aof.2.incr.aof appendonly.aof.manifest')
    expect(readFileSync(join(log, 'appendonly.aof.manifest'), 'utf8')).toBe(
      'file appendonly.aof.2.base.rdb seq 2 type b\nfile appendonly.aof.2.incr.aof seq 2 type i\n',
    )
    expect(backup).toMatch(/appendonlydir\.backup-\d{8}T\d{6}Z$/)
    expect(names(backup!)).toBe(`${BASE} ${INCR} appendonly.aof.manifest`)
    expect([await keysOf(log), await keysOf(backup!)]).toEqual(['base a b', 'base a b'])
  })

  it('again and again, and over files that a rewriting left which was cut short', async () => {
    const log = folderLog()
    const left = ['appendonly.aof.2.base.rdb', 'appendonly.aof.2.incr.aof', '.appendonly.aof.2.base.rdb.abc.tmp']
    for (const name of left) writeFileSync(join(log, name), 'of somebody')
    const first = await rewriteLog(log, {inPlace: true})
    expect(first.warnings.map(({code, file}) => `${code} ${file}`).sort()).toEqual(
      left.map(name => `STRAY_FILE ${name}`).sort(),
    )
    expect(first.files.slice(0, 2)).toEqual(['appendonly.aof.3.base.rdb', 'appendonly.aof.3.incr.aof'])
    const second = await rewriteLog(log, {inPlace: true})
    expect(second.files.slice(0, 2)).toEqual(['appendonly.aof.4.base.rdb', 'appendonly.aof.4.incr.aof'])
    expect(second.backup).not.toBe(first.backup)
    expect(readFileSync(join(log, 'appendonly.aof.2.base.rdb'), 'utf8')).toBe('of somebody')
    expect(await keysOf(log)).toBe('base a b')
  })

  it('a file keeps its name, and what it was has another', async () => {
    const log = fileLog()
    const {inode} = {inode: statSync(log).ino}
    const {backup, files} = await rewriteLog(log, {inPlace: true})
    expect(files).toEqual(['appendonly.aof'])
    expect(statSync(backup!).ino).toBe(inode)
    expect(readFileSync(backup!, 'latin1')).toBe(sets('a', 'b', 'a'))
    expect(readFileSync(log, 'latin1')).toBe(frame('SELECT', '0') + sets('a', 'b'))
  })

  it('up to a moment too', async () => {
    const log = folderLog(sets('a') + frame('FLUSHALL') + sets('b'))
    const untilOffset = {file: INCR, offset: sets('a').length}
    const {replayed, backup} = await rewriteLog(log, {inPlace: true, pointInTime: {untilOffset}})
    expect(replayed!.cut).toEqual({...untilOffset, leftOut: (frame('FLUSHALL') + sets('b')).length})
    expect([await keysOf(log), await keysOf(backup!)]).toEqual(['base a', 'b'])
  })

  it('whoever the files belong to, and may do with them, it stays so', async () => {
    for (const log of [folderLog(), fileLog()]) {
      const isFolder = statSync(log).isDirectory()
      const old = isFolder ? readdirSync(log).map(name => join(log, name)) : [log]
      for (const path of old) {
        chmodSync(path, 0o640)
        if (process.getuid!() === 0) chownSync(path, 12_345, 54_321)
      }
      const {backup} = await rewriteLog(log, {inPlace: true})
      const made = isFolder ? readdirSync(log).map(name => join(log, name)) : [log]
      const kept = isFolder ? readdirSync(backup!).map(name => join(backup!, name)) : [backup!]
      for (const path of [...made, ...kept]) {
        const {mode, uid} = statSync(path)
        expect((mode & 0o777).toString(8)).toBe('640')
        if (process.getuid!() === 0) expect(uid).toBe(12_345)
      }
    }
  })

  /** The log, and all that stands beside it, before and after something that must change nothing. */
  async function refused(log: string, options: RewriteOptions, message: RegExp | string): Promise<void> {
    const all = (): string[] =>
      readdirSync(join(log, '..'), {recursive: true, encoding: 'utf8'})
        .sort()
        .map(name => `${name} ${statSync(join(log, '..', name)).size}`)
    const before = all()
    await expect(rewriteLog(log, options)).rejects.toThrow(message)
    expect(all()).toEqual(before)
  }

  it.each(['folder', 'file'])('a %s that a process has open is refused', async kind => {
    const log = kind === 'folder' ? folderLog() : fileLog()
    const path = kind === 'folder' ? join(log, INCR) : log
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log(1)'], {
      stdio: ['ignore', 'pipe', 'inherit', openSync(path, 'r')],
    })
    try {
      await new Promise(resolve => child.stdout!.once('data', resolve))
      await refused(log, {inPlace: true}, new RegExp(`is open in the process ${child.pid} \\(`))
    } finally {
      child.kill('SIGKILL')
    }
  })

  it.each(['folder', 'file'])('a %s that grew meanwhile is refused', async kind => {
    const log = kind === 'folder' ? folderLog() : fileLog()
    const path = kind === 'folder' ? join(log, INCR) : log
    const onOpen = (): void => appendFileSync(path, sets('c'))
    await expect(rewriteLog(log, {inPlace: true, onOpen})).rejects.toThrow('has grown while it was rewritten')
    const beside = readdirSync(join(log, '..'))
    expect(beside).toEqual([kind === 'folder' ? 'appendonlydir' : 'appendonly.aof'])
    if (kind === 'folder') expect(names(log)).toBe(`${BASE} ${INCR} appendonly.aof.manifest`)
    expect(await keysOf(log)).toContain('c')
  })

  it('one that was replaced meanwhile is refused', async () => {
    const log = folderLog()
    const onOpen = (): void => {
      const manifest = join(log, 'appendonly.aof.manifest')
      utimesSync(manifest, 1, 1)
    }
    await expect(rewriteLog(log, {inPlace: true, onOpen})).rejects.toThrow('was changed while it was rewritten')
    expect(names(join(log, '..'))).toBe('appendonlydir')
  })

  it('what a link leads to is the log', async () => {
    for (const log of [folderLog(), fileLog()]) {
      const link = join(newFolder(), 'link')
      symlinkSync(log, link)
      const {backup} = await rewriteLog(link, {inPlace: true})
      expect(backup).toContain(`${log}.backup-`)
      expect(lstatSync(link).isSymbolicLink()).toBe(true)
      expect(await keysOf(link)).toContain('a b')
    }
  })

  it('a file of a folder is refused: it is a part of a log', async () => {
    const log = folderLog()
    const parent = join(log, 'x', '..')
    await expect(rewriteLog(join(parent, INCR), {inPlace: true})).rejects.toThrow('is a part of the log of')
    await expect(rewriteLog(join(parent, BASE))).rejects.toThrow('is a part of the log of')
    expect(names(log)).toBe(`${BASE} ${INCR} appendonly.aof.manifest`)
  })

  it('a compressed one is refused, and an empty one', async () => {
    await refused(fileLog(gzipSync(sets('a'))), {inPlace: true}, 'is compressed')
    await refused(fileLog(''), {inPlace: true}, 'is empty: there is nothing to rewrite')
    expect(await rewriteLog(fileLog(gzipSync(sets('a'))))).toMatchObject({keysOut: 1})
  })

  it('a damaged one is refused, and one of another form', async () => {
    await refused(folderLog(`${sets('a')}nothing`), {inPlace: true}, 'a command begins with')
    await refused(folderLog(), {inPlace: true, target: 'redis-6.2'}, 'keeps its form')
    await refused(fileLog(), {inPlace: true, target: 'redis-7.0'}, 'keeps its form')
    await refused(fileLog(), {inPlace: true, out: 'x'}, 'there is no other place')
  })
})
