import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ByteWriter} from '../../src/bytes/writer.js'

const hex = (writer: ByteWriter): string => Buffer.from(writer.view()).toString('hex')

describe('ByteWriter', () => {
  const cases: [name: string, write: (writer: ByteWriter) => void, expected: string][] = [
    ['u8', writer => writer.u8(0x1ff), 'ff'],
    ['u16le', writer => writer.u16le(0x0102), '0201'],
    ['u16le of a negative', writer => writer.u16le(-2), 'feff'],
    ['u32le', writer => writer.u32le(0xfffe_fdfc), 'fcfdfeff'],
    ['u32le of a negative', writer => writer.u32le(-2), 'feffffff'],
    ['u32be', writer => writer.u32be(0x0102_0304), '01020304'],
    ['i64le', writer => writer.i64le(-1, 2), '02000000ffffffff'],
    ['i64le of unsigned halves', writer => writer.i64le(0xffff_ffff, 0xffff_fffe), 'feffffffffffffff'],
    ['f64le', writer => writer.f64le(-1.5), '000000000000f8bf'],
    ['ascii', writer => writer.ascii('REDIS0012'), '524544495330303132'],
    ['copy', writer => writer.copy(Uint8Array.of(1, 2, 3, 4), 1, 3), '0203'],
    ['copy of nothing', writer => writer.copy(Uint8Array.of(1), 1, 1), ''],
  ]
  it.each(cases)('%s', (_, write, expected) => {
    // With no room to spare and with plenty, every write ends the same.
    for (const initialBytes of [0, 1, 64]) {
      const writer = new ByteWriter(initialBytes)
      write(writer)
      write(writer)
      expect(hex(writer)).toBe(expected + expected)
      expect(writer.length).toBe(expected.length)
    }
  })

  it('grows by doubling and keeps what it has', () => {
    const writer = new ByteWriter(4)
    const sizes = new Set<number>()
    for (let i = 0; i < 1000; i++) {
      writer.u8(i)
      sizes.add(writer.bytes.length)
    }
    expect([...sizes]).toEqual([4, 8, 16, 32, 64, 128, 256, 512, 1024])
    expect([...writer.view()]).toEqual(Array.from({length: 1000}, (_, i) => i & 0xff))
  })

  it('reserves room that the caller fills in', () => {
    const writer = new ByteWriter(1)
    writer.u8(1)
    const at = writer.reserve(3)
    expect(at).toBe(1)
    writer.bytes.fill(9, at, at + 3)
    writer.u8(2)
    expect(hex(writer)).toBe('0109090902')
  })

  it('starts anew without giving up its room', () => {
    const writer = new ByteWriter(1)
    writer.ascii('x'.repeat(100))
    const room = writer.bytes
    writer.reset()
    writer.ascii('abc')
    expect(writer.bytes).toBe(room)
    expect(hex(writer)).toBe('616263')
  })

  it('copies any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({maxLength: 200})), pieces => {
        const writer = new ByteWriter(0)
        for (const piece of pieces) writer.copy(piece, 0, piece.length)
        expect(Buffer.from(writer.view()).equals(Buffer.concat(pieces))).toBe(true)
      }),
    )
  })
})
