/**
 * Which commands of a log are whose, where several replay all of it side by side and each holds a part of the keys.
 *
 *   on one key, or keys of one shard     whoever has them runs it, the others pass it over
 *   DEL, UNLINK, TOUCH, MSET             each does what is about its own keys: together that is the same
 *   on no key                            each runs it: SELECT, FLUSHALL, SWAPDB, FUNCTION; one of them tells what is wrong with it
 *   on keys of several shards            nobody can run it: the shards have to come together first
 *
 * Keys with the same tag between braces, which a cluster keeps together, are of the same shard.
 */
import type {LogCommand} from '../aof/log-reader.js'
import {CommandKeys} from './keys.js'
import type {NamedCommand} from './table.js'

export interface Shard {
  /** From 0 on. */
  number: number
  count: number
}

export type Share = 'own' | 'foreign' | 'part' | 'everyone' | 'crossing'

const MULTIPLIER = 0x9e37_79b1
const OPEN = 0x7b
const CLOSE = 0x7d

/** The shard of a key; the replay kernel says the same (src/kernels/replay/owners.ts). Who chose the keys may crowd one: that is slow, not wrong. */
export function shardOf(bytes: Uint8Array, start: number, end: number, count: number): number {
  let open = start
  while (open < end && bytes[open] !== OPEN) open++
  let close = open + 1
  while (close < end && bytes[close] !== CLOSE) close++
  const hash = close < end && close > open + 1 ? hashOf(bytes, open + 1, close) : hashOf(bytes, start, end)
  return ((hash >>> 16) * count) >>> 16
}

/** Words of four bytes, the last filled with zeros. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let p = start; p < end; p += 4) {
    let word = bytes[p]!
    if (p + 1 < end) word |= bytes[p + 1]! << 8
    if (p + 2 < end) word |= bytes[p + 2]! << 16
    if (p + 3 < end) word |= bytes[p + 3]! << 24
    const product = Math.imul(hash ^ word, MULTIPLIER)
    hash = product ^ (product >>> 15)
  }
  return hash
}

/** Commands that do the same key by key, and how many arguments each key has with it. */
const BY_KEY: Readonly<Record<string, number>> = {DEL: 1, UNLINK: 1, TOUCH: 1, MSET: 2}

/** Tells the commands of one shard from those of others. */
export class Sharing {
  readonly #keys = new CommandKeys()
  #bounds = new Int32Array(64)
  readonly #part: LogCommand = {bytes: new Uint8Array(0), argc: 0, bounds: this.#bounds, offset: 0, endOffset: 0}

  constructor(readonly shard: Shard) {}

  /** Whether this shard tells what is everybody's. */
  get tells(): boolean {
    return this.shard.number === 0
  }

  owns(bytes: Uint8Array, start: number, end: number): boolean {
    return shardOf(bytes, start, end, this.shard.count) === this.shard.number
  }

  shareOf(spec: NamedCommand, command: LogCommand): Share {
    const keys = this.#keys
    keys.find(command)
    if (keys.count === 0) return 'everyone'
    if (spec.name === 'SORT' && readsOthers(command)) return 'crossing'
    const own = this.#ownCount(command)
    if (own === keys.count) return 'own'
    if (isByKey(spec, command)) return own === 0 ? 'foreign' : 'part'
    return own === 0 && this.#isOfOne(command) ? 'foreign' : 'crossing'
  }

  #ownCount({bytes, bounds}: LogCommand): number {
    const {args, count} = this.#keys
    let own = 0
    for (let i = 0; i < count; i++) if (this.owns(bytes, bounds[2 * args[i]!]!, bounds[2 * args[i]! + 1]!)) own++
    return own
  }

  /** All keys are of one shard. */
  #isOfOne({bytes, bounds}: LogCommand): boolean {
    const {args, count} = this.#keys
    const of = (i: number) => shardOf(bytes, bounds[2 * args[i]!]!, bounds[2 * args[i]! + 1]!, this.shard.count)
    const first = of(0)
    for (let i = 1; i < count; i++) if (of(i) !== first) return false
    return true
  }

  /** Of a command that is done key by key, what is about the keys of this shard. Lent. */
  partOf({name}: NamedCommand, {bytes, argc, bounds, offset, endOffset}: LogCommand): LogCommand {
    if (this.#bounds.length < bounds.length) this.#bounds = new Int32Array(bounds.length)
    const [part, own, step] = [this.#part, this.#bounds, BY_KEY[name]!]
    own[0] = bounds[0]!
    own[1] = bounds[1]!
    let at = 2
    for (let arg = 1; arg < argc; arg += step) {
      if (!this.owns(bytes, bounds[2 * arg]!, bounds[2 * arg + 1]!)) continue
      for (let i = 2 * arg; i < 2 * (arg + step); i++) own[at++] = bounds[i]!
    }
    return Object.assign(part, {bytes, argc: at >> 1, bounds: own, offset, endOffset})
  }
}

/** What is not made of whole pairs is an error, as a whole. */
function isByKey({name}: NamedCommand, {argc}: LogCommand): boolean {
  const step = Object.hasOwn(BY_KEY, name) ? BY_KEY[name]! : 0
  return step > 0 && (argc - 1) % step === 0
}

/** SORT BY and GET read keys that only the data names. */
function readsOthers({bytes, bounds, argc}: LogCommand): boolean {
  for (let arg = 2; arg < argc; arg++) {
    const word = Buffer.from(bytes.subarray(bounds[2 * arg]!, bounds[2 * arg + 1]!)).toString('latin1')
    if (/^(by|get)$/i.test(word)) return true
  }
  return false
}
