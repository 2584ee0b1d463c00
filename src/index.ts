/** The public library. Importing it loads no command-line code. */

export {decompressed} from './bytes/compressed.js'
export type {Int64} from './bytes/int64.js'
export {type ByteSource, type ByteWindow, MemorySource, openFile} from './bytes/source.js'
export {type ByteTarget, FileTarget, MemoryTarget} from './bytes/target.js'
export {StreamId} from './encoding/stream-id.js'
export {
  type FormatCode,
  FormatError,
  LimitError,
  type Place,
  type UnsupportedCode,
  UnsupportedError,
  UsageError,
} from './errors.js'
export {Entry, NEVER, NO_TYPE_ID, type RecordHead, type ValueType} from './keyspace/entry.js'
export type {EntrySource, SourceEnd, SourceFormat, SourceOrigin} from './keyspace/entry-source.js'
export * from './keyspace/visitor.js'
export {type Limits, limits} from './limits.js'
export {type RdbElement, RdbEntry, RdbValue} from './rdb/entries.js'
export {type PayloadFacts, type PayloadOptions, PayloadWriter, readPayload, type TakePayload} from './rdb/payload.js'
export {type RdbEnd, RdbReader, type RdbReaderOptions} from './rdb/reader.js'
export type {ChecksumVerdict} from './rdb/records.js'
export {ownTarget, TARGETS, type Target, targetOf} from './rdb/targets.js'
export type {RdbHeader} from './rdb/versions.js'
export {RdbWriter, type RdbWriterOptions} from './rdb/writer.js'
