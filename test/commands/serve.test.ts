/** The command: what it prints where, its exit codes, and that nothing stays behind. */
import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs'
import {createServer} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it, vi} from 'vitest'
import {ScriptedReplica} from '../replication/scripted-replica.js'
import {hasOpenssl, makeCertificates} from '../server/certificates.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf, RdbFile, text} from '../start/rdb.js'
import {type Finished, hasTerminal, rdbtool, type StartOptions, start, terminal} from '../start/run.js'

const folder = temporaryFolder()
/** Where the program makes its temporary files. */
const TMPDIR = mkdtempSync(join(tmpdir(), 'rdbtool-serve-command-'))
afterAll(() => rmSync(TMPDIR, {recursive: true, force: true}))
const leftovers = (): string[] => readdirSync(TMPDIR)

const RDB = new RdbFile('REDIS', 9)
  .aux('redis-ver', '6.2.16')
  .db(0)
  .key(0, 'a', text('1'))
  .db(3)
  .key(0, 'b', text('2'))
  .end()
const source = folder.write('small.rdb', RDB)
const damaged = folder.write('damaged.rdb', Buffer.from(RDB).fill('x', RDB.length - 12, RDB.length - 10))

interface Serving {
  port: number
  finished: Promise<Finished>
  output: () => string
  kill: (signal: NodeJS.Signals) => void
}

/** Starts it, and resolves once the snapshot lies ready. */
async function serving(args: readonly string[], env: Record<string, string> = {}): Promise<Serving> {
  const {child, finished} = start(['serve', ...args, '--port', '0'], {TMPDIR, ...env})
  let heard = ''
  child.stdout?.on('data', piece => {
    heard += piece
  })
  const port = await vi.waitFor(
    () => {
      expect(heard).toMatch(/^next {6}|"event":"staged"/m)
      return Number(/127\.0\.0\.1:(\d+)/.exec(heard)![1])
    },
    {timeout: 20_000, interval: 10},
  )
  return {port, finished, output: () => heard, kill: signal => child.kill(signal)}
}

let outputs = 0
/** Attaches, and stays until it is left alone, or a second longer. */
const sync = (port: number, args: readonly string[] = [], options?: StartOptions): Promise<Finished> =>
  rdbtool(['sync', `127.0.0.1:${port}`, '--out', join(folder.path, `out-${++outputs}.rdb`), ...args], options)

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z/

