import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {
  addHalves,
  asSigned,
  compareHalves,
  formatInt64,
  formatUint64,
  parseInt64,
  parseUint64,
  readSignedLe,
  SMALL_TEXT,
  signedInt64,
  smallTextEnd,
  splitInt64,
  subtractHalves,
  sumInt64,
  unsignedInt64,
} from '../../src/bytes/int64.js'

const out = new Uint8Array(32)
const halves = {high: 0, low: 0}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString('latin1')
}

function highOf(value: bigint): number {
  return Number(value >> 32n)
}

function lowOf(value: bigint): number {
  return Number(value & 0xffff_ffffn)
}

function formatSigned(value: bigint): string {
  out.fill(0xee)
  const end = formatInt64(highOf(value), lowOf(value), out, 3)
  expect(out[end]).toBe(0xee)
  return textOf(out, 3, end)
}

function formatUnsigned(value: bigint): string {
  out.fill(0xee)
  const end = formatUint64(highOf(value), lowOf(value), out, 3)
  expect(out[end]).toBe(0xee)
  return textOf(out, 3, end)
}

/** Parses text that lies among other digits. */
function parse(text: string, parser: typeof parseInt64): boolean {
  const bytes = new Uint8Array(Buffer.from(`77${text}77`, 'latin1'))
  return parser(bytes, 2, 2 + text.length, halves)
}

/** Every power of two and of ten, and what lies around them. */
const edges: bigint[] = []
for (let bit = 0n; bit <= 64n; bit++) for (const by of [-2n, -1n, 0n, 1n, 2n]) edges.push(2n ** bit + by)
for (let digits = 1n; digits < 20n; digits++) for (const by of [-1n, 0n, 1n]) edges.push(10n ** digits + by)

const signed = fc.oneof(
  fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n}),
  fc.bigInt({min: -1000n, max: 1000n}),
  fc.integer().map(BigInt),
)
const unsigned = fc.oneof(fc.bigInt({min: 0n, max: 2n ** 64n - 1n}), fc.nat().map(BigInt))

describe('int64: text', () => {
  it('is right at every edge', () => {
    for (const edge of edges) {
      for (const value of [edge, -edge]) {
        const fits = BigInt.asIntN(64, value) === value
        expect(parse(String(value), parseInt64)).toBe(fits)
        if (fits) {
          expect(formatSigned(value)).toBe(String(value))
          expect([halves.high, halves.low]).toEqual([highOf(value), lowOf(value)])
        }
      }
      if (edge < 0n) continue
      const fits = edge < 2n ** 64n
      expect(parse(String(edge), parseUint64)).toBe(fits)
      if (fits) expect(formatUnsigned(edge)).toBe(String(edge))
    }
  })

  it('comes back from any integer', () => {
    fc.assert(
      fc.property(signed, value => {
        expect(formatSigned(value)).toBe(String(value))
        expect(parse(String(value), parseInt64)).toBe(true)
        expect([halves.high, halves.low]).toEqual([highOf(value), lowOf(value)])
      }),
      {numRuns: 2000},
    )
    fc.assert(
      fc.property(unsigned, value => {
        expect(formatUnsigned(value)).toBe(String(value))
        expect(parse(String(value), parseUint64)).toBe(true)
        expect([halves.high, halves.low]).toEqual([highOf(value), lowOf(value)])
      }),
      {numRuns: 2000},
    )
  })

  it.each(['', '-', '+1', '-0', '00', '007', '-01', ' 1', '1 ', '1.0', '1e3', 'x', '0x1', '1\0', '--1', '1-'])(
    '%j is no canonical integer',
    text => expect(parse(text, parseInt64)).toBe(false),
  )

  it.each([
    '9223372036854775808',
    '-9223372036854775809',
    '9999999999999999999',
    '10000000000000000000',
    '-10000000000000000000',
    '99999999999999999999',
    '123456789012345678901',
    '12345678901234567x',
  ])('%j is beyond the range or no number', text => expect(parse(text, parseInt64)).toBe(false))

  it('of any kind is an integer only when it is canonical', () => {
    const text = fc.oneof(fc.string({maxLength: 22, unit: 'binary-ascii'}), fc.stringMatching(/^[-+ 0]?\d{0,21}$/))
    fc.assert(
      fc.property(text, source => {
        const canonical = /^(0|-?[1-9]\d*)$/.test(source) && BigInt.asIntN(64, BigInt(source)) === BigInt(source)
        expect(parse(source, parseInt64)).toBe(canonical)
      }),
      {numRuns: 3000},
    )
  })

  it.each(['', '-1', '+1', 'x', '18446744073709551616', '99999999999999999999', '000000000000000000000'])(
    '%j is no unsigned integer',
    text => expect(parse(text, parseUint64)).toBe(false),
  )

  it('of small integers is at hand', () => {
    for (let value = 0; value < 128; value++) {
      expect(textOf(SMALL_TEXT, 4 * value, smallTextEnd(value))).toBe(String(value))
    }
  })
})

