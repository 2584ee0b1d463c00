/**
 * The page of a report: reads the data that stands in it, and shows one source, or the sum of all. It asks nobody for
 * anything: all that it needs is in the file.
 */
import type {PageData, PageSource} from '../report/page-data.js'
import {disposeCharts} from './charts.js'
import {databasesSection, slotsSection, spreadSection, typesSection} from './distributions.js'
import {append, type Child, element} from './dom.js'
import {elementsSection, growthSection, keysSection, listsSection, prefixTableSection} from './keys.js'
import {
  composition,
  elsewhereSection,
  failureNote,
  footer,
  header,
  sourcesNote,
  tiles,
  warningsSection,
} from './overview.js'
import {startTheme} from './theme.js'
import {treemapSection} from './treemap.js'

const data = JSON.parse(document.getElementById('data')!.textContent) as PageData
const page = document.getElementById('page')!

function show(at: number): void {
  const source = data.sources[at]!
  disposeCharts()
  const main = element('main')
  append(main, source.unread ? [failureNote(source)] : sections(source, at))
  page.replaceChildren(header(data, source, show), main, footer(data))
  document.title = `${source.name} – rdbtool`
}

function sections(source: PageSource, at: number): Child[] {
  return [
    at === 0 && sourcesNote(data, show),
    failureNote(source),
    tiles(source),
    composition(source),
    warningsSection(source),
    treemapSection(source),
    prefixTableSection(source),
    spreadSection(source),
    typesSection(source),
    keysSection(source, data.nowMs),
    elementsSection(source),
    elsewhereSection(source),
    databasesSection(source),
    slotsSection(source),
    growthSection(at === 0 ? data.growth : undefined),
    listsSection(source),
  ]
}

startTheme()
show(0)
