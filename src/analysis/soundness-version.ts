/**
 * What is newer than the file says it is, and what only one vendor's servers
 * read: a server that takes the file's version may not know it.
 */
import type {Entry} from '../keyspace/entry.js'
import * as op from '../rdb/opcodes.js'
import type {RdbHeader} from '../rdb/versions.js'
import type {Findings} from './soundness-findings.js'

/** First version whose servers wrote a type. */
const TYPE_VERSION_MIN: Readonly<Record<number, number>> = {
  [op.TYPE_ZSET_2]: 8,
  [op.TYPE_MODULE_2]: 8,
  [op.TYPE_HASH_ZIPMAP]: 2,
  [op.TYPE_LIST_ZIPLIST]: 2,
  [op.TYPE_SET_INTSET]: 2,
  [op.TYPE_ZSET_ZIPLIST]: 2,
  [op.TYPE_HASH_ZIPLIST]: 4,
  [op.TYPE_LIST_QUICKLIST]: 7,
  [op.TYPE_STREAM_LISTPACKS]: 9,
  [op.TYPE_HASH_LISTPACK]: 10,
  [op.TYPE_ZSET_LISTPACK]: 10,
  [op.TYPE_LIST_QUICKLIST_2]: 10,
  [op.TYPE_STREAM_LISTPACKS_2]: 10,
  [op.TYPE_SET_LISTPACK]: 11,
  [op.TYPE_STREAM_LISTPACKS_3]: 11,
  [op.TYPE_HASH_22]: 12,
  [op.TYPE_HASH_LISTPACK_EX_PRE_GA]: 12,
  [op.TYPE_HASH_METADATA]: 12,
  [op.TYPE_HASH_LISTPACK_EX]: 12,
  [op.TYPE_STREAM_LISTPACKS_4]: 13,
  [op.TYPE_STREAM_LISTPACKS_5]: 14,
  [op.TYPE_ARRAY]: 14,
  [op.TYPE_HASH_TEMPLATE_LISTPACK]: 15,
  [op.TYPE_HASH_LISTPACK_REF]: 15,
  [op.TYPE_HASH_TEMPLATE_ARRAY]: 15,
  [op.TYPE_HASH_ARRAY_REF]: 15,
  [op.TYPE_BITMAP]: 16,
}

/** The same of opcodes. */
const OPCODE_VERSION_MIN = {
  AUX: 7,
  RESIZEDB: 7,
  IDLE: 9,
  FREQ: 9,
  MODULE_AUX: 9,
  FUNCTION2: 10,
  SLOT_INFO: 12,
  KEY_META: 13,
  HASH_TEMPLATE: 15,
} as const

export type Opcode = keyof typeof OPCODE_VERSION_MIN

/** Tells of each type and opcode once. */
export class VersionSoundness {
  /** By type byte: 1 where it is to be told. */
  readonly #types: Uint8Array
  readonly #told = new Set<Opcode>()
  readonly #rdbVersion: number
  /** The commonest attributes of a key may be newer than the file. */
  readonly isOld: boolean
  #dragonfly = false
  #enterprise = false

  /** Of a source that is no RDB file nothing can be too new. */
  constructor(
    readonly findings: Findings,
    header: RdbHeader | undefined,
  ) {
    const rdbVersion = header?.rdbVersion ?? Number.POSITIVE_INFINITY
    this.#rdbVersion = rdbVersion
    this.isOld = rdbVersion < OPCODE_VERSION_MIN.IDLE
    this.#types = Uint8Array.from({length: 256}, (_, id) => Number((TYPE_VERSION_MIN[id] ?? 0) > rdbVersion))
    this.#types[op.TYPE_KEYDB_CRON] = 1
  }

  /** A bit for each type byte below 32 of which nothing is to be told. */
  get typesTaken(): number {
    return this.#types.subarray(0, 32).reduce((bits, told, type) => (told === 1 ? bits : bits | (1 << type)), 0)
  }

  entry(entry: Entry): void {
    if (this.#types[entry.typeId] === 1) this.#type(entry)
    if (entry.dragonflyMask >= 0 && !this.#dragonfly) {
      this.#dragonfly = true
      this.findings.inEntry('VENDOR_ONLY', 'warning', entry.offset, 'only Dragonfly reads the flags before this key')
    }
    if (entry.keyMeta !== undefined) this.opcode('KEY_META', entry.offset)
    if (!this.isOld) return
    if (entry.idleSeconds >= 0) this.opcode('IDLE', entry.offset)
    if (entry.frequency >= 0) this.opcode('FREQ', entry.offset)
  }

  opcode(name: Opcode, offset: number): void {
    const since = OPCODE_VERSION_MIN[name]
    if (since <= this.#rdbVersion || this.#told.has(name)) return
    this.#told.add(name)
    this.findings.inFile('TOO_NEW', 'warning', offset, this.#text(`opcode ${name}`, since))
  }

  /** An opcode that says nothing about the data. */
  enterprise(offset: number): void {
    if (this.#enterprise) return
    this.#enterprise = true
    this.findings.inFile('VENDOR_ONLY', 'warning', offset, 'only Redis Enterprise reads the opcode that stands here')
  }

  #type(entry: Entry): void {
    const {typeId} = entry
    this.#types[typeId] = 0
    const cron = typeId === op.TYPE_KEYDB_CRON
    const text = cron ? 'only KeyDB reads type 64' : this.#text(`type ${typeId}`, TYPE_VERSION_MIN[typeId]!)
    this.findings.inEntry(cron ? 'VENDOR_ONLY' : 'TOO_NEW', 'warning', entry.offset, text)
  }

  #text(what: string, since: number): string {
    return `${what} is of RDB version ${since}, the file of ${this.#rdbVersion}: servers of that version refuse it`
  }
}
