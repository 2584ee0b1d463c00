/** aof-rewrite and the logs of build, as they are typed. */
import {existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {hex, str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {at, frame, sets, writeLog} from '../start/log.js'
import {RdbFile, text} from '../start/rdb.js'
import {type Finished, rdbtool, type StartOptions, shell} from '../start/run.js'

const folder = temporaryFolder()
const newFolder = (): string => mkdtempSync(join(folder.path, 'typed-'))
const INCR = 'appendonly.aof.1.incr.aof'
const BASE = 'appendonly.aof.1.base.rdb'
const T0 = 1_700_000_000
const COMMANDS = at(T0) + sets('a', 'b') + at(T0 + 60) + frame('FLUSHALL') + at(T0 + 120) + sets('c')

function snapshot(): Buffer {
  return new RdbFile('REDIS', 10).op(0xfa, str('aof-base'), hex(0xc0, 1)).db(0).key(0, 'base', text('v')).end()
}

/** A folder with a log in it. */
function withLog(commands = COMMANDS): string {
  const dir = newFolder()
  writeLog(join(dir, 'appendonlydir'), {[BASE]: snapshot(), [INCR]: commands})
  return dir
}

const rewrite = (cwd: string, ...args: string[]): Promise<Finished> => rdbtool(['aof-rewrite', ...args], {cwd})
const keys = async (cwd: string, path: string): Promise<string> => {
  const {code, stdout} = await rdbtool(['dump', path, '--format', 'keys', '--quiet'], {cwd})
  expect(code).toBe(0)
  return stdout.trim().replaceAll('\n', ' ')
}

describe('aof-rewrite', () => {
  it('takes the folder that lies here, and tells what became of it', async () => {
    const cwd = withLog()
    const {code, stdout, stderr} = await rewrite(cwd)
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(stdout.replace(/\d+ B \(/, 'N B (').replace(/[\d.]+ %/, 'P %')).toBe(`appendonlydir.rewritten
base      ${BASE}: a snapshot, Redis RDB version 10
commands  4
keys      1
size      ${statSync(join(cwd, 'appendonlydir', BASE)).size + COMMANDS.length} B before, ${sizeOf(cwd, 'appendonlydir.rewritten')} B now (P %)
up to     2023-11-14T22:15:20Z
`)
    expect(await keys(cwd, 'appendonlydir.rewritten')).toBe('c')
  })

  it('says which it takes where a file lies here as well', async () => {
    const cwd = withLog()
    writeFileSync(join(cwd, 'appendonly.aof'), sets('other'))
    const {code, stderr} = await rewrite(cwd)
    expect(code).toBe(0)
    expect(stderr).toContain('warning: appendonly.aof is there too')
  })

  it('refuses where none lies here', async () => {
    expect(await rewrite(newFolder())).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('no log here'),
    })
  })

  it('--json has names that are a contract', async () => {
    const cwd = withLog()
    const {stdout} = await rewrite(cwd, '--json', '--before-command', 'flushall')
    const offset = COMMANDS.indexOf(frame('FLUSHALL'))
    const leftOut = COMMANDS.length - offset
    expect(JSON.parse(stdout)).toEqual({
      ...{
        commands: 2,
        keys: 3,
        bytesIn: expect.any(Number),
        bytesOut: expect.any(Number),
        out: 'appendonlydir.rewritten',
      },
      ...{truncatedBytes: leftOut, target: 'Redis RDB version 10', form: 'folder', base: 'snapshot'},
      ...{files: [BASE, INCR, 'appendonly.aof.manifest'], errors: 0, unsupported: 0, dropped: 0},
      ...{cut: {file: INCR, offset, leftOut}, lastTimestamp: T0 + 60, lost: [], notes: []},
      warnings: [
        {
          ...{source: 'appendonlydir', code: 'LOG_CUT', severity: 'warning', file: INCR, offset},
          text: `the log is read up to here, as asked: ${leftOut} bytes behind it are left out`,
        },
      ],
    })
  })

  it.each([
    [['--until', '2023-11-14T22:13:59Z'], 'base a b'],
    [['--until', '@1700000060'], ''],
    [['--until-offset', `${INCR}:${COMMANDS.indexOf(frame('SET', 'b', '1'))}`], 'base a'],
    [['--before-command', 'SET:last'], ''],
    [['--before-command', 'SET', '--match', 'b'], 'base a'],
    [['--drop-command', 'FLUSHALL'], 'base a b c'],
    [['--drop-command', 'FLUSHALL', '--drop-command', 'SET:2'], 'base a c'],
  ])('%j leaves %j', async (args, expected) => {
    const cwd = withLog()
    expect(await rewrite(cwd, ...args)).toMatchObject({code: 0})
    expect(await keys(cwd, 'appendonlydir.rewritten')).toBe(expected)
  })

  it.each([
    [['--until', 'soon'], 'is no time'],
    [['--until', '@1', '--until-offset', '3'], 'a log ends once'],
    [['--until-offset', 'x:y'], 'is no place in a log'],
    [['--before-command', 'SET'], 'the log has 3 commands SET: say which'],
    [['--before-command', 'GETDEL'], 'there is no command GETDEL in the log'],
    [['--match', 'a'], 'keys of which commands'],
    [['--drop-command', 'SELECT'], 'cannot be left out'],
    [['--target', 'redis-6.2', '--in-place'], 'keeps its form'],
    [['--out', 'x', '--in-place'], 'no other place'],
    [['dump.rdb'], 'is no append-only log'],
  ])('%j is refused, and nothing is written', async (args, message) => {
    const cwd = withLog()
    writeFileSync(join(cwd, 'dump.rdb'), snapshot())
    const {code, stdout, stderr} = await rewrite(cwd, ...args)
    expect({code, stdout}).toEqual({code: 2, stdout: ''})
    expect(stderr).toContain(message)
    expect(readdirSync(cwd).sort()).toEqual(['appendonlydir', 'dump.rdb'])
  })

  it('of a damaged log, or one that cannot be replayed, writes nothing', async () => {
    const damaged = withLog(`${sets('a')}\0\0\0`)
    expect(await rewrite(damaged)).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining(`where  ${INCR}, byte 27`),
    })
    const script = withLog(frame('EVAL', 'return 1', '0'))
    expect(await rewrite(script)).toMatchObject({code: 4, stdout: ''})
    for (const cwd of [damaged, script]) expect(readdirSync(cwd)).toEqual(['appendonlydir'])
    expect(await rewrite(script, '--skip-unsupported')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('1 cannot be replayed'),
    })
  })

  it('with the disk full writes nothing, in its place and beside it', async () => {
    const cwd = withLog(Array.from({length: 3000}, (_, i) => frame('SET', `key:${i}`, 'v'.repeat(99))).join(''))
    for (const args of ['', '--in-place', '--no-preamble']) {
      const line = `trap "" XFSZ; ulimit -f 16; rdbtool aof-rewrite ${args}`
      expect(await shell(line, {cwd})).toMatchObject({code: 5, stdout: ''})
      expect(readdirSync(cwd)).toEqual(['appendonlydir'])
      expect(readdirSync(join(cwd, 'appendonlydir')).sort()).toEqual([BASE, INCR, 'appendonly.aof.manifest'])
    }
  })

  it.each(['INT', 'TERM'])('on SIG%s leaves nothing behind', async signal => {
    const cwd = withLog(
      Array.from({length: 60_000}, (_, i) => frame('ZADD', `key:${i % 999}`, `${i}`, `m${i}`)).join(''),
    )
    const line = `"$NODE" "$BIN" aof-rewrite --in-place & sleep 0.8; kill -${signal} $!; wait $!; echo "ended $?"`
    const {stdout} = await shell(line, {cwd})
    // Whichever comes first; there must be nothing in between.
    if (/ended 0/.test(stdout)) expect(readdirSync(cwd)).toHaveLength(2)
    else {
      expect(stdout).toContain(`ended ${signal === 'INT' ? 130 : 143}`)
      expect(readdirSync(cwd)).toEqual(['appendonlydir'])
      expect(readdirSync(join(cwd, 'appendonlydir')).sort()).toEqual([BASE, INCR, 'appendonly.aof.manifest'])
    }
  })
})

