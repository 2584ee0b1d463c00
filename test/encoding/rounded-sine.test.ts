/** Sines to the last bit, against series worked out in 200 bits of integers. */
import {describe, expect, it} from 'vitest'
import {arcsine, cosine, sine} from '../../src/encoding/rounded-sine.js'

const BITS = 200n
const ONE = 1n << BITS

/** A double as an integer of 200 bits behind the point. */
function fixed(value: number): bigint {
  const shift = 60
  const scaled = value * 2 ** shift
  const whole = Math.trunc(scaled)
  const rest = (scaled - whole) * 2 ** 60
  return (BigInt(whole) << (BITS - 60n)) + (BigInt(Math.trunc(rest)) << (BITS - 120n))
}

/** The sum of a series from one term on, each the last times -x^2 / (n + 1)(n + 2). */
function series(first: bigint, from: number, x: bigint): bigint {
  const square = (x * x) >> BITS
  let sum = 0n
  for (let term = first, n = BigInt(from); term !== 0n && n < 200n; n += 2n) {
    sum += term
    term = -((term * square) >> BITS) / ((n + 1n) * (n + 2n))
  }
  return sum
}

/** How far a double is from the true value, in halves of its last bit. */
function halvesOff(given: number, truth: bigint): number {
  const last = 2 ** (Math.floor(Math.log2(Math.abs(given))) - 52)
  const off = fixed(given) - truth
  return Number(off < 0n ? -off : off) / 2 ** 200 / (last / 2)
}

/** Spread over what angles there are; the same every time. */
const angles = Array.from({length: 2000}, (_, i) => Math.PI * (((i * 0.6180339887498949) % 1) * 2 - 1)).filter(
  angle => Math.abs(angle) > 1e-3,
)
const EXACT = 1 + 1e-6

describe('rounded', () => {
  it('sine and cosine', () => {
    for (const angle of angles) {
      const x = fixed(angle)
      expect(halvesOff(sine(angle), series(x, 1, x)), `sine of ${angle}`).toBeLessThan(EXACT)
      expect(halvesOff(cosine(angle), series(ONE, 0, x)), `cosine of ${angle}`).toBeLessThan(EXACT)
    }
    expect([sine(0), Object.is(sine(-0), -0), cosine(0)]).toEqual([0, true, 1])
  })

  it('arcsine', () => {
    for (const angle of angles) {
      const given = angle / Math.PI
      // There the sine turns round.
      if (Math.abs(given) === 1) continue
      const found = arcsine(given)
      const last = 2 ** (Math.floor(Math.log2(Math.abs(found))) - 52)
      // The sine of half a bit less is below, of half a bit more above.
      const [below, above] = [-0.5, 0.5].map(half => {
        const x = fixed(found) + fixed(last / 2) * BigInt(Math.sign(half))
        return series(x, 1, x)
      }) as [bigint, bigint]
      expect(below <= fixed(given) && fixed(given) <= above, `arcsine of ${given}`).toBe(true)
    }
    expect([arcsine(0), arcsine(1), arcsine(-1), arcsine(2)]).toEqual([0, Math.PI / 2, -Math.PI / 2, Number.NaN])
  })
})
