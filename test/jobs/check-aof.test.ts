/** What check finds in append-only logs, and that it finds nothing in those that servers wrote. */
import {cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {describe, expect, it} from 'vitest'
import {check} from '../../src/jobs/check.js'
import type {Check} from '../../src/jobs/check-options.js'
import {problemsJson} from '../../src/report/problems-json.js'
import {unpackFolder} from '../fixtures/aof-folder.js'
import {temporaryFolder} from '../start/folder.js'

const ROOT = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))
const folder = temporaryFolder()
const newFolder = (): string => mkdtempSync(join(folder.path, 'log-'))

const command = (...args: string[]): string =>
  `*${args.length}\r\n${args.map(one => `$${Buffer.byteLength(one)}\r\n${one}\r\n`).join('')}`
const SET = command('SET', 'a', '1')
const MULTI = command('MULTI')
const EXEC = command('EXEC')

const codesOf = ({soundness}: Check): string[] =>
  soundness!.problems.map(({code, severity}) => code + (severity === 'warning' ? '?' : ''))

/** A log of the given files; `null`: it is named and not there. */
function logOf(files: readonly (string | null)[], manifest?: string): string {
  const dir = newFolder()
  const names = files.map((_, at) => `a.${at + 1}.incr.aof`)
  for (const [at, text] of files.entries()) if (text !== null) writeFileSync(join(dir, names[at]!), text)
  const lines = names.map((name, at) => `file ${name} seq ${at + 1} type i\n`)
  writeFileSync(join(dir, 'a.manifest'), manifest ?? lines.join(''))
  return dir
}