function sizeOf(cwd: string, path: string): number {
  return statSync(join(cwd, path, BASE)).size
}

describe('build', () => {
  const build = (cwd: string, args: string[], options: StartOptions = {}): Promise<Finished> =>
    rdbtool(['build', ...args], {cwd, ...options})

  function withSnapshot(): string {
    const cwd = newFolder()
    writeFileSync(join(cwd, 'dump.rdb'), snapshot())
    return cwd
  }

  it.each([
    [['dump.rdb', '--out', 'appendonlydir/'], 'appendonlydir', BASE],
    [['dump.rdb', '--out', 'log', '--format', 'aof', '--no-preamble'], 'log', 'appendonly.aof.1.base.aof'],
    [['-', '--out', 'log/', '--target', 'valkey-9.1'], 'log', BASE],
  ])('%j makes a folder', async (args, out, base) => {
    const cwd = withSnapshot()
    expect(await build(cwd, args, args[0] === '-' ? {input: snapshot()} : {})).toMatchObject({code: 0})
    expect(readdirSync(join(cwd, out)).sort()).toEqual([base, INCR, 'appendonly.aof.manifest'])
    expect(await keys(cwd, out)).toBe('base')
  })

  it('makes one file for older servers', async () => {
    const cwd = withSnapshot()
    expect(await build(cwd, ['dump.rdb', '--out', 'a.aof', '--format', 'aof', '--target', 'redis-6.2'])).toMatchObject({
      code: 0,
    })
    expect(readFileSync(join(cwd, 'a.aof'), 'latin1')).toMatch(/^REDIS0009/)
    expect(await build(cwd, ['dump.rdb', '--out', 'b.aof', '--format', 'aof', '--target', 'redis-3.2'])).toMatchObject({
      code: 0,
    })
    expect(readFileSync(join(cwd, 'b.aof'), 'latin1')).toBe(frame('SELECT', '0') + frame('SET', 'base', 'v'))
  })

  it('takes a log up to a moment, and the keys that are selected of it', async () => {
    const cwd = withLog()
    const args = ['appendonlydir', '--out', 'x.rdb', '--before-command', 'SET', '--command-match', 'c', '--match', 'b*']
    expect(await build(cwd, args)).toMatchObject({code: 0})
    expect(await keys(cwd, 'x.rdb')).toBe('')
    const before = ['appendonlydir', '--out', 'y.rdb', '--before-command', 'FLUSHALL', '--match', 'b*']
    expect(await build(cwd, before)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('the log is read up to here'),
    })
    expect(await keys(cwd, 'y.rdb')).toBe('base b')
  })

  it.each([
    [['dump.rdb', '--out', 'log/', '--target', 'redis-6.2'], 'keeps its log in one file'],
    [['dump.rdb', '--out', 'log/', '--format', 'rdb'], 'is a folder'],
    [['dump.rdb', '--out', 'x.rdb', '--no-preamble'], 'say --format aof'],
    [['dump.rdb', '--out', '-', '--format', 'aof'], 'does not go to standard output'],
    [['dump.rdb', '--out', 'x.rdb', '--until', '@1'], 'only of a log'],
    [['dump.rdb', 'dump.rdb', '--out', 'x.rdb', '--until', '@1'], 'of one log'],
    [
      ['dump.rdb', '--out', 'x.aof', '--format', 'aof', '--target', 'redis-3.2', '--preamble'],
      'cannot begin with a snapshot',
    ],
  ])('%j is refused, and nothing is written', async (args, message) => {
    const cwd = withSnapshot()
    const {code, stderr} = await build(cwd, args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(readdirSync(cwd)).toEqual(['dump.rdb'])
    expect(existsSync(join(cwd, 'log'))).toBe(false)
  })
})
