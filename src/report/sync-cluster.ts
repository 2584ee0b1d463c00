/**
 * The snapshot of a cluster: its manifest, and what is told of it.
 */
import {MANIFEST_FORMAT, MANIFEST_VERSION} from '../keyspace/shard-manifest.js'
import {countSlots, formatSlots, type SlotRange} from '../keyspace/slots.js'
import type {Json} from './inventory-json.js'
import {type SyncReport, shardFacts} from './sync.js'
import {formatTable, joinSections, numeric, type Style, textual} from './table.js'
import {formatText} from './text.js'
import {formatCount, formatSize} from './units.js'

const LABEL_COLUMNS = 10

export interface ClusterReport {
  out: string
  shards: readonly {file: string; nodeId: string; slots: readonly SlotRange[]; sync: SyncReport}[]
  moved: readonly SlotRange[]
  seconds: number
}

/** Also what --json prints; the names are a contract, more may be added. */
export function manifestJson(cluster: string, {shards, moved, seconds}: ClusterReport, nowMs: number): Json {
  return {
    format: MANIFEST_FORMAT,
    version: MANIFEST_VERSION,
    cluster,
    finishedAt: new Date(nowMs).toISOString(),
    seconds: Math.round(seconds * 1000) / 1000,
    keys: sum(shards, ({sync}) => sync.inventory.keys),
    bytes: sum(shards, ({sync}) => sync.bytes),
    shards: shards.map(({file, nodeId, slots, sync}) => ({file, nodeId, slots, ...shardFacts(sync)})),
    moved,
  }
}

export function formatClusterSync(
  cluster: string,
  {out, shards, moved, seconds}: ClusterReport,
  style: Style,
): string[] {
  const label = (name: string, text: string): string => `${style.faint(name.padEnd(LABEL_COLUMNS))}${text}`
  const keys = sum(shards, ({sync}) => sync.inventory.keys)
  const bytes = sum(shards, ({sync}) => sync.bytes)
  const strays = sum(shards, ({sync}) => sync.strayKeys)
  const lines = [
    style.heading(formatText(out)),
    label('cluster', formatText(cluster)),
    label('slots', 'all 16,384 covered once'),
    label('shards', `${formatCount(shards.length)}, ${formatSize(bytes)} in ${seconds.toFixed(2)} s`),
    label('keys', formatCount(keys)),
    ...(moved.length === 0 ? [] : [label('moved', style.warning(movedText(moved)))]),
    ...(strays === 0 ? [] : [label('strays', style.warning(strayText(strays)))]),
  ]
  const rows = shards.map(({file, slots, sync}) => [
    file,
    formatText(sync.master),
    formatCount(countSlots(slots)),
    formatCount(sync.inventory.keys),
    formatSize(sync.bytes),
    sync.checksum,
  ])
  const columns = [
    textual('file'),
    textual('from'),
    numeric('slots'),
    numeric('keys'),
    numeric('size'),
    textual('checksum'),
  ]
  return joinSections([lines, formatTable(columns, rows, style)])
}

function movedText(moved: readonly SlotRange[]): string {
  return `${formatSlots(moved)} while they were fetched: keys may be missing, or be there twice`
}

function strayText(keys: number): string {
  return `${formatCount(keys)} keys are of slots that their shard does not have: a migration is under way, or was broken off`
}

function sum<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((total, one) => total + of(one), 0)
}
