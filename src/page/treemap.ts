/** Prefixes as areas: who takes how much, and what is inside of it. Zooms into a prefix, and back by the path above it. */
import type {EChartsCoreOption} from 'echarts/core'
import type {PagePrefix, PageSource, PageSum} from '../report/page-data.js'
import {formatCount, formatShare} from '../report/units.js'
import {Chart, tip, tooltip} from './charts.js'
import {box, section, segmented} from './dom.js'
import {mixed, prefixColour} from './palette.js'
import {amountOf, EXPIRING, formatMeasure, KEYS, MEASURE_NAMES, type Measure, measuresOf, totalOf} from './sums.js'
import {colour, scheme} from './theme.js'

type Colours = 'prefix' | 'expiry'

interface Area {
  name: string
  value: number
  /** The whole prefix, for the tip. */
  full: string
  sum: PageSum
  /** What has no prefix of its own here. */
  rest: boolean
  itemStyle: {color: string; borderColor?: string}
  children?: Area[]
}

/** Below this part of all it would be a line: it is told as one with others. */
const REST = 'others'

export function treemapSection(source: PageSource): HTMLElement | undefined {
  if (source.prefixes.length === 0) return undefined
  let [measure] = measuresOf(source) as [Measure]
  let colours: Colours = 'prefix'
  const place = element()
  const path = box('path')
  path.setAttribute('aria-live', 'polite')
  const chart = new Chart(
    place,
    'canvas',
    () => {
      path.textContent = ''
      return optionOf(source, measure, colours)
    },
    made => {
      made.on('click', params => {
        path.textContent = pathOf(params)
      })
    },
  )
  const controls = box(
    'controls no-print',
    segmented(
      'Area',
      measuresOf(source).map(name => [name, MEASURE_NAMES[name]] as const),
      measure,
      name => {
        measure = name
        chart.draw()
      },
    ),
    segmented(
      'Colour',
      [
        ['prefix', 'By prefix'],
        ['expiry', 'By expiry'],
      ] as const,
      colours,
      name => {
        colours = name
        chart.draw()
        legend.hidden = name !== 'expiry'
      },
    ),
  )
  const legend = box('legend-scale', 'all of it expires', box('scale'), 'none of it ever does')
  legend.hidden = true
  const shown = formatCount(source.prefixes.length)
  const more =
    source.prefixesInAll > source.prefixes.length ? ` of ${formatCount(source.prefixesInAll)}, the largest` : ''
  const note = `${shown} prefixes${more}. Click one to look inside, and the path above to come back.`
  return section('prefixes', 'Where it goes, by prefix', note, controls, place, path, legend)
}

/** What has been chosen to look into, in words: the picture says nothing to whoever does not see it. */
function pathOf(params: object): string {
  const {treePathInfo, nodeData} = params as {treePathInfo?: {name: string}[]; nodeData?: {name: string}}
  const names = (treePathInfo ?? []).slice(1).map(({name}) => name)
  if (treePathInfo === undefined) return nodeData === undefined ? '' : `Inside ${nodeData.name}`
  return names.length === 0 ? '' : `Inside ${names.join(' › ')}`
}

function element(): HTMLElement {
  const place = box('chart treemap')
  place.setAttribute('role', 'img')
  place.setAttribute('aria-label', 'Treemap of prefixes; the table of prefixes below has the same numbers.')
  return place
}

/** The tree that the list of prefixes stands for, with what is left of each when its children are taken away. */
function areasOf(source: PageSource, measure: Measure, colours: Colours): Area[] {
  const children = new Map<number, number[]>()
  for (const [number, [parent]] of source.prefixes.entries()) {
    const list = children.get(parent)
    if (list === undefined) children.set(parent, [number])
    else list.push(number)
  }
  const light = scheme() === 'light'
  const paper = light ? '#ffffff' : '#16181c'
  const [gone, kept] = light ? ['#5b8db8', '#c8553d'] : ['#4f81ad', '#c05a45']
  const paint = (sum: PageSum, rank: number, depth: number, at: number): string => {
    if (colours === 'expiry') return mixed(kept, gone, sum[KEYS] === 0 ? 0 : sum[EXPIRING] / sum[KEYS])
    return mixed(prefixColour(rank, scheme()), paper, Math.min(0.5, depth === 0 ? 0 : 0.06 + 0.05 * (at % 5)))
  }
  const build = (number: number, above: string, depth: number, rank: number, at: number): Area => {
    const [, name, ...numbers] = source.prefixes[number]!
    const sum = numbers.slice(0, 4) as PageSum
    const last = name === null ? '*' : `${name}${source.separator}`
    const full = above + last
    const color = paint(sum, rank, depth, at)
    const below = level(children.get(number) ?? [], full, depth + 1, rank)
    const rest = remainder(sum, below)
    if (below.length > 0 && amountOf(rest, measure) > 0)
      below.push(restArea(rest, full, paint(rest, rank, depth + 1, 4)))
    return {
      // A star alone would say nothing.
      name: name === null ? full : last,
      value: amountOf(sum, measure),
      full,
      sum,
      rest: false,
      itemStyle: {color, ...(below.length > 0 || depth === 0 ? {borderColor: color} : {})},
      ...(below.length > 0 ? {children: below} : {}),
    }
  }
  const level = (numbers: readonly number[], above: string, depth: number, rank: number): Area[] => {
    const ranked = [...numbers].sort(
      (a, b) => numberOf(source.prefixes[b]!, measure) - numberOf(source.prefixes[a]!, measure),
    )
    return ranked.map((number, at) => build(number, above, depth, depth === 0 ? at : rank, at))
  }
  const restArea = (sum: PageSum, above: string, color: string): Area => ({
    name: REST,
    value: amountOf(sum, measure),
    full: above === '' ? 'keys without a prefix, or of one that is not told' : `${above} and what is not told apart`,
    sum,
    rest: true,
    itemStyle: {color, borderColor: color},
  })
  const top = level(children.get(-1) ?? [], '', 0, 0)
  const rest = remainder(totalOf(source.types.map(({sum}) => sum)), top)
  const grey = light ? '#a9adb3' : '#454a52'
  if (amountOf(rest, measure) > 0) top.push(restArea(rest, '', colours === 'expiry' ? paint(rest, 0, 0, 0) : grey))
  return top
}

