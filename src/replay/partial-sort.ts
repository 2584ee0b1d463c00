/**
 * Sorting of which only a part is wanted, as servers do it where a command asks
 * for the first so many (SORT ... BY ... LIMIT, GEOSEARCHSTORE ... COUNT). Which
 * of equals such a part has, and in which order, follows from each step of the
 * algorithm: so it is the servers' own, step by step (the same in redis 7.0 to
 * 8.0 and valkey 8.0 to 9.1). Array.prototype.sort would keep other ones.
 *
 * It is the quicksort of Bentley and McIlroy, Engineering a Sort Function
 * (1993), that leaves alone whatever lies beside the wanted part:
 *
 *   equal │ less │ greater │ equal     while it divides
 *   less  │    equal       │ greater   afterwards
 */
type Compare<T> = (one: T, other: T) => number

/** Shorter ones are sorted by insertion. */
const DIVIDED_MIN = 7
/** Longer ones are divided by the median of nine. */
const NINE_MIN = 41

/** Sorts so much that what belongs to places `first` up to `end` stands there. Equals are not kept in their order. */
export function sortPart<T>(all: T[], compare: Compare<T>, first: number, end: number): void {
  // Bounds of what is still to be sorted, in pairs: a log could make recursion as deep as it likes.
  const waiting = [0, all.length]
  while (waiting.length > 0) {
    const to = waiting.pop()!
    const from = waiting.pop()!
    if (to - from < 2 || to <= first || from >= end) continue
    if (to - from < DIVIDED_MIN) insert(all, compare, from, to)
    else divide(all, compare, from, to, waiting)
  }
}

function insert<T>(all: T[], compare: Compare<T>, from: number, to: number): void {
  for (let next = from + 1; next < to; next++) {
    for (let at = next; at > from && compare(all[at - 1]!, all[at]!) > 0; at--) swap(all, at, at - 1)
  }
}

/** Moves what is less than one of them before it, and what is greater behind. */
function divide<T>(all: T[], compare: Compare<T>, from: number, to: number, waiting: number[]): void {
  swap(all, from, chosen(all, compare, from, to))
  const pivot = all[from]!
  // Equals gather at both ends, before `lowEqual` and behind `highEqual`.
  let lowEqual = from + 1
  let low = lowEqual
  let high = to - 1
  let highEqual = high
  for (;;) {
    for (let order = 0; low <= high; low++) {
      order = compare(all[low]!, pivot)
      if (order > 0) break
      if (order === 0) swap(all, lowEqual++, low)
    }
    for (let order = 0; low <= high; high--) {
      order = compare(all[high]!, pivot)
      if (order < 0) break
      if (order === 0) swap(all, high, highEqual--)
    }
    if (low > high) break
    swap(all, low++, high--)
  }
  const less = low - lowEqual
  const greater = highEqual - high
  swapMany(all, from, low, Math.min(lowEqual - from, less))
  swapMany(all, low, to, Math.min(greater, to - 1 - highEqual))
  waiting.push(from, from + less, to - greater, to)
}

/** Swaps so many from a place on with the last ones before another. */
function swapMany<T>(all: T[], at: number, end: number, count: number): void {
  for (let i = 0; i < count; i++) swap(all, at + i, end - count + i)
}

function swap<T>(all: T[], one: number, other: number): void {
  const kept = all[one]!
  all[one] = all[other]!
  all[other] = kept
}

/** Where the one stands by which they are divided. */
function chosen<T>(all: T[], compare: Compare<T>, from: number, to: number): number {
  const count = to - from
  const last = to - 1
  const middle = from + Math.floor(count / 2)
  if (count === DIVIDED_MIN) return middle
  if (count < NINE_MIN) return median(all, compare, from, middle, last)
  const step = Math.floor(count / 8)
  return median(
    all,
    compare,
    median(all, compare, from, from + step, from + 2 * step),
    median(all, compare, middle - step, middle, middle + step),
    median(all, compare, last - 2 * step, last - step, last),
  )
}

function median<T>(all: T[], compare: Compare<T>, a: number, b: number, c: number): number {
  const ordered = (one: number, other: number): boolean => compare(all[one]!, all[other]!) < 0
  if (ordered(a, b)) {
    if (ordered(b, c)) return b
    return ordered(a, c) ? c : a
  }
  if (ordered(c, b)) return b
  return ordered(a, c) ? a : c
}
