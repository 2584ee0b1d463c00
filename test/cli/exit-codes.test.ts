/** Every way in which a run can fail: its code, what is said where, and never a stack trace. */
import {chmodSync, mkdirSync, readFileSync, symlinkSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {crc64, hex, le} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf, RdbFile, text} from '../start/rdb.js'
import {type Finished, othersMayEnter, ROOT, rdbtool, type StartOptions, shell} from '../start/run.js'
import {dangerousIn} from '../start/screen.js'

const folder = temporaryFolder()
const good = join(ROOT, 'fixtures/rdb/databases-v10.rdb')

/** Runs the program and checks what holds of every failure. */
async function failing(args: readonly string[], options: StartOptions = {}): Promise<Finished> {
  const finished = await rdbtool(args, options)
  expect(finished.signal).toBeNull()
  expect(finished.stderr).toMatch(/^rdbtool: /)
  expect(finished.stderr).toContain('\n  next   ')
  expect(finished.stderr).not.toMatch(/\n\s+at |node:internal|\.js:\d+/)
  expect(dangerousIn(finished.stderr, '\n')).toEqual([])
  return finished
}

describe('2: what was typed is wrong', () => {
  it.each([
    ['an unknown command', ['nosuch'], 'there is no command nosuch', 'rdbtool --help'],
    ['an unknown command with a file', ['nosuch', good], 'there is no command nosuch', 'rdbtool --help'],
    ['a mistyped command with a file', ['inspct', 'a'], 'there is no command inspct\n', 'rdbtool --help'],
    ['an unknown flag', ['inspect', '--nosuch', good], 'there is no such flag: --nosuch', 'rdbtool inspect --help'],
    ['a missing argument', ['inspect'], 'something is missing:', 'rdbtool inspect --help'],
    ['an argument too many', ['check', good, 'b.rdb'], 'Unexpected argument: b.rdb', 'rdbtool check --help'],
    [
      'a --now that is no time',
      ['inspect', good, '--now', 'noon'],
      '--now: "noon" is no time: give ISO 8601',
      'inspect --help',
    ],
    ['a --now without a value', ['inspect', good, '--now'], 'Flag --now expects a value', 'rdbtool inspect --help'],
    ['a --top that is no number', ['inspect', good, '--top', 'x'], '--top: Expected an integer', 'inspect --help'],
    ['a --top below 0', ['inspect', good, '--top=-1'], '--top: Expected an integer greater', 'inspect --help'],
    [
      'a --top beyond reason',
      ['inspect', good, '--top', '100001'],
      '--top: Expected an integer less',
      'inspect --help',
    ],
    ['an escape sequence', ['no\u001b[31msuch'], 'there is no command no', 'rdbtool --help'],
  ])('%s', async (_, args, said, next) => {
    const {code, stdout, stderr} = await failing(args)
    expect({code, stdout}).toEqual({code: 2, stdout: ''})
    expect(stderr).toContain(`rdbtool: ${said}`)
    expect(stderr.split('\n').at(-2)).toContain(next)
  })

  it('a file is never named by what comes through a pipe', async () => {
    const {code, stderr} = await failing(['inspect'], {input: good})
    expect(code).toBe(2)
    expect(stderr).toContain('something is missing:')
    expect(stderr).not.toContain('Note')
  })
})

/** A file whose last key cannot be read whole, with one that can before it. */
const damaged = (): Buffer =>
  new RdbFile('REDIS', 9)
    .db(0)
    .key(0, 'whole', text('v'))
    .db(3)
    .key(0, 'torn\u001b[31m', text('x'.repeat(100)))
    .end()