function numberOf([, , ...numbers]: PagePrefix, measure: Measure): number {
  return amountOf(numbers.slice(0, 4) as PageSum, measure)
}

function remainder(sum: PageSum, below: readonly Area[]): PageSum {
  const taken = totalOf(below.map(one => one.sum))
  return sum.map((value, at) => Math.max(0, value - taken[at]!)) as PageSum
}

function optionOf(source: PageSource, measure: Measure, colours: Colours): EChartsCoreOption {
  const areas = areasOf(source, measure, colours)
  const total = areas.reduce((sum, {value}) => sum + value, 0)
  const {fontFamily} = getComputedStyle(document.body)
  const label = {
    fontFamily,
    fontSize: 12,
    color: '#fff',
    position: [7, 6],
    align: 'left',
    verticalAlign: 'top',
    overflow: 'truncate',
    formatter: ({name, value}: {name: string; value: number}) =>
      `{name|${plain(name)}}\n{size|${formatMeasure(value, measure)}}`,
    rich: {
      name: {fontFamily, fontSize: 12.5, fontWeight: 600, color: '#fff', lineHeight: 17},
      size: {fontFamily, fontSize: 11, color: 'rgba(255,255,255,.82)', lineHeight: 15},
    },
  }
  return {
    tooltip: tooltip(({data}) => areaTip(data as Area | undefined, total, measure)),
    series: [
      {
        type: 'treemap',
        name: 'all keys',
        data: areas,
        leafDepth: 2,
        roam: false,
        nodeClick: 'zoomToNode',
        animationDurationUpdate: 350,
        left: 0,
        right: 0,
        top: 38,
        bottom: 0,
        visibleMin: 40,
        childrenVisibleMin: 900,
        squareRatio: 0.7,
        drillDownIcon: '',
        label,
        labelLayout: {hideOverlap: true},
        breadcrumb: breadcrumb(fontFamily),
        itemStyle: {borderWidth: 0, gapWidth: 1},
        emphasis: {itemStyle: {opacity: 0.86}, upperLabel: {show: true}},
        levels: [
          {itemStyle: {borderColor: colour('paper'), borderWidth: 0, gapWidth: 3}},
          {
            itemStyle: {borderWidth: 2, gapWidth: 1},
            upperLabel: {
              show: true,
              height: 25,
              padding: [0, 0, 0, 6],
              fontFamily,
              fontSize: 12,
              fontWeight: 600,
              color: '#fff',
              overflow: 'truncate',
              formatter: ({name, value}: {name: string; value: number}) =>
                `${plain(name)}   ${formatMeasure(value, measure)}`,
            },
          },
        ],
      },
    ],
  }
}

/** Braces would be taken for a style. */
function plain(name: string): string {
  return name.replace(/[{}|]/g, character => ({'{': '❴', '}': '❵'})[character] ?? '∣')
}

function breadcrumb(fontFamily: string): object {
  return {
    top: 0,
    left: 0,
    height: 26,
    emptyItemWidth: 60,
    itemStyle: {
      color: colour('hover'),
      borderColor: colour('card'),
      borderWidth: 1,
      textStyle: {color: colour('ink'), fontFamily, fontSize: 12},
    },
    emphasis: {itemStyle: {color: colour('line'), textStyle: {color: colour('ink'), fontFamily}}},
  }
}

function areaTip(area: Area | undefined, total: number, measure: Measure): HTMLElement {
  if (area?.sum === undefined) return tip('all keys', [[MEASURE_NAMES[measure], formatMeasure(total, measure)]])
  const [keys, expiring, file, memory] = area.sum
  return tip(area.full, [
    ['Share', formatShare(area.value, total)],
    ['Keys', formatCount(keys)],
    ['Never expire', `${formatCount(keys - expiring)} (${formatShare(keys - expiring, keys)})`],
    ...(memory > 0 ? ([['Memory', formatMeasure(memory, 'memory')]] as const) : []),
    ...(file > 0 ? ([['In the file', formatMeasure(file, 'file')]] as const) : []),
  ])
}
