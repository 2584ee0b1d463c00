/**
 * An inventory as JSON. The names are a contract; more may be added.
 */
import type {BigElement} from '../analysis/biggest-elements.js'
import {type EstimatedMemory, type Inventory, isAnonymous} from '../analysis/inventory.js'
import type {BigKey} from '../analysis/inventory-biggest.js'
import type {DatabaseSums, EncodingCount} from '../analysis/inventory-tallies.js'
import type {InventoryTotal, SourcedBigKey} from '../analysis/inventory-total.js'
import type {Spread} from '../analysis/spread.js'
import {NEVER} from '../keyspace/entry.js'
import type {SelectionCounts} from '../keyspace/selection.js'
import {failureJson} from './failure.js'
import {warningJson} from './inventory-warnings.js'
import {problemJson} from './problems-json.js'
import type {SectionName} from './sections.js'
import {histogramJson, prefixJson, sectionsJson, sizesJson, withoutUntold} from './sections-json.js'
import {jsonBytes, jsonInteger, jsonKey} from './text.js'

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
  by?: readonly SectionName[] | undefined,
): Json {
  const error = failure === undefined ? {} : {error: failureJson(failure)}
  if (inventory === undefined) return {source, ...error}
  const {memory, otherDatabases} = inventory
  const estimated = memory !== undefined
  return {
    source,
    format: inventory.format,
    product: isAnonymous(inventory) ? undefined : inventory.product,
    serverVersion: inventory.serverVersion,
    rdbVersion: inventory.rdbVersion,
    bytes: inventory.bytes,
    aux: auxJson(inventory),
    ...otherAuxJson(inventory),
    checksum: inventory.checksum,
    keys: inventory.keys,
    ...(inventory.checksum === undefined && inventory.format === 'rdb' ? {announcedKeys: inventory.announcedKeys} : {}),
    expiring: inventory.expiring,
    expired: inventory.expired,
    ...memoryJson(memory),
    databases: inventory.databases.map(one => sized(one, estimated)),
    ...(otherDatabases === undefined ? {} : {otherDatabases: sized(otherDatabases, estimated)}),
    types: typesJson(inventory.encodings, estimated),
    biggest: inventory.biggest.map(big => biggestJson(big, estimated)),
    biggestByElements: inventory.biggestByElements.map(big => biggestJson(big, estimated)),
    ...elementsJson(inventory.biggestElements),
    functions: inventory.functions,
    modules: inventory.modules,
    ...(inventory.slots > 0 ? {slots: {count: inventory.slots}} : {}),
    ...spreadJson(inventory.spread, estimated),
    ...sectionsJson(by, inventory, estimated),
    ...(selected === undefined ? {} : {selected}),
    warnings: [...inventory.problems.map(problemJson), ...inventory.warnings.map(warningJson)],
    ...error,
  }
}

/** Several sources: each as it is alone, and their sums. */
export function inventoriesJson(
  sources: readonly Json[],
  total: InventoryTotal,
  by?: readonly SectionName[] | undefined,
): Json {
  const {memoryBytes, elsewhere} = total
  const {sources: count, bytes, keys, expiring, expired} = total
  const estimated = memoryBytes !== undefined
  const sourced = (big: SourcedBigKey): Json => ({source: big.source, ...biggestJson(big, estimated)})
  return {
    sources,
    total: {
      ...{sources: count, bytes, keys, expiring, expired},
      ...(estimated ? {memoryBytes} : {}),
      ...(elsewhere.length > 0 ? {memory: {elsewhere}} : {}),
      databases: total.databases.map(one => sized(one, estimated)),
      ...(total.otherDatabases === undefined ? {} : {otherDatabases: sized(total.otherDatabases, estimated)}),
      types: typesJson(total.encodings, estimated),
      biggest: total.biggest.map(sourced),
      biggestByElements: total.biggestByElements.map(sourced),
      ...elementsJson(total.biggestElements),
      modules: total.modules,
      ...spreadJson(total.spread, estimated),
      ...sectionsJson(by, total, estimated),
    },
  }
}

