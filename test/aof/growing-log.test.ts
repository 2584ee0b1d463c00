/** A log that follows a master, as a folder: what is whole stays, whatever it was interrupted in. */
import {spawn} from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import {basename, join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {GrowingFile} from '../../src/aof/growing-file.js'
import {GrowingLog} from '../../src/aof/growing-log.js'
import {parsePlace, type StreamPlace} from '../../src/aof/stream-place.js'
import {FormatError, UsageError} from '../../src/errors.js'
import {temporaryFolder} from '../start/folder.js'
import {frame} from '../start/log.js'

const folder = temporaryFolder()
const ID = 'a'.repeat(40)
const NOW = 1_700_000_000_000
let count = 0

const at = (offset: number, db = 0): StreamPlace => ({replicationId: ID, offset, db})

async function begun(place = at(0)): Promise<{log: GrowingLog; path: string}> {
  const path = join(folder.path, `log-${count++}`)
  const log = await GrowingLog.open(path)
  await beginAnew(log, place)
  return {log, path}
}

async function beginAnew(log: GrowingLog, place: StreamPlace): Promise<string | undefined> {
  const [base, incr] = [log.newBase(), log.newIncrement()]
  writeFileSync(base.path, 'REDIS0011')
  return await log.begin(base, await GrowingFile.create(incr.path, place), incr.sequence, NOW)
}

async function append(log: GrowingLog, text: string, place: StreamPlace, nowMs = NOW): Promise<void> {
  await log.append(Buffer.from(text), text.length, place, nowMs)
}

function incrs(path: string): string[] {
  return readdirSync(path)
    .filter(name => name.endsWith('.incr.aof'))
    .sort()
}

const SET = frame('SET', 'k', 'v')
const line = (offset: number, db = 0): string => `#RDBTOOL ${ID} ${offset} ${db}\r\n`

describe('a folder', () => {
  it('is a manifest, a base and a file that says how far it goes', async () => {
    const {log, path} = await begun(at(7))
    await append(log, SET, at(34))
    await append(log, SET, at(61, 2), NOW + 1)
    await append(log, SET, at(88, 2), NOW + 1000)
    await log.close()
    expect(readdirSync(path).sort()).toEqual([
      'appendonly.aof.1.base.rdb',
      'appendonly.aof.1.incr.aof',
      'appendonly.aof.manifest',
    ])
    expect(readFileSync(join(path, 'appendonly.aof.manifest'), 'utf8')).toBe(
      'file appendonly.aof.1.base.rdb seq 1 type b\nfile appendonly.aof.1.incr.aof seq 1 type i\n' +
        '# followed by rdbtool: commands of a master, and how far they go\n',
    )
    const stamp = (seconds: number): string => `#TS:${seconds}\r\n`
    expect(readFileSync(join(path, 'appendonly.aof.1.incr.aof'), 'utf8')).toBe(
      line(7) + stamp(NOW / 1000) + SET + line(34) + SET + line(61, 2) + stamp(NOW / 1000 + 1) + SET + line(88, 2),
    )
  })

  it('goes on where it was', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27, 3))
    await log.close()
    const again = await GrowingLog.open(path)
    expect(again.place).toEqual(at(27, 3))
    expect(again.cutTail).toBeUndefined()
    await again.close()
  })

  it('selects the database anew in another file', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27, 3))
    expect(await log.rotate()).toBe('appendonly.aof.2.incr.aof')
    await append(log, SET, at(54, 3))
    await log.close()
    expect(readFileSync(join(path, 'appendonly.aof.2.incr.aof'), 'utf8')).toBe(
      `${frame('SELECT', '3')}${line(27, 3)}#TS:${NOW / 1000}\r\n${SET}${line(54, 3)}`,
    )
    const again = await GrowingLog.open(path)
    expect(again.place).toEqual(at(54, 3))
    await again.close()
  })

  it('is cut off wherever it was torn, and never before what is whole', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    const whole = log.fileBytes
    await append(log, SET, at(54))
    await log.close()
    const file = join(path, 'appendonly.aof.1.incr.aof')
    const {size} = statSync(file)
    for (let cut = whole; cut < size; cut++) {
      const copy = join(folder.path, `torn-${count++}`)
      cpSync(path, copy, {recursive: true})
      truncateSync(join(copy, 'appendonly.aof.1.incr.aof'), cut)
      const torn = await GrowingLog.open(copy)
      expect({cut, place: torn.place, bytes: torn.fileBytes}).toEqual({cut, place: at(27), bytes: whole})
      expect(torn.cutTail?.bytes ?? 0).toBe(cut - whole)
      await torn.close()
    }
  })

  it('keeps a copy of commands that nobody vouches for', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    await log.close()
    appendFileSync(join(path, 'appendonly.aof.1.incr.aof'), SET + frame('SET', 'other', 'x').slice(0, 9))
    const again = await GrowingLog.open(path)
    expect(again.cutTail).toMatchObject({commands: 1, bytes: SET.length + 9})
    expect(readFileSync(again.cutTail!.copy!, 'utf8')).toBe(SET + frame('SET', 'other', 'x').slice(0, 9))
    expect(again.place).toEqual(at(27))
    await again.close()
  })

  it('that lost its power has zeros at its end', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    await log.close()
    appendFileSync(join(path, 'appendonly.aof.1.incr.aof'), Buffer.alloc(3_000_000))
    const again = await GrowingLog.open(path)
    expect(again.place).toEqual(at(27))
    await again.close()
  })

  it('that lost its power in the middle of a line has zeros from there on', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    await append(log, SET, at(54))
    await log.close()
    const name = 'appendonly.aof.1.incr.aof'
    const bytes = readFileSync(join(path, name))
    for (let from = bytes.length - SET.length - line(54).length; from < bytes.length; from++) {
      const copy = join(folder.path, `zeros-${count++}`)
      cpSync(path, copy, {recursive: true})
      writeFileSync(join(copy, name), Buffer.concat([bytes.subarray(0, from), Buffer.alloc(5000)]))
      const again = await GrowingLog.open(copy)
      expect({from, place: again.place}).toEqual({from, place: at(27)})
      await again.close()
    }
  })

  it('that is damaged is not cut', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    await append(log, SET, at(54))
    await log.close()
    const file = join(path, 'appendonly.aof.1.incr.aof')
    const bytes = readFileSync(file)
    bytes[line(0).length + 20] = 0x21
    writeFileSync(file, bytes)
    await expect(GrowingLog.open(path)).rejects.toThrow(FormatError)
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })

  it('does not take a place within a value for one', async () => {
    const {log, path} = await begun()
    await append(log, frame('SET', 'k', `\r\n${line(999)}`), at(27))
    await log.close()
    const again = await GrowingLog.open(path)
    expect(again.place).toEqual(at(27))
    await again.close()
  })

  it('sets aside what another snapshot supersedes', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    const aside = await beginAnew(log, {replicationId: 'b'.repeat(40), offset: 5, db: 0})
    expect(aside).toBe(`${path}.until-20231114T221320Z`)
    expect(readdirSync(aside!).sort()).toEqual([
      'appendonly.aof.1.base.rdb',
      'appendonly.aof.1.incr.aof',
      'appendonly.aof.manifest',
    ])
    expect(readdirSync(path).sort()).toEqual([
      'appendonly.aof.2.base.rdb',
      'appendonly.aof.2.incr.aof',
      'appendonly.aof.manifest',
    ])
    expect(log.place).toMatchObject({offset: 5})
    await log.close()
    const old = await GrowingLog.open(aside!)
    expect(old.place).toEqual(at(27))
    await old.close()
  })

  it('loses what a killed run had not published yet', async () => {
    const {log, path} = await begun()
    await log.close()
    for (const stray of [
      'appendonly.aof.2.base.rdb',
      'appendonly.aof.2.incr.aof',
      '.appendonly.aof.3.base.rdb.0123.tmp',
    ]) {
      writeFileSync(join(path, stray), 'x')
    }
    await (await GrowingLog.open(path)).close()
    expect(readdirSync(path).length).toBe(3)
  })

  it('gives no base a name twice, whether or not there is a file yet', async () => {
    const {log} = await begun()
    const names = [log.newBase(), log.newBase(), log.newBase()].map(({sequence}) => sequence)
    expect(names).toEqual([2, 3, 4])
    await log.close()
  })

  it('numbers files of commands without a gap, whatever bases come and go', async () => {
    const {log, path} = await begun()
    await log.rotate()
    const base = log.newBase()
    writeFileSync(base.path, 'REDIS0011')
    log.compacted(base, 1)
    await log.rotate()
    log.newBase()
    await log.rotate()
    expect(log.manifest).toMatchObject({base: {sequence: 2}, increments: [{sequence: 2}, {sequence: 3}, {sequence: 4}]})
    // Of a snapshot that was begun in vain nothing is left.
    const {path: vain} = log.newIncrement()
    await beginAnew(log, at(1000))
    expect(log.manifest).toMatchObject({base: {sequence: 4}, increments: [{sequence: 5}]})
    expect(incrs(path)).toEqual([basename(vain)])
    await log.close()
  })

  it('has no place within a unit', async () => {
    const {log} = await begun()
    await log.appendPart(Buffer.from(SET), SET.length, NOW)
    expect(log.isWhole).toBe(false)
    await expect(log.append(new Uint8Array(0), 0, at(1), NOW)).rejects.toThrow('within a unit')
    await log.close()
  })

  it('does not begin with a base that is gone', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    const [base, incr] = [log.newBase(), log.newIncrement()]
    const file = await GrowingFile.create(incr.path, at(5))
    await expect(log.begin(base, file, incr.sequence, NOW)).rejects.toThrow('is gone')
    await file.close()
    await log.close()
    const again = await GrowingLog.open(path)
    expect(again.place).toEqual(at(27))
    await again.close()
  })

  it('forgets what was put aside by a run that was killed before the manifest changed', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    await log.close()
    const aside = `${path}.until-20231114T221320Z`
    mkdirSync(aside)
    for (const name of readdirSync(path)) linkSync(join(path, name), join(aside, name))
    const other = `${path}.until-20231114T221321Z`
    cpSync(path, other, {recursive: true})
    await (await GrowingLog.open(path)).close()
    expect([existsSync(aside), existsSync(other)]).toEqual([false, true])
  })

  it('cuts off the beginning of a unit', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    const before = log.fileBytes
    await log.appendPart(Buffer.from(SET), SET.length, NOW)
    expect(log.fileBytes).toBeGreaterThan(before)
    await log.cut()
    expect(log.fileBytes).toBe(before)
    await log.close()
    expect(statSync(join(path, incrs(path)[0]!)).size).toBe(before)
  })
})

