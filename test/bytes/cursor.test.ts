/** The window: reads, starvation, rewinding, long elements, skipping what has not arrived, and the checksum of it all. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ByteCursor, STARVED} from '../../src/bytes/cursor.js'
import {FormatError, LimitError} from '../../src/errors.js'
import {crc64} from '../fixtures/builder.js'
import {withLimits} from '../reading/pieces.js'
import {noise} from './samples.js'

/** A cursor over one window, with room in front. */
function over(bytes: readonly number[], headroom = 0, inputBytes = Number.POSITIVE_INFINITY): ByteCursor {
  const cursor = new ByteCursor(inputBytes)
  feed(cursor, bytes, headroom)
  return cursor
}

function feed(cursor: ByteCursor, bytes: ArrayLike<number>, headroom = 0): void {
  const window = new Uint8Array(headroom + bytes.length).fill(0xee)
  window.set(Array.from(bytes), headroom)
  cursor.refill(window, headroom, headroom + bytes.length)
}

const hexOf = (cursor: ByteCursor): string => cursor.checksum().hex()
const expectedCrc = (bytes: Uint8Array): string => crc64(bytes).toString(16).padStart(16, '0')

describe('reads', () => {
  it('numbers of every width and order', () => {
    const cursor = over([1, 2, 3, 0x12, 0x34, 0x56, 0x78, 0x12, 0x34, 0x56, 0x78, 0xff])
    expect(cursor.u8()).toBe(1)
    expect(cursor.u16le()).toBe(0x0302)
    expect(cursor.u32be()).toBe(0x12345678)
    expect(cursor.u32le()).toBe(0x78563412)
    expect(cursor.peek()).toBe(0xff)
    expect(cursor.u8()).toBe(0xff)
    expect(() => cursor.u8()).toThrow(STARVED)
  })

  it('unsigned at the top', () => {
    expect(over([0xff, 0xff, 0xff, 0xff]).u32be()).toBe(0xffff_ffff)
    expect(over([0xff, 0xff, 0xff, 0xff]).u32le()).toBe(0xffff_ffff)
  })

  it.each(['u16le', 'u32be', 'u32le'] as const)('starve before the end: %s takes nothing', name => {
    const cursor = over([7])
    expect(() => cursor[name]()).toThrow(STARVED)
    expect(cursor.pos).toBe(0)
  })

  it('some takes what there is', () => {
    const cursor = over([1, 2, 3])
    expect(cursor.some(2)).toBe(2)
    expect(cursor.some(10)).toBe(1)
    expect(() => cursor.some(1)).toThrow(STARVED)
  })
})

