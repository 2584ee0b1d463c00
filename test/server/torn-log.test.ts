/**
 * Logs that end where they should not, or are damaged: what real servers keep of each, beside what a salvage and a build keep.
 * Servers work on copies, once with aof-load-truncated at its default and once without; what was salvaged must load where
 * nothing may be cut off any more.
 */
import {execFileSync} from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, it} from 'vitest'
import {LogReader} from '../../src/aof/log-reader.js'
import {MemorySource} from '../../src/bytes/source.js'
import {FormatError} from '../../src/errors.js'
import {build} from '../../src/jobs/build.js'
import {BuildError} from '../../src/jobs/build-sources.js'
import {check} from '../../src/jobs/check.js'
import type {CheckOptions, CheckSalvage} from '../../src/jobs/check-options.js'
import {checkAndSalvage} from '../../src/jobs/check-salvage.js'
import {hex, str} from '../fixtures/builder.js'
import {RdbFile, text} from '../start/rdb.js'
import {describeEachServer} from './each-server.js'
import {findServer, ServerFailed, startServer} from './server.js'

const root = mkdtempSync(join(tmpdir(), 'rdbtool-torn-'))
afterAll(() => rmSync(root, {recursive: true, force: true}))

const command = (...args: string[]): string =>
  `*${args.length}\r\n${args.map(one => `$${Buffer.byteLength(one)}\r\n${one}\r\n`).join('')}`
const SELECT = command('SELECT', '0')
const SET = command('SET', 'a', '1')
const LATER = command('SET', 'b', '2')
const [MULTI, INCR, EXEC] = [command('MULTI'), command('INCR', 'n'), command('EXEC')]
const HEAD = SELECT + SET + MULTI + INCR + LATER + EXEC
const HELD = {a: '1', b: '2', n: '1'}
const SNAPSHOT = new RdbFile('REDIS', 9)
  .op(0xfa, str('aof-preamble'), hex(0xc0, 1))
  .db(0)
  .key(0, 'old', text('0'))
  .end()
  .toString('latin1')

type Held = Record<string, string>

interface Outcome {
  /** What it answers with; undefined: it did not start. */
  held: Held | undefined
  /** Bytes of each file after that. */
  left: number[]
}

/** 7.0 and later have folders, and read lines that begin with #. */
const hasFolders = (name: string): boolean => name !== 'redis-6.0'

/** A new folder to run in, with a log in it: one file, or several with a manifest. */
function runningFolder(texts: readonly string[], single: boolean): {dir: string; log: string} {
  const dir = mkdtempSync(join(root, 'run-'))
  if (single) {
    const log = join(dir, 'appendonly.aof')
    writeFileSync(log, texts.join(''), 'latin1')
    return {dir, log}
  }
  const log = join(dir, 'appendonlydir')
  mkdirSync(log)
  const files = texts.map((one, at) => (at === 0 && one.startsWith('REDIS') ? 'appendonly.aof.1.base.rdb' : nameOf(at)))
  for (const [at, one] of texts.entries()) writeFileSync(join(log, files[at]!), one, 'latin1')
  const lines = files.map((one, at) => `file ${one} seq ${at + 1} type ${one.includes('base') ? 'b' : 'i'}\n`)
  writeFileSync(join(log, 'appendonly.aof.manifest'), lines.join(''))
  return {dir, log}
}

const nameOf = (at: number): string => `appendonly.aof.${at + 1}.incr.aof`

/** The files of a log in the folder of a server, which may have moved a single one. */
function filesOf(dir: string): string[] {
  const folder = join(dir, 'appendonlydir')
  if (existsSync(join(dir, 'appendonly.aof'))) return [join(dir, 'appendonly.aof')]
  if (existsSync(join(folder, 'appendonly.aof'))) return [join(folder, 'appendonly.aof')]
  return readdirSync(folder)
    .filter(one => /^appendonly.*\.(aof|rdb)$/.test(one))
    .sort()
    .map(one => join(folder, one))
}

