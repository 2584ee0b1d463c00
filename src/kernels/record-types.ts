/** What records begin with, as src/rdb/opcodes.ts has it: their types, and the opcode of an expiry before them. */
export const TYPE_STRING: u32 = 0
export const TYPE_LIST: u32 = 1
export const TYPE_SET: u32 = 2
export const TYPE_HASH: u32 = 4
export const TYPE_ZSET_2: u32 = 5
export const TYPE_LIST_ZIPLIST: u32 = 10
export const TYPE_INTSET: u32 = 11
export const TYPE_ZSET_ZIPLIST: u32 = 12
export const TYPE_HASH_ZIPLIST: u32 = 13
export const TYPE_QUICKLIST: u32 = 14
export const TYPE_STREAM_1: u32 = 15
export const TYPE_HASH_LISTPACK: u32 = 16
export const TYPE_ZSET_LISTPACK: u32 = 17
export const TYPE_QUICKLIST_2: u32 = 18
export const TYPE_STREAM_2: u32 = 19
export const TYPE_SET_LISTPACK: u32 = 20
export const TYPE_STREAM_3: u32 = 21
export const OPCODE_EXPIRETIME_MS: u32 = 0xfc

/** The version of a stream's form, 0 of any other type. */
// @ts-ignore: decorator
@inline
export function streamVersion(type: u32): i32 {
  return type == TYPE_STREAM_1 ? 1 : type == TYPE_STREAM_2 ? 2 : type == TYPE_STREAM_3 ? 3 : 0
}
