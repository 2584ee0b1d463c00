/**
 * What lies behind a window's end is left from an earlier one, so anybody's who made the input: it must neither be
 * believed, nor lead the kernel out of its memory.
 */
import {expect, it} from 'vitest'
import {giveBackWindows, kernel, takeWindows} from '../../src/bytes/kernel.js'
import {type Entry, RdbReader, SKIP, type ValueVisitor} from '../../src/index.js'
import {PASSED_TYPES} from '../../src/rdb/passing.js'
import {distinct, REFUSED} from '../reading/fixtures.js'

const BEHIND = [
  [0x00],
  [0xff],
  [0x80, 0x7f, 0xff, 0xff, 0xff],
  [0x80, 0x7f, 0xfa, 0x00, 0x00],
  [0x80, 0x80, 0x00, 0x00, 0x00],
  [0x80, 0xff, 0xff, 0xff, 0xff],
  [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
  [0xc3, 0x80, 0x3f, 0xff, 0xff, 0xff],
  [0xc3, 0x01, 0x80, 0x3f, 0xff, 0xff, 0xff],
  [0x01],
  [0x10],
  // A count, then a string or a node's ID and a node that would end where no memory is.
  [0x01, 0x80, 0x7f, 0xff, 0xff, 0xff],
  [0x01, ...new Uint8Array(9), 0x80, 0x7f, 0xff, 0xff, 0xff],
  [0x10, ...new Uint8Array(16), 0x80, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
]
/** Larger fixtures have no other records, only more of them. */
const FIXTURE_BYTES_MAX = 64 * 1024
const RECORDS_MAX = 20
const BEHIND_BYTES = 48

/** From any of its bytes on, again and again. */
const behinds = BEHIND.flatMap(bytes => bytes.map((_, shift) => [bytes, shift] as const))

/** Where each of the first records begins and ends. */
async function recordsOf(bytes: Uint8Array): Promise<[start: number, end: number][]> {
  const records: [number, number][] = []
  const value: ValueVisitor = Object.assign(Object.create(SKIP), {
    end: ({offset, endOffset}: Entry) => {
      if (records.length < RECORDS_MAX) records.push([offset, endOffset])
    },
  })
  const reader = await RdbReader.open(bytes, {ignoreChecksum: true})
  await reader.run({entry: () => value})
  await reader.close()
  return records
}

it('passes over the same, whatever lies behind a window', async () => {
  const {bytes: memory, results, recordsPass} = kernel()
  const windows = takeWindows()!
  const {start} = windows[0]!
  /** How far it gets over a record that the window cuts, and how many keys it says to have passed. */
  const passed = (size: number, deep: number, behind: readonly number[], shift: number): string => {
    const from = start + size
    for (let p = from, i = shift; p < from + BEHIND_BYTES; p++, i++) memory[p] = behind[i % behind.length]!
    const reached = recordsPass(start, from, deep, PASSED_TYPES, 2 ** 31 - 1, 2 ** 31 - 1, 0, 1) - start
    return `${reached} bytes, ${results[1]} keys`
  }
  for (const {name, bytes} of distinct) {
    if (name === REFUSED || bytes.length > FIXTURE_BYTES_MAX) continue
    for (const [from, to] of await recordsOf(bytes)) {
      const record = bytes.subarray(from, Math.min(to + BEHIND_BYTES, bytes.length))
      for (let size = record.length; size > 0; size -= Math.ceil(size / 100)) {
        memory.set(record.subarray(0, size), start)
        for (const deep of [0, 1]) {
          const expected = passed(size, deep, [0], 0)
          for (const [behind, shift] of behinds) {
            const met = passed(size, deep, behind, shift)
            if (met !== expected) expect(met, `${name}, ${size} bytes from ${from} on, then ${behind}`).toBe(expected)
          }
        }
      }
    }
  }
  giveBackWindows(windows)
})
