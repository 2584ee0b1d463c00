/**
 * build --split-slots: any sources into one snapshot a shard of a cluster, and a manifest that tells of all. They appear
 * together, in a folder that is given its name once all of them are whole.
 *
 *   sources ──► one pass ──► shard-00000.rdb   keys of the slots 0-5460, and whatever stands beside the keys
 *                       ├──► shard-05461.rdb   5461-10922, the same beside them
 *                       └──► shard-10923.rdb   ...
 *                            manifest.json
 */
import {existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {FilePool} from '../bytes/file-pool.js'
import {MemoryTarget} from '../bytes/target.js'
import {folderAt, openFolder, publishFolder, removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import {UsageError} from '../errors.js'
import {parseClusterNodes} from '../keyspace/cluster-nodes.js'
import {MANIFEST_NAME, SHARD_FOLDER} from '../keyspace/shard-manifest.js'
import {evenSlots, formatSlots, type SlotRange} from '../keyspace/slots.js'
import {splitManifestJson} from '../report/build-split.js'
import {maskAddress} from '../resp/address.js'
import {type BuildOptions, type Built, buildInto} from './build.js'
import {refuseLosses} from './build-losses.js'
import {SlotRouter} from './build-router.js'

/** A shard that is to be. */
export interface ShardPlan {
  slots: readonly SlotRange[]
  /** Of the node that has them, where it is known. */
  nodeId?: string | undefined
}

export interface SplitPlan {
  /** By their lowest slot. */
  shards: readonly ShardPlan[]
  /** What says so, for messages. */
  name: string
  /** Slots that are moving between shards: they count as those of the one they still belong to. */
  migrating?: readonly number[] | undefined
  /** Nodes that are marked as failed, and still have slots. */
  failed?: readonly string[] | undefined
}

export interface BuildSplitOptions extends Omit<BuildOptions, 'stream' | 'logMark' | 'router'> {
  plan: SplitPlan
}

export interface BuiltShard extends ShardPlan {
  /** Within the folder. */
  file: string
  keys: number
  bytes: number
}

export interface BuiltSplit extends Built {
  shards: BuiltShard[]
}

/** The shards that a text means: a number of them, or a file that says which node of a cluster has which slots. */
export function splitPlan(text: string): SplitPlan {
  if (/^\d+$/.test(text)) {
    return {shards: evenSlots(Number(text)).map(range => ({slots: [range]})), name: `${text} shards`}
  }
  return {...parseClusterNodes(readFileSync(text, 'utf8'), text), name: text}
}

/**
 * Builds a file for each shard. UsageError where the shards do not cover every slot once, with the ranges, and the keys that
 * are in them; UnsupportedError where keys are in a database that a cluster of the target does not have.
 */
export async function buildSplit(names: readonly string[], options: BuildSplitOptions): Promise<BuiltSplit> {
  const {plan, force = false} = options
  const out = options.out.replace(/(?<=.)\/+$/, '')
  for (const name of names) refuseSame(name, out)
  const router = new SlotRouter(plan.shards, plan.name)
  const place = folderAt(out)
  openFolder(place, force, SHARD_FOLDER)
  // What is in slots that no shard has is counted; nothing is written.
  if (!router.isWhole) await buildInto(new MemoryTarget(), names, {...options, router})
  const folder = temporaryBeside(place)
  mkdirSync(folder)
  try {
    const built = await writeShards(folder, names, {...options, out}, router)
    const manifest = JSON.stringify(splitManifestJson(names.map(maskAddress), built, Date.now()), undefined, 2)
    writeFileSync(join(folder, MANIFEST_NAME), `${manifest}\n`, {flush: true})
    publishFolder(folder, place, force, SHARD_FOLDER)
    return built
  } catch (error) {
    removeUnpublished(folder)
    throw error
  }
}

async function writeShards(
  folder: string,
  names: readonly string[],
  options: BuildSplitOptions,
  router: SlotRouter,
): Promise<BuiltSplit> {
  const {shards, migrating = [], failed = []} = options.plan
  const pool = new FilePool()
  const fileNames = shards.map(({slots}) => `shard-${String(slots[0]![0]).padStart(5, '0')}.rdb`)
  const files = fileNames.map(name => pool.create(join(folder, name)))
  try {
    const built = await buildInto(files, names, {...options, router})
    refuseLosses(built, options)
    for (const file of files) await file.finish()
    const written = shards.map((shard, at) => ({
      ...{file: fileNames[at]!, ...shard},
      ...{keys: built.shardKeys![at]!, bytes: files[at]!.bytes},
    }))
    if (migrating.length > 0) built.warnings.push(movingWarning(migrating, options.plan.name))
    if (failed.length > 0) built.warnings.push(failedWarning(failed, options.plan.name))
    return {...built, shards: written}
  } finally {
    for (const file of files) await file.abandon()
  }
}

/** What gives way to the result must not be what it is made of. */
function refuseSame(name: string, out: string): void {
  if (!existsSync(name) || !existsSync(out)) return
  const [source, target] = [realpathSync(name), realpathSync(out)]
  if (source !== target && !source.startsWith(`${target}/`)) return
  throw new UsageError(`${out} is what is read: give another folder, and remove this one once that is there`)
}

function movingWarning(migrating: readonly number[], source: string): Built['warnings'][number] {
  const ranges = formatSlots(migrating.map(slot => [slot, slot] as const))
  const text = `slots that are moving count as those of the node that they still belong to: ${ranges}`
  return {code: 'SLOTS_MOVING', severity: 'warning', offset: 0, text, source}
}

function failedWarning(failed: readonly string[], source: string): Built['warnings'][number] {
  const text = `masters that are marked as failed count as those of their slots: ${failed.join(', ')}`
  return {code: 'NODE_FAILED', severity: 'warning', offset: 0, text, source}
}
