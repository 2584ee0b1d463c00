/**
 * Values whose last byte says whether it is the end of what they say they are:
 * damage that began in one of them would have been found.
 */
import * as op from './opcodes.js'

const SEALED: ReadonlySet<number> = new Set([
  op.TYPE_HASH_ZIPMAP,
  op.TYPE_LIST_ZIPLIST,
  op.TYPE_ZSET_ZIPLIST,
  op.TYPE_HASH_ZIPLIST,
  op.TYPE_LIST_QUICKLIST,
  op.TYPE_HASH_LISTPACK,
  op.TYPE_ZSET_LISTPACK,
  op.TYPE_SET_LISTPACK,
  op.TYPE_HASH_LISTPACK_EX_PRE_GA,
  op.TYPE_HASH_LISTPACK_EX,
])

/** Whether a sound value of this type has sound last bytes too. */
export function isSealed(typeId: number): boolean {
  return SEALED.has(typeId)
}
