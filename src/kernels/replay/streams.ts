/**
 * Streams that no group reads, as src/resident/stream-block.ts and stream-entries.ts keep them: XADD with an ID that the
 * log says, and with an exact MAXLEN or none.
 *
 *   block   <units> <entries: u32> <nodes: u32> <counts are our own: u32> <last ID: 16 bytes> <ID last deleted: 16 bytes>
 *           <entries ever added: u64> <ref of the node: u32>*
 *   node    <units> <end of the entries: u32> <entries: u32> <start of the entries: u32> <entries ever: u32> entry*
 *   entry   <ID: 16 bytes, big-endian> <bytes of all behind this> (<bytes of the string> string)*
 */
import {addressOf, free, HEAD_BYTES, isHere, isHuge, room, take} from './arena'
import {copy} from './bytes'
import {argument, argumentBytes, argumentEnd} from './frames'
import * as L from './layout'
import {integer, readInteger} from './numbers'
import * as P from './packed'
import {STREAM} from './strings'
import {add, payloadOf} from './table'

const ENTRIES: u32 = 4
const NODES: u32 = 8
const DERIVED: u32 = 12
const LAST_MS: u32 = 16
const LAST_SEQ: u32 = 24
const ENTRIES_ADDED: u32 = 48
const REFS: u32 = 56
const NODES_MAX: u32 = 10
const BLOCK_BYTES: u32 = REFS + 4 * NODES_MAX - HEAD_BYTES

const END: u32 = 4
const COUNT: u32 = 8
const START: u32 = 12
const EVER: u32 = 16
const DATA: u32 = 20
const NODE_HEAD_BYTES: u32 = DATA - HEAD_BYTES
const ID_BYTES: u32 = 16
/** As in src/resident/stream-entries.ts. */
const NODE_ENTRIES_MAX: u32 = 100
const NODE_BYTES_MAX: u32 = 4096
const NODE_BYTES_MIN: u32 = 244

/** `MAXLEN`, in capitals: four letters, then two. */
const MAXL: u32 = 0x4c58_414d
const EN: u32 = 0x4e45
const UPPER: u32 = 0xdfdf_dfdf
const EQUALS: u32 = 0x3d
const DASH: u32 = 0x2d

/** The ID that was read last. */
let ms: u64 = 0
let seq: u64 = 0

/** key [MAXLEN [=] threshold] ID field value [field value ...] */
export function xadd(database: u32, frame: u32): bool {
  const argc = load<u32>(frame, L.FRAME_ARGC)
  let arg: u32 = 2
  let most: i64 = -1
  if (argc > 5 && isMaxlen(frame, arg)) {
    arg++
    if (argumentBytes(frame, arg) == 1 && load<u8>(argument(frame, arg)) == EQUALS) arg++
    if (!readInteger(argument(frame, arg), argumentEnd(frame, arg)) || integer < 0) return false
    most = integer
    arg++
  }
  // What is left: the ID, then pairs.
  if (argc < arg + 3 || (argc - arg - 1) % 2 != 0) return false
  if (!readId(argument(frame, arg), argumentEnd(frame, arg))) return false
  const state = P.open(database, frame, STREAM)
  if (state == P.LEFT) return false
  if (state == P.OPEN ? !follows() || !isWhole(P.block) : (ms | seq) == 0) return false
  const body = bodyBytes(frame, arg + 1, argc)
  const size = ID_BYTES + lengthBytes(body) + body
  const needsNode = state == P.ABSENT || isFull(size)
  if (state == P.OPEN && needsNode && load<u32>(P.block, NODES) >= NODES_MAX) return false
  if (state == P.ABSENT) make(database, frame)
  putEntry(needsNode ? newNode(size) : widened(lastNode(), size), frame, arg + 1, argc, body, size)
  const entries = load<u32>(P.block, ENTRIES) + 1
  store<u32>(P.block, entries, ENTRIES)
  store<u64>(P.block, ms, LAST_MS)
  store<u64>(P.block, seq, LAST_SEQ)
  store<u64>(P.block, load<u64>(P.block, ENTRIES_ADDED) + 1, ENTRIES_ADDED)
  if (most >= 0 && (entries as i64) > most) dropFirst(entries - (most as u32))
  return true
}

// @ts-ignore: decorator
@inline
function isMaxlen(frame: u32, arg: u32): bool {
  if (argumentBytes(frame, arg) != 6) return false
  const at = argument(frame, arg)
  return (load<u32>(at) & UPPER) == MAXL && ((load<u16>(at, 4) as u32) & UPPER) == EN
}

/** Reads an ID of which both numbers are there. */
function readId(start: u32, end: u32): bool {
  let dash = start
  while (dash < end && load<u8>(dash) != DASH) dash++
  if (dash == start || dash + 1 >= end || !readInteger(start, dash)) return false
  ms = integer
  if (!readInteger(dash + 1, end) || integer < 0) return false
  seq = integer
  return true
}

/** Whether the ID is above all others of the stream. */
// @ts-ignore: decorator
@inline
function follows(): bool {
  const last = load<u64>(P.block, LAST_MS)
  return ms > last || (ms == last && seq > load<u64>(P.block, LAST_SEQ))
}

