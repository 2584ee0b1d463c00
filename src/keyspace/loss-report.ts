/**
 * What a data set loses on its way to somebody who has no place for it: by kind, and of each kind which keys.
 */
import {limits} from '../limits.js'
import {type KeptKey, keptKey, type RecordHead} from './entry.js'

/** One kind of loss. */
export interface LossKind {
  /** In words that a report shows, and a program may compare. */
  readonly what: string
  /** Somebody may miss it; false: it is a hint, that no server needs. */
  readonly data: boolean
  /** The whole key is gone, not only something about it. */
  readonly whole: boolean
}

/** Whose it was: a key's, or that of what has a name and no key. */
export type LossExample = (KeptKey & {db: number}) | {name: string}

export interface Lost extends LossKind {
  /** How many keys lost it; of functions and the like, how many there were. */
  keys: number
  /** The first of them, as they were met: up to limits.lostKeysMax. */
  examples: LossExample[]
}

/** Kinds of a report; names of modules make kinds, and a hostile file can have millions. */
const KINDS_MAX = 100

const OTHERS: LossKind = {what: 'things of further kinds', data: true, whole: false}

interface Counted extends Lost {
  /** The record that lost it last: a key that loses as much again counts once. */
  record: number
}

export class LossReport {
  readonly #kinds = new Map<string, Counted>()

  /** Something that has no key was lost, or several. */
  add(kind: LossKind, name?: string, count = 1): void {
    const counted = this.#of(kind)
    counted.keys += count
    if (name !== undefined && counted.examples.length < limits.lostKeysMax) counted.examples.push({name})
  }

  /** A key lost something. `record`: a number of its own, by which it is known when it loses more. */
  addKey(
    kind: LossKind,
    {db, keyBytes: {bytes, start, end}}: Pick<RecordHead, 'db' | 'keyBytes'>,
    record: number,
  ): void {
    const counted = this.#of(kind)
    if (counted.record === record) return
    counted.record = record
    counted.keys++
    if (counted.examples.length < limits.lostKeysMax) {
      counted.examples.push({db, ...keptKey(bytes, start, end, limits.lostKeysMax * KINDS_MAX)})
    }
  }

  /** What somebody else has counted. */
  merge(lost: readonly Lost[]): void {
    for (const one of lost) {
      const counted = this.#of(one)
      counted.keys += one.keys
      counted.examples.push(...one.examples.slice(0, limits.lostKeysMax - counted.examples.length))
    }
  }

  /** Data first. */
  list(): Lost[] {
    const all = [...this.#kinds.values()].map(({record: _, ...lost}) => lost)
    return [...all.filter(({data}) => data), ...all.filter(({data}) => !data)]
  }

  #of(kind: LossKind): Counted {
    const known = this.#kinds.get(kind.what)
    if (known !== undefined) return known
    if (this.#kinds.size >= KINDS_MAX && kind !== OTHERS) return this.#of(OTHERS)
    const {what, data, whole} = kind
    const counted = {what, data, whole, keys: 0, examples: [], record: -1}
    this.#kinds.set(what, counted)
    return counted
  }
}
