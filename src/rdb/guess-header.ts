/**
 * Which version a file is of whose first bytes are damaged: by what is left of
 * them, else by the server that wrote it, whose name stands close behind.
 */
import type {ByteRegion} from '../bytes/region.js'
import {TARGETS} from './targets.js'
import {hasMagic, MAGIC_BYTES, magicText, parseMagic, type RdbHeader} from './versions.js'

/** Where a server says its version, if anywhere. */
const LOOKED_AT_BYTES = 4096
/** So many of the nine bytes must be as they were. */
const SAME_MIN = 6

export interface GuessedHeader {
  header: RdbHeader
  /** What stands there is no header. */
  isGuessed: boolean
}

/** What a file begins with, or began with; undefined: nothing says so. */
export function guessHeader(region: ByteRegion): GuessedHeader | undefined {
  const {bytes, start, end} = region.lend(0, Math.min(LOOKED_AT_BYTES, region.inputBytes))
  if (end - start < MAGIC_BYTES) return undefined
  try {
    if (hasMagic(bytes, start, end) === true) return {header: parseMagic(bytes, start, 0), isGuessed: false}
  } catch {
    // Its version is no number.
  }
  const written = Buffer.from(bytes.subarray(start, start + LOOKED_AT_BYTES)).toString('latin1')
  const header = byServer(written) ?? byRemains(written)
  return header === undefined ? undefined : {header, isGuessed: true}
}

/** `\xfa\x09redis-ver\x05 7.2.4`: its name, and its version as it was stored. */
function byServer(text: string): RdbHeader | undefined {
  const [, product, line] = /(redis|valkey)-ver.(\d+\.\d+)\./s.exec(text) ?? []
  const target = TARGETS.find(({name}) => name === `${product}-${line}`)
  return target === undefined ? undefined : {magic: magicOf(target.family), ...target}
}

function byRemains(text: string): RdbHeader | undefined {
  const headers = TARGETS.map(({family, rdbVersion}) => ({magic: magicOf(family), family, rdbVersion}))
  const same = headers.map(header => sameBytes(magicText(header), text))
  const most = Math.max(...same)
  // Of several that differ in their last digit nobody knows which it was: the newest reads what the others do.
  return most < SAME_MIN ? undefined : headers.filter((_, i) => same[i] === most).at(-1)
}

function magicOf(family: RdbHeader['family']): RdbHeader['magic'] {
  return family === 'valkey' ? 'VALKEY' : 'REDIS'
}

function sameBytes(a: string, b: string): number {
  return Array.from(a).filter((character, i) => character === b[i]).length
}
