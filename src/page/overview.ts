/** The head of the page, the numbers that everybody asks for first, and what somebody should look at. */
import type {PageData, PageSource, PageWarning} from '../report/page-data.js'
import {changeText, formatCount, formatShare, formatSize, formatTime} from '../report/units.js'
import {box, type Child, element, meter, section, span} from './dom.js'
import {typeColour} from './palette.js'
import {amountOf, FILE, formatMeasure, KEYS, measuresOf, totalOf} from './sums.js'
import {onScheme, scheme, themeButton} from './theme.js'

export function header(data: PageData, source: PageSource, choose: (at: number) => void): HTMLElement {
  const at = source.name.lastIndexOf('/') + 1
  const folder = source.name.slice(0, at)
  const title = element('h1', '', {}, folder !== '' && span('folder', folder), span('file', source.name.slice(at)))
  const facts = element('dl', 'facts')
  for (const [name, text] of source.facts)
    facts.append(box('fact', element('dt', '', {}, name), element('dd', '', {}, text)))
  return element(
    'header',
    '',
    {},
    box(
      'top-line',
      span('brand', 'rdbtool'),
      span('kind', 'What is inside'),
      box('grow'),
      sources(data, source, choose),
      themeButton(),
    ),
    title,
    facts,
  )
}

function sources(data: PageData, present: PageSource, choose: (at: number) => void): Child {
  if (data.sources.length < 2) return undefined
  const options = data.sources.map(({name}, at) =>
    element('option', '', {value: at, selected: data.sources[at] === present}, name),
  )
  const select = element('select', 'no-print', {'aria-label': 'Source'}, ...options)
  select.addEventListener('change', () => choose(Number(select.value)))
  return select
}

export function failureNote({failure, unread}: PageSource): Child {
  if (failure === undefined) return undefined
  const what = `${unread ? 'Nothing' : 'Not all'} of it could be read. `
  return element('p', 'failure', {role: 'alert'}, element('strong', '', {}, what), failure)
}

/** Above the sum: the sources that are not in it, or with a part only, each with a way to its reason. */
export function sourcesNote({sources: [total, ...each]}: PageData, choose: (at: number) => void): Child {
  const numbered = each.map((source, at) => ({source, at: at + 1})).filter(({source}) => source.failure !== undefined)
  if (total === undefined || numbered.length === 0 || each.length < 2) return undefined
  const link = ({source, at}: (typeof numbered)[number]): HTMLElement => {
    const button = element('button', 'link', {type: 'button'}, source.name)
    button.addEventListener('click', () => choose(at))
    return button
  }
  const line = (text: string, of: typeof numbered): Child =>
    of.length > 0 &&
    box('', `${formatCount(of.length)} ${text}: `, ...of.flatMap((one, at) => [at > 0 && ', ', link(one)]))
  return element(
    'div',
    'failure',
    {role: 'alert'},
    element('strong', '', {}, `These are not the numbers of all ${formatCount(each.length)} sources.`),
    line(
      'could not be read',
      numbered.filter(({source}) => source.unread),
    ),
    line(
      'could be read only in part',
      numbered.filter(({source}) => !source.unread),
    ),
  )
}

interface Tile {
  title: string
  number: string
  note: Child
  share?: number
}

export function tiles(source: PageSource): HTMLElement {
  const total = totalOf(source.types.map(({sum}) => sum))
  const [measure] = measuresOf(source) as [ReturnType<typeof measuresOf>[0]]
  const never = source.ttl.find(({name}) => name === 'never')?.sum
  const [memory] = source.memory
  const persistent = source.keys - source.expiring
  const [biggest] = source.biggest
  const all: Tile[] = [
    {
      title: 'Keys',
      number: formatCount(source.keys),
      note:
        source.expiring === 0 ? 'none of them expires' : `${formatShare(source.expiring, source.keys)} of them expire`,
    },
    ...(memory === undefined || memory.bytes === 0
      ? []
      : [
          {
            title: 'Memory',
            number: formatSize(memory.bytes),
            note: `estimated for ${memory.server}${memory.calibrated ? '' : ', whose model is derived'}`,
          },
        ]),
    {
      title: 'Size',
      number: formatSize(source.bytes),
      note: total[FILE] > 0 ? `${formatSize(total[FILE] / Math.max(1, total[KEYS]))} a key` : 'of the source',
    },
    ...(never === undefined || persistent === 0
      ? []
      : [
          {
            title: 'Never expires',
            number: formatMeasure(amountOf(never, measure), measure),
            note: `${formatShare(amountOf(never, measure), amountOf(total, measure))}, in ${formatCount(persistent)} keys`,
          },
        ]),
    ...(biggest === undefined
      ? []
      : [
          {
            title: 'Biggest key',
            number: formatSize(biggest[6] > 0 ? biggest[6] : biggest[5]),
            note: element('code', '', {title: biggest[1]}, biggest[1]),
          },
        ]),
  ]
  return box(
    'tiles',
    ...all.map(({title, number, note}) =>
      box('tile', box('tile-title', title), box('tile-number', ...unitApart(number)), box('tile-note', note)),
    ),
  )
}

