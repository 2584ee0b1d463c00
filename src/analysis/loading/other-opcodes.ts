/**
 * Records that hold no key, and attributes that are of one family only, as
 * servers read them.
 */
import {LentBytes} from '../../bytes/lent.js'
import * as op from '../../rdb/opcodes.js'
import {readModuleId} from '../../rdb/value/module.js'
import {parseSlotHint} from '../soundness-aux.js'
import {parseLibraryHead} from '../soundness-function.js'
import type {PredictedLoad} from './predicted-load.js'
import {UnknownRecords} from './unknown-records.js'

const MODULE_WHEN = 2
const SLOT_JOB_BYTES = 40
const SLOTS = 16_384
/** Bytes of a table of pointers that any machine promises; where there are more, memory decides. */
const TABLE_ENTRIES_SURE = 2 ** 27
const TABLE_ENTRIES_NEVER = 2 ** 44

const NAMES: Readonly<Record<number, string>> = {
  [op.OPCODE_EXPIRETIME_MS]: 'an expiry in milliseconds',
  [op.OPCODE_AUX]: 'aux fields',
  [op.OPCODE_RESIZEDB]: 'sizes of databases',
  [op.OPCODE_FREQ]: 'how often a key is used',
  [op.OPCODE_IDLE]: 'how long a key was not used',
  [op.OPCODE_MODULE_AUX]: 'data of a module',
  [op.OPCODE_FUNCTION2]: 'functions',
  [op.OPCODE_FUNCTION_PRE_GA]: 'functions of a 7.0 release candidate',
  [op.OPCODE_SLOT_INFO]: 'sizes of slots',
  [op.OPCODE_HASH_TEMPLATE]: 'templates of hashes',
  [op.OPCODE_DRAGONFLY_MASK]: 'flags of Dragonfly',
  [op.OPCODE_ENTERPRISE_RAM_LRU]: 'usage as Redis Enterprise counts it',
  [op.OPCODE_ENTERPRISE_SLOT]: 'a slot of Redis Enterprise',
}

export class OtherOpcodes {
  readonly #name = new LentBytes(0)
  readonly #text = new LentBytes(1)
  readonly #libraries = new Set<string>()
  readonly #unknown: UnknownRecords
  #sizes: [number, number] | undefined

  constructor(readonly load: PredictedLoad) {
    this.#unknown = new UnknownRecords(load.cursor, load.templates)
  }

  /** Whether the server knows an opcode; that it does not is noted. */
  knows(opcode: number): boolean {
    const {loader, obstacles} = this.load
    if (loader.opcodes.has(opcode)) return true
    const name = NAMES[opcode] ?? 'an opcode'
    obstacles.add(
      'refuses',
      'UNKNOWN_OPCODE',
      `opcode ${opcode} (${name}) is not known to ${loader.target.name}`,
      String(opcode),
    )
    return false
  }

  /** Reads what `byte` begins; false where that is a key. */
  read(byte: number, family: op.Family): boolean {
    switch (byte) {
      case op.OPCODE_AUX:
        this.#aux(byte)
        return true
      case op.OPCODE_RESIZEDB:
        this.#resize(byte)
        return true
      case op.OPCODE_FUNCTION2:
        this.#function(byte)
        return true
      case op.OPCODE_MODULE_AUX:
        this.#moduleAux(byte)
        return true
      case op.OPCODE_SLOT_INFO:
        this.#slotInfo(byte)
        return true
      case op.OPCODE_KEY_META_OR_SLOT_IMPORT:
        if (family === 'valkey') this.#slotImport(byte)
        else this.#foreign(byte, 'KEY_META', 'metadata of a key')
        return true
      case op.OPCODE_FUNCTION_PRE_GA:
      case op.OPCODE_HASH_TEMPLATE:
      case op.OPCODE_DRAGONFLY_MASK:
      case op.OPCODE_ENTERPRISE_RAM_LRU:
      case op.OPCODE_ENTERPRISE_SLOT:
        if (byte === op.OPCODE_FUNCTION_PRE_GA) this.#preGa()
        else this.knows(byte)
        this.#unknown.pass(byte, family)
        return true
      default:
        this.#expand()
        return false
    }
  }

