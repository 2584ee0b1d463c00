/** Which snapshot goes to whom, what it is made of, and when serving ends. */
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {gzipSync} from 'node:zlib'
import {afterEach, describe, expect, it, vi} from 'vitest'
import {type ServeOptions, serve} from '../../src/jobs/serve.js'
import {StagedSnapshots, type StageEvent, type StageOptions, targetBefore} from '../../src/jobs/serve-snapshots.js'
import {fullResync} from '../../src/replication/full-resync.js'
import type {Master} from '../../src/replication/master.js'
import type {Readable} from '../../src/replication/master-announced.js'
import type {ServeEvent} from '../../src/report/master-log.js'
import {differencesOf} from '../reading/differences.js'
import {fixture as fixtureOf} from '../reading/fixtures.js'
import {ScriptedReplica} from '../replication/scripted-replica.js'
import {temporaryFolder} from '../start/folder.js'
import {fileOf} from '../start/rdb.js'

const folder = temporaryFolder()
// Whoever else serves at the same time has temporary files of their own.
process.env['TMPDIR'] = folder.path

const fixture = (name: string): string => fixtureOf(`rdb/${name}.rdb`).path

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

/** Temporary files of ours that are there now. */
const leftovers = (): string[] => readdirSync(tmpdir()).filter(name => /^\.rdbtool-serve-.*\.tmp$/.test(name))

async function staged(
  source: string,
  options: StageOptions = {},
): Promise<{all: StagedSnapshots; events: StageEvent[]}> {
  const events: StageEvent[] = []
  const all = await StagedSnapshots.stage(source, options, event => events.push(event))
  ending.push(() => all.close())
  return {all, events}
}

const redis = (rdbVersion: number, rdbVersionMax = Number.POSITIVE_INFINITY): Readable => ({
  ...{family: 'redis', rdbVersion, rdbVersionMax},
})
const VALKEY_8: Readable = {family: 'redis', rdbVersion: 11, rdbVersionMax: 11}
const VALKEY_9: Readable = {family: 'valkey', rdbVersion: 80, rdbVersionMax: 80}

/** Magic and version of what such a replica is sent. */
async function sentTo(all: StagedSnapshots, readable: Readable | undefined): Promise<string> {
  const {path, bytes, rdbVersion, family} = await all.snapshotFor({readable, part: 'all'})
  const file = readFileSync(path)
  expect(file.length).toBe(bytes)
  const magic = file.toString('latin1', 0, 9)
  expect(magic).toBe(family === 'valkey' ? `VALKEY0${rdbVersion}` : `REDIS${String(rdbVersion).padStart(4, '0')}`)
  return magic
}

