/**
 * The formats that a keyspace can be written in, by name.
 */
import type {ByteOutput} from '../bytes/output.js'
import {JsonWriter} from '../jsonl/writer.js'
import type {EntrySink} from '../keyspace/entry-sink.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'
import {KeysWriter} from './keys.js'

export const DUMP_FORMATS = ['jsonl', 'json', 'keys'] as const

export type DumpFormat = (typeof DUMP_FORMATS)[number]

export function createSink(format: DumpFormat, out: ByteOutput, origin: SourceOrigin | undefined): EntrySink {
  switch (format) {
    case 'jsonl':
    case 'json':
      return new JsonWriter(out, format, origin)
    case 'keys':
      return new KeysWriter(out)
  }
}
