/**
 * An inventory as JSON. The names are a contract; more may be added.
 */
import type {BigKey, Inventory} from '../analysis/inventory.js'
import {NEVER} from '../keyspace/entry.js'
import {failureJson} from './failure.js'
import {jsonBytes, jsonInteger} from './text.js'

export type Json = Record<string, unknown>

/** `failure` stands in `error`, with what could be read before it. */
export function inventoryJson(source: string, inventory: Inventory | undefined, failure: unknown): Json {
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
    types: typesJson(inventory),
    biggest: inventory.biggest.map(biggestJson),
    functions: inventory.functions,
    modules: inventory.modules,
    ...(inventory.slots > 0 ? {slots: {count: inventory.slots}} : {}),
    warnings: inventory.problems.map(({code, text, offset}) => ({code, text, offset})),
    ...error,
  }
}

function typesJson(inventory: Inventory): Json[] {
  const types = new Map<string, {keys: number; elements: number; rdbBytes: number; encodings: Record<string, number>}>()
  for (const {type, encoding, keys, elements, rdbBytes} of inventory.encodings) {
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
