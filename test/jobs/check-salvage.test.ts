/** What is saved of a log, where it goes, and when nothing is written. */
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {check} from '../../src/jobs/check.js'
import {checkAndSalvage} from '../../src/jobs/check-salvage.js'
import {formatProblems} from '../../src/report/problems.js'
import {formatSalvage, salvageJson} from '../../src/report/salvage.js'
import {PLAIN} from '../../src/report/table.js'
import {salvageLog} from '../../src/source/salvage.js'
import {unpackFolder} from '../fixtures/aof-folder.js'
import {hex, str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'

const FIXTURES = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))
const folder = temporaryFolder()
const newFolder = (): string => mkdtempSync(join(folder.path, 'log-'))

const command = (...args: string[]): string =>
  `*${args.length}\r\n${args.map(one => `$${Buffer.byteLength(one)}\r\n${one}\r\n`).join('')}`
const SELECT = command('SELECT', '0')
const SET = command('SET', 'a', '1')
const LOG = SELECT + SET.repeat(4)
const zeros = (bytes: number): string => '\0'.repeat(bytes)
const SNAPSHOT = new RdbFile('REDIS', 9)
  .op(0xfa, str('aof-preamble'), hex(0xc0, 1))
  .db(0)
  .key(0, 'old', text('0'))
  .end()

/** A folder with these files, `null`: named and not there. */
function logOf(files: Record<string, string | Uint8Array | null>, manifest?: string): string {
  const dir = newFolder()
  for (const [name, one] of Object.entries(files)) if (one !== null) writeFileSync(join(dir, name), one)
  const lines = Object.keys(files).map(
    (name, at) => `file ${name} seq ${at + 1} type ${/base/.test(name) ? 'b' : 'i'}\n`,
  )
  writeFileSync(join(dir, 'a.manifest'), manifest ?? lines.join(''))
  return dir
}

/** All that is in a folder, by name. */
function contentOf(dir: string): Record<string, string> {
  return Object.fromEntries(readdirSync(dir).map(name => [name, readFileSync(join(dir, name), 'latin1')]))
}

/** A place that nothing has, in a folder that has nothing else. */
const newPlace = (): string => join(newFolder(), 'out')

