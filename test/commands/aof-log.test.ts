/** `aof-log` as a process of its own: lines, JSON, the terminal, and exit codes. */
import {execFileSync} from 'node:child_process'
import {closeSync, cpSync, createWriteStream, mkdirSync, openSync, readFileSync, writeSync} from 'node:fs'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {stripVTControlCharacters} from 'node:util'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {widthOf} from '../../src/report/text.js'
import {temporaryFolder} from '../start/folder.js'
import {at, frame, writeLog} from '../start/log.js'
import {RdbFile, text} from '../start/rdb.js'
import {hasTerminal, ROOT, rdbtool, shell, start, terminal} from '../start/run.js'
import {dangerousIn} from '../start/screen.js'

const folder = temporaryFolder()
const bytesOf = (...pieces: string[]): Buffer => Buffer.from(pieces.join(''))
const VALUE_BYTES = 8 * 1024 * 1024
const PEAK_BYTES_MAX = 150 * 1024 * 1024
const ESC = '\u001b'
/** 2026-11-24T15:00:00Z */
const SECONDS = 1_795_532_400

const BASE = new RdbFile('REDIS', 11)
  .aux('redis-ver', '7.2.6')
  .aux('ctime', String(SECONDS - 60))
  .db(0)
  .key(0, 'a', text('1'))
  .end()
/** The key is no text. */
const BINARY = Buffer.concat([
  Buffer.from('*3\r\n$3\r\nset\r\n$2\r\n'),
  Buffer.from([0xff, 0x1b]),
  Buffer.from('\r\n$10\r\n{"a":"é"}\r\n'),
])
const INCR = Buffer.concat([
  bytesOf(at(SECONDS), frame('SELECT', '0'), frame('SET', 'a', 'two words')),
  BINARY,
  bytesOf(at(SECONDS + 1), frame('SELECT', '3')),
  bytesOf(frame('MULTI'), frame('INCR', 'n'), frame('DEL', 'x', ''), frame('EXEC'), frame('FLUSHALL')),
])

const log = writeLog(join(folder.path, 'appendonlydir'), {
  'appendonly.aof.1.base.rdb': BASE,
  'appendonly.aof.1.incr.aof': INCR,
})
const incr = join(log, 'appendonly.aof.1.incr.aof')

const LINES = `appendonly.aof.1.base.rdb       0  2026-11-24T14:59:00Z   -  (snapshot: 1 key, ${BASE.length} B, RDB version 11, redis 7.2.6)
appendonly.aof.1.incr.aof      16  2026-11-24T15:00:00Z   0  SELECT 0
appendonly.aof.1.incr.aof      39  2026-11-24T15:00:00Z   0  SET a "two words"
appendonly.aof.1.incr.aof      74  2026-11-24T15:00:00Z   0  set "\\xff\\x1b" '{"a":"é"}'
appendonly.aof.1.incr.aof     128  2026-11-24T15:00:01Z   3  SELECT 3
appendonly.aof.1.incr.aof     151  2026-11-24T15:00:01Z   3  MULTI
appendonly.aof.1.incr.aof     166  2026-11-24T15:00:01Z   3    INCR n
appendonly.aof.1.incr.aof     187  2026-11-24T15:00:01Z   3    DEL x ""
appendonly.aof.1.incr.aof     213  2026-11-24T15:00:01Z   3  EXEC
appendonly.aof.1.incr.aof     227  2026-11-24T15:00:01Z   3  FLUSHALL
`

