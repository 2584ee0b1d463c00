/**
 * Keys by their size, in classes of powers of two: few enough for a picture, and
 * with the bytes of each, so that one sees which sizes the memory goes to.
 *
 *   class 0          nothing
 *   class n          2^(n-1) … 2^n - 1 bytes
 */
import {type KeySum, KeySums, type KeySumsState} from './key-sums.js'

/** 2^53 - 1 is in the last. */
const CLASSES = 54

export interface SizeClass extends KeySum {
  /** The least and the greatest size in bytes. */
  from: number
  to: number
}

export class SizeClasses {
  readonly sums = new KeySums(CLASSES)

  /** A key's size is its memory where that is estimated, else its bytes in the file. */
  add(expires: boolean, rdbBytes: number, memoryBytes: number): void {
    this.sums.add(classOf(memoryBytes > 0 ? memoryBytes : rdbBytes), expires, rdbBytes, memoryBytes)
  }

  merge({sums}: {sums: KeySumsState}): void {
    this.sums.merge(sums)
  }

  /** From the first class that has keys to the last, those without keys between them too. */
  result(): SizeClass[] {
    const groups = [...this.sums.held()].map(({group}) => group)
    const first = groups[0] ?? 0
    return Array.from({length: groups.length === 0 ? 0 : groups.at(-1)! - first + 1}, (_, at) => {
      const group = first + at
      return {from: group === 0 ? 0 : 2 ** (group - 1), to: group === 0 ? 0 : 2 ** group - 1, ...this.sums.of(group)}
    })
  }
}

function classOf(bytes: number): number {
  const whole = Math.min(bytes, Number.MAX_SAFE_INTEGER)
  return whole < 2 ** 31 ? 32 - Math.clz32(whole) : 31 + 32 - Math.clz32(Math.floor(whole / 2 ** 31))
}
