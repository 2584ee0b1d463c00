/**
 * What lies beside the shards of a cluster in one folder, and tells which file holds which slots: `sync --cluster` and
 * `build --split-slots` write it.
 *
 *   {"format": "rdbtool cluster snapshot", "version": 1, "keys", "bytes", "shards": [{"file", "slots": [[first, last]], "keys"}]}
 */
import {readdirSync} from 'node:fs'
import {SLOT_COUNT} from '../bytes/crc16.js'
import type {FolderMark} from '../bytes/unpublished.js'
import {FormatError, UnsupportedError} from '../errors.js'
import type {SlotRange} from './slots.js'

export const MANIFEST_NAME = 'manifest.json'
export const MANIFEST_FORMAT = 'rdbtool cluster snapshot'
export const MANIFEST_VERSION = 1

/** A file of such a folder. */
export interface ManifestShard {
  /** Within the folder. */
  file: string
  slots: readonly SlotRange[]
  /** As many as it had when it was written. */
  keys: number
}

/** Whether a text is such a manifest. */
export function isManifest(text: string): boolean {
  try {
    return (JSON.parse(text) as {format?: unknown} | null)?.format === MANIFEST_FORMAT
  } catch {
    return false
  }
}

/** What a folder of shards is known by: its manifest, and nothing beside that but files that it names. */
export const SHARD_FOLDER: FolderMark = {
  file: MANIFEST_NAME,
  isOurs: (text, folder) => {
    const names = namesIn(text)
    const there = readdirSync(folder, {withFileTypes: true})
    return names !== undefined && there.every(entry => entry.isFile() && names.has(entry.name))
  },
}

/** The manifest's own name, and those of its shards; undefined of what is no manifest that we read. */
function namesIn(text: string): ReadonlySet<string> | undefined {
  if (!isManifest(text)) return undefined
  try {
    return new Set([MANIFEST_NAME, ...parseShardManifest(text).map(({file}) => file)])
  } catch (error) {
    if (error instanceof FormatError || error instanceof UnsupportedError) return undefined
    throw error
  }
}

/** The shards that a manifest names. FormatError where it is not whole; UnsupportedError of a version that is not ours. */
export function parseShardManifest(text: string): ManifestShard[] {
  const {version, shards} = JSON.parse(text) as {version?: unknown; shards?: unknown}
  if (version !== MANIFEST_VERSION) {
    throw new UnsupportedError('UNKNOWN_CONTAINER', `its manifest is of version ${JSON.stringify(version)}, not 1`, 0)
  }
  if (!Array.isArray(shards) || shards.length === 0 || !shards.every(isShard)) {
    throw new FormatError(
      'BAD_MANIFEST',
      'its manifest does not tell of every shard the file, the slots and the keys',
      0,
    )
  }
  return shards
}

function isShard(shard: unknown): shard is ManifestShard {
  const {file, slots, keys} = (shard ?? {}) as Record<string, unknown>
  // A name that leads out of the folder is none of ours.
  const named = typeof file === 'string' && /^[\w-][\w.-]*$/.test(file)
  return named && Number.isSafeInteger(keys) && Array.isArray(slots) && slots.every(isRange)
}

function isRange(range: unknown): range is SlotRange {
  if (!Array.isArray(range) || range.length !== 2) return false
  const [first, last] = range
  return Number.isInteger(first) && Number.isInteger(last) && first >= 0 && first <= last && last < SLOT_COUNT
}