describe('a folder', () => {
  it('is written anew, without what is no part of the log; the old one stays as it is', async () => {
    const manifest = [
      'file a.2.base.aof seq 2 type b foo bar\n',
      'file a.1.incr.aof seq 1 type h\n',
      'file a.7.incr.aof seq 7 type i startoffset 100 endoffset 200\n',
      'file a.9.incr.aof seq 9 type i startoffset 200 endoffset 300\n',
    ].join('')
    const files = {'a.2.base.aof': LOG, 'a.1.incr.aof': LOG, 'a.7.incr.aof': LOG, 'a.9.incr.aof': `${LOG}*1`, 'a.x': ''}
    const log = logOf(files, manifest)
    const before = contentOf(log)
    const out = newPlace()
    const {salvaged, salvageFailure, soundness} = await checkAndSalvage(log, {out})
    expect(salvageFailure).toBeUndefined()
    expect(soundness!.errors).toBe(1)
    expect(contentOf(log)).toEqual(before)
    expect(contentOf(out)).toEqual({
      'a.2.base.aof': LOG,
      'a.7.incr.aof': LOG,
      'a.9.incr.aof': LOG,
      'a.manifest': [
        '# salvaged by rdbtool\n',
        'file a.2.base.aof seq 2 type b foo bar\n',
        'file a.7.incr.aof seq 7 type i startoffset 100 endoffset 200\n',
        // It does not end where it ended.
        'file a.9.incr.aof seq 9 type i startoffset 200\n',
      ].join(''),
    })
    expect(readdirSync(join(out, '..'))).toEqual(['out'])
    expect(salvaged).toMatchObject({out, leftOut: ['a.1.incr.aof', 'a.x'], check: {errors: 0}})
    const torn = {offset: LOG.length, bytes: 2, commands: 0, reason: 'torn'}
    expect(salvaged!.files.at(-1)).toMatchObject({bytesKept: LOG.length, bytesLost: 2, commandsKept: 5, lost: [torn]})
  })

  it('may be named by its manifest', async () => {
    const out = newPlace()
    await salvageLog(join(logOf({'a.1.incr.aof': LOG}), 'a.manifest'), out)
    expect(Object.keys(contentOf(out))).toEqual(['a.1.incr.aof', 'a.manifest'])
  })

  it('is kept where a file is torn that others follow, and where one is not there', async () => {
    const log = logOf({
      'a.1.base.rdb': SNAPSHOT,
      'a.2.incr.aof': LOG.slice(0, -1),
      'a.3.incr.aof': null,
      'a.4.incr.aof': LOG,
    })
    const out = newPlace()
    const {salvaged} = await checkAndSalvage(log, {out})
    expect(Object.keys(contentOf(out))).toEqual(['a.1.base.rdb', 'a.2.incr.aof', 'a.4.incr.aof', 'a.manifest'])
    expect(contentOf(out)['a.manifest']).not.toContain('a.3')
    expect(salvaged!.files.map(({missing}) => missing)).toEqual([false, false, true, false])
    const report = formatSalvage(salvaged!, {style: PLAIN, columns: 200}).join('\n')
    expect(report).toContain(': a server starts from it')
    expect(report).toContain('and a file that is not there')
    expect(report).toContain(
      'note        files behind a.2.incr.aof are kept: keys that what it lost had changed may have old values',
    )
    expect(report).toContain('note        a.3.incr.aof is not there')
  })

  it.each([
    ['is not there', {'a.1.base.rdb': null, 'a.2.incr.aof': LOG}, ['a.2.incr.aof', 'a.manifest']],
    [
      'has nothing whole',
      {'a.1.base.aof': zeros(99), 'a.2.incr.aof': LOG},
      ['a.1.base.aof', 'a.2.incr.aof', 'a.manifest'],
    ],
  ])('whose base %s is refused, unless what else there is is wanted', async (_, files, names) => {
    const log = logOf(files)
    const out = newPlace()
    const {salvageFailure, salvaged, soundness} = await checkAndSalvage(log, {out})
    expect({salvaged, errors: soundness!.errors}).toEqual({salvaged: undefined, errors: 1})
    expect(salvageFailure).toMatchObject({code: 'BAD_MANIFEST', place: {file: Object.keys(files)[0]}})
    expect(readdirSync(join(out, '..'))).toEqual([])
    const past = await checkAndSalvage(log, {out, pastDamage: true})
    expect(past.salvaged!.check).toMatchObject({errors: 0})
    expect(Object.keys(contentOf(out))).toEqual(names)
  })

  it('of which no file is there is refused in any case', async () => {
    for (const name of ['a.1.base.rdb', 'a.1.incr.aof']) {
      const out = newPlace()
      const found = await checkAndSalvage(logOf({[name]: null}), {out, pastDamage: true})
      expect(found).toMatchObject({salvageFailure: {code: 'BAD_MANIFEST'}})
      expect(readdirSync(join(out, '..'))).toEqual([])
    }
  })

  it('whose manifest no server reads is told of by the check', async () => {
    const {soundness, salvageFailure} = await checkAndSalvage(logOf({}, 'file ../x seq 1 type b\n'), {out: newPlace()})
    expect(soundness!.problems[0]!.code).toBe('BAD_MANIFEST')
    expect(salvageFailure).toMatchObject({code: 'BAD_MANIFEST'})
  })
})

