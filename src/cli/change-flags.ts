/**
 * Flags that say what is changed about entries on their way, defined once.
 *
 * --ttl selects by an expiry in every command; where entries are changed it
 * also says what becomes of expiries, since one word cannot mean both:
 *   any none set lt: gt:     which entries
 *   keep strip shift=        what becomes of their expiries
 */
import {Flags} from '@oclif/core'
import {UsageError} from '../errors.js'
import type {EntryChangeOptions, ExpiryChange} from '../keyspace/entry-changes.js'
import type {TtlRule} from '../keyspace/selection.js'
import {parseTtl} from './selection-flags.js'

const helpGroup = 'CHANGES'
/** Each value is given with its flag: what follows it may be the source. */
const repeatable = {helpGroup, multiple: true, multipleNonGreedy: true} as const

/** What one --ttl says. */
type TtlWord = {select: TtlRule} | {change: ExpiryChange}

export const changeFlags = {
  'map-db': Flags.custom<readonly [from: number, to: number]>({
    ...repeatable,
    description: 'Put keys of database N into database M; several may go into one.',
    helpValue: 'N=M',
    parse: async text => parseDbPair(text),
  })(),
  'rename-prefix': Flags.custom<readonly [from: Uint8Array, to: Uint8Array]>({
    ...repeatable,
    description:
      'Keys that begin with OLD begin with NEW instead (\\xHH is a byte, \\= an equals sign). The first that fits.',
    helpValue: 'OLD=NEW',
    parse: async text => parsePrefixPair(text),
  })(),
  ttl: Flags.custom<TtlWord>({
    ...repeatable,
    description:
      'What becomes of expiries, of keys and of hash fields: keep, strip, shift=30d, shift=-1h. Or only keys with (set) or without (none) one, or with so long to live: lt:30d, gt:1h. Once each.',
    helpValue: 'RULE',
    parse: async text => parseTtlWord(text),
  })(),
}

interface ChangeFlags {
  'map-db'?: readonly (readonly [from: number, to: number])[] | undefined
  'rename-prefix'?: readonly (readonly [from: Uint8Array, to: Uint8Array])[] | undefined
  ttl?: readonly TtlWord[] | undefined
}

/** What the flags say about changes, and which expiry is selected. */
export function changeOptions(flags: ChangeFlags): {changes: EntryChangeOptions; ttl: TtlRule | undefined} {
  const words = flags.ttl ?? []
  const expiry = words.flatMap(word => ('change' in word ? [word.change] : []))
  const ttl = words.flatMap(word => ('select' in word ? [word.select] : []))
  if (expiry.length > 1) throw new UsageError('--ttl says twice what becomes of expiries: say it once')
  if (ttl.length > 1) throw new UsageError('--ttl selects twice: give both bounds in one, as gt:1h,lt:30d')
  const changes = {mapDb: flags['map-db'], renamePrefix: flags['rename-prefix'], expiry: expiry[0]}
  return {changes, ttl: ttl[0]}
}

/** `3=0` */
export function parseDbPair(text: string): [from: number, to: number] {
  const [, from, to] = /^(\d{1,10})=(\d{1,10})$/.exec(text) ?? []
  if (from !== undefined && to !== undefined) return [Number(from), Number(to)]
  throw new UsageError(`${JSON.stringify(text)} maps no database: give two numbers, such as 3=0`)
}

/** Text with \xHH for any byte, \\ and \= for themselves; the first bare equals sign parts it. */
function parsePrefixPair(text: string): [from: Uint8Array, to: Uint8Array] {
  const parts: Buffer[][] = [[]]
  for (const [token] of text.matchAll(/\\x[0-9a-fA-F]{2}|\\[\\=]|./gsu)) {
    if (token === '=' && parts.length === 1) parts.push([])
    else parts.at(-1)!.push(spelled(token))
  }
  const [from, to] = parts.map(one => new Uint8Array(Buffer.concat(one)))
  if (from !== undefined && to !== undefined) return [from, to]
  throw new UsageError(`${JSON.stringify(text)} renames nothing: give the old and the new beginning, such as old:=new:`)
}

function spelled(token: string): Buffer {
  if (token.startsWith('\\x') && token.length === 4) return Buffer.from(token.slice(2), 'hex')
  return Buffer.from(token.length === 2 && token.startsWith('\\') ? token.slice(1) : token)
}

const SHIFT = /^shift=([+-]?)(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/
const UNITS_MS = {ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000} as const

function parseTtlWord(text: string): TtlWord {
  if (text === 'keep' || text === 'strip') return {change: text}
  const [, sign, count, unit] = SHIFT.exec(text) ?? []
  if (count !== undefined) {
    const ms = Math.round(Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS])
    return {change: {shiftMs: sign === '-' ? -ms : ms}}
  }
  if (text.startsWith('shift')) {
    throw new UsageError(`${JSON.stringify(text)} is no shift: give shift=30d, shift=-1h (ms, s, m, h, d, w)`)
  }
  return {select: parseTtl(text)}
}
