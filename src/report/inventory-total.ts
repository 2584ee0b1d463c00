/**
 * Several sources in sum, for people.
 */
import type {InventoryTotal} from '../analysis/inventory-total.js'
import {keysText} from './inventory.js'
import {biggestTable, databasesTable, encodingsTable, modulesTable, type TablesView} from './inventory-tables.js'
import {type SectionName, sectionTables} from './sections.js'
import {spreadSections} from './spread.js'
import {type Fact, formatFacts, joinSections} from './table.js'
import {changeText, formatCount, formatSize} from './units.js'

const LABEL_COLUMNS = 10

export interface TotalView extends TablesView {
  /** Only these sections are shown; absent: the report. */
  by?: readonly SectionName[] | undefined
  /** Rows of a section that would have no end. */
  top: number
}

export function formatTotal(total: InventoryTotal, view: TotalView): string[] {
  const facts: Fact[] = [
    ['size', formatSize(total.bytes)],
    ['keys', keysText(total)],
  ]
  if (total.memoryBytes !== undefined) {
    facts.push(['estimated', `${formatSize(total.memoryBytes)} of memory for these keys${serversText(total)}`])
    for (const {server, bytes} of total.elsewhere) {
      facts.push(['', `${formatSize(bytes)} in ${server} (${changeText(total.memoryBytes, bytes)})`])
    }
  }
  const title = view.style.heading(`total of ${formatCount(total.sources)} sources`)
  return joinSections([
    [title, ...formatFacts(facts, LABEL_COLUMNS, view.columns, view.style)],
    ...(view.by === undefined ? totalTables(total, view) : sectionTables(view.by, total, view)),
  ])
}

/** Where they are for different servers, each report says for which. */
function serversText({servers}: InventoryTotal): string {
  const [first, ...others] = servers
  if (first === undefined) return ''
  const model = servers.every(({calibrated}) => calibrated) ? '' : ', uncalibrated'
  return `${others.length === 0 ? ` in ${first.server}` : ', each in its own server'}${model}`
}

function totalTables(total: InventoryTotal, view: TotalView): string[][] {
  return [
    databasesTable(total.databases, view.style, total.otherDatabases),
    encodingsTable(total.encodings, view.style),
    biggestTable(total.biggest, view),
    ...(total.spread === undefined
      ? []
      : [biggestTable(total.biggestByElements, view, 'most elements'), ...spreadSections(total.spread, view)]),
    modulesTable(total.modules, view.style),
  ]
}
