/**
 * What is left of an entry on a target, and what it has lost: by the table of the format, told without our writer.
 *
 * Streams are told as a server of today has them that loads what the target stores of them (redis 7.0 rdb.c): what is
 * missing is what it makes of the rest.
 */
import type {Target} from '../../src/rdb/targets.js'
import type {GoldenEntry} from './fixtures.js'

export interface Held {
  /** Undefined where the key is gone. */
  entry: GoldenEntry | undefined
  /** Kinds of data. */
  lost: string[]
  /** Kinds of hints. */
  hints: string[]
}

type Integer = number | string

export interface StreamGolden {
  entries: [id: string, fields: unknown[]][]
  lastId: string
  maxDeletedId?: string
  entriesAdded?: Integer
  groups: {
    name: unknown
    lastId: string
    entriesRead?: Integer
    pending: [id: string, consumer: unknown, at: unknown, deliveries: unknown][]
    consumers: {name: unknown; seenAtMs: Integer; activeAtMs?: Integer}[]
    nacked?: string[]
  }[]
  idmp?: {
    durationSeconds: Integer
    maxEntries: Integer
    producers: unknown[]
    iidsAdded: Integer
    iidsDuplicates: Integer
  }
}

const IDMP = {durationSeconds: 100, maxEntries: 100, producers: [], iidsAdded: 0, iidsDuplicates: 0}

/** Version of the format by which types count: redict knows those of 11, valkey 9 those and hashes of its own. */
export function typesVersion({family, product, rdbVersion}: Target): number {
  return family === 'valkey' || product === 'redict' ? 11 : rdbVersion
}

const fieldsExpire = (target: Target): boolean => target.family === 'valkey' || typesVersion(target) >= 12

/** Versions of the stream layout: 5.0, 7.0, 7.2, 8.6, 8.8. */
function streamVersion(version: number): number {
  return [9, 10, 11, 13, 14].filter(since => version >= since).length
}

export function heldBy(entry: GoldenEntry, target: Target, nowMs: number): Held {
  const held: Held = {entry: {...entry}, lost: [], hints: []}
  const version = typesVersion(target)
  if (entry.type === 'stream' && version < 9) return gone(held, 'streams')
  if (entry.type === 'array' && version < 14) return gone(held, 'arrays')
  if (entry.type === 'cron') return gone(held, 'CRON values of KeyDB')
  if (entry.type === 'module' && version < 8) {
    return gone(held, `values of the module ${(entry.value as {module: string}).module}`)
  }
  if (entry.type === 'stream') held.entry!.value = stream(asToday(entry).value as StreamGolden, version, held)
  if (entry.type === 'hash' && !fieldsExpire(target)) withoutExpiries(held, nowMs)
  attributes(held, target)
  return held
}

function gone({hints}: Held, what: string): Held {
  return {entry: undefined, lost: [what], hints}
}

function attributes({entry, lost, hints}: Held, {family, rdbVersion}: Target): void {
  if (entry === undefined) return
  const {expireAtMs, idleSeconds, frequency, keyMeta} = entry
  if (rdbVersion < 3 && expireAtMs !== undefined) {
    const seconds = Math.max(0, Math.ceil(Number(expireAtMs) / 1000))
    if (seconds >= 2 ** 31) {
      delete entry.expireAtMs
      lost.push('expiries beyond the year 2038')
    } else {
      entry.expireAtMs = seconds * 1000
      if (entry.expireAtMs !== Number(expireAtMs)) lost.push('milliseconds of expiries')
    }
  }
  if (rdbVersion < 9) {
    if (idleSeconds !== undefined) hints.push('idle times')
    if (frequency !== undefined) hints.push('access frequencies')
    delete entry.idleSeconds
    delete entry.frequency
  }
  if (keyMeta !== undefined && (family !== 'redis' || rdbVersion < 13)) {
    lost.push('key metadata')
    delete entry.keyMeta
  }
}

function withoutExpiries(held: Held, nowMs: number): void {
  const entry = held.entry!
  const rows = entry.value as unknown[][]
  const stay = rows.filter(([, , at]) => at === undefined || Number(at) >= nowMs)
  if (stay.some(row => row.length > 2)) held.lost.push('expiries of hash fields')
  if (stay.length < rows.length) held.hints.push('hash fields that have expired')
  entry.value = stay.map(([field, value]) => [field, value])
  if (entry.count !== undefined) entry.count = stay.length
  // A collection without elements is no key.
  if (rows.length > 0 && stay.length === 0) held.entry = undefined
}

