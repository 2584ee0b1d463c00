/**
 * KeyDB's CRON (type 64): a script that the server runs at intervals.
 *
 *   <string: script> <int64 start ms> <int64 interval ms>
 *   <count> <string: key>* <count> <string: argument>*
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {readCount} from '../../encoding/length.js'
import {readString} from '../../encoding/string.js'
import type {Entry} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {readExpireAtMs as readTimeMs} from './hash.js'
import type {ValueReader} from './reader.js'

export class CronReader implements ValueReader {
  #entry!: Entry
  readonly #string = new LentBytes(0)

  begin(entry: Entry): void {
    this.#entry = entry
  }

  /** Read whole: a script with its keys and arguments is small. */
  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    readString(cursor, this.#string)
    const script = this.#string.copy()
    const startMs = readTimeMs(cursor)
    const intervalMs = readTimeMs(cursor)
    const keys = this.#strings(cursor, 'keys of a script')
    const all = keys.concat(this.#strings(cursor, 'arguments of a script'))
    this.#entry.elements = all.length
    if (visitor.depth === 'skip') return
    visitor.begin(this.#entry, all.length)
    visitor.cron(script, startMs, intervalMs, keys.length)
    for (const item of all) visitor.item(item, 0, item.length)
  }

  #strings(cursor: ByteCursor, what: string): Uint8Array[] {
    const count = readCount(cursor, 1, what)
    const strings: Uint8Array[] = []
    for (let i = 0; i < count; i++) {
      readString(cursor, this.#string)
      strings.push(this.#string.copy())
    }
    return strings
  }
}
