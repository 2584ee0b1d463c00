/** Tables of what is largest: prefixes, keys, elements; and what has grown. */
import type {PageElement, PageGrowth, PageKey, PageSource, PageSum} from '../report/page-data.js'
import {changeText, formatCount, formatDuration, formatShare, formatSize, formatTime} from '../report/units.js'
import {box, type Child, element, section, segmented, span} from './dom.js'
import {FILE, KEYS, MEMORY, totalOf} from './sums.js'
import {type Column, table} from './table.js'

const code = (text: string): HTMLElement => element('code', '', {title: text}, text)

interface PrefixLine {
  name: string
  keys: number
  persistent: number
  persistentBytes: number
  memory: number
  file: number
  depth: number
}

/** Whole names: each stands for its last part only. */
function prefixLines({prefixes, separator}: PageSource): PrefixLine[] {
  const names: string[] = []
  const depths: number[] = []
  return prefixes.map(([parent, name, keys, expiring, file, memory, persistentBytes], at) => {
    names[at] = `${names[parent] ?? ''}${name === null ? '*' : name + separator}`
    depths[at] = (depths[parent] ?? 0) + 1
    return {name: names[at], keys, persistent: keys - expiring, persistentBytes, memory, file, depth: depths[at]}
  })
}

function prefixColumns(total: PageSum): Column<PrefixLine>[] {
  const whole = total[MEMORY] > 0 ? total[MEMORY] : total[FILE]
  const size = ({memory, file}: PrefixLine): number => (total[MEMORY] > 0 ? memory : file)
  const memory: Column<PrefixLine> = {
    title: 'Memory',
    value: ({memory}) => memory,
    show: ({memory}) => formatSize(memory),
    numeric: true,
  }
  const stored: Column<PrefixLine> = {
    title: 'In the file',
    value: ({file}) => file,
    show: ({file}) => formatSize(file),
    numeric: true,
  }
  return [
    {title: 'Prefix', value: ({name}) => name, show: ({name}) => code(name), wide: true},
    {title: 'Keys', value: ({keys}) => keys, show: ({keys}) => formatCount(keys), numeric: true},
    ...(total[MEMORY] > 0 ? [memory] : []),
    ...(total[FILE] > 0 ? [stored] : []),
    {title: 'Share', value: size, show: line => formatShare(size(line), whole), numeric: true},
    {
      title: 'Never expire',
      value: ({persistent}) => persistent,
      show: ({persistent}) => formatCount(persistent),
      numeric: true,
    },
    {
      title: KEPT,
      value: ({persistentBytes}) => persistentBytes,
      show: line => kept(line, size(line)),
      numeric: true,
    },
  ]
}

const KEPT = 'Kept for ever'

export function prefixTableSection(source: PageSource): HTMLElement | undefined {
  if (source.prefixes.length === 0) return undefined
  const lines = prefixLines(source)
  const total = totalOf(source.types.map(({sum}) => sum))
  const columns = prefixColumns(total)
  const sized = total[MEMORY] > 0 ? 'Memory' : 'In the file'
  const place = box('')
  const show = (which: 'size' | 'kept'): void =>
    place.replaceChildren(
      table(lines, {
        label: 'prefixes',
        columns,
        sorted: columns.findIndex(({title}) => title === (which === 'kept' ? KEPT : sized)),
        text: ({name}) => name,
        choices: [{label: 'Any depth', of: ({depth}) => `${depth} ${depth === 1 ? 'part' : 'parts'}`}],
      }),
    )
  show('size')
  const names = [
    ['size', 'By size'],
    ['kept', 'By what never expires'],
  ] as const
  const choose = segmented('Sort by', names, 'size', show)
  return section('prefix-table', 'Prefixes', 'Kept for ever is what keys without an expiry take.', choose, place)
}

function kept({persistentBytes}: PrefixLine, whole: number): Child {
  if (persistentBytes === 0) return span('quiet', '–')
  return span(
    '',
    formatSize(persistentBytes),
    span('quiet', ` ${Math.round((100 * persistentBytes) / Math.max(1, whole))} %`),
  )
}

export function keysSection(source: PageSource, nowMs: number): HTMLElement | undefined {
  if (source.biggest.length === 0) return undefined
  const estimated = source.biggest.some(([, , , , , , memory]) => memory > 0)
  const stored = source.biggest.some(([, , , , , file]) => file > 0)
  const many = new Set(source.biggest.map(([, , , , , , , , name]) => name)).size > 1
  const columns: Column<PageKey>[] = [
    {title: 'Key', value: ([, key]) => key, show: ([, key]) => code(key), wide: true},
    ...(estimated
      ? [{title: 'Memory', value: (row: PageKey) => row[6], show: (row: PageKey) => formatSize(row[6]), numeric: true}]
      : []),
    ...(stored
      ? [
          {
            title: 'In the file',
            value: (row: PageKey) => row[5],
            show: (row: PageKey) => formatSize(row[5]),
            numeric: true,
          },
        ]
      : []),
    {
      title: 'Elements',
      value: row => (row[2] === 'string' ? -1 : row[4]),
      show: row => (row[2] === 'string' ? span('quiet', '–') : formatCount(row[4])),
      numeric: true,
    },
    {title: 'Type', value: ([, , type]) => type},
    {title: 'Encoding', value: row => row[3]},
    {
      title: 'Expires',
      value: row => row[7] ?? Number.POSITIVE_INFINITY,
      show: row => expiry(row[7], nowMs),
    },
    {title: 'DB', value: ([db]) => db, numeric: true},
    ...(many ? [{title: 'Source', value: (row: PageKey) => row[8]}] : []),
  ]
  const make = (rows: readonly PageKey[], sorted: number): HTMLElement =>
    table(rows, {
      label: 'biggest keys',
      columns,
      sorted,
      text: ([, key]) => key,
      choices: [
        {label: 'Any type', of: ([, , type]) => type},
        {label: 'Any database', of: ([db]) => `db ${db}`},
      ],
    })
  const place = box('', make(source.biggest, 1))
  const byElements = columns.findIndex(({title}) => title === 'Elements')
  const choose = segmented(
    'Which',
    [
      ['size', 'By size'],
      ['elements', 'By elements'],
    ] as const,
    'size',
    which => place.replaceChildren(which === 'size' ? make(source.biggest, 1) : make(source.mostElements, byElements)),
  )
  return section('keys', 'Biggest keys', undefined, source.mostElements.length > 0 && choose, place)
}

