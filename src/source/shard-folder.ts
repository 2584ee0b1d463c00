/**
 * A folder with the shards of a cluster, one file each, and a manifest: `sync --cluster` and `build --split-slots` write such.
 */
import {existsSync, readFileSync, statSync} from 'node:fs'
import {join} from 'node:path'
import {FormatError} from '../errors.js'
import {isManifest, MANIFEST_NAME, parseShardManifest} from '../keyspace/shard-manifest.js'
import {coverage, type SlotRange, uncoveredText} from '../keyspace/slots.js'

/** One source, of those that are read in place of a name. */
export interface NamedSource {
  name: string
  /** What it has keys of; absent where it may have any. */
  slots?: readonly SlotRange[] | undefined
}

/** The sources that names stand for: of such a folder, its files, by their slots. */
export function sourcesOf(names: readonly string[]): NamedSource[] {
  return names.flatMap(name => shardsIn(name) ?? [{name}])
}

/**
 * The files of such a folder; undefined where it is none. Throws FormatError where the manifest is not whole, does not cover
 * every slot once, or a file is not there.
 */
export function shardsIn(folder: string): NamedSource[] | undefined {
  const path = join(folder, MANIFEST_NAME)
  if (!existsSync(path) || !statSync(path).isFile()) return undefined
  const text = readFileSync(path, 'utf8')
  if (!isManifest(text)) return undefined
  const shards = parseShardManifest(text)
  const uncovered = uncoveredText(coverage(shards))
  if (uncovered !== undefined)
    throw new FormatError('BAD_MANIFEST', `of the slots, its manifest says that ${uncovered}`, 0)
  const lost = shards.filter(({file}) => !existsSync(join(folder, file))).map(({file}) => file)
  if (lost.length > 0)
    throw new FormatError('BAD_MANIFEST', `its manifest names what is not there: ${lost.join(', ')}`, 0)
  return shards.map(({file, slots}) => ({name: join(folder, file), slots}))
}
