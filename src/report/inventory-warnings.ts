/**
 * What is worth waking someone for, in words: what it is, and what it does to a server.
 */
import type {Inventory} from '../analysis/inventory.js'
import {type NotableKey, THRESHOLDS, type Warning} from '../analysis/warnings.js'
import type {Problem} from '../keyspace/visitor.js'
import type {Style} from './table.js'
import {formatKey, formatMessage, hang, jsonKey, shorten} from './text.js'
import {formatCount, formatShare, formatSize, formatTime} from './units.js'

const KEY_COLUMNS_MAX = 60

export interface WarningsView {
  style: Style
  columns: number
}

/** The names are a contract: `{code, severity, text, keys, db?, key?}`. */
export function warningJson(warning: Warning): Record<string, unknown> {
  const {code, severity, keys, example, db} = warning
  return {
    code,
    severity,
    text: warningText(warning),
    keys,
    ...(db === undefined ? {} : {db}),
    ...(example === undefined ? {} : {db: example.db, ...jsonKey(example)}),
  }
}

/** First what the reader met, then what was counted. */
export function warningLines({problems, warnings}: Inventory, view: WarningsView): string[] {
  const met = problems.map(problem => lines(problem.severity, problemText(problem), view))
  const counted = warnings.map(one => lines(one.severity, `${warningText(one)} (${one.code})`, view))
  return [...met, ...counted].flat()
}

function problemText({code, text, offset, db, key, keyBytes, type}: Problem): string {
  const name = key === undefined ? '' : shorten(formatKey({key, keyBytes}), KEY_COLUMNS_MAX)
  const where = key === undefined ? '' : `, in the ${type} ${name} of database ${db}`
  return `${formatMessage(text)} (${code}, byte ${formatCount(offset)}${where})`
}

function lines(severity: string, text: string, {style, columns}: WarningsView): string[] {
  const label = `${severity}:`.padEnd(9)
  const dress = severity === 'notice' ? style.faint : style.warning
  return hang(`${label}${text}`, columns).map(dress)
}

/** Safe on a terminal. */
export function warningText(warning: Warning): string {
  const {keys, share = 0, fromMs = 0, db, example} = warning
  const most = (measure: (key: NotableKey) => string): string => (example === undefined ? '' : named(example, measure))
  const elements = (key: NotableKey): string => formatCount(key.elements)
  switch (warning.code) {
    case 'BIG_KEYS':
      return `${many(keys, 'key takes', 'keys take')} ${formatSize(THRESHOLDS.bigKeyBytes)} or more of the file${most(({rdbBytes}) => formatSize(rdbBytes))}: moving, copying or deleting one can stall a server`
    case 'HUGE_COLLECTIONS':
      return `${many(keys, 'collection has', 'collections have')} ${formatCount(THRESHOLDS.hugeElements)} elements or more${most(elements)}: a command on all of them stalls a server`
    case 'STRING_NEAR_LIMIT':
      return `${many(keys, 'string is', 'strings are')} near the 512 MiB that servers take by default${most(key => formatSize(key.elements))}`
    case 'ELEMENTS_NEAR_LIMIT':
      return `${many(keys, 'collection has', 'collections have')} 2^31 elements or more, where servers count to 2^32${most(elements)}`
    case 'EXPIRE_TOGETHER':
      return `${formatCount(keys)} keys (${formatShare(share, 1)}) expire within one minute, from ${formatTime(fromMs)} on: whatever makes them anew will do so all at once`
    case 'MANY_EXPIRED':
      return `${formatCount(keys)} keys (${formatShare(share, 1)}) have expired already: a master that loads the file leaves them out`
    case 'WITHOUT_EXPIRY':
      return `${formatCount(keys)} keys (${formatShare(share, 1)}) never expire, though nearly all others do: they may have been forgotten`
    case 'HIGH_DATABASES':
      return `databases are numbered up to ${db}: a server refuses the file unless its setting "databases" is above that (16 by default)`
    case 'BINARY_KEYS':
      return `${many(keys, 'key is', 'keys are')} not UTF-8: tools that take keys for text will change or miss them`
  }
}

function named(example: NotableKey, measure: (key: NotableKey) => string): string {
  const key = shorten(formatKey(example), KEY_COLUMNS_MAX)
  return `, the largest ${measure(example)} (${key} in database ${example.db})`
}

function many(count: number, one: string, several: string): string {
  return count === 1 ? `1 ${one}` : `${formatCount(count)} ${several}`
}
