/**
 * Records for servers that have ziplists in the place of listpacks: a kernel writes them, many in one call
 * (src/kernels/older-records.ts), with the bytes that the writers in `value` would make. Whatever it leaves is for those.
 */
import {kernel} from '../bytes/kernel.js'
import * as op from './opcodes.js'
import {PASSED_TYPES} from './passing.js'
import type {Policy} from './policy.js'

/** Why the kernel stopped, as it numbers that. */
const WINDOW_ENDS = 0

const CONVERTED = [op.TYPE_HASH_LISTPACK, op.TYPE_ZSET_LISTPACK, op.TYPE_LIST_QUICKLIST_2]
const CONVERTED_TYPES = CONVERTED.reduce((bits, type) => bits | (1 << type), 0)

/** A bit for each type below 32 whose records the kernel converts for a target of this policy. */
export function convertedTypes({packed, legacyIntegers, quicklist}: Policy): number {
  return packed === 'ziplist' && !legacyIntegers && quicklist === 'ziplists' ? CONVERTED_TYPES : 0
}

/** What became of the records that were looked at. */
export class OlderRecords {
  /** A bit for each type that goes as it is stored, or may be converted. */
  copied = 0
  converted = 0
  /** Where the bytes made lie, in the kernels' memory. */
  start = 0
  end = 0
  keys = 0
  expiring = 0
  /** The first record that was left goes on behind the window. */
  goesOn = false

  constructor(readonly compress: boolean) {}

  /** Writes records of [start, end) in the kernels' memory, from the first on that it knows; returns where the first lies that it leaves. */
  write(start: number, end: number): number {
    const {results, textArea, recordsForOlder} = kernel()
    const reached = recordsForOlder(start, end, this.copied & PASSED_TYPES, this.converted, this.compress ? 1 : 0)
    this.start = textArea.start
    this.end = textArea.start + results[0]!
    this.keys = results[1]!
    this.expiring = results[2]!
    this.goesOn = results[3] === WINDOW_ENDS
    return reached
  }
}