/** Whether all nodes are the kernel's to change. */
function isWhole(block: u32): bool {
  const nodes = load<u32>(block, NODES)
  for (let i: u32 = 0; i < nodes; i++) {
    const ref = load<u32>(block + (i << 2), REFS)
    if (!isHere(ref) || isHuge(addressOf(ref))) return false
  }
  return true
}

// @ts-ignore: decorator
@inline
function nodeAt(number: u32): u32 {
  return addressOf(load<u32>(P.block + (number << 2), REFS))
}

// @ts-ignore: decorator
@inline
function lastNode(): u32 {
  return nodeAt(load<u32>(P.block, NODES) - 1)
}

/** Whether there is no node, or the last one takes no entry of so many bytes. */
// @ts-ignore: decorator
@inline
function isFull(size: u32): bool {
  // Of a stream that was trimmed to nothing, none is left.
  if (load<u32>(P.block, NODES) == 0) return true
  const node = lastNode()
  return load<u32>(node, END) + size > NODE_BYTES_MAX || load<u32>(node, EVER) >= NODE_ENTRIES_MAX
}

/** Lengths of what is within a command take three bytes at most. */
// @ts-ignore: decorator
@inline
function lengthBytes(bytes: u32): u32 {
  return bytes < 0x80 ? 1 : bytes < 0x4000 ? 2 : 3
}

function putLength(at: u32, bytes: u32): u32 {
  let rest = bytes
  let p = at
  while (rest >= P.LENGTH_MORE) {
    store<u8>(p++, (rest & 0x7f) | P.LENGTH_MORE)
    rest >>>= 7
  }
  store<u8>(p++, rest)
  return p
}

function bodyBytes(frame: u32, first: u32, end: u32): u32 {
  let body: u32 = 0
  for (let i = first; i < end; i++) body += lengthBytes(argumentBytes(frame, i)) + argumentBytes(frame, i)
  return body
}

function make(database: u32, frame: u32): void {
  const hash = load<u32>(frame, L.FRAME_HASH)
  const record = add(database, hash, argument(frame, 1), argumentBytes(frame, 1), P.OWNER_BYTES, STREAM)
  const block = take(BLOCK_BYTES)
  memory.fill(block + HEAD_BYTES, 0, BLOCK_BYTES)
  store<u32>(block, 1, DERIVED)
  store<u64>(payloadOf(record), block >>> 4)
  P.setBlock(block)
}

function newNode(size: u32): u32 {
  const nodes = load<u32>(P.block, NODES)
  const node = take(max(NODE_HEAD_BYTES + size, NODE_BYTES_MIN))
  store<u64>(node, 0, END)
  store<u64>(node, 0, START)
  store<u32>(P.block + (nodes << 2), node >>> 4, REFS)
  store<u32>(P.block, nodes + 1, NODES)
  return node
}

/** The last node with room for an entry more. */
function widened(node: u32, size: u32): u32 {
  const used = load<u32>(node, END)
  if (NODE_HEAD_BYTES + used + size <= room(node)) return node
  const grown = take(min(NODE_HEAD_BYTES + (used + size) * 2, NODE_HEAD_BYTES + NODE_BYTES_MAX))
  copy(grown + HEAD_BYTES, node + HEAD_BYTES, NODE_HEAD_BYTES + used)
  free(node)
  store<u32>(P.block + ((load<u32>(P.block, NODES) - 1) << 2), grown >>> 4, REFS)
  return grown
}

function putEntry(node: u32, frame: u32, first: u32, end: u32, body: u32, size: u32): void {
  const at = load<u32>(node, END)
  let p = node + DATA + at
  store<u32>(node, at + size, END)
  store<u32>(node, load<u32>(node, COUNT) + 1, COUNT)
  store<u32>(node, load<u32>(node, EVER) + 1, EVER)
  store<u64>(p, bswap<u64>(ms))
  store<u64>(p, bswap<u64>(seq), 8)
  p = putLength(p + ID_BYTES, body)
  for (let i = first; i < end; i++) {
    const bytes = argumentBytes(frame, i)
    p = putLength(p, bytes)
    copy(p, argument(frame, i), bytes)
    p += bytes
  }
}

/** Removes entries from the front. */
function dropFirst(entries: u32): void {
  let left = entries
  let gone: u32 = 0
  const nodes = load<u32>(P.block, NODES)
  while (gone < nodes && left >= load<u32>(nodeAt(gone), COUNT)) {
    const node = nodeAt(gone++)
    left -= load<u32>(node, COUNT)
    free(node)
  }
  for (let i = gone; i < nodes; i++) store<u32>(P.block + ((i - gone) << 2), nodeAt(i) >>> 4, REFS)
  store<u32>(P.block, nodes - gone, NODES)
  store<u32>(P.block, load<u32>(P.block, ENTRIES) - entries, ENTRIES)
  if (left == 0) return
  const node = nodeAt(0)
  let place = load<u32>(node, START)
  for (let i: u32 = 0; i < left; i++) place = next(node, place)
  store<u32>(node, place, START)
  store<u32>(node, load<u32>(node, COUNT) - left, COUNT)
}

/** Where the entry behind the one at a place begins. */
function next(node: u32, place: u32): u32 {
  let p = node + DATA + place + ID_BYTES
  let body: u32 = 0
  for (let shift: u32 = 0; ; shift += 7) {
    const byte = load<u8>(p++) as u32
    body |= (byte & 0x7f) << shift
    if (byte < P.LENGTH_MORE) break
  }
  return p + body - node - DATA
}
