/**
 * An inventory for people: aligned, human units, readable at 80 columns.
 */
import {type EstimatedMemory, type Inventory, isAnonymous} from '../analysis/inventory.js'
import type {SourceFormat} from '../keyspace/entry-source.js'
import type {SelectionCounts} from '../keyspace/selection.js'
import {
  biggestTable,
  databasesTable,
  encodingsTable,
  firstRows,
  functionsTable,
  modulesTable,
  type TablesView,
} from './inventory-tables.js'
import {warningLines} from './inventory-warnings.js'
import {type SectionName, sectionTables} from './sections.js'
import {selectedText} from './selection.js'
import {spreadSections} from './spread.js'
import {type Fact, formatFacts, formatTable, joinSections, numeric, type Style, textual} from './table.js'
import {formatBytes, formatText, shorten} from './text.js'
import {changeText, formatCount, formatDuration, formatShare, formatSize, formatTime} from './units.js'

export const PRODUCT_NAMES = {
  redis: 'Redis',
  valkey: 'Valkey',
  keydb: 'KeyDB',
  dragonfly: 'Dragonfly',
  unknown: 'unknown',
}

export const FORMAT_NAMES: Readonly<Record<SourceFormat, string>> = {
  rdb: 'RDB',
  jsonl: 'JSON lines',
  resp: 'commands that create',
  csv: 'table (CSV)',
  aof: 'append-only log',
  server: 'running server',
}

const LABEL_COLUMNS = 10
const KEY_COLUMNS_MIN = 20
const AUX_NAME_COLUMNS_MAX = 30
/** `1`: an append-only log follows (7.0 and later; before). */
const AOF_AUX = ['aof-base', 'aof-preamble']
/** Aux fields that the head of the report already tells. */
const TOLD_AUX = new Set(['redis-ver', 'valkey-ver', 'redis-bits', 'ctime', 'used-mem', 'slot-info', ...AOF_AUX])

export interface InventoryView extends TablesView {
  /** Bytes of the input as it is stored; Infinity where unknown. */
  storedBytes: number
  compressed: boolean
  /** How many keys were passed over; absent where all were counted. */
  selected?: SelectionCounts | undefined
  /** Only these sections are shown, and what stands above and below; absent: the report. */
  by?: readonly SectionName[] | undefined
  /** Rows of a section that would have no end. */
  top: number
}

/** The lines of the report. */
export function formatInventory(source: string, inventory: Inventory, view: InventoryView): string[] {
  const sections = [
    head(source, inventory, view),
    elsewhereTable(inventory.memory, view),
    ...(view.by === undefined ? reportTables(inventory, view) : sectionTables(view.by, inventory, view)),
    warningLines(inventory, view),
  ]
  return joinSections(sections)
}

function reportTables(inventory: Inventory, view: InventoryView): string[][] {
  return [
    databasesTable(inventory.databases, view.style, inventory.otherDatabases),
    encodingsTable(inventory.encodings, view.style),
    biggestTable(inventory.biggest, view),
    ...(inventory.spread === undefined
      ? []
      : [biggestTable(inventory.biggestByElements, view, 'most elements'), ...spreadSections(inventory.spread, view)]),
    functionsTable(inventory.functions, view.style),
    modulesTable(inventory.modules, view.style),
    aux(inventory, view),
  ]
}

function head(source: string, inventory: Inventory, view: InventoryView): string[] {
  return [
    view.style.heading(formatText(source)),
    ...formatFacts(headFacts(inventory, view), LABEL_COLUMNS, view.columns, view.style),
  ]
}

/** What stands above all tables. */
export function headFacts(
  inventory: Inventory,
  view: Pick<InventoryView, 'style' | 'nowMs' | 'storedBytes' | 'compressed' | 'selected'>,
): Fact[] {
  const {serverVersion, product, aux, memory} = inventory
  const version = serverVersion === undefined ? '' : ` ${formatText(serverVersion)}`
  const bits = aux.get('redis-bits')
  const base = isAofBase(inventory) ? ', base of an append-only log' : ''
  const facts: Fact[] = []
  if (!isAnonymous(inventory)) {
    facts.push([
      'producer',
      `${PRODUCT_NAMES[product]}${version}${bits === undefined ? '' : `, ${formatText(bits)}-bit`}`,
    ])
  }
  facts.push(['format', `${formatName(inventory)}${base}`])
  const written = writtenText(inventory, view.nowMs)
  if (written !== undefined) facts.push(['written', written])
  const usedMemory = Number(aux.get('used-mem'))
  if (usedMemory > 0) facts.push(['memory', `${formatSize(usedMemory)} in use by the server when it was written`])
  facts.push(sizeFact(inventory, view))
  if (inventory.checksum !== 'absent' || inventory.format === 'rdb') {
    facts.push(['checksum', checksumText(inventory, view.style)])
  }
  facts.push(['keys', keysText(inventory)])
  if (memory !== undefined) facts.push(['estimated', memoryText(memory)])
  if (view.selected !== undefined) facts.push(['selected', selectedText(view.selected)])
  if (inventory.checksum === undefined && inventory.announcedKeys > inventory.keys) {
    facts.push(['expected', `${formatCount(inventory.announcedKeys)} keys or more, as the file itself announces`])
  }
  if (inventory.slots > 0) facts.push(['slots', `${formatCount(inventory.slots)} of a cluster's 16,384 hold keys`])
  return facts
}

