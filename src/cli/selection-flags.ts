/**
 * Which keys: the flags of every command that reads, defined once, and what
 * they say. Given several times, a flag widens the selection; flags of
 * different names narrow it.
 */
import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../errors.js'
import type {ValueType} from '../keyspace/entry.js'
import {
  compileRegex,
  type ExpiredRule,
  type SelectionOptions,
  type TtlRule,
  VALUE_TYPES,
} from '../keyspace/selection.js'

const SLOT_MAX = 16_383
const helpGroup = 'SELECTION'
/** Each value is given with its flag: what follows it may be the source. */
const repeatable = {helpGroup, multiple: true, multipleNonGreedy: true} as const

export const selectionFlags = {
  db: Flags.custom<number>({
    ...repeatable,
    description: 'Only keys of this database.',
    helpValue: 'N',
    parse: async text => parseDb(text),
  })(),
  match: Flags.string({
    ...repeatable,
    description:
      'Only keys that match, as in KEYS of a server: * ? [a-z] [^a-z]; \\ takes the next as it is, \\xHH is a byte.',
    helpValue: 'GLOB',
  }),
  'not-match': Flags.string({
    ...repeatable,
    description: 'No keys that match.',
    helpValue: 'GLOB',
  }),
  regex: Flags.custom<string>({
    ...repeatable,
    description: 'Only keys in which this JavaScript regular expression is found.',
    helpValue: 'RE',
    parse: async text => {
      compileRegex(text)
      return text
    },
  })(),
  type: Flags.custom<ValueType>({
    ...repeatable,
    description: `Only values of this type: ${VALUE_TYPES.join(', ')}.`,
    helpValue: 'T',
    parse: async text => parseType(text),
  })(),
  slot: Flags.custom<readonly [first: number, last: number]>({
    ...repeatable,
    description: `Only keys of these slots of a cluster: one, or a range A-B within 0-${SLOT_MAX}.`,
    helpValue: 'A-B',
    parse: async text => parseSlots(text),
  })(),
  'min-bytes': Flags.custom<number>({
    helpGroup,
    description: 'Only keys of at least this much estimated memory, such as 500, 10kb, 5MiB.',
    helpValue: 'SIZE',
    parse: async text => parseSize(text),
  })(),
  'max-bytes': Flags.custom<number>({
    helpGroup,
    description: 'Only keys of at most this much estimated memory.',
    helpValue: 'SIZE',
    parse: async text => parseSize(text),
  })(),
  expired: Flags.custom<ExpiredRule>({
    helpGroup,
    description: 'Keys whose expiry has passed, judged against --now: keep, drop or only. Default: keep.',
    helpValue: 'RULE',
    parse: async text => parseExpired(text),
  })(),
  ttl: Flags.custom<TtlRule>({
    helpGroup,
    description:
      'Only keys with (set) or without (none) an expiry, or with so long to live: lt:30d, gt:1h, or gt:1h,lt:30d.',
    helpValue: 'RULE',
    parse: async text => parseTtl(text),
  })(),
}

export type SelectionFlags = Partial<Pick<Interfaces.InferredFlags<typeof selectionFlags>, keyof typeof selectionFlags>>

/** What the flags say; `nowMs` is that of --now, or the clock. */
export function selectionOptions(flags: SelectionFlags, nowMs: number): SelectionOptions {
  const {db, match, regex, expired, ttl} = flags
  return {
    db,
    match,
    notMatch: flags['not-match'],
    regex,
    types: flags.type,
    slots: flags.slot,
    minBytes: flags['min-bytes'],
    maxBytes: flags['max-bytes'],
    expired,
    ttl,
    nowMs,
  }
}

export function parseDb(text: string): number {
  const db = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isSafeInteger(db)) return db
  throw new UsageError(`${quoted(text)} is no database: give its number, such as 0`)
}

function parseType(text: string): ValueType {
  const type = VALUE_TYPES.find(one => one === text.toLowerCase())
  if (type !== undefined) return type
  throw new UsageError(`${quoted(text)} is no type: give one of ${VALUE_TYPES.join(', ')}`)
}

function parseSlots(text: string): [first: number, last: number] {
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? []
  const range: [number, number] = [Number(first), Number(last)]
  if (first !== '' && range[0] <= range[1] && range[1] <= SLOT_MAX) return range
  throw new UsageError(
    `${quoted(text)} are no slots: give one, such as 42, or a range, such as 0-5460, the lower first, up to ${SLOT_MAX}`,
  )
}

/** As in the configuration of a server, k is 1000 and kb 1024 (redis 7.0 util.c memtoull); KiB, as we print it, 1024 too. */
const SIZE = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(b|ib)?|b)?$/i
const SIZE_PREFIXES = 'kmgtp'

/** Bytes: a number with or without a unit. */
export function parseSize(text: string): number {
  const [, count = 'none', prefix = '', suffix] = SIZE.exec(text) ?? []
  const power = prefix === '' ? 0 : SIZE_PREFIXES.indexOf(prefix.toLowerCase()) + 1
  const bytes = Math.round(Number(count) * (suffix === undefined ? 1000 : 1024) ** power)
  if (Number.isSafeInteger(bytes)) return bytes
  throw new UsageError(
    `${quoted(text)} is no size: give bytes, or a unit: 500, 10kb, 1.5MiB, 2gb (k is 1000; kb, KiB 1024)`,
  )
}

function parseExpired(text: string): ExpiredRule {
  if (text === 'keep' || text === 'drop' || text === 'only') return text
  throw new UsageError(`${quoted(text)} is no rule for expired keys: give keep, drop or only`)
}

const UNITS_MS = {ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000} as const
/** Milliseconds of a span such as 500ms, 2s, 1.5h. */
export function parseSpan(text: string): number {
  const [, count, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(text) ?? []
  if (count !== undefined) return Math.round(Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS])
  throw new UsageError(
    `${quoted(text)} is no span of time: give 500ms, 2s, 5m, 1h (${Object.keys(UNITS_MS).join(', ')})`,
  )
}

const TTL_BOUND = /^(lt|gt):(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/

/** One bound, or both with a comma between. */
export function parseTtl(text: string): TtlRule {
  if (text === 'any' || text === 'none' || text === 'set') return text
  let belowMs: number | undefined
  let aboveMs: number | undefined
  for (const part of text.split(',')) {
    const [, side, count, unit] = TTL_BOUND.exec(part) ?? []
    const ms = Math.round(Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS])
    if (side === 'lt' && belowMs === undefined) belowMs = ms
    else if (side === 'gt' && aboveMs === undefined) aboveMs = ms
    else throw wrongTtl(text)
  }
  if (belowMs !== undefined && aboveMs !== undefined && aboveMs >= belowMs) {
    throw new UsageError(`${quoted(text)} is no time to live: nothing is above the one and below the other`)
  }
  return {belowMs, aboveMs}
}

function wrongTtl(text: string): UsageError {
  const units = Object.keys(UNITS_MS).join(', ')
  return new UsageError(
    `${quoted(text)} is no time to live: give any, none, set, lt:30d, gt:1h or gt:1h,lt:30d (${units})`,
  )
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
