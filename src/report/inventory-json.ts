/**
 * An inventory as JSON. The names are a contract; more may be added.
 */
import type {BigKey, EncodingCount, Inventory} from '../analysis/inventory.js'
import type {InventoryTotal} from '../analysis/inventory-total.js'
import type {Spread} from '../analysis/spread.js'
import {NEVER} from '../keyspace/entry.js'
import type {SelectionCounts} from '../keyspace/selection.js'
import {failureJson} from './failure.js'
import {jsonBytes, jsonInteger} from './text.js'

export type Json = Record<string, unknown>

/**
 * `failure` stands in `error`, with what could be read before it; `selected`
 * tells how many keys were passed over, where not all were counted.
 */
export function inventoryJson(
  source: string,
  inventory: Inventory | undefined,
  failure: unknown,
  selected?: SelectionCounts | undefined,
): Json {
  const error = failure === undefined ? {} : {error: failureJson(failure)}
  if (inventory === undefined) return {source, ...error}
  return {
    source,
    format: 'rdb',
    product: inventory.product,
    serverVersion: inventory.serverVersion,
    rdbVersion: inventory.header.rdbVersion,
    bytes: inventory.bytes,
    aux: Object.fromEntries(inventory.aux),
    checksum: inventory.checksum,
    keys: inventory.keys,
    ...(inventory.checksum === undefined ? {announcedKeys: inventory.announcedKeys} : {}),
    expiring: inventory.expiring,
    expired: inventory.expired,
    databases: inventory.databases,
    types: typesJson(inventory.encodings),
    biggest: inventory.biggest.map(biggestJson),
    functions: inventory.functions,
    modules: inventory.modules,
    ...(inventory.slots > 0 ? {slots: {count: inventory.slots}} : {}),
    ...spreadJson(inventory.spread),
    ...(selected === undefined ? {} : {selected}),
    warnings: inventory.problems.map(({code, text, offset}) => ({code, text, offset})),
    ...error,
  }
}

/** Several sources: each as it is alone, and their sums. */
export function inventoriesJson(sources: readonly Json[], total: InventoryTotal): Json {
  const {biggest, encodings, spread, databases, modules, ...sums} = total
  return {
    sources,
    total: {
      ...sums,
      databases,
      types: typesJson(encodings),
      biggest: biggest.map(big => ({source: big.source, ...biggestJson(big)})),
      modules,
      ...spreadJson(spread),
    },
  }
}

function spreadJson(spread: Spread | undefined): Json {
  if (spread === undefined) return {}
  const {densestHour} = spread
  return {
    percentiles: {rdbBytes: spread.rdbBytes, elements: spread.elements},
    ttl: {
      histogram: spread.ttl.map(({bucket, keys, bytes}) => ({bucket, keys, rdbBytes: bytes})),
      ...(densestHour === undefined ? {} : {densestHour}),
    },
    idle: {histogram: spread.idle.map(({bucket, keys, bytes}) => ({bucket, keys, rdbBytes: bytes}))},
    frequency: {histogram: spread.frequency},
    prefixes: spread.prefixes.map(({prefix, keys, expiring, rdbBytes}) => ({
      prefix: jsonBytes(prefix),
      keys,
      expiring,
      rdbBytes,
    })),
  }
}

function typesJson(counts: readonly EncodingCount[]): Json[] {
  const types = new Map<string, {keys: number; elements: number; rdbBytes: number; encodings: Record<string, number>}>()
  for (const {type, encoding, keys, elements, rdbBytes} of counts) {
    const sum = types.get(type) ?? {keys: 0, elements: 0, rdbBytes: 0, encodings: {}}
    sum.keys += keys
    sum.elements += elements
    sum.rdbBytes += rdbBytes
    sum.encodings[encoding] = (sum.encodings[encoding] ?? 0) + keys
    types.set(type, sum)
  }
  return [...types].map(([type, sum]) => ({type, ...sum}))
}

function biggestJson(big: BigKey): Json {
  const {db, key, type, encoding, elements, rdbBytes, expireAtMs} = big
  const expiry = expireAtMs === NEVER ? {} : {expireAtMs: jsonInteger(expireAtMs)}
  return {db, key: jsonBytes(key), type, encoding, elements, rdbBytes, ...expiry}
}
