/** How keys are spread: over types and encodings, time left, last use, sizes, databases, slots. */
import type {PageRow, PageSource, PageSum} from '../report/page-data.js'
import {formatCount, formatShare, formatSize} from '../report/units.js'
import {type Bar, Chart, columnsOption} from './charts.js'
import {box, type Child, element, meter, section, segmented, span} from './dom.js'
import {typeColour} from './palette.js'
import {
  amountOf,
  EXPIRING,
  FILE,
  formatFew,
  formatMeasure,
  formatShort,
  KEYS,
  MEASURE_NAMES,
  MEMORY,
  type Measure,
  measuresOf,
  totalOf,
} from './sums.js'
import {type Column, scrolled, table} from './table.js'
import {colour, onScheme, scheme} from './theme.js'

const TTL_NAMES: Readonly<Record<string, string>> = {
  expired: 'expired',
  '<1m': '< 1 min',
  '<1h': '< 1 hour',
  '<1d': '< 1 day',
  '<7d': '< 7 days',
  '<30d': '< 30 days',
  '<1y': '< 1 year',
  '>=1y': '≥ 1 year',
  never: 'never',
}

export function typesSection(source: PageSource): HTMLElement | undefined {
  if (source.types.length === 0) return undefined
  const [measure] = measuresOf(source) as [Measure]
  const total = totalOf(source.types.map(({sum}) => sum))
  const groups = new Map<string, PageSource['types']>()
  for (const row of source.types) groups.set(row.type, [...(groups.get(row.type) ?? []), row])
  const ranked = [...groups].sort(([, a], [, b]) => weight(b, measure) - weight(a, measure))
  const most = Math.max(...source.types.map(({sum}) => amountOf(sum, measure)))
  const painted: [HTMLElement, string][] = []
  const body = element('tbody')
  for (const [type, rows] of ranked) {
    for (const [at, {encoding, elements, sum}] of [...rows]
      .sort((a, b) => amountOf(b.sum, measure) - amountOf(a.sum, measure))
      .entries()) {
      const dot = span('swatch')
      const bar = meter(amountOf(sum, measure) / most)
      painted.push([dot, type], [bar.firstElementChild as HTMLElement, type])
      const cells: [Child, string][] = [
        [at === 0 ? span('type-name', dot, type) : '', ''],
        [span('mono', encoding === '' ? '–' : encoding), ''],
        [formatCount(sum[KEYS]), 'numeric'],
        [type === 'string' || type === 'module' ? '–' : formatCount(elements), 'numeric'],
        ...(total[MEMORY] > 0 ? ([[formatSize(sum[MEMORY]), 'numeric']] as [Child, string][]) : []),
        ...(total[FILE] > 0 ? ([[formatSize(sum[FILE]), 'numeric']] as [Child, string][]) : []),
        [formatSize((total[MEMORY] > 0 ? sum[MEMORY] : sum[FILE]) / Math.max(1, sum[KEYS])), 'numeric'],
        [formatShare(amountOf(sum, measure), amountOf(total, measure)), 'numeric'],
        [bar, 'wide picture'],
      ]
      body.append(
        element('tr', at === 0 ? 'first' : '', {}, ...cells.map(([child, name]) => element('td', name, {}, child))),
      )
    }
  }
  const paint = (): void => {
    for (const [made, type] of painted) made.style.backgroundColor = typeColour(type, scheme())
  }
  onScheme(paint)
  paint()
  const titles: [string, string][] = [
    ['Type', ''],
    ['Encoding', ''],
    ['Keys', 'numeric'],
    ['Elements', 'numeric'],
    ...(total[MEMORY] > 0 ? ([['Memory', 'numeric']] as [string, string][]) : []),
    ...(total[FILE] > 0 ? ([['In the file', 'numeric']] as [string, string][]) : []),
    ['A key', 'numeric'],
    ['Share', 'numeric'],
    ['', 'wide picture'],
  ]
  const head = element(
    'thead',
    '',
    {},
    element('tr', '', {}, ...titles.map(([title, name]) => element('th', name, {scope: 'col'}, title))),
  )
  const made = element('table', 'grouped', {'aria-label': 'Types and encodings'}, head, body)
  return section('types', 'Types and encodings', undefined, scrolled('Types and encodings', made))
}

