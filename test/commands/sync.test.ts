/** The command: what it prints where, its exit codes, and that nothing stays behind. */
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:http'
import {join} from 'node:path'
import {afterAll, describe, expect, it, vi} from 'vitest'
import {disk, diskless, ID, type Script, scriptedMaster} from '../replication/scripted-master.js'
import {encodeCommand} from '../server/resp.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf, RdbFile, text} from '../start/rdb.js'
import {type Finished, hasTerminal, rdbtool, type StartOptions, shell, start, terminal} from '../start/run.js'

const folder = temporaryFolder()
const RDB = new RdbFile('REDIS', 9)
  .aux('redis-ver', '6.2.16')
  .aux('ctime', '1795532400')
  .aux('used-mem', '1048576')
  .db(0)
  .key(0, 'key-a', text('a'))
  .db(3)
  .key(0, 'key-b', text('b'))
  .end()
const STREAM = Buffer.concat([encodeCommand(['SELECT', 0]), encodeCommand(['SET', 'key b', 'a\u001b[31m'])])
let outputs = 0
const output = (): string => join(folder.path, `snap-${++outputs}.rdb`)
const leftovers = (): string[] => readdirSync(folder.path).filter(name => name.endsWith('.tmp'))

async function syncFrom(
  script: Script,
  args: readonly string[] = [],
  options?: StartOptions,
): Promise<Finished & {out: string}> {
  const master = await scriptedMaster(script)
  const out = output()
  return {...(await rdbtool(['sync', master.address, '--out', out, '--retries=0', ...args], options)), out}
}

describe('what is shown', () => {
  it('a report on standard output, and nothing else where nobody watches', async () => {
    const {code, stdout, stderr, out} = await syncFrom({payload: diskless(RDB), offset: 1234567})
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(readFileSync(out)).toEqual(RDB)
    const lines = stdout.split('\n')
    expect(lines[0]).toBe(out)
    expect(stdout).toMatch(
      /\nmaster {4}127\.0\.0\.1:\d+\nproducer {2}Redis 6\.2\.16\nformat {4}RDB version 9 \(REDIS\)\n/,
    )
    expect(stdout).toMatch(/\nwritten {3}2026-11-24T15:00:00Z \(.*\)\n/)
    expect(stdout).toContain(`\nresync    ID ${ID}, offset 1,234,567\n`)
    expect(stdout).toMatch(/\ntransfer {2}diskless, \d+ bytes in \d+\.\d\d s, /)
    expect(stdout).toContain('\nchecksum  ok\nkeys      2, none with an expiry\n')
    expect(stdout).toMatch(/\n {7}3 {5}1 {9}0 {8}0 /)
  })

  it('JSON with the names of the contract', async () => {
    const script = {payload: disk(RDB), stream: STREAM, offset: 10}
    const {code, stdout, stderr, out} = await syncFrom(script, ['--json', '--until-offset', '69'])
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(JSON.parse(stdout)).toEqual({
      master: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      replicationId: ID,
      offset: 10,
      transfer: 'disk',
      bytes: RDB.length,
      checksum: 'ok',
      product: 'redis',
      serverVersion: '6.2.16',
      rdbVersion: 9,
      keys: 2,
      expiring: 0,
      expired: 0,
      databases: [
        {db: 0, keys: 1, expiring: 0, expired: 0},
        {db: 3, keys: 1, expiring: 0, expired: 0},
      ],
      out,
      attempts: 1,
      transferSeconds: expect.any(Number),
      seconds: expect.any(Number),
      stream: {offset: 69, bytes: 59, commands: 2, pings: 0, acknowledgements: expect.any(Number)},
    })
  })

  it('--log: what happens, in the lines and the order of a replica', async () => {
    const {code, stderr} = await syncFrom({payload: disk(RDB), offset: 5}, ['--log'])
    expect(code).toBe(0)
    const head = /^\d+:S \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} \* /
    const lines = stderr.trimEnd().split('\n')
    expect(lines.filter(line => !head.test(line))).toEqual([])
    expect(lines.map(line => line.replace(head, '').replace(/127\.0\.0\.1:\d+/, 'HOST:PORT'))).toEqual([
      'Connecting to MASTER HOST:PORT',
      'MASTER <-> REPLICA sync started',
      'Non blocking connect for SYNC fired the event.',
      'Master replied to PING, replication can continue...',
      'Partial resynchronization not possible (no cached master)',
      `Full resync from master: ${ID}:5`,
      `MASTER <-> REPLICA sync: receiving ${RDB.length} bytes from master to disk`,
      'MASTER <-> REPLICA sync: Flushing old data',
      'MASTER <-> REPLICA sync: Loading DB in memory',
      'Loading RDB produced by version 6.2.16',
      expect.stringMatching(/^RDB age \d+ seconds$/),
      'RDB memory usage when created 1.00 Mb',
      'Loaded 1 keys of DB 0',
      'Loaded 1 keys of DB 3',
      'Done loading RDB, keys loaded: 2, keys expired: 0.',
      expect.stringMatching(/^DB saved on disk as .*snap-\d+\.rdb$/),
      'MASTER <-> REPLICA sync: Finished with success',
    ])
  })

  it('--trace: the wire both ways with offsets, and no password on it', async () => {
    const script = {payload: `\n${diskless(RDB).toString('latin1')}`, stream: STREAM, streamOnAck: true}
    const env = {RDBTOOL_PASSWORD: 'hunter2'}
    const {code, stdout, stderr} = await syncFrom(script, ['--trace', '--user', 'ops', '--until-offset', '59'], {env})
    expect(code).toBe(0)
    expect(stderr + stdout).not.toContain('hunter2')
    const lines = stderr.trimEnd().split('\n')
    expect(lines.filter(line => !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z {2}[<>] {2}/.test(line))).toEqual([])
    const shown = lines.map(line => line.slice(26)).filter(line => !line.includes('(newline'))
    expect(shown).toEqual([
      '>  PING',
      '<  +PONG',
      '>  AUTH ops (password)',
      '<  +OK',
      '>  REPLCONF capa eof capa psync2',
      '<  +OK',
      '>  REPLCONF version 9.1.0',
      '<  +OK',
      '>  PSYNC ? -1',
      `<  +FULLRESYNC ${ID} 0`,
      expect.stringMatching(/^< {2}\$EOF:[0-9a-f]{40}$/),
      `<  (${RDB.length} bytes of RDB)`,
      '>  REPLCONF ACK 0',
      '<  SELECT 0  [23 bytes, offset 23]',
      '<  SET "key b" a\\x1b[31m  [36 bytes, offset 59]',
      '>  REPLCONF ACK 59',
    ])
    expect(lines.filter(line => line.includes('<  (newline: a sign of life)'))).toHaveLength(1)
  })

  it.skipIf(!hasTerminal)('a spinner with its phases on a terminal', async () => {
    const master = await scriptedMaster({payload: disk(RDB)})
    const {stdout} = await terminal(`rdbtool sync ${master.address} --out ${output()} --for 1.2`, 80)
    expect(stdout).toContain('following')
    expect(stdout).toContain('acknowledged')
  })
})