describe('aof-log: lines', () => {
  it('are these', async () => {
    expect(await rdbtool(['aof-log', log])).toEqual({code: 0, signal: null, stdout: LINES, stderr: ''})
    expect((await rdbtool(['aof-log', join(log, 'appendonly.aof.manifest')])).stdout).toBe(LINES)
  })

  it('of one file do not name it, from wherever it comes', async () => {
    const lines = LINES.split('\n').slice(1).join('\n').replaceAll('appendonly.aof.1.incr.aof  ', '')
    expect(await rdbtool(['aof-log', incr])).toMatchObject({code: 0, stdout: lines, stderr: ''})
    const env = {F: incr, Z: folder.write('log.gz', gzipSync(INCR))}
    for (const line of ['rdbtool aof-log "$Z"', 'rdbtool aof-log - < "$F"', 'cat "$Z" | rdbtool aof-log -']) {
      expect(await shell(line, {env})).toMatchObject({code: 0, stdout: lines, stderr: ''})
    }
  })

  it('have no times where the log has none', async () => {
    const path = folder.write('untimed.aof', bytesOf(frame('SET', 'a', '1'), frame('DEL', 'a')))
    expect((await rdbtool(['aof-log', path])).stdout).toBe('     0  -   0  SET a 1\n    27  -   0  DEL a\n')
  })

  it('stand under each other where times begin within the log', async () => {
    const path = folder.write('late.aof', bytesOf(frame('SET', 'a', '1'), at(SECONDS), frame('SET', 'b', '1')))
    const env = {F: path, Z: folder.write('late.gz', gzipSync(readFileSync(path)))}
    const wide = `     0  ${'-'.padEnd(20)}   0  SET a 1\n    43  2026-11-24T15:00:00Z   0  SET b 1\n`
    expect((await rdbtool(['aof-log', path])).stdout).toBe(wide)
    expect((await shell('rdbtool aof-log - --tail 5 < "$F"', {env})).stdout).toBe(wide)
    expect((await shell('cat "$F" | rdbtool aof-log -', {env})).stdout).toBe(wide)
    expect((await rdbtool(['aof-log', env.Z])).stdout).toBe(wide)
    const chain = writeLog(join(folder.path, 'late'), {
      ...{'a.1.base.aof': frame('PING'), 'a.1.incr.aof': bytesOf(at(SECONDS), frame('PING'))},
    })
    expect((await rdbtool(['aof-log', chain])).stdout).toBe(
      `a.1.base.aof       0  ${'-'.padEnd(20)}   0  PING\na.1.incr.aof      16  2026-11-24T15:00:00Z   0  PING\n`,
    )
  })

  it('are cut where arguments are long or many, and whole with --full', async () => {
    const long = 'x'.repeat(3000)
    const many = Array.from({length: 2000}, (_, i) => `member:${i}`)
    const path = folder.write('long.aof', bytesOf(frame('SET', 'a', long, 'KEEPTTL'), frame('SADD', 's', ...many)))
    const [set = '', sadd = ''] = (await rdbtool(['aof-log', path])).stdout.split('\n')
    expect(set).toMatch(/ {2}SET a x{200,256}…\(2.93 KiB\) KEEPTTL$/)
    expect(sadd).toMatch(/ {2}SADD s member:0 member:1 .* member:\d+ …\(\d+ more\)$/)
    const shown = sadd.match(/member:\d+/g)!.length
    expect(sadd).toContain(`…(${2000 - shown} more)`)
    expect(sadd.length).toBeLessThan(4200)
    const full = (await rdbtool(['aof-log', path, '--full'])).stdout
    expect(full).toContain(`SET a ${long} KEEPTTL\n`)
    expect(full).toContain(`SADD s ${many.join(' ')}\n`)
  })

  it('are those that were asked for', async () => {
    const of = async (...flags: string[]): Promise<string[]> => {
      const {code, stdout, stderr} = await rdbtool(['aof-log', log, ...flags])
      expect({code, stderr}).toEqual({code: 0, stderr: ''})
      return stdout
        .split('\n')
        .slice(0, -1)
        .map(line => line.slice(60).trim())
    }
    expect(await of('--command', 'flushall', '--command', 'DEL')).toEqual(['DEL x ""', 'FLUSHALL'])
    expect(await of('--match', '\\xff*')).toEqual([`set "\\xff\\x1b" '{"a":"é"}'`, 'FLUSHALL'])
    expect(await of('--match', '[a-x]', '--not-match', 'a')).toEqual(['INCR n', 'DEL x ""', 'FLUSHALL'])
    expect(await of('--db', '3', '--limit', '2')).toEqual(['SELECT 3', 'MULTI'])
    expect(await of('--since', '2026-11-24T15:00:01Z', '--tail', '1')).toEqual(['FLUSHALL'])
    expect(await of('--until', `@${SECONDS}`, '--command', 'SET')).toHaveLength(2)
    expect(await of('--tail', '3')).toEqual(['DEL x ""', 'EXEC', 'FLUSHALL'])
    // Nine commands, and a snapshot, which is none.
    expect(await of('--tail', '100')).toHaveLength(10)
    expect(await of('--tail', '9')).toHaveLength(10)
    expect(await of('--tail', '8')).toHaveLength(8)
    expect(await of('--limit', '9')).toHaveLength(10)
  })
})