function weight(rows: readonly {sum: PageSum}[], measure: Measure): number {
  return rows.reduce((sum, one) => sum + amountOf(one.sum, measure), 0)
}

/** Histograms, side by side where there is room. */
export function spreadSection(source: PageSource): HTMLElement | undefined {
  const sizes = source.sizes.map(({from, to, sum}) => ({
    name: to === 0 ? '0' : formatShort(from),
    full: to === 0 ? 'nothing' : `${formatShort(from)} to ${formatShort(to + 1)}`,
    sum,
  }))
  const named = (rows: readonly PageRow[]) => rows.map(({name, sum}) => ({name: TTL_NAMES[name] ?? name, sum}))
  const figures = [
    histogram(source, 'ttl', 'Time left', named(source.ttl), name =>
      name === 'never' ? 'faint' : name === 'expired' ? 'warn' : undefined,
    ),
    histogram(source, 'sizes', 'Size of a key', sizes),
    histogram(source, 'idle', 'Last used', named(source.idle)),
    histogram(source, 'frequency', 'Access counter', source.frequency),
  ].filter(figure => figure !== undefined)
  if (figures.length === 0) return undefined
  return section('spread', 'How keys are spread', undefined, box('figures', ...figures), percentiles(source))
}

function histogram(
  source: PageSource,
  id: string,
  title: string,
  rows: readonly (PageRow & {full?: string})[],
  colourOf: (name: string) => string | undefined = () => undefined,
): HTMLElement | undefined {
  if (!rows.some(({sum}) => sum[KEYS] > 0)) return undefined
  let [measure] = measuresOf(source) as [Measure]
  const total = totalOf(rows.map(({sum}) => sum))
  const bars = (): Bar[] =>
    rows.map(({name, full, sum}) => ({
      name,
      value: amountOf(sum, measure),
      colour: colour(colourOf(name) ?? 'accent'),
      facts: [
        ...(full === undefined ? [] : ([['Between', full]] as const)),
        ['Keys', `${formatCount(sum[KEYS])} (${formatShare(sum[KEYS], total[KEYS])})`],
        ['Never expire', formatCount(sum[KEYS] - sum[EXPIRING])],
        ...(sum[MEMORY] > 0
          ? ([['Memory', `${formatSize(sum[MEMORY])} (${formatShare(sum[MEMORY], total[MEMORY])})`]] as const)
          : []),
        ...(sum[FILE] > 0 ? ([['In the file', formatSize(sum[FILE])]] as const) : []),
      ],
    }))
  const place = box('chart histogram')
  place.setAttribute('role', 'img')
  const told = rows.filter(({sum}) => sum[KEYS] > 0).map(({name, sum}) => `${name}: ${formatCount(sum[KEYS])} keys`)
  place.setAttribute('aria-label', `${title}. ${told.join('; ')}`)
  const format = (value: number): string => (measure === 'keys' ? formatFew(value) : formatShort(value))
  const chart = new Chart(place, 'svg', () => columnsOption(bars(), measure !== 'keys', format))
  const choose = segmented(
    `${title} by`,
    measuresOf(source).map(name => [name, MEASURE_NAMES[name]] as const),
    measure,
    name => {
      measure = name
      chart.draw()
    },
  )
  return element('figure', '', {id}, element('figcaption', '', {}, element('h3', '', {}, title), choose), place)
}

function percentiles({percentiles: rows}: PageSource): HTMLElement | undefined {
  const [first] = rows
  if (first === undefined) return undefined
  const title = (percent: number): string => (percent === 100 ? 'max' : percent === 50 ? 'median' : `p${percent}`)
  const heads = ['', ...first.values.map(([percent]) => title(percent))]
  const head = element(
    'tr',
    '',
    {},
    ...heads.map((text, at) => element('th', at === 0 ? '' : 'numeric', {scope: 'col'}, text)),
  )
  const body = rows.map(({name, unit, values}) =>
    element(
      'tr',
      '',
      {},
      element('td', '', {}, name),
      ...values.map(([, value]) =>
        element('td', 'numeric', {}, unit === 'bytes' ? formatSize(value) : formatCount(value)),
      ),
    ),
  )
  const made = element(
    'table',
    '',
    {'aria-label': 'Percentiles'},
    element('thead', '', {}, head),
    element('tbody', '', {}, ...body),
  )
  return scrolled('Percentiles', made)
}

