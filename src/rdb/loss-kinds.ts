/**
 * What a target may have no place for, and what becomes of it.
 *
 *   redis    2.4   no milliseconds of expiries, none beyond 2038          2.6  both
 *            4.0   module values, strings above 4 GiB                     5.0  streams, idle times, frequencies
 *            7.0   functions; what a stream knows of itself               7.2  when consumers were active
 *            7.4   expiries of fields (valkey: 9.0)                       8.6  key metadata, idempotent producers
 *            8.8   arrays; pending entries that no consumer owns
 */
import type {LossKind} from '../keyspace/loss-report.js'

/** Something about a key, or beside all keys. */
const part = (what: string): LossKind => ({what, data: true, whole: false})
/** The key itself. */
const whole = (what: string): LossKind => ({what, data: true, whole: true})
/** What no server needs. */
const hint = (what: string): LossKind => ({what, data: false, whole: false})

export const LOST = {
  // Of keys. Rounded up: no key expires before its time.
  expiryMilliseconds: part('milliseconds of expiries'),
  farExpiries: part('expiries beyond the year 2038'),
  keyMeta: part('key metadata'),
  idleTimes: hint('idle times'),
  frequencies: hint('access frequencies'),

  // Of hashes. A field that has expired is none any more, and would be one again without its expiry.
  fieldExpiries: part('expiries of hash fields'),
  farFieldExpiries: part('expiries of hash fields beyond the year 10889'),
  oldFieldExpiries: part('expiries of hash fields before 1970'),
  expiredFields: hint('hash fields that have expired'),

  // Of streams.
  maxDeletedIds: part('largest deleted IDs of streams'),
  entriesAdded: part('numbers of entries ever added to streams'),
  entriesRead: part('numbers of entries that groups have read'),
  activeTimes: part('times at which consumers were active'),
  nackZones: part('that pending entries have no consumer: one called "nacked" has them'),
  producers: part('idempotent producers of streams'),

  // Values that cannot be stored otherwise: as another type, other commands would go to them.
  streams: whole('streams'),
  arrays: whole('arrays'),
  crons: whole('CRON values of KeyDB'),
  largeElements: whole('lists with an element too large for it'),
  nanScores: whole('sorted sets with a score that is no number'),
  longStrings: whole('strings of 4 GiB and more'),

  // Beside the keys.
  functions: part('libraries of functions'),
  aux: hint('aux fields'),
  slotImports: hint('slot imports under way'),

  // Of vendors.
  keydbMembers: part('expiries of members (KeyDB)'),
  dragonflyFlags: hint('flags of Dragonfly'),
} as const satisfies Readonly<Record<string, LossKind>>

export function moduleValues(module: string): LossKind {
  return whole(`values of the module ${module}`)
}

export function moduleData(module: string): LossKind {
  return part(`data of the module ${module} beside its values`)
}
