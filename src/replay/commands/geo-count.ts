/**
 * Which places a search keeps that wants only so many. Servers from redis 7.0 on
 * sort so much as is wanted, and which of equally far ones they keep follows from
 * that; redis 6.0 sorts all, and keeps what it met first. Distances of one place
 * are equal everywhere, but those of two places that are nearly equal depend on
 * the last bits of a server's sines.
 */
import {sortPart} from '../partial-sort.js'

export interface Distant {
  /** Names the place. */
  score: number
  /** Metres. */
  distance: number
}

/** Distances differ by less, from one C library to another; near the other side of the earth by much more. */
const UNSURE = 1e-13
const UNSURE_AT_THE_OTHER_SIDE = 1e-7
const OTHER_SIDE_M = 19_000_000

function isUnsure(one: number, other: number): boolean {
  const farther = Math.max(one, other)
  const unsure = farther < OTHER_SIDE_M ? UNSURE : UNSURE_AT_THE_OTHER_SIDE
  // Not the other way around: there are distances that are no numbers.
  return !(Math.abs(one - other) > farther * unsure)
}

/** Of nothing that is no number anything can be said: servers take it for less. */
function compare(one: Distant, other: Distant): number {
  if (one.distance > other.distance) return 1
  return one.distance === other.distance ? 0 : -1
}

/** Moves the nearest so many to the front, or the farthest; there are more. Whether every server keeps the same ones. */
export function moveToFront(found: Distant[], count: number, farthest: boolean): boolean {
  sortPart(found, farthest ? (one, other) => compare(other, one) : compare, 0, count)
  const last = found[count - 1]!
  for (let i = count; i < found.length; i++) {
    if (isUnsure(last.distance, found[i]!.distance)) return isOrderSure(found)
  }
  return true
}

/** Whether it is the same for every server which of two is farther: each comparison counts for what becomes of equals. */
function isOrderSure(found: readonly Distant[]): boolean {
  const sorted = [...found].sort((one, other) => one.distance - other.distance || one.score - other.score)
  return sorted.every(({score, distance}, i) => {
    const before = sorted[i - 1]
    return before === undefined || before.score === score || !isUnsure(before.distance, distance)
  })
}
