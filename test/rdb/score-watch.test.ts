/** A score that is no number is found in a sorted set that is copied as it is stored, in whatever pieces it comes. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {isNoNumber} from '../../src/encoding/score.js'
import {ScoreWatch} from '../../src/rdb/value/score-watch.js'
import {f64, hex, len, lzfStr, str} from '../fixtures/builder.js'

const LONG = Buffer.alloc(20_000, 0x7f)

/** All that a member may be stored as, some full of bytes that a score would be no number with. */
const member = fc.oneof(
  fc.uint8Array({maxLength: 80}).map(bytes => str(Buffer.from(bytes))),
  fc.constantFrom(hex('c07f'), hex('c1ff7f'), hex('c2ffffff7f'), str(LONG), lzfStr(Buffer.alloc(30, 0xff), 900)),
  fc.constantFrom(hex('8000000003616263'), hex('810000000000000003616263')),
)
const score = fc.oneof(
  {arbitrary: fc.double(), weight: 1},
  {arbitrary: fc.double({noNaN: true}), weight: 20},
  {arbitrary: fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0), weight: 2},
)
const members = fc.array(fc.tuple(member, score), {maxLength: 30})

function stored(rows: readonly (readonly [Uint8Array, number])[]): Buffer {
  return Buffer.concat([len(rows.length), ...rows.flatMap(([name, value]) => [name, f64(value)])])
}

function found(bytes: Uint8Array, pieceBytes: number): boolean {
  const watch = new ScoreWatch()
  watch.begin()
  for (let at = 0; at < bytes.length; at += pieceBytes) watch.push(bytes, at, Math.min(at + pieceBytes, bytes.length))
  watch.end()
  return watch.found
}

describe('a score that is no number', () => {
  it.each([1, 2, 3, 7, 19, 27, 63, 64, 65, 100, 4096, 1 << 30])(
    'is found in pieces of %i bytes, and no other',
    piece => {
      const property = fc.property(members, rows => {
        expect(found(stored(rows), piece)).toBe(rows.some(([, value]) => Number.isNaN(value)))
      })
      fc.assert(property, {numRuns: 200})
    },
  )

  it('is whatever has an exponent of ones and a fraction', () => {
    for (const bits of [
      '000000000000f87f',
      '000000000000f8ff',
      '010000000000f07f',
      'ffffffffffffffff',
      '00000000010000f07f'.slice(2),
    ]) {
      const bytes = hex(bits)
      expect(isNoNumber(bytes, 0)).toBe(Number.isNaN(bytes.readDoubleLE(0)))
    }
    for (const value of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MAX_VALUE, -Number.MAX_VALUE]) {
      expect(isNoNumber(f64(value), 0)).toBe(false)
    }
  })
})
