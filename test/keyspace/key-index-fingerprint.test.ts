import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Fingerprinter} from '../../src/keyspace/fingerprint.js'

/** HalfSipHash with 64 bits of output as its authors wrote it, for any number of rounds. */
function halfSipHash(key: Uint8Array, input: Uint8Array, absorbing: number, finishing: number): string {
  const k0 = new DataView(key.buffer, key.byteOffset).getInt32(0, true)
  const k1 = new DataView(key.buffer, key.byteOffset).getInt32(4, true)
  const v = [k0, k1 ^ 0xee, 0x6c796765 ^ k0, 0x74656462 ^ k1]
  const rotate = (i: number, bits: number): number => (v[i]! << bits) | (v[i]! >>> (32 - bits))
  const half = (sum: number, other: number, bits: number): void => {
    v[sum] = (v[sum]! + v[other]!) | 0
    v[other] = rotate(other, bits) ^ v[sum]!
  }
  const round = (): void => {
    half(0, 1, 5)
    v[0] = rotate(0, 16)
    half(2, 3, 8)
    half(0, 3, 7)
    half(2, 1, 13)
    v[2] = rotate(2, 16)
  }
  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) round()
  }
  const padded = new Uint8Array((input.length & ~3) + 4)
  padded.set(input)
  padded[padded.length - 1] = input.length
  for (let p = 0; p < padded.length; p += 4) {
    const word = new DataView(padded.buffer).getInt32(p, true)
    v[3]! ^= word
    rounds(absorbing)
    v[0]! ^= word
  }
  const out = new DataView(new ArrayBuffer(8))
  v[2]! ^= 0xee
  rounds(finishing)
  out.setInt32(0, v[1]! ^ v[3]!, true)
  v[1]! ^= 0xdd
  rounds(finishing)
  out.setInt32(4, v[1]! ^ v[3]!, true)
  return Buffer.from(out.buffer).toString('hex')
}

function fingerprint(print: Fingerprinter, db: number, bytes: Uint8Array, start = 0, end = bytes.length): string {
  print.take(db, bytes, start, end)
  const out = Buffer.alloc(8)
  out.writeInt32LE(print.high, 0)
  out.writeInt32LE(print.low, 4)
  return out.toString('hex')
}

const SEED = Int32Array.of(0x07060504, 0x03020100)
const KEY = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7)
const dbs = fc.oneof(fc.nat({max: 20}), fc.nat({max: 0x7fff_ffff}))

describe('Fingerprinter', () => {
  it('is compared with what gives the vectors of the authors for 2 and 4 rounds', () => {
    const expected = ['218d1f59b9b83cc8', 'be552412f8387315']
    const inputs = [Uint8Array.of(), Uint8Array.of(0)]
    expect(inputs.map(input => halfSipHash(KEY, input, 2, 4))).toEqual(expected)
  })

  it('is HalfSipHash-1-3 of the database and the bytes', () => {
    const print = new Fingerprinter(SEED)
    fc.assert(
      fc.property(dbs, fc.uint8Array({maxLength: 70}), (db, bytes) => {
        const input = new Uint8Array(4 + bytes.length)
        new DataView(input.buffer).setUint32(0, db, true)
        input.set(bytes, 4)
        expect(fingerprint(print, db, bytes)).toBe(halfSipHash(KEY, input, 1, 3))
      }),
      {numRuns: 500},
    )
  })

  it('does not depend on where the bytes lie, nor on what it took before', () => {
    const print = new Fingerprinter()
    const other = fc.uint8Array({maxLength: 9})
    fc.assert(
      fc.property(dbs, fc.uint8Array({maxLength: 40}), other, other, (db, bytes, before, after) => {
        const alone = fingerprint(print, db, bytes)
        const within = Uint8Array.from([...before, ...bytes, ...after])
        fingerprint(print, db ^ 1, before)
        expect(fingerprint(print, db, within, before.length, before.length + bytes.length)).toBe(alone)
      }),
    )
  })

  it('tells apart databases, lengths, seeds, and keys of one or two bytes', () => {
    const print = new Fingerprinter()
    const seen = new Set<string>()
    for (let length = 0; length < 300; length++) seen.add(fingerprint(print, 0, new Uint8Array(length)))
    for (let db = 1; db < 300; db++) seen.add(fingerprint(print, db, new Uint8Array(0)))
    for (let i = 1; i < 65_536; i++) seen.add(fingerprint(print, 0, Uint8Array.of(i >> 8, i & 255)))
    for (let i = 1; i < 256; i++) seen.add(fingerprint(print, 0, Uint8Array.of(i)))
    seen.add(fingerprint(new Fingerprinter(), 0, new Uint8Array(0)))
    expect(seen.size).toBe(300 + 299 + 65_535 + 255 + 1)
  })

  it('lets every bit of the input change half of the bits', () => {
    const print = new Fingerprinter(SEED)
    const flips = new Float64Array(64)
    const tried = 4000
    const key = new Uint8Array(20)
    for (let i = 0; i < tried; i++) {
      new DataView(key.buffer).setUint32(8, Math.imul(i, 0x9e3779b1), true)
      const bit = i % 160
      print.take(3, key, 0, 20)
      const {high, low} = print
      key[bit >> 3]! ^= 1 << (bit & 7)
      print.take(3, key, 0, 20)
      key[bit >> 3]! ^= 1 << (bit & 7)
      for (let out = 0; out < 32; out++) {
        flips[out]! += ((high ^ print.high) >>> out) & 1
        flips[32 + out]! += ((low ^ print.low) >>> out) & 1
      }
    }
    // Five standard deviations.
    for (const flipped of flips) expect(Math.abs(flipped / tried - 0.5)).toBeLessThan(5 * Math.sqrt(0.25 / tried))
  })
})
