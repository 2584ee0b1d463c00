/**
 * Whether the bytes of a stored value can go to a target as they are.
 */
import * as op from './opcodes.js'
import type {Target} from './targets.js'

/** Types that refer to a template of their file. */
const REFERENCES: ReadonlySet<number> = new Set([op.TYPE_HASH_LISTPACK_REF, op.TYPE_HASH_ARRAY_REF])

/**
 * Types with listpacks in them: valkey 9 and all others disagree about the
 * back length of some entries, and neither loads the other's.
 */
const MAY_DIFFER: ReadonlySet<number> = new Set([
  op.TYPE_STREAM_LISTPACKS,
  op.TYPE_HASH_LISTPACK,
  op.TYPE_ZSET_LISTPACK,
  op.TYPE_LIST_QUICKLIST_2,
  op.TYPE_STREAM_LISTPACKS_2,
  op.TYPE_SET_LISTPACK,
  op.TYPE_STREAM_LISTPACKS_3,
])

/** Before it, a length is 32 bits behind any byte that begins with `10`, and ziplists have fewer integers the older they are. */
const COPIED_VERSION_MIN = 8

/** `from`: whose numbers the type byte is of; undefined where nothing is stored. `templates`: those of the file go along. */
export function canCopy(typeId: number, from: op.Family | undefined, target: Target, templates: boolean): boolean {
  if (from === undefined || !target.types.has(typeId)) return false
  // Scores as text may be no number, at which servers end.
  if (!target.own && (target.rdbVersion < COPIED_VERSION_MIN || typeId === op.TYPE_ZSET)) return false
  // Valkey 9 looks for such scores in packed sets, too.
  if (!target.own && target.family === 'valkey' && typeId === op.TYPE_ZSET_ZIPLIST) return false
  if (from !== target.family && (typeId >= op.TYPE_HASH_22 || MAY_DIFFER.has(typeId))) return false
  return templates || !REFERENCES.has(typeId)
}