describe('a log that a server wrote', () => {
  it.each(readdirSync(FIXTURES))('%s: nothing is lost of it', async file => {
    const dir = newFolder()
    unpackFolder(JSON.parse(readFileSync(join(FIXTURES, file), 'utf8')).files, dir)
    const isFolder = readdirSync(dir).includes('appendonlydir')
    const log = join(dir, isFolder ? 'appendonlydir' : 'appendonly.aof')
    const out = newPlace()
    const {salvaged, salvageFailure} = await checkAndSalvage(log, {out, pastDamage: true})
    expect(salvageFailure).toBeUndefined()
    for (const one of salvaged!.files) expect(one).toMatchObject({bytesLost: 0, lost: [], unknownCommands: 0})
    expect(salvaged!.check).toMatchObject({errors: 0, log: {outcome: 'starts'}})
    if (!isFolder) {
      expect(readFileSync(out)).toEqual(readFileSync(log))
      return
    }
    const [before, after] = [contentOf(log), contentOf(out)]
    for (const [name, content] of Object.entries(after)) {
      if (!name.endsWith('.manifest')) expect(content).toBe(before[name])
      else expect(content.replace(/^#.*\n/, '')).toBe(before[name]!.replace(/^.* type h\b.*\n/gm, ''))
    }
  })
})

describe('a snapshot at the beginning', () => {
  it.each([
    ['of which no key is left', Buffer.concat([SNAPSHOT.subarray(0, 20), Buffer.alloc(100)])],
    ['with a type that nobody knows', new RdbFile('REDIS', 9).key(99, 'k', {bytes: hex(0), type: 'x', value: 0}).end()],
  ])('%s: nothing is written', async (_, base) => {
    for (const pastDamage of [false, true]) {
      const out = newPlace()
      const found = await checkAndSalvage(logOf({'a.1.base.rdb': base, 'a.2.incr.aof': LOG}), {out, pastDamage})
      expect(found).toMatchObject({salvageFailure: {place: {file: 'a.1.base.rdb'}}})
      expect(`${found.salvageFailure} ${(found.salvageFailure as {advice: string}).advice}`).toMatch(
        /nothing was written/,
      )
      expect(readdirSync(join(out, '..'))).toEqual([])
    }
  })

  it('with a wrong checksum is kept if that is wanted', async () => {
    const base = Buffer.concat([SNAPSHOT.subarray(0, -1), Buffer.from([SNAPSHOT.at(-1)! ^ 1])])
    const out = newPlace()
    const log = logOf({'a.1.base.rdb': base, 'a.2.incr.aof': `${LOG}*`})
    const {salvaged} = await checkAndSalvage(log, {out}, {ignoreChecksum: true})
    // Without the checksum, which no server lets pass.
    expect(readFileSync(join(out, 'a.1.base.rdb'))).toEqual(Buffer.concat([base.subarray(0, -8), Buffer.alloc(8)]))
    expect(salvaged!.files.map(one => one.checksumDropped)).toEqual([true, false])
    expect(salvageJson(salvaged, undefined)).toMatchObject({starts: true})
    expect(formatSalvage(salvaged!, {style: PLAIN, columns: 200}).join('\n')).toContain(
      'the checksum of the snapshot in a.1.base.rdb is wrong: it is written without one',
    )
  })

  it('with a wrong checksum, and commands behind it: only that is changed', async () => {
    const bytes = Buffer.concat([SNAPSHOT, Buffer.from(LOG)])
    bytes[SNAPSHOT.length - 3]! ^= 1
    const path = folder.write('checksum.aof', bytes)
    const out = newPlace()
    const {salvaged} = await checkAndSalvage(path, {out}, {ignoreChecksum: true})
    bytes.fill(0, SNAPSHOT.length - 8, SNAPSHOT.length)
    expect(readFileSync(out)).toEqual(bytes)
    expect(salvaged!.check).toMatchObject({errors: 0, checksum: 'absent', log: {outcome: 'starts'}})
  })
})

describe('a log that is one file', () => {
  it('is one file again, unpacked', async () => {
    const bytes = Buffer.concat([SNAPSHOT, Buffer.from(`${LOG}*3\r\n`)])
    for (const [name, stored] of [
      ['x.aof', bytes],
      ['x.aof.gz', gzipSync(bytes)],
    ] as const) {
      const out = newPlace()
      const {salvaged, soundness} = await checkAndSalvage(folder.write(name, stored), {out})
      expect(readFileSync(out)).toEqual(bytes.subarray(0, -4))
      expect(readdirSync(join(out, '..'))).toEqual(['out'])
      expect(salvaged!.files).toMatchObject([{name, snapshotBytes: SNAPSHOT.length, commandsKept: 5}])
      expect(soundness!.log!.files).toMatchObject([{name, commands: 5}])
    }
  })

  it('has what is behind damage if that is wanted', async () => {
    const path = folder.write('behind.aof', SELECT + SET + zeros(50) + LOG + zeros(50) + SET.repeat(3))
    const [safe, all] = [newPlace(), newPlace()]
    const {salvaged} = await checkAndSalvage(path, {out: safe})
    const past = {offset: (SELECT + SET).length + 50, bytes: LOG.length + 3 * SET.length, commands: 8}
    expect(salvaged!.files[0]).toMatchObject({commandsKept: 2, commandsLost: 8, pastDamage: past, databaseAssumed: 0})
    expect(formatSalvage(salvaged!, {style: PLAIN, columns: 200}).join('\n')).toContain(
      'next        --past-damage keeps 8 commands more that are whole behind damage',
    )
    expect(salvageJson(salvaged, undefined)).toMatchObject({
      starts: true,
      files: [{pastDamage: {...past, kept: false}}],
    })
    const {salvaged: more} = await checkAndSalvage(path, {out: all, pastDamage: true})
    expect(readFileSync(all, 'latin1')).toBe(SELECT + SET + LOG + SET.repeat(3))
    expect(formatSalvage(more!, {style: PLAIN, columns: 200}).join('\n')).toContain('is taken to be for database 0')
  })

  it('keeps what no server knows, and says that none may start from it', async () => {
    const out = newPlace()
    const {salvaged} = await checkAndSalvage(
      folder.write('renamed.aof', `${LOG}${command('MYSET', 'a', '1')}${SET}*`),
      {out},
    )
    expect(salvaged!.files[0]).toMatchObject({unknownCommands: 1, commandsKept: 7})
    expect(salvageJson(salvaged, undefined)).toMatchObject({starts: false, files: [{unknownOffset: LOG.length}]})
    const [first, ...others] = formatSalvage(salvaged!, {style: PLAIN, columns: 200})
    expect(first).toContain('a server may not start from it, for 1 problem in what is left')
    expect(others.join('\n')).toContain(`the command at byte ${LOG.length} is kept, though no server that we know has`)
  })

  it('whose length leads behind its end is damaged, not torn', async () => {
    const path = folder.write('length.aof', LOG + SET.replace('$1\r\na', '$1900000000\r\na') + SET.repeat(9))
    const {soundness} = await check(path)
    const found = LOG.length + SET.length + 9
    const [problem] = soundness!.problems
    expect(problem).toMatchObject({code: 'BAD_COMMAND', severity: 'error', offset: LOG.length})
    expect(problem!.text).toContain(`whole commands begin again at byte ${found}`)
    expect(soundness!.log).toMatchObject({outcome: 'truncates', files: [{torn: 'command', wholeWithin: found}]})
    const report = formatProblems('length.aof', soundness!, {style: PLAIN, columns: 200, problemsMax: 9}).join('\n')
    expect(report).toContain('next        start no server from it')
    expect(report).toContain('--salvage OUT --past-damage')
    const out = newPlace()
    await checkAndSalvage(path, {out, pastDamage: true})
    expect(readFileSync(out, 'latin1')).toBe(LOG + SET.repeat(9))
  })

  it('leaves out a command whose name has a byte changed, and what is behind it if that is wanted', async () => {
    const hurt = SET.replace('SET', 'S\x45\x5c')
    for (const name of [hurt, SET.replace('SET', 'WET')]) {
      const path = folder.write('name.aof', LOG + name + SET.repeat(3))
      const [safe, all] = [newPlace(), newPlace()]
      const {salvaged} = await checkAndSalvage(path, {out: safe})
      expect(readFileSync(safe, 'latin1')).toBe(LOG)
      expect(salvaged!.files[0]!.lost[0]).toMatchObject({offset: LOG.length, bytes: SET.length})
      await checkAndSalvage(path, {out: all, pastDamage: true})
      expect(readFileSync(all, 'latin1')).toBe(LOG + SET.repeat(3))
    }
  })

  it('writes SELECT where what is left out had selected', async () => {
    const out = newPlace()
    const log =
      SELECT + SET + command('MULTI') + command('SELECT', '7') + SET + zeros(5) + command('EXEC') + SET.repeat(3)
    const {salvaged} = await checkAndSalvage(folder.write('select.aof', log), {out, pastDamage: true})
    expect(readFileSync(out, 'latin1')).toBe(SELECT + SET + command('SELECT', '7') + SET.repeat(3))
    expect(salvaged!.files[0]!.bytesAdded).toBe(SELECT.length)
  })
})

describe('a place', () => {
  const log = folder.write('torn.aof', `${LOG}*`)

  it('that is taken is refused before anything is read; forced, it is replaced', async () => {
    const out = folder.write('taken.aof', 'mine')
    const refused = await checkAndSalvage(log, {out})
    expect(refused).toMatchObject({soundness: undefined, failure: {name: 'UsageError'}})
    expect(readFileSync(out, 'utf8')).toBe('mine')
    await checkAndSalvage(log, {out, force: true})
    expect(readFileSync(out, 'latin1')).toBe(LOG)
  })

  it('that is a folder of somebody else is never replaced, one of ours is, until a server has used it', async () => {
    const source = logOf({'a.1.incr.aof': `${LOG}*`})
    const out = logOf({'a.1.incr.aof': LOG})
    expect(await checkAndSalvage(source, {out, force: true})).toMatchObject({failure: {name: 'UsageError'}})
    const ours = newPlace()
    await salvageLog(source, ours)
    writeFileSync(join(ours, 'a.1.incr.aof'), 'changed')
    expect(await checkAndSalvage(source, {out: ours})).toMatchObject({failure: {name: 'UsageError'}})
    await salvageLog(source, ours, {force: true})
    expect(readFileSync(join(ours, 'a.1.incr.aof'), 'latin1')).toBe(LOG)
  })

  it('is never the log itself', async () => {
    const source = logOf({'a.1.incr.aof': `${LOG}*`})
    for (const [name, out] of [
      [log, log],
      [source, source],
      [join(source, 'a.manifest'), source],
    ] as const) {
      const {failure} = await checkAndSalvage(name, {out, force: true})
      expect(failure).toMatchObject({name: 'UsageError', message: expect.stringContaining('is what is to be salvaged')})
    }
    expect(readFileSync(log, 'latin1')).toBe(`${LOG}*`)
  })

  it('must have a folder, and a name', async () => {
    expect(await checkAndSalvage(log, {out: join(folder.path, 'nowhere', 'x')})).toMatchObject({
      failure: {code: 'ENOENT'},
    })
    expect(await checkAndSalvage(log, {out: '-'})).toMatchObject({failure: {name: 'UsageError'}})
  })

  it('is not made for JSON lines, nor for a server', async () => {
    const out = newPlace()
    const bytes = '{"db":0,"key":"a","type":"string","count":1,"value":"b"}\n'
    const found = await checkAndSalvage(folder.write('other', bytes), {out})
    expect(found).toMatchObject({
      failure: {name: 'UsageError', message: expect.stringContaining('mends snapshots and append-only logs')},
    })
    expect(readdirSync(join(out, '..'))).toEqual([])
    const {failure} = await checkAndSalvage('redis://127.0.0.1:1', {out})
    expect(failure).toMatchObject({name: 'UsageError'})
  })

  it('is not made for a log that has forgotten that it is one: the check tells what is wrong', async () => {
    const forgotten = Buffer.concat([SNAPSHOT, Buffer.from(LOG)])
    forgotten[forgotten.indexOf('aof-preamble')]! ^= 1
    const out = newPlace()
    const found = await checkAndSalvage(folder.write('forgotten.aof', forgotten), {out}, {ignoreChecksum: true})
    expect(found).toMatchObject({soundness: {format: 'rdb', errors: 0}, salvageFailure: {code: 'BAD_MAGIC'}})
    expect(String(found.salvageFailure)).toContain('a log whose beginning is damaged')
    expect(await checkAndSalvage(folder.write('forgotten.aof', forgotten), {out})).toMatchObject({
      soundness: {errors: 1},
      salvageFailure: {code: 'BAD_MAGIC'},
    })
    expect(readdirSync(join(out, '..'))).toEqual([])
  })

  it('is not made for what is nothing at all: the check tells', async () => {
    const out = newPlace()
    const found = await checkAndSalvage(folder.write('nothing', `${zeros(50)}${LOG}`), {out})
    expect(found).toMatchObject({soundness: undefined, failure: {code: 'BAD_MAGIC'}})
    expect(readdirSync(join(out, '..'))).toEqual([])
  })

  it('gets what there still is where the log becomes shorter meanwhile', async () => {
    const path = folder.write('shrinking.aof', LOG)
    const out = newPlace()
    const {salvaged} = await checkAndSalvage(path, {out, onOpen: () => writeFileSync(path, LOG.slice(0, 30))})
    expect(readFileSync(out, 'latin1')).toBe(SELECT)
    expect(salvaged!.files[0]).toMatchObject({commandsKept: 1, bytesLost: LOG.length - SELECT.length})
  })

  it('has no file of a folder until it has all of them', async () => {
    const source = logOf({'a.1.incr.aof': LOG, 'a.2.incr.aof': LOG})
    const out = newPlace()
    mkdirSync(out)
    let seen: string[] | undefined
    await salvageLog(source, out, {
      onOpen: () => {
        seen = readdirSync(out)
      },
    })
    expect(seen).toEqual([])
    expect(readdirSync(out).length).toBe(3)
    rmSync(out, {recursive: true})
  })
})
