/**
 * What a value takes, from what a reader knows that passes over values: how many elements it has, their bytes in all, and
 * the nodes of a list or stream. What its elements' sizes are is taken to be their mean.
 */
import {
  NODE_BYTES_MAX as STREAM_NODE_BYTES_MAX,
  NODE_ENTRIES_MAX as STREAM_NODE_ENTRIES_MAX,
} from '../../encoding/stream-node.js'
import type {Entry} from '../../keyspace/entry.js'
import {allocatedMean} from './jemalloc.js'
import {
  ELEMENT_BYTES_MAX,
  HASH_FIELDS_MAX,
  LISTPACK_BYTES,
  LISTPACK_ITEM,
  MEMBERS_MAX,
  SCORED_MAX,
  ZIPLIST_EXTRA,
} from './loaded.js'
import {type MemoryModel, stringSize} from './model.js'

/** list-max-listpack-size -2: a node ends before this. */
export const LIST_NODE_BYTES_MAX = 8192
/** The longest hash entry in one piece with its value (valkey 9.0 entry.c, EMBED_VALUE_MAX_ALLOC_SIZE). */
export const EMBEDDED_FIELD_MAX = 128
/** Encodings of one packed string; a list's are nodes of a quicklist. */
const PACKED: ReadonlySet<string> = new Set([
  'ziplist',
  'listpack',
  'intset',
  'zipmap',
  'listpackex',
  'listpackex-rc',
  'template-listpack',
  'template-listpack-ref',
])

/** Most scores are short numbers. */
const SCORE_BYTES = 5

/** Not rounded. `valueBytes` and `nodes` as in MemoryModel.estimate. */
export function valueFromSums(model: MemoryModel, entry: Entry, valueBytes: number, nodes: number): number {
  const {elements, encoding, type} = entry
  if (PACKED.has(encoding)) return packedValue(model, entry, valueBytes)
  const mean = elements > 0 ? valueBytes / elements : 0
  const packed = loadedPacked(model, entry, mean)
  if (packed > 0) return model.packed(packed)
  switch (type) {
    case 'list':
      return list(model, entry, valueBytes, nodes)
    case 'set':
      return model.set(elements, elements * meanString(model, mean))
    case 'zset':
      return model.zset(elements, elements * meanScored(model, mean))
    case 'hash':
      return model.hash(elements, elements * meanField(model, mean), 0)
    case 'stream': {
      const count = nodes < 0 ? Math.ceil(valueBytes / STREAM_NODE_BYTES_MAX) : nodes
      const full = Math.min(STREAM_NODE_BYTES_MAX, (STREAM_NODE_ENTRIES_MAX * valueBytes) / Math.max(1, elements))
      return model.stream(model.unseenTree(count), blobs(model, valueBytes, count, full))
    }
    default:
      return model.blob(valueBytes)
  }
}

/** Bytes of the packed string that a small table becomes when it is loaded, 0 where it is too large for that. */
function loadedPacked({layout}: MemoryModel, {type, elements}: Entry, mean: number): number {
  const fields = type === 'hash' ? 2 : 1
  const most = type === 'hash' ? HASH_FIELDS_MAX : type === 'zset' ? SCORED_MAX : layout.packedSets ? MEMBERS_MAX : 0
  if (!(type === 'hash' || type === 'zset' || type === 'set')) return 0
  if (elements > most || elements <= 0 || mean > fields * ELEMENT_BYTES_MAX) return 0
  const score = type === 'zset' ? SCORE_BYTES : 0
  return Math.ceil(LISTPACK_BYTES + elements * (mean + score + fields * LISTPACK_ITEM))
}

/** A list of strings, which whoever loads it packs. */
export function packedList(model: MemoryModel, itemBytes: number, elements: number): number {
  const bytes = itemBytes + LISTPACK_ITEM * elements
  return listOf(model, bytes, elements, Math.max(1, Math.ceil(bytes / LIST_NODE_BYTES_MAX)))
}

function packedValue(model: MemoryModel, {type, encoding}: Entry, valueBytes: number): number {
  const converted = encoding === 'ziplist' && !model.layout.ziplists ? valueBytes - ZIPLIST_EXTRA : valueBytes
  const blob = model.packed(converted)
  if (type === 'list') return model.list(1, blob, false)
  return encoding.startsWith('listpackex') ? model.withFieldExpiries(blob) : blob
}

function list(model: MemoryModel, {encoding, elements}: Entry, valueBytes: number, nodes: number): number {
  if (encoding === 'linkedlist') return packedList(model, valueBytes, elements)
  const count = nodes < 0 ? Math.max(1, Math.ceil(valueBytes / LIST_NODE_BYTES_MAX)) : nodes
  return listOf(model, valueBytes, elements, count)
}

/** A list of `nodes` nodes with `bytes` in all: an element more would have been too much for any but the last. */
function listOf(model: MemoryModel, bytes: number, elements: number, nodes: number): number {
  if (nodes === 0) return model.list(0, 0, false)
  const full = LIST_NODE_BYTES_MAX - bytes / Math.max(1, elements) / 2
  const plain = nodes === 1 && elements === 1 && bytes > LIST_NODE_BYTES_MAX
  return model.list(nodes, blobs(model, bytes, nodes, full), plain)
}

/** Nodes that are full of `full` bytes at most, and a last one. */
function blobs(model: MemoryModel, bytes: number, nodes: number, full: number): number {
  if (nodes < 2) return model.packed(bytes)
  const each = bytes / nodes
  // Nodes of another size: so the server was configured, or each is one large element.
  const most = each > full || each * nodes < full * (nodes - 1) ? each : full
  const last = bytes - most * (nodes - 1)
  return (nodes - 1) * model.packed(Math.ceil(most)) + model.packed(Math.ceil(last))
}

/** A string whose length is a mean. */
export function meanString(model: MemoryModel, mean: number): number {
  return Number.isInteger(mean) ? model.member(mean) : allocatedMean(stringSize(mean), model.layout.paged)
}

export function meanScored(model: MemoryModel, mean: number): number {
  return model.layout.embeddedScored ? model.scored(mean) : model.scored(mean, meanString(model, mean))
}

/** A field and its value whose lengths together are a mean: as if they were equal. */
export function meanField(model: MemoryModel, mean: number): number {
  if (!model.layout.embeddedFields) return 2 * meanString(model, mean / 2)
  const whole = stringSize(Math.min(mean, 20)) + 4 + Math.max(0, mean - 20)
  if (whole <= EMBEDDED_FIELD_MAX) return allocatedMean(whole)
  return allocatedMean(mean / 2 + 12) + meanString(model, mean / 2)
}
