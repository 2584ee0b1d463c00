/**
 * Keys that are none, where a database has more than it announces and nothing
 * has failed to be read: a value that is damaged leads into the next one, whose
 * elements look like records up to where it ends.
 *
 *   [key][key  damaged ...][ elements of the next ][key][key]
 *         └ led astray       └ unlike keys of this file, or strings in a row
 */
import {NEVER} from '../keyspace/entry.js'
import type {KeyProfile} from '../rdb/key-profile.js'
import {TYPE_STRING} from '../rdb/opcodes.js'
import type {RecordWalker} from '../rdb/record-walker.js'

/** Bytes of a file, absolute. */
export interface Stretch {
  start: number
  end: number
}

/** Together they are so much unlike this file, in bits. */
const BITS_UNLIKE = -16

/** The records of a stretch that are the least like their file so far. */
class Run {
  keys = 0
  sum = 0
  start = -1
  end = -1

  copy(): Run {
    return Object.assign(new Run(), this)
  }

  begin(offset: number): void {
    this.keys = this.sum = 0
    this.start = offset
  }

  add(end: number, sum: number): void {
    this.keys++
    this.sum += sum
    this.end = end
  }
}

/**
 * The records from `from` on and before `until`, among which are `over` keys too many, that are none, with the one that has led to
 * them; undefined: nothing says which. `walker` is lent meanwhile.
 */
export function unlikeStretch(
  walker: RecordWalker,
  profile: KeyProfile,
  {start: from, end: until}: Stretch,
  over: number,
): Stretch | undefined {
  const unlike = new Run()
  const strings = new Run()
  let least = new Run()
  let longest = new Run()
  let before = from
  for (let at = from; at < until && walker.walk(at); before = at, at = walker.end) {
    const bits = walker.kind === 'key' ? profile.bits(walker, true) : 0
    if (unlike.sum >= 0) unlike.begin(before)
    unlike.add(walker.end, bits)
    if (unlike.sum < least.sum) least = unlike.copy()
    if (walker.kind !== 'key' || !isPlainString(walker)) strings.keys = 0
    else {
      if (strings.keys === 0) strings.begin(before)
      strings.add(walker.end, 0)
      if (strings.keys > longest.keys) longest = strings.copy()
    }
  }
  if (least.sum <= BITS_UNLIKE && least.keys >= over) return least
  return longest.keys >= over ? longest : undefined
}

function isPlainString({entry, attributes}: RecordWalker): boolean {
  const {expireAtMs, idleSeconds, frequency} = attributes
  return entry.typeId === TYPE_STRING && expireAtMs === NEVER && idleSeconds < 0 && frequency < 0
}
