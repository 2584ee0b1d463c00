/** The public library. Importing it loads no command-line code. */

export type {Effect, Obstacle, ObstaclePlace} from './analysis/loading/obstacles.js'
export type {LoadCounts} from './analysis/loading/predicted-load.js'
export {
  type LoadPrediction,
  type LoadVerdict,
  type PredictOptions,
  predictLoad,
  type Unseen,
} from './analysis/loading/prediction.js'
export type {
  NearKey,
  SnapshotLoss,
  SnapshotSurvey,
  SurveyOptions,
  UncertainDatabase,
} from './analysis/snapshot-losses.js'
export {surveySnapshot} from './analysis/snapshot-survey.js'
export {type Chain, type ChainFile, openChain} from './aof/chain.js'
export {CreatingReader} from './aof/creating-reader.js'
export {GrowingFile} from './aof/growing-file.js'
export {type CutTail, GrowingLog, type NewName} from './aof/growing-log.js'
export {
  type LogCommand,
  type LogEnd,
  LogReader,
  type LogReaderOptions,
  type LogVisitor,
  type TornBy,
} from './aof/log-reader.js'
export type {Manifest, ManifestFile} from './aof/manifest.js'
export {CommandWriter, type RestoreRule} from './aof/rewrite.js'
export type {LogLoss, LossReason} from './aof/salvage-pieces.js'
export type {LogSalvage, PastDamage, SalvagedFile} from './aof/salvage-result.js'
export {formatPlace, parsePlace, type StreamPlace} from './aof/stream-place.js'
export {decompressed} from './bytes/compressed.js'
export {slotOf} from './bytes/crc16.js'
export type {Int64} from './bytes/int64.js'
export type {LentBytes} from './bytes/lent.js'
export {ByteOutput} from './bytes/output.js'
export {type ByteRegion, FileRegion, MemoryRegion} from './bytes/region.js'
export {type ByteSource, type ByteWindow, MemorySource, openFile} from './bytes/source.js'
export {type ByteTarget, FileTarget, MemoryTarget, StreamTarget} from './bytes/target.js'
export {CsvReader} from './csv/reader.js'
export {CsvWriter} from './csv/writer.js'
export {StreamId} from './encoding/stream-id.js'
export {
  type FormatCode,
  FormatError,
  LimitError,
  type Place,
  PlacedError,
  type UnsupportedCode,
  UnsupportedError,
  UsageError,
  type WireCode,
  type WireContext,
  WireError,
  type WireStage,
} from './errors.js'
export {JsonReader} from './jsonl/reader.js'
export {type JsonForm, JsonWriter} from './jsonl/writer.js'
export {type NodeShard, type NodeShards, parseClusterNodes} from './keyspace/cluster-nodes.js'
export {
  type ChangedKey,
  DifferenceSink,
  type FieldValue,
  type KeyHead,
  type Run,
  type Side,
  type StreamFacts,
  type StreamPart,
} from './keyspace/difference.js'
export {DigestVisitor, type MeaningOptions} from './keyspace/digest.js'
export {Entry, NEVER, NO_TYPE_ID, type RecordHead, type ValueType} from './keyspace/entry.js'
export type {EntrySink, Loss} from './keyspace/entry-sink.js'
export type {EntrySource, SourceEnd, SourceFormat, SourceOrigin} from './keyspace/entry-source.js'
export {evenSlots, type SlotRange} from './keyspace/slots.js'
export * from './keyspace/visitor.js'
export {type Limits, limits} from './limits.js'
export type {ModuleElement, RdbElement, StreamElement} from './rdb/elements.js'
export {RdbEntry, RdbValue, type ReadValue} from './rdb/entries.js'
export {type GuessedHeader, guessHeader} from './rdb/guess-header.js'
export type {Family} from './rdb/opcodes.js'
export {type PayloadFacts, type PayloadOptions, PayloadWriter, readPayload, type TakePayload} from './rdb/payload.js'
export {readPiece, type SnapshotPiece} from './rdb/piece-source.js'
export {type RdbEnd, RdbReader, type RdbReaderOptions} from './rdb/reader.js'
export type {ChecksumVerdict} from './rdb/records.js'
export {ownTarget, TARGETS, type Target, targetOf} from './rdb/targets.js'
export type {RdbHeader} from './rdb/versions.js'
export {RdbWriter, type RdbWriterOptions} from './rdb/writer.js'
export {ReplicaClient, type ReplicaOptions} from './replication/client.js'
export type {ReplicatedCommand} from './replication/command-framer.js'
export {type FullResyncOptions, fullResync, Resync} from './replication/full-resync.js'
export {Master, type MasterOptions} from './replication/master.js'
export type {Readable, SnapshotPart} from './replication/master-announced.js'
export type {
  EndReason,
  LinkState,
  MasterEvent,
  MasterMessage,
  ReplicaStatus,
  ServedSnapshot,
  SnapshotWish,
} from './replication/master-events.js'
export type {ReplicationEvent, ReplicationObserver, TransferProgress, WireMessage} from './replication/observer.js'
export type {PayloadHeader} from './replication/replies.js'
export {StreamUnits} from './replication/stream-units.js'
export {parseAddress, type ServerAddress, type TlsOptions} from './resp/address.js'
export {type SalvageOptions, type SalvageProgress, salvageLog} from './source/salvage.js'
