/** `build` as a process of its own: what it says, its exit codes, and what it leaves behind when it fails. */
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'
import {ROOT, rdbtool, shell} from '../start/run.js'

const folder = temporaryFolder()
const fixture = (name: string): string => join(ROOT, 'fixtures', `${name}.rdb`)
let outs = 0
const newOut = (): string => join(folder.path, `out-${outs++}.rdb`)

const source = folder.write(
  'source.rdb',
  new RdbFile('REDIS', 9)
    .db(0)
    .key(0, 'user:1', text('ann'))
    .key(0, 'user:2', text('bob'))
    .key(0, 'x', text('y'.repeat(500)))
    .end(),
)

const leftBehind = (): string[] => readdirSync(folder.path).filter(name => name.endsWith('.tmp'))

describe('build', () => {
  it('tells what it made, and of the keys that it left out why', async () => {
    const out = newOut()
    const args = ['build', source, '--out', out, '--target', 'redis-6.2', '--match', 'user:*']
    const {code, stdout, stderr} = await rdbtool(args)
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    const bytes = readFileSync(out).length
    expect(stdout).toBe(`${out}
for       redis-6.2
size      ${bytes} B (${bytes} bytes)
keys      2 of 3

keys  left out
   1  match no pattern (--match)
`)
  })

  it('tells the same as data', async () => {
    const out = newOut()
    const {code, stdout} = await rdbtool(['convert', source, '-o', out, '--ttl', 'set', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      out,
      written: true,
      target: 'Redis RDB version 9',
      keysIn: 3,
      keysOut: 0,
      skipped: [{reason: 'ttl', keys: 3}],
      lost: [],
      bytes: readFileSync(out).length,
      warnings: [],
    })
  })

  it('reads a pipe and writes one, with the report on standard error', async () => {
    const line = `cat "$SOURCE" | rdbtool build - --sort --out - --rename-prefix 'user:=u\\x3a' 2> "$REPORT" | rdbtool dump - --format keys`
    const report = join(folder.path, 'report.txt')
    const {code, stdout} = await shell(`set -o pipefail; ${line}`, {env: {SOURCE: source, REPORT: report}})
    expect({code, stdout}).toEqual({code: 0, stdout: 'u:1\nu:2\nx\n'})
    expect(readFileSync(report, 'utf8')).toMatch(/^standard output\nfor +Redis RDB version 9\n/)
  })

  it('ends quietly where its pipe is closed', async () => {
    const line = 'set -o pipefail; rdbtool build "$S" --out - 2>/dev/null | head -c 1 > /dev/null'
    expect(await shell(line, {env: {S: fixture('rdb/key-binary-v12')}})).toMatchObject({code: 0, stderr: ''})
  })

  it('is the inverse of dump', async () => {
    const name = fixture('rdb/stream-groups-v12')
    const [direct, back] = [newOut(), newOut()]
    await rdbtool(['build', name, '--out', direct, '--sort'])
    const {code} = await shell('rdbtool dump "$S" -q | rdbtool build - --out "$O" --sort', {env: {S: name, O: back}})
    expect(code).toBe(0)
    expect(readFileSync(back).equals(readFileSync(direct))).toBe(true)
  })
})

