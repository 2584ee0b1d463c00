/** The checksum of what is written, where it follows from that of what is read. */
import {describe, expect, it} from 'vitest'
import {crc64} from '../../src/bytes/crc64.js'
import {ByteCursor} from '../../src/bytes/cursor.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {RdbOutput} from '../../src/rdb/output.js'
import {generator, noise} from '../bytes/samples.js'

const WINDOW_BYTES = 1024 * 1024
const INPUT = noise(6 * WINDOW_BYTES, 5)

/** Copies stretches of the input, with other bytes between, some of them taken back; returns what must have been written. */
function copied(output: RdbOutput, cursor: ByteCursor, seed: number): Uint8Array {
  const random = generator(seed)
  const chance = (one: number): boolean => random() < one
  const pieces: Uint8Array[] = []
  for (let at = 0; at < INPUT.length; at += WINDOW_BYTES) {
    cursor.refill(INPUT.slice(at, at + WINDOW_BYTES), 0, WINDOW_BYTES)
    while (cursor.pos < cursor.end) {
      const size = Math.min(Math.floor(random() * WINDOW_BYTES), cursor.end - cursor.pos)
      const start = cursor.take(Math.max(size, 1))
      const end = cursor.pos
      cursor.commit()
      if (chance(0.2)) continue
      output.take(cursor.bytes, start, end, {summed: chance(0.9) ? cursor.summed : undefined})
      pieces.push(cursor.bytes.slice(start, end))
      if (chance(0.6)) continue
      const own = noise(Math.floor(random() * 100_000), at + 1)
      const isKept = chance(0.5)
      output.mark()
      output.take(own, 0, own.length)
      if (isKept) {
        output.keep()
        pieces.push(own)
      } else {
        expect(output.takeBack()).toBe(true)
      }
    }
  }
  return Buffer.concat(pieces)
}

describe('the checksum of what is written', () => {
  it.each(Array.from({length: 12}, (_, seed) => seed))(
    'is that of its bytes, whatever lies between stretches of the input (%i)',
    seed => {
      const target = new MemoryTarget()
      const output = new RdbOutput(target)
      output.out.ascii('begins with something else')
      const cursor = new ByteCursor(INPUT.length)
      const written = copied(output, cursor, seed + 1)
      const sum = output.finish()
      const bytes = target.view()
      expect(Buffer.compare(bytes, Buffer.concat([Buffer.from('begins with something else'), written]))).toBe(0)
      expect(sum).toEqual(crc64(bytes, 0, bytes.length))
      const {high, low} = cursor.checksum().digest()
      expect({high, low}).toEqual(crc64(INPUT, 0, INPUT.length))
    },
  )

  it('tells two inputs apart that go on at the same offset', () => {
    const target = new MemoryTarget()
    const output = new RdbOutput(target)
    for (const [start, end] of [
      [0, 500_000],
      [500_000, 1_000_000],
    ] as const) {
      const cursor = new ByteCursor(INPUT.length)
      cursor.refill(INPUT.slice(start === 0 ? 0 : 1, WINDOW_BYTES), 0, WINDOW_BYTES - 1)
      output.take(cursor.bytes, start, end, {summed: cursor.summed})
    }
    const sum = output.finish()
    expect(sum).toEqual(crc64(target.view(), 0, 1_000_000))
  })
})
