/** What `diff` finds between two sources, with all its lines taken apart. */
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {JsonDifferences} from '../../src/export/difference-json.js'
import {type DiffOptions, diff} from '../../src/jobs/diff.js'
import {sumOf} from '../../src/jobs/diff-counts.js'
import type {DiffResult} from '../../src/jobs/diff-result.js'

/** One line of `--jsonl`, but for the summary. */
export interface DifferenceLine {
  change: 'removed' | 'added' | 'changed'
  db?: number
  key?: unknown
  type?: string
  library?: string
  value?: unknown
  differences?: Record<string, unknown>[]
  [name: string]: unknown
}

export interface Found {
  result: DiffResult
  lines: DifferenceLine[]
}

export async function differencesOf(
  before: string,
  after: string,
  options: Partial<Omit<DiffOptions, 'sink'>> = {},
): Promise<Found> {
  const target = new MemoryTarget()
  const out = new ByteOutput(target)
  const result = await diff(before, after, {...options, sink: new JsonDifferences(out)})
  out.flush()
  const text = Buffer.from(target.view()).toString('utf8')
  const lines = text.split('\n').filter(line => line !== '')
  return {result, lines: lines.map(line => JSON.parse(line) as DifferenceLine)}
}

/** The counts of the result, without those that are nothing. */
export function countsOf({rows}: DiffResult): Record<string, number> {
  return Object.fromEntries(Object.entries(sumOf(rows)).filter(([, count]) => count !== 0))
}
