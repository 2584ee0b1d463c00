/**
 * Which keys were taken, and by which flags others were passed over.
 */
import type {SelectionCounts} from '../keyspace/selection.js'
import {formatCount} from './units.js'

/** Flags that are not called like what they judge. */
const FLAG_NAMES: Readonly<Record<string, string>> = {notMatch: '--not-match', bytes: '--min-bytes and --max-bytes'}

/** `12 of 3,400 keys; passed over 3,000 by match, 388 by ttl` */
export function selectedText({seen, taken, skipped}: SelectionCounts): string {
  const reasons = Object.entries(skipped).filter(([, keys]) => keys > 0)
  const passed = reasons
    .map(([reason, keys]) => `${formatCount(keys)} by ${FLAG_NAMES[reason] ?? `--${reason}`}`)
    .join(', ')
  return `${formatCount(taken)} of ${formatCount(seen)} keys${passed === '' ? '' : `; passed over ${passed}`}`
}
