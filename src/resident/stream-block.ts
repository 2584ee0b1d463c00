/**
 * A stream that no group reads and no producer has told its name: all that is known of it beside its nodes, in a block.
 * So the replay kernel finds it (src/kernels/replay/streams.ts).
 *
 *   block   <entries: u32> <nodes: u32> <counts are our own: u32> <last ID> <ID last deleted> <entries ever added>
 *           <ref of the node: u32>*                                        numbers of 64 bits: low half, then high
 */
import {type Halves, type Int64, splitInt64, unsignedInt64} from '../bytes/int64.js'
import type {StreamId} from '../encoding/stream-id.js'
import {type Arena, HEAD_BYTES, placeOf} from './arena.js'
import type {StreamValue} from './stream.js'

// Words of the block, its head included.
const ENTRIES = 1
const NODES = 2
const DERIVED = 3
const LAST_ID = 4
const MAX_DELETED_ID = 8
const ENTRIES_ADDED = 12
const REFS = 14
/** So that the block has 96 bytes. */
const NODES_MAX = 10
const BLOCK_BYTES = 4 * (REFS + NODES_MAX) - HEAD_BYTES

const halves: Halves = {high: 0, low: 0}

/** The words of a block, and the first of them. */
function wordsOf(arena: Arena, block: number): [words: Int32Array, first: number] {
  return [arena.chunk(block).words, placeOf(block) >>> 2]
}

function putId(words: Int32Array, at: number, {msHigh, msLow, seqHigh, seqLow}: StreamId): void {
  words[at] = msLow
  words[at + 1] = msHigh
  words[at + 2] = seqLow
  words[at + 3] = seqHigh
}

function readId(words: Int32Array, at: number, into: StreamId): void {
  into.msLow = words[at]! >>> 0
  into.msHigh = words[at + 1]! >>> 0
  into.seqLow = words[at + 2]! >>> 0
  into.seqHigh = words[at + 3]! >>> 0
}

function readInteger(words: Int32Array, at: number): Int64 {
  return unsignedInt64(words[at + 1]! >>> 0, words[at]! >>> 0)
}

/** Leaves a stream in its block and returns that; 0 where it has more than fits. */
export function putStream(stream: StreamValue): number {
  const {entries, arena, entriesAdded} = stream
  const {refs} = entries
  if (!stream.isPlain || refs.length === 0 || refs.length > NODES_MAX || entriesAdded < 0) return 0
  if (stream.block === 0) stream.block = arena.take(BLOCK_BYTES)
  const [words, at] = wordsOf(arena, stream.block)
  words[at + ENTRIES] = entries.size
  words[at + NODES] = refs.length
  words[at + DERIVED] = stream.derived ? 1 : 0
  putId(words, at + LAST_ID, stream.lastId)
  putId(words, at + MAX_DELETED_ID, stream.maxDeletedId)
  splitInt64(entriesAdded, halves)
  words[at + ENTRIES_ADDED] = halves.low
  words[at + ENTRIES_ADDED + 1] = halves.high
  for (const [i, ref] of refs.entries()) words[at + REFS + i] = ref
  return stream.block
}

/** Reads a stream that has nothing yet out of a block, which is its own from then on. */
export function readStream(stream: StreamValue, block: number): void {
  const [words, at] = wordsOf(stream.arena, block)
  stream.block = block
  stream.derived = words[at + DERIVED] !== 0
  readId(words, at + LAST_ID, stream.lastId)
  readId(words, at + MAX_DELETED_ID, stream.maxDeletedId)
  stream.entriesAdded = readInteger(words, at + ENTRIES_ADDED)
  const refs = Array.from({length: words[at + NODES]!}, (_, i) => words[at + REFS + i]! >>> 0)
  stream.entries.adopt(refs, words[at + ENTRIES]!)
}

/** While the arena moves its blocks: moves that of a stream, and the nodes that it names. */
export function moveStream(arena: Arena, block: number): number {
  const moved = arena.move(block)
  const [words, at] = wordsOf(arena, moved)
  for (let i = 0; i < words[at + NODES]!; i++) words[at + REFS + i] = arena.move(words[at + REFS + i]! >>> 0)
  return moved
}
