/**
 * What a server will do with a snapshot, put together from what its load meets.
 */
import {type ByteSource, MemorySource} from '../../bytes/source.js'
import {KEY_INDEX_BYTES, KeyIndex} from '../../keyspace/key-index.js'
import {loaderOf} from '../../rdb/loaders.js'
import type {Effect, Obstacle} from './obstacles.js'
import {type LoadCounts, PredictedLoad} from './predicted-load.js'

/**
 * `loads`: all of it. `skips`: it loads, and leaves keys out. `refuses`: it does not start. `crashes`: neither, and not in
 * good order. `hangs`: it neither starts nor ends. `unsure`: what it does hangs on memory that the file does not tell of.
 */
export type LoadVerdict = 'loads' | Effect

/** What is not looked at, though the server does. */
export type Unseen = 'functions' | 'scripts' | 'commands' | 'behind damage'

export interface LoadPrediction {
  /** As it was asked for: `redis-7.2`. */
  target: string
  verdict: LoadVerdict
  /** How its loader works was compared with a real server; else it is as the format's description has it. */
  proved: boolean
  /** Keys by what becomes of them, those behind what ends the load included, as far as they can be found. */
  keys: LoadCounts
  /** The one that ends the load first. */
  obstacles: Obstacle[]
  unseen: Unseen[]
}

export interface PredictOptions {
  /** The snapshot is the base of a log: nothing expires while it is loaded. */
  isBase?: boolean | undefined
  /** What expiries are compared with, in milliseconds since 1970; now unless told. */
  nowMs?: number | undefined
  /** Bytes of memory for keys, and elements of one collection, that are too many to be compared exactly; more goes to a file. */
  memoryBytes?: number | undefined
}

/** Of the memory, what the keys get; elements of huge collections get the rest. */
const KEYS_SHARE = 0.75

/** Where keys and elements go that are too many. */
export class LoadIndexes {
  readonly keys: KeyIndex
  readonly elements: KeyIndex

  constructor(memoryBytes = KEY_INDEX_BYTES) {
    this.keys = new KeyIndex({memoryBytes: Math.floor(memoryBytes * KEYS_SHARE)})
    this.elements = new KeyIndex({memoryBytes: Math.floor(memoryBytes * (1 - KEYS_SHARE))})
  }

  /** Removes temporary files. */
  close(): void {
    this.keys.close()
    this.elements.close()
  }
}

/**
 * What the server of that name (TARGETS) does when it starts from a snapshot, in its default configuration. UsageError for
 * another name; input/output errors pass through. The source is read as far as the server would, and is not closed.
 */
export async function predictLoad(
  source: ByteSource | Uint8Array,
  target: string,
  {isBase, nowMs, memoryBytes}: PredictOptions = {},
): Promise<LoadPrediction> {
  const input = source instanceof Uint8Array ? new MemorySource(source) : source
  const indexes = new LoadIndexes(memoryBytes)
  try {
    const load = new PredictedLoad(loaderOf(target), {inputBytes: input.inputBytes, isBase, nowMs, ...both(indexes)})
    while (!load.done) {
      const window = await input.read()
      if (window === undefined) load.finish()
      else load.take(window)
    }
    return await predictionOf(load, indexes)
  } finally {
    indexes.close()
  }
}

function both({keys, elements}: LoadIndexes): Pick<LoadIndexes, 'keys' | 'elements'> {
  return {keys, elements}
}

/** What a load that is done comes to. */
export async function predictionOf(load: PredictedLoad, {keys, elements}: LoadIndexes): Promise<LoadPrediction> {
  const {obstacles, loader, counts} = load
  for await (const {offsets} of keys.duplicates()) {
    obstacles.addAt('crashes', 'DUPLICATE_KEY', 'a key is there twice', '', {offset: offsets[1]!})
  }
  for await (const {offsets} of elements.duplicates()) {
    obstacles.addAt('refuses', 'DUPLICATE_ELEMENT', 'an element is there twice', '', {offset: offsets[1]!})
  }
  const all = obstacles.all()
  const unseen: Unseen[] = []
  if (load.scripts > 0) unseen.push(loader.luaScripts ? 'scripts' : 'functions')
  if (!load.ended) unseen.push('behind damage')
  const verdict = obstacles.ending?.effect ?? (all.length > 0 ? 'skips' : 'loads')
  const {name} = loader.target
  return {target: name, verdict, proved: loader.proved, keys: {...counts}, obstacles: all, unseen}
}
