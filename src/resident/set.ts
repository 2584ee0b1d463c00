/** A set in memory. */
import type {ValueVisitor} from '../keyspace/visitor.js'
import type {Arena} from './arena.js'
import {Members} from './members.js'
import type {OneBlock} from './one-block.js'

export class SetValue implements OneBlock {
  readonly type = 'set'
  readonly flags = 0
  readonly #members: Members

  constructor(
    readonly arena: Arena,
    block = 0,
  ) {
    this.#members = new Members(arena, block)
  }

  static of(arena: Arena, block: number): SetValue {
    return new SetValue(arena, block)
  }

  toBlock(): number {
    return this.#members.block
  }

  get size(): number {
    return this.#members.size
  }

  has(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#members.find(bytes, start, end) >= 0
  }

  /** False where it is there already. */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#members.find(bytes, start, end) >= 0) return false
    this.#members.add(bytes, start, end, 0)
    return true
  }

  /** False where it is not there. */
  remove(bytes: Uint8Array, start: number, end: number): boolean {
    const handle = this.#members.find(bytes, start, end)
    if (handle < 0) return false
    this.#members.remove(handle)
    return true
  }

  /** Every member, lent; nothing may be changed meanwhile. */
  each(take: (bytes: Uint8Array, start: number, end: number) => void): void {
    const members = this.#members
    for (let handle = members.first(); handle >= 0; handle = members.next(handle)) {
      take(members.at.bytes, members.at.start, members.at.end)
    }
  }

  show(visitor: ValueVisitor): void {
    this.each((bytes, start, end) => visitor.member(bytes, start, end))
  }

  copy(): SetValue {
    const copy = new SetValue(this.arena)
    this.each((bytes, start, end) => copy.add(bytes, start, end))
    return copy
  }

  move(): void {
    this.#members.move()
  }

  dispose(): void {
    this.#members.clear()
  }
}
