/** A verifier says what decompression would: the same error at the same byte, or nothing. */
import {createRequire} from 'node:module'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {compressLzf, decompressLzf, LzfOutput} from '../../src/bytes/lzf.js'
import {LzfVerifier, verifyLzf} from '../../src/bytes/lzf-verify.js'
import {FormatError} from '../../src/errors.js'
import {generator, json, literals, noise, reference, samples} from './samples.js'

// It comes without types.
const lzfjs = createRequire(import.meta.url)('lzfjs') as {compress(bytes: Uint8Array): Uint8Array}

const OFFSET = 1_000_000
const PIECES = [1, 2, 3, 7, 4096]
/** Enough stored bytes for four walks, whatever is left of them at the end. */
const LONG_BYTES = 200_000

/** What an attempt ends in: nothing, or where and why it was refused. */
function outcome(attempt: () => void): string {
  try {
    attempt()
    return 'sound'
  } catch (error) {
    if (error instanceof FormatError) return `${error.code} ${error.offset} ${error.message}`
    throw error
  }
}

/** Bytes that look like operations stand around. */
const within = (packed: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from([0, 1, 0xe0]), packed, Buffer.alloc(40, 0xe0)])

function decompressed(packed: Uint8Array, outBytes: number): string {
  return outcome(() => decompressLzf(within(packed), 3, 3 + packed.length, outBytes, 0, OFFSET, new LzfOutput()))
}

function verified(packed: Uint8Array, outBytes: number): string {
  return outcome(() => verifyLzf(within(packed), 3, 3 + packed.length, outBytes, OFFSET))
}

const verifier = new LzfVerifier()

function verifiedInPieces(packed: Uint8Array, outBytes: number, piece: number): string {
  return outcome(() => {
    verifier.begin(packed.length, outBytes, OFFSET)
    for (let at = 0; at < packed.length; at += piece) {
      verifier.push(packed.slice(at, at + piece), 0, Math.min(piece, packed.length - at))
    }
    verifier.finish()
  })
}

function expectAlike(packed: Uint8Array, outBytes: number, pieces: readonly number[] = PIECES): string {
  const expected = decompressed(packed, outBytes)
  expect(verified(packed, outBytes)).toBe(expected)
  for (const piece of pieces) expect(verifiedInPieces(packed, outBytes, piece), `pieces of ${piece}`).toBe(expected)
  return expected
}

describe('lzf verification', () => {
  it('takes what lzfjs and we compressed', () => {
    for (const bytes of samples()) {
      const pieces = bytes.length > 100_000 ? [7, 4096, 1 << 20] : PIECES
      expect(expectAlike(lzfjs.compress(bytes), bytes.length, pieces)).toBe('sound')
      const ours = compressLzf(bytes, 0, bytes.length)
      if (ours !== undefined) {
        expect(expectAlike(ours.bytes.slice(ours.start, ours.end), bytes.length, pieces)).toBe('sound')
      }
    }
  })

  it('names the byte that fails', () => {
    const cases: [string, number][] = [
      ['0041' + '2001', 4],
      ['2000', 3],
      ['0041' + 'e0', 10],
      ['0041' + 'e000', 10],
      ['0041' + '20', 4],
      ['0041' + '054142', 7],
      ['0041' + '2000', 3],
      ['0041' + '0142', 2],
      ['0041' + '0042', 1],
      ['0041' + '0042', 3],
      ['0041' + 'e0ff00', 265],
      ['0041' + 'e0ff00', 264],
      ['', 0],
      ['', 1],
      ['0041', 2 ** 32],
    ]
    for (const [packed, outBytes] of cases) expectAlike(Buffer.from(packed, 'hex'), outBytes)
  })

  it('refuses every truncation and wrong claims', () => {
    const bytes = json(700, 5)
    const packed = lzfjs.compress(bytes)
    for (let cut = 0; cut < packed.length; cut++) {
      expect(expectAlike(packed.subarray(0, cut), bytes.length)).not.toBe('sound')
    }
    for (const claim of [0, 1, bytes.length - 1, bytes.length + 1, bytes.length * 2, 2 ** 40]) {
      expect(expectAlike(packed, claim)).not.toBe('sound')
    }
  })

  it('knows how far back a reference may go', () => {
    for (const made of [1, 40, 8000, 8191, 8192, 8193, 20_000]) {
      for (const distance of [made - 1, made, made + 1, 8191, 8192]) {
        if (distance < 1 || distance > 8192) continue
        const packed = Buffer.concat([literals(made), reference(distance, 20), literals(40)])
        expect(expectAlike(packed, made + 60) === 'sound').toBe(distance <= made)
      }
    }
  })

  it('says the same of any bytes', () => {
    const bytes = fc.uint8Array({maxLength: 300})
    const piece = fc.integer({min: 1, max: 50})
    fc.assert(
      fc.property(bytes, fc.nat(900), piece, (packed, claim, size) => {
        expectAlike(packed, claim, [size])
      }),
      {numRuns: 3000},
    )
  })

  it('says the same of long values that were damaged, however they are cut', () => {
    const random = generator(6)
    const bytes = json(600_000, 6)
    const sound = lzfjs.compress(bytes)
    expect(sound.length).toBeGreaterThan(LONG_BYTES)
    for (let turn = 0; turn < 60; turn++) {
      const packed = Uint8Array.from(sound)
      packed[Math.floor(random() * packed.length)]! ^= 1 + Math.floor(random() * 255)
      const cut = turn % 3 === 0 ? Math.floor(random() * packed.length) : packed.length
      const piece = 1 + Math.floor(random() * packed.length)
      expectAlike(packed.subarray(0, cut), bytes.length, [piece, 12_345])
    }
  })

  it('says the same of long bytes that make no sense', () => {
    for (let seed = 1; seed < 40; seed++) {
      // Only literals, and anything behind so many that no reference reaches too far.
      const packed = Buffer.concat([literals(9000), noise(9000 + 977 * seed, seed)])
      const {made, end} = measured(packed)
      expect(expectAlike(packed.subarray(0, end), made, [50_000, 4096])).toBe('sound')
      expect(expectAlike(packed.subarray(0, end), made + 1, [50_000, 4096])).toMatch(/makes/)
      expect(expectAlike(packed.subarray(0, end), made - 1, [50_000, 4096])).toMatch(/more than/)
    }
  })

  it('finds the walks of one run in step or not at all', () => {
    // Operations of two bytes, of which every byte also starts one: a walk begun between two never meets the true one.
    const packed = Buffer.concat([literals(9000), Buffer.alloc(60_001, 0x20)])
    for (let cut = 0; cut < 4; cut++) {
      const {made, end} = measured(packed.subarray(0, packed.length - cut))
      expect(expectAlike(packed.subarray(0, end), made, [70_000])).toBe('sound')
    }
  })
})

/** What a run of operations makes, counted one at a time, and where its last whole one ends. */
function measured(packed: Uint8Array): {made: number; end: number} {
  let made = 0
  let end = 0
  for (;;) {
    const control = packed[end] ?? 0
    const size = control < 0x20 ? control + 2 : control < 0xe0 ? 2 : 3
    if (end + size > packed.length) return {made, end}
    made += control < 0x20 ? control + 1 : (control >> 5) + 2 + (control < 0xe0 ? 0 : packed[end + 1]!)
    end += size
  }
}