describe('the output', () => {
  it('that is there already stays, and no master is bothered', async () => {
    const master = await scriptedMaster({payload: disk(RDB)})
    const out = output()
    writeFileSync(out, 'precious')
    const refused = await rdbtool(['sync', master.address, '--out', out])
    expect(refused).toMatchObject({code: 2, stdout: ''})
    expect(refused.stderr).toContain(`${out} is there already: give another name, or --force`)
    expect(readFileSync(out, 'utf8')).toBe('precious')
    expect(master.connections()).toBe(0)
    expect(await rdbtool(['sync', master.address, '--out', out, '--force'])).toMatchObject({code: 0})
    expect(readFileSync(out)).toEqual(RDB)
  })

  it('stays as it was where the new one is damaged', async () => {
    const out = output()
    writeFileSync(out, 'precious')
    const master = await scriptedMaster({payload: disk(RDB.subarray(0, -3))})
    const args = ['sync', master.address, '--out', out, '--force', '--retries', '0']
    expect(await rdbtool(args)).toMatchObject({code: 3, stdout: ''})
    expect(readFileSync(out, 'utf8')).toBe('precious')
    expect(leftovers()).toEqual([])
  })

  it('cannot be written: a folder that is not there', async () => {
    const master = await scriptedMaster({payload: disk(RDB)})
    const {code, stderr} = await rdbtool(['sync', master.address, '--out', join(folder.path, 'no/snap.rdb')])
    expect(code).toBe(5)
    expect(stderr).toContain('ENOENT')
    expect(master.connections()).toBe(0)
  })

  it('outgrows the disk: an error, and nothing left', async () => {
    const big = fileOf(Array.from({length: 20_000}, (_, at) => `key:${at}`))
    const master = await scriptedMaster({payload: disk(big)})
    // The shell bounds the size of files; the signal for that must not end the program.
    const line = `trap '' XFSZ; ulimit -f 64; rdbtool sync ${master.address} --out "$O" --json`
    const out = output()
    const {code, stdout, stderr} = await shell(line, {env: {O: out}})
    expect(code).toBe(5)
    expect(stderr).toMatch(/^rdbtool: .*snap-\d+\.rdb: .*\(EFBIG\)/)
    expect(JSON.parse(stdout)).toMatchObject({out, error: {code: 'EFBIG'}})
    expect(existsSync(out)).toBe(false)
    expect(leftovers()).toEqual([])
    expect(master.connections()).toBe(1)
  })

  it.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in the middle leaves nothing', async (signal, code) => {
    const master = await scriptedMaster({payload: disk(RDB).subarray(0, 40)})
    const {child, finished} = start(['sync', master.address, '--out', output()])
    await vi.waitFor(() => expect(master.commands.at(-1)?.[0]).toBe('PSYNC'), {timeout: 5000})
    await vi.waitFor(() => expect(leftovers()).toHaveLength(1), {timeout: 5000})
    child.kill(signal)
    expect(await finished).toMatchObject({code, stdout: '', stderr: ''})
    expect(leftovers()).toEqual([])
  })
})

