/**
 * A keyspace as a table (RFC 4180): one row a key, one for each library and script.
 *
 *   db,key,type,count,expireAtMs,idleSeconds,frequency,base64,value
 *
 *   value    of a string its bytes, of all other types the JSON that dump writes for it (src/jsonl/value.ts)
 *   base64   which cells are base64, since their bytes are no text: key, value, or both
 *   type     function and script have neither database nor key
 */
export const COLUMNS = [
  'db',
  'key',
  'type',
  'count',
  'expireAtMs',
  'idleSeconds',
  'frequency',
  'base64',
  'value',
] as const

export type Column = (typeof COLUMNS)[number]

export const QUOTE = 0x22
export const COMMA = 0x2c
export const LF = 0x0a
export const CR = 0x0d
