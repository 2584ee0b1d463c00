/**
 * KeyDB's CRON (type 64): a script that the server runs at intervals.
 *
 *   <string: script> <int64 start ms> <int64 interval ms>
 *   <count> <string: key>* <count> <string: argument>*
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {readString} from '../../encoding/string.js'
import {StringList} from '../../encoding/string-list.js'
import type {Entry} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import type {ValueReader} from './reader.js'

export class CronReader implements ValueReader {
  #entry!: Entry
  readonly #string = new LentBytes(0)
  readonly #keys = new StringList('keys of a script')
  readonly #args = new StringList('arguments of a script')

  begin(entry: Entry): void {
    this.#entry = entry
  }

  /** Read whole: a script with its keys and arguments is small. */
  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    readString(cursor, this.#string)
    const script = this.#string.copy()
    const startMs = cursor.i64le()
    const intervalMs = cursor.i64le()
    const keys = this.#keys.read(cursor)
    const all = keys.concat(this.#args.read(cursor))
    this.#entry.elements = all.length
    if (visitor.depth === 'skip') return
    visitor.begin(this.#entry, all.length)
    visitor.cron(script, startMs, intervalMs, keys.length)
    for (const item of all) visitor.item(item, 0, item.length)
  }
}
