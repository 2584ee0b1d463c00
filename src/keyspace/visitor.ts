/**
 * The one abstraction: a value is shown to a visitor.
 *
 * An EntryVisitor is shown each key first and answers with who reads the value
 * and how deep. All bytes are lent as (bytes, start, end) and are valid during
 * the call only.
 */
import type {Int64} from '../bytes/int64.js'
import type {StreamId} from '../encoding/stream-id.js'
import type {FormatError, LimitError} from '../errors.js'
import type {Entry} from './entry.js'
import type {Passer} from './passer.js'

/**
 * How much of a value its visitor wants.
 *
 *   skip      nothing: the value is passed over, its element count taken where it is cheap
 *   raw       its bytes as stored, after the type byte and the key, as chunks
 *   nodes     packed nodes whole and decompressed; what is not packed, by element
 *   elements  every element, decoded
 */
export type Depth = 'skip' | 'raw' | 'nodes' | 'elements'

/** The form of a packed node. */
export type NodeKind = 'listpack' | 'ziplist' | 'intset' | 'zipmap' | 'plain'

/** Stream facts that stand after its entries. Absent ones (RDB type 15) are as a server of today would set them. */
export interface StreamInfo {
  /** Live entries. */
  length: Int64
  lastId: StreamId
  /** The first live entry's ID, 0-0 when the stream is empty; undefined in the oldest form (type 15). */
  firstId: StreamId | undefined
  maxDeletedId: StreamId | undefined
  entriesAdded: Int64 | undefined
  /**
   * Counted by whoever replayed a log, and what groups have read too: nothing that was stored says it, and a server that
   * does not count (before redis 7.0) loses nothing.
   */
  derived?: boolean | undefined
}

export interface StreamGroup {
  /** Lent. */
  name: Uint8Array
  lastId: StreamId
  /** -1: unknown; undefined in the oldest form (type 15). */
  entriesRead: Int64 | undefined
  pendingCount: number
}

export interface StreamConsumer {
  /** Lent. */
  name: Uint8Array
  seenAtMs: Int64
  /** -1: never active; undefined before type 21. */
  activeAtMs: Int64 | undefined
  /** No source told the two times: they are those of whoever replayed a log, or a guess. */
  derived?: boolean | undefined
  pendingCount: number
}

/** Idempotent-producer settings of a stream (redis 8.6). */
export interface StreamIdempotence {
  durationSeconds: Int64
  entriesMax: Int64
  producerCount: number
}

/** Where something noteworthy was met that does not stop the reading. */
export interface Problem {
  code: string
  severity: 'warning' | 'error'
  /** Absolute position in the input, in bytes. */
  offset: number
  /** Of an input that is several files, the one that the offset counts in. */
  file?: string | undefined
  text: string
  /** Database, key and type, where it lies in a record. */
  db?: number | undefined
  key?: Uint8Array | undefined
  /** Bytes of the key, where `key` holds only the first of them. */
  keyBytes?: number | undefined
  type?: string | undefined
  /** Bytes that could not be read because of it. */
  bytesLost?: number | undefined
}

export abstract class ValueVisitor {
  abstract readonly depth: Depth
  /** String values are verified, but not shown: `chunk` is not called for them. Depth raw shows them all the same. */
  readonly opaqueStrings: boolean = false