/** More than one database: else the tiles say it all. */
export function databasesSection(source: PageSource): HTMLElement | undefined {
  if (source.databases.length < 2) return undefined
  const [measure] = measuresOf(source) as [Measure]
  const most = Math.max(1, ...source.databases.map(({sum}) => amountOf(sum, measure)))
  const columns: Column<PageRow>[] = [
    {
      title: 'Database',
      value: ({name}) => (name === 'others' ? Number.POSITIVE_INFINITY : Number(name)),
      show: ({name}) => (name === 'others' ? name : `db ${name}`),
    },
    {title: 'Keys', value: ({sum}) => sum[KEYS], show: ({sum}) => formatCount(sum[KEYS]), numeric: true},
    {
      title: 'Never expire',
      value: ({sum}) => sum[KEYS] - sum[EXPIRING],
      show: ({sum}) => formatCount(sum[KEYS] - sum[EXPIRING]),
      numeric: true,
    },
    ...measuresOf(source)
      .filter(name => name !== 'keys')
      .map(
        (name): Column<PageRow> => ({
          title: MEASURE_NAMES[name],
          value: ({sum}) => amountOf(sum, name),
          show: ({sum}) => formatMeasure(amountOf(sum, name), name),
          numeric: true,
        }),
      ),
    {
      title: 'Of the largest',
      // Text would be sorted the other way round.
      value: ({sum}) => -amountOf(sum, measure),
      show: ({sum}) => meter(amountOf(sum, measure) / most, 'strong'),
      wide: true,
      picture: true,
    },
  ]
  const sorted = columns.findIndex(({title}) => title === MEASURE_NAMES[measure])
  return section('databases', 'Databases', undefined, table(source.databases, {label: 'databases', columns, sorted}))
}

const SLOTS = 16_384
const SLOT_COLUMNS = 256

/** Every slot of a cluster as a cell, the fuller the darker. */
export function slotsSection(source: PageSource): HTMLElement | undefined {
  if (source.slots.length === 0) return undefined
  const [measure] = measuresOf(source) as [Measure]
  const values = new Float64Array(SLOTS)
  for (const [slot, ...sum] of source.slots) values[slot] = amountOf(sum, measure)
  const most = values.reduce((a, b) => Math.max(a, b), 0)
  const mean = values.reduce((a, b) => a + b, 0) / source.slots.length
  const canvas = element('canvas', 'slots', {
    width: SLOT_COLUMNS,
    height: SLOTS / SLOT_COLUMNS,
    role: 'img',
    'aria-label': 'Memory by slot',
  })
  const tell = span('quiet', 'Point at a cell to see its slot.')
  canvas.addEventListener('mousemove', ({offsetX, offsetY}) => {
    const column = Math.floor((offsetX / canvas.clientWidth) * SLOT_COLUMNS)
    const row = Math.floor((offsetY / canvas.clientHeight) * (SLOTS / SLOT_COLUMNS))
    const slot = Math.min(SLOTS - 1, Math.max(0, row * SLOT_COLUMNS + column))
    tell.textContent = `Slot ${slot}: ${formatMeasure(values[slot]!, measure)}`
  })
  const paint = (): void => {
    const context = canvas.getContext('2d')!
    const hue = colour('accent')
    context.clearRect(0, 0, canvas.width, canvas.height)
    context.fillStyle = hue
    for (let slot = 0; slot < SLOTS; slot++) {
      context.globalAlpha = values[slot] === 0 ? 0 : 0.12 + 0.88 * (values[slot]! / most)
      context.fillRect(slot % SLOT_COLUMNS, Math.floor(slot / SLOT_COLUMNS), 1, 1)
    }
  }
  onScheme(paint)
  requestAnimationFrame(paint)
  const note = `${formatCount(source.slots.length)} of ${formatCount(SLOTS)} slots hold keys, ${formatMeasure(mean, measure)} on average; the fullest ${(most / mean).toFixed(1)} times as much.`
  return section('slots', 'Slots of a cluster', note, canvas, tell)
}
