/**
 * The four ways a run can fail, apart from input/output errors, which pass
 * through untouched. A code names one check, so that a test and a user can
 * name it too; `offset` is always an absolute position in the input.
 */

/** Why a byte sequence was refused. */
export type FormatCode =
  | 'BAD_MAGIC'
  | 'BAD_VERSION'
  | 'BAD_LENGTH'
  | 'BAD_COUNT'
  | 'BAD_STRING'
  | 'BAD_SCORE'
  | 'BAD_LZF'
  | 'BAD_LISTPACK'
  | 'BAD_ZIPLIST'
  | 'BAD_ZIPMAP'
  | 'BAD_INTSET'
  | 'BAD_STREAM'
  | 'BAD_MODULE'
  | 'BAD_FUNCTION'
  | 'BAD_HASH'
  | 'BAD_ARRAY'
  | 'BAD_BITMAP'
  | 'BAD_COMPRESSION'
  | 'BAD_JSON'
  | 'BAD_CHECKSUM'
  | 'TRUNCATED'
  | 'EMPTY_INPUT'

/** What we do not know, though the bytes may well be right. */
export type UnsupportedCode = 'UNKNOWN_OPCODE' | 'UNKNOWN_TYPE' | 'UNKNOWN_CONTAINER' | 'NOT_IN_TARGET'

/** Where in the data set a problem was met; the reader fills it in as far as it got. */
export interface Place {
  db?: number | undefined
  key?: Uint8Array | undefined
  type?: string | undefined
  /** Offset of the record (attributes, type, key, value) that the problem lies in. */
  recordOffset?: number | undefined
}

/** An error that points into the input. */
abstract class PlacedError extends Error {
  /** Database, key and type, when the failure happened inside a record. */
  place: Place = {}

  constructor(
    message: string,
    /** Absolute position in the input, in bytes. */
    readonly offset: number,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** The bytes are wrong. */
export class FormatError extends PlacedError {
  override readonly name = 'FormatError'

  constructor(
    readonly code: FormatCode,
    message: string,
    offset: number,
    options?: ErrorOptions,
  ) {
    super(message, offset, options)
  }
}

/** The bytes may be right; this version, opcode, type or container is not one we read. */
export class UnsupportedError extends PlacedError {
  override readonly name = 'UnsupportedError'

  constructor(
    readonly code: UnsupportedCode,
    message: string,
    offset: number,
    options?: ErrorOptions,
  ) {
    super(message, offset, options)
  }
}

/** We refused to grow further. `limit` is the name of a field of `limits`. */
export class LimitError extends PlacedError {
  override readonly name = 'LimitError'
  readonly code = 'TOO_LARGE'

  constructor(
    readonly limit: string,
    readonly allowed: number,
    readonly wanted: number,
    offset: number,
    message = `${limit} allows ${allowed}, the input wants ${wanted}`,
  ) {
    super(message, offset)
  }
}

/** The caller asked for something that makes no sense. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
