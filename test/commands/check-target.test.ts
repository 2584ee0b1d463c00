/** `check --target` as a process of its own: what it says, as text and as JSON, and its exit codes. */
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'
import {describe, expect, it} from 'vitest'
import {str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'
import {ROOT, rdbtool, shell} from '../start/run.js'

const folder = temporaryFolder()
const fixture = (name: string): string => join(ROOT, 'fixtures', `${name}.rdb`)

const several = folder.write(
  'several.rdb',
  new RdbFile('REDIS', 9).db(0).key(0, 'a', text('1')).key(0, 'a', text('2')).db(17).key(0, 'b', text('3')).end(),
)

const REPORT = `
target      redis-7.0 CRASHES on it
keys        3 found
known by    tests against that server
mended by   rdbtool build ${several} --out OUT --target redis-7.0 --on-conflict first --map-db 17=M

server   code             times  byte  db  first key  in the way
crashes  DUPLICATE_KEY        1    16   0  a          a key of database 0 is there twice
refuses  DATABASE_NUMBER      1    21   -  -          database 17: a server has 16 unless "databases" says more
`

describe('check --target', () => {
  it('says what the server does, what is in the way and what mends it', async () => {
    const {code, stdout, stderr} = await rdbtool(['check', several, '--target', 'redis-7.0'])
    expect(stdout.slice(stdout.indexOf('\ntarget '))).toBe(REPORT)
    expect({code, stderr}).toEqual({code: 1, stderr: ''})
  })

  it.each([
    ['rdb/hash-listpack-ttl-v12', 'redis-7.2', 'expiries of hash fields'],
    ['rdb/hash-listpack-ttl-v12', 'valkey-9.1', undefined],
    ['rdb/hash-listpack-v12', 'redis-6.2', undefined],
    ['rdb/stream-entries-v10', 'redis-4.0', 'streams'],
  ])('names a command that mends %s for %s, and what it costs', async (name, target, cost) => {
    const source = fixture(name)
    const {stdout} = await rdbtool(['check', source, '--target', target, '--json'])
    const {mend, costs} = JSON.parse(stdout).target
    expect(costs).toEqual(cost === undefined ? [] : [expect.stringContaining(cost)])
    const [command] = mend.slice(-1)
    const out = join(folder.path, `mended-${target}.rdb`)
    const args = command.replace('--out OUT', `--out ${out}`).split(' ').slice(1)
    expect(args.includes('--allow-loss')).toBe(cost !== undefined)
    expect(await rdbtool([...args, '--force'])).toMatchObject({code: 0})
    const screen = await rdbtool(['check', source, '--target', target])
    if (cost === undefined) expect(screen.stdout).not.toContain('it costs')
    else expect(screen.stdout).toMatch(new RegExp(`it costs +.*${cost}`))
  })

  it('has nothing to add where all is loaded', async () => {
    const {code, stdout} = await rdbtool(['check', fixture('rdb/empty-v10'), '--target', 'redis-7.2'])
    expect(stdout).toContain(
      "target      redis-7.2 LOADS it\nkeys        0 to load\nknown by    the format's description",
    )
    expect(code).toBe(0)
  })

  it('ends with 1 where a sound file is not loaded whole', async () => {
    const one = await rdbtool(['check', fixture('rdb/empty-v12'), '--target', 'redis-7.0', '--json'])
    expect(one.code).toBe(1)
    expect(JSON.parse(one.stdout)).toMatchObject({ok: true, target: {verdict: 'refuses'}})
    const two = await rdbtool(['check', fixture('rdb-built/collections-empty-v9'), '--target', 'redis-7.0', '--json'])
    expect(two.code).toBe(1)
    expect(JSON.parse(two.stdout)).toMatchObject({target: {verdict: 'skips', obstacles: [{code: 'EMPTY_COLLECTION'}]}})
  })

  it('is this JSON', async () => {
    const {stdout} = await rdbtool(['check', several, '--target', 'redis-7.0', '--json'])
    const build = `rdbtool build ${several} --out OUT --target redis-7.0`
    expect(JSON.parse(stdout).target).toEqual({
      name: 'redis-7.0',
      verdict: 'crashes',
      proved: true,
      keys: {loaded: 3, expired: 0, empty: 0},
      obstacles: [
        {
          code: 'DUPLICATE_KEY',
          effect: 'crashes',
          text: 'a key of database 0 is there twice',
          keys: 1,
          first: {db: 0, key: 'a', offset: 16},
          mend: `${build} --on-conflict first`,
        },
        {
          code: 'DATABASE_NUMBER',
          effect: 'refuses',
          text: 'database 17: a server has 16 unless "databases" says more',
          keys: 1,
          first: {offset: 21},
          mend: `${build} --map-db 17=M`,
        },
      ],
      unseen: [],
      mend: [`${build} --on-conflict first --map-db 17=M`],
      costs: [],
    })
  })

  it('is the same from standard input and of a compressed file', async () => {
    const packed = folder.write(
      'several.rdb.gz',
      gzipSync(await import('node:fs').then(fs => fs.readFileSync(several))),
    )
    const part = (stdout: string): string => stdout.slice(stdout.indexOf('\nserver '))
    expect(part((await rdbtool(['check', packed, '--target', 'redis-7.0'])).stdout)).toBe(part(REPORT))
    const piped = await shell('cat "$F" | rdbtool check - --target redis-7.0', {env: {F: several}})
    expect(part(piped.stdout)).toBe(part(REPORT))
  })

  it('judges a file that our own reader gives up', async () => {
    const text = folder.write('text', 'hello, this is no RDB file at all')
    const {code, stdout} = await rdbtool(['check', text, '--target', 'valkey-9.1', '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({target: {verdict: 'refuses', obstacles: [{code: 'BAD_MAGIC'}]}})
  })

  it('refuses what no server starts from, and names that nobody has', async () => {
    const lines = folder.write('keys.jsonl', '{"db":0,"key":"a","type":"string","value":"1"}\n')
    expect((await rdbtool(['check', lines, '--target', 'redis-7.0'])).code).toBe(2)
    expect((await rdbtool(['check', several, '--target', 'redis-9.9'])).code).toBe(2)
  })
})

const aofBase = (): Buffer =>
  new RdbFile('REDIS', 9).op(0xfa, str('aof-preamble'), 0xc0, 1).db(0).key(0, 'a', text('1')).end()

describe('check --target of a log', () => {
  const log = join(folder.path, 'appendonlydir')
  mkdirSync(log)
  writeFileSync(join(log, 'a.aof.1.base.rdb'), new RdbFile('REDIS', 9).db(0).key(0, 'a', text('1')).end())
  writeFileSync(join(log, 'a.aof.1.incr.aof'), '')
  const manifest = 'file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n'
  writeFileSync(join(log, 'a.aof.manifest'), manifest)

  it('looks at its base, and says that it does not look at commands', async () => {
    const {code, stdout} = await rdbtool(['check', log, '--target', 'redis-7.0', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout).target).toMatchObject({
      verdict: 'loads',
      file: 'a.aof.1.base.rdb',
      keys: {loaded: 1},
      unseen: ['commands'],
    })
  })

  it.each([
    ['a command that is none', '*1\r\n$4\r\nFROB\r\n', 'refuses', 'UNKNOWN_COMMAND'],
    ['bytes that are none', '*1\r\nx', 'refuses', 'BAD_COMMAND'],
    [
      'DISCARD in a transaction',
      '*1\r\n$5\r\nMULTI\r\n*1\r\n$7\r\nDISCARD\r\n*1\r\n$4\r\nEXEC\r\n',
      'crashes',
      'BAD_TRANSACTION',
    ],
    ['too few arguments', '*1\r\n$3\r\nGET\r\n', 'unsure', 'BAD_ARITY'],
  ])('stops at %s behind a base that loads', async (_, commands, verdict, code) => {
    const single = folder.write('stops.aof', Buffer.concat([aofBase(), Buffer.from(commands)]))
    const {stdout, code: exit} = await rdbtool(['check', single, '--target', 'redis-7.0', '--json'])
    expect(exit).toBe(1)
    expect(JSON.parse(stdout).target).toMatchObject({verdict, keys: {loaded: 1}, obstacles: [{code}]})
  })

  it('names the file that is not there, and the manifest that cannot be read', async () => {
    const broken = join(folder.path, 'broken')
    mkdirSync(broken)
    writeFileSync(join(broken, 'a.aof.1.base.rdb'), aofBase())
    writeFileSync(join(broken, 'a.aof.manifest'), manifest)
    const one = JSON.parse((await rdbtool(['check', broken, '--target', 'valkey-9.1', '--json'])).stdout).target
    expect(one).toMatchObject({verdict: 'refuses', obstacles: [{code: 'MISSING_FILE'}]})
    expect(one.obstacles[0].text).toMatch(/^a.aof.1.incr.aof: /)
    writeFileSync(join(broken, 'a.aof.manifest'), 'file a.aof.1.base.rdb seq x type b\n')
    const two = JSON.parse((await rdbtool(['check', broken, '--target', 'redis-7.0', '--json'])).stdout).target
    expect(two).toMatchObject({verdict: 'refuses', obstacles: [{code: 'BAD_MANIFEST'}]})
  })

  it('knows that a folder is no log to servers before 7.0', async () => {
    const {code, stdout} = await rdbtool(['check', log, '--target', 'redis-6.2', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout).target).toMatchObject({verdict: 'skips', obstacles: [{code: 'LOG_FOLDER'}]})
  })

  it('knows that no snapshot stands before a log to servers before 4.0', async () => {
    const single = folder.write(
      'appendonly.aof',
      new RdbFile('REDIS', 7).op(0xfa, str('aof-preamble'), 0xc0, 1).db(0).end(),
    )
    const {code, stdout} = await rdbtool(['check', single, '--target', 'redis-3.2', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout).target).toMatchObject({verdict: 'refuses', obstacles: [{code: 'LOG_PREAMBLE'}]})
  })
})
