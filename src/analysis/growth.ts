/**
 * What has become more or less from one snapshot to a later one: keys and bytes
 * in all, by database, by type, and by prefix where both were looked at so closely.
 */
import type {Inventory} from './inventory.js'
import type {EncodingCount} from './inventory-tallies.js'
import type {PrefixCount} from './prefixes.js'
import type {KeySpread} from './spread.js'
import {TopN} from './top.js'

export interface Sizes {
  keys: number
  rdbBytes: number
  /** Estimated; 0 where nobody asked. */
  memoryBytes: number
}

/** Sizes in the older snapshot, and in the later. */
export interface Change {
  before: Sizes
  after: Sizes
}

export interface Growth {
  all: Change
  /** Ascending. */
  databases: (Change & {db: number})[]
  /** Those that changed most first. */
  types: (Change & {type: string})[]
  /** The `top` that changed most; undefined where nobody asked. */
  prefixes: PrefixChange[] | undefined
}

export interface PrefixChange extends Change {
  prefix: Uint8Array
}

export interface Counted {
  inventory: Inventory
  spread: KeySpread | undefined
}

const NOTHING: Sizes = {keys: 0, rdbBytes: 0, memoryBytes: 0}
/** Stands for any part; no other part is longer than the bytes it holds. */
const ANY_PART = '*'

export function growthOf(before: Counted, after: Counted, top: number): Growth {
  const [older, later] = [before.inventory, after.inventory]
  return {
    all: {before: sizesOf(older), after: sizesOf(later)},
    databases: changes(
      older.databases.map(one => [one.db, one]),
      later.databases.map(one => [one.db, one]),
    )
      .map(([db, change]) => ({db, ...change}))
      .sort((a, b) => a.db - b.db),
    types: changes(typesOf(older.encodings), typesOf(later.encodings))
      .map(([type, change]) => ({type, ...change}))
      .sort((a, b) => weight(b) - weight(a) || (a.type < b.type ? -1 : 1)),
    prefixes:
      before.spread === undefined || after.spread === undefined
        ? undefined
        : prefixChanges(before.spread.prefixes(), after.spread.prefixes(), top),
  }
}

function sizesOf({keys, databases, otherDatabases, memory}: Inventory): Sizes {
  const rdbBytes = databases.reduce((sum, one) => sum + one.rdbBytes, otherDatabases?.rdbBytes ?? 0)
  return {keys, rdbBytes, memoryBytes: memory?.bytes ?? 0}
}

function typesOf(counts: readonly EncodingCount[]): [string, Sizes][] {
  const types = new Map<string, Sizes>()
  for (const {type, keys, rdbBytes, memoryBytes} of counts) {
    const sum = types.get(type) ?? NOTHING
    const sums = {keys: sum.keys + keys, rdbBytes: sum.rdbBytes + rdbBytes, memoryBytes: sum.memoryBytes + memoryBytes}
    types.set(type, sums)
  }
  return [...types]
}

function changes<Name>(older: Iterable<[Name, Sizes]>, later: Iterable<[Name, Sizes]>): [Name, Change][] {
  const all = new Map<Name, Change>()
  for (const [name, sizes] of older) all.set(name, {before: plain(sizes), after: NOTHING})
  for (const [name, sizes] of later) all.set(name, {before: all.get(name)?.before ?? NOTHING, after: plain(sizes)})
  return [...all]
}

function plain({keys, rdbBytes, memoryBytes}: Sizes): Sizes {
  return {keys, rdbBytes, memoryBytes}
}

/** How much has changed: by memory where it was estimated, else by bytes, then by keys. */
function weight({before, after}: Change): number {
  const memory = Math.abs(after.memoryBytes - before.memoryBytes)
  return memory > 0 ? memory : Math.abs(after.rdbBytes - before.rdbBytes)
}

/**
 * What one snapshot tells apart the other may tell together (`user:*`): then
 * nobody knows how that prefix has changed, and it is left out.
 */
function prefixChanges(older: Iterable<PrefixCount>, later: Iterable<PrefixCount>, top: number): PrefixChange[] {
  const before = byName(older)
  const after = byName(later)
  const ranked = new TopN<PrefixChange>(top, isFurther)
  for (const [name, count] of after) {
    const was = before.get(name)
    if (was === undefined && isTogether(count, before)) continue
    ranked.add({prefix: count.prefix, before: was === undefined ? NOTHING : plain(was), after: plain(count)})
  }
  for (const [name, count] of before) {
    if (after.has(name) || isTogether(count, after)) continue
    ranked.add({prefix: count.prefix, before: plain(count), after: NOTHING})
  }
  return ranked.sorted().filter(({before, after}) => before.keys !== after.keys || before.rdbBytes !== after.rdbBytes)
}

function byName(counts: Iterable<PrefixCount>): Map<string, PrefixCount> {
  const named = new Map<string, PrefixCount>()
  for (const count of counts) named.set(nameOf(count.parts), count)
  return named
}

/** One name for each list of parts, whatever bytes they hold. */
function nameOf(parts: readonly (Uint8Array | undefined)[]): string {
  return parts.map(part => (part === undefined ? ANY_PART : Buffer.from(part).toString('hex'))).join('/')
}

/** Whether a prefix that is absent there may only be told as part of another. */
function isTogether({parts}: PrefixCount, there: ReadonlyMap<string, PrefixCount>): boolean {
  if (parts.includes(undefined)) return true
  return parts.some((_, at) => there.has(nameOf([...parts.slice(0, at), undefined])))
}

/** By weight, then keys, then the bytes of the prefix. */
function isFurther(a: PrefixChange, b: PrefixChange): boolean {
  if (weight(a) !== weight(b)) return weight(a) > weight(b)
  const keys = ({before, after}: Change): number => Math.abs(after.keys - before.keys)
  if (keys(a) !== keys(b)) return keys(a) > keys(b)
  return Buffer.compare(a.prefix, b.prefix) < 0
}