  #aux(byte: number): void {
    this.knows(byte)
    const {strings, obstacles, loader} = this.load
    strings.read(this.#name)
    strings.read(this.#text)
    const {bytes, start, end} = this.#name
    if (end - start > 16) return
    const name = Buffer.from(bytes.subarray(start, end)).toString('latin1').toLowerCase()
    if (name === 'lua' && loader.luaScripts) this.load.scripts++
    if (name !== 'slot-info' || !loader.slotHints) return
    if (parseSlotHint(this.#text.copy()) === undefined) {
      obstacles.add('refuses', 'BAD_AUX', 'slot-info is not slot,keys,expires')
    }
  }

  /** Up to redis 7.0 tables are made at once, later before the next key. */
  #resize(byte: number): void {
    this.knows(byte)
    const {strings} = this.load
    this.#sizes = [strings.length(), strings.length()]
    if (!this.load.loader.listpackSets) this.#expand()
  }

  #expand(): void {
    if (this.#sizes === undefined) return
    const {obstacles} = this.load
    const keys = Math.max(...this.#sizes)
    this.#sizes = undefined
    if (keys < TABLE_ENTRIES_SURE) return
    const text = `${keys} keys are announced: memory is asked for all of them at once`
    obstacles.add(keys >= TABLE_ENTRIES_NEVER && keys < 2 ** 60 ? 'crashes' : 'unsure', 'SIZE_HINT', text)
  }

  #function(byte: number): void {
    const isKnown = this.knows(byte)
    const {strings, obstacles} = this.load
    strings.read(this.#text)
    if (!isKnown) return
    this.load.scripts++
    const head = parseLibraryHead(this.#text.copy())
    if (typeof head === 'string') {
      obstacles.add('refuses', 'BAD_FUNCTION', head)
    } else if (this.#libraries.has(head.name)) {
      obstacles.add('refuses', 'DUPLICATE_FUNCTION', `there are two function libraries ${head.name}`)
    } else {
      this.#libraries.add(head.name)
    }
  }

  #preGa(): void {
    const text = 'functions as 7.0 release candidates stored them are taken by no release'
    this.load.obstacles.add('refuses', 'FUNCTION_CANDIDATE', text)
  }

  #moduleAux(byte: number): void {
    const isKnown = this.knows(byte)
    const {cursor, obstacles} = this.load
    const {name} = readModuleId(cursor)
    if (isKnown) obstacles.add('refuses', 'MODULE', `data of module ${name}, which the server does not have`, name)
    this.#unknown.passModuleAux(MODULE_WHEN)
  }

  #slotInfo(byte: number): void {
    const {strings} = this.load
    this.knows(byte)
    for (let i = 0; i < 3; i++) strings.length()
  }

  /** Valkey 9.1 cluster_migrateslots.c clusterRDBLoadSlotImport. */
  #slotImport(byte: number): void {
    this.knows(byte)
    const {strings, obstacles} = this.load
    strings.read(this.#name)
    if (this.#name.end - this.#name.start !== SLOT_JOB_BYTES) {
      obstacles.lost('refuses', 'BAD_SLOT', "a slot import's job name has not 40 bytes")
    }
    const ranges = strings.length()
    for (let i = 0; i < ranges; i++) {
      const first = strings.length()
      const last = strings.length()
      if (first < SLOTS && last < SLOTS && first <= last) continue
      obstacles.lost('refuses', 'BAD_SLOT', `a slot import is of slots ${first} to ${last}, which cannot be`)
    }
    obstacles.add('crashes', 'SLOT_IMPORT', 'a slot import belongs to a cluster: a server that is in none stops at it')
  }

  #foreign(byte: number, code: string, what: string): void {
    const {loader, obstacles} = this.load
    if (!loader.opcodes.has(byte) || loader.target.family !== 'redis') {
      obstacles.add('refuses', code, `opcode ${byte} (${what}) is not known to ${loader.target.name}`)
    }
    this.#unknown.pass(byte, 'redis')
  }
}
