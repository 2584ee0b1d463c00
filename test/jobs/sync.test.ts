/** A sync from a master that does as it is told: what arrives however it is cut, and every way in which it can fail. */
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it, vi} from 'vitest'
import type {WireError} from '../../src/errors.js'
import {type Sync, type SyncOptions, sync} from '../../src/jobs/sync.js'
import type {WireMessage} from '../../src/replication/observer.js'
import type {SyncEvent} from '../../src/report/replica-log.js'
import {parseAddress} from '../../src/resp/address.js'
import {crc64, le} from '../fixtures/builder.js'
import {
  disk,
  diskless,
  ID,
  MARK,
  type Script,
  type ScriptedMaster,
  scriptedMaster,
} from '../replication/scripted-master.js'
import {encodeCommand} from '../server/resp.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'

const folder = temporaryFolder()
const RDB = fileOf(['a', 'b', 'c'])
let outputs = 0

const output = (): string => join(folder.path, `snap-${++outputs}.rdb`)

/** What is in the folder under no final name. */
const leftovers = (): string[] => readdirSync(folder.path).filter(name => name.endsWith('.tmp'))

interface Ran {
  result: Sync | undefined
  error: (Error & Partial<Pick<WireError, 'code'>>) | undefined
  out: string
  events: SyncEvent[]
  messages: WireMessage[]
}

/** Quick where nothing is to be waited for. */
const QUICK: SyncOptions = {silenceMs: 2000, retries: 0, patienceMs: 0, retryDelayMs: 5, connectTimeoutMs: 2000}

async function run(master: ScriptedMaster | string, options: SyncOptions = {}): Promise<Ran> {
  const address = parseAddress(typeof master === 'string' ? master : master.address)
  const out = output()
  const events: SyncEvent[] = []
  const messages: WireMessage[] = []
  const ran = {result: undefined, error: undefined, out, events, messages}
  const told = {
    onEvent: (event: SyncEvent) => void events.push(event),
    onMessage: (one: WireMessage) => void messages.push(one),
  }
  try {
    return {...ran, result: await sync(address, out, {...QUICK, ...told, ...options})}
  } catch (error) {
    return {...ran, error: error as Error}
  }
}

async function runScript(script: Script, options?: SyncOptions): Promise<Ran & {master: ScriptedMaster}> {
  const master = await scriptedMaster(script)
  return {...(await run(master, options)), master}
}

/** It failed like this, and left nothing behind. */
function failedBy({error, out, result}: Ran, code: string, message: RegExp): void {
  expect(result).toBeUndefined()
  expect({code: error?.code, message: error?.message}).toEqual({code, message: expect.stringMatching(message)})
  expect(existsSync(out)).toBe(false)
  expect(leftovers()).toEqual([])
}

/** Offsets acknowledged so far. */
const acks = ({commands}: ScriptedMaster): (string | undefined)[] =>
  commands.filter(([name, option]) => name === 'REPLCONF' && option === 'ACK').map(args => args[2])

const STREAM = Buffer.concat([encodeCommand(['SELECT', 0]), encodeCommand(['SET', 'key-b', 'key-a'])])

describe('every message in single bytes', () => {
  it.each([
    ['disk', `\n\n${disk(RDB).toString('latin1')}`, false],
    ['diskless', `\n${diskless(RDB).toString('latin1')}`, true],
  ])('%s', async (transfer, payload, streamOnAck) => {
    const stream = Buffer.concat([Buffer.from('\n'), STREAM, encodeCommand(['REPLCONF', 'GETACK', '*'])])
    const script = {payload, stream, streamOnAck, pieceBytes: 1, offset: 1000}
    const {result, error, out, messages, master} = await runScript(script, {follow: {untilOffset: 1095}})
    expect(error).toBeUndefined()
    expect(readFileSync(out)).toEqual(RDB)
    expect(result).toMatchObject({transfer, replicationId: ID, offset: 1000, attempts: 1})
    expect(result?.inventory).toMatchObject({keys: 3, checksum: 'ok'})
    expect(result?.followed).toMatchObject({bytes: 95, offset: 1095, commands: 3, failure: undefined})
    const newlines = messages.filter(({kind, direction}) => kind === 'newline' && direction === 'received')
    expect(newlines).toHaveLength(transfer === 'disk' ? 2 : 1)
    // GETACK is answered at once, without itself; the last word counts it.
    await vi.waitFor(() => expect(acks(master).at(-1)).toBe('1095'))
    expect(acks(master)).toContain('1058')
  })
})