it('SIGINT while it follows the stream: the report, and the code of the signal', async () => {
  const master = await scriptedMaster({payload: disk(RDB), stream: STREAM})
  const out = output()
  const {child, finished} = start(['sync', master.address, '--out', out, '--for', '60', '--json'])
  await vi.waitFor(() => expect(master.commands.at(-1)).toEqual(['REPLCONF', 'ACK', '59']), {timeout: 8000})
  child.kill('SIGINT')
  const {code, stdout, stderr} = await finished
  expect({code, stderr}).toEqual({code: 130, stderr: ''})
  expect(JSON.parse(stdout)).toMatchObject({out, stream: {offset: 59, commands: 2}})
  expect(readFileSync(out)).toEqual(RDB)
})

it('a master that drops us in the middle is asked for its limits', async () => {
  const values: Record<string, string> = {
    'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60',
    'repl-timeout': '45',
  }
  const bulk = (text: string): string => `$${text.length}\r\n${text}\r\n`
  const CONFIG = ([, , name = '']: string[]): string => `*2\r\n${bulk(name)}${bulk(values[name]!)}`.trimEnd()
  const script = {replies: {CONFIG}, payload: disk(RDB).subarray(0, 40), hangUp: true}
  const {code, stderr} = await syncFrom(script)
  expect(code).toBe(5)
  expect(stderr).toContain(
    'raise client-output-buffer-limit replica (there: 256 MiB, or 64.0 MiB for 60 s) or repl-timeout (there: 45 s)',
  )
})