describe('the version', () => {
  it.each([
    ['databases-v10', redis(6), 'REDIS0006'],
    ['databases-v10', redis(8), 'REDIS0008'],
    ['databases-v10', redis(9), 'REDIS0009'],
    ['databases-v10', redis(12), 'REDIS0010'],
    ['databases-v10', undefined, 'REDIS0010'],
    ['databases-v10', VALKEY_8, 'REDIS0010'],
    ['databases-v10', VALKEY_9, 'REDIS0010'],
    ['hash-listpack-v12', VALKEY_8, 'REDIS0011'],
    ['hash-listpack-v12', VALKEY_9, 'VALKEY080'],
    ['hash-listpack-v80', VALKEY_9, 'VALKEY080'],
    ['hash-listpack-v80', VALKEY_8, 'REDIS0011'],
    ['hash-listpack-v80', redis(9), 'REDIS0009'],
    ['hash-listpack-v80', undefined, 'VALKEY080'],
    ['hash-listpack-v12', redis(6), 'REDIS0006'],
    ['stream-entries-v10', redis(6), 'REDIS0009'],
    ['functions-v11', redis(9), 'REDIS0010'],
    // Before version 9 idle times have no place.
    ['lru-v10', redis(8), 'REDIS0009'],
    // What no other version holds goes to whoever does not say that it cannot read it.
    ['hash-listpack-ttl-v12', redis(9), 'REDIS0012'],
    ['stream-entries-v10', redis(8, 9), 'REDIS0009'],
    ['hash-listpack-v80', redis(8, 9), 'REDIS0008'],
    ['hash-listpack-ttl-v12', VALKEY_9, 'VALKEY080'],
  ] as const)('of %s for %j is %s', async (name, readable, magic) => {
    const source = fixture(name)
    const {all} = await staged(source)
    expect(await sentTo(all, readable)).toBe(magic)
    const {path} = await all.snapshotFor({readable, part: 'all'})
    expect((await differencesOf(source, path)).lines).toEqual([])
  })

  it('is refused where a replica says that it reads none that holds the data', async () => {
    const {all, events} = await staged(fixture('hash-listpack-ttl-v12'))
    const wish = {readable: VALKEY_8, part: 'all'} as const
    await expect(all.snapshotFor(wish)).rejects.toMatchObject({
      code: 'NOT_IN_TARGET',
      message: expect.stringMatching(/^valkey-8\.0 cannot hold /),
      place: {db: 0, key: expect.any(Uint8Array)},
    })
    expect(events.at(-1)).toMatchObject({kind: 'not-in-target', target: 'valkey-8.0'})
  })

  it.each([
    ['hash-listpack-ttl-v12', redis(8, 9), 9, 'redis-7.4'],
    ['hash-listpack-ttl-v12', redis(6, 7), 7, 'redis-7.4'],
    ['functions-v11', redis(8, 9), 9, 'redis-7.2'],
  ] as const)(
    'of %s for %j is refused with what to do: it would lose its own data',
    async (name, readable, max, target) => {
      const {all} = await staged(fixture(name))
      await expect(all.snapshotFor({readable, part: 'all'})).rejects.toMatchObject({
        code: 'NOT_IN_TARGET',
        message: expect.stringMatching(
          new RegExp(`reads RDB version ${max} at most, and redis-\\d\\.\\d cannot hold `),
        ),
        advice: expect.stringMatching(new RegExp(`^--allow-loss .*; --target ${target} `)),
      })
      const {all: lossy} = await staged(fixture(name), {allowLoss: true})
      expect(await sentTo(lossy, readable)).toBe(`REDIS000${max}`)
      const {all: named} = await staged(fixture(name), {target})
      expect(await sentTo(named, readable)).toMatch(/^REDIS001/)
    },
  )

  it('lacks what has no place in it where there is leave', async () => {
    const source = fixture('hash-listpack-ttl-v12')
    const {all} = await staged(source, {allowLoss: true})
    expect(await sentTo(all, VALKEY_8)).toBe('REDIS0011')
    // Who does not say what it reads may read all of it.
    expect(await sentTo(all, redis(9))).toBe('REDIS0012')
    const {all: old} = await staged(source, {allowLoss: true, target: 'redis-6.2'})
    expect(old.base.built.lost.length).toBeGreaterThan(0)
    await expect(StagedSnapshots.stage(source, {target: 'redis-6.2'})).rejects.toMatchObject({
      cause: {code: 'NOT_IN_TARGET'},
    })
  })

  it('that was asked for goes to all', async () => {
    const {all} = await staged(fixture('hash-listpack-v12'), {target: 'redis-5.0'})
    for (const readable of [redis(6), redis(12), VALKEY_9]) expect(await sentTo(all, readable)).toBe('REDIS0009')
  })

  it('is made once, one after another, and gone at the end', async () => {
    const {all, events} = await staged(fixture('databases-v12'))
    const before = leftovers()
    const wishes = [redis(9), redis(9), VALKEY_9, redis(9), VALKEY_9].map(
      readable => ({readable, part: 'all'}) as const,
    )
    const paths = await Promise.all(wishes.map(async wish => (await all.snapshotFor(wish)).path))
    expect(new Set(paths).size).toBe(2)
    expect(events.filter(({kind}) => kind === 'staged')).toHaveLength(3)
    expect(leftovers().length).toBe(before.length + 2)
    const {path} = all.base
    await all.close()
    for (const one of [path, ...paths]) expect(existsSync(one)).toBe(false)
  })

  it('what is older than one that somebody could not read', () => {
    const older = (family: 'redis' | 'valkey', rdbVersion: number) => targetBefore({family, rdbVersion})
    expect(older('redis', 12)).toBe('redis-7.2')
    expect(older('redis', 10)).toBe('redis-6.2')
    expect(older('redis', 2)).toBeUndefined()
    expect(older('valkey', 80)).toBe('valkey-8.1')
  })
})