/** What a source is, in words: of an RDB file its version too. */
export function formatName({format, header, rdbVersion}: Pick<Inventory, 'format' | 'header' | 'rdbVersion'>): string {
  if (header !== undefined) return `RDB version ${header.rdbVersion} (${header.magic})`
  const from = rdbVersion === undefined ? '' : `, of RDB version ${rdbVersion}`
  return `${FORMAT_NAMES[format]}${from}`
}

function isAofBase({aux}: Inventory): boolean {
  return AOF_AUX.some(name => aux.get(name) === '1')
}

/** `size` is the whole; where the end was not reached, `read` is how far it came. */
function sizeFact(
  {bytes, checksum}: Inventory,
  {storedBytes, compressed}: Pick<InventoryView, 'storedBytes' | 'compressed'>,
): Fact {
  const known = storedBytes !== Number.POSITIVE_INFINITY
  const exact = bytes < 1024 ? `${bytes} bytes` : `${formatSize(bytes)} (${formatCount(bytes)} bytes)`
  if (checksum !== undefined) {
    return ['size', `${exact}${compressed && known ? `, ${formatSize(storedBytes)} compressed` : ''}`]
  }
  const whole = compressed || !known ? '' : ` of ${formatSize(storedBytes)}, ${formatShare(bytes, storedBytes)}`
  return ['read', `${exact}${whole}`]
}

/** When the server wrote it, and how long ago; undefined where it does not say. */
export function writtenText({aux}: Inventory, nowMs: number): string | undefined {
  const ctime = aux.get('ctime')
  const seconds = Number(ctime)
  if (ctime === undefined || !Number.isSafeInteger(seconds)) return undefined
  const age = nowMs / 1000 - seconds
  const when = age < 0 ? `${formatDuration(-age)} in the future` : `${formatDuration(age)} ago`
  return `${formatTime(seconds * 1000)} (${when})`
}

export function checksumText(
  inventory: Pick<Inventory, 'checksum'> & Partial<Pick<Inventory, 'format'>>,
  style: Style,
): string {
  const {checksum, format = 'rdb'} = inventory
  if (checksum === undefined && format !== 'rdb') {
    return style.warning('the end was not reached: the numbers below count what could be read')
  }
  switch (checksum) {
    case 'ok':
      return 'ok'
    case 'absent':
      return style.warning('absent: nothing vouches for the bytes')
    case 'mismatch':
      return style.warning('WRONG: the file changed after it was written')
    default:
      return style.warning('not reached: the numbers below count what could be read')
  }
}

/** How many keys, and how many of them expire or have. */
export function keysText({keys, expiring, expired}: Pick<Inventory, 'keys' | 'expiring' | 'expired'>): string {
  if (keys === 0) return 'none'
  if (expiring === 0) return `${formatCount(keys)}, none with an expiry`
  const expiry = `${formatCount(keys)}, of which ${formatCount(expiring)} (${formatShare(expiring, keys)}) with an expiry`
  return expired === 0 ? expiry : `${expiry}, ${formatCount(expired)} already expired`
}

function memoryText({server, calibrated, like, bytes}: EstimatedMemory): string {
  const model = calibrated ? '' : like === undefined ? ', uncalibrated' : `, uncalibrated: taken to be as ${like}`
  return `${formatSize(bytes)} of memory for these keys in ${server}${model}`
}

/** What the same keys would take in other servers; nothing where nobody asked. */
export function elsewhereTable(
  memory: Pick<EstimatedMemory, 'server' | 'calibrated' | 'like' | 'bytes' | 'elsewhere'> | undefined,
  {style}: TablesView,
): string[] {
  if (memory === undefined || memory.elsewhere.length === 0) return []
  const rows = [memory, ...memory.elsewhere].map(({server, calibrated, like, bytes}, at) => [
    server,
    formatSize(bytes),
    at === 0 ? '' : changeText(memory.bytes, bytes),
    calibrated ? '' : like === undefined ? 'not calibrated' : `not calibrated: as ${like}`,
  ])
  return formatTable([textual('server'), numeric('memory'), numeric('change'), textual('')], rows, style)
}

function aux(inventory: Inventory, view: InventoryView): string[] {
  const rows = auxTexts(inventory).map(([name, value]) => [
    shorten(name, AUX_NAME_COLUMNS_MAX),
    shorten(value, Math.max(view.columns - 2 - AUX_NAME_COLUMNS_MAX, KEY_COLUMNS_MIN)),
  ])
  return firstRows([textual('aux field'), textual('value')], rows, view.style)
}

/** Aux fields that the head does not tell, as they are shown. */
export function auxTexts({aux, auxBytes, otherAux}: Inventory): [name: string, value: string][] {
  const texts = [...aux]
    .filter(([name]) => !TOLD_AUX.has(name))
    .map(([name, text]): [string, string] => {
      const bytes = auxBytes.get(name)
      return [formatText(name), bytes === undefined ? formatText(text) : formatBytes(bytes)]
    })
  return [...texts, ...otherAux.map(({name, value}): [string, string] => [formatBytes(name), formatBytes(value)])]
}