describe('a folder is refused', () => {
  it('that is of somebody else', async () => {
    const {log, path} = await begun()
    await log.close()
    const manifest = join(path, 'appendonly.aof.manifest')
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/#.*\n/, ''))
    await expect(GrowingLog.open(path)).rejects.toThrow(/did not begin/)
  })

  it('that holds other things', async () => {
    const path = join(folder.path, 'things')
    mkdirSync(path)
    writeFileSync(join(path, 'letter.txt'), 'x')
    await expect(GrowingLog.open(path)).rejects.toThrow(UsageError)
    expect(existsSync(join(path, 'letter.txt'))).toBe(true)
  })

  it('that is a log without its manifest, and nothing of it is touched', async () => {
    const {log, path} = await begun()
    await append(log, SET, at(27))
    await log.close()
    rmSync(join(path, 'appendonly.aof.manifest'))
    const before = readdirSync(path)
    await expect(GrowingLog.open(path)).rejects.toThrow(/restore the manifest/)
    expect(readdirSync(path)).toEqual(before)
  })

  it('that somebody writes to, and not one that is read', async () => {
    const {log, path} = await begun()
    await log.close()
    const name = join(path, 'appendonly.aof.1.incr.aof')
    const hold = (flags: string): ReturnType<typeof spawn> =>
      spawn(process.execPath, [
        '-e',
        `fs.openSync(${JSON.stringify(name)}, '${flags}'); console.log(1); setInterval(() => {}, 1000)`,
      ])
    for (const [flags, isRefused] of [
      ['r', false],
      ['a', true],
    ] as const) {
      const child = hold(flags)
      await new Promise(resolve => child.stdout!.once('data', resolve))
      const opened = await GrowingLog.open(path).catch(() => undefined)
      await opened?.close()
      child.kill()
      await new Promise(resolve => child.once('close', resolve))
      expect({flags, isRefused: opened === undefined}).toEqual({flags, isRefused})
    }
  })

  it('whose file is gone', async () => {
    const {log, path} = await begun()
    await log.rotate()
    await log.close()
    cpSync(join(path, 'appendonly.aof.2.incr.aof'), join(path, 'x'))
    truncateSync(join(path, 'appendonly.aof.2.incr.aof'), 0)
    await expect(GrowingLog.open(path)).rejects.toThrow(/how far/)
  })
})

it('a place is a line of its own', () => {
  const parse = (text: string): StreamPlace | undefined => parsePlace(Buffer.from(text), 0, text.length)
  expect(parse(line(5, 2))).toEqual(at(5, 2))
  for (const wrong of [
    '#TS:5\r\n',
    `#RDBTOOL ${ID} 5\r\n`,
    `#RDBTOOL ${ID.slice(1)} 5 0\r\n`,
    `#RDBTOOL ${ID} 99999999999999999 0\r\n`,
    `# ${'x'.repeat(200)}\n`,
  ]) {
    expect(parse(wrong)).toBeUndefined()
  }
})