describe('a part', () => {
  it('functions alone, and nothing at all', async () => {
    const {all} = await staged(fixture('functions-v10'))
    const inventoryOf = async (part: 'functions' | 'nothing') => {
      const {path, bytes} = await all.snapshotFor({readable: undefined, part})
      expect(readFileSync(path)).toHaveLength(bytes)
      const {lines} = await differencesOf(folder.write('none.rdb', fileOf([])), path)
      return lines
    }
    expect(await inventoryOf('nothing')).toEqual([])
    const functions = await inventoryOf('functions')
    expect(functions.length).toBeGreaterThan(0)
    expect(functions.every(({library}) => library !== undefined)).toBe(true)
  })
})

describe('the source', () => {
  const JSON_LINES =
    '{"meta":{}}\n{"db":0,"key":"a","type":"string","value":"1"}\n{"db":2,"key":"b","type":"string","value":"2"}\n'

  it.each([
    ['JSON lines', 'source.jsonl', JSON_LINES],
    ['the same, packed', 'source.jsonl.gz', gzipSync(JSON_LINES)],
    [
      'commands',
      'source.aof',
      '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1\r\n2\r\n',
    ],
  ] as const)('may be %s', async (_, name, bytes) => {
    const source = folder.write(name, bytes)
    const {all} = await staged(source)
    expect(all.base).toMatchObject({family: 'redis', rdbVersion: 11, built: {keysOut: 2}})
    const {path} = await all.snapshotFor({readable: redis(9), part: 'all'})
    expect((await differencesOf(folder.write('lines.jsonl', JSON_LINES), path)).lines).toEqual([])
  })

  it('is selected and changed', async () => {
    const source = folder.write('selected.rdb', fileOf(['user:1', 'user:2', 'other']))
    const match = {match: ['user:*']}
    const {all} = await staged(source, {selection: match, changes: {mapDb: [[0, 7]]}})
    expect(all.base.built).toMatchObject({keysIn: 3, keysOut: 2})
    const {lines} = await differencesOf(source, all.base.path, {selection: match, mapDb: [[0, 7]]})
    expect(lines).toEqual([])
  })

  it('that is damaged is served to nobody, and leaves nothing', async () => {
    const before = leftovers()
    const bytes = fileOf(['a', 'b'])
    bytes[bytes.length - 1]! ^= 1
    const source = folder.write('damaged.rdb', bytes)
    await expect(StagedSnapshots.stage(source, {})).rejects.toMatchObject({cause: {code: 'BAD_CHECKSUM'}})
    expect(leftovers()).toEqual(before)
  })
})

interface Running {
  master: Pick<Master, 'port' | 'replicas'>
  events: ServeEvent[]
  done: ReturnType<typeof serve>
  end: () => void
}

async function running(source: string, options: Partial<ServeOptions> = {}): Promise<Running> {
  const events: ServeEvent[] = []
  const ended = new AbortController()
  let listening: (master: Running['master']) => void = () => {}
  const master = new Promise<Running['master']>(resolve => {
    listening = resolve
  })
  const done = serve(source, {
    port: 0,
    signal: ended.signal,
    onListening: listening,
    onEvent: one => events.push(one),
    ...options,
  })
  done.catch(() => {})
  ending.push(() => {
    ended.abort()
    return done.catch(() => {})
  })
  return {master: await Promise.race([master, done.then(() => master)]), events, done, end: () => ended.abort()}
}

