/**
 * Which load reads the values of which type, and what becomes of types that a
 * server does not know.
 */

import {FormatError, UnsupportedError} from '../../errors.js'
import {Entry} from '../../keyspace/entry.js'
import {SKIP} from '../../keyspace/visitor.js'
import * as op from '../../rdb/opcodes.js'
import type {ValueReader} from '../../rdb/value/reader.js'
import {valueReaders} from '../../rdb/value/table.js'
import {parseMagic, type RdbHeader} from '../../rdb/versions.js'
import {CountedLoad} from './counted-load.js'
import {ModuleLoad} from './module-load.js'
import {LoadLost} from './obstacles.js'
import {PackedLoad, QuicklistLoad} from './packed-load.js'
import {StreamLoad} from './stream-load.js'
import type {LoadContext, Loaded, ValueLoad} from './value-load.js'

const COUNTED = [
  op.TYPE_LIST,
  op.TYPE_SET,
  op.TYPE_ZSET,
  op.TYPE_HASH,
  op.TYPE_ZSET_2,
  op.TYPE_HASH_22,
  op.TYPE_HASH_METADATA,
]
const STREAMS = [op.TYPE_STREAM_LISTPACKS, op.TYPE_STREAM_LISTPACKS_2, op.TYPE_STREAM_LISTPACKS_3]
const QUICKLISTS = [op.TYPE_LIST_QUICKLIST, op.TYPE_LIST_QUICKLIST_2]
const PACKED = [
  op.TYPE_HASH_ZIPMAP,
  op.TYPE_LIST_ZIPLIST,
  op.TYPE_SET_INTSET,
  op.TYPE_ZSET_ZIPLIST,
  op.TYPE_HASH_ZIPLIST,
  op.TYPE_HASH_LISTPACK,
  op.TYPE_ZSET_LISTPACK,
  op.TYPE_SET_LISTPACK,
  op.TYPE_HASH_LISTPACK_EX,
  op.TYPE_HASH_LISTPACK_EX_PRE_GA,
]
/** Types that are foreign to valkey in a file whose magic word is REDIS. */
const FOREIGN_TYPE_MIN = 22

export class ServerValues {
  /** Whose numbers the file uses. */
  family: op.Family = 'redis'
  #readers: readonly (ValueReader | undefined)[] = []
  #load: ValueLoad | undefined
  readonly #loads: readonly (ValueLoad | undefined)[]
  readonly #entry = new Entry()

  constructor(readonly context: LoadContext) {
    const loads: (ValueLoad | undefined)[] = new Array(256).fill(undefined)
    const fill = (types: readonly number[], load: ValueLoad): void => {
      for (const type of types) loads[type] = load
    }
    fill([op.TYPE_STRING], new StringLoad(context))
    fill(COUNTED, new CountedLoad(context))
    fill(PACKED, new PackedLoad(context))
    fill(QUICKLISTS, new QuicklistLoad(context))
    fill(STREAMS, new StreamLoad(context))
    fill([op.TYPE_MODULE_2], new ModuleLoad(context))
    this.#loads = loads
  }

  /** Reads the header as the reader of all formats does; returns 0 where that is none, else its version. */
  readOwnHeader(text: string): number {
    const bytes = Buffer.from(text, 'latin1')
    try {
      const header = parseMagic(bytes, 0, 0)
      this.#use(header)
      return header.rdbVersion
    } catch (error) {
      if (error instanceof FormatError || error instanceof UnsupportedError) return 0
      throw error
    }
  }

  /** The server takes the header. */
  useFamily(family: op.Family, rdbVersion: number): void {
    this.#use({magic: family === 'valkey' ? 'VALKEY' : 'REDIS', family, rdbVersion})
  }

  #use(header: RdbHeader): void {
    this.family = header.family
    this.#readers = valueReaders(header, this.context.templates)
  }

  begin(typeId: number): void {
    const {loader} = this.context
    const {types, family} = loader.target
    const isForeign = family === 'valkey' && this.family === 'redis' && typeId >= FOREIGN_TYPE_MIN
    const isKnown = types.has(typeId) && !isForeign && (typeId < FOREIGN_TYPE_MIN || family === this.family)
    this.#load = isKnown ? this.#loads[typeId] : undefined
    if (this.#load !== undefined) {
      this.#load.begin(typeId)
      return
    }
    if (!isKnown) this.#unknown(typeId)
    this.#load = this.#passing(typeId)
  }

  read(): Loaded {
    return this.#load!.read()
  }

  #unknown(typeId: number): void {
    const {obstacles, loader} = this.context
    const [type, encoding] = op.typesOf(this.family)[typeId] ?? []
    const what = type === undefined ? '' : ` (${type}, ${encoding})`
    obstacles.add(
      'refuses',
      'UNKNOWN_TYPE',
      `type ${typeId}${what} is not known to ${loader.target.name}`,
      String(typeId),
    )
  }

  /** Passes over a value as the reader of all formats does. */
  #passing(typeId: number): ValueLoad {
    const {cursor} = this.context
    const reader = this.#readers[typeId]
    if (reader === undefined) throw new LoadLost()
    const entry = this.#entry
    const [type = 'string', encoding = ''] = op.typesOf(this.family)[typeId] ?? []
    entry.type = type
    entry.typeId = typeId
    entry.encoding = encoding
    entry.module = ''
    reader.begin(entry)
    const read = (): Loaded => {
      reader.read(cursor, SKIP)
      return 'whole'
    }
    return {begin: () => {}, read}
  }
}

class StringLoad implements ValueLoad {
  constructor(readonly context: LoadContext) {}

  begin(): void {}

  read(): Loaded {
    this.context.strings.pass()
    return 'whole'
  }
}
