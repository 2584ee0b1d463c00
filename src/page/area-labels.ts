/** What is written into an area of a treemap: as much as there is room for, and no number that is not whole. */
import type {EChartsType} from './charts.js'

/** What ECharts says of an area. */
export interface AreaLabel {
  name: string
  value: number
  dataIndex: number
}

export const LABEL_LEFT = 6
export const LINE_HEIGHT = 16
const GAP = '   '
/** A name that is cut to fewer says nothing. */
const CUT_CHARACTERS_MIN = 5

/** The part of ECharts' model that has the sides of an area, in pixels. */
interface Layouts {
  getSeriesByIndex(at: number): {
    getData(): {getItemLayout(at: number): {width: number; height: number} | undefined}
  }
}

export class AreaLabels {
  readonly #chart: {getModel(): Layouts}
  readonly #pen = document.createElement('canvas').getContext('2d')!

  constructor(chart: EChartsType, fontFamily: string, fontSize: number) {
    this.#chart = chart as unknown as {getModel(): Layouts}
    this.#pen.font = `600 ${fontSize}px ${fontFamily}`
  }

  /** Name and amount below each other. */
  inside({name, dataIndex}: AreaLabel, amount: string): string {
    const {width, height} = this.#roomOf(dataIndex)
    const shown = this.#fitted(name, width)
    if (shown === '' || height < LINE_HEIGHT) return ''
    const both = height >= 2 * LINE_HEIGHT && this.#width(amount) <= width
    return both ? `${shown}\n${amount}` : shown
  }

  /** Name and amount beside each other. */
  above({name, dataIndex}: AreaLabel, amount: string): string {
    const {width} = this.#roomOf(dataIndex)
    const both = name + GAP + amount
    return this.#width(both) <= width ? both : this.#fitted(name, width)
  }

  /** ECharts has laid out all areas before it asks for what stands in them. */
  #roomOf(dataIndex: number): {width: number; height: number} {
    const layout = this.#chart.getModel().getSeriesByIndex(0).getData().getItemLayout(dataIndex)
    return {width: (layout?.width ?? 0) - 2 * LABEL_LEFT, height: (layout?.height ?? 0) - LABEL_LEFT}
  }

  #width(text: string): number {
    return this.#pen.measureText(text).width
  }

  /** The whole name, or its beginning; nothing where that would be too little. */
  #fitted(name: string, width: number): string {
    if (this.#width(name) <= width) return name
    const characters = [...name]
    let [fits, beyond] = [0, characters.length]
    while (beyond - fits > 1) {
      const middle = (fits + beyond) >> 1
      if (this.#width(`${characters.slice(0, middle).join('')}…`) <= width) fits = middle
      else beyond = middle
    }
    return fits < CUT_CHARACTERS_MIN ? '' : `${characters.slice(0, fits).join('')}…`
  }
}