function expiry(expireAtMs: number | null, nowMs: number): Child {
  if (expireAtMs === null) return span('quiet', 'never')
  const seconds = (expireAtMs - nowMs) / 1000
  return element(
    'span',
    seconds < 0 ? 'late' : '',
    {title: formatTime(expireAtMs)},
    seconds < 0 ? 'expired' : `in ${formatDuration(seconds)}`,
  )
}

export function elementsSection({elements}: PageSource): HTMLElement | undefined {
  if (elements.length === 0) return undefined
  const columns: Column<PageElement>[] = [
    {title: 'Key', value: ([, key]) => key, show: ([, key]) => code(key), wide: true},
    {title: 'Element', value: row => row[3], show: row => (row[3] === '' ? span('quiet', '–') : code(row[3]))},
    {title: 'Bytes', value: row => row[4], show: row => formatSize(row[4]), numeric: true},
    {title: 'Type', value: ([, , type]) => type},
    {title: 'DB', value: ([db]) => db, numeric: true},
  ]
  const note = 'Single fields, members and items of 8 KiB and more: they hide in collections of ordinary length.'
  return section(
    'elements',
    'Biggest elements',
    note,
    table(elements, {label: 'biggest elements', columns, sorted: 2, text: ([, key, , name]) => `${key} ${name}`}),
  )
}

type GrowthRow = PageGrowth['rows'][number]

const GROUPS = [
  ['all', 'All'],
  ['database', 'Databases'],
  ['type', 'Types'],
  ['prefix', 'Prefixes'],
] as const

/** A group at a time: the same bytes are in all of them. */
export function growthSection(growth: PageGrowth | undefined): HTMLElement | undefined {
  if (growth === undefined) return undefined
  const of = (group: string): GrowthRow[] => growth.rows.filter(row => row.group === group)
  const groups = GROUPS.filter(([group]) => of(group).length > 0)
  const columns = growthColumns(growth.rows)
  const sorted = columns.findIndex(({title}) => title === SIZE_CHANGE)
  const place = box('')
  const show = (group: (typeof GROUPS)[number][0]): void =>
    place.replaceChildren(table(of(group), {label: 'growth', columns, sorted, text: ({name}) => name}))
  const [first] = [...groups].reverse() as [(typeof GROUPS)[number]]
  show(first[0])
  const choose = segmented('Growth of', groups, first[0], show)
  return section('growth', 'What has grown', `Since ${growth.since}: what changed most is first.`, choose, place)
}

const SIZE_CHANGE = 'Change of size'

function growthColumns(rows: readonly GrowthRow[]): Column<GrowthRow>[] {
  const estimated = rows.some(({before, after}) => before[MEMORY] + after[MEMORY] > 0)
  const size = (sum: PageSum): number => sum[estimated ? MEMORY : FILE]
  const change = (before: number, after: number, format: (value: number) => string): Child =>
    before === after
      ? span('quiet', '–')
      : span(
          after > before ? 'more-now' : 'less-now',
          `${after > before ? '+' : '-'}${format(Math.abs(after - before))}`,
        )
  return [
    {
      title: 'Of',
      value: ({name}) => name,
      show: ({group, name}) => (group === 'prefix' ? code(name) : group === 'database' ? `db ${name}` : name),
      wide: true,
    },
    {title: 'Keys', value: ({after}) => after[KEYS], show: ({after}) => formatCount(after[KEYS]), numeric: true},
    {
      title: 'Change of keys',
      value: ({before, after}) => Math.abs(after[KEYS] - before[KEYS]),
      show: ({before, after}) => change(before[KEYS], after[KEYS], formatCount),
      numeric: true,
    },
    {
      title: estimated ? 'Memory' : 'In the file',
      value: ({after}) => size(after),
      show: ({after}) => formatSize(size(after)),
      numeric: true,
    },
    {
      title: SIZE_CHANGE,
      value: ({before, after}) => Math.abs(size(after) - size(before)),
      show: ({before, after}) => change(size(before), size(after), formatSize),
      numeric: true,
    },
    {
      title: 'Relative',
      value: ({before, after}) => (size(before) === 0 ? Number.POSITIVE_INFINITY : size(after) / size(before)),
      show: ({before, after}) => (size(before) === 0 ? 'new' : changeText(size(before), size(after))),
      numeric: true,
    },
  ]
}

export function listsSection({lists}: PageSource): HTMLElement | undefined {
  const held = lists.filter(({rows}) => rows.length > 0)
  if (held.length === 0) return undefined
  const one = ({title, rows}: PageSource['lists'][number]): HTMLElement =>
    box(
      'list',
      element('h3', '', {}, title),
      element(
        'dl',
        '',
        {},
        ...rows.flatMap(([name, text]) => [element('dt', '', {}, name), element('dd', '', {}, text)]),
      ),
    )
  return section('details', 'Also in it', undefined, box('lists', ...held.map(one)))
}
