/**
 * The tables that a source is to SQL, and what their columns are.
 *
 *   keys       a row a key
 *   elements   a row for each element: of a string, itself; of a stream, each field of each entry
 *
 * What is bytes stands twice: as text, in which bytes are spelled `\xNN` where they are not UTF-8, and as a BLOB, exactly as
 * stored.
 */

/** How values of a column lie in memory, which is how the engine has them; text of bytes is made there. */
export type ColumnKind = 'integer' | 'bigint' | 'ubigint' | 'double' | 'timestamp' | 'text' | 'blob'

/** What the engine calls them. */
export const SQL_TYPES: Readonly<Record<ColumnKind, string>> = {
  ...{integer: 'INTEGER', bigint: 'BIGINT', ubigint: 'UBIGINT', double: 'DOUBLE'},
  ...{timestamp: 'TIMESTAMP', text: 'VARCHAR', blob: 'BLOB'},
}

export interface Column {
  readonly name: string
  readonly kind: ColumnKind
  /** Text of bytes that are another column: it is not made, but had from that. */
  readonly of?: string
  /** For README and help. */
  readonly about: string
}

const SOURCE = {name: 'source', kind: 'text', about: 'the source it is from, as it was named'} as const satisfies Column
const DB = {name: 'db', kind: 'integer', about: 'number of the database'} as const satisfies Column
const KEY = {name: 'key', kind: 'text', of: 'key_bytes', about: 'the key as text'} as const satisfies Column
const KEY_BYTES = {name: 'key_bytes', kind: 'blob', about: 'the key, exactly'} as const satisfies Column

export const KEY_COLUMNS = [
  SOURCE,
  DB,
  KEY,
  KEY_BYTES,
  {name: 'type', kind: 'text', about: 'string, list, set, zset, hash, stream, array, module, cron'},
  {name: 'encoding', kind: 'text', about: 'how the value is stored, such as listpack'},
  {name: 'elements', kind: 'bigint', about: 'elements of the value; bytes of a string; NULL of a module'},
  {name: 'memory_bytes', kind: 'bigint', about: 'estimated memory in the server (--server)'},
  {name: 'rdb_bytes', kind: 'bigint', about: 'bytes of the record in the source; 0 where there is no record'},
  {name: 'expire_at', kind: 'timestamp', about: 'when it expires, in UTC; NULL: never'},
  {name: 'idle_s', kind: 'bigint', about: 'seconds since the last access, where the source tells it'},
  {name: 'freq', kind: 'integer', about: 'access frequency, 0 to 255, where the source tells it'},
  {name: 'slot', kind: 'integer', about: 'slot of a cluster'},
  {
    name: 'prefix1',
    kind: 'text',
    of: 'prefix1_bytes',
    about: 'the key up to its first separator, with it; NULL where it has none',
  },
  {name: 'prefix2', kind: 'text', of: 'prefix2_bytes', about: 'up to the second'},
  {name: 'prefix3', kind: 'text', of: 'prefix3_bytes', about: 'up to the third'},
  {name: 'prefix1_bytes', kind: 'blob', about: 'the same, exactly'},
  {name: 'prefix2_bytes', kind: 'blob', about: 'the same, exactly'},
  {name: 'prefix3_bytes', kind: 'blob', about: 'the same, exactly'},
] as const satisfies readonly Column[]

export const ELEMENT_COLUMNS = [
  SOURCE,
  DB,
  KEY,
  KEY_BYTES,
  {name: 'type', kind: 'text', about: 'type of the value'},
  {
    name: 'position',
    kind: 'ubigint',
    about: 'place within the value, from 0; of a stream, of the entry; of an array, the index',
  },
  {name: 'field', kind: 'text', of: 'field_bytes', about: 'hash, stream: the name of the field'},
  {name: 'field_bytes', kind: 'blob', about: 'the same, exactly'},
  {name: 'member', kind: 'text', of: 'member_bytes', about: 'set, sorted set: the member'},
  {name: 'member_bytes', kind: 'blob', about: 'the same, exactly'},
  {name: 'score', kind: 'double', about: 'sorted set: the score'},
  {name: 'id', kind: 'text', about: 'stream: ID of the entry'},
  {name: 'value', kind: 'text', of: 'value_bytes', about: 'string, list, hash, stream, array: the value'},
  {name: 'value_bytes', kind: 'blob', about: 'the same, exactly'},
  {name: 'expire_at', kind: 'timestamp', about: 'hash: when the field expires, in UTC; NULL: never'},
] as const satisfies readonly Column[]

export type KeyColumn = (typeof KEY_COLUMNS)[number]['name']
export type ElementColumn = (typeof ELEMENT_COLUMNS)[number]['name']

export const TABLES = {keys: KEY_COLUMNS, elements: ELEMENT_COLUMNS} as const satisfies Record<
  string,
  readonly Column[]
>

export type TableName = keyof typeof TABLES
