import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {buildLog} from '../../src/jobs/build-log.js'
import {LossError} from '../../src/jobs/build-losses.js'
import {inspect} from '../../src/jobs/inspect.js'
import {rewriteLog} from '../../src/jobs/rewrite-log.js'
import {hex, str} from '../fixtures/builder.js'
import {at, frame, sets, writeLog} from '../start/log.js'
import {RdbFile, text} from '../start/rdb.js'
import {BASE, fileLog, folder, folderLog, INCR, keysOf, names, newFolder, snapshot, start} from './logs.js'

describe('where nobody says anything', () => {
  it('a folder goes beside itself: a snapshot of its version, an empty file, a manifest', async () => {
    const log = folderLog()
    const result = await rewriteLog(log)
    expect(result).toMatchObject({out: `${log}.rewritten`, form: 'folder', base: 'snapshot', keysOut: 3})
    expect(result).toMatchObject({backup: undefined, replayed: {commands: 3, cut: undefined}, lost: [], warnings: []})
    const out = `${log}.rewritten`
    expect(names(out)).toBe(`${BASE} ${INCR} appendonly.aof.manifest`)
    expect(start(join(out, BASE))).toBe('REDIS0010')
    expect(statSync(join(out, INCR)).size).toBe(0)
    expect(readFileSync(join(out, BASE), 'latin1')).toContain('\x08aof-base\xc0\x01')
    expect(await keysOf(out)).toBe('base a b')
    expect(result.bytesIn).toBe(statSync(join(log, BASE)).size + statSync(join(log, INCR)).size)
    expect(result.bytesOut).toBe(statSync(join(out, BASE)).size)
    // The log is what it was.
    expect(names(log)).toBe(`${BASE} ${INCR} appendonly.aof.manifest`)
  })

  it('a file that begins with a snapshot stays one', async () => {
    const log = fileLog(Buffer.concat([snapshot(9, 'aof-preamble'), Buffer.from(sets('a'))]))
    expect(await rewriteLog(log)).toMatchObject({form: 'file', base: 'snapshot'})
    expect(readFileSync(`${log}.rewritten`, 'latin1')).toContain('\x0caof-preamble\xc0\x01')
    expect(start(`${log}.rewritten`)).toBe('REDIS0009')
    expect(await keysOf(`${log}.rewritten`)).toBe('base a')
  })

  it('a file of commands stays one: its server may know no other', async () => {
    const log = fileLog()
    expect(await rewriteLog(log)).toMatchObject({form: 'file', base: 'commands', files: ['appendonly.aof.rewritten']})
    expect(readFileSync(`${log}.rewritten`, 'latin1')).toBe(frame('SELECT', '0') + sets('a', 'b'))
  })

  it('a folder without a snapshot gets one that every server with folders reads', async () => {
    const log = writeLog(join(newFolder(), 'appendonlydir'), {[INCR]: sets('a')})
    expect(await rewriteLog(log)).toMatchObject({form: 'folder', base: 'snapshot', target: 'redis-7.0'})
  })

  it('but commands, where it holds what only newer ones have', async () => {
    const expiring = frame('HSET', 'h', 'f', 'v') + frame('HPEXPIREAT', 'h', '4000000000000', 'FIELDS', '1', 'f')
    const log = writeLog(join(newFolder(), 'appendonlydir'), {[INCR]: expiring})
    expect(await rewriteLog(log)).toMatchObject({
      base: 'commands',
      files: [BASE.replace('rdb', 'aof'), INCR, 'appendonly.aof.manifest'],
    })
    expect(readFileSync(join(`${log}.rewritten`, BASE.replace('rdb', 'aof')), 'latin1')).toContain('HPEXPIREAT')
    await expect(rewriteLog(log, {preamble: true, force: true})).rejects.toThrow('redis-7.0 cannot hold')
    expect(await rewriteLog(log, {preamble: false, force: true})).toMatchObject({base: 'commands', target: 'redis-7.4'})
  })

  it('a log that holds nothing becomes one that holds nothing', async () => {
    const log = folderLog(frame('FLUSHALL'), '')
    expect(await rewriteLog(log)).toMatchObject({keysOut: 0, replayed: {commands: 1}})
    expect(await keysOf(`${log}.rewritten`)).toBe('')
    const file = fileLog(frame('FLUSHALL'))
    await rewriteLog(file)
    expect(statSync(`${file}.rewritten`).size).toBe(0)
  })
})

