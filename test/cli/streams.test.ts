/** Pipes that close early, signals, and what reaches a terminal that is none. */
import {readFileSync, rmSync, truncateSync} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import {describe, expect, it} from 'vitest'
import {be, hex} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf, RdbFile, text} from '../start/rdb.js'
import {ROOT, rdbtool, shell, start} from '../start/run.js'
import {dangerousIn} from '../start/screen.js'

const folder = temporaryFolder()
/** Prints the exit codes of a pipe's parts. */
const STATUSES = `echo "\${PIPESTATUS[@]}"`
const good = join(ROOT, 'fixtures/rdb/cluster-v10.rdb')

describe('standard output that closes early', () => {
  // More than a pipe holds, so that the writer meets the closed end.
  const many = folder.write(
    'many.rdb',
    fileOf(Array.from({length: 20_000}, (_, at) => `a rather long key of number ${at}`)),
  )

  it.each([
    ['text', '--top 20000'],
    ['JSON', '--top 20000 --json'],
  ])('ends a run without a word: %s', async (_, flags) => {
    const line = `rdbtool inspect "$F" ${flags} | head -1; ${STATUSES}`
    const {stdout, stderr} = await shell(line, {env: {F: many}})
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(lines[1]).toBe('0 0')
    expect(stderr).toBe('')
  })

  it('even when nobody reads a byte', async () => {
    const {stdout, stderr} = await shell(`rdbtool inspect "$F" --top 20000 | true; ${STATUSES}`, {
      env: {F: many},
    })
    expect({stdout, stderr}).toEqual({stdout: '0 0\n', stderr: ''})
  })

  it('does not hide damage', async () => {
    const cut = folder.write('cut.rdb', readFileSync(good).subarray(0, 300))
    const {stdout} = await shell(`rdbtool inspect "$F" 2> /dev/null | true; ${STATUSES}`, {env: {F: cut}})
    expect(stdout).toBe('3 0\n')
  })

  it('nor does a closed standard error', async () => {
    const cut = folder.write('cut2.rdb', readFileSync(good).subarray(0, 300))
    const {stdout, code} = await shell('rdbtool inspect "$F" 2>&-', {env: {F: cut}})
    expect(code).toBe(3)
    expect(stdout).toContain('checksum  not reached')
  })
})

describe('standard input', () => {
  it('that closes early is a truncated file', async () => {
    const {code, stderr} = await shell('head -c 300 "$F" | rdbtool inspect -', {env: {F: good}})
    expect(code).toBe(3)
    expect(stderr).toMatch(/^rdbtool: standard input: the input ends here.* \(TRUNCATED\)\n {2}where {2}byte 300/)
  })

  it('without a byte is empty', async () => {
    const {code, stderr} = await rdbtool(['inspect', '-'], {input: ''})
    expect(code).toBe(3)
    expect(stderr).toContain('rdbtool: standard input: the input is empty (EMPTY_INPUT)')
  })

  it('is not waited for once the file in it has ended', async () => {
    const {child, finished} = start(['inspect', '-'])
    child.stdin!.on('error', () => {})
    child.stdin!.write(readFileSync(good))
    expect(await finished).toMatchObject({code: 0, stderr: ''})
  })

  it('may arrive in pieces', async () => {
    const {child, finished} = start(['inspect', '-', '--json'])
    const bytes = readFileSync(good)
    for (let at = 0; at < bytes.length; at += 100) {
      child.stdin!.write(bytes.subarray(at, at + 100))
      await sleep(5)
    }
    child.stdin!.end()
    const {code, stdout} = await finished
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({keys: 49, checksum: 'ok', bytes: bytes.length})
  })
})

