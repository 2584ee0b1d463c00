/**
 * Collections that lie in one block each: a key's record can name the block itself, and no object is needed until a
 * command asks for one. So the replay kernel finds them.
 *
 *   payload of the record   <ref of the block: u32> <flags: u32>
 */
import type {ValueType} from '../keyspace/entry.js'
import type {Arena} from './arena.js'
import {HashValue} from './hash.js'
import {ListValue} from './list.js'
import {SetValue} from './set.js'
import {SortedSetValue} from './sorted-set.js'
import {StreamValue} from './stream.js'
import {moveStream} from './stream-block.js'
import type {ResidentValue} from './value.js'

/** A value whose whole state is a number and a block, and what that names. */
export interface OneBlock extends ResidentValue {
  /** Leaves its state in its block and returns that; 0 where it is in more than one, or in none. */
  toBlock(): number
  readonly flags: number
}

interface Kind {
  readonly type: ValueType
  readonly of: (arena: Arena, block: number, flags: number) => OneBlock
  /** While the arena moves its blocks. */
  readonly move?: (arena: Arena, block: number) => number
}

/** By the number that a record has for each (src/kernels/replay/strings.ts). */
const KINDS: readonly (Kind | undefined)[] = [
  undefined,
  undefined,
  {type: 'hash', of: HashValue.of},
  {type: 'set', of: SetValue.of},
  {type: 'zset', of: SortedSetValue.of},
  {type: 'list', of: ListValue.of},
  {type: 'stream', of: StreamValue.of, move: moveStream},
]

/** The number of a value's kind; 0 where none of it lies in one block. */
export function kindOf({type}: ResidentValue): number {
  return Math.max(
    KINDS.findIndex(one => one?.type === type),
    0,
  )
}

export function typeOf(kind: number): ValueType {
  return KINDS[kind]!.type
}

/** The object for a block. */
export function openBlock(arena: Arena, kind: number, block: number, flags: number): OneBlock {
  return KINDS[kind]!.of(arena, block, flags)
}

/** While the arena moves its blocks: the new name of the block, which takes along what it names. */
export function moveBlock(arena: Arena, kind: number, block: number): number {
  return KINDS[kind]!.move?.(arena, block) ?? arena.move(block)
}