describe('refill', () => {
  it.each([0, 3, 4, 5, 100])('keeps what is not committed, with headroom of %i', headroom => {
    const cursor = over([1, 2, 3, 4, 5, 6], 0)
    cursor.take(2)
    cursor.commit()
    cursor.take(3)
    cursor.rewind()
    feed(cursor, [7, 8], headroom)
    expect(cursor.offset).toBe(2)
    expect(Array.from({length: 6}, () => cursor.u8())).toEqual([3, 4, 5, 6, 7, 8])
    expect(cursor.offset).toBe(8)
  })

  it('discards what was passed over, window after window', () => {
    const cursor = over([1, 2], 4)
    cursor.skip(10)
    cursor.commit()
    for (const window of [
      [3, 4, 5],
      [6, 7, 8],
      [9, 10, 11, 12],
    ]) {
      expect(() => cursor.u8()).toThrow(STARVED)
      cursor.rewind()
      feed(cursor, window, 4)
    }
    expect(cursor.offset).toBe(10)
    expect(cursor.u8()).toBe(11)
  })

  it('arrive waits for the end of what was passed over', () => {
    const cursor = over([1, 2, 3], 4)
    cursor.skip(5)
    expect(() => cursor.arrive()).toThrow(STARVED)
    cursor.rewind()
    feed(cursor, [4, 5, 6], 4)
    cursor.arrive()
    expect(cursor.offset).toBe(5)
    expect(cursor.u8()).toBe(6)
  })

  it('joins any cut of any bytes, read in any portions', () => {
    const portions = fc.array(fc.integer({min: 1, max: 40}), {minLength: 1, maxLength: 30})
    const property = fc.property(portions, portions, fc.constantFrom(0, 8, 64), (windows, takes, headroom) => {
      const bytes = noise(600, windows.length * 31 + takes.length)
      const cursor = new ByteCursor()
      const seen: number[] = []
      let fed = 0
      for (let turn = 0; seen.length < 500; ) {
        const wanted = takes[turn % takes.length]!
        try {
          const start = cursor.take(wanted)
          seen.push(...cursor.bytes.subarray(start, start + wanted))
          cursor.commit()
          turn++
        } catch (error) {
          if (error !== STARVED) throw error
          cursor.rewind()
          const window = windows[fed % windows.length]!
          feed(cursor, bytes.subarray(fed, fed + window), headroom)
          fed += window
        }
      }
      expect(seen).toEqual(Array.from(bytes.subarray(0, seen.length)))
      expect(cursor.offset).toBe(seen.length)
      expect(hexOf(cursor)).toBe(expectedCrc(bytes.subarray(0, seen.length)))
    })
    fc.assert(property, {numRuns: 300})
  })

  it('sums what was skipped as well as what was read', () => {
    const bytes = noise(500, 9)
    const cursor = new ByteCursor(500)
    let fed = 0
    const more = (): void => {
      cursor.rewind()
      feed(cursor, bytes.subarray(fed, fed + 37), 16)
      fed += 37
    }
    more()
    for (let at = 0; at < 480; at += 40) {
      cursor.skip(40)
      cursor.commit()
      while (cursor.pos > cursor.end) more()
    }
    expect(hexOf(cursor)).toBe(expectedCrc(bytes.subarray(0, 480)))
  })

  it('gives a large buffer back once it is no longer needed', () => {
    const cursor = new ByteCursor()
    const window = new Uint8Array(3 * 1024 * 1024)
    for (let i = 0; i < 3; i++) cursor.refill(window, 0, window.length)
    expect(cursor.end).toBe(9 * 1024 * 1024)
    cursor.skip(cursor.end)
    cursor.commit()
    feed(cursor, [1, 2, 3], 8)
    expect(cursor.bytes.length).toBe(11)
    cursor.refill(new Uint8Array(16), 0, 16)
    expect(cursor.bytes.length).toBeLessThan(1024 * 1024)
  })
})

describe('the end', () => {
  it('is known beforehand: nothing that cannot come is waited for', () => {
    for (const read of [(c: ByteCursor) => c.take(4), (c: ByteCursor) => c.skip(4), (c: ByteCursor) => c.skipTo(4)]) {
      const cursor = over([1, 2], 0, 3)
      expect(() => read(cursor)).toThrow(FormatError)
      try {
        read(cursor)
      } catch (error) {
        expect(error).toMatchObject({code: 'TRUNCATED', offset: 3})
      }
    }
    const exact = over([1, 2], 0, 3)
    exact.skip(3)
    expect(exact.bytesLeftMax).toBe(0)
  })

  it('is met when no window follows', () => {
    const cursor = over([1, 2])
    cursor.finish()
    expect(() => cursor.take(5)).toThrow('the input ends here, though more must follow')
    try {
      cursor.take(5)
    } catch (error) {
      expect(error).toMatchObject({code: 'TRUNCATED', offset: 2})
    }
  })

  it('of a file that became shorter is where it ended', () => {
    const cursor = over([1, 2], 0, 10)
    cursor.finish()
    expect(() => cursor.take(5)).toThrow(FormatError)
    try {
      cursor.take(5)
    } catch (error) {
      expect(error).toMatchObject({code: 'TRUNCATED', offset: 2})
    }
  })
})

describe('limits', () => {
  it('an element may not outgrow elementBytesMax', async () => {
    await withLimits({elementBytesMax: 10}, async () => {
      const cursor = over([1, 2, 3, 4])
      cursor.take(2)
      cursor.commit()
      expect(() => cursor.take(10)).toThrow(STARVED)
      expect(() => cursor.take(11)).toThrow(LimitError)
      try {
        cursor.take(11)
      } catch (error) {
        expect(error).toMatchObject({limit: 'elementBytesMax', allowed: 10, wanted: 11, offset: 2})
      }
    })
  })

  it('what is skipped is not bound by it', async () => {
    await withLimits({elementBytesMax: 10}, async () => {
      const cursor = over([1, 2, 3, 4], 4)
      cursor.skip(1000)
      cursor.commit()
      expect(() => cursor.u8()).toThrow(STARVED)
    })
  })
})
