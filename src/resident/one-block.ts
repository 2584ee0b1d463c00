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
import type {ResidentValue} from './value.js'

/** A value whose whole state is a block and a number. */
export interface OneBlock extends ResidentValue {
  /** Its ref; 0 where the value lies in more than one, or in none. */
  readonly block: number
  readonly flags: number
}

interface Kind {
  readonly type: ValueType
  readonly of: (arena: Arena, block: number, flags: number) => OneBlock
}

/** By the number that a record has for each (src/kernels/replay/strings.ts). */
const KINDS: readonly (Kind | undefined)[] = [
  undefined,
  undefined,
  {type: 'hash', of: HashValue.of},
  {type: 'set', of: SetValue.of},
  {type: 'zset', of: SortedSetValue.of},
  {type: 'list', of: ListValue.of},
]

/** The number of a value's kind; 0 where it is none that lies in one block. */
export function kindOf(value: ResidentValue): number {
  const kind = KINDS.findIndex(one => one?.type === value.type)
  return kind > 0 && (value as OneBlock).block !== 0 ? kind : 0
}

export function typeOf(kind: number): ValueType {
  return KINDS[kind]!.type
}

/** The object for a block. */
export function openBlock(arena: Arena, kind: number, block: number, flags: number): OneBlock {
  return KINDS[kind]!.of(arena, block, flags)
}
