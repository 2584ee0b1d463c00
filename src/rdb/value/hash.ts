/**
 * Hashes, with and without expiries of their fields.
 *
 *   4  HASH                       <count> (<field> <value>)*
 *   9  HASH_ZIPMAP                <string: zipmap>
 *   13 HASH_ZIPLIST               <string: ziplist of field, value>
 *   16 HASH_LISTPACK              <string: listpack of field, value>
 *
 * redis 7.4 release candidates:
 *   22 HASH_METADATA_PRE_GA       <count> (<length ms or 0> <field> <value>)*
 *   23 HASH_LISTPACK_EX_PRE_GA    <string: listpack of field, value, ms or 0>
 * redis 7.4 and later:
 *   24 HASH_METADATA              <min: int64 ms> <count> (<length t> <field> <value>)*
 *                                 t = 0: no expiry; else it is min + t - 1
 *   25 HASH_LISTPACK_EX           <min: int64 ms> <string: listpack of field, value, ms or 0>
 * valkey 9.0 and later:
 *   22 HASH_2                     <count> (<field> <value> <int64 ms, -1 none>)*
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {type Int64, sumInt64} from '../../bytes/int64.js'
import {LentBytes} from '../../bytes/lent.js'
import {readLength64} from '../../encoding/length.js'
import type {ListpackWalker} from '../../encoding/listpack.js'
import {readString, skipString} from '../../encoding/string.js'
import {ZipmapWalker} from '../../encoding/zipmap.js'
import {type Entry, NEVER} from '../../keyspace/entry.js'
import {fieldWithoutValue} from '../../keyspace/node-visitor.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {CountedReader, PackedPasser, PackedReader, StringsReader, type ValueReader} from './reader.js'

const TIME_BYTES = 8

export class HashReader extends StringsReader {
  readonly #name = new LentBytes(0)
  readonly #value = new LentBytes(1)

  constructor() {
    super(2, 'hash fields')
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const name = this.#name
    const value = this.#value
    readString(cursor, name)
    readString(cursor, value)
    visitor.field(name.bytes, name.start, name.end, value.bytes, value.start, value.end, NEVER)
  }
}

/** Types 22 and 24 of redis: the expiry stands before the field, and of 24 counts from the hash's earliest. */
export class HashMetadataReader extends CountedReader {
  readonly #name = new LentBytes(0)
  readonly #value = new LentBytes(1)
  #minExpireAtMs: Int64 = 0

  constructor(readonly relative: boolean) {
    super(3, 'hash fields')
  }

  protected override head(cursor: ByteCursor): void {
    if (this.relative) this.#minExpireAtMs = cursor.i64le()
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const name = this.#name
    const value = this.#value
    const stored = readLength64(cursor)
    readString(cursor, name)
    readString(cursor, value)
    visitor.field(name.bytes, name.start, name.end, value.bytes, value.start, value.end, this.#expireAtMs(stored))
  }

  protected skipElement(cursor: ByteCursor): void {
    if (!this.halfway) {
      readLength64(cursor)
      skipString(cursor)
      this.passedHalf(cursor)
    }
    skipString(cursor)
  }

  #expireAtMs(stored: Int64): Int64 {
    if (stored === 0) return NEVER
    if (!this.relative) return stored
    return sumInt64(this.#minExpireAtMs, stored, -1)
  }
}

/** Valkey's HASH_2: the expiry stands after the value. */
export class HashExpiryReader extends CountedReader {
  readonly #name = new LentBytes(0)
  readonly #value = new LentBytes(1)

  constructor() {
    super(2 + TIME_BYTES, 'hash fields')
  }

  protected element(cursor: ByteCursor, visitor: ValueVisitor): void {
    const name = this.#name
    const value = this.#value
    readString(cursor, name)
    readString(cursor, value)
    const stored = cursor.i64le()
    const expireAtMs = stored === -1 ? NEVER : stored
    visitor.field(name.bytes, name.start, name.end, value.bytes, value.start, value.end, expireAtMs)
  }

  protected skipElement(cursor: ByteCursor): void {
    if (!this.halfway) {
      skipString(cursor)
      this.passedHalf(cursor)
    }
    skipString(cursor)
    cursor.skip(TIME_BYTES)
  }
}

export class PackedHashReader extends PackedReader {
  readonly #name = new LentBytes(1)
  readonly #value = new LentBytes(1)

  constructor(kind: 'ziplist' | 'listpack') {
    super(kind, 2)
  }

  protected elements(visitor: ValueVisitor): void {
    const name = this.#name
    const value = this.#value
    while (this.walker.next(name)) {
      if (!this.walker.next(value)) throw fieldWithoutValue(this.kind, this.entry)
      visitor.field(name.bytes, name.start, name.end, value.bytes, value.start, value.end, NEVER)
    }
  }
}

/** Types 23 and 25: triplets, the third an integer. */
export class HashListpackExReader extends PackedReader {
  readonly #name = new LentBytes(1)
  readonly #value = new LentBytes(1)

  constructor(readonly hasMinimum: boolean) {
    super('listpack', 3)
  }

  protected override head(cursor: ByteCursor): void {
    if (this.hasMinimum) cursor.skip(TIME_BYTES)
  }

  protected elements(visitor: ValueVisitor): void {
    const walker = this.walker as ListpackWalker
    const name = this.#name
    const value = this.#value
    while (walker.next(name)) {
      if (!walker.next(value) || walker.atEnd) throw fieldWithoutValue(this.kind, this.entry)
      const stored = walker.nextInteger()
      const expireAtMs = stored === 0 ? NEVER : stored
      visitor.field(name.bytes, name.start, name.end, value.bytes, value.start, value.end, expireAtMs)
    }
  }
}

/** Zipmaps were written up to redis 2.4; no server writes one today. */
export class ZipmapReader implements ValueReader {
  #entry!: Entry
  readonly #blob = new LentBytes(0)
  readonly #name = new LentBytes(1)
  readonly #value = new LentBytes(1)
  readonly #walker = new ZipmapWalker()
  readonly #passer = new PackedPasser('zipmap')

  begin(entry: Entry): void {
    this.#entry = entry
    this.#passer.reset()
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (visitor.depth === 'skip') {
      this.#entry.elements = this.#passer.pass(cursor)
      return
    }
    const offset = cursor.offset
    const blob = this.#blob
    readString(cursor, blob)
    this.#entry.elements = this.#count(offset)
    visitor.begin(this.#entry, this.#entry.elements)
    if (visitor.depth === 'nodes') visitor.node('zipmap', blob.bytes, blob.start, blob.end)
    else this.#show(visitor, offset)
  }

  #count(offset: number): number {
    this.#walker.open(this.#blob.bytes, this.#blob.start, this.#blob.end, offset)
    let count = 0
    while (this.#walker.next(this.#name, this.#value)) count++
    return count
  }

  #show(visitor: ValueVisitor, offset: number): void {
    const name = this.#name
    const value = this.#value
    this.#walker.open(this.#blob.bytes, this.#blob.start, this.#blob.end, offset)
    while (this.#walker.next(name, value)) {
      visitor.field(name.bytes, name.start, name.end, value.bytes, value.start, value.end, NEVER)
    }
  }
}