describe('since when the data has been as it is', () => {
  const ctimeOf = async (path: string): Promise<number> => {
    const {inventory} = await inspect(path, {top: 1, nowMs: Date.now()})
    return Number(inventory!.aux.get('ctime'))
  }

  it('is the last time of the log, whatever its snapshot says', async () => {
    const old = new RdbFile('REDIS', 10)
      .op(0xfa, str('ctime'), str('1600000000'))
      .op(0xfa, str('aof-base'), hex(0xc0, 1))
    const base = old.db(0).key(0, 'base', text('v')).end()
    const log = folderLog(at(1_700_000_000) + sets('a') + at(1_700_000_009) + frame('DEL', 'a'), base)
    await rewriteLog(log)
    expect(await ctimeOf(join(`${log}.rewritten`, BASE))).toBe(1_700_000_009)
    // Going back further is refused afterwards: that moment is gone.
    const untilMs = 1_700_000_001_000
    await expect(rewriteLog(`${log}.rewritten`, {pointInTime: {untilMs}})).rejects.toThrow('does not go back so far')
    const commands = await rewriteLog(log, {preamble: false, force: true})
    expect(readFileSync(join(commands.out, commands.files[0]!), 'latin1')).toMatch(/^#TS:1700000009\r\n\*2/)
  })

  it('is that of the file, where the log says none', async () => {
    const log = folderLog()
    utimesSync(join(log, INCR), 1_650_000_000, 1_650_000_000)
    await rewriteLog(log)
    expect(await ctimeOf(join(`${log}.rewritten`, BASE))).toBe(1_650_000_000)
  })
})

describe('for a server that is named', () => {
  it.each([
    ['redis-2.8', 'file', 'commands'],
    ['redis-4.0', 'file', 'snapshot'],
    ['redis-6.2', 'file', 'snapshot'],
    ['redis-7.0', 'folder', 'snapshot'],
    ['valkey-9.1', 'folder', 'snapshot'],
    ['redict-7.3', 'folder', 'snapshot'],
  ])('%s, it is a %s that begins with %s', async (target, form, base) => {
    for (const log of [folderLog(), fileLog()]) {
      expect(await rewriteLog(log, {target})).toMatchObject({form, base, target})
      expect(statSync(`${log}.rewritten`).isDirectory()).toBe(form === 'folder')
      expect((await keysOf(`${log}.rewritten`)).replace('base ', '')).toBe('a b')
    }
  })

  it('a snapshot that it cannot begin with is refused, and nothing is written', async () => {
    const log = fileLog()
    await expect(rewriteLog(log, {target: 'redis-3.2', preamble: true})).rejects.toThrow('cannot begin with a snapshot')
    expect(names(join(log, '..'))).toBe('appendonly.aof')
  })
})

describe('where it goes', () => {
  it('is not taken from another without force, and then only what is a log of ours', async () => {
    const log = folderLog()
    await rewriteLog(log)
    await expect(rewriteLog(log)).rejects.toThrow('is there already')
    expect(await rewriteLog(log, {force: true})).toMatchObject({keysOut: 3})
    // A server has written to it.
    appendFileSync(join(`${log}.rewritten`, INCR), sets('late'))
    await expect(rewriteLog(log, {force: true})).rejects.toThrow('no longer as we did')
    // Such a folder is somebody's log.
    await expect(rewriteLog(folderLog(), {out: log, force: true})).rejects.toThrow('we did not make it')
    expect(await keysOf(log)).toBe('base a b')
  })

  it('belongs to whom the log belongs', async () => {
    for (const log of [folderLog(), fileLog()]) {
      const old = statSync(log).isDirectory() ? readdirSync(log).map(name => join(log, name)) : [log]
      for (const path of old) {
        chmodSync(path, 0o640)
        if (process.getuid!() === 0) chownSync(path, 12_345, 54_321)
      }
      for (const target of [undefined, 'redis-7.0', 'redis-6.2']) {
        const {out, files, form} = await rewriteLog(log, {target, out: join(newFolder(), 'out')})
        const made = form === 'folder' ? ['.', ...files].map(name => join(out, name)) : [out]
        for (const path of made) {
          const {mode, uid, gid} = statSync(path)
          expect((mode & 0o777).toString(8)).toBe(statSync(path).isDirectory() ? '750' : '640')
          if (process.getuid!() === 0) expect([uid, gid]).toEqual([12_345, 54_321])
        }
      }
    }
  })

  it('is beside a log however that is named', async () => {
    const log = folderLog()
    symlinkSync(log, join(log, '..', 'link'))
    for (const path of [`${log}/`, join(log, 'appendonly.aof.manifest'), join(log, '..', 'link')]) {
      const {out} = await rewriteLog(path, {force: true})
      expect(out).not.toContain('/.')
      expect(await keysOf(out)).toBe('base a b')
    }
    expect(existsSync(`${log}.rewritten`)).toBe(true)
    expect(names(log)).toBe(`${BASE} ${INCR} appendonly.aof.manifest`)
  })

  it('is never the log itself', async () => {
    const [dir, file] = [folderLog(), fileLog()]
    for (const log of [dir, file]) {
      await expect(rewriteLog(log, {out: log, force: true})).rejects.toThrow('is what is read')
    }
    await expect(rewriteLog(join(dir, 'appendonly.aof.manifest'), {out: dir, force: true})).rejects.toThrow(
      'is what is read',
    )
    expect([await keysOf(dir), await keysOf(file)]).toEqual(['base a b', 'a b'])
  })

  it('is nowhere for what is no log', async () => {
    const rdb = folder.write('plain.rdb', new RdbFile('REDIS', 10).db(0).key(0, 'k', text('v')).end())
    await expect(rewriteLog(rdb)).rejects.toThrow('is no append-only log: build makes one of it')
    await expect(rewriteLog('-')).rejects.toThrow('name a file')
  })
})

describe('a log that is built', () => {
  it('of several sources holds the keys of all', async () => {
    const out = join(newFolder(), 'built')
    const result = await buildLog([folderLog(), fileLog(sets('c'))], {
      out,
      form: 'folder',
      base: 'snapshot',
      target: 'redis-7.0',
    })
    expect(result).toMatchObject({keysIn: 4, keysOut: 4, files: [BASE, INCR, 'appendonly.aof.manifest']})
    expect(await keysOf(out)).toBe('base a b c')
  })

  it('leaves nothing where a source is damaged', async () => {
    const parent = newFolder()
    const options = {out: join(parent, 'built'), form: 'folder', base: 'commands'} as const
    await expect(buildLog([fileLog('*1\r\nx')], options)).rejects.toThrow('an argument begins with')
    expect(names(parent)).toBe('')
  })

  it('of commands tells what they cannot carry', async () => {
    mkdirSync(join(folder.path, 'loss'))
    const stream = frame('XADD', 's', '1-1', 'f', 'v') + frame('XGROUP', 'CREATE', 's', 'g', '0')
    const claimed = `${stream}${frame('XCLAIM', 's', 'g', 'c', '0', '1-1', 'FORCE')}${frame('XDEL', 's', '1-1')}`
    const build = (restore?: 'never', allowLoss = false) =>
      buildLog([fileLog(claimed)], {
        ...{out: join(folder.path, 'loss', restore ?? 'auto'), form: 'file', base: 'commands', restore, allowLoss},
      } as const)
    expect(await build()).toMatchObject({lost: []})
    await expect(build('never')).rejects.toThrow(LossError)
    expect(names(join(folder.path, 'loss'))).toBe('auto')
    const lost = [{what: 'pending entries of deleted messages', data: true, keys: 1}]
    expect(await build('never', true)).toMatchObject({lost})
  })
})