describe('logs that servers wrote', () => {
  it.each(readdirSync(ROOT))('%s is sound, and all its commands are known', async file => {
    const dir = newFolder()
    const {files} = JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
    unpackFolder(files, dir)
    const inner = readdirSync(dir).includes('appendonlydir') ? 'appendonlydir' : 'appendonly.aof'
    const {soundness, failure} = await check(join(dir, inner))
    expect(failure).toBeUndefined()
    expect(soundness).toMatchObject({format: 'aof', errors: 0, problems: [], log: {outcome: 'starts'}})
    // A command a line in the fixture; the snapshot is one piece, and no command; timestamps begin with #.
    const lines = Object.entries(files).flatMap(([path, lines]) => (/manifest$/.test(path) ? [] : [lines].flat()))
    const commands = lines.filter(line => typeof line === 'string' && line.startsWith('*')).length
    const read = soundness!.log!.files.reduce((sum, one) => sum + one.commands, 0)
    if (lines.every(line => typeof line === 'string' && /^[*#]/.test(line))) expect(read).toBe(commands)
    expect(soundness!.bytes).toBe(soundness!.inputBytes)
  })
})

describe.each([
  ['a file that is not there', [SET, null, SET], ['MISSING_FILE'], 'refuses', 0],
  ['a torn last file', [SET, SET + SET.slice(0, -1)], ['LOG_TORN'], 'truncates', SET.length - 1],
  ['a torn file before another', [SET + SET.slice(0, 9), SET], ['LOG_TORN'], 'refuses', 0],
  ['two torn files', [SET.slice(0, 9), SET.slice(0, 9)], ['LOG_TORN', 'LOG_TORN'], 'refuses', 0],
  ['a transaction without EXEC', [SET + MULTI + SET], ['LOG_TORN'], 'truncates', (MULTI + SET).length],
  [
    'a torn command in a transaction',
    [SET + MULTI + SET + SET.slice(0, 5)],
    ...[['LOG_TORN'], 'truncates', (MULTI + SET).length + 5],
  ],
  [
    'a transaction that goes on in another file',
    [MULTI + SET, SET + EXEC],
    ['LOG_TORN', 'BAD_TRANSACTION?'],
    'refuses',
    0,
  ],
  ['a torn annotation', [`${SET}#TS:17`], ['LOG_TORN?'], 'starts', 0],
  ['zeros between commands', [`${SET}\0\0${SET}`, SET], ['BAD_COMMAND'], 'refuses', 0],
  ['zeros at the end', [SET, `${SET}\0\0\0`], ['BAD_COMMAND'], 'refuses', 0],
  ['a command that nobody knows', [command('NOSUCH', 'a') + SET], ['UNKNOWN_COMMAND'], 'refuses', 0],
  ['a command of a module', [command('JSON.SET', 'a', '$', '1')], ['MODULE_COMMAND?'], 'starts', 0],
  ['an argument too many', [command('GET', 'a', 'b')], ['BAD_ARITY'], 'refuses', 0],
  ['an argument too few', [command('SET', 'a')], ['BAD_ARITY'], 'refuses', 0],
  ['MULTI within MULTI', [MULTI + MULTI + SET + EXEC], ['BAD_TRANSACTION?'], 'starts', 0],
  ['DISCARD in a transaction', [MULTI + SET + command('DISCARD') + EXEC], ['BAD_TRANSACTION'], 'refuses', 0],
  ['DISCARD without MULTI', [SET + command('DISCARD')], ['BAD_TRANSACTION?'], 'starts', 0],
  ['EXEC without MULTI', [SET + EXEC], ['BAD_TRANSACTION?'], 'starts', 0],
  ['lines that end in LF', [SET.replace('*3\r\n', '*3\n')], ['LOOSE_FRAMING?'], 'starts', 0],
] as [string, (string | null)[], string[], string, number][])('%s', (_, files, codes, outcome, truncatedBytes) => {
  it('is found in its file, and the others are read', async () => {
    const found = await check(logOf(files))
    expect(found.failure).toBeUndefined()
    expect(codesOf(found)).toEqual(codes)
    expect(found.soundness!.log).toMatchObject({outcome, truncatedBytes})
    expect(found.soundness!.log!.files.length).toBe(files.length)
    for (const {file} of found.soundness!.problems) expect(file).toMatch(/^a\.\d\.incr\.aof$/)
    const json = problemsJson('x', found.soundness, undefined, 10) as {problems: {file: string}[]}
    expect(json.problems.map(({file}) => file)).toEqual(found.soundness!.problems.map(({file}) => file))
  })
})

describe('a log', () => {
  it('tells every problem with its offset', async () => {
    const {soundness} = await check(logOf([SET + command('NOSUCH') + SET + command('SET')]))
    const offsets = soundness!.problems.map(({offset}) => offset)
    expect(offsets).toEqual([SET.length, SET.length * 2 + command('NOSUCH').length])
  })

  it('is told of files beside it', async () => {
    const dir = logOf([SET])
    writeFileSync(join(dir, 'a.9.incr.aof'), SET)
    const found = await check(dir)
    expect(codesOf(found)).toEqual(['STRAY_FILE?'])
    expect(found.soundness!.problems[0]!.text).toContain('a.9.incr.aof')
  })

  it.each([
    ['', 'BAD_MANIFEST|EMPTY_INPUT'],
    ['file a.1.incr.aof seq 1 type i', 'BAD_MANIFEST'],
    ['file ../a seq 1 type i\n', 'BAD_MANIFEST'],
    ['file a.1.incr.aof seq 2 type i\nfile a.2.incr.aof seq 1 type i\n', 'BAD_MANIFEST'],
  ])('whose manifest is %j is refused', async (manifest, code) => {
    const {soundness} = await check(logOf([SET, SET], manifest))
    expect(soundness).toMatchObject({errors: 1, log: {outcome: 'refuses'}})
    expect(soundness!.problems[0]!.code).toMatch(new RegExp(`^(${code})$`))
    expect(soundness!.problems[0]!.file).toBe('a.manifest')
  })

  it('may be named by its manifest', async () => {
    const {soundness} = await check(join(logOf([SET, SET]), 'a.manifest'))
    expect(soundness).toMatchObject({errors: 0, log: {files: [{commands: 1}, {commands: 1}]}})
  })

  it('that ends anywhere has whole commands before its end', async () => {
    const text = `${SET}#TS:1700000000\r\n${MULTI}${SET}${EXEC}${SET}`
    const transaction = text.indexOf(MULTI)
    const ends = [0, SET.length, transaction, text.indexOf(EXEC) + EXEC.length, text.length]
    for (let bytes = 1; bytes <= text.length; bytes++) {
      const {soundness, failure} = await check(folder.write('torn.aof', text.slice(0, bytes)))
      expect(failure).toBeUndefined()
      const [file] = soundness!.log!.files
      const good = ends.findLast(end => end <= bytes)!
      expect(file!.goodOffset, `${bytes} bytes`).toBe(good)
      const inAnnotation = bytes > SET.length && bytes < transaction
      expect(file!.torn === undefined, `${bytes} bytes`).toBe(good === bytes)
      expect(soundness!.errors, `${bytes} bytes`).toBe(good === bytes || inAnnotation ? 0 : 1)
    }
  })

  it('with a snapshot before it is damaged anywhere, and nothing but problems comes of it', async () => {
    const {files} = JSON.parse(readFileSync(join(ROOT, 'rdb-base-v9.json'), 'utf8'))
    const dir = newFolder()
    unpackFolder(files, dir)
    const bytes = readFileSync(join(dir, 'appendonly.aof'))
    const whole = await check(join(dir, 'appendonly.aof'))
    const snapshot = whole.soundness!.log!.files[0]!.preambleBytes
    expect(snapshot).toBeGreaterThan(0)
    for (let at = 200; at < bytes.length; at += 17) {
      const {soundness, failure} = await check(folder.write('cut.aof', bytes.subarray(0, at)))
      expect(failure).toBeUndefined()
      const [file] = soundness!.log!.files
      if (at < snapshot) expect(soundness!.errors, `${at} bytes`).toBeGreaterThan(0)
      else expect(file!.goodOffset, `${at} bytes`).toBeGreaterThanOrEqual(snapshot)
    }
  })

  it('is not changed by it', async () => {
    const dir = logOf([SET + SET.slice(0, 7)])
    const copy = `${dir}-copy`
    cpSync(dir, copy, {recursive: true})
    await check(dir)
    for (const file of readdirSync(copy)) expect(readFileSync(join(dir, file))).toEqual(readFileSync(join(copy, file)))
    rmSync(copy, {recursive: true})
  })
})
