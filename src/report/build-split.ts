/**
 * What became of a build that is split into the shards of a cluster: its manifest, and what is told of it.
 */
import {MANIFEST_FORMAT, MANIFEST_VERSION} from '../keyspace/shard-manifest.js'
import {countSlots, formatSlots, type SlotRange} from '../keyspace/slots.js'
import type {Json} from './inventory-json.js'
import {formatTable, numeric, type Style, textual} from './table.js'
import {shorten} from './text.js'
import {formatCount, formatSize} from './units.js'

const RANGES_COLUMNS_MAX = 40
/** Of shards; the manifest has all. */
const ROWS_MAX = 100

export interface ShardOutcome {
  file: string
  slots: readonly SlotRange[]
  nodeId?: string | undefined
  keys: number
  bytes: number
}

/** The names are a contract, more may be added. `sources`: as they were named, without passwords. */
export function splitManifestJson(
  sources: readonly string[],
  {target, keysOut, bytes, shards}: {target: string; keysOut: number; bytes: number; shards: readonly ShardOutcome[]},
  nowMs: number,
): Json {
  return {
    format: MANIFEST_FORMAT,
    version: MANIFEST_VERSION,
    finishedAt: new Date(nowMs).toISOString(),
    ...{sources, target, keys: keysOut, bytes},
    shards: shardsJson(shards),
  }
}

export function shardsJson(shards: readonly ShardOutcome[]): Json[] {
  return shards.map(({file, nodeId, slots, keys, bytes}) => ({file, nodeId, slots, keys, bytes}))
}

/** A table of the first shards, a blank line before it. */
export function formatShards(shards: readonly ShardOutcome[], style: Style): string[] {
  const rows = shards
    .slice(0, ROWS_MAX)
    .map(({file, slots, keys, bytes}) => [
      file,
      shorten(formatSlots(slots), RANGES_COLUMNS_MAX),
      formatCount(countSlots(slots)),
      formatCount(keys),
      formatSize(bytes),
    ])
  const columns = [textual('file'), textual('slots'), numeric('number'), numeric('keys'), numeric('size')]
  const more = shards.length - rows.length
  const rest = more > 0 ? [style.faint(`and ${formatCount(more)} more: manifest.json has all of them`)] : []
  return ['', ...formatTable(columns, rows, style), ...rest]
}

/** What is told of keys that their shard should not have. */
export function misplacedText(keys: number): string {
  return `${formatCount(keys)} of slots that their shard does not have: a migration was under way, or a file is of another shard`
}
