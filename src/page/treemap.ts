/** Prefixes as areas: who takes how much, and what is inside of it. Zooms into a prefix, and back by the path above it. */
import type {EChartsCoreOption} from 'echarts/core'
import type {PageSource, PageSum} from '../report/page-data.js'
import {formatCount, formatShare} from '../report/units.js'
import {type AreaLabel, AreaLabels, LABEL_LEFT, LINE_HEIGHT} from './area-labels.js'
import {Chart, type EChartsType, tip, tooltip} from './charts.js'
import {box, element, section, segmented, span} from './dom.js'
import {EXPIRY_COLOURS, mixed, prefixColour, underWhite} from './palette.js'
import {amountOf, EXPIRING, formatMeasure, KEYS, MEASURE_NAMES, type Measure, measuresOf, totalOf} from './sums.js'
import {colour, scheme} from './theme.js'

type Colours = 'prefix' | 'expiry'

interface Area {
  name: string
  value: number
  /** The whole prefix, for the tip. */
  full: string
  sum: PageSum
  /** Of its prefix in the list; absent of what has no prefix of its own here. */
  number?: number
  /** There is something inside of it to look at. */
  opens: boolean
  cursor: 'pointer' | 'default'
  itemStyle: {color: string; borderColor?: string}
  children?: Area[]
}

const ALL = 'all keys'
/** What is above all prefixes. */
const ROOT = -1
/** Below this part of all it would be a line: it is told as one with others. */
const REST = 'others'
/** Prefixes that are shown, and those inside of them. */
const LEVELS = 2

/** What is shown, and how: the place stays when the rest of it changes. */
interface View {
  inside: number
  measure: Measure
  colours: Colours
}

export function treemapSection(source: PageSource): HTMLElement | undefined {
  if (source.prefixes.length === 0) return undefined
  const tree = treeOf(source)
  const [first] = measuresOf(source) as [Measure]
  const view: View = {inside: ROOT, measure: first, colours: 'prefix'}
  const place = element('div', 'chart treemap', {role: 'img', 'aria-label': LABEL})
  const path = element('nav', 'path', {'aria-label': 'Prefix that is shown', 'aria-live': 'polite'})
  const legend = box('legend-scale', 'all of it expires', box('scale'), 'none of it ever does')
  const chart = new Chart(
    place,
    'canvas',
    made => optionOf(tree, view, made),
    made => {
      made.on('click', ({data}) => {
        const area = data as Area | undefined
        if (area?.opens === true && area.number !== undefined) change({inside: area.number})
      })
    },
  )
  const change = (some: Partial<View>): void => {
    Object.assign(view, some)
    legend.hidden = view.colours !== 'expiry'
    path.replaceChildren(...crumbs(tree, view, inside => change({inside})))
    chart.draw()
  }
  change({})
  const measures = measuresOf(source).map(name => [name, MEASURE_NAMES[name]] as const)
  const colours = [
    ['prefix', 'By prefix'],
    ['expiry', 'By expiry'],
  ] as const
  const controls = box(
    'controls no-print',
    segmented('Area', measures, view.measure, measure => change({measure})),
    segmented('Colour', colours, view.colours, name => change({colours: name})),
  )
  const shown = formatCount(source.prefixes.length)
  const more =
    source.prefixesInAll > source.prefixes.length ? ` of ${formatCount(source.prefixesInAll)}, the largest` : ''
  const note = `${shown} prefixes${more}. Click one to look inside, and the path above it to come back.`
  return section('prefixes', 'Where it goes, by prefix', note, controls, path, place, legend)
}

const LABEL = 'Treemap of prefixes; the table of prefixes below has the same numbers.'

/** The prefixes from the top down to the one that is shown: a button leads back to each but the last. */
function crumbs(tree: Tree, {inside, measure}: View, choose: (inside: number) => void): HTMLElement[] {
  const chain: number[] = []
  for (let at = inside; at !== ROOT; at = tree.source.prefixes[at]![0]) chain.unshift(at)
  const title = (number: number): string => (number === ROOT ? ALL : tree.nameOf(number))
  const made = [ROOT, ...chain.slice(0, -1)].slice(0, chain.length).map(number => {
    const button = element('button', '', {type: 'button'}, title(number))
    button.addEventListener('click', () => choose(number))
    return button
  })
  const amount = amountOf(tree.sumOf(inside), measure)
  const share = inside === ROOT ? '' : ` (${formatShare(amount, amountOf(tree.sumOf(ROOT), measure))})`
  const here = element('strong', '', {'aria-current': 'true'}, title(inside))
  return [...made, span('', here, span('quiet', ` ${formatMeasure(amount, measure)}${share}`))]
}

/** What the list of prefixes stands for. */
interface Tree {
  source: PageSource
  below(number: number): readonly number[]
  sumOf(number: number): PageSum
  /** Its last part; the whole of it where a star alone would say nothing. */
  nameOf(number: number): string
  fullName(number: number): string
}

function treeOf(source: PageSource): Tree {
  const children = new Map<number, number[]>()
  const full: string[] = []
  for (const [number, [parent, name]] of source.prefixes.entries()) {
    const list = children.get(parent)
    if (list === undefined) children.set(parent, [number])
    else list.push(number)
    full.push(`${full[parent] ?? ''}${name === null ? '*' : `${name}${source.separator}`}`)
  }
  const total = totalOf(source.types.map(({sum}) => sum))
  return {
    source,
    below: number => children.get(number) ?? [],
    sumOf: number => (number === ROOT ? total : (source.prefixes[number]!.slice(2, 6) as PageSum)),
    nameOf: number => {
      const [, name] = source.prefixes[number]!
      return name === null ? full[number]! : `${name}${source.separator}`
    },
    fullName: number => (number === ROOT ? '' : full[number]!),
  }
}

