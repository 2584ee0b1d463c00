/**
 * The biggest single elements of collections: fields with their values (of a hash, or
 * of a stream's entry), members, items of a list. One of megabytes stalls a server as a
 * whole key of that size does, and hides in a collection of ordinary length.
 *
 * Most nodes cannot hold one that would be kept: they are not even walked, so it costs
 * next to nothing to look.
 */
import {LentBytes} from '../bytes/lent.js'
import {ListpackWalker, longestString} from '../encoding/listpack.js'
import type {StreamId} from '../encoding/stream-id.js'
import {StreamNodeWalker} from '../encoding/stream-node.js'
import {ZiplistWalker} from '../encoding/ziplist.js'
import {FormatError} from '../errors.js'
import type {Entry, KeptKey, ValueType} from '../keyspace/entry.js'
import type {NodeKind} from '../keyspace/visitor.js'
import {TopN} from './top.js'

/**
 * Nothing smaller is told. A list's node ends before 8 KiB (redis.conf, list-max-listpack-size -2), a stream's before 4 KiB, and
 * other packed values hold no string above 64 bytes: so under default settings hardly any node is walked. From 1 KiB on, a
 * gigabyte of mixed data would take a ninth more time.
 */
export const ELEMENT_BYTES_MIN = 8192
/** Of a name so much is kept. */
const NAME_BYTES_MAX = 128

export interface BigElement extends KeptKey {
  db: number
  type: ValueType
  /** What it is called within the key, cut where it is long: a field, a member, an entry's ID and a field; empty for an item of a list. */
  name: Uint8Array
  /** As it is stored, unpacked: of a field with its value. */
  bytes: number
}

export class BiggestElements {
  readonly #top: TopN<BigElement>
  #min: number
  #entry!: Entry
  readonly #walkers = {listpack: new ListpackWalker(), ziplist: new ZiplistWalker()}
  readonly #streamWalker = new StreamNodeWalker()
  readonly #first = new LentBytes(0)
  readonly #second = new LentBytes(1)

  constructor(readonly size: number) {
    this.#top = new TopN(size, isBigger)
    this.#min = size === 0 ? Number.POSITIVE_INFINITY : ELEMENT_BYTES_MIN
  }

  /** The key whose elements follow. */
  begin(entry: Entry): void {
    this.#entry = entry
  }

  /** An element of `size` bytes, whose name lies at bytes[start, end). */
  add(size: number, bytes: Uint8Array, start: number, end: number): void {
    if (size < this.#min) return
    const {db, type} = this.#entry
    const name = bytes.slice(start, Math.min(end, start + NAME_BYTES_MAX))
    this.#top.add({db, ...this.#entry.keptKey(this.size), type, name, bytes: size})
    if (this.#top.full) this.#min = this.#top.least!.bytes
  }

  /** A packed node, or a single element as one. */
  node(kind: NodeKind, bytes: Uint8Array, start: number, end: number): void {
    const size = end - start
    if (size < this.#min) return
    if (kind === 'plain') this.add(size, bytes, start, start)
    else if (kind === 'listpack' || kind === 'ziplist') this.#walk(kind, bytes, start, end)
  }

  streamNode(masterId: StreamId, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < this.#min || 2 * longestString(bytes, start, end) < this.#min) return
    const walker = this.#streamWalker
    const [name, value] = [this.#first, this.#second]
    damageAside(() => {
      walker.open(bytes, start, end, 0, masterId)
      while (walker.nextEntry()) {
        for (let left = walker.fieldCount; left > 0; left--) {
          walker.nextField(name, value)
          const size = name.end - name.start + value.end - value.start
          if (walker.deleted || size < this.#min) continue
          const id = Buffer.from(`${walker.id} `)
          const named = Buffer.concat([id, name.bytes.subarray(name.start, name.end)])
          this.add(size, named, 0, named.length)
        }
      }
    })
  }

  /** The biggest first. */
  sorted(): BigElement[] {
    return this.#top.sorted()
  }

  #walk(kind: 'listpack' | 'ziplist', bytes: Uint8Array, start: number, end: number): void {
    const walker = this.#walkers[kind]
    const [first, second] = [this.#first, this.#second]
    const {type, encoding} = this.#entry
    // Field names of a template stand elsewhere (redis 8.10).
    const paired = (type === 'hash' && !encoding.startsWith('template')) || type === 'zset'
    const named = paired || type === 'set'
    const triples = encoding.startsWith('listpackex')
    if (kind === 'listpack' && longestString(bytes, start, end) * (paired ? 2 : 1) < this.#min) return
    damageAside(() => {
      walker.open(bytes, start, end, 0)
      while (walker.next(first)) {
        let size = first.end - first.start
        if (paired && walker.next(second) && type === 'hash') size += second.end - second.start
        if (triples) walker.skipEntry()
        if (size >= this.#min) this.add(size, first.bytes, first.start, named ? first.end : first.start)
      }
    })
  }
}

/** Damage inside of a node is for `check` to tell: a node that cannot be walked has no biggest element. */
function damageAside(walk: () => void): void {
  try {
    walk()
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
  }
}

/** By size, database, key, then name. */
export function isBigger(a: BigElement, b: BigElement): boolean {
  if (a.bytes !== b.bytes) return a.bytes > b.bytes
  if (a.db !== b.db) return a.db < b.db
  return (Buffer.compare(a.key, b.key) || Buffer.compare(a.name, b.name)) < 0
}