/** Starts a server on a folder: it changes what is there. */
async function load(name: string, dir: string, truncated: 'yes' | 'no'): Promise<Outcome> {
  const left = (): number[] => filesOf(dir).map(one => statSync(one).size)
  const config = {appendonly: 'yes', 'aof-load-truncated': truncated, 'auto-aof-rewrite-percentage': 0}
  try {
    const server = await startServer(name, {dir, config})
    const held = await heldBy(server.client)
    await server.stop()
    return {held, left: left()}
  } catch (error) {
    if (!(error instanceof ServerFailed)) throw error
    return {held: undefined, left: left()}
  }
}

async function heldBy(client: Awaited<ReturnType<typeof startServer>>['client']): Promise<Held> {
  const keys = (await client.call('KEYS', '*')).map(String).sort()
  const held: Held = {}
  for (const key of keys) held[key] = String(await client.call('GET', key))
  return held
}

/** What a server does with a copy of a log. */
async function loadCopy(name: string, dir: string, truncated: 'yes' | 'no'): Promise<Outcome> {
  const copy = mkdtempSync(join(root, 'copy-'))
  cpSync(dir, copy, {recursive: true})
  return await load(name, copy, truncated)
}

/** What a server holds that loads what was salvaged, and may cut nothing off. */
async function loadSalvaged(
  name: string,
  log: string,
  options: Omit<CheckSalvage, 'out'> = {},
  checking: CheckOptions = {},
): Promise<Outcome & {kept: number[]}> {
  const dir = mkdtempSync(join(root, 'salvaged-'))
  const out = join(dir, log.endsWith('.aof') ? 'appendonly.aof' : 'appendonlydir')
  const {salvaged, failure, salvageFailure} = await checkAndSalvage(log, {...options, out}, checking)
  expect(failure ?? salvageFailure).toBeUndefined()
  const kept = filesOf(dir).map(one => statSync(one).size)
  expect(kept).toEqual(salvaged!.files.filter(one => !one.missing).map(one => one.bytesKept + one.bytesAdded))
  expect(salvaged!.check).toMatchObject({errors: 0, log: {outcome: 'starts'}})
  return {...(await load(name, dir, 'no')), kept}
}

/** What a server holds of the snapshot that a build makes; undefined: it makes none. */
async function loadBuilt(name: string, log: string): Promise<Held | undefined> {
  const rdb = join(mkdtempSync(join(root, 'built-')), 'dump.rdb')
  try {
    await build([log], {out: rdb, target: name})
  } catch (error) {
    if (!(error instanceof BuildError && error.cause instanceof FormatError)) throw error
    return undefined
  }
  const server = await startServer(name, {rdb})
  const held = await heldBy(server.client)
  await server.stop()
  return held
}

/** What a server does with a log, where it may cut something off and where it may not, and what it holds of ours. */
async function all(name: string, dir: string, log: string) {
  const [theirs, strict, ours, built] = await Promise.all([
    loadCopy(name, dir, 'yes'),
    loadCopy(name, dir, 'no'),
    loadSalvaged(name, log),
    loadBuilt(name, log),
  ])
  return {theirs, strict, ours, built}
}

interface Row {
  what: string
  texts: string[]
  /** What is kept of each file, by us. */
  kept: number[]
  held: Held
  /** As one file only, or in a folder only; either where absent. */
  single?: boolean
}

/** Of these servers one starts from what it has cut off, unless it may not. */
const TORN: Row[] = [
  {what: 'a command', texts: [HEAD + SET.slice(0, -1)], kept: [HEAD.length], held: HELD},
  {what: 'the head of a command', texts: [`${HEAD}*`], kept: [HEAD.length], held: HELD},
  {what: 'a transaction', texts: [HEAD + MULTI + INCR], kept: [HEAD.length], held: HELD},
  {
    what: 'a snapshot and the first command behind it',
    ...{texts: [SNAPSHOT, SELECT.slice(0, -1)], kept: [SNAPSHOT.length, 0], held: {old: '0'}, single: false},
  },
  {
    what: 'a snapshot, and a command behind others',
    ...{texts: [SNAPSHOT, HEAD + SET.slice(0, 9)], kept: [SNAPSHOT.length, HEAD.length], held: {old: '0', ...HELD}},
  },
]

