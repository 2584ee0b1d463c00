/**
 * Keys summed up in numbered groups: by time left, by size, by slot, whatever it is.
 *
 *   values   (keys, expiring keys, bytes in the file, bytes in memory)*
 *
 * Sums add up in any order, so what was split merges exactly.
 */

/** What is told of any group of keys. */
export interface KeySum {
  keys: number
  expiring: number
  /** Bytes of the keys' records in the file. */
  rdbBytes: number
  /** Estimated; 0 where nobody asked. */
  memoryBytes: number
}

/** What is counted; also what arrives when it is posted from another thread. */
export interface KeySumsState {
  readonly values: Float64Array
}

const MEMBERS = 4

export class KeySums implements KeySumsState {
  readonly values: Float64Array

  constructor(readonly groups: number) {
    this.values = new Float64Array(groups * MEMBERS)
  }

  add(group: number, expires: boolean, rdbBytes: number, memoryBytes: number): void {
    const {values} = this
    const at = group * MEMBERS
    values[at]!++
    if (expires) values[at + 1]!++
    values[at + 2]! += rdbBytes
    values[at + 3]! += memoryBytes
  }

  merge({values}: KeySumsState): void {
    for (let at = 0; at < values.length; at++) this.values[at]! += values[at]!
  }

  /** Keys in all groups. */
  get keys(): number {
    let sum = 0
    for (let group = 0; group < this.groups; group++) sum += this.values[group * MEMBERS]!
    return sum
  }

  of(group: number): KeySum {
    const [keys = 0, expiring = 0, rdbBytes = 0, memoryBytes = 0] = this.values.subarray(group * MEMBERS)
    return {keys, expiring, rdbBytes, memoryBytes}
  }

  /** The groups that have keys, ascending. */
  *held(): Generator<KeySum & {group: number}> {
    for (let group = 0; group < this.groups; group++) {
      if (this.values[group * MEMBERS]! > 0) yield {group, ...this.of(group)}
    }
  }
}