describe('the conversation', () => {
  it('says who we are and what we understand, in the order of a replica', async () => {
    const {master, messages} = await runScript({payload: disk(RDB)}, {listeningPort: 6390, announcedIp: '10.0.0.9'})
    expect(master.commands.map(args => args.join(' '))).toEqual([
      'PING',
      'REPLCONF listening-port 6390',
      'REPLCONF ip-address 10.0.0.9',
      'REPLCONF capa eof capa psync2',
      'REPLCONF version 9.1.0',
      'REPLCONF rdb-only 1',
      'PSYNC ? -1',
    ])
    const sent = messages.filter(({direction}) => direction === 'sent')
    expect(sent).toHaveLength(7)
  })

  it('wants the stream where it stays, and announces nothing of the kind that it does not do', async () => {
    const {master} = await runScript({payload: disk(RDB), stream: STREAM}, {follow: {untilOffset: 58}})
    const said = master.commands.map(args => args.join(' '))
    expect(said).not.toContain('REPLCONF rdb-only 1')
    expect(said.join('\n')).not.toMatch(/dual-channel|rdb-channel|lz4|zstd|skip-rdb-checksum|listening-port/)
  })

  it('authenticates by password, or as a user, and shows neither the password nor what repeats it', async () => {
    for (const [url, auth] of [
      ['redis://:hunter2@', 'AUTH hunter2'],
      ['redis://ops:hunter2@', 'AUTH ops hunter2'],
    ] as const) {
      const replies = {PING: '-NOAUTH Authentication required.', 'REPLCONF version': "-ERR no, 'hunter2'"}
      const master = await scriptedMaster({replies, payload: disk(RDB)})
      const {result, messages, events} = await run(url + master.address)
      expect(result).toBeDefined()
      expect(master.commands[1]?.join(' ')).toBe(auth)
      expect(JSON.stringify([messages, events, result])).not.toContain('hunter2')
      expect(JSON.stringify(messages)).toContain('(password)')
    }
  })

  it('goes on where PING or REPLCONF may not be, or are not known', async () => {
    const replies = {PING: '-NOPERM no permission to run ping', REPLCONF: '-ERR unknown command REPLCONF'}
    const {result, events} = await runScript({replies, payload: disk(RDB)})
    expect(result?.inventory.keys).toBe(3)
    const refused = events.flatMap(event => (event.kind === 'option-refused' ? [event.option] : []))
    expect(refused).toEqual(['PING', 'capa', 'version', 'rdb-only'])
  })

  it('speaks SYNC where PSYNC is unknown: neither ID nor offset, the same snapshot', async () => {
    const replies = {PSYNC: "-ERR unknown command 'PSYNC'", SYNC: disk(RDB).toString('latin1').trimEnd()}
    const {result, master} = await runScript({replies})
    expect(master.commands.at(-1)).toEqual(['SYNC'])
    expect(result).toMatchObject({replicationId: '?', offset: -1, transfer: 'disk'})
  })

  it('calls PSYNC by its new name, and one that takes no arguments without any', async () => {
    const renamed = await runScript(
      {replies: {SECRET: `+FULLRESYNC ${ID} 5`}, payload: disk(RDB)},
      {psyncCommand: 'SECRET'},
    )
    expect(renamed.result).toMatchObject({offset: 5})
    expect(renamed.master.commands.at(-1)).toEqual(['SECRET', '?', '-1'])
    const ERROR = "-ERR wrong number of arguments for 'secret' command"
    const SECRET = (args: string[]): string => (args.length > 1 ? ERROR : diskless(RDB).toString('latin1'))
    const bare = await runScript({replies: {SECRET}}, {psyncCommand: 'SECRET'})
    expect(bare.master.commands.slice(-2)).toEqual([['SECRET', '?', '-1'], ['SECRET']])
    expect(bare.result).toMatchObject({replicationId: '?', offset: -1, transfer: 'diskless'})
    expect(readFileSync(bare.out)).toEqual(RDB)
  })

  it('takes a mark that lies right behind the snapshot, and newlines behind the mark', async () => {
    const payload = `${diskless(RDB).toString('latin1')}\n\n`
    const {result} = await runScript({payload, stream: STREAM}, {follow: {untilOffset: 58}})
    expect(result?.followed).toMatchObject({offset: 58, commands: 2})
  })

  it('takes a snapshot without a checksum, and says so', async () => {
    const bare = Buffer.concat([RDB.subarray(0, -8), Buffer.alloc(8)])
    const {result} = await runScript({payload: disk(bare)})
    expect(result?.inventory.checksum).toBe('absent')
  })

  it('keeps acknowledging once a second while nothing comes', async () => {
    const {result, master} = await runScript(
      {payload: disk(RDB), offset: 7},
      {follow: {seconds: 2.3}, silenceMs: 10_000},
    )
    await vi.waitFor(() => expect(acks(master)).toEqual(['7', '7', '7', '7']))
    expect(result?.followed).toMatchObject({offset: 7, commands: 0, failure: undefined})
  })
})

