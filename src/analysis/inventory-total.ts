/**
 * The inventories of several sources as one: sums, and what is biggest in all.
 */
import {limits} from '../limits.js'
import {type BigElement, isBigger as isBiggerElement} from './biggest-elements.js'
import type {EstimatedMemory, Inventory, MemoryElsewhere} from './inventory.js'
import {type BigKey, hasMore, isBigger} from './inventory-biggest.js'
import type {ModuleCount} from './inventory-facts.js'
import {compareSizes, type DatabaseCount, type DatabaseSums, type EncodingCount} from './inventory-tallies.js'
import {KeySpread, type Spread} from './spread.js'
import {TopN} from './top.js'

/** One of the biggest keys of all, and where it is. */
export interface SourcedBigKey extends BigKey {
  source: string
}

export interface SourcedBigElement extends BigElement {
  source: string
}

export interface InventoryTotal {
  /** Sources whose numbers are in the sums, among them those that could be read in part only. */
  sources: number
  bytes: number
  keys: number
  expiring: number
  expired: number
  /** Estimated; undefined where nobody asked. Each for its own server, unless one was named. */
  memoryBytes: number | undefined
  /** Whose memory that is: one where all are estimated for the same. */
  servers: Pick<EstimatedMemory, 'server' | 'calibrated'>[]
  /** The same for other servers; of those that all sources were compared with. */
  elsewhere: MemoryElsewhere[]
  databases: DatabaseCount[]
  /** Of databases beyond limits.databasesMax; undefined where there are none. */
  otherDatabases: DatabaseSums | undefined
  encodings: EncodingCount[]
  modules: ModuleCount[]
  biggest: SourcedBigKey[]
  biggestByElements: SourcedBigKey[]
  biggestElements: SourcedBigElement[] | undefined
  spread: Spread | undefined
  /** What that is told from. */
  keySpread: KeySpread | undefined
}

/** `top` is how many of the biggest keys to tell. */
export function totalOf(
  inventories: readonly {source: string; inventory: Inventory; spread: KeySpread | undefined}[],
  top: number,
): InventoryTotal {
  const biggest = new TopN<SourcedBigKey>(top, ranked(isBigger))
  const byElements = new TopN<SourcedBigKey>(top, ranked(hasMore))
  const elements = new TopN<SourcedBigElement>(top, ranked(isBiggerElement))
  const total = {sources: inventories.length, bytes: 0, keys: 0, expiring: 0, expired: 0}
  for (const {source, inventory} of inventories) {
    total.bytes += inventory.bytes
    total.keys += inventory.keys
    total.expiring += inventory.expiring
    total.expired += inventory.expired
    for (const big of inventory.biggest) biggest.add({...big, source})
    for (const big of inventory.biggestByElements) byElements.add({...big, source})
    for (const big of inventory.biggestElements ?? []) elements.add({...big, source})
  }
  const all = inventories.map(({inventory}) => inventory)
  const databases = summed(
    all.flatMap(one => one.databases),
    ({db}) => String(db),
  ).sort((a, b) => a.db - b.db)
  const others = [...all.flatMap(one => one.otherDatabases ?? []), ...databases.splice(limits.databasesMax)]
  const keySpread = mergedSpread(inventories.map(({spread}) => spread))
  const estimates = all.flatMap(({memory}) => memory ?? [])
  return {
    ...total,
    memoryBytes: estimates.length === 0 ? undefined : estimates.reduce((sum, {bytes}) => sum + bytes, 0),
    servers: serversOf(estimates),
    elsewhere: elsewhereOf(estimates),
    databases,
    otherDatabases: others.length === 0 ? undefined : summed<DatabaseSums>(others, () => '')[0],
    encodings: summed(
      all.flatMap(one => one.encodings),
      ({type, encoding}) => `${type} ${encoding}`,
    ).sort(compareSizes),
    modules: summed(
      all.flatMap(one => one.modules),
      ({name}) => name,
    ).sort((a, b) => b.bytes - a.bytes),
    biggest: biggest.sorted(),
    biggestByElements: byElements.sorted(),
    biggestElements: all.some(one => one.biggestElements !== undefined) ? elements.sorted() : undefined,
    keySpread,
    spread: keySpread?.result(),
  }
}

/** Each once, in the order of the sources; one that was guessed somewhere is not calibrated. */
function serversOf(estimates: readonly EstimatedMemory[]): InventoryTotal['servers'] {
  return [...new Set(estimates.map(({server}) => server))].map(name => {
    const same = estimates.filter(({server}) => server === name)
    return {server: name, calibrated: same.every(({calibrated}) => calibrated)}
  })
}

/** Summed by server, where every source has that server's number, as its own or among the others. */
function elsewhereOf(estimates: readonly EstimatedMemory[]): MemoryElsewhere[] {
  const all = estimates.map(({elsewhere, ...own}) => [own, ...elsewhere])
  const [first = []] = all
  return first.slice(1).flatMap(({bytes: _, ...model}) => {
    const {server} = model
    const same = all.flatMap(one => one.find(other => other.server === server) ?? [])
    if (same.length < all.length) return []
    return [{...model, bytes: same.reduce((sum, {bytes}) => sum + bytes, 0)}]
  })
}

/** Ties go by the source. */
function ranked<Big>(
  before: (a: Big, b: Big) => boolean,
): (a: Big & {source: string}, b: Big & {source: string}) => boolean {
  return (a, b) => before(a, b) || (!before(b, a) && a.source < b.source)
}

function mergedSpread(spreads: readonly (KeySpread | undefined)[]): KeySpread | undefined {
  const [first, ...others] = spreads.filter(spread => spread !== undefined)
  if (first === undefined) return undefined
  const merged = new KeySpread(first.options)
  for (const spread of [first, ...others]) merged.merge(spread)
  return merged
}

/** What identifies a row is not added up, though it is a number. */
const IDENTITIES: ReadonlySet<string> = new Set(['db', 'version'])

/** Rows of one name added up, member by member. */
function summed<Row extends object>(rows: readonly Row[], nameOf: (row: Row) => string): Row[] {
  const sums = new Map<string, Record<string, unknown>>()
  for (const row of rows) {
    const sum = sums.get(nameOf(row))
    if (sum === undefined) {
      sums.set(nameOf(row), {...row} as Record<string, unknown>)
      continue
    }
    for (const [member, value] of Object.entries(row)) {
      if (typeof value === 'number' && !IDENTITIES.has(member)) sum[member] = (sum[member] as number) + value
    }
  }
  return [...sums.values()] as Row[]
}
