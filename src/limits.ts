/**
 * Every bound this library keeps, with its default and its reason. A value
 * read from a file is compared with one of these before memory follows it.
 */
export interface Limits {
  /**
   * Bytes of one element lent whole: a key, a field, a packed node, a function.
   * String values stream and are not bound by it, except for those that a native bitmap only stands for.
   */
  elementBytesMax: number
  /** Bytes read from the input at a time. */
  windowBytes: number
  /** Distinct names remembered per report section (aux fields, functions, modules). */
  namesMax: number
  /** Bytes of the names of function libraries and their engines, remembered for a report. */
  namesBytesMax: number
  /** Bytes of aux fields remembered for a report. */
  auxBytesMax: number
  /** Bytes of one key remembered for a report: a longer one is cut, and marked as cut. */
  keyBytesKept: number
  /** Bytes of all keys in one list of a report: of a long list, less of each key is kept. */
  keysBytesKept: number
  /** Databases told apart in a report; those of higher numbers are counted together. */
  databasesMax: number
  /** Problems remembered for a report. */
  problemsMax: number
  /** Keys remembered of each kind of loss. */
  lostKeysMax: number
  /** Strings of one list that is held whole: field names of a hash template, keys of a script. */
  listStringsMax: number
  /** Their bytes. */
  listBytesMax: number
  /** Field names of all hash templates of a file. */
  templateFieldsMax: number
  /** Their bytes. */
  templateBytesMax: number
  /** Bytes of a string value that are held until it is known whether they are text; a longer one is base64 in JSON. */
  jsonTextBytesMax: number
  /** Pending entries of one consumer group that are compared with its consumers' one by one. */
  pendingMax: number
  /** Bytes of a value of JSON that are held to learn what stands behind it; a longer one is read as it comes. */
  jsonLookaheadBytes: number
}

export const limits: Readonly<Limits> = {
  // proto-max-bulk-len, the largest element a server takes from a client by default (redis 7.0 config.c).
  elementBytesMax: 512 * 1024 * 1024,
  // Large enough that a refill costs nothing, small enough to stay in the second-level cache.
  windowBytes: 1024 * 1024,
  // A hostile file can hold millions of aux records; a report needs none of the later ones.
  namesMax: 10_000,
  namesBytesMax: 4 * 1024 * 1024,
  // Servers write a few hundred; one field of a hostile file may have half a gigabyte.
  auxBytesMax: 16 * 1024 * 1024,
  // Far more than any screen shows of one; ten of the longest a server takes would be 5 GB.
  keyBytesKept: 64 * 1024,
  keysBytesKept: 16 * 1024 * 1024,
  // Servers have 16 unless told; a hostile file can begin a new one with every few bytes.
  databasesMax: 10_000,
  // Every repeated record of a hostile file may be one.
  problemsMax: 1000,
  // Enough to look into each; whoever loses more has lost the kind.
  lostKeysMax: 1000,
  // A copied string takes some two hundred bytes: a file of 40 MB could ask for 4 GB.
  listStringsMax: 1_000_000,
  // Field names of a hash; a command with more arguments than this has bytes is refused by its server too
  // (client-query-buffer-limit, 1 GB).
  listBytesMax: 64 * 1024 * 1024,
  templateFieldsMax: 1_000_000,
  templateBytesMax: 64 * 1024 * 1024,
  // Larger texts than anybody reads as text.
  jsonTextBytesMax: 16 * 1024 * 1024,
  // 17 bytes each; a group that far behind has other troubles.
  pendingMax: 2 * 1024 * 1024,
  // Most lines of a file are shorter by far.
  jsonLookaheadBytes: 1024 * 1024,
}