/** From what is damaged no server starts. */
const DAMAGED: Row[] = [
  {what: 'zeros at the end', texts: [HEAD + '\0'.repeat(4096)], kept: [HEAD.length], held: HELD},
  {what: 'zeros between commands', texts: [`${HEAD}\0\0\0\0${INCR}`], kept: [HEAD.length], held: HELD},
  {what: 'garbage where a command must begin', texts: [`${HEAD}+OK\r\n${INCR}`], kept: [HEAD.length], held: HELD},
  {what: 'zeros in a transaction', texts: [HEAD + MULTI + INCR + '\0\0' + EXEC], kept: [HEAD.length], held: HELD},
  {
    what: 'zeros directly behind a snapshot',
    ...{texts: [SNAPSHOT, `\0\0${SELECT}${SET}`], kept: [SNAPSHOT.length, 0], held: {old: '0'}},
  },
]

describeEachServer('a torn or damaged log in', name => {
  const layouts = hasFolders(name) ? [true, false] : [true]
  const keptIn = (row: Row, single: boolean): number[] =>
    single ? [row.kept.reduce((sum, bytes) => sum + bytes, 0)] : row.kept
  const title = (single: boolean): string => (single ? 'in one file' : 'in a folder')

  describe.each(layouts)('one file: %s', single => {
    it.each(TORN.filter(row => row.single === undefined || row.single === single))(
      'that ends within $what',
      async row => {
        const {dir, log} = runningFolder(row.texts, single)
        const found = await all(name, dir, log)
        expect(found.theirs, title(single)).toEqual({held: row.held, left: keptIn(row, single)})
        expect(found.strict.held).toBeUndefined()
        expect(found.ours).toMatchObject({held: row.held, kept: keptIn(row, single)})
        expect(found.built).toEqual(row.held)
      },
    )

    it.each(DAMAGED)('that has $what', async row => {
      const {dir, log} = runningFolder(row.texts, single)
      const found = await all(name, dir, log)
      expect([found.theirs.held, found.strict.held, found.built]).toEqual([undefined, undefined, undefined])
      expect(found.ours).toMatchObject({held: row.held, kept: keptIn(row, single)})
    })
  })

  it('differs on purpose: we leave no transaction open that ends within a command', async () => {
    const queued = HEAD + MULTI + INCR
    const {dir, log} = runningFolder([queued + SET.slice(0, -2)], !hasFolders(name))
    const theirs = await loadCopy(name, dir, 'yes')
    // What is queued is applied by nobody; but what a server writes behind it is within the transaction at its next start.
    expect(theirs).toEqual({held: HELD, left: [name === 'valkey-9.1' ? HEAD.length : queued.length]})
    expect((await loadCopy(name, dir, 'no')).held).toBeUndefined()
    expect(await loadSalvaged(name, log)).toMatchObject({held: HELD, kept: [HEAD.length]})
    expect(await loadBuilt(name, log)).toEqual(HELD)
  })

  it('differs on purpose: we keep a snapshot whose first command is torn', async () => {
    const {dir, log} = runningFolder([SNAPSHOT + SELECT.slice(0, -1)], true)
    const theirs = await loadCopy(name, dir, 'yes')
    const keeps = name === 'valkey-9.1'
    expect(theirs.left).toEqual([keeps ? SNAPSHOT.length : 0])
    // What it has loaded by then it holds until its next start.
    expect(theirs.held).toEqual({old: '0'})
    expect((await loadCopy(name, dir, 'no')).held).toBeUndefined()
    expect(await loadSalvaged(name, log)).toMatchObject({held: {old: '0'}, kept: [SNAPSHOT.length]})
    expect(await loadBuilt(name, log)).toEqual({old: '0'})
  })

  it('a wrong checksum: it starts from what was salvaged, and from nothing else', async () => {
    const bytes = Buffer.from(SNAPSHOT + HEAD, 'latin1')
    bytes[SNAPSHOT.length - 3]! ^= 1
    const {dir, log} = runningFolder([bytes.toString('latin1')], true)
    const {soundness} = await check(log, {ignoreChecksum: true})
    expect(soundness).toMatchObject({errors: 0, log: {outcome: 'refuses'}})
    expect((await loadCopy(name, dir, 'yes')).held).toBeUndefined()
    expect((await loadSalvaged(name, log, {}, {ignoreChecksum: true})).held).toEqual({old: '0', ...HELD})
  })

  it.runIf(hasFolders(name))('differs on purpose: we salvage the files behind a torn one', async () => {
    for (const torn of [HEAD + INCR.slice(0, -2), HEAD + MULTI + INCR, `${HEAD}\0\0`]) {
      const {dir, log} = runningFolder([torn, SELECT + INCR], false)
      expect((await loadCopy(name, dir, 'yes')).held).toBeUndefined()
      const ours = await loadSalvaged(name, log)
      expect(ours).toMatchObject({held: {...HELD, n: '2'}, kept: [HEAD.length, (SELECT + INCR).length]})
      expect(await loadBuilt(name, log)).toBeUndefined()
    }
  })

  it.runIf(hasFolders(name))('differs on purpose: we cut off a torn line, which servers read over', async () => {
    const {dir, log} = runningFolder([`${HEAD}#TS:17`], false)
    for (const truncated of ['yes', 'no'] as const) {
      expect(await loadCopy(name, dir, truncated)).toEqual({held: HELD, left: [HEAD.length + 6]})
    }
    expect(await loadSalvaged(name, log)).toMatchObject({held: HELD, kept: [HEAD.length]})
    expect(await loadBuilt(name, log)).toEqual(HELD)
  })

  it.runIf(hasFolders(name))('its own tool finds nothing wrong in what was salvaged, nor in our manifest', async () => {
    const {log} = runningFolder([SNAPSHOT, `${HEAD}\0\0`, HEAD + MULTI], false)
    const out = join(mkdtempSync(join(root, 'tool-')), 'appendonlydir')
    await checkAndSalvage(log, {out})
    const found = findServer(name)
    const {command: tool, args} = (typeof found === 'string' ? undefined : found.tool('check-aof'))!
    const answer = execFileSync(tool, [...args, join(out, 'appendonly.aof.manifest')], {encoding: 'utf8'})
    expect(answer).toContain('All AOF files and manifest are valid')
    const [first] = readFileSync(join(out, 'appendonly.aof.manifest'), 'utf8').split('\n')
    expect(first).toMatch(/^#/)
  })

  it.runIf(hasFolders(name))('files of which nothing is left are taken, a base too', async () => {
    const {dir, log} = runningFolder(['', ''], false)
    expect(await loadCopy(name, dir, 'no')).toMatchObject({held: {}})
    const base = readFileSync(join(log, 'appendonly.aof.manifest'), 'utf8').replace('type i', 'type b')
    writeFileSync(join(log, 'appendonly.aof.manifest'), base)
    writeFileSync(join(log, nameOf(0)), '\0\0\0')
    writeFileSync(join(log, nameOf(1)), SELECT + SET)
    expect(await loadSalvaged(name, log, {pastDamage: true})).toMatchObject({
      held: {a: '1'},
      kept: [0, (SELECT + SET).length],
    })
  })
})

describe.each(['redis-8.0', 'valkey-9.1'].filter(name => typeof findServer(name) !== 'string'))(
  'cut at any byte, %s',
  name => {
    it.each([
      ['commands alone', SELECT + SET + MULTI + INCR + EXEC + LATER + INCR, 0],
      ['a snapshot before them', SNAPSHOT + SELECT + SET + MULTI + INCR + EXEC + INCR, SNAPSHOT.length],
    ])('%s: it holds what was whole', async (_, log, from) => {
      const salvages = new Map<string, number>()
      for (let bytes = from + 1; bytes <= log.length; bytes++) {
        const kept = await salvagedOf(log.slice(0, bytes))
        expect(kept, `${bytes} bytes`).toBe(log.slice(0, await goodOffsetOf(log.slice(0, bytes))))
        salvages.set(kept, bytes)
      }
      // Many ends leave the same.
      expect(salvages.size).toBeGreaterThan(4)
      for (const kept of salvages.keys()) {
        const {dir} = runningFolder([kept], true)
        expect((await load(name, dir, 'no')).held, `${kept.length} bytes`).toEqual(meaningOf(kept))
      }
    })
  },
)

describe.each(['redis-8.0', 'valkey-9.1'].filter(name => typeof findServer(name) !== 'string'))(
  'zeros anywhere, and what is behind them, %s',
  name => {
    it('no transaction by halves, no key in another database', async () => {
      // Of each transaction one key is counted three times; every key is named after its database.
      const part = (db: number, at: number): string =>
        command('SELECT', String(db)) +
        [0, 1, 2].map(i => command('SET', `${db}.k${at}.${i}`, 'v')).join('') +
        [MULTI, ...[0, 1, 2].map(() => command('INCR', `${db}.t${at}`)), EXEC].join('')
      const log = [0, 1, 2, 3, 4, 5].map(at => part(at % 2, at)).join('')
      let kept = 0
      for (let at = 30; at < log.length - 300; at += 67) {
        const bytes = 1 + ((at * 31) % 260)
        const dir = mkdtempSync(join(root, 'zeros-'))
        writeFileSync(join(dir, 'log'), log.slice(0, at) + '\0'.repeat(bytes) + log.slice(at + bytes))
        const out = join(dir, 'appendonly.aof')
        const {salvaged} = await checkAndSalvage(join(dir, 'log'), {out, pastDamage: true})
        expect(salvaged!.check).toMatchObject({errors: 0})
        kept += salvaged!.files[0]!.pastDamage?.commands ?? 0
        const server = await startServer(name, {dir, config: {appendonly: 'yes', 'aof-load-truncated': 'no'}})
        for (const db of [0, 1]) {
          await server.client.call('SELECT', db)
          for (const [key, value] of Object.entries(await heldBy(server.client))) {
            expect(key, `zeros at ${at}`).toMatch(new RegExp(`^${db}\\.|\0`))
            if (key.includes('t')) expect(value, `zeros at ${at}`).toBe('3')
          }
        }
        await server.stop()
      }
      expect(kept).toBeGreaterThan(100)
    }, 60_000)
  },
)

async function salvagedOf(log: string): Promise<string> {
  const dir = mkdtempSync(join(root, 'cut-'))
  writeFileSync(join(dir, 'log.aof'), log, 'latin1')
  const {salvaged} = await checkAndSalvage(join(dir, 'log.aof'), {out: join(dir, 'out.aof')})
  return readFileSync(salvaged!.out, 'latin1')
}

async function goodOffsetOf(log: string): Promise<number> {
  return (await new LogReader(new MemorySource(Buffer.from(log, 'latin1'))).run({command: () => {}})).goodOffset
}

/** What whole commands leave, without any reader of ours. */
function meaningOf(log: string): Held {
  const count = (one: string): number => log.split(one).length - 1
  return {
    ...(count(SET) > 0 ? {a: '1'} : {}),
    ...(count(LATER) > 0 ? {b: '2'} : {}),
    ...(count(INCR) > 0 ? {n: String(count(INCR))} : {}),
    ...(log.startsWith('REDIS') ? {old: '0'} : {}),
  }
}
