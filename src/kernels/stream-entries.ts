/**
 * The entries of a stream's nodes (src/encoding/stream-node.ts has their form), one after the other, for those who write
 * them down: openNode, then of each openEntry, nextField for every field and
 * closeEntry, or skipEntry; nodeSound at the end. A place is 0 in doubt.
 */
import {pass} from './listpack'
import {DELETED, SAME_FIELDS, beginItems, items, number, passItems, passNumber} from './streams'

const LISTPACK_HEADER_BYTES: i32 = 6
const COUNT_UNKNOWN: u32 = 0xffff

/** Entries of the stream that are not deleted, and the first of them. */
export let live: i64 = 0
export let firstMs: u64 = 0
export let firstSeq: u64 = 0

/** Of the entry opened last: its ID, how many fields it has, and where their names are, 0 where each is beside its value. */
export let entryMs: u64 = 0
export let entrySeq: u64 = 0
export let entryFields: i32 = 0
export let entryNames: i32 = 0
export let isDeleted: bool = false
export let fieldName: i32 = 0
export let fieldValue: i32 = 0
/** Where the name ends: its value may stand elsewhere. */
export let fieldNameEnd: i32 = 0

/** What every ID of the node is told from, and what its head announces. */
let nodeMs: u64 = 0
let nodeSeq: u64 = 0
let claimed: u32 = 0
let liveLeft: i64 = 0
let deletedLeft: i64 = 0
let names: i32 = 0
let nameCount: i64 = 0
let nextName: i32 = 0
/** Names and values that nextField has passed. */
let itemsPassed: i32 = 0

export function beginEntries(): void {
  live = 0
  firstMs = firstSeq = 0
}

/** Where the first entry of the node is that begins at `start` and ends at `last`, its end mark. */
export function openNode(ms: u64, seq: u64, start: i32, last: i32): i32 {
  claimed = load<u16>(start, 4)
  if (load<i32>(start) != last + 1 - start || load<u8>(last) != 0xff || claimed == COUNT_UNKNOWN) return 0
  nodeMs = ms
  nodeSeq = seq
  itemsPassed = 0
  beginItems()
  let p = passNumber(start + LISTPACK_HEADER_BYTES, last)
  liveLeft = number
  p = passNumber(p, last)
  deletedLeft = number
  names = passNumber(p, last)
  nameCount = number
  if (names == 0) return 0
  p = passNumber(passItems(names, nameCount, last), last)
  return p == 0 || number != 0 ? 0 : p
}

/** Where the fields are of the entry at `p`. */
export function openEntry(p: i32, last: i32): i32 {
  let at = passNumber(p, last)
  const flags = number
  at = passNumber(at, last)
  entryMs = nodeMs + (number as u64)
  at = passNumber(at, last)
  entrySeq = nodeSeq + (number as u64)
  if (at == 0 || flags < 0 || flags > (DELETED | SAME_FIELDS)) return 0
  const same = (flags & SAME_FIELDS) != 0
  if (!same) at = passNumber(at, last)
  const count = same ? nameCount : number
  if (at == 0 || count < 0 || count > ((last - at) as i64)) return 0
  entryNames = nextName = same ? names : 0
  entryFields = count as i32
  isDeleted = (flags & DELETED) != 0
  if (isDeleted) {
    deletedLeft--
    return at
  }
  liveLeft--
  if (live++ == 0) {
    firstMs = entryMs
    firstSeq = entrySeq
  }
  return at
}

/** Where the field behind the one at `p` is; leaves where its name and its value are. */
// @ts-ignore: decorator
@inline
export function nextField(p: i32, last: i32): i32 {
  let at = p
  if (entryNames == 0) {
    fieldName = at
    // Of names in the node's head the places have been looked at.
    at = at < last ? pass(at, last) : 0
    itemsPassed++
  } else {
    fieldName = nextName
    nextName = pass(nextName, last)
  }
  fieldNameEnd = entryNames == 0 ? at : nextName
  fieldValue = at
  itemsPassed++
  return at == 0 || at >= last ? 0 : pass(at, last)
}

/** Where the next entry is, of one whose fields begin at `p` and have not been passed. */
export function skipEntry(p: i32, last: i32): i32 {
  const fields = entryFields as i64
  return closeEntry(passItems(p, entryNames == 0 ? 2 * fields : fields, last), last)
}

/** Where the next entry is, of one whose fields end at `p`. */
// @ts-ignore: decorator
@inline
export function closeEntry(p: i32, last: i32): i32 {
  const at = passNumber(p, last)
  return number == (entryNames == 0 ? 2 * entryFields + 4 : entryFields + 3) ? at : 0
}

/** Whether a node that ends at `p` held what its head announced. */
export function nodeSound(p: i32, last: i32): bool {
  return p == last && items + itemsPassed == (claimed as i32) && liveLeft == 0 && deletedLeft == 0
}