function memoryJson(memory: EstimatedMemory | undefined): Json {
  if (memory === undefined) return {}
  const {bytes, elsewhere, ...model} = memory
  return {memoryBytes: bytes, memory: {...model, ...(elsewhere.length > 0 ? {elsewhere} : {})}}
}

function elementsJson(elements: readonly (BigElement & {source?: string})[] | undefined): Json {
  if (elements === undefined) return {}
  const biggestElements = elements.map(one => ({
    ...(one.source === undefined ? {} : {source: one.source}),
    db: one.db,
    ...jsonKey(one),
    type: one.type,
    ...(one.name.length === 0 ? {} : {name: jsonBytes(one.name)}),
    bytes: one.bytes,
  }))
  return {biggestElements}
}

/** What was not estimated is not told as nothing. */
function sized<Row extends {memoryBytes: number}>(row: Row, estimated: boolean): Row | Omit<Row, 'memoryBytes'> {
  if (estimated) return row
  const {memoryBytes: _, ...rest} = row
  return rest
}

/** A value is text where it is UTF-8; no byte of others is lost. */
function auxJson({aux, auxBytes}: Inventory): Json {
  const value = (name: string, text: string): unknown => {
    const bytes = auxBytes.get(name)
    return bytes === undefined ? text : jsonBytes(bytes)
  }
  return Object.fromEntries([...aux].map(([name, text]) => [name, value(name, text)]))
}

/** No JSON object can have such names. */
function otherAuxJson({otherAux}: Inventory): Json {
  if (otherAux.length === 0) return {}
  return {otherAux: otherAux.map(({name, value}) => ({name: jsonBytes(name), value: jsonBytes(value)}))}
}

function spreadJson(spread: Spread | undefined, estimated: boolean): Json {
  if (spread === undefined) return {}
  const {densestHour} = spread
  return {
    percentiles: {
      rdbBytes: spread.rdbBytes,
      ...(estimated ? {memoryBytes: spread.memoryBytes} : {}),
      elements: spread.elements,
    },
    ttl: {
      histogram: histogramJson(spread.ttl, estimated),
      ...(densestHour === undefined ? {} : {densestHour}),
    },
    idle: {histogram: histogramJson(spread.idle, estimated)},
    frequency: {histogram: histogramJson(spread.frequency, estimated)},
    sizes: sizesJson(spread, estimated),
    prefixes: spread.prefixes.map(one => withoutUntold(prefixJson(one), estimated)),
    persistentPrefixes: spread.persistentPrefixes.map(one => withoutUntold(prefixJson(one), estimated)),
  }
}

function typesJson(counts: readonly EncodingCount[], estimated: boolean): Json[] {
  const types = new Map<string, TypeSums>()
  for (const {type, encoding, keys, elements, rdbBytes, memoryBytes} of counts) {
    const sum = types.get(type) ?? {keys: 0, elements: 0, rdbBytes: 0, memoryBytes: 0, encodings: {}}
    sum.keys += keys
    sum.elements += elements
    sum.rdbBytes += rdbBytes
    sum.memoryBytes += memoryBytes
    // Of an unpacked source: how a server would store the value is not said.
    if (encoding !== '') sum.encodings[encoding] = (sum.encodings[encoding] ?? 0) + keys
    types.set(type, sum)
  }
  return [...types].map(([type, sum]) => ({type, ...sized(sum, estimated)}))
}

interface TypeSums extends Pick<DatabaseSums, 'keys' | 'rdbBytes' | 'memoryBytes'> {
  elements: number
  encodings: Record<string, number>
}

function biggestJson(big: BigKey, estimated: boolean): Json {
  const {db, type, encoding, elements, rdbBytes, memoryBytes, expireAtMs} = big
  const expiry = expireAtMs === NEVER ? {} : {expireAtMs: jsonInteger(expireAtMs)}
  const stored = encoding === '' ? {} : {encoding}
  return {db, ...jsonKey(big), type, ...stored, elements, ...sized({rdbBytes, memoryBytes}, estimated), ...expiry}
}