describe('what passes is waited for', () => {
  const ready: Script = {payload: disk(RDB)}

  it.each([
    ['it loads', {PING: '-LOADING Redis is loading the dataset in memory'}],
    ['its own link is down', {PSYNC: "-NOMASTERLINK Can't SYNC while not connected with my master"}],
    ['an older one, likewise', {PSYNC: "-ERR Can't SYNC while not connected with my master"}],
    [
      'it serves no stale data',
      {PING: "-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."},
    ],
    ['a script blocks it', {PING: '-BUSY Redis is busy running a script.'}],
  ])('%s', async (_, replies) => {
    const master = await scriptedMaster({replies}, {replies}, ready)
    const {result, events} = await run(master, {patienceMs: 5000})
    expect(result?.attempts).toBe(3)
    expect(events.flatMap(event => (event.kind === 'retrying' ? [event.waitMs] : []))).toEqual([5, 10])
  })

  it('as long as patience lasts, which costs it no fork', async () => {
    const replies = {PSYNC: '-NOMASTERLINK no'}
    const {master, ...ran} = await runScript({replies}, {patienceMs: 1500, retryDelayMs: 400, retries: 0})
    failedBy(ran, 'MASTER_NOT_READY', /refused PSYNC: NOMASTERLINK/)
    // At 0, 0.4 and 1.2 s: the fourth would be too late.
    expect(master.connections()).toBeGreaterThan(1)
    expect(master.connections()).toBeLessThan(4)
  })

  it.each([
    ['cut short', {payload: disk(RDB).subarray(0, 30), hangUp: true}],
    ['not made', {payload: "-ERR BGSAVE failed, replication can't continue\r\n"}],
    ['never begun', {hangUp: true}],
    ['damaged', {payload: disk(Buffer.concat([RDB.subarray(0, 20), Buffer.from('!'), RDB.subarray(21)]))}],
    ['silent in the middle', {payload: disk(RDB).subarray(0, 30)}],
  ])('a transfer that was %s is asked for again', async (_, broken) => {
    const master = await scriptedMaster(broken, ready)
    const {result, out} = await run(master, {retries: 1, silenceMs: 700})
    expect(result?.attempts).toBe(2)
    expect(readFileSync(out)).toEqual(RDB)
  })

  it('what a transfer took is not waiting', async () => {
    const loading = {replies: {PING: '-LOADING Redis is loading'}}
    const master = await scriptedMaster({payload: disk(RDB).subarray(0, 30)}, loading, ready)
    const {result} = await run(master, {retries: 1, silenceMs: 700, patienceMs: 200})
    expect(result?.attempts).toBe(3)
  })

  it('as often as was told, since each costs the master a fork', async () => {
    const {master, ...ran} = await runScript({payload: disk(RDB).subarray(0, 30), hangUp: true}, {retries: 2})
    failedBy(
      ran,
      'CONNECTION_LOST',
      /closed the connection in the middle of the snapshot: 2\d of \d+ bytes had arrived/,
    )
    // Three transfers, and one look at its limits.
    expect(master.connections()).toBe(4)
  })
})

