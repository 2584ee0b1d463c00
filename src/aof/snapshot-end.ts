/**
 * Where the snapshot ends that a file of a log begins with, when it is damaged and does not tell: commands follow its end mark.
 *
 *   ... ff <checksum: 8 bytes>   [#TS:<seconds> CR LF]   *<n> CR LF ...
 */
import type {ByteRegion} from '../bytes/region.js'
import {OPCODE_EOF} from '../rdb/opcodes.js'
import {CommandSearch, type Judge} from './command-search.js'

const END_BYTES = 9
/** Longer than any line that says when. */
const LINE_BYTES_MAX = 32
const STAMP = /#TS:\d+\r\n$/
/** Values may hold commands, too: of so many places none is the end. */
const PLACES_MAX = 1000

/** The size of the file where no command is found behind it. */
export async function snapshotEnd(fd: number, region: ByteRegion, judge: Judge): Promise<number> {
  const {inputBytes} = region
  const search = new CommandSearch(fd, inputBytes, judge)
  let first = -1
  let at = await search.next(0)
  for (let places = 0; at >= 0 && places < PLACES_MAX; places++) {
    const line = lineBefore(region, at)
    if (byteAt(region, line - END_BYTES) === OPCODE_EOF) return line
    if (first < 0) first = line
    at = await search.next(at + 1)
  }
  // The mark is damaged as well.
  return first < 0 ? inputBytes : first
}

/** Where a line begins that says when what follows was written; else that place itself. */
function lineBefore(region: ByteRegion, at: number): number {
  const from = Math.max(at - LINE_BYTES_MAX, 0)
  const {bytes, start} = region.lend(from, at - from)
  const line = STAMP.exec(Buffer.from(bytes.subarray(start, start + at - from)).toString('latin1'))
  return line === null ? at : from + line.index
}

function byteAt(region: ByteRegion, offset: number): number | undefined {
  if (offset < 0) return undefined
  const {bytes, start} = region.lend(offset, 1)
  return bytes[start]
}
