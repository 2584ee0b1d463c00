/**
 * What stands between a file and a server that is to load it: each kind once,
 * with how often it is met and where first.
 */
import {type KeptKey, keptKey} from '../../keyspace/entry.js'
import {limits} from '../../limits.js'

/**
 * What the server does at it. `hangs`: it refuses the file, and does not end either. `unsure` where that hangs on memory that the file does not tell of: what lay behind a value,
 * or how much there is.
 */
export type Effect = 'skips' | 'refuses' | 'crashes' | 'hangs' | 'unsure'

export interface ObstaclePlace extends Partial<KeptKey> {
  db?: number | undefined
  /** Of the record in the RDB file. */
  offset: number
}

export interface Obstacle {
  code: string
  effect: Effect
  /** Of the first one, in words. */
  text: string
  /** How many keys, or other records, are in the way for it. */
  keys: number
  first: ObstaclePlace
}

/** Kinds that are told apart, however hostile a file is. */
const KINDS_MAX = 1000

/** Ends the reading of a file: what follows cannot be found. */
export class LoadLost extends Error {}

export class Obstacles {
  /** The first one that a load does not survive, in the order in which the server meets them. */
  ending: Obstacle | undefined
  /** Record of the last one of each kind: a record counts once. */
  readonly #last = new Map<string, number>()
  readonly #kinds = new Map<string, Obstacle>()
  readonly #place: () => ObstaclePlace
  #endingOffset = 0

  /** `place`: the record that is being read. */
  constructor(place: () => ObstaclePlace) {
    this.#place = place
  }

  /** By the offset of the first of each kind; those that end a load before those that do not. */
  all(): Obstacle[] {
    const order = (one: Obstacle): number => (one === this.ending ? 0 : one.effect === 'skips' ? 2 : 1)
    return [...this.#kinds.values()].sort((a, b) => order(a) - order(b) || a.first.offset - b.first.offset)
  }

  /** Of one code there may be several kinds: types, databases. */
  add(effect: Effect, code: string, text: string, kind = ''): void {
    this.addAt(effect, code, text, kind, this.#place())
  }

  /** What is known only afterwards takes its place among the others. */
  addAt(effect: Effect, code: string, text: string, kind: string, place: ObstaclePlace): void {
    const name = `${effect} ${code} ${kind}`
    const known = this.#kinds.get(name)
    if (known !== undefined) {
      if (this.#last.get(name) !== place.offset) known.keys++
      this.#last.set(name, place.offset)
      if (place.offset < known.first.offset) {
        known.first = place
        known.text = text
      }
      this.#ends(known, place.offset)
      return
    }
    const obstacle: Obstacle = {code, effect, text, keys: 1, first: place}
    this.#ends(obstacle, place.offset)
    if (this.#kinds.size >= KINDS_MAX) return
    this.#kinds.set(name, obstacle)
    this.#last.set(name, place.offset)
  }

  /** Says what ends the load, and that nothing behind it can be found. */
  lost(effect: Effect, code: string, text: string): never {
    this.add(effect, code, text)
    throw new LoadLost(text)
  }

  #ends(obstacle: Obstacle, offset: number): void {
    if (obstacle.effect === 'skips') return
    // It is met behind what was refused first.
    if (obstacle.effect !== 'hangs' && this.ending !== undefined && this.#endingOffset <= offset) return
    this.ending = obstacle
    this.#endingOffset = offset
  }
}

/** The key of a place, of which long ones are kept in part. */
export function placedKey(bytes: Uint8Array, start: number, end: number): KeptKey {
  return keptKey(bytes, start, end, limits.problemsMax)
}