/** A smaller unit makes the number easier to take in. */
function unitApart(text: string): Child[] {
  const [, number = text, unit = ''] = /^([\d.,]+) (\D+)$/.exec(text) ?? []
  return unit === '' ? [text] : [number, span('unit', ` ${unit}`)]
}

/** All of the memory as one bar, a colour for each type. */
export function composition(source: PageSource): HTMLElement | undefined {
  const [measure] = measuresOf(source) as [ReturnType<typeof measuresOf>[0]]
  const sums = new Map<string, number>()
  for (const {type, sum} of source.types) sums.set(type, (sums.get(type) ?? 0) + amountOf(sum, measure))
  const total = [...sums.values()].reduce((all, one) => all + one, 0)
  if (total === 0) return undefined
  const parts = [...sums].sort(([, a], [, b]) => b - a)
  const painted: [HTMLElement, string][] = []
  const swatch = (type: string, className: string): HTMLElement => {
    const made = span(className)
    painted.push([made, type])
    return made
  }
  const bar = box('composition')
  const legend = box('legend')
  for (const [type, value] of parts) {
    const part = swatch(type, 'part')
    part.style.flexGrow = String(value / total)
    part.title = `${type}: ${formatMeasure(value, measure)}, ${formatShare(value, total)}`
    bar.append(part)
    legend.append(span('legend-item', swatch(type, 'swatch'), span('', type), span('quiet', formatShare(value, total))))
  }
  const paint = (): void => {
    for (const [made, type] of painted) made.style.backgroundColor = typeColour(type, scheme())
  }
  onScheme(paint)
  paint()
  return box('composition-place', bar, legend)
}

export function warningsSection({warnings}: PageSource): HTMLElement | undefined {
  if (warnings.length === 0) return undefined
  const rank = {error: 0, warning: 1, notice: 2}
  const ordered = [...warnings].sort((a, b) => rank[a.severity] - rank[b.severity])
  return section('warnings', 'Worth a look', undefined, element('ul', 'warnings', {}, ...ordered.map(warning)))
}

function warning({severity, code, text, advice}: PageWarning): HTMLElement {
  return element(
    'li',
    `warning ${severity}`,
    {},
    box('warning-mark', severity === 'notice' ? 'i' : '!'),
    box(
      'warning-words',
      box('warning-text', text),
      box('warning-advice', element('strong', '', {}, 'What to do. '), advice),
    ),
    span('code', code),
  )
}

/** The same keys in other servers. */
export function elsewhereSection({memory}: PageSource): HTMLElement | undefined {
  const [own] = memory
  if (own === undefined || memory.length < 2) return undefined
  const most = Math.max(...memory.map(({bytes}) => bytes))
  const rows = memory.map(({server, bytes, calibrated}, at) =>
    box(
      'elsewhere-row',
      span('name', server, !calibrated && span('quiet', ' derived')),
      meter(bytes / most, at === 0 ? 'strong' : ''),
      span('number', formatSize(bytes)),
      span('quiet number', at === 0 ? '' : changeText(own.bytes, bytes)),
    ),
  )
  return section(
    'elsewhere',
    'What it would need elsewhere',
    'Memory for the same keys, by server.',
    box('elsewhere', ...rows),
  )
}

export function footer({version, madeAtMs, nowMs}: PageData): HTMLElement {
  const judged = `Expiries are judged as of ${formatTime(nowMs)}.`
  return element(
    'footer',
    '',
    {},
    element(
      'p',
      '',
      {},
      `Made by rdbtool ${version} at ${formatTime(madeAtMs)}. ${judged} Memory is estimated by a model of the server.`,
    ),
  )
}