describe('3: the bytes are wrong', () => {
  const flipped = readFileSync(good)
  flipped[flipped.length - 12]! ^= 1
  // Type, value, version, checksum: what DUMP answers.
  const value = hex(0, 1, 0x76, le(2, 10))
  const dump = Buffer.concat([value, le(8, crc64(value))])
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')

  it.each([
    ['a PNG', png, 'BAD_MAGIC', /it is a PNG picture/, /check the name/],
    ['an empty file', Buffer.alloc(0), 'EMPTY_INPUT', /the input is empty/, /the writer left nothing/],
    ['a DUMP payload', dump, 'BAD_MAGIC', /a DUMP payload \(string, RDB version 10\)/, /check the name/],
    ['a few bytes', Buffer.from('hi'), 'BAD_MAGIC', /it begins with "hi"/, /check the name/],
    ['a text file', Buffer.from('hello, world'), 'BAD_MAGIC', /it begins with "hello, w"/, /check the name/],
    ['a version that is none', Buffer.from('REDIS\u009b2J0'), 'BAD_VERSION', /the magic is right/, /another copy/],
    ['a magic cut short', Buffer.from('REDI'), 'TRUNCATED', /the input ends here/, /compare its size/],
  ])('%s: nothing could be read', async (name, bytes, code, said, next) => {
    const path = folder.write(name.replaceAll(' ', '-'), bytes)
    const finished = await failing(['inspect', path])
    expect(finished).toMatchObject({code: 3, stdout: ''})
    expect(finished.stderr).toContain(`rdbtool: ${path}: `)
    expect(finished.stderr).toContain(`(${code})`)
    expect(finished.stderr).toMatch(said)
    expect(finished.stderr).toMatch(next)
    const json = await failing(['inspect', path, '--json'])
    expect(json.code).toBe(3)
    expect(JSON.parse(json.stdout)).toEqual({
      source: path,
      error: {code, text: expect.stringMatching(said), offset: expect.any(Number)},
    })
  })

  it('a flipped byte shows in the checksum, at the end of a whole report', async () => {
    const path = folder.write('flipped.rdb', flipped)
    const {code, stdout, stderr} = await failing(['inspect', path])
    expect(code).toBe(3)
    expect(stdout).toContain(
      '\nchecksum  WRONG: the file changed after it was written\nkeys      6, none with an expiry\n',
    )
    expect(stderr).toContain('(BAD_CHECKSUM)\n  where  byte 151')
    expect(stderr).toContain('--ignore-checksum')
  })

  it('a truncated file is reported as far as it could be read, and the place in it named', async () => {
    const whole = damaged()
    const path = folder.write('cut.rdb', whole.subarray(0, whole.length - 50))
    const torn = whole.indexOf('torn') - 2
    const {code, stdout, stderr} = await failing(['inspect', path])
    expect(code).toBe(3)
    expect(stdout).toMatch(
      /\nread {6}\d+ bytes of \d+ B, \d\d\.\d %\nchecksum {2}not reached: .*\nkeys {6}1, none with an expiry\n/,
    )
    expect(stderr).toBe(
      `rdbtool: ${path}: the input ends here, though more must follow (TRUNCATED)
  where  byte ${whole.length - 50}, in the string "torn\\x1b[31m" of database 3 (its record begins at byte ${torn})
  next   the file was cut short: compare its size with the original and copy it again, or take a new snapshot
`,
    )
  })

  it('a truncated file tells how many keys it should have, where it announces them', async () => {
    const file = new RdbFile('REDIS', 9).db(0).sizes(70_000, 0)
    for (let at = 0; at < 3; at++) file.key(0, `key:${at}`, text('v'))
    const path = folder.write('announced.rdb', file.end().subarray(0, -10))
    const {stdout} = await failing(['inspect', path])
    expect(stdout).toContain(
      '\nkeys      2, none with an expiry\nexpected  70,000 keys or more, as the file itself announces\n',
    )
    expect(JSON.parse((await failing(['inspect', path, '--json'])).stdout)).toMatchObject({
      keys: 2,
      announcedKeys: 70_000,
    })
  })

  it('what was passed over but never arrived does not count as read', async () => {
    const whole = new RdbFile('REDIS', 9)
      .db(0)
      .key(0, 'big', text('x'.repeat(1_000_000)))
      .end()
    const path = folder.write('passed-over.rdb', whole.subarray(0, 600_000))
    expect(JSON.parse((await failing(['inspect', path, '--json'])).stdout).bytes).toBeLessThanOrEqual(600_000)
    const piped = await shell('cat "$F" | rdbtool inspect - --json', {env: {F: path}})
    expect(JSON.parse(piped.stdout)).toMatchObject({bytes: 600_000, error: {code: 'TRUNCATED', offset: 600_000}})
  })

  it('--json has both, what was read and where it ended', async () => {
    const whole = damaged()
    const path = folder.write('cut-json.rdb', whole.subarray(0, whole.length - 50))
    const {code, stdout} = await failing(['inspect', path, '--json'])
    const json = JSON.parse(stdout)
    expect(code).toBe(3)
    expect(json).toMatchObject({source: path, rdbVersion: 9, keys: 1, databases: [{db: 0, keys: 1}]})
    expect(json).not.toHaveProperty('checksum')
    const recordOffset = whole.indexOf('torn') - 2
    const place = {offset: whole.length - 50, db: 3, key: 'torn\u001b[31m', type: 'string', recordOffset}
    expect(json.error).toEqual({code: 'TRUNCATED', text: expect.stringContaining('the input ends here'), ...place})
  })

  it('a compressed file cut short is truncated, with its place in the file as it is stored', async () => {
    const line = 'gzip < "$F" | head -c 60 > "$F.gz"; rdbtool inspect "$F.gz"'
    const path = folder.write('to-pack.rdb', fileOf(Array.from({length: 200}, (_, at) => `key:${at}`)))
    const {code, stderr} = await shell(line, {env: {F: path}})
    expect(code).toBe(3)
    expect(stderr).toMatch(/the compressed input ends in the middle \(TRUNCATED\)\n {2}where {2}byte 60/)
  })
})

