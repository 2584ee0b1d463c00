/**
 * Sine, cosine and arcsine, rounded to the nearest double. The C library of a
 * server answers the same but for one in a thousand (glibc 2.36), while of
 * JavaScript's own every thirtieth is a bit off: a stored distance is nearly
 * always the server's.
 *
 * Numbers are worked with as the sum of two doubles, the second one less than
 * half of the last bit of the first. Operations leave them in `high` and `low`.
 */

/** Splits 53 bits in halves whose products are exact. */
const SPLITTER = 2 ** 27 + 1
/** A quarter turn, as a sum of three. */
const QUARTER = [1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33] as const
/** Reciprocals of factorials from 8 on: what is left of the series is so small that doubles do. */
const SMALL: readonly number[] = [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21].map(n => 1 / factorial(n))

let high = 0
let low = 0

function factorial(n: number): number {
  return n < 2 ? 1 : n * factorial(n - 1)
}

/** a + b, where a is the larger. */
function setSum(a: number, b: number): void {
  high = a + b
  low = b - (high - a)
}

/** a * b of doubles, exact. */
function setProduct(a: number, b: number): void {
  const aBig = SPLITTER * a
  const aHigh = aBig - (aBig - a)
  const aLow = a - aHigh
  const bBig = SPLITTER * b
  const bHigh = bBig - (bBig - b)
  const bLow = b - bHigh
  high = a * b
  low = aLow * bLow - (high - aHigh * bHigh - aLow * bHigh - aHigh * bLow)
}

/** The sum that is there becomes itself times another. */
function multiply(byHigh: number, byLow: number): void {
  const [a, b] = [high, low]
  setProduct(a, byHigh)
  setSum(high, low + (a * byLow + b * byHigh))
}

/** The sum that is there becomes itself plus another that is larger. */
function addTo(largeHigh: number, largeLow: number): void {
  const [a, b] = [high, low]
  setSum(largeHigh, a)
  setSum(high, low + (largeLow + b))
}

/** Adds the reciprocal of a number, with the bits that a double has not; it is larger than what is there. */
function addReciprocal(of: number): void {
  const [a, b] = [high, low]
  const first = 1 / of
  setProduct(first, of)
  const rest = (1 - high - low) / of
  high = a
  low = b
  addTo(first, rest)
}

/** What is behind the third term of a series, from the reciprocal of `from`! on; the square is in `z`. */
function tail(from: 8 | 9, z: number): number {
  let sum = 0
  for (let i = SMALL.length - (from === 8 ? 2 : 1); i >= from - 8; i -= 2) sum = SMALL[i]! - z * sum
  return sum
}

/** The series of sine, of an angle of at most an eighth of a turn. */
function setSine(angle: number, rest: number): void {
  high = angle
  low = rest
  multiply(angle, rest)
  const [z, zRest] = [high, low]
  setProduct(z, tail(9, z))
  addReciprocal(-5040)
  multiply(z, zRest)
  addReciprocal(120)
  multiply(z, zRest)
  addReciprocal(-6)
  multiply(z, zRest)
  addTo(1, 0)
  multiply(angle, rest)
}

function setCosine(angle: number, rest: number): void {
  high = angle
  low = rest
  multiply(angle, rest)
  const [z, zRest] = [high, low]
  setProduct(z, tail(8, z))
  addReciprocal(-720)
  multiply(z, zRest)
  addReciprocal(24)
  multiply(z, zRest)
  addTo(-0.5, 0)
  multiply(z, zRest)
  addTo(1, 0)
}

/** The sine of an angle that begins so many quarters of a turn further on. */
function setSineFrom(quarters: number, angle: number): void {
  const turned = Math.round(angle / QUARTER[0])
  setSum(angle - turned * QUARTER[0], -turned * QUARTER[1])
  const [rest, restLow] = [high, low - turned * QUARTER[2]]
  const from = (quarters + turned) & 3
  if ((from & 1) === 0) setSine(rest, restLow)
  else setCosine(rest, restLow)
  if (from >= 2) {
    high = -high
    low = -low
  }
}

/** Of an angle of at most half a turn either way. */
export function sine(angle: number): number {
  if (angle === 0) return angle
  setSineFrom(0, angle)
  return high
}

export function cosine(angle: number): number {
  setSineFrom(1, angle)
  return high
}

export function arcsine(sine: number): number {
  const near = Math.asin(sine)
  if (near === 0 || Number.isNaN(near)) return near
  // One step of Newton's method.
  setSineFrom(0, near)
  return near + (sine - high - low) / Math.cos(near)
}