  /** `count` is the number of elements, or bytes of a string, where the file says it beforehand. Not called at depth skip. */
  begin(_entry: Entry, _count: number | undefined): void {}
  /** A piece of a string value, or of a value's stored bytes at depth raw; `last`: nothing of it follows. */
  chunk(_bytes: Uint8Array, _start: number, _end: number, _last: boolean): void {}
  /** Depth nodes: one packed node, decompressed. */
  node(_kind: NodeKind, _bytes: Uint8Array, _start: number, _end: number): void {}
  /** Depth nodes: one stream node and the ID its entries are relative to. */
  streamNode(_masterId: StreamId, _bytes: Uint8Array, _start: number, _end: number): void {}
  /** A list element, head first. */
  item(_bytes: Uint8Array, _start: number, _end: number): void {}
  /** A set member. */
  member(_bytes: Uint8Array, _start: number, _end: number): void {}
  /** A sorted set member. */
  scored(_bytes: Uint8Array, _start: number, _end: number, _score: number): void {}
  /** A hash field; `expireAtMs` is NEVER where it has no expiry of its own. */
  field(
    _name: Uint8Array,
    _nameStart: number,
    _nameEnd: number,
    _value: Uint8Array,
    _valueStart: number,
    _valueEnd: number,
    _expireAtMs: Int64,
  ): void {}
  /** A live stream entry; `fieldCount` calls of streamField follow. The ID is lent. */
  streamEntry(_id: StreamId, _fieldCount: number): void {}
  streamField(
    _name: Uint8Array,
    _nameStart: number,
    _nameEnd: number,
    _value: Uint8Array,
    _valueStart: number,
    _valueEnd: number,
  ): void {}
  streamInfo(_info: StreamInfo): void {}
  /** A consumer group; its pending entries follow, then its consumers, each with the IDs it owns. */
  group(_group: StreamGroup): void {}
  pending(_id: StreamId, _deliveredAtMs: Int64, _deliveries: Int64): void {}
  consumer(_consumer: StreamConsumer): void {}
  consumerPending(_id: StreamId): void {}
  /** A pending entry that no consumer owns (redis 8.8). */
  nacked(_id: StreamId): void {}
  idempotence(_settings: StreamIdempotence): void {}
  /** One producer of a stream, and each ID it has used with the entry it made. */
  producer(_name: Uint8Array, _count: number): void {}
  producerEntry(_iid: Uint8Array, _id: StreamId): void {}
  idempotenceCounters(_added: Int64, _duplicates: Int64): void {}
  /** Array: the next insertion index, where one is set (redis 8.8). */
  insertIndex(_index: Int64): void {}
  /** An array element; numbers are spelled out. */
  indexed(_index: Int64, _bytes: Uint8Array, _start: number, _end: number): void {}
  /** The module a value belongs to, and its encoding version; its items follow. */
  moduleId(_name: string, _version: number): void {}
  moduleSigned(_value: Int64): void {}
  moduleUnsigned(_value: Int64): void {}
  moduleDouble(_value: number, _bits: 32 | 64): void {}
  moduleString(_bytes: Uint8Array, _start: number, _end: number): void {}
  /** A KeyDB CRON value: a script run at intervals. The script's keys and arguments follow as items. */
  cron(_script: Uint8Array, _startMs: Int64, _intervalMs: Int64, _keyCount: number): void {}
  /** The value is complete: `entry.elements`, `entry.encoding` and `entry.endOffset` are known. */
  end(_entry: Entry): void {}
  /** Awaited between windows where a single value is visited: a place for back pressure. */
  drain(): Promise<void> | undefined {
    return undefined
  }
}

/** Slot hints of a cluster: counts that a server uses to size its tables. */
export interface SlotInfo {
  slot: number
  keys: number
  expires: number
}

export interface ModuleAux {
  module: string
  version: number
  /** 1 before the keys, 2 after them. */
  when: number
  /** The stored bytes after `when`, with their end marker. */
  payload: Uint8Array
}

/** Shown everything in a file, in file order. Only `entry` is required. */
export interface EntryVisitor {
  entry(entry: Entry): ValueVisitor
  /** A fact about the file. `name` is the text of `nameBytes`, exact where they are UTF-8; absent: it is all there is. */
  aux?(name: string, value: Uint8Array, nameBytes?: Uint8Array): void
  /** A function library: its whole source, beginning with `#!engine name=...`. */
  function?(source: Uint8Array): void
  /** The form that 7.0 release candidates wrote. */
  functionPreGa?(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void
  moduleAux?(aux: ModuleAux): void
  selectDb?(db: number): void
  resizeDb?(db: number, keys: number, expires: number): void
  slotInfo?(info: SlotInfo): void
  slotImport?(job: string, ranges: readonly [first: number, last: number][]): void
  /** Field names shared by several hashes (redis 8.10). */
  hashTemplate?(id: number, fields: readonly Uint8Array[]): void
  /** One that only its vendor's servers know, and that says nothing about the data; it may stand among the attributes of a key. */
  vendorOpcode?(opcode: number, offset: number): void
  problem?(problem: Problem): void
  /**
   * A value is damaged inside, or holds what is larger than we take, and has been
   * passed over. With this method the reading goes on behind the value where its
   * framing still says where that is; without it the error is thrown. Where the
   * framing is lost too, what it is lost by is thrown, and told here is only
   * damage that is something else.
   */
  damage?(error: FormatError | LimitError, entry: Entry): void
  /** What follows is of a snapshot with the types of this family; undefined: of none. */
  begins?(family: 'redis' | 'valkey' | undefined): void
  /** A key has been met for the first time, and is not shown. */
  keysBegin?(): void
  /** Entries need not all be shown: there where sums over them do. */
  readonly passer?: Passer | undefined
  /**
   * Takes records of keys by itself, in the kernels' memory: those of [start, end) from the first on that it knows, and
   * returns where the first lies that it leaves. They are not shown, and nothing is told of them. An offset in the input is
   * a place there, `base` added.
   */
  take?: ((db: number, start: number, end: number, base: number) => number) | undefined
  /** Where `take` stopped a record goes on behind the window: it is worth waiting for the rest. */
  readonly takeWaits?: boolean
  /** Awaited between windows: a place for back pressure. */
  drain?(): Promise<void> | undefined
}

class SkipVisitor extends ValueVisitor {
  override readonly depth = 'skip'
}

/** Answer this to pass over a value. */
export const SKIP: ValueVisitor = new SkipVisitor()