describe('a signal while reading without end', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends the run with %d, and no word', async (signal, expected) => {
    const {child, finished} = start(['inspect', '-'])
    child.stdin!.on('error', () => {})
    // A string that never ends.
    child.stdin!.write(
      Buffer.concat([Buffer.from('REDIS0010'), Buffer.from([0, 1, 0x6b, 0x80, 0x7f, 0xff, 0xff, 0xff])]),
    )
    const piece = Buffer.alloc(64 * 1024, 0x78)
    let written = 0
    const feed = (): void => {
      child.stdin!.write(piece, error => {
        written += piece.length
        if (error == null && !child.killed) feed()
      })
    }
    feed()
    // More than pipe buffers hold: the program is in the midst of reading.
    while (written < 1024 * 1024) await sleep(10)
    child.kill(signal)
    const {code, stdout, stderr} = await finished
    expect({code, stdout, stderr}).toEqual({code: expected, stdout: '', stderr: ''})
  })
})

describe('a signal while reading a file', () => {
  it.each([
    ['inspect', 'SIGINT', 130],
    ['inspect', 'SIGTERM', 143],
    // Two threads read.
    ['diff', 'SIGINT', 130],
    ['diff', 'SIGTERM', 143],
  ] as const)('%s: %s ends the run with %d', async (command, signal, expected) => {
    // One string of 100 GB, all of it a hole: no disk is needed, and no machine is through with it soon.
    const path = folder.write(
      `hole-${signal}.rdb`,
      Buffer.concat([Buffer.from('REDIS0010'), hex(0, 1, 0x6b, 0x81, be(8, 1e11))]),
    )
    truncateSync(path, 1e11 + 30)
    const {child, finished} = start(command === 'diff' ? ['diff', path, path, '--threads', '2'] : [command, path])
    await sleep(1500)
    const killedAt = Date.now()
    child.kill(signal)
    expect(await finished).toEqual({code: expected, signal: null, stdout: '', stderr: ''})
    expect(Date.now() - killedAt).toBeLessThan(5000)
    rmSync(path)
  })
})

describe('what keys and names hold', () => {
  const nasty = [
    '\u001b[31mred\u001b[0m',
    '\u001b]0;title\u0007',
    '\u009b31m',
    'line\nbreak\r\ttab\u0000',
    '\u202egnp.exe',
    '\u2066isolate\u2069',
    'del\u007f',
    'back\\slash',
  ].map(key => Buffer.from(key))
  const invalid = [Buffer.from('ff00fe', 'hex'), Buffer.from('c31b5b324a', 'hex')]
  const file = new RdbFile('REDIS', 10)
    .aux('redis-ver', '7.0\u001b[31m')
    .aux('redis-bits', '64\u202e')
    .aux('\u001b[2Jname', 'value\u009b')
    .function('#!lua name=\u001b[31mred\u202e\nreturn 1')
    .db(0)
  for (const key of [...nasty, ...invalid]) file.key(0, key, text('v'))
  const path = folder.write('nasty\u001b[31m.rdb', file.end())

  it('never reaches the screen raw, in text', async () => {
    const {code, stdout} = await rdbtool(['inspect', path])
    expect(code).toBe(0)
    expect(dangerousIn(stdout, '\n')).toEqual([])
    expect(stdout).toContain('\\x1b[31mred\\x1b[0m\n')
    expect(stdout).toContain('line\\x0abreak\\x0d\\x09tab\\x00\n')
    expect(stdout).toContain('\\xe2\\x80\\xaegnp.exe\n')
    expect(stdout).toContain('\\xff\\x00\\xfe\n')
    expect(stdout).toContain('\\xc3\\x1b[2J\n')
    expect(stdout).toContain('back\\\\slash\n')
  })

  it('nor in JSON, where it is exact', async () => {
    const {code, stdout} = await rdbtool(['inspect', path, '--json'])
    expect(code).toBe(0)
    expect(dangerousIn(stdout, '\n')).toEqual([])
    const keys = JSON.parse(stdout).biggest.map(({key}: {key: string | {base64: string}}) =>
      typeof key === 'string' ? Buffer.from(key).toString('hex') : Buffer.from(key.base64, 'base64').toString('hex'),
    )
    expect(keys.sort()).toEqual([...nasty, ...invalid].map(key => key.toString('hex')).sort())
  })
})
