/**
 * Intsets as servers look at them, and what becomes of one that is too large
 * to stay one (redis 7.0 intset.c, t_set.c setTypeConvert).
 */
import {compareHalves, readUint32le} from '../../bytes/int64.js'
import type {LentBytes} from '../../bytes/lent.js'
import type {Effect} from './obstacles.js'
import {INTSET_MAX} from './value-load.js'

const HEADER_BYTES = 8

/** Whether its header fits its bytes, and (deeply) every member is greater than the one before. */
export function isIntsetSound({bytes, start, end}: LentBytes, deep: boolean): boolean {
  const size = end - start
  if (size < HEADER_BYTES) return false
  const width = readUint32le(bytes, start)
  const count = readUint32le(bytes, start + 4)
  if (width !== 2 && width !== 4 && width !== 8) return false
  if (HEADER_BYTES + count * width !== size || count === 0) return false
  if (!deep) return true
  for (let i = 1; i < count; i++) {
    if (compareAt(bytes, start + HEADER_BYTES + (i - 1) * width, width) >= 0) return false
  }
  return true
}

/** What happens where it has so many members that a server makes a table of it; undefined where all is well. */
export function unpackIntset({bytes, start, end}: LentBytes): Effect | undefined {
  if (end - start < HEADER_BYTES) return 'unsure'
  const stored = readUint32le(bytes, start)
  const width = stored === 8 || stored === 4 ? stored : 2
  const count = readUint32le(bytes, start + 4)
  if (count <= INTSET_MAX) return undefined
  const from = start + HEADER_BYTES
  if (from + count * width > end) return 'unsure'
  const members = new Set<string>()
  for (let i = 0, sorted = true; i < count; i++) {
    if (sorted && i > 0 && compareAt(bytes, from + (i - 1) * width, width) >= 0) {
      // Until here they are distinct for being sorted.
      for (let k = 0; k < i; k++) members.add(nameAt(bytes, from + k * width, width))
      sorted = false
    }
    if (sorted) continue
    const name = nameAt(bytes, from + i * width, width)
    if (members.has(name)) return 'crashes'
    members.add(name)
  }
  return undefined
}

/** The member at p against the one behind it. */
function compareAt(bytes: Uint8Array, p: number, width: number): number {
  return compareHalves(
    highAt(bytes, p, width),
    lowAt(bytes, p, width),
    highAt(bytes, p + width, width),
    lowAt(bytes, p + width, width),
  )
}

function highAt(bytes: Uint8Array, p: number, width: number): number {
  return width === 8 ? readUint32le(bytes, p + 4) | 0 : (lowAt(bytes, p, width) | 0) >> 31
}

function lowAt(bytes: Uint8Array, p: number, width: number): number {
  return width === 2 ? (((bytes[p]! | (bytes[p + 1]! << 8)) << 16) >> 16) >>> 0 : readUint32le(bytes, p)
}

function nameAt(bytes: Uint8Array, p: number, width: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + p, width).toString('latin1')
}