describe('failures have a message, advice and a code', () => {
  const http = createServer((_, response) => response.end('hello'))
  const listening = new Promise<number>(resolve => {
    http.listen(0, '127.0.0.1', () => resolve((http.address() as {port: number}).port))
  })
  afterAll(() => http.close())

  it.each<[string, Script, number, string, string]>([
    ['no password', {replies: {PING: '-NOAUTH Authentication required.'}}, 5, 'AUTH_REQUIRED', 'set RDBTOOL_PASSWORD'],
    [
      'no permission',
      {replies: {PSYNC: '-NOPERM no'}},
      5,
      'NO_PERMISSION',
      'ACL SETUSER default +psync +replconf +ping',
    ],
    [
      'no PSYNC',
      {replies: {PSYNC: '-ERR unknown command', SYNC: '-ERR unknown command'}},
      4,
      'COMMAND_UNKNOWN',
      'SCAN and DUMP',
    ],
    ['no saving', {payload: '-ERR BGSAVE failed\r\n'}, 5, 'SNAPSHOT_FAILED', "read the master's log"],
    ['a link down', {replies: {PSYNC: '-NOMASTERLINK no'}}, 5, 'MASTER_NOT_READY', '--wait'],
    ['silence', {replies: {PING: undefined}}, 5, 'SILENCE', '--timeout waits longer'],
    [
      'an end',
      {payload: disk(RDB).subarray(0, 40), hangUp: true},
      5,
      'CONNECTION_LOST',
      'client-output-buffer-limit replica or repl-timeout',
    ],
    [
      'damage',
      {payload: disk(Buffer.concat([RDB.subarray(0, -9), RDB.subarray(-8), Buffer.of(0)]))},
      3,
      'BAD_CHECKSUM',
      'look for a proxy',
    ],
    ['other words', {replies: {PSYNC: '+HELLO'}}, 3, 'UNEXPECTED_REPLY', 'look with --trace'],
  ])('%s', async (_, script, exitCode, code, advice) => {
    const {code: left, stdout, stderr, out} = await syncFrom(script, ['--json', '--wait', '0', '--timeout', '1.5'])
    expect({left, stderr}).toEqual({left: exitCode, stderr: expect.stringMatching(/^rdbtool: .*\n(.*\n)* {2}next /)})
    expect(stderr).toContain(`(${code}`)
    expect(stderr.replace(/\n\s+/g, ' ')).toContain(advice)
    expect(JSON.parse(stdout)).toMatchObject({
      out,
      error: {code: expect.stringContaining(code), text: expect.any(String)},
    })
    expect(existsSync(out)).toBe(false)
    expect(leftovers()).toEqual([])
  })

  it('an HTTP server', async () => {
    const {code, stderr} = await rdbtool(['sync', `127.0.0.1:${await listening}`, '--out', output()])
    expect(code).toBe(3)
    expect(stderr).toContain('it speaks HTTP (NOT_A_SERVER)\n  next   check the port')
  })

  it('TLS where none is spoken', async () => {
    const master = await scriptedMaster({})
    const args = ['sync', `rediss://${master.address}`, '--out', output(), '--connect-timeout', '0.3']
    const {code, stderr} = await rdbtool(args)
    expect(code).toBe(5)
    expect(stderr).toMatch(
      /no TLS handshake came of it within 0\.3 s \(CONNECT_TIMEOUT\)\n {2}next {3}the port may not speak TLS/,
    )
  })

  it.each([
    ['an address that is none', ['sync', 'a b', '--out', 'x'], '"a b" is no address of a server'],
    ['a password in it is not repeated', ['sync', 'redis://:hunter2@', '--out', 'x'], '"redis://:***@" is no address'],
    ['no output', ['sync', 'db1'], 'say where it goes: --out FILE'],
    [
      'a user without a password',
      ['sync', 'db1', '--out', 'x', '--user', 'ops'],
      'a user needs a password: set RDBTOOL_PASSWORD',
    ],
    ['half a certificate', ['sync', 'db1', '--out', 'x', '--cert', 'c'], '--cert and --key belong together'],
    [
      'a certificate that is not there',
      ['sync', 'db1', '--out', 'x', '--ca', '/no/ca'],
      'the file of ca cannot be read',
    ],
    ['seconds that are none', ['sync', 'db1', '--out', 'x', '--for', 'long'], '"long" are no seconds'],
  ])('2: %s', async (_, args, said) => {
    const {code, stdout, stderr} = await rdbtool(args)
    expect({code, stdout}).toEqual({code: 2, stdout: ''})
    expect(stderr).toContain(said)
    expect(stderr).not.toContain('hunter2')
  })

  it('a stream that breaks: the report, then the error; the snapshot stands', async () => {
    const {code, stdout, stderr, out} = await syncFrom({payload: disk(RDB), stream: STREAM, hangUp: true}, [
      '--for',
      '9',
    ])
    expect(code).toBe(5)
    expect(stdout).toContain('\nstream    2 commands, 59 bytes; offset 59, acknowledged ')
    expect(stderr).toContain('closed the connection while it streamed commands (CONNECTION_LOST)')
    expect(readFileSync(out)).toEqual(RDB)
  })
})

describe('a running server as a source', () => {
  it('of inspect and check', async () => {
    const master = await scriptedMaster({payload: diskless(RDB)})
    const url = `redis://:hunter2@${master.address}`
    const inspected = await rdbtool(['inspect', url, '--json'])
    expect(inspected).toMatchObject({code: 0, stderr: ''})
    expect(JSON.parse(inspected.stdout)).toMatchObject({
      source: `redis://:***@${master.address}`,
      keys: 2,
      checksum: 'ok',
    })
    const checked = await rdbtool(['check', url])
    expect(checked).toMatchObject({code: 0, stderr: ''})
    expect(checked.stdout).toContain(`redis://:***@${master.address}: OK\n`)
    expect(master.commands.filter(([name]) => name === 'AUTH')).toHaveLength(2)
  })

  it('whose duplicate keys are read again and compared', async () => {
    const twice = fileOf(['a', 'b', 'a'])
    const master = await scriptedMaster({payload: disk(twice)})
    const {code, stdout} = await rdbtool(['check', `redis://${master.address}`, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout).problems).toMatchObject([{code: 'DUPLICATE_KEY', key: 'a'}])
  })

  it('leaves no temporary file, whatever comes of it', async () => {
    const env = {TMPDIR: folder.path}
    const whole = await scriptedMaster({payload: disk(RDB)})
    expect((await rdbtool(['inspect', `redis://${whole.address}`], {env})).code).toBe(0)
    const refused = await scriptedMaster({replies: {PSYNC: '-NOPERM no'}})
    const {code, stdout, stderr} = await rdbtool(['inspect', `redis://${refused.address}`], {env})
    expect({code, stdout}).toEqual({code: 5, stdout: ''})
    expect(stderr).toContain('(NO_PERMISSION)')
    expect(leftovers()).toEqual([])
  })
})
