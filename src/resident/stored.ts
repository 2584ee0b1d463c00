/**
 * A value that no command of the log can look into, as it was stored in the
 * snapshot before it: a module's, an array of Redis 8.8, a CRON of KeyDB.
 */
import {ByteCursor, STARVED} from '../bytes/cursor.js'
import {ByteWriter} from '../bytes/writer.js'
import {FormatError} from '../errors.js'
import {type Entry, NO_TYPE_ID, type RecordHead, type ValueType} from '../keyspace/entry.js'
import type {EntryVisitor, ValueVisitor} from '../keyspace/visitor.js'
import {OPCODE_EOF} from '../rdb/opcodes.js'
import {RecordReader} from '../rdb/records.js'
import type {RdbHeader} from '../rdb/versions.js'
import type {ResidentValue} from './value.js'

const LENGTH_32 = 0x80

export class StoredValue implements ResidentValue {
  /** What is in it is counted when it is shown. */
  readonly size = 1

  constructor(
    readonly type: ValueType,
    readonly typeId: number,
    /** Of the snapshot: whose numbers these are. */
    readonly header: RdbHeader,
    /** All behind type and key. */
    readonly bytes: Uint8Array,
  ) {}

  /** Shows key and value, whose end is shown too. */
  showEntry(head: RecordHead, visitor: EntryVisitor): void {
    const file = this.#file(head)
    const cursor = new ByteCursor(file.length)
    cursor.refill(file, 0, file.length)
    cursor.finish()
    const records = new RecordReader(cursor)
    try {
      records.readHeader()
      records.readAll({
        entry: entry => {
          entry.db = head.db
          entry.typeId = NO_TYPE_ID
          entry.expireAtMs = head.expireAtMs
          entry.idleSeconds = head.idleSeconds
          entry.frequency = head.frequency
          entry.keyMeta = head.keyMeta
          return visitor.entry(entry)
        },
      })
    } catch (error) {
      if (error !== STARVED) throw error
      throw new FormatError('TRUNCATED', 'a stored value ends too early', 0)
    }
  }

  /** A snapshot of this key alone. */
  #file({keyBytes}: RecordHead): Uint8Array {
    const out = new ByteWriter(this.bytes.length + keyBytes.end - keyBytes.start + 64)
    const {magic, rdbVersion} = this.header
    out.ascii(magic + String(rdbVersion).padStart(9 - magic.length, '0'))
    out.u8(this.typeId)
    out.u8(LENGTH_32)
    out.u32be(keyBytes.end - keyBytes.start)
    out.copy(keyBytes.bytes, keyBytes.start, keyBytes.end)
    out.copy(this.bytes, 0, this.bytes.length)
    out.u8(OPCODE_EOF)
    out.i64le(0, 0)
    return out.view()
  }

  show(_visitor: ValueVisitor, _entry: Entry): void {
    throw new Error('a stored value is shown with its key')
  }

  copy(): StoredValue {
    return this
  }

  move(): void {}

  dispose(): void {}
}