/** The prefixes inside of the one that is shown, and what is left of it when they are taken away. */
function areasOf(tree: Tree, {inside, measure, colours}: View): Area[] {
  const expiring = EXPIRY_COLOURS[scheme()]
  const paint = (sum: PageSum, hue: number, shade: number): string => {
    if (colours === 'prefix') return underWhite(mixed(prefixColour(hue, scheme()), '#000000', shade))
    return underWhite(mixed(expiring.kept, expiring.gone, sum[KEYS] === 0 ? 0 : sum[EXPIRING] / sum[KEYS]))
  }
  const ranked = (above: number): number[] =>
    [...tree.below(above)].sort((a, b) => amountOf(tree.sumOf(b), measure) - amountOf(tree.sumOf(a), measure))
  const restOf = (above: number, color: string): Area[] => {
    const taken = totalOf(tree.below(above).map(tree.sumOf))
    const sum = tree.sumOf(above).map((value, at) => Math.max(0, value - taken[at]!)) as PageSum
    const value = amountOf(sum, measure)
    const full = above === ROOT ? 'keys without a prefix, or of one that is not told' : `${tree.fullName(above)} …`
    const itemStyle = {color: colours === 'expiry' ? paint(sum, 0, 0) : color, borderColor: color}
    return value > 0 ? [{name: REST, value, full, sum, opens: false, cursor: 'default', itemStyle}] : []
  }
  const level = (above: number, depth: number, hueOf: (at: number) => number): Area[] => {
    const areas = ranked(above).map((number, at): Area => {
      const sum = tree.sumOf(number)
      const hue = hueOf(at)
      const color = paint(sum, hue, above === ROOT ? 0 : 0.05 + 0.05 * (at % 5))
      const opens = tree.below(number).length > 0
      const children = opens && depth < LEVELS ? level(number, depth + 1, () => hue) : []
      return {
        name: tree.nameOf(number),
        value: amountOf(sum, measure),
        full: tree.fullName(number),
        sum,
        number,
        opens,
        cursor: opens ? 'pointer' : 'default',
        itemStyle: {color, borderColor: color},
        ...(children.length > 0 ? {children} : {}),
      }
    })
    const grey = scheme() === 'light' ? '#6b7078' : '#454a52'
    return [...areas, ...restOf(above, above === ROOT ? grey : paint(tree.sumOf(above), hueOf(0), 0.3))]
  }
  // Whoever has gone into a prefix finds it in the colour that it had.
  let top = inside
  while (top !== ROOT && tree.source.prefixes[top]![0] !== ROOT) top = tree.source.prefixes[top]![0]
  const hue = ranked(ROOT).indexOf(top)
  return level(inside, 1, at => (inside === ROOT ? at : hue))
}

const FONT_SIZE = 12

function optionOf(tree: Tree, view: View, chart: EChartsType): EChartsCoreOption {
  const {inside, measure} = view
  const {fontFamily} = getComputedStyle(document.body)
  const labels = new AreaLabels(chart, fontFamily, FONT_SIZE)
  const text = {fontFamily, fontSize: FONT_SIZE, fontWeight: 600, color: '#fff', overflow: 'none'}
  const title = inside === ROOT ? ALL : tree.fullName(inside)
  const total = amountOf(tree.sumOf(ROOT), measure)
  const whole = amountOf(tree.sumOf(inside), measure)
  return {
    tooltip: tooltip(({data}) => {
      const area = data as Area | undefined
      if (area?.sum !== undefined) return areaTip(area, total)
      return tip(title, [[MEASURE_NAMES[measure], formatMeasure(whole, measure)]])
    }),
    series: [
      {
        type: 'treemap',
        name: title,
        data: areasOf(tree, view),
        roam: false,
        // It would show what is beside of it as well, at a size to match.
        nodeClick: false,
        breadcrumb: {show: false},
        animation: false,
        left: 0,
        right: 0,
        top: 0,
        bottom: 0,
        visibleMin: 40,
        childrenVisibleMin: 900,
        squareRatio: 0.7,
        drillDownIcon: '',
        label: {
          ...text,
          position: [LABEL_LEFT, 6],
          align: 'left',
          verticalAlign: 'top',
          lineHeight: LINE_HEIGHT,
          formatter: (of: AreaLabel) => labels.inside(of, formatMeasure(of.value, measure)),
        },
        itemStyle: {borderWidth: 0, gapWidth: 1},
        emphasis: {itemStyle: {opacity: 0.86}, upperLabel: {show: true}},
        levels: [
          {itemStyle: {borderColor: colour('paper'), borderWidth: 0, gapWidth: 3}},
          {
            itemStyle: {borderWidth: 2, gapWidth: 1},
            upperLabel: {
              ...text,
              show: true,
              height: 25,
              padding: [0, 0, 0, LABEL_LEFT],
              formatter: (of: AreaLabel) => labels.above(of, formatMeasure(of.value, measure)),
            },
          },
        ],
      },
    ],
  }
}

function areaTip(area: Area, total: number): HTMLElement {
  const [keys, expiring, file, memory] = area.sum
  return tip(area.full, [
    ['Share', formatShare(area.value, total)],
    ['Keys', formatCount(keys)],
    ['Never expire', `${formatCount(keys - expiring)} (${formatShare(keys - expiring, keys)})`],
    ...(memory > 0 ? ([['Memory', formatMeasure(memory, 'memory')]] as const) : []),
    ...(file > 0 ? ([['In the file', formatMeasure(file, 'file')]] as const) : []),
  ])
}