describe('aof-log --json', () => {
  it('is one object a line', async () => {
    const {code, stdout, stderr} = await rdbtool(['aof-log', log, '--json'])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(dangerousIn(stdout, '\n')).toEqual([])
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    const [file, time] = ['appendonly.aof.1.incr.aof', '2026-11-24T15:00:01Z']
    expect(lines).toHaveLength(10)
    expect(lines[0]).toEqual({
      ...{file: 'appendonly.aof.1.base.rdb', offset: 0, endOffset: BASE.length, time: '2026-11-24T14:59:00Z'},
      snapshot: {keys: 1, rdbVersion: 11, product: 'redis', serverVersion: '7.2.6'},
    })
    expect(lines[3]).toEqual({
      ...{file, offset: 74, endOffset: 112, time: '2026-11-24T15:00:00Z', db: 0, command: 'set'},
      ...{args: [{base64: '/xs='}, '{"a":"é"}'], inTransaction: false},
    })
    expect(lines[6]).toEqual({
      ...{file, offset: 166, endOffset: 187, time, db: 3, command: 'INCR', args: ['n'], inTransaction: true},
    })
    expect(lines[9]).toEqual({
      ...{file, offset: 227, endOffset: INCR.length, time, db: 3, command: 'FLUSHALL', args: []},
      inTransaction: false,
    })
  })

  it('has whole arguments, and no time where there is none', async () => {
    const value = `${'\u202e'.repeat(50_000)}\0`
    const path = folder.write('huge.aof', bytesOf(frame('SET', 'a', value)))
    const {stdout} = await rdbtool(['aof-log', path, '--json'])
    expect(dangerousIn(stdout, '\n')).toEqual([])
    expect(JSON.parse(stdout)).toMatchObject({file: 'huge.aof', time: null, args: ['a', value]})
  })
})

describe.skipIf(!hasTerminal)('aof-log on a terminal', () => {
  const path = writeLog(join(folder.path, 'wide'), {
    'appendonly.aof.1.base.rdb': BASE,
    'appendonly.aof.12.incr.aof': [
      at(SECONDS),
      ...[frame('SET', '日本語'.repeat(100), '値'.repeat(100)), frame('MSET', ...Array(600).fill('key'))],
      ...[frame('SET', `${ESC}[2J\u202e`.repeat(50), 'x'.repeat(5000)), frame('x'.repeat(500)), frame('PING')],
    ].join(''),
  })

  it.each([80, 120, 160])('of %i columns keeps to them, with titles and colours', async columns => {
    const {code, stdout} = await terminal(`rdbtool aof-log "$F"`, columns, {env: {F: path}})
    expect(code).toBe(0)
    const lines = stripVTControlCharacters(stdout).trimEnd().split('\r\n')
    expect(lines).toHaveLength(7)
    expect(lines[0]).toMatch(/^file +offset {2}time +db {2}command$/)
    expect(lines.at(-1)).toMatch(/^12\.incr\.aof +\d+ {2}2026-11-24T15:00:00Z {3}0 {2}PING$/)
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(columns)
    expect(lines.slice(2, 6).every(line => line.includes('…'))).toBe(true)
    expect(stdout).toContain(`${ESC}[1mPING${ESC}[0m`)
    expect(dangerousIn(stripVTControlCharacters(stdout), '\r\n')).toEqual([])
    // What stands in keys arrives as digits, not as a command to the terminal.
    expect(stdout).not.toContain(`${ESC}[2J`)
  })

  it('has titles above the last lines as well', async () => {
    const {stdout} = await terminal('rdbtool aof-log "$F" --tail 1', 80, {env: {F: path}})
    const lines = stripVTControlCharacters(stdout).trimEnd().split('\r\n')
    expect(lines).toEqual([
      expect.stringMatching(/^file +offset {2}time +db {2}command$/),
      expect.stringMatching(/ PING$/),
    ])
  })

  it('has titles as wide as the times that come later', async () => {
    const F = folder.write('titles.aof', bytesOf(frame('SET', 'a', '1'), at(SECONDS), frame('PING')))
    const {stdout} = await terminal('rdbtool aof-log "$F" --tail 1', 80, {env: {F}})
    expect(stripVTControlCharacters(stdout).trimEnd().split('\r\n')).toEqual([
      `offset  ${'time'.padEnd(20)}  db  command`,
      '    43  2026-11-24T15:00:00Z   0  PING',
    ])
  })

  it('has no colours where they are refused, nor in JSON', async () => {
    const env = {F: path}
    expect((await terminal('NO_COLOR=1 rdbtool aof-log "$F"', 80, {env})).stdout).not.toContain(ESC)
    expect((await terminal('rdbtool aof-log "$F" --json', 80, {env})).stdout).not.toContain(ESC)
  })
})

