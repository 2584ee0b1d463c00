/** `check` as a process of its own: what it says, as text and as JSON, and its exit codes. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {hex, le, len, str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'
import {ROOT, rdbtool, shell} from '../start/run.js'

const folder = temporaryFolder()
const fixture = (name: string): string => join(ROOT, 'fixtures', `${name}.rdb`)

const raw = (bytes: Buffer) => ({bytes, type: 'any', value: null})
const badListpack = str(hex(le(4, 9), le(2, 2), '8161', 2))

/** Three kinds of problems, of which one lies before a sound key. */
function damaged(): RdbFile {
  return new RdbFile('REDIS', 10)
    .aux('redis-bits', '65')
    .db(0)
    .key(16, 'user:1\u001b[2J', raw(badListpack))
    .key(0, 'sound', text('value'))
    .db(17)
    .key(2, 'set', raw(hex(len(2), str('a'), str('a'))))
}

const REPORT = `NOT OK: 2 errors, 2 warnings
format      RDB version 10 (REDIS)
verified    82 bytes
checksum    ok
keys        3

severity  code               byte  db  key            type  problem
warning   BAD_AUX               9   -  -              -     redis-bits is neither 32 nor 64
error     BAD_LISTPACK         38   0  user:1\\x1b[2J  hash  the listpack has no end mark (byte 8 of it) (22 bytes lost)
warning   DATABASE_NUMBER      61   -  -              -     database 17: a server has 16, and refuses the file unless "databases" says more
error     DUPLICATE_ELEMENT    71  17  set            set   this member stands at byte 69 as well
`

describe('check: the report', () => {
  const path = folder.write('damaged.rdb', damaged().end())

  it('is this text', async () => {
    const {code, stdout, stderr} = await rdbtool(['check', path])
    expect(stdout).toBe(`${path}: ${REPORT}`)
    expect({code, stderr}).toEqual({code: 1, stderr: ''})
  })

  it('is the same from standard input, by pipe and by redirection, compressed or not', async () => {
    const packed = folder.write('damaged.rdb.gz', gzipSync(damaged().end()))
    const env = {F: path, Z: packed}
    const {stdout: expected} = await rdbtool(['check', path])
    const report = expected.slice(path.length)
    for (const line of ['cat "$F" | rdbtool check -', 'rdbtool check - < "$F"', 'cat "$Z" | rdbtool check -']) {
      expect(await shell(line, {env})).toMatchObject({code: 1, stdout: `standard input${report}`})
    }
    expect((await rdbtool(['check', packed])).stdout).toBe(packed + report)
  })

  it('of a sound file is a verdict', async () => {
    const path = fixture('rdb/hash-listpack-v10')
    const {code, stdout} = await rdbtool(['check', path])
    const bytes = readFileSync(path).length
    expect(stdout).toMatch(
      new RegExp(`^${path}: OK\nformat +RDB version 10 \\(REDIS\\)\nverified .*${bytes.toLocaleString('en')}`),
    )
    expect({code, lines: stdout.trimEnd().split('\n').length}).toEqual({code: 0, lines: 5})
  })

  it('says that duplicates were not looked for', async () => {
    const {code, stdout} = await rdbtool(['check', fixture('rdb-built/key-twice-v9'), '--no-duplicates'])
    expect(stdout).toContain(': OK\n')
    expect(stdout).toContain('\nduplicates  not looked for among keys\n')
    expect(code).toBe(0)
  })

  it('shows as many problems as are wanted, errors first, and counts all', async () => {
    const file = new RdbFile('REDIS', 9).db(0)
    for (let i = 0; i < 300; i++) file.key(1, `l${i}`, raw(len(0)))
    file.key(3, 'z', raw(hex(len(1), str('m'), 0xfd)))
    const path = folder.write('many.rdb', file.end())
    const {code, stdout} = await rdbtool(['check', path, '--max-problems', '5'])
    expect(code).toBe(1)
    expect(stdout).toContain(': NOT OK: 1 error, 300 warnings\n')
    expect(stdout.match(/^warning +EMPTY_COLLECTION/gm)).toHaveLength(4)
    expect(stdout).toContain(`
296 more are not shown: --max-problems says how many are
problems  severity  code
       1  error     BAD_SCORE
     300  warning   EMPTY_COLLECTION
`)
    const all = await rdbtool(['check', path])
    expect(all.stdout.match(/^(warning|error) /gm)).toHaveLength(100)
    const none = await rdbtool(['check', path, '--max-problems', '0'])
    expect(none.stdout).not.toContain('severity  code  ')
    const json = JSON.parse((await rdbtool(['check', path, '--max-problems', '5', '--json'])).stdout)
    expect(json).toMatchObject({errors: 1, warnings: 300, problems: {length: 5}})
  })
})

