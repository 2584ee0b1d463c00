/** Strings of an RDB file as arguments of a command: `$<bytes>\r\n<bytes>\r\n`. */
import {ALL_READ, lzfDecode, lzfReached} from './lzf'
import {INT, LZF, loadEncoded} from './strings'
import {bulkInteger, copyAny, writeBulkHead} from './text'

export const CRLF: u16 = 0x0a0d

// @ts-ignore: decorator
@inline
export function bulk(from: i32, bytes: i32, to: i32): i32 {
  const at = copyAny(from, from + bytes, writeBulkHead(bytes, to))
  store<u16>(at, CRLF)
  return at + 2
}

/** A string as passString told of it, whose stored bytes end at `end`; 0 where it is not what was promised. */
// @ts-ignore: decorator
@inline
export function bulkStored(stored: i32, payload: i32, made: i32, end: i32, to: i32): i32 {
  if (stored == INT) return bulkInteger(loadEncoded(payload, end - payload), to)
  return stored == LZF ? bulkUnpacked(payload, end, made, to) : bulk(payload, made, to)
}

/** 0 where it is not what was promised. */
function bulkUnpacked(from: i32, end: i32, bytes: i32, to: i32): i32 {
  if (bytes == 0) return 0
  const at = writeBulkHead(bytes, to)
  if (lzfDecode(from, end, at, at + bytes, at) != ALL_READ || lzfReached() != at + bytes) return 0
  store<u16>(at + bytes, CRLF)
  return at + bytes + 2
}
