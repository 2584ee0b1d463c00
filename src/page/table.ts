/** Tables that sort by any column, filter, and show their rows a page at a time. */
import {formatCount} from '../report/units.js'
import {box, type Child, element, span} from './dom.js'

const ROWS_FIRST = 15
const ROWS_MORE = 100

export interface Column<Row> {
  title: string
  /** What it is sorted by: numbers largest first, text in the order of letters. */
  value: (row: Row) => number | string
  /** What is shown; the value where absent. */
  show?: (row: Row) => Child
  /** Numbers stand to the right. */
  numeric?: boolean
  /** It shows what another column says: left out where the page is narrow. */
  picture?: boolean
  wide?: boolean
}

export interface Choice<Row> {
  label: string
  of: (row: Row) => string
}

export interface TableOptions<Row> {
  /** What the rows are, for whoever does not see them. */
  label: string
  columns: readonly Column<Row>[]
  /** The column that rows are sorted by at first. */
  sorted: number
  /** What a filter looks into; absent: there is none. */
  text?: (row: Row) => string
  /** Lists of which one value can be chosen. */
  choices?: readonly Choice<Row>[]
}

export function table<Row>(rows: readonly Row[], options: TableOptions<Row>): HTMLElement {
  return new SortedTable(rows, options).place
}

/** A place that shows that there is more at its side, and that keys can move, too. */
export function scrolled(label: string, whole: HTMLTableElement): HTMLElement {
  return element('div', 'table-scroll', {tabindex: 0, role: 'region', 'aria-label': label}, whole)
}

class SortedTable<Row> {
  readonly place: HTMLElement
  readonly #body = element('tbody')
  readonly #heads: HTMLTableCellElement[]
  readonly #count = span('count')
  readonly #more: HTMLButtonElement
  #sorted: number
  #ascending = false
  #limit = ROWS_FIRST
  #filter = ''
  readonly #chosen: string[]

  constructor(
    readonly rows: readonly Row[],
    readonly options: TableOptions<Row>,
  ) {
    this.#sorted = options.sorted
    this.#ascending = !(options.columns[options.sorted]?.numeric ?? false)
    this.#chosen = (options.choices ?? []).map(() => '')
    this.#heads = options.columns.map((column, at) => this.#head(column, at))
    this.#more = element('button', 'more no-print', {type: 'button'}, 'Show more')
    this.#more.addEventListener('click', () => {
      this.#limit += ROWS_MORE
      this.#draw()
    })
    const head = element('thead', '', {}, element('tr', '', {}, ...this.#heads))
    const whole = element('table', '', {'aria-label': options.label}, head, this.#body)
    this.place = box(
      'table-place',
      this.#controls(),
      scrolled(options.label, whole),
      box('table-foot', this.#count, this.#more),
    )
    this.#draw()
  }

  #head({title, numeric, picture, wide}: Column<Row>, at: number): HTMLTableCellElement {
    const button = element('button', '', {type: 'button'}, title)
    button.addEventListener('click', () => {
      this.#ascending = at === this.#sorted ? !this.#ascending : !(numeric ?? false)
      this.#sorted = at
      this.#draw()
    })
    return element('th', classOf(numeric, picture, wide), {scope: 'col'}, button)
  }

  #controls(): HTMLElement | undefined {
    const {text, choices = [], label} = this.options
    if (text === undefined && choices.length === 0) return undefined
    const controls = box('controls no-print')
    if (text !== undefined) {
      const input = element('input', '', {
        type: 'search',
        placeholder: 'Filter',
        'aria-label': `Filter ${label}`,
        spellcheck: 'false',
      })
      input.addEventListener('input', () => {
        this.#filter = input.value.toLowerCase()
        this.#limit = ROWS_FIRST
        this.#draw()
      })
      controls.append(input)
    }
    for (const [at, choice] of choices.entries()) {
      const values = [...new Set(this.rows.map(choice.of))].sort((a, b) => a.localeCompare(b, 'en', {numeric: true}))
      if (values.length < 2) continue
      const select = element(
        'select',
        '',
        {'aria-label': choice.label},
        element('option', '', {value: ''}, choice.label),
      )
      for (const value of values) select.append(element('option', '', {value}, value))
      select.addEventListener('change', () => {
        this.#chosen[at] = select.value
        this.#limit = ROWS_FIRST
        this.#draw()
      })
      controls.append(select)
    }
    return controls
  }

  #selected(): Row[] {
    const {text, choices = []} = this.options
    return this.rows.filter(
      row =>
        (this.#filter === '' || text === undefined || text(row).toLowerCase().includes(this.#filter)) &&
        choices.every((choice, at) => this.#chosen[at] === '' || choice.of(row) === this.#chosen[at]),
    )
  }

  #draw(): void {
    const {columns} = this.options
    const {value} = columns[this.#sorted]!
    const sign = this.#ascending ? 1 : -1
    const rows = this.#selected().sort((a, b) => sign * compare(value(a), value(b)))
    for (const [at, head] of this.#heads.entries()) {
      const order = this.#ascending ? 'ascending' : 'descending'
      head.setAttribute('aria-sort', at === this.#sorted ? order : 'none')
    }
    const shown = rows.slice(0, this.#limit)
    this.#body.replaceChildren(...shown.map(row => this.#row(row)))
    const of =
      shown.length < rows.length
        ? `${formatCount(shown.length)} of ${formatCount(rows.length)}`
        : formatCount(rows.length)
    const all = rows.length < this.rows.length ? `, filtered from ${formatCount(this.rows.length)}` : ''
    this.#count.textContent =
      rows.length === 0 ? `None${all}` : `${of}${all === '' && shown.length === rows.length ? ' in all' : all}`
    this.#more.hidden = shown.length >= rows.length
  }

  #row(row: Row): HTMLTableRowElement {
    const cells = this.options.columns.map(({value, show, numeric, picture, wide}) =>
      element('td', classOf(numeric, picture, wide), {}, show === undefined ? String(value(row)) : show(row)),
    )
    return element('tr', '', {}, ...cells)
  }
}

function classOf(numeric = false, picture = false, wide = false): string {
  return [numeric && 'numeric', picture && 'picture', wide && 'wide'].filter(Boolean).join(' ')
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [String(a), String(b)]
  return left < right ? -1 : left > right ? 1 : 0
}
