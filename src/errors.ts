/**
 * The five ways a run can fail, apart from input/output errors, which pass
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
  | 'BAD_HASH'
  | 'BAD_ARRAY'
  | 'BAD_BITMAP'
  | 'BAD_COMPRESSION'
  | 'BAD_JSON'
  | 'BAD_COMMAND'
  | 'BAD_MANIFEST'
  | 'BAD_TABLE'
  | 'BAD_CHECKSUM'
  | 'TRUNCATED'
  | 'EMPTY_INPUT'

/** What we do not know, though the bytes may well be right. */
export type UnsupportedCode =
  | 'UNKNOWN_OPCODE'
  | 'UNKNOWN_TYPE'
  | 'UNKNOWN_ENCODING'
  | 'UNKNOWN_CONTAINER'
  | 'UNKNOWN_COMMAND'
  | 'NOT_IN_TARGET'

/** Where in the data set a problem was met; the reader fills it in as far as it got. */
export interface Place {
  /** Of an input that is several files, the one that offsets count in. */
  file?: string | undefined
  db?: number | undefined
  key?: Uint8Array | undefined
  /** Bytes of the key, where `key` holds only the first of them. */
  keyBytes?: number | undefined
  type?: string | undefined
  /** Offset of the record (attributes, type, key, value) that the problem lies in. */
  recordOffset?: number | undefined
}

/** An error that points into the input: every error of reading but those of input/output. */
export abstract class PlacedError extends Error {
  /** Database, key and type, when the failure happened inside a record. */
  place: Place = {}
  /** What to do next, where that is not what the code says everywhere. */
  advice: string | undefined
  /** Which check refused the bytes. */
  abstract readonly code: string

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

/** We refused to grow further. `limit` is the name of a field of `limits`, or of an option. */
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

/** What a server, or whoever else answered, said or did on the wire. */
export type WireCode =
  | 'CONNECT_FAILED'
  | 'CONNECT_TIMEOUT'
  | 'TLS_FAILED'
  | 'NOT_A_SERVER'
  | 'UNEXPECTED_REPLY'
  | 'PROTECTED_MODE'
  | 'AUTH_REQUIRED'
  | 'AUTH_FAILED'
  | 'NO_PERMISSION'
  | 'COMMAND_UNKNOWN'
  | 'MASTER_NOT_READY'
  | 'MASTER_REFUSED'
  | 'SNAPSHOT_FAILED'
  | 'NOT_A_MASTER'
  | 'MASTER_UNKNOWN'
  | 'NOT_A_CLUSTER'
  | 'SLOTS_UNCOVERED'
  | 'WRITE_REFUSED'
  | 'SERVER_RESTARTED'
  | 'SILENCE'
  | 'CONNECTION_LOST'
  | 'LISTEN_FAILED'

/** How far a conversation with a master had come. */
export type WireStage = 'connecting' | 'handshake' | 'waiting' | 'transfer' | 'stream' | 'asking' | 'loading'

/** What is known of the circumstances, as far as it matters for what to do next. */
export interface WireContext {
  stage?: WireStage | undefined
  /** The server's own words. */
  reply?: string | undefined
  /** Who we are to the server; undefined: its default user. */
  user?: string | undefined
  /** The master's client-output-buffer-limit for replicas and its repl-timeout, where it tells. */
  outputBufferLimit?: string | undefined
  replTimeoutSeconds?: number | undefined
  /** The system's or OpenSSL's own code, such as ECONNREFUSED. */
  reason?: string | undefined
}

/** A conversation over the wire failed. Messages never hold a password. */
export class WireError extends Error {
  override readonly name = 'WireError'

  constructor(
    readonly code: WireCode,
    message: string,
    /** Of the other side: host and port, or the path of its socket. */
    readonly address: string,
    readonly context: WireContext = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** Whether the operating system refused something. */
export function isSystemError(error: unknown): boolean {
  const {code, syscall} = (error ?? {}) as NodeJS.ErrnoException
  return typeof code === 'string' && syscall !== undefined
}
