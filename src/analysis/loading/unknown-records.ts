/**
 * What a server does not know is passed over as the reader of all formats does,
 * so that what stands behind it can be looked at.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {readPlainLength} from '../../encoding/length.js'
import {Entry} from '../../keyspace/entry.js'
import type {EntryVisitor} from '../../keyspace/visitor.js'
import {SKIP} from '../../keyspace/visitor.js'
import * as op from '../../rdb/opcodes.js'
import {OtherRecords} from '../../rdb/other-records.js'
import type {HashTemplates} from '../../rdb/value/hash-template.js'
import {ModuleItems} from '../../rdb/value/module.js'
import type {RdbHeader} from '../../rdb/versions.js'

const NOBODY: EntryVisitor = {entry: () => SKIP}

export class UnknownRecords {
  readonly #items = new ModuleItems()
  readonly #records: OtherRecords

  constructor(
    readonly cursor: ByteCursor,
    templates: HashTemplates,
  ) {
    this.#records = new OtherRecords(cursor, new Entry(), templates)
  }

  /** Passes over the record whose opcode has been read. */
  pass(byte: number, family: op.Family): void {
    if (byte === op.OPCODE_DRAGONFLY_MASK) this.cursor.u32le()
    else if (byte === op.OPCODE_KEY_META_OR_SLOT_IMPORT) this.#records.keyMeta()
    else this.#records.read(byte, {magic: 'REDIS', family, rdbVersion: 16} as RdbHeader, NOBODY)
  }

  /** Passes over data of a module, behind its ID. */
  passModuleAux(_when: number): void {
    readPlainLength(this.cursor)
    readPlainLength(this.cursor)
    this.#items.pass(this.cursor)
  }
}