describe('the log that nobody names', () => {
  it('is the folder here; where there is a file beside it, that is said', async () => {
    const cwd = join(folder.path, 'server')
    cpSync(log, join(cwd, 'appendonlydir'), {recursive: true})
    expect(await rdbtool(['aof-log'], {cwd})).toMatchObject({code: 0, stdout: LINES, stderr: ''})
    cpSync(incr, join(cwd, 'appendonly.aof'))
    const {stdout, stderr} = await rdbtool(['aof-log'], {cwd})
    expect(stdout).toBe(LINES)
    expect(stderr).toBe('appendonlydir is shown: servers load it, and not appendonly.aof beside it\n')
  })

  it('is the file where there is no folder', async () => {
    const cwd = join(folder.path, 'older')
    mkdirSync(cwd)
    cpSync(incr, join(cwd, 'appendonly.aof'))
    const {code, stdout} = await rdbtool(['aof-log', '--tail', '1'], {cwd})
    expect({code, stdout}).toEqual({code: 0, stdout: '   227  2026-11-24T15:00:01Z   3  FLUSHALL\n'})
  })

  it('is missing elsewhere', async () => {
    const cwd = join(folder.path, 'elsewhere')
    mkdirSync(cwd)
    const {code, stderr} = await rdbtool(['aof-log'], {cwd})
    expect(code).toBe(2)
    expect(stderr).toContain('there is no log here, neither appendonlydir/ nor appendonly.aof')
  })
})

describe('aof-log: exit codes', () => {
  const SET = frame('SET', 'a', '1')

  it('3 where the log is damaged, behind what lies before it', async () => {
    const path = folder.write('bad.aof', bytesOf(SET, SET, '*x\r\n'))
    const {code, stdout, stderr} = await rdbtool(['aof-log', path])
    expect({code, lines: stdout.split('\n').length}).toEqual({code: 3, lines: 3})
    expect(stderr).toMatch(/^rdbtool: .*bad\.aof: .* \(BAD_COMMAND\)\n {2}where {2}byte 54\n {2}next /)
    expect((await rdbtool(['aof-log', path, '--tail', '1'])).stdout).toBe('    27  -   0  SET a 1\n')
  })

  it('0 where a crash has left it, and a warning', async () => {
    const path = folder.write('torn.aof', bytesOf(SET, SET.slice(0, 9)))
    const {code, stdout, stderr} = await rdbtool(['aof-log', path])
    expect({code, stdout}).toEqual({code: 0, stdout: '     0  -   0  SET a 1\n'})
    expect(stderr).toBe(
      'warning: the log ends within a command: a server leaves its last 9 bytes out (aof-load-truncated) (byte 27)\n',
    )
  })

  it('2, 4 and 5 as everywhere', async () => {
    expect((await rdbtool(['aof-log', incr, '--tail', '1', '--limit', '1'])).code).toBe(2)
    expect((await rdbtool(['aof-log', incr, '--tail', '0'])).code).toBe(2)
    expect((await rdbtool(['aof-log', incr, '--since', 'noon'])).code).toBe(2)
    expect((await rdbtool(['aof-log', 'redis://127.0.0.1:1'])).code).toBe(2)
    expect((await rdbtool(['aof-log', folder.path])).code).toBe(4)
    expect((await rdbtool(['aof-log', join(folder.path, 'missing.aof')])).code).toBe(5)
  })

  it('0 without a word where the pipe closes', async () => {
    const path = folder.write('many.aof', bytesOf(SET.repeat(200_000)))
    const line = `rdbtool aof-log "$F" | head -1; echo "\${PIPESTATUS[@]}"`
    expect(await shell(line, {env: {F: path}})).toMatchObject({stdout: '      0  -   0  SET a 1\n0 0\n', stderr: ''})
  })
})