describe('4: may be right, not supported', () => {
  const unknownType = Buffer.concat([fileOf(['before']).subarray(0, -9), Buffer.from([99, 1, 0x6b, 1, 0x76])])

  it.each([
    ['an envelope', folder.write('vcs.rdb', 'VCS\u0001 and so on'), '"VCS" envelope', 'UNKNOWN_CONTAINER'],
    ['a folder', folder.path, 'this is a folder', 'UNKNOWN_CONTAINER'],
    ['an unknown type', folder.write('type.rdb', unknownType), 'value type 99', 'UNKNOWN_TYPE'],
  ])('%s', async (_, source, said, code) => {
    const finished = await failing(['inspect', source])
    expect(finished.code).toBe(4)
    expect(finished.stderr).toContain(said)
    expect(finished.stderr).toContain(`(${code})`)
    const json = await failing(['inspect', source, '--json'])
    expect(json.code).toBe(4)
    expect(JSON.parse(json.stdout)).toMatchObject({source, error: {code, offset: expect.any(Number)}})
  })

  it('an unknown type is met after what is known', async () => {
    const {stdout, stderr} = await failing(['inspect', folder.write('type2.rdb', unknownType)])
    expect(stdout).toContain('\nkeys      1, none with an expiry\n')
    expect(stderr).toMatch(/where {2}byte \d+, in the record at byte \d+/)
  })

  it('a folder on standard input', async () => {
    const {code, stderr} = await shell('rdbtool inspect - < "$D"', {env: {D: folder.path}})
    expect(code).toBe(4)
    expect(stderr).toContain('rdbtool: standard input: this is a folder')
  })
})

describe('5: input and output', () => {
  it.each([
    ['a missing file', join(folder.path, 'missing.rdb'), 'there is no such file', 'ENOENT'],
    ['a file in a file', join(good, 'x.rdb'), 'a part of this path is no folder', 'ENOTDIR'],
    ['a name that drives terminals', join(folder.path, 'a\u001b[31m\u202eb'), 'there is no such file', 'ENOENT'],
  ])('%s', async (_, path, said, code) => {
    const finished = await failing(['inspect', '--top', '5', path])
    expect(finished).toMatchObject({code: 5, stdout: ''})
    expect(finished.stderr).toContain(`: ${said} (${code})\n`)
    const json = await failing(['inspect', path, '--json'])
    expect(json.code).toBe(5)
    expect(JSON.parse(json.stdout)).toEqual({source: path, error: {code, text: said}})
  })

  it('the name in a message is that of the file, not of a flag', async () => {
    const {stderr} = await failing(['inspect', '--top', '5', 'missing.rdb'])
    expect(stderr).toBe(
      'rdbtool: missing.rdb: there is no such file (ENOENT)\n  next   check the name and the folder you are in\n',
    )
  })

  it('a circle of links, in the words of the system', async () => {
    const path = join(folder.path, 'circle')
    symlinkSync(path, path)
    const {code, stderr} = await rdbtool(['inspect', path])
    expect({code, stderr}).toEqual({code: 5, stderr: `rdbtool: ${path}: too many symbolic links encountered (ELOOP)\n`})
  })

  it.skipIf(process.getuid?.() === 0 && !othersMayEnter)('a file that may not be read', async () => {
    const path = folder.write('secret.rdb', readFileSync(good))
    chmodSync(path, 0)
    chmodSync(folder.path, 0o755)
    // Root reads everything: become nobody.
    const options = process.getuid?.() === 0 ? {uid: 65_534, cwd: '/'} : {}
    const {code, stderr} = await failing(['inspect', path], options)
    expect(code).toBe(5)
    expect(stderr).toContain('permission denied (EACCES)\n  next   run as a user who may read it')
  })

  it.each([
    ['text', ''],
    ['JSON', '--json'],
  ])('a full disk, for %s', async (_, flag) => {
    const {code, stderr} = await shell(`rdbtool inspect "$F" ${flag} > /dev/full`, {env: {F: good}})
    expect({code, stderr}).toEqual({
      code: 5,
      stderr: 'rdbtool: the disk is full (ENOSPC)\n  next   make room, or write to another place\n',
    })
  })
})

it('what was read goes to standard output, what went wrong to standard error', async () => {
  mkdirSync(join(folder.path, 'out'))
  const path = folder.write('mixed.rdb', damaged().subarray(0, -50))
  const env = {F: path, O: join(folder.path, 'out')}
  const {code, stdout, stderr} = await shell('rdbtool inspect "$F" > "$O/1" 2> "$O/2"', {env})
  expect({code, stdout, stderr}).toEqual({code: 3, stdout: '', stderr: ''})
  expect(readFileSync(join(folder.path, 'out/1'), 'utf8')).toMatch(/^.*mixed\.rdb\nproducer/)
  expect(readFileSync(join(folder.path, 'out/2'), 'utf8')).toMatch(/^rdbtool: .*TRUNCATED/)
})
