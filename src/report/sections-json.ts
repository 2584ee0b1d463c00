/** The sections of `--by` as JSON, each a list of sums. The names are a contract; more may be added. */
import type {KeySum} from '../analysis/key-sums.js'
import type {PrefixCount} from '../analysis/prefixes.js'
import type {Spread} from '../analysis/spread.js'
import type {Sectioned, SectionName} from './sections.js'
import {jsonBytes} from './text.js'

type Json = Record<string, unknown>

/** Programs get all rows, whatever `top` is; only prefixes are as many as were asked for. */
export function sectionsJson(names: readonly SectionName[] | undefined, of: Sectioned, estimated: boolean): Json {
  if (names === undefined) return {}
  return {by: Object.fromEntries(names.map(name => [name, rowsOf(name, of).map(row => withoutUntold(row, estimated))]))}
}

function rowsOf(name: SectionName, {encodings, databases, spread}: Sectioned): Json[] {
  if (name === 'type') return encodings.map(({encoding, ...sum}) => ({...sum, ...(encoding === '' ? {} : {encoding})}))
  if (name === 'db') return databases.map(one => ({...one}))
  if (spread === undefined) return []
  if (name === 'prefix') return spread.prefixes.map(prefixJson)
  if (name === 'ttl') return spread.ttl.map(one => ({...one}))
  if (name === 'size') return spread.sizes.map(one => ({...one}))
  if (name === 'slot') return (spread.slots ?? []).map(one => ({...one}))
  return (spread.idle.length > 0 ? spread.idle : spread.frequency).map(one => ({...one}))
}

export function prefixJson({prefix, parts: _, ...sums}: PrefixCount): Json {
  return {prefix: jsonBytes(prefix), ...sums}
}

/** Rows of a histogram, under the names that they have there. */
export function histogramJson<Row extends KeySum>(rows: readonly Row[], estimated: boolean): Json[] {
  return rows.map(({expiring: _, ...row}) => withoutUntold(row, estimated))
}

export function sizesJson({sizes}: Spread, estimated: boolean): Json {
  return {
    measure: estimated ? 'memoryBytes' : 'rdbBytes',
    histogram: sizes.map(one => withoutUntold({...one}, estimated)),
  }
}

/** What was not estimated is not told as nothing. */
export function withoutUntold(row: Json, estimated: boolean): Json {
  if (estimated) return row
  const {memoryBytes: _, ...rest} = row
  return rest
}
