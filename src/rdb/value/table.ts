/**
 * Type byte -> reader of the value. The only place that says which numbers a
 * family's reader takes; how each is laid out stands in the reader's file.
 */
import * as op from '../opcodes.js'
import type {RdbHeader} from '../versions.js'
import {ArrayReader} from './array.js'
import {BitmapReader} from './bitmap.js'
import {CronReader} from './cron.js'
import {
  HashExpiryReader,
  HashListpackExReader,
  HashMetadataReader,
  HashReader,
  PackedHashReader,
  ZipmapReader,
} from './hash.js'
import {HashTemplateReader, type HashTemplates} from './hash-template.js'
import {ListReader, ListZiplistReader, QuicklistReader} from './list.js'
import {ModuleReader} from './module.js'
import type {ValueReader} from './reader.js'
import {PackedSetReader, SetReader} from './set.js'
import {StreamReader} from './stream.js'
import {StringReader} from './string.js'
import {AsciiZsetReader, PackedZsetReader, ZsetReader} from './zset.js'

/** Type bytes that Dragonfly took before redis did, and the first version in which they are redis's. */
const DRAGONFLY_COLLISIONS: readonly [type: number, since: number][] = [
  [op.TYPE_HASH_LISTPACK_REF, 15],
  [op.TYPE_HASH_TEMPLATE_ARRAY, 15],
  [op.TYPE_HASH_ARRAY_REF, 15],
  [op.TYPE_BITMAP, 16],
]

/** Readers by type byte. They keep state: one table serves one file at a time. */
export function valueReaders(
  {family, rdbVersion}: RdbHeader,
  templates: HashTemplates,
): readonly (ValueReader | undefined)[] {
  const readers: (ValueReader | undefined)[] = new Array(256).fill(undefined)
  readers[op.TYPE_STRING] = new StringReader()
  readers[op.TYPE_LIST] = new ListReader()
  readers[op.TYPE_SET] = new SetReader()
  readers[op.TYPE_ZSET] = new AsciiZsetReader()
  readers[op.TYPE_HASH] = new HashReader()
  readers[op.TYPE_ZSET_2] = new ZsetReader()
  readers[op.TYPE_MODULE_2] = new ModuleReader()
  readers[op.TYPE_HASH_ZIPMAP] = new ZipmapReader()
  readers[op.TYPE_LIST_ZIPLIST] = new ListZiplistReader()
  readers[op.TYPE_SET_INTSET] = new PackedSetReader('intset')
  readers[op.TYPE_ZSET_ZIPLIST] = new PackedZsetReader('ziplist')
  readers[op.TYPE_HASH_ZIPLIST] = new PackedHashReader('ziplist')
  readers[op.TYPE_LIST_QUICKLIST] = new QuicklistReader(1)
  readers[op.TYPE_STREAM_LISTPACKS] = new StreamReader(1)
  readers[op.TYPE_HASH_LISTPACK] = new PackedHashReader('listpack')
  readers[op.TYPE_ZSET_LISTPACK] = new PackedZsetReader('listpack')
  readers[op.TYPE_LIST_QUICKLIST_2] = new QuicklistReader(2)
  readers[op.TYPE_STREAM_LISTPACKS_2] = new StreamReader(2)
  readers[op.TYPE_SET_LISTPACK] = new PackedSetReader('listpack')
  readers[op.TYPE_STREAM_LISTPACKS_3] = new StreamReader(3)
  if (family === 'valkey') readers[op.TYPE_HASH_22] = new HashExpiryReader()
  else addRedisReaders(readers, templates)
  // Dragonfly gives these numbers other meanings, in files of version 9.
  for (const [type, since] of DRAGONFLY_COLLISIONS) if (rdbVersion < since) readers[type] = undefined
  return readers
}

function addRedisReaders(readers: (ValueReader | undefined)[], templates: HashTemplates): void {
  readers[op.TYPE_HASH_22] = new HashMetadataReader(false)
  readers[op.TYPE_HASH_LISTPACK_EX_PRE_GA] = new HashListpackExReader(false)
  readers[op.TYPE_HASH_METADATA] = new HashMetadataReader(true)
  readers[op.TYPE_HASH_LISTPACK_EX] = new HashListpackExReader(true)
  readers[op.TYPE_STREAM_LISTPACKS_4] = new StreamReader(4)
  readers[op.TYPE_STREAM_LISTPACKS_5] = new StreamReader(5)
  readers[op.TYPE_ARRAY] = new ArrayReader()
  readers[op.TYPE_HASH_TEMPLATE_LISTPACK] = new HashTemplateReader('own', 'listpack', templates)
  readers[op.TYPE_HASH_LISTPACK_REF] = new HashTemplateReader('shared', 'listpack', templates)
  readers[op.TYPE_HASH_TEMPLATE_ARRAY] = new HashTemplateReader('own', 'strings', templates)
  readers[op.TYPE_HASH_ARRAY_REF] = new HashTemplateReader('shared', 'strings', templates)
  readers[op.TYPE_BITMAP] = new BitmapReader()
  readers[op.TYPE_KEYDB_CRON] = new CronReader()
}
