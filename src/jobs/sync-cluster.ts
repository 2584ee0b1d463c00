/**
 * sync --cluster: the snapshot of every shard, one file each, and a manifest that tells of all. They appear together, in a
 * folder that is given its name once all of them are there; of one host only one shard is fetched at a time, since each
 * costs it a fork.
 */
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {folderAt, openFolder, publishFolder, removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import {MANIFEST_NAME, SHARD_FOLDER} from '../keyspace/shard-manifest.js'
import type {SlotRange} from '../keyspace/slots.js'
import type {WireMessage} from '../replication/observer.js'
import {type ClusterNode, clusterShards, movedSlots, type Shard} from '../replication/topology.js'
import type {SyncEvent} from '../report/replica-log.js'
import {manifestJson} from '../report/sync-cluster.js'
import {formatAddress, type ServerAddress} from '../resp/address.js'
import {type Sync, type SyncOptions, sync} from './sync.js'

/** Hosts that are fetched from side by side: beyond it the disk that is written to is what everybody waits for. */
const HOSTS_MAX = 8

export interface ClusterSyncOptions extends Omit<SyncOptions, 'follow' | 'slots' | 'onEvent' | 'onMessage'> {
  /** Fetch from a replica of each shard where there is one, and from its master where that fails. */
  fromReplicas?: boolean | undefined
  /** What happens with the node of that address. */
  onEvent?: ((event: SyncEvent, node: string) => void) | undefined
  onMessage?: ((message: WireMessage, node: string) => void) | undefined
}

export interface FetchedShard {
  /** Within the folder. */
  file: string
  nodeId: string
  slots: readonly SlotRange[]
  sync: Sync
}

export interface ClusterSync {
  out: string
  shards: FetchedShard[]
  /** Slots that have another master than when we began: their keys may be missing, or be there twice. */
  moved: SlotRange[]
  seconds: number
}

/** Throws what keeps any shard from being fetched; then nothing stays behind. */
export async function syncCluster(
  seed: ServerAddress,
  out: string,
  options: ClusterSyncOptions = {},
): Promise<ClusterSync> {
  const started = performance.now()
  const force = options.force === true
  const place = folderAt(out)
  openFolder(place, force, SHARD_FOLDER)
  const shards = await clusterShards(seed, options.connectTimeoutMs, options.silenceMs)
  const folder = temporaryBeside(place)
  mkdirSync(folder)
  try {
    const fetched = await new Fetching(shards, folder, options).run()
    const moved = movedSlots(shards, await clusterShards(seed, options.connectTimeoutMs, options.silenceMs))
    const result = {out, shards: fetched, moved, seconds: (performance.now() - started) / 1000}
    const manifest = manifestJson(formatAddress(seed), result, Date.now())
    writeFileSync(join(folder, MANIFEST_NAME), `${JSON.stringify(manifest, undefined, 2)}\n`, {flush: true})
    publishFolder(folder, place, force, SHARD_FOLDER)
    return result
  } catch (error) {
    removeUnpublished(folder)
    throw error
  }
}

class Fetching {
  readonly #fetched: FetchedShard[] = []
  #failure: unknown
  readonly #ended = new AbortController()

  constructor(
    readonly shards: readonly Shard[],
    readonly folder: string,
    readonly options: ClusterSyncOptions,
  ) {}

  async run(): Promise<FetchedShard[]> {
    const hosts = new Map<string, Shard[]>()
    for (const shard of this.shards) {
      const {host} = this.#candidates(shard)[0]!.address
      hosts.set(host, [...(hosts.get(host) ?? []), shard])
    }
    const queue = [...hosts.values()]
    const workers = Array.from({length: Math.min(queue.length, HOSTS_MAX)}, () => this.#work(queue))
    await Promise.all(workers)
    if (this.#failure !== undefined) throw this.#failure
    return this.#fetched.sort((a, b) => a.slots[0]![0] - b.slots[0]![0])
  }

  /** Takes one host after another, and of each one shard after another. The first failure ends everybody's work. */
  async #work(queue: Shard[][]): Promise<void> {
    for (let shards = queue.shift(); shards !== undefined; shards = queue.shift()) {
      for (const shard of shards) {
        if (this.#failure !== undefined) return
        try {
          this.#fetched.push(await this.#fetch(shard))
        } catch (error) {
          this.#failure ??= error
          this.#ended.abort()
        }
      }
    }
  }

  #candidates({master, replicas}: Shard): ClusterNode[] {
    return this.options.fromReplicas === true ? [...replicas, master] : [master]
  }

  async #fetch(shard: Shard): Promise<FetchedShard> {
    const {slots} = shard
    const file = `shard-${String(slots[0]![0]).padStart(5, '0')}.rdb`
    const candidates = this.#candidates(shard)
    for (const [at, {id, address}] of candidates.entries()) {
      try {
        return {file, nodeId: id, slots, sync: await this.#sync(address, file, slots, at < candidates.length - 1)}
      } catch (error) {
        if (at === candidates.length - 1 || this.#ended.signal.aborted) throw error
      }
    }
    throw new Error('a shard has a master')
  }

  /** `passable`: another node has the same, so nothing is gained by waiting for this one. */
  async #sync(address: ServerAddress, file: string, slots: readonly SlotRange[], passable: boolean): Promise<Sync> {
    const {onEvent, onMessage, patienceMs, ...options} = this.options
    const node = formatAddress(address)
    return await sync(address, join(this.folder, file), {
      ...options,
      patienceMs: passable ? 0 : patienceMs,
      force: false,
      slots,
      signal: this.#ended.signal,
      onEvent: event => onEvent?.(event, node),
      ...(onMessage && {onMessage: message => onMessage(message, node)}),
    })
  }
}