describe('serving ends', () => {
  const source = folder.write('small.rdb', fileOf(['a']))

  it('once as many replicas as were wanted are in sync', async () => {
    const {master, done, events} = await running(source, {replicas: 2})
    const attach = async (): Promise<ScriptedReplica> => {
      const replica = await ScriptedReplica.connect(master.port)
      await replica.say('PSYNC', '?', -1)
      await replica.hears('*\r\n')
      return replica
    }
    // One that has left again does not count.
    const gone = await attach()
    await gone.say('REPLCONF', 'ACK', 0)
    await vi.waitFor(() => expect(events.filter(({kind}) => kind === 'in-sync')).toHaveLength(1))
    gone.socket.destroy()
    await vi.waitFor(() => expect(events.at(-1)?.kind).toBe('lost'))
    for (const replica of [await attach(), await attach()]) await replica.say('REPLCONF', 'ACK', 111)
    expect(await done).toMatchObject({ended: 'in sync', fullResyncs: 3, partialResyncs: 0, offset: 111})
    expect(leftovers()).toEqual([])
  })

  it('when it is called off, whoever is attached', async () => {
    const {master, done, end} = await running(source)
    const replica = await ScriptedReplica.connect(master.port)
    await replica.say('PSYNC', '?', -1)
    await replica.hears('*\r\n')
    end()
    expect(await done).toMatchObject({ended: 'called off', fullResyncs: 1, synced: []})
    await replica.isClosed()
  })

  it('with what is wrong with the source; who asked before is told so', async () => {
    const bytes = fileOf(['a', 'b'])
    bytes[bytes.length - 1]! ^= 1
    const {done} = await running(folder.write('wrong.rdb', bytes))
    await expect(done).rejects.toMatchObject({cause: {code: 'BAD_CHECKSUM'}})
  })

  it('where one was wanted that cannot read it', async () => {
    const {master, done} = await running(fixture('hash-listpack-ttl-v12'), {replicas: 1})
    const replica = await ScriptedReplica.connect(master.port)
    await replica.ask(['REPLCONF', 'listening-port', 7777, 'version', '8.1.0'])
    await replica.say('PSYNC', '?', -1)
    await expect(done).rejects.toMatchObject({code: 'NOT_IN_TARGET'})
    await replica.isClosed()
    expect(replica.heard).toMatch(/-ERR rdbtool serve: valkey-8\.0 cannot hold .*\r\n$/)
  })

  it('where one was wanted that drops the link again and again', async () => {
    const {master, done} = await running(source, {replicas: 1, target: 'redis-7.0'})
    for (let i = 0; i < 2; i++) {
      const replica = await ScriptedReplica.connect(master.port)
      await replica.ask(['REPLCONF', 'listening-port', 7777])
      await replica.say('PSYNC', '?', -1)
      await replica.hears('*\r\n')
      replica.socket.destroy()
      await vi.waitFor(() => expect(master.replicas).toEqual([]))
    }
    await expect(done).rejects.toMatchObject({
      code: 'NOT_IN_TARGET',
      message: expect.stringContaining('127.0.0.1:7777 probably cannot read RDB version 10'),
      advice: expect.stringContaining('--target redis-6.2'),
    })
  })

  it('where it cannot listen', async () => {
    const {master} = await running(source)
    await expect(serve(source, {port: master.port})).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: `cannot listen at 127.0.0.1:${master.port}: another program listens there (EADDRINUSE)`,
    })
  })
})

it('a running master is a source, and what is fetched from ours is what it serves', async () => {
  const source = folder.write('chain.rdb', fileOf(Array.from({length: 1000}, (_, i) => `key-${i}`)))
  const first = await running(source)
  const second = await running(`redis://127.0.0.1:${first.master.port}`)
  await vi.waitFor(() => expect(second.events.some(({kind}) => kind === 'staged')).toBe(true))
  const fetched: Buffer[] = []
  for (const {master} of [first, second, first]) {
    const resync = await fullResync(`redis://127.0.0.1:${master.port}`)
    fetched.push(readFileSync(resync.spool.path))
    await resync.close()
  }
  expect(fetched[0]).toEqual(fetched[2])
  const [a, b] = fetched.map((bytes, i) => folder.write(`fetched-${i}.rdb`, bytes))
  expect((await differencesOf(a!, b!)).lines).toEqual([])
  expect((await differencesOf(a!, source)).lines).toEqual([])
})
