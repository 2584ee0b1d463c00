/** The kept part of a stream, beside all of it. */
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {Backlog} from '../../src/replication/backlog.js'

it('keeps the last bytes, whatever the pieces', () => {
  fc.assert(
    fc.property(
      fc.integer({min: 1, max: 50}),
      fc.integer({min: 0, max: 1000}),
      fc.array(fc.uint8Array({maxLength: 120}), {maxLength: 20}),
      (bytesMax, offset, pieces) => {
        const backlog = new Backlog(bytesMax, offset)
        let all = Buffer.alloc(0)
        for (const piece of pieces) {
          backlog.feed(piece)
          all = Buffer.concat([all, piece])
          expect(backlog.end).toBe(offset + all.length)
          expect(backlog.first).toBe(backlog.end - Math.min(all.length, bytesMax) + 1)
          for (let from = backlog.first; from <= backlog.end + 1; from++) {
            expect(backlog.holds(from)).toBe(true)
            expect(Buffer.from(backlog.read(from, bytesMax))).toEqual(all.subarray(from - offset - 1))
          }
          expect(backlog.holds(backlog.first - 1)).toBe(false)
          expect(backlog.holds(backlog.end + 2)).toBe(false)
        }
      },
    ),
  )
})
