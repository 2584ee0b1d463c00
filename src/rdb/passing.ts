/**
 * The quickest lane: records that need no look of their own are passed over and
 * added up by a kernel (src/kernels/records.ts), where the window lies in its
 * memory and somebody wants nothing but sums of them. Whatever the kernel
 * leaves is read the careful way, record by record.
 */
import type {ByteCursor} from '../bytes/cursor.js'
import {kernel} from '../bytes/kernel.js'
import type {Entry} from '../keyspace/entry.js'
import type {PassedEntries, Passer} from '../keyspace/passer.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import * as op from './opcodes.js'

/** Why the kernel stopped, as it numbers that. */
export const WINDOW_ENDS = 0
export const KEYS_FULL = 2

/** A record that has begun so far before the window's end is read with care, which can pass over what has not arrived. */
const BEGUN_BYTES_MAX = 64 * 1024

/** The numbers of one sum, in the kernel's order. */
const SUM_LENGTH = 5
/** Of a type, one for each encoding. */
const SUMS_OF_TYPE = 4
const INT32_MAX = 2 ** 31 - 1

const STRING_ENCODINGS = ['raw', 'int', 'lzf']

/** Types that every family numbers alike, and the kernel knows. */
const TYPES = [
  op.TYPE_LIST,
  op.TYPE_SET,
  op.TYPE_HASH,
  op.TYPE_ZSET_2,
  op.TYPE_LIST_ZIPLIST,
  op.TYPE_SET_INTSET,
  op.TYPE_ZSET_ZIPLIST,
  op.TYPE_HASH_ZIPLIST,
  op.TYPE_STREAM_LISTPACKS,
  op.TYPE_HASH_LISTPACK,
  op.TYPE_ZSET_LISTPACK,
  op.TYPE_LIST_QUICKLIST_2,
  op.TYPE_STREAM_LISTPACKS_2,
  op.TYPE_SET_LISTPACK,
  op.TYPE_STREAM_LISTPACKS_3,
]

/** A bit for each type that can be passed. */
export const PASSED_TYPES = TYPES.reduce((bits, type) => bits | (1 << type), 1 << op.TYPE_STRING)

interface Sum {
  /** Of its first number. */
  index: number
  passed: PassedEntries
}

const sums = sumsOf()

function sumsOf(): Sum[] {
  const names = op.typesOf('redis')
  const nothing = {db: 0, keys: 0, elements: 0, bytes: 0, expiring: 0, expired: 0}
  const strings = STRING_ENCODINGS.map((encoding, i) => ({
    index: i * SUM_LENGTH,
    passed: {type: 'string' as const, typeId: op.TYPE_STRING, encoding, ...nothing},
  }))
  const collections = TYPES.map(typeId => {
    const [type, encoding] = names[typeId]!
    return {index: typeId * SUMS_OF_TYPE * SUM_LENGTH, passed: {type, typeId, encoding, ...nothing}}
  })
  return [...strings, ...collections]
}

/**
 * Passes over what can be passed from a record's beginning on, committed. False: nothing can be, in this window. Throws
 * STARVED where a record goes on behind the window.
 */
export function passTogether(cursor: ByteCursor, entry: Entry, passer: Passer): boolean {
  const {bytes, results, passedKeys} = kernel()
  if (cursor.bytes !== bytes) return false
  for (;;) {
    const start = cursor.pos
    if (start >= cursor.end) return true
    const reached = pass(start, cursor.end, passer)
    const why = results[0]
    // Whoever is told what was passed may use the kernels, which leave other results.
    const kept = results[1]!
    if (reached > start) {
      cursor.pos = reached
      cursor.commit()
      passer.begin?.(entry, cursor.base + start)
      passer.records?.(entry.db, bytes, start, reached, cursor.summed)
      entry.endOffset = cursor.offset
      tell(entry.db, passer)
      passer.keys?.(entry.db, bytes, passedKeys, kept, cursor.base)
    }
    if (why === WINDOW_ENDS && cursor.end - reached < BEGUN_BYTES_MAX) cursor.awaitMore()
    if (why !== KEYS_FULL) return true
  }
}

/** The same for a visitor that takes records by itself. True where some were taken. */
export function takeTogether(cursor: ByteCursor, entry: Entry, visitor: EntryVisitor): boolean {
  if (cursor.bytes !== kernel().bytes) return false
  const {pos, end} = cursor
  for (;;) {
    const start = cursor.pos
    cursor.pos = start < end ? visitor.take!(entry.db, start, end, cursor.base) : start
    if (cursor.pos === start) break
    cursor.commit()
  }
  if (visitor.takeWaits === true && end - cursor.pos < BEGUN_BYTES_MAX) {
    entry.endOffset = cursor.offset
    cursor.awaitMore()
  }
  if (cursor.pos === pos) return false
  entry.endOffset = cursor.offset
  return true
}

function pass(start: number, end: number, {deep, types, bytesEnd, elementsEnd, nowMs, keys}: Passer): number {
  return kernel().recordsPass(
    start,
    end,
    deep ? 1 : 0,
    types & PASSED_TYPES,
    Math.min(bytesEnd, INT32_MAX),
    Math.min(elementsEnd, INT32_MAX),
    nowMs,
    keys === undefined ? 0 : 1,
  )
}

function tell(db: number, passer: Passer): void {
  const {passedSums} = kernel()
  for (const {index, passed} of sums) {
    const keys = passedSums[index]!
    if (keys === 0) continue
    passed.db = db
    passed.keys = keys
    passed.elements = passedSums[index + 1]!
    passed.bytes = passedSums[index + 2]!
    passed.expiring = passedSums[index + 3]!
    passed.expired = passedSums[index + 4]!
    passedSums.fill(0, index, index + SUM_LENGTH)
    passer.add(passed)
  }
}