describe('int64: values', () => {
  it('are numbers where a double is exact, and bigints beyond', () => {
    for (const edge of edges) {
      for (const value of [edge, -edge]) {
        const safe = value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
        const expected = safe ? Number(value) : value
        if (BigInt.asIntN(64, value) === value) expect(signedInt64(highOf(value), lowOf(value))).toBe(expected)
        if (BigInt.asUintN(64, value) === value) expect(unsignedInt64(highOf(value), lowOf(value))).toBe(expected)
        if (BigInt.asUintN(64, value) === value) {
          const asBits = BigInt.asIntN(64, value)
          expect(asSigned(expected)).toBe(Number.isSafeInteger(Number(asBits)) ? Number(asBits) : asBits)
        }
      }
    }
  })

  it('split into halves, whichever way they come', () => {
    fc.assert(
      fc.property(fc.oneof(signed, unsigned, fc.maxSafeInteger().map(BigInt)), value => {
        const bits = BigInt.asIntN(64, value)
        splitInt64(value, halves)
        expect([halves.high, halves.low]).toEqual([highOf(bits), lowOf(bits)])
        if (!Number.isSafeInteger(Number(value))) return
        splitInt64(Number(value), halves)
        expect([halves.high, halves.low]).toEqual([highOf(bits), lowOf(bits)])
      }),
    )
  })

  it('add and subtract modulo 2^64', () => {
    fc.assert(
      fc.property(signed, signed, (a, b) => {
        addHalves(highOf(a), lowOf(a), highOf(b), lowOf(b), halves)
        expect(signedInt64(halves.high, halves.low).toString()).toBe(String(BigInt.asIntN(64, a + b)))
        subtractHalves(highOf(a), lowOf(a), highOf(b), lowOf(b), halves)
        expect(signedInt64(halves.high, halves.low).toString()).toBe(String(BigInt.asIntN(64, a - b)))
      }),
    )
  })

  it('compare', () => {
    fc.assert(
      fc.property(signed, signed, (a, b) => {
        const order = Math.sign(compareHalves(highOf(a), lowOf(a), highOf(b), lowOf(b)))
        expect(order).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
    )
  })

  it('sum exactly', () => {
    const max = Number.MAX_SAFE_INTEGER
    expect(sumInt64(1, 2, -1)).toBe(2)
    expect(sumInt64(max, 2, -1)).toBe(2n ** 53n)
    expect(sumInt64(max, 1, -1)).toBe(max)
    expect(sumInt64(2n ** 60n, 5, -1)).toBe(2n ** 60n + 4n)
    expect(sumInt64(2n ** 60n, -(2n ** 60n), 3)).toBe(3)
  })

  it('are read from 1 to 4 bytes with their sign', () => {
    const bytes = Uint8Array.of(0xff, 0x80, 0x00, 0x80, 0xff)
    expect([1, 2, 3, 4].map(width => readSignedLe(bytes, 1, width))).toEqual([-128, 128, -8388480, -8388480])
    expect(readSignedLe(bytes, 0, 4)).toBe(-2147450625)
  })
})
