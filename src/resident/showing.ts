/**
 * Shows a data set in memory to a visitor, as a reader shows what it reads.
 */
import {Entry, NO_TYPE_ID} from '../keyspace/entry.js'
import type {EntryVisitor, ValueVisitor} from '../keyspace/visitor.js'
import {RecordPlace} from './byte-table.js'
import type {Database} from './database.js'
import type {Keyspace} from './keyspace.js'
import {StoredValue} from './stored.js'

/** Keys between two places where the visitor may wait. */
const KEYS_BETWEEN_DRAINS = 256
/** Module data that stands behind the keys. */
const WHEN_AFTER = 2

/** Shows everything, once: libraries, then database by database its keys in the order of their making. */
export async function showKeyspace(keyspace: Keyspace, visitor: EntryVisitor): Promise<void> {
  for (const source of keyspace.functions.values()) visitor.function?.(source)
  for (const aux of keyspace.moduleAux) if (aux.when !== WHEN_AFTER) visitor.moduleAux?.(aux)
  for (const number of keyspace.numbers()) {
    visitor.selectDb?.(number)
    const shower = new DatabaseShower(keyspace.database(number), number, visitor)
    while (shower.some(KEYS_BETWEEN_DRAINS)) {
      const draining = visitor.drain?.()
      if (draining !== undefined) await draining
    }
  }
  for (const aux of keyspace.moduleAux) if (aux.when === WHEN_AFTER) visitor.moduleAux?.(aux)
}

class DatabaseShower {
  readonly #entry = new Entry()
  readonly #place = new RecordPlace()
  #next: number

  constructor(
    readonly db: Database,
    readonly number: number,
    readonly visitor: EntryVisitor,
  ) {
    this.#next = db.next(0)
  }

  /** Shows so many keys; false where there are no more. */
  some(keys: number): boolean {
    this.db.askFor(this.#next, keys)
    for (let i = 0; i < keys && this.#next >= 0; i++) {
      this.#show(this.#next)
      this.#next = this.db.next(this.#next + 1)
    }
    return this.#next >= 0
  }

  #show(number: number): void {
    const {db, visitor} = this
    const entry = this.#entry
    const place = this.#place
    db.place(number, place)
    entry.clearAttributes()
    entry.db = this.number
    entry.keyBytes.lend(place.bytes, place.start, place.end)
    entry.type = db.type(number)
    entry.typeId = NO_TYPE_ID
    entry.encoding = entry.type === 'string' ? 'raw' : ''
    entry.expireAtMs = db.expireAtMs(number)
    const facts = db.facts(number)
    if (facts !== undefined) Object.assign(entry, facts)
    const value = db.seen(number)
    if (value instanceof StoredValue) {
      value.showEntry(entry, visitor)
      return
    }
    const size = value === undefined ? place.payloadEnd - place.end : value.size
    entry.elements = size
    const taker = visitor.entry(entry)
    if (taker.depth !== 'skip') {
      taker.begin(entry, size)
      if (value !== undefined) value.show(taker, entry)
      else if (!taker.opaqueStrings) this.#showString(taker)
    }
    taker.end(entry)
  }

  #showString(taker: ValueVisitor): void {
    const {bytes, end, payloadEnd} = this.#place
    taker.chunk(bytes, end, payloadEnd, true)
  }
}
