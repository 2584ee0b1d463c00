/**
 * Every fixture built for every server: it loads it, whoever wrote it, and answers what the fixture's golden says, but for
 * what the report of the build says was lost, and exactly that. Where the server loads the fixture itself, and nothing was
 * lost, both answers of the oracle agree.
 *
 * One process of each server loads all of them, one after the other (DEBUG RELOAD).
 */
import {mkdtempSync, readdirSync, readFileSync} from 'node:fs'
import {basename, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {afterAll, expect, it} from 'vitest'
import {type Built, build} from '../../src/jobs/build.js'
import {targetOf} from '../../src/rdb/targets.js'
import {type Files, unpackFolder} from '../fixtures/aof-folder.js'
import {snapshot} from '../fixtures/snapshot.js'
import {asToday, besideKeys, heldBy, NO_NUMBER, type StreamGolden} from '../reading/downgraded.js'
import {distinct, type GoldenEntry as ReadEntry} from '../reading/fixtures.js'
import {temporaryFolder} from '../start/folder.js'
import {accepts, type BuiltMeta, CLUSTER_OF_ONE, readAll} from './acceptance.js'
import {describeEachServer} from './each-server.js'
import {comparable, type Fixture, type Golden, type GoldenEntry} from './goldens.js'
import {Loader} from './loader.js'
import * as oracle from './oracle.js'
import {startServer} from './server.js'

const folder = temporaryFolder()
const out = (name: string): string => join(folder.path, `${name}.rdb`)

/** No server loads it, whatever it is built for: pending entries of two consumers; and one says so itself, of another family. */
const UNSOUND = /stream-two-consumers|types-plain-v79/
const CONFIG = {databases: 20_000, 'maxmemory-policy': 'allkeys-lru'}

const ROOT = fileURLToPath(new URL('../../fixtures/aof', import.meta.url))
interface Log extends Golden<{appendfilename: string}> {
  name: string
  files: Files
}
const LOGS: Log[] = readdirSync(ROOT).map(file => {
  return {name: file.slice(0, -5), ...JSON.parse(readFileSync(join(ROOT, file), 'utf8'))}
})

/** Targets that are no servers here; their files are read by those that are newer. */
const ALSO: Readonly<Record<string, string[]>> = {
  'redis-6.0': ['redis-2.4', 'redis-2.8', 'redis-3.2', 'redis-4.0'],
  'valkey-8.0': ['redis-7.2', 'valkey-7.2'],
}
/** Of several files of one recipe and the same types, one. */
const KINDS = new Set(distinct.map(({name}) => basename(name, '.rdb')))

interface Told {
  at: number | undefined
  rows: unknown
}

/** By database and key; without the order of what has none. */
function byKey(entries: readonly GoldenEntry[]): Map<string, Told> {
  return new Map(
    entries.map(entry => {
      const {db, key, type, value, expireAtMs} = asToday(entry as ReadEntry) as GoldenEntry
      const loose = type === 'set' || type === 'hash' || type === 'zset'
      const rows = loose ? (value as unknown[]).map(row => JSON.stringify(row)).sort() : value
      return [`${db} ${JSON.stringify(key)} ${type}`, {at: expireAtMs, rows}]
    }),
  )
}

/** Before 7.0 a server tells what is left of an expiry, between two looks at the clock. */
const EXPIRY_TOLERANCE_MS = 1000

function expectSame(held: readonly GoldenEntry[], wanted: readonly GoldenEntry[], exact: boolean): void {
  const [answered, expected] = [byKey(held), byKey(wanted)]
  const rowsOf = (all: Map<string, Told>): object =>
    Object.fromEntries([...all].map(([key, {at, rows}]) => [key, {rows, expires: at !== undefined}]))
  expect(rowsOf(answered)).toEqual(rowsOf(expected))
  for (const [key, {at}] of expected) {
    const apart = at === undefined ? 0 : Math.abs(answered.get(key)!.at! - at)
    expect(apart, key).toBeLessThanOrEqual(exact ? 0 : EXPIRY_TOLERANCE_MS)
  }
}

/** Redis 6.0 loads a collection without elements, and ends where it is asked for its digest. */
const ENDS_AT_DIGEST = 'collections-empty-v9'
/** Its libraries register no function: they are of the format only. */
const NO_LIBRARIES = /release-candidate/

/** Built for a target; without the values of modules where that has none of them. */
async function built(target: string, path: string): Promise<Built> {
  const dropFunctions = NO_LIBRARIES.test(path)
  const options = {
    ...{out: out(target), force: true, ignoreChecksum: true, target, allowLoss: true, dropFunctions},
  } as const
  const first = await build([path], {...options, onConflict: 'last'})
  const needsModules = first.warnings.some(({code}) => code === 'MODULES_NEEDED')
  return needsModules ? await build([path], {...options, dropModules: true}) : first
}

const lostOf = ({lost}: Built): Record<string, number> => Object.fromEntries(lost.map(({what, keys}) => [what, keys]))

/** What is left of the golden, and what it has lost. */
function heldOf(name: string, {entries}: Golden<unknown>, dropped: boolean, now: number) {
  const kept = entries.filter(({type}) => !(dropped && type === 'module')) as ReadEntry[]
  const sound = kept.filter(one => !(one.type === 'zset' && JSON.stringify(one.value).includes('"nan"')))
  const held = sound.map(one => heldBy(one, targetOf(name), now))
  const lost: Record<string, number> = {}
  const add = (what: string, count = 1): void => {
    lost[what] = (lost[what] ?? 0) + count
  }
  for (const {lost: kinds, hints} of held) for (const what of [...kinds, ...hints]) add(what)
  if (sound.length < kept.length) add(NO_NUMBER, kept.length - sound.length)
  const left = held.flatMap(({entry}) => (entry === undefined ? [] : [entry as GoldenEntry]))
  return {left, lost, add}
}

/** `target`: another server, whose files this one reads as well. */
async function proveSnapshot(
  loader: Loader,
  {name: title, path, golden}: Fixture<BuiltMeta>,
  target = loader.name,
): Promise<void> {
  const {name} = loader
  const result = await built(target, path)
  const dropped = result.skipped.some(({reason}) => reason.startsWith('module'))
  const server = await loader.load(out(target))
  const now = Date.now()
  const {left, lost, add} = heldOf(target, golden, dropped, now)
  for (const [what, count] of besideKeys(title, golden.functions.length, targetOf(target))) {
    if (!(dropped && what.includes('module')) && !NO_LIBRARIES.test(title)) add(what, count)
  }
  const sameAsOriginal = target === name && accepts(name, golden.meta) && !result.lost.some(({data}) => data)
  const compares = sameAsOriginal && !(name === 'redis-6.0' && title === ENDS_AT_DIGEST)
  // First, since it asks for idle times, which end where a key is asked for.
  const ours = compares ? await oracle.snapshot(server) : undefined
  const answers = await snapshot(server)
  expectSame(
    comparable(answers.entries as GoldenEntry[], now),
    comparable(left, now),
    Number.parseFloat(server.version) >= 7,
  )
  if (targetOf(target).rdbVersion >= 10) expect(answers.functions).toEqual(golden.functions)
  expect(lostOf(result)).toEqual(lost)
  if (ours === undefined) return
  const original = await oracle.snapshot(await loader.load(path))
  // Small integers are one object for all keys, as long as the process lives.
  const idle = /^(lru|attributes)-/.test(title)
  expect(oracle.compare(original, ours, {idle}).join('\n')).toBe('')
}

/** Of logs: consumers are seen when the commands are replayed, and what a server counts of a stream a log does not say. */
function withoutCounts(entries: readonly GoldenEntry[]): GoldenEntry[] {
  return entries.map(entry => {
    if (entry.type !== 'stream') return entry
    const {entries: messages, lastId, groups} = entry.value as StreamGolden
    const told = groups.map(({name, lastId: last, pending, consumers}) => ({
      ...{name, lastId: last, pending, entriesRead: -1},
      consumers: consumers.map(one => ({name: one.name, seenAtMs: 0, activeAtMs: 0})),
    }))
    return {...entry, value: {entries: messages, lastId, groups: told}}
  })
}

async function proveLog(loader: Loader, log: Log): Promise<void> {
  const {name} = loader
  const dir = mkdtempSync(join(folder.path, 'log-'))
  unpackFolder(log.files, dir)
  const result = await built(name, join(dir, log.name.endsWith('-v9') ? 'appendonly.aof' : 'appendonlydir'))
  const server = await loader.load(out(name))
  const now = Date.now()
  const {left, lost} = heldOf(name, log, false, now)
  const answers = await snapshot(server)
  const exact = Number.parseFloat(server.version) >= 7
  expectSame(
    withoutCounts(comparable(answers.entries as GoldenEntry[], now)),
    withoutCounts(comparable(left, now)),
    exact,
  )
  const ofKeys = (all: Record<string, number>): [string, number][] =>
    Object.entries(all).filter(([what]) => !/functions|streams|groups|consumers/.test(what))
  expect(ofKeys(lostOf(result))).toEqual(ofKeys(lost))
  if (targetOf(name).rdbVersion >= 10) expect(answers.functions).toEqual(log.functions)
}

/** Goes on after a failure, and tells of all. */
async function proveAll<T extends {name: string}>(all: readonly T[], prove: (one: T) => Promise<void>): Promise<void> {
  const failures: string[] = []
  for (const one of all) await prove(one).catch((error: Error) => failures.push(`${one.name}: ${error.stack}`))
  expect(failures.join('\n\n')).toBe('')
}

describeEachServer('built for', name => {
  const loader = new Loader(name, CONFIG)
  afterAll(() => loader.stop())

  it('every snapshot among the fixtures is loaded, and holds all that was not lost', {timeout: 120_000}, async () => {
    const all = readAll().filter(
      one => !UNSOUND.test(one.name) && !(one.name === 'slot-import-v80' && name === 'valkey-9.1'),
    )
    expect(all.length).toBeGreaterThan(200)
    await proveAll(all, one => proveSnapshot(loader, one))
  })

  it('every log among the fixtures is loaded, and holds all that was not lost', {timeout: 120_000}, async () => {
    // As servers before 5.0 log it, these hold a script.
    const all = LOGS.filter(one => !/upgraded/.test(one.name))
    await proveAll(all, one => proveLog(loader, one))
  })

  it.each(ALSO[name] ?? [])('what is built for %s is loaded by this one as well', {timeout: 120_000}, async target => {
    const all = readAll().filter(one => !UNSOUND.test(one.name) && KINDS.has(one.name))
    expect(all.length).toBeGreaterThan(90)
    await proveAll(all, one => proveSnapshot(loader, one, target))
  })

  it.runIf(name === 'valkey-9.1')('slot imports stay, for a cluster', async () => {
    const fixture = readAll().find(one => one.name === 'slot-import-v80')!
    expect((await built(name, fixture.path)).lost).toEqual([])
    const server = await startServer(name, {rdb: out(name), config: CLUSTER_OF_ONE})
    try {
      const now = Date.now()
      expectSame(comparable((await snapshot(server)).entries as GoldenEntry[], now), fixture.golden.entries, true)
    } finally {
      await server.stop()
    }
  })
})
