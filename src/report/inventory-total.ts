/**
 * Several sources in sum, for people.
 */
import type {InventoryTotal} from '../analysis/inventory-total.js'
import {biggestTable, databasesTable, encodingsTable, modulesTable, type TablesView} from './inventory-tables.js'
import {spreadSections} from './spread.js'
import {joinSections} from './table.js'
import {formatCount, formatShare, formatSize} from './units.js'

export function formatTotal(total: InventoryTotal, view: TablesView): string[] {
  const {keys, expiring, expired} = total
  const expiry = `${formatCount(expiring)} (${formatShare(expiring, keys)}) with an expiry, ${formatCount(expired)} expired`
  const head = [
    view.style.heading(`total of ${formatCount(total.sources)} sources`),
    `${view.style.faint('size      ')}${formatSize(total.bytes)}`,
    `${view.style.faint('keys      ')}${formatCount(keys)}, of which ${expiry}`,
    ...(total.memoryBytes === undefined
      ? []
      : [`${view.style.faint('estimated ')}${formatSize(total.memoryBytes)} of memory for these keys`]),
  ]
  return joinSections([
    head,
    databasesTable(total.databases, view.style, total.otherDatabases),
    encodingsTable(total.encodings, view.style),
    biggestTable(total.biggest, view),
    ...(total.spread === undefined
      ? []
      : [biggestTable(total.biggestByElements, view, 'most elements'), ...spreadSections(total.spread, view)]),
    modulesTable(total.modules, view.style),
  ])
}
