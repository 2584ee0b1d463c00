/**
 * Values whose last byte says whether it is the end of what they say they are:
 * damage that began in one of them would have been found.
 */
import {readUint32le} from '../bytes/int64.js'
import type {ByteRegion} from '../bytes/region.js'
import * as op from './opcodes.js'

const SEALED: ReadonlySet<number> = new Set([
  op.TYPE_HASH_ZIPMAP,
  op.TYPE_LIST_ZIPLIST,
  op.TYPE_ZSET_ZIPLIST,
  op.TYPE_HASH_ZIPLIST,
  op.TYPE_LIST_QUICKLIST,
  op.TYPE_HASH_LISTPACK,
  op.TYPE_ZSET_LISTPACK,
  op.TYPE_SET_LISTPACK,
  op.TYPE_HASH_LISTPACK_EX_PRE_GA,
  op.TYPE_HASH_LISTPACK_EX,
])

/** These say how long they are in their first four bytes, within a string that says so as well. */
const SIZED: ReadonlySet<number> = new Set([
  op.TYPE_LIST_ZIPLIST,
  op.TYPE_ZSET_ZIPLIST,
  op.TYPE_HASH_ZIPLIST,
  op.TYPE_HASH_LISTPACK,
  op.TYPE_ZSET_LISTPACK,
  op.TYPE_SET_LISTPACK,
])
const SIZE_BYTES = 4

/** Whether a value says twice how long it is, whatever it holds: chance does not make such. */
export function isSizedTwice(region: ByteRegion, typeId: number, valueOffset: number): boolean {
  if (!SIZED.has(typeId)) return false
  const {bytes, start, end} = region.lend(valueOffset, 5 + SIZE_BYTES)
  const first = bytes[start] ?? 0xff
  const head = first < 0x40 ? 1 : first < 0x80 ? 2 : 5
  if (first > 0x80 || end - start < head + SIZE_BYTES) return false
  let length = head === 5 ? 0 : first & 0x3f
  for (let i = 1; i < head; i++) length = length * 256 + bytes[start + i]!
  return readUint32le(bytes, start + head) === length
}

/** Whether a sound value of this type has sound last bytes too. */
export function isSealed(typeId: number): boolean {
  return SEALED.has(typeId)
}
