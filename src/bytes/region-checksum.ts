/** The checksum of a file of which bytes may be read anew. */
import {Crc64} from './crc64.js'
import type {ByteRegion} from './region.js'

const CHECKSUM_BYTES = 8
const CRC_PORTION_BYTES = 1024 * 1024

/** Whether the checksum that stands at `end - 8` is that of all before it. */
export function isSummed(region: ByteRegion, at: number, end: number): boolean {
  if (end > region.inputBytes || end === at) return false
  const sum = new Crc64()
  for (let from = 0; from < at; ) {
    const {bytes, start, end: lentEnd} = region.lend(from, Math.min(CRC_PORTION_BYTES, at - from))
    const until = Math.min(lentEnd, start + at - from)
    sum.update(bytes, start, until)
    from += until - start
  }
  const {bytes, start} = region.lend(at, CHECKSUM_BYTES)
  return sum.equals(bytes, start)
}