describe('check --json', () => {
  it('tells the same', async () => {
    const path = folder.write(
      'json.rdb',
      damaged()
        .key(0, Buffer.from([0xff]), text('v'))
        .key(0, Buffer.from([0xff]), text('w'))
        .end(),
    )
    const {code, stdout, stderr} = await rdbtool(['check', path, '--json'])
    expect({code, stderr}).toEqual({code: 1, stderr: ''})
    const json = JSON.parse(stdout)
    expect(json).toMatchObject({
      source: path,
      format: 'rdb',
      ok: false,
      rdbVersion: 10,
      checksum: 'ok',
      keys: 5,
      bytes: readFileSync(path).length,
      errors: 3,
      warnings: 2,
      duplicatesChecked: true,
    })
    expect(json.problems).toHaveLength(5)
    expect(json.problems[1]).toEqual({
      code: 'BAD_LISTPACK',
      severity: 'error',
      offset: 38,
      db: 0,
      key: 'user:1\u001b[2J',
      type: 'hash',
      text: 'the listpack has no end mark (byte 8 of it)',
      bytesLost: 22,
    })
    expect(json.problems[4]).toMatchObject({code: 'DUPLICATE_KEY', db: 17, key: {base64: '/w=='}, type: 'string'})
    expect(json.counts[0]).toEqual({code: expect.any(String), severity: 'error', count: 1})
  })

  it('of a sound file says ok', async () => {
    const {code, stdout} = await rdbtool(['check', fixture('rdb/stream-groups-v10'), '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ok: true, errors: 0, warnings: 0, problems: [], counts: []})
  })

  it('of what is no RDB file tells why', async () => {
    const {code, stdout} = await rdbtool(['check', folder.write('text', 'hello'), '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ok: false, error: {code: 'BAD_MAGIC', offset: 0}})
  })
})

describe('check: duplicates that cannot be read again', () => {
  it('are suspected from a pipe', async () => {
    const path = fixture('rdb-built/key-twice-v9')
    const {code, stdout} = await shell('cat "$F" | rdbtool check - --json', {env: {F: path}})
    expect(code).toBe(1)
    const text = expect.stringContaining('and the one at byte 11 have the same fingerprint')
    expect(JSON.parse(stdout).problems).toEqual([
      {code: 'DUPLICATE_KEY_SUSPECTED', severity: 'error', offset: 20, db: 0, text},
    ])
  })
})

describe('check: exit codes', () => {
  const sound = damaged().end()
  it.each([
    ['warnings alone', fixture('rdb-built/collections-empty-v9'), 0],
    ['a wrong checksum', fixture('rdb-built/checksum-wrong-v6'), 1],
    ['a cut file', folder.write('cut.rdb', sound.subarray(0, -3)), 1],
    ['an empty file', folder.write('none.rdb', ''), 3],
    ['a text', folder.write('text.rdb', 'no RDB file'), 3],
    ['an unknown type', folder.write('new.rdb', new RdbFile('REDIS', 9).key(99, 'k', raw(len(0))).end()), 4],
    ['a folder', folder.path, 4],
    ['no file', join(folder.path, 'nowhere'), 5],
  ])('%s: %s', async (_, path, expected) => {
    expect((await rdbtool(['check', path])).code).toBe(expected)
  })

  it('a wrong checksum can be a warning', async () => {
    const path = fixture('rdb-built/checksum-wrong-v6')
    const {code, stdout} = await rdbtool(['check', path, '--ignore-checksum'])
    expect(code).toBe(0)
    expect(stdout).toContain(': OK, with 1 warning\n')
  })

  it.each([
    ['--memory', 'much'],
    ['--max-problems', '-1'],
    ['--target', 'redis-1.0'],
    ['--salvage', '-'],
  ])('%s %s is typed wrong', async (...flag) => {
    expect((await rdbtool(['check', fixture('rdb/empty-v10'), ...flag])).code).toBe(2)
  })

  it('an unknown type is told as a problem and as what ended the run', async () => {
    const {stdout, stderr} = await rdbtool(['check', join(folder.path, 'new.rdb')])
    expect(stdout).toContain('UNKNOWN_TYPE')
    expect(stdout).toContain('checksum    not reached\n')
    expect(stderr).toContain('UNKNOWN_TYPE')
  })
})

describe('check: elements of a huge collection', () => {
  const members = Array.from({length: 70_000}, (_, i) => str(`member:${i === 69_000 ? 123 : i}`))
  const fields = Array.from({length: 70_000}, (_, i) =>
    hex(len(1 + (i % 3)), str(`field:${i === 69_500 ? 4 : i}`), str('v')),
  )
  const file = new RdbFile('REDIS', 12)
    .db(3)
    .key(2, 'huge', raw(hex(len(members.length), ...members)))
    .key(24, 'expiring', raw(hex(le(8, 4_102_444_800_000), len(fields.length), ...fields)))
    .key(0, 'sound', text('v'))
    .end()
  const path = folder.write('huge.rdb', file)

  it.each([['64mb'], ['64kb']])('are compared, in %s of memory', async memory => {
    const {stdout, code} = await rdbtool(['check', path, '--json', '--memory', memory])
    expect(code).toBe(1)
    const at = (element: string, from = 0): number => file.indexOf(str(element), from)
    const member = {db: 3, key: 'huge', type: 'set', text: `this member stands at byte ${at('member:123')} as well`}
    const field = {db: 3, key: 'expiring', type: 'hash', text: `this field stands at byte ${at('field:4') - 1} as well`}
    const problem = {code: 'DUPLICATE_ELEMENT', severity: 'error'}
    expect(JSON.parse(stdout).problems).toEqual([
      {...problem, offset: at('member:123', at('member:68999')), ...member},
      {...problem, offset: at('field:4', at('field:69499')) - 1, ...field},
    ])
  })

  it('are suspected from a pipe, and not compared without an index', async () => {
    const {stdout} = await shell('cat "$F" | rdbtool check - --json', {env: {F: path}})
    expect(JSON.parse(stdout).problems).toMatchObject([
      {code: 'DUPLICATE_ELEMENT_SUSPECTED', key: 'huge'},
      {code: 'DUPLICATE_ELEMENT_SUSPECTED', key: 'expiring'},
    ])
    const without = await rdbtool(['check', path, '--no-duplicates'])
    expect(without).toMatchObject({code: 0})
    expect(without.stdout).toContain('\nduplicates  not looked for among keys, nor elements in 2 huge collections\n')
    expect(JSON.parse((await rdbtool(['check', path, '--no-duplicates', '--json'])).stdout)).toMatchObject({
      duplicatesChecked: false,
      collectionsUnchecked: 2,
    })
  })
})
