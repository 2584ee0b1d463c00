/** Passes over the strings that hold packed nodes. */
import {lzfDecode, lzfHead, lzfReached} from './lzf'
import {LZF_SLOT_0, LZF_SLOT_BYTES} from './memory'
import {INT, RAW, made, passString, payload, stored, windowEnd} from './strings'

/** A blob shorter than this holds nothing. */
const BLOB_BYTES_MIN: i32 = 7

/** The blob passed last: all of it where it was to be verified, otherwise ten bytes at least, if it has them. */
export let blob: i32 = 0
/** Decompressed. */
export let blobBytes: i32 = 0

/** Where a string ends that is a blob: 0 in doubt, behind the window's end where it has not arrived. */
export function passBlob(p: i32, deep: bool): i32 {
  const end = passString(p)
  if (end == 0 || end > windowEnd) return end
  if (stored == INT || made < BLOB_BYTES_MIN) return 0
  blobBytes = made
  if (stored == RAW) {
    blob = payload
  } else if (deep) {
    if (made > LZF_SLOT_BYTES || !unpack(end)) return 0
    blob = LZF_SLOT_0
  } else {
    blob = lzfHead(payload, end)
    if (blob == 0) return 0
  }
  return end
}

/** Decompresses the string passed last, which ends at `end`, to LZF_SLOT_0; false where it is wrong. */
// @ts-ignore: decorator
@inline
export function unpack(end: i32): bool {
  const slotEnd = LZF_SLOT_0 + made
  return lzfDecode(payload, end, LZF_SLOT_0, slotEnd, LZF_SLOT_0) == 0 && lzfReached() == slotEnd
}