const idOf = (text: string): [ms: bigint, seq: bigint] => text.split('-').map(BigInt) as [bigint, bigint]

function compareIds(a: string, b: string): number {
  const [[ms, seq], [otherMs, otherSeq]] = [idOf(a), idOf(b)]
  if (ms !== otherMs) return ms < otherMs ? -1 : 1
  return seq === otherSeq ? 0 : seq < otherSeq ? -1 : 1
}

/** What a server takes for the entries that a group has read, of a stream without history. */
function readUpTo(lastId: string, {entries, lastId: last}: StreamGolden): number {
  if (entries.length === 0) return 0
  if (compareIds(lastId, last) >= 0) return lastId === last ? entries.length : -1
  const toFirst = compareIds(lastId, entries[0]![0])
  return toFirst > 0 ? -1 : toFirst === 0 ? 1 : 0
}

/** A stream as a server of today has it that loads an older form. */
export function asToday(entry: GoldenEntry): GoldenEntry {
  if (entry.type !== 'stream') return entry
  const value = entry.value as StreamGolden
  const groups = value.groups.map(group => ({
    entriesRead: readUpTo(group.lastId, value),
    nacked: [],
    ...group,
    consumers: group.consumers.map(one => ({...one, activeAtMs: one.activeAtMs ?? one.seenAtMs})),
  }))
  return {...entry, value: {maxDeletedId: '0-0', entriesAdded: value.entries.length, idmp: IDMP, ...value, groups}}
}

function stream(value: StreamGolden, formatVersion: number, {lost}: Held): StreamGolden {
  const version = streamVersion(formatVersion)
  const held = structuredClone(value)
  const differs = (what: string, changed: boolean): void => {
    if (changed && !lost.includes(what)) lost.push(what)
  }
  if (version < 4) {
    differs('idempotent producers of streams', JSON.stringify(held.idmp) !== JSON.stringify(IDMP))
    held.idmp = IDMP
  }
  if (version < 2) {
    differs('largest deleted IDs of streams', held.maxDeletedId !== '0-0')
    differs('numbers of entries ever added to streams', Number(held.entriesAdded) !== held.entries.length)
    held.maxDeletedId = '0-0'
    held.entriesAdded = held.entries.length
  }
  for (const group of held.groups) {
    if (version < 2) {
      const read = readUpTo(group.lastId, held)
      const known = Number(group.entriesRead)
      differs('numbers of entries that groups have read', known !== -1 && known !== read)
      group.entriesRead = read
    }
    for (const consumer of version < 3 ? group.consumers : []) {
      differs('times at which consumers were active', consumer.activeAtMs !== consumer.seenAtMs)
      consumer.activeAtMs = consumer.seenAtMs
    }
    const nacked = group.nacked ?? []
    if (version === 5 || nacked.length === 0) continue
    differs('that pending entries have no consumer: one called "nacked" has them', true)
    group.consumers.push({name: 'nacked', seenAtMs: 0, activeAtMs: version < 3 ? 0 : -1})
    for (const row of group.pending) if (nacked.includes(row[0])) row[1] = 'nacked'
    group.nacked = []
  }
  return held
}

export const NO_NUMBER = 'sorted sets with a score that is no number'

/** What a fixture loses that stands beside its keys. */
export function besideKeys(
  name: string,
  functions: number,
  {family, rdbVersion}: Target,
): [what: string, count: number][] {
  const lost: [what: string, count: number][] = []
  const libraries = name.includes('function-release-candidate') ? 2 : functions
  if (libraries > 0 && rdbVersion < 10) lost.push(['libraries of functions', libraries])
  if (name.includes('module-aux') && rdbVersion < 9) {
    lost.push(
      ['data of the module ReJSON-RL beside its values', 1],
      ['data of the module ft_index0 beside its values', 2],
    )
  }
  if (name.includes('aux-anywhere') && rdbVersion < 7) lost.push(['aux fields', 2])
  if (name.includes('slot-import') && family !== 'valkey') lost.push(['slot imports under way', 1])
  if (name.includes('keydb-v9')) lost.push(['expiries of members (KeyDB)', 1])
  return lost
}