describe('failures, each by its name', () => {
  it.each<[string, Script, string, RegExp]>([
    [
      'a password is wanted',
      {replies: {PING: '-NOAUTH Authentication required.'}},
      'AUTH_REQUIRED',
      /refused PING: NOAUTH/,
    ],
    ['protected mode', {greeting: '-DENIED Redis is running in protected mode\r\n'}, 'PROTECTED_MODE', /DENIED/],
    [
      'no permission',
      {replies: {PSYNC: "-NOPERM this user has no permissions to run the 'psync' command"}},
      'NO_PERMISSION',
      /NOPERM/,
    ],
    [
      'neither PSYNC nor SYNC',
      {replies: {PSYNC: '-ERR unknown command', SYNC: '-ERR unknown command SYNC'}},
      'COMMAND_UNKNOWN',
      /refused SYNC: ERR unknown command/,
    ],
    ['a managed service', {replies: {PSYNC: '-ERR not support for your account'}}, 'COMMAND_UNKNOWN', /your account/],
    ['another refusal', {replies: {PSYNC: '-ERR no'}}, 'MASTER_REFUSED', /refused PSYNC: ERR no/],
    ['a continuation', {replies: {PSYNC: `+CONTINUE ${ID}`}}, 'UNEXPECTED_REPLY', /another one was offered/],
    ['an unknown answer', {replies: {PSYNC: '+DUALCHANNELSYNC'}}, 'UNEXPECTED_REPLY', /\+DUALCHANNELSYNC/],
    ['an ID that is none', {replies: {PSYNC: '+FULLRESYNC abc 1'}}, 'UNEXPECTED_REPLY', /FULLRESYNC abc 1/],
    ['a payload announced otherwise', {payload: '$ENDOFF:1 a 0 3\r\n'}, 'UNEXPECTED_REPLY', /ENDOFF/],
    [
      'a save that failed',
      {payload: "-ERR BGSAVE failed, replication can't continue\r\n"},
      'SNAPSHOT_FAILED',
      /BGSAVE failed/,
    ],
    ['HTTP', {replies: {PING: 'HTTP/1.1 400 Bad Request'}}, 'NOT_A_SERVER', /it speaks HTTP/],
    ['SSH', {greeting: 'SSH-2.0-OpenSSH_9.2\r\n'}, 'NOT_A_SERVER', /it speaks SSH/],
    ['MySQL', {greeting: 'J\0\0\0\n8.0.36\0'}, 'NOT_A_SERVER', /it speaks MySQL/],
    ['noise', {greeting: 'hello there\r\n'}, 'NOT_A_SERVER', /it said "hello there"/],
    [
      'TLS',
      {greeting: Buffer.from('15030300020228', 'hex'), replies: {PING: undefined}, hangUp: true},
      'SILENCE',
      /said nothing/,
    ],
    ['a line without end', {greeting: 'x'.repeat(100_000)}, 'NOT_A_SERVER', /it said "xxx/],
    ['silence at once', {replies: {PING: undefined}}, 'SILENCE', /said nothing for 0.6 s in the handshake/],
    ['silence before the snapshot', {}, 'SILENCE', /said nothing for 0.6 s while we waited for its snapshot/],
    [
      'silence in the middle',
      {payload: disk(RDB).subarray(0, 30)},
      'SILENCE',
      /in the middle of the snapshot: 2\d of \d+ bytes/,
    ],
    [
      'an end in the middle',
      {payload: diskless(RDB).subarray(0, 90), hangUp: true},
      'CONNECTION_LOST',
      /: \d+ bytes had arrived/,
    ],
    ['a mark that is cut', {payload: diskless(RDB).subarray(0, -1), hangUp: true}, 'CONNECTION_LOST', /in the middle/],
    ['nothing behind the header', {payload: '$0\r\n'}, 'EMPTY_INPUT', /empty/],
    ['no RDB at all', {payload: disk(Buffer.from('a rather long text that is none'))}, 'BAD_MAGIC', /begins with/],
    [
      'fewer bytes announced than the snapshot has',
      {payload: Buffer.concat([Buffer.from(`$${RDB.length - 10}\r\n`), RDB])},
      'TRUNCATED',
      /the \d+ bytes that the master announced end in the middle of the snapshot/,
    ],
    [
      'more bytes announced than the snapshot has',
      {payload: disk(Buffer.concat([RDB, Buffer.from('and something more')]))},
      'BAD_LENGTH',
      /the snapshot ends 18 bytes before the end of the \d+ bytes/,
    ],
    [
      'a changed byte',
      {
        payload: disk(
          Buffer.concat([RDB.subarray(0, RDB.length - 12), Buffer.from('!'), RDB.subarray(RDB.length - 11)]),
        ),
      },
      'BAD_CHECKSUM',
      /changed on their way from the master/,
    ],
    [
      'a stray newline in the middle',
      {payload: diskless(Buffer.concat([RDB.subarray(0, 20), Buffer.from('\n'), RDB.subarray(20)]))},
      'BAD_',
      /./,
    ],
  ])('%s', async (_, script, code, message) => {
    const {master: _master, ...ran} = await runScript(script, {silenceMs: 600})
    if (code === 'BAD_') expect(ran.error?.code).toMatch(/^BAD_|^UNKNOWN_|^TRUNCATED/)
    else failedBy(ran, code, message)
    expect(existsSync(ran.out)).toBe(false)
    expect(leftovers()).toEqual([])
  })

  it.each([
    ['a wrong password', '-WRONGPASS invalid username-password pair or user is disabled.'],
    ['an older one', '-ERR invalid password'],
    ['a server without one', '-ERR AUTH <password> called without any password configured for the default user.'],
    ['an echo of it', "-ERR unknown command 'AUTH', with args beginning with: 'hunter2' "],
  ])('AUTH refused: %s', async (_, reply) => {
    const master = await scriptedMaster({replies: {AUTH: reply}})
    const ran = await run(`redis://:hunter2@${master.address}`)
    failedBy(ran, 'AUTH_FAILED', /refused AUTH: /)
    expect(JSON.stringify(ran.error) + ran.error?.message + ran.error?.stack).not.toContain('hunter2')
  })

  it('nobody listens', async () => {
    const master = await scriptedMaster({})
    await master.close()
    failedBy(await run(master), 'CONNECT_FAILED', /nobody listens there \(ECONNREFUSED\)/)
    failedBy(await run(`unix://${folder.path}/no.sock`), 'CONNECT_FAILED', /no such socket/)
  })

  it('the stream breaks: the snapshot stands, and what broke is told', async () => {
    const script = {payload: disk(RDB), stream: Buffer.concat([STREAM, Buffer.from('?')])}
    const {result, out} = await runScript(script, {follow: {seconds: 5}})
    expect(readFileSync(out)).toEqual(RDB)
    expect(result?.followed).toMatchObject({offset: 58, commands: 2, failure: {code: 'UNEXPECTED_REPLY'}})
    const gone = await runScript({payload: disk(RDB), stream: STREAM, hangUp: true}, {follow: {seconds: 5}})
    expect(gone.result?.followed).toMatchObject({failure: {code: 'CONNECTION_LOST', context: {stage: 'stream'}}})
    const mute = await runScript({payload: disk(RDB), stream: STREAM}, {follow: {seconds: 5}, silenceMs: 600})
    expect(mute.result?.followed).toMatchObject({failure: {code: 'SILENCE'}})
  })
})

it('the mark and the ID of these tests have their length', () => {
  expect([ID.length, MARK.length]).toEqual([40, 40])
})

describe('what our reader does not know', () => {
  const head = fileOf(['a']).subarray(0, -9)
  const unknown = Buffer.concat([head, Buffer.from([99, 1, 0x6b, 1, 0x76, 0xff])])
  const summed = Buffer.concat([unknown, le(8, crc64(unknown))])

  it('is kept where its checksum is right, and told', async () => {
    const {result, error, out} = await runScript({payload: disk(summed)})
    expect(error).toBeUndefined()
    expect(result).toMatchObject({checksum: 'ok', bytes: summed.length, unread: {code: 'UNKNOWN_TYPE'}})
    expect(result?.inventory).toMatchObject({keys: 1, checksum: undefined})
    expect(readFileSync(out)).toEqual(summed)
  })

  it('is not kept where nothing vouches for it', async () => {
    const {master: _, ...ran} = await runScript({payload: disk(Buffer.concat([unknown, Buffer.alloc(8)]))})
    failedBy(ran, 'UNKNOWN_TYPE', /value type 99/)
  })
})
