/** `check --salvage` as a process of its own: what it says and writes, and that nothing half-written stays. */
import {mkdtempSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'
import {ROOT, rdbtool, shell, start} from '../start/run.js'

const folder = temporaryFolder()
const newPlace = (): string => join(mkdtempSync(join(folder.path, 'place-')), 'out')

const command = (...args: string[]): string =>
  `*${args.length}\r\n${args.map(one => `$${Buffer.byteLength(one)}\r\n${one}\r\n`).join('')}`
const SET = command('SET', 'a', '1')
const LOG = command('SELECT', '0') + SET + command('MULTI') + SET + command('EXEC')
const DAMAGED = `${LOG}${command('MULTI')}${SET}${'\0'.repeat(64)}${command('EXEC')}${SET.repeat(5)}`
const torn = folder.write('torn.aof', `${LOG}*3\r\n$3`)
const damaged = folder.write('damaged.aof', DAMAGED)

const REPORT = `
salvaged    OUT: a server starts from it
kept        5 commands, 106 B
lost        255 bytes, 8 commands among them
next        --past-damage keeps 5 commands more that are whole behind damage (135 B)

at byte  bytes  commands  lost
    106     42         2  half a transaction
    148     64         0  zero bytes
    212     14         1  half a transaction
    226    135         5  whole, behind damage
`

describe('check --salvage', () => {
  it('says what it has written, and what is lost', async () => {
    const out = newPlace()
    const {code, stdout, stderr} = await rdbtool(['check', damaged, '--salvage', out])
    expect({code, stderr}).toEqual({code: 1, stderr: ''})
    expect(stdout.replaceAll(out, 'OUT')).toContain(REPORT)
    // What is to be done has been done.
    expect(stdout).not.toContain('copy the log before anything else')
    expect(readFileSync(out, 'latin1')).toBe(LOG)
  })

  it('says of a snapshot at the beginning what is lost of it, and ends with 1 where its reader was lost', async () => {
    const file = new RdbFile('REDIS', 10).op(0xfa, str('aof-preamble'), 0xc0, 1).db(0)
    for (let i = 0; i < 60; i++) file.key(0, `user:${1000 + i}`, text(`value of ${i}`))
    const bytes = Buffer.from(file.end())
    const at = bytes.indexOf('user:1030') - 2
    bytes.fill(0x75, at, at + 40)
    const log = folder.write('mended.aof', Buffer.concat([bytes, Buffer.from(LOG)]))
    const out = newPlace()
    const {code, stdout, stderr} = await rdbtool(['check', log, '--salvage', out])
    expect({code, stderr}).toEqual({code: 1, stderr: ''})
    const [, lost] = /^lost +(\d+) bytes$/m.exec(stdout)!
    expect(stdout).toMatch(
      new RegExp(`^snapshot +is damaged: 5\\d keys of it are saved, ${lost} bytes in 1 places? lost$`, 'm'),
    )
    expect(readFileSync(out, 'latin1').endsWith(LOG)).toBe(true)
  })

  it('keeps what is behind damage', async () => {
    const out = newPlace()
    const {code, stdout} = await rdbtool(['check', damaged, '--salvage', out, '--past-damage', '--json'])
    expect(code).toBe(1)
    expect(readFileSync(out, 'latin1')).toBe(LOG + SET.repeat(5))
    const {salvage, ok} = JSON.parse(stdout)
    expect({ok, ...salvage}).toMatchObject({ok: false, out, starts: true, commandsKept: 10, commandsLost: 3})
    expect(salvage.bytesKept + salvage.bytesLost).toBe(DAMAGED.length)
    expect(salvage.files).toHaveLength(1)
    expect(salvage.files[0]).toEqual({
      ...{name: 'damaged.aof', type: 'base', missing: false, bytes: DAMAGED.length, snapshotBytes: 0, bytesAdded: 0},
      checksumDropped: false,
      ...{bytesKept: 241, bytesLost: 120, commandsKept: 10, commandsLost: 3, unknownCommands: 0, databaseAssumed: 0},
      lost: [
        {offset: 106, bytes: 42, commands: 2, reason: 'transaction'},
        {offset: 148, bytes: 64, commands: 0, reason: 'zeros'},
        {offset: 212, bytes: 14, commands: 1, reason: 'transaction'},
      ],
      pastDamage: {offset: 226, bytes: 135, commands: 5, kept: true},
    })
  })

  it('of a sound log is a copy, and of one that others read over too', async () => {
    const out = newPlace()
    const {code, stdout} = await rdbtool(['check', folder.write('sound.aof', LOG), '--salvage', out])
    expect(code).toBe(0)
    expect(stdout).toContain('kept        5 commands, 106 B\nlost        nothing\n')
    expect(readFileSync(out, 'latin1')).toBe(LOG)
  })

  it.each([
    ['as it is', (bytes: Buffer) => bytes],
    ['compressed', gzipSync],
  ])('from standard input, %s', async (_, pack) => {
    const out = newPlace()
    const {code, stdout} = await rdbtool(['check', '-', '--salvage', out], {input: pack(readFileSync(torn))})
    expect(code).toBe(1)
    expect(stdout).toContain('standard input: NOT OK: 1 error\n')
    expect(stdout).toContain('cuts 6 bytes off standard input and starts')
    expect(readFileSync(out, 'latin1')).toBe(LOG)
    expect(readdirSync(join(out, '..'))).toEqual(['out'])
  })

  it('from a pipe that has a name', async () => {
    const out = newPlace()
    const {code} = await shell('rdbtool check <(cat "$F") --salvage "$O"', {env: {F: torn, O: out}})
    expect(code).toBe(1)
    expect(readFileSync(out, 'latin1')).toBe(LOG)
  })

  it('is told of where a log is torn or damaged, from standard input too', async () => {
    for (const path of [torn, damaged]) {
      const answers = [
        await rdbtool(['check', path]),
        await rdbtool(['check', '-'], {input: readFileSync(path)}),
        await shell('rdbtool check - < "$F"', {env: {F: path}}),
      ]
      for (const {stdout} of answers) expect(stdout).toContain('--salvage OUT')
    }
  })
})

describe('check --salvage: exit codes', () => {
  const taken = folder.write('taken', 'mine')
  const lines = folder.write('lines.jsonl', '{"db":0,"key":"a","type":"string","count":1,"value":"b"}\n')
  it.each([
    ['a name that is taken', [torn, '--salvage', taken], 2],
    ['the log itself', [torn, '--salvage', torn, '--force'], 2],
    ['what is neither a log nor a snapshot', [lines, '--salvage', join(folder.path, 'x')], 2],
    ['a server', ['redis://127.0.0.1:1', '--salvage', join(folder.path, 'x')], 2],
    ['standard output', [torn, '--salvage', '-'], 2],
    ['--past-damage alone', [torn, '--past-damage'], 2],
    ['--only-creates', [torn, '--salvage', join(folder.path, 'x'), '--only-creates'], 2],
    ['a folder that is not there', [torn, '--salvage', join(folder.path, 'no', 'x')], 5],
    ['a log that is not there', [join(folder.path, 'none.aof'), '--salvage', join(folder.path, 'x')], 5],
  ])('%s: %#', async (_, args, expected) => {
    const before = readdirSync(folder.path)
    const {code, stdout, stderr} = await rdbtool(['check', ...args])
    expect({code, stdout}).toEqual({code: expected, stdout: ''})
    expect(stderr).toMatch(/^rdbtool: /)
    expect(readdirSync(folder.path)).toEqual(before)
    expect(readFileSync(taken, 'utf8')).toBe('mine')
  })

  it('5 names the folder that is not there, not the log that is', async () => {
    const {code, stderr} = await rdbtool(['check', torn, '--salvage', join(folder.path, 'no', 'x')])
    expect({code, first: stderr.split('\n')[0]}).toEqual({
      ...{code: 5, first: `rdbtool: ${join(folder.path, 'no')}: there is no such file (ENOENT)`},
    })
  })

  it('3 where a base cannot be had: the check is told, and why nothing was written', async () => {
    const log = mkdtempSync(join(folder.path, 'log-'))
    const name = log.slice(folder.path.length + 1)
    folder.write(`${name}/a.manifest`, 'file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i\n')
    folder.write(`${name}/a.1.incr.aof`, LOG)
    const out = newPlace()
    const {code, stdout, stderr} = await rdbtool(['check', log, '--salvage', out])
    expect(code).toBe(3)
    expect(stdout).toContain('MISSING_FILE')
    expect(stderr).toContain('the base of this log, a.1.base.rdb, is not there: nothing was written')
    expect(stderr).toContain('next   restore it from a backup; --past-damage')
    const json = JSON.parse((await rdbtool(['check', log, '--salvage', out, '--json'])).stdout)
    expect(json).toMatchObject({ok: false, salvage: {error: {code: 'BAD_MANIFEST', file: 'a.1.base.rdb'}}})
    expect(readdirSync(join(out, '..'))).toEqual([])
  })
})

describe('check --salvage: nothing half-written stays', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s while it reads', async (signal, expected) => {
    const out = newPlace()
    const {child, finished} = start(['check', '-', '--salvage', out])
    child.stdin!.on('error', () => {})
    child.stdin!.write(LOG)
    // A temporary file beside the new name: all that there is.
    while (readdirSync(join(out, '..')).length === 0) await sleep(10)
    child.kill(signal)
    expect(await finished).toMatchObject({code: expected, stdout: '', stderr: ''})
    expect(readdirSync(join(out, '..'))).toEqual([])
  })

  it.each([
    ['a file', folder.write('large.aof', LOG + command('SET', 'a', 'x'.repeat(2_000_000)) + '*')],
    ['standard input', '-'],
  ])('where no more can be written, %s', async (_, source) => {
    const out = newPlace()
    const line = `trap '' XFSZ; ulimit -f 1000; rdbtool check "$F" --salvage "$O" < "$L"`
    const large = join(folder.path, 'large.aof')
    const {code, stderr} = await shell(line, {env: {F: source, O: out, L: large}})
    expect({code, stderr}).toMatchObject({code: 5, stderr: expect.stringContaining('EFBIG')})
    expect(readdirSync(join(out, '..'))).toEqual([])
  })
})

