/**
 * The formats that a keyspace can be written in, by name.
 */
import {CommandWriter, type RestoreRule} from '../aof/rewrite.js'
import type {ByteOutput} from '../bytes/output.js'
import {CsvWriter} from '../csv/writer.js'
import {JsonWriter} from '../jsonl/writer.js'
import type {EntrySink} from '../keyspace/entry-sink.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'
import {KeysWriter} from './keys.js'

export const DUMP_FORMATS = ['jsonl', 'json', 'resp', 'csv', 'keys'] as const

export type DumpFormat = (typeof DUMP_FORMATS)[number]

export interface SinkOptions {
  /** What the source says of itself. */
  origin: SourceOrigin | undefined
  /** The source shows values as they are stored. */
  stored: boolean
  /** Of resp: which keys go as RESTORE. */
  restore?: RestoreRule | undefined
  /** Of csv: no cell is taken for a formula. */
  safe?: boolean | undefined
}

export function createSink(format: DumpFormat, out: ByteOutput, options: SinkOptions): EntrySink {
  const {origin, stored, restore = 'auto'} = options
  switch (format) {
    case 'jsonl':
    case 'json':
      return new JsonWriter(out, format, origin)
    case 'resp':
      return new CommandWriter(out, restore, origin, stored)
    case 'csv':
      return new CsvWriter(out, options.safe === true)
    case 'keys':
      return new KeysWriter(out)
  }
}