describe('what the target has no place for', () => {
  const args = ['build', fixture('rdb/functions-v12'), '--target', 'redis-6.2']

  it('is told, and nothing is written', async () => {
    const out = newOut()
    const {code, stdout, stderr} = await rdbtool([...args, '--out', out])
    expect({code, stderr}).toEqual({code: 1, stderr: ''})
    expect(stdout).toBe(`${out}: not written, since data would be lost
for       redis-6.2
keys      1

keys  lost: the target has no place for it  such as
   2  libraries of functions                second, first

  next   --drop-functions leaves the functions out; a newer --target may hold it; --allow-loss writes what is left
`)
    expect(existsSync(out)).toBe(false)
    expect(leftBehind()).toEqual([])
  })

  it('is told as data', async () => {
    const {code, stdout} = await rdbtool([...args, '--out', newOut(), '--json'])
    expect(code).toBe(1)
    const what = {what: 'libraries of functions', keys: 2, data: true, whole: false}
    const examples = [{name: 'second'}, {name: 'first'}]
    expect(JSON.parse(stdout)).toMatchObject({written: false, target: 'redis-6.2', lost: [{...what, examples}]})
  })

  it.each(['--allow-loss', '--drop-functions'])('is left out with %s, which is fine', async flag => {
    const out = newOut()
    const {code, stdout} = await rdbtool([...args, '--out', out, flag])
    expect(code).toBe(0)
    expect(stdout).toContain('libraries of functions')
    expect(existsSync(out)).toBe(true)
  })

  it('is told of a log too, and ends a pipe before its end', async () => {
    const log = join(folder.path, 'log')
    const {code, stdout} = await rdbtool([...args, '--out', log, '--format', 'aof'])
    expect({code, stdout}).toMatchObject({code: 1, stdout: expect.stringContaining('libraries of functions')})
    expect(existsSync(log)).toBe(false)
    const line = 'rdbtool build "$S" --target redis-6.2 --out - 2> "$R" > "$O"; echo $?'
    const [report, piped] = [join(folder.path, 'lost.txt'), newOut()]
    const ended = await shell(line, {env: {S: fixture('rdb/functions-v12'), R: report, O: piped}})
    expect(ended.stdout).toBe('1\n')
    expect(readFileSync(report, 'utf8')).toMatch(/^standard output: ended before its end/)
    expect(readFileSync(piped).includes(0xff)).toBe(false)
  })
})

describe('a failure', () => {
  it.each([
    ['a file that is there', ['SOURCE', '--out', 'SOURCE'], 2, /is there already.*--force/],
    ['no file to write', ['SOURCE'], 2, /out/],
    [
      'an unknown target',
      ['SOURCE', '--out', 'NEW', '--target', 'redis-9'],
      2,
      /redis-8\.10, redis-8\.12, valkey-7\.2/,
    ],
    ['two rules for expiries', ['SOURCE', '--out', 'NEW', '--ttl', 'strip', '--ttl', 'keep'], 2, /say it once/],
    ['a prefix without its other', ['SOURCE', '--out', 'NEW', '--rename-prefix', 'a'], 2, /old:=new:/],
    ['a folder that is not there', ['SOURCE', '--out', 'NEW/deep.rdb'], 5, /no such file/],
    ['a source that is not there', ['missing.rdb', '--out', 'NEW'], 5, /missing\.rdb: there is no such file/],
    [
      'a key twice',
      ['SOURCE', 'SOURCE', '--out', 'NEW'],
      1,
      /"user:1" of database 0 would be there twice.*--on-conflict/s,
    ],
    ['damage', ['DAMAGED', '--out', 'NEW'], 3, /checksum is wrong/],
  ] as const)('for %s is told, and leaves nothing behind', async (_, args, expected, words) => {
    const out = newOut()
    const names: Record<string, string> = {
      SOURCE: source,
      NEW: out,
      'NEW/deep.rdb': join(out, 'deep.rdb'),
      DAMAGED: fixture('rdb-built/checksum-wrong-v6'),
    }
    const before = readFileSync(source)
    const {code, stdout, stderr} = await rdbtool(['build', ...args.map(arg => names[arg] ?? arg)])
    expect({code, stdout}).toEqual({code: expected, stdout: ''})
    expect(stderr).toMatch(words)
    expect(existsSync(out)).toBe(false)
    expect(leftBehind()).toEqual([])
    expect(readFileSync(source).equals(before)).toBe(true)
  })

  it('of the disk leaves what was there, and nothing else', async () => {
    const out = newOut()
    writeFileSync(out, 'precious')
    const large = folder.write(
      'large.rdb',
      new RdbFile('REDIS', 9)
        .db(0)
        .key(0, 'k', text('v'.repeat(300_000)))
        .end(),
    )
    // The system refuses to let a file grow beyond this many KiB, as it does where a disk is full.
    const line = 'ulimit -f 100; rdbtool build "$S" --out "$O" --force'
    const {code, stderr} = await shell(line, {env: {S: large, O: out}})
    expect(stderr).toMatch(/EFBIG|file too large/i)
    expect(code).toBe(5)
    expect(readFileSync(out, 'utf8')).toBe('precious')
    expect(leftBehind()).toEqual([])
  })
})