describe('check --salvage of a snapshot', () => {
  const sound = readFileSync(join(ROOT, 'fixtures/rdb/cluster-v11.rdb'))
  const file = new RdbFile('REDIS', 10).aux('redis-ver', '7.0.15').db(0).sizes(40, 0)
  for (let i = 0; i < 40; i++) file.key(0, `user:${1000 + i}`, text(`value ${i}`))
  const whole = file.end()
  const hurt = Buffer.from(whole)
  hurt.fill(0, hurt.indexOf('user:1020') - 2, hurt.indexOf('user:1022') - 2)
  const path = folder.write('hurt.rdb', hurt)

  it('1, and what is lost, where some of it is', async () => {
    const out = newPlace()
    const {code, stdout, stderr} = await rdbtool(['check', path, '--salvage', out])
    expect({code, stderr}).toEqual({code: 1, stderr: ''})
    const report = stdout.slice(stdout.indexOf('salvaged')).replaceAll(out, 'OUT')
    expect(report).toBe(`salvaged    OUT: a sound snapshot
kept        37 keys, 805 B
lost        60 bytes in 1 place
note        beside what is lost, bytes of values may be others than they were, which nobody can tell

at byte  bytes  last key   next key   lost
    402     60  user:1018  user:1022  nothing but zero bytes stands here
`)
    const again = await rdbtool(['check', out])
    expect(again).toMatchObject({code: 0, stderr: ''})
  })

  it('the same as data, from standard input too', async () => {
    for (const [name, input] of [
      [path, undefined],
      ['-', hurt],
    ] as const) {
      const out = newPlace()
      const {code, stdout} = await rdbtool(['check', name, '--salvage', out, '--json'], {input})
      expect(code).toBe(1)
      const {salvage} = JSON.parse(stdout) as {salvage: Record<string, unknown>}
      expect(salvage).toMatchObject({
        ...{out, sound: true, keys: 37, losses: 1, duplicates: 0, endFound: true, uncertainDbKeys: 0},
        lost: [{before: {db: 0, key: 'user:1018'}, after: {db: 0, key: 'user:1022'}, code: 'ZEROS'}],
      })
    }
  })

  it('0 where nothing is lost', async () => {
    const out = newPlace()
    const {code, stdout} = await rdbtool(['check', folder.write('sound.rdb', sound), '--salvage', out])
    expect(code).toBe(0)
    expect(stdout).toMatch(/salvaged .*: a sound snapshot\n.*\nlost +nothing\n/)
  })

  it('3 where nothing can be saved, and nothing is written', async () => {
    const out = newPlace()
    const bytes = Buffer.concat([whole.subarray(0, 9), Buffer.alloc(999)])
    const {code, stderr} = await rdbtool(['check', folder.write('nothing.rdb', bytes), '--salvage', out])
    expect(code).toBe(3)
    expect(stderr).toContain('no entry of it can be saved: nothing was written')
    expect(readdirSync(join(out, '..'))).toEqual([])
  })
})
