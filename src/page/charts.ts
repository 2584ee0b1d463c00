/** Charts of ECharts, kept as wide as their places, and drawn anew when colours change. */
import {BarChart, TreemapChart} from 'echarts/charts'
import {GridComponent, TooltipComponent} from 'echarts/components'
import {type EChartsCoreOption, type EChartsType, init, use} from 'echarts/core'
import {CanvasRenderer, SVGRenderer} from 'echarts/renderers'
import {box, type Child, span} from './dom.js'
import {colour, onScheme} from './theme.js'

use([BarChart, TreemapChart, GridComponent, TooltipComponent, CanvasRenderer, SVGRenderer])

export type {EChartsType}

const living = new Set<Chart>()
const watcher = new ResizeObserver(entries => {
  for (const {target} of entries) for (const chart of living) if (chart.place === target) chart.resize()
})

onScheme(() => {
  for (const chart of living) chart.draw()
})

/** One chart; `option` is asked for whenever it is drawn. */
export class Chart {
  #chart: EChartsType | undefined

  constructor(
    readonly place: HTMLElement,
    readonly renderer: 'canvas' | 'svg',
    readonly option: (chart: EChartsType) => EChartsCoreOption,
    readonly ready: (chart: EChartsType) => void = () => {},
  ) {
    living.add(this)
    // Text first, pictures then.
    requestAnimationFrame(() => setTimeout(() => this.#begin()))
  }

  #begin(): void {
    if (!this.place.isConnected) return
    this.#chart = init(this.place, undefined, {renderer: this.renderer})
    this.draw()
    watcher.observe(this.place)
    this.ready(this.#chart)
  }

  draw(): void {
    this.#chart?.setOption(this.option(this.#chart), {notMerge: true})
  }

  resize(): void {
    this.#chart?.resize()
  }

  dispose(): void {
    living.delete(this)
    watcher.unobserve(this.place)
    this.#chart?.dispose()
  }
}

/** Before everything is shown anew. */
export function disposeCharts(): void {
  for (const chart of living) chart.dispose()
}

/** The same looks for every tooltip; its content is elements, never markup. */
export function tooltip(formatter: (params: {dataIndex: number; data?: unknown; name: string}) => HTMLElement) {
  return {
    confine: true,
    backgroundColor: colour('card'),
    borderColor: colour('line'),
    borderWidth: 1,
    padding: 0,
    transitionDuration: 0,
    textStyle: {color: colour('ink'), fontFamily: 'inherit', fontSize: 13},
    formatter,
  }
}

/** A title, and a line for each fact. */
export function tip(title: string, facts: readonly (readonly [name: string, text: string])[]): HTMLElement {
  const rows = facts.map(([name, text]): Child => box('tip-row', span('', name), span('', text)))
  return box('tip', box('tip-title', title), ...rows)
}

export interface Bar {
  name: string
  value: number
  facts: readonly (readonly [name: string, text: string])[]
  colour?: string
}

const LINES = 4
const STEPS = [1, 2, 4, 5, 8, 10, 16, 20, 25, 32, 40, 50, 64, 80, 100, 128, 160, 200, 256, 320, 400, 512]

/** A step between lines that is round in KiB, MiB and so on, as decimal ones are not. */
function binaryStep(most: number): number {
  let unit = 1
  while (most / LINES > 512 * unit) unit *= 1024
  return (STEPS.find(step => step * unit * LINES >= most) ?? 1024) * unit
}

/** Columns over a line of names; `bytes`: that is what their heights are. */
export function columnsOption(
  bars: readonly Bar[],
  bytes: boolean,
  format: (value: number) => string,
): EChartsCoreOption {
  const muted = colour('muted')
  const step = binaryStep(Math.max(1, ...bars.map(({value}) => value)))
  const fontFamily = getComputedStyle(document.body).fontFamily
  return {
    animationDuration: 300,
    grid: {left: 8, right: 8, top: 16, bottom: 4, containLabel: true},
    tooltip: {
      trigger: 'axis',
      axisPointer: {type: 'shadow', shadowStyle: {color: colour('hover')}},
      ...tooltip(params => {
        const [first] = params as unknown as {dataIndex: number}[]
        const bar = bars[first?.dataIndex ?? 0]
        return tip(bar?.name ?? '', bar?.facts ?? [])
      }),
    },
    xAxis: {
      type: 'category',
      data: bars.map(({name}) => name),
      axisTick: {show: false},
      axisLine: {lineStyle: {color: colour('line')}},
      axisLabel: {color: muted, fontFamily, fontSize: 11, hideOverlap: true, margin: 10},
    },
    yAxis: {
      type: 'value',
      ...(bytes ? {interval: step, max: step * LINES} : {splitNumber: LINES, minInterval: 1}),
      splitLine: {lineStyle: {color: colour('line')}},
      axisLabel: {color: muted, fontFamily, fontSize: 11, formatter: format},
    },
    series: [
      {
        type: 'bar',
        barCategoryGap: '22%',
        data: bars.map(({value, colour: own}) => ({
          value,
          itemStyle: {color: own ?? colour('accent'), borderRadius: [3, 3, 0, 0]},
        })),
      },
    ],
  }
}