describe('what is shown', () => {
  it('what lies ready, what happens, and what came of it', async () => {
    const {port, finished} = await serving([source, '--once'])
    const fetched = await sync(port, ['--until-offset', '37', '--json'])
    expect(JSON.parse(fetched.stdout)).toMatchObject({keys: 2, rdbVersion: 9, transfer: 'disk'})
    const {code, stdout, stderr} = await finished
    expect({code, stderr}).toEqual({code: 0, stderr: ''})
    expect(
      stdout.split('\n').map(line => line.replace(TIME, 'TIME').replaceAll(/127\.0\.0\.1:\d+/g, 'HOST:PORT')),
    ).toEqual([
      source,
      'at        HOST:PORT',
      'format    RDB version 9 (REDIS), for redis-5.0',
      expect.stringMatching(/^size {6}\d+ B \(\d+ bytes\)$/),
      'keys      2',
      `next      REPLICAOF 127.0.0.1 ${port} on a server; once it is in sync, REPLICAOF NO ONE`,
      'TIME  HOST:PORT is sent RDB version 9',
      'TIME  HOST:PORT is in sync',
      'TIME  HOST:PORT is gone (stopped)',
      'in sync   HOST:PORT',
      expect.stringMatching(/^sent {6}1 snapshot, \d+ B; 0 resumed$/),
      'next      REPLICAOF NO ONE on each',
      '',
    ])
    expect(leftovers()).toEqual([])
  })

  it('every event as a line of JSON, with the names of the contract', async () => {
    const {port, finished} = await serving([source, '--json', '--once'])
    await sync(port, ['--until-offset', '37'])
    const {code, stdout} = await finished
    expect(code).toBe(0)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(lines.every(({time}) => TIME.test(time))).toBe(true)
    expect(lines.map(({event}) => event)).toEqual([
      ...[
        'listening',
        'staging',
        'staged',
        'asks',
        'full-resync',
        'sending',
        'sent',
        'online',
        'acknowledged',
        'in-sync',
      ],
      ...['lost', 'closed', 'ended'],
    ])
    const address = `127.0.0.1:${port}`
    expect(lines[0]).toMatchObject({address, replicationId: expect.stringMatching(/^[0-9a-f]{40}$/), offset: 0})
    const snapshot = {rdbVersion: 9, bytes: expect.any(Number), target: 'redis-5.0'}
    expect(lines[2]).toMatchObject({snapshot, seconds: expect.any(Number)})
    expect(lines.find(({event}) => event === 'in-sync').replica).toEqual({
      ...{id: 1, address: expect.stringMatching(/^127\.0\.0\.1:\d+$/), state: 'online', acknowledged: 0, inSync: true},
    })
    expect(lines.at(-1)).toEqual({
      ...{time: expect.any(String), event: 'ended', source, address, replicationId: lines[0].replicationId, offset: 37},
      ...{snapshot, converted: [], synced: [lines[3].replica.address], fullResyncs: 1, partialResyncs: 0},
      ...{bytesSent: lines[2].snapshot.bytes, ended: 'in sync', seconds: expect.any(Number)},
      ...{keysIn: 2, keysOut: 2, skipped: [], lost: []},
    })
  })

  it('--log: what happens, in the lines of a master, added to a file or on standard error', async () => {
    const log = folder.write('master.log', 'before\n')
    const {port, finished} = await serving([source, '--once', '--log', log])
    await sync(port, ['--until-offset', '37'])
    await finished
    const head = /^\d+:M \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d\.\d{3} [*#] /
    const [before, ...lines] = readFileSync(log, 'utf8').trimEnd().split('\n')
    expect(before).toBe('before')
    expect(lines.filter(line => !head.test(line))).toEqual([])
    expect(lines.map(line => line.replace(head, '').replaceAll(/127\.0\.0\.1:\d+/g, 'HOST:PORT'))).toEqual([
      expect.stringMatching(/^Replication backlog created, my new replication ID is '[0-9a-f]{40}'$/),
      'Ready to accept connections at HOST:PORT',
      'Background saving started for redis-5.0',
      expect.stringMatching(/^DB saved on disk: RDB version 9, \d+ bytes, 2 keys$/),
      'Background saving terminated with success',
      'Replica HOST:PORT asks for synchronization',
      'Full resync of replica HOST:PORT begins at offset 0',
      expect.stringMatching(/^Sending RDB version 9, \d+ bytes from disk, to replica HOST:PORT$/),
      'Synchronization with replica HOST:PORT succeeded',
      'Replica HOST:PORT has loaded it: acknowledged offset 0',
      'Connection with replica HOST:PORT lost.',
      'rdbtool serve is now ready to exit, bye bye...',
    ])
    const other = await serving([source, '--log', '-'])
    other.kill('SIGTERM')
    expect((await other.finished).stderr.split('\n')[0]).toMatch(head)
  })

  it('--trace: the wire both ways, and no password on it', async () => {
    const {port, finished, kill} = await serving([source, '--trace'], {RDBTOOL_SERVE_PASSWORD: 'hunter2'})
    expect((await sync(port)).stderr).toContain('RDBTOOL_PASSWORD')
    expect(await sync(port, ['--until-offset', '37'], {env: {RDBTOOL_PASSWORD: 'hunter2'}})).toMatchObject({code: 0})
    kill('SIGINT')
    const {stdout, stderr} = await finished
    expect(stdout + stderr).not.toContain('hunter2')
    const lines = stderr.trimEnd().split('\n')
    expect(lines.filter(line => !/^\S+Z {2}127\.0\.0\.1:\d+ {2}[<>] {2}/.test(line))).toEqual([])
    const shown = lines.map(line => line.replace(/^\S+ {2}\S+ {2}/, ''))
    expect(shown).toEqual(
      expect.arrayContaining([
        '>  -NOAUTH Authentication required.',
        '<  AUTH (password)',
        '<  PSYNC ? -1',
        '<  REPLCONF ACK 0',
      ]),
    )
    expect(shown.some(line => /^> {2}\(\d+ bytes of RDB\)$/.test(line))).toBe(true)
  })

  it.skipIf(!hasTerminal)('who is attached, on a terminal', async () => {
    const command = `TMPDIR=${TMPDIR} timeout -s INT 6 "$NODE" "$BIN" serve ${source} --port 0`
    const {stdout} = await terminal(command, 100)
    expect(stdout).toMatch(/serving at 127\.0\.0\.1:\d+, offset 0; nobody is attached/)
  })
})

describe('who is let in', () => {
  it('only this machine, unless there is a password, or it is said', async () => {
    const refused = await rdbtool(['serve', source, '--port', '0', '--bind', '0.0.0.0'])
    expect(refused).toMatchObject({code: 2, stdout: ''})
    expect(refused.stderr).toContain('RDBTOOL_SERVE_PASSWORD')
  })

  it.skipIf(!hasOpenssl)(
    'by TLS, and who has a certificate',
    async () => {
      const {ca, server, client} = makeCertificates(folder.path)
      const tls = ['--cert', server.cert, '--key', server.key]
      const open = await serving([source, ...tls])
      const fetched = await sync(open.port, ['--ca', ca, '--until-offset', '37'])
      expect(fetched).toMatchObject({code: 0, stderr: ''})
      open.kill('SIGINT')
      expect((await open.finished).stdout).toContain('is in sync')

      const strict = await serving([source, ...tls, '--ca', ca])
      expect(await sync(strict.port, ['--ca', ca])).toMatchObject({code: 5})
      expect(await sync(strict.port, ['--ca', ca, '--cert', client.cert, '--key', client.key])).toMatchObject({code: 0})
      strict.kill('SIGINT')
      expect((await strict.finished).stdout).toMatch(/was refused: no TLS handshake/)
    },
    60_000,
  )
})

describe('the end', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s: the report, the code of the signal, and nothing is left', async (signal, code) => {
    const {port, finished, kill} = await serving([source])
    const replica = await ScriptedReplica.connect(port)
    await replica.say('PSYNC', '?', -1)
    await replica.hears('*\r\n')
    kill(signal)
    const {stdout, ...ended} = await finished
    expect(ended).toMatchObject({code, stderr: ''})
    expect(stdout).toMatch(/\nin sync {3}nobody\nsent {6}1 snapshot, /)
    expect(leftovers()).toEqual([])
  })

  it('SIGINT while the source is read: at once, and nothing is left', async () => {
    const {child, finished} = start(['serve', '-', '--port', '0'], {TMPDIR})
    child.stdin?.write(RDB.subarray(0, 20))
    await vi.waitFor(() => expect(leftovers().length).toBe(1), {timeout: 5000, interval: 10})
    child.kill('SIGINT')
    expect(await finished).toMatchObject({code: 130, stdout: ''})
    expect(leftovers()).toEqual([])
  })

  it.each([
    ['a source that is damaged', [damaged], 3, 'BAD'],
    ['a source that is none', [folder.write('none.rdb', 'hello world')], 3, 'begins with REDIS or VALKEY'],
    ['a source that is not there', [join(folder.path, 'absent.rdb')], 5, 'there is no such file'],
    ['a target that does not hold it', [source, '--target', 'redis-9.9'], 2, 'no target is called'],
    [
      'an address that is not ours',
      [source, '--bind', '192.0.2.1', '--unprotected'],
      5,
      'this machine has no such address',
    ],
    ['half of a certificate', [source, '--cert', 'x'], 2, '--cert and --key belong together'],
    ['a password of nobody', [source, '--ca', 'x'], 2, '--ca belongs to TLS'],
    ['no time at all', [source, '--timeout', '0'], 2, '0 seconds are too short'],
    ['a part of what is followed', [source, '--follow', '--match', 'a*'], 2, 'leave out --match'],
    ['a file that is followed', [source, '--follow'], 2, 'is no folder of a log'],
    ['no source', [], 2, 'something is missing'],
  ] as const)('%s', async (_, args, code, words) => {
    const ended = await rdbtool(['serve', ...args, '--port', '0'], {env: {TMPDIR}})
    expect({code: ended.code, stdout: ended.stdout}).toEqual({code, stdout: ''})
    if (words !== 'BAD') expect(ended.stderr).toContain(words)
    expect(leftovers()).toEqual([])
  })

  it('a port that is taken', async () => {
    const taken = createServer()
    const port = await new Promise<number>(resolve => {
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as {port: number}).port))
    })
    try {
      const ended = await rdbtool(['serve', source, '--port', String(port)])
      expect(ended).toMatchObject({code: 5, stdout: ''})
      expect(ended.stderr).toBe(
        `rdbtool: cannot listen at 127.0.0.1:${port}: another program listens there (EADDRINUSE) (LISTEN_FAILED)\n` +
          '  next   give another --port, or another address with --bind; ports below 1024 are for root\n',
      )
    } finally {
      taken.close()
    }
  })

  it('a replica that cannot read it: by name, and with the target to try', async () => {
    const {port, finished} = await serving([folder.write('ten.rdb', fileOf(['a'])), '--target', 'redis-7.0', '--once'])
    for (let i = 0; i < 2; i++) {
      const replica = await ScriptedReplica.connect(port)
      await replica.ask(['REPLCONF', 'listening-port', 7777])
      await replica.say('PSYNC', '?', -1)
      await replica.hears('*\r\n')
      replica.socket.destroy()
    }
    const {code, stdout, stderr} = await finished
    expect(code).toBe(4)
    expect(stderr).toMatch(/^rdbtool: .*127\.0\.0\.1:7777 probably cannot read RDB version 10: /)
    expect(stderr).toContain('--target redis-6.2')
    expect(stdout).toContain('Replica 127.0.0.1:7777 probably cannot read RDB version 10')
    expect(leftovers()).toEqual([])
  })
})