describe('aof-log --follow', () => {
  const path = folder.write('followed.aof', INCR)

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise(resolve => setTimeout(resolve, 10))
  }

  it('begins with the last that are there, and ends by a signal between two lines', async () => {
    const {child, finished} = start(['aof-log', path, '--follow', '--tail', '2'])
    let stdout = ''
    child.stdout!.on('data', piece => (stdout += piece))
    await until(() => stdout.includes('FLUSHALL'))
    child.kill('SIGINT')
    const {code, stderr, stdout: all} = await finished
    expect({code, stderr}).toEqual({code: 130, stderr: ''})
    expect(all).toBe('       213  2026-11-24T15:00:01Z   3  EXEC\n       227  2026-11-24T15:00:01Z   3  FLUSHALL\n')
  })

  it('that is interrupted before the last are known shows none, and says so', async () => {
    const fifo = join(folder.path, 'fifo')
    execFileSync('mkfifo', [fifo])
    const {finished, child} = start(['aof-log', fifo, '--tail', '2'])
    const pipe = createWriteStream(fifo)
    pipe.on('error', () => {})
    // A pipe holds less than that: some of it has been read.
    await new Promise(resolve => pipe.write(bytesOf(frame('SET', 'a', '1').repeat(50_000)), resolve))
    child.kill('SIGINT')
    const writing = setInterval(() => pipe.write(frame('PING').repeat(50_000)), 10)
    const {code, stdout, stderr} = await finished
    clearInterval(writing)
    pipe.destroy()
    expect({code, stdout}).toEqual({code: 130, stdout: ''})
    expect(stderr).toMatch(/^interrupted after [\d,]+ commands: which are the last is not known, and none is shown\n$/)
  })

  it('shows what arrives through a pipe as it arrives', async () => {
    const {child, finished} = start(['aof-log', '-'])
    let stdout = ''
    child.stdout!.on('data', piece => (stdout += piece))
    child.stdin!.write(bytesOf(frame('SET', 'a', '1')))
    await until(() => stdout.endsWith('SET a 1\n'))
    child.stdin!.write(bytesOf(frame('SET', 'b', '1')))
    await until(() => stdout.endsWith('SET b 1\n'))
    child.stdin!.end()
    expect(await finished).toMatchObject({code: 0, stderr: ''})
  })

  it('ends without a word where nobody reads any more', async () => {
    const line = `(rdbtool aof-log "$F" --follow; echo $? > "$C") | head -1; cat "$C"`
    const F = folder.write('closed.aof', bytesOf(frame('PING').repeat(100_000)))
    const {stdout, stderr} = await shell(line, {env: {F, C: join(folder.path, 'code')}})
    expect({stdout, stderr}).toEqual({stdout: '         0  -   0  PING\n0\n', stderr: ''})
  })
})

/** A log of long values, each a hole of the file. */
function holes(values: number): string {
  const path = join(folder.path, `holes-${values}.aof`)
  const file = openSync(path, 'w')
  const [head, tail] = [bytesOf(frame('SET', 'a', '').replace('$0\r\n\r\n', `$${VALUE_BYTES}\r\n`)), '\r\n']
  for (let i = 0, end = 0; i < values; i++) {
    writeSync(file, head, 0, head.length, end)
    end += head.length + VALUE_BYTES + tail.length
    writeSync(file, tail, end - tail.length)
  }
  closeSync(file)
  return path
}

it('aof-log keeps nothing of long arguments', async () => {
  const path = holes(100)
  const note = join(folder.path, 'peak')
  const preloaded = pathToFileURL(join(ROOT, 'test/start/peak.js')).href
  const env = {NODE_OPTIONS: `--import=${preloaded}`, RDBTOOL_PEAK: note}
  const {code, stdout} = await rdbtool(['aof-log', path, '--tail', '50'], {env})
  expect({code, lines: stdout.split('\n').length}).toEqual({code: 0, lines: 51})
  expect(stdout).toContain('"…(8.00 MiB)\n')
  expect(Number(readFileSync(note, 'utf8'))).toBeLessThan(PEAK_BYTES_MAX)
})

it('aof-log --json --tail keeps long arguments in a temporary file', async () => {
  const note = join(folder.path, 'peak-json')
  const preloaded = pathToFileURL(join(ROOT, 'test/start/peak.js')).href
  const env = {NODE_OPTIONS: `--import=${preloaded}`, RDBTOOL_PEAK: note, F: holes(12)}
  // Every byte is a zero, which JSON says in six.
  const line = `set -o pipefail; rdbtool aof-log "$F" --json --tail 10 | (sleep 1; wc -lc)`
  const {code, stdout} = await shell(line, {env})
  expect(code).toBe(0)
  expect(stdout.trim().split(/ +/).map(Number)).toEqual([10, expect.any(Number)])
  expect(Number(stdout.trim().split(/ +/)[1])).toBeGreaterThan(10 * 6 * VALUE_BYTES)
  expect(Number(readFileSync(note, 'utf8'))).toBeLessThan(2 * PEAK_BYTES_MAX)
})
