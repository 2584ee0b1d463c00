/** What the reader shows, in the shapes of the goldens; see fixtures/README.md. */
import type {Int64} from '../../src/bytes/int64.js'
import {LentBytes} from '../../src/bytes/lent.js'
import {IntsetWalker} from '../../src/encoding/intset.js'
import {ListpackWalker} from '../../src/encoding/listpack.js'
import type {StreamId} from '../../src/encoding/stream-id.js'
import {StreamNodeWalker} from '../../src/encoding/stream-node.js'
import {ZiplistWalker} from '../../src/encoding/ziplist.js'
import {ZipmapWalker} from '../../src/encoding/zipmap.js'
import {
  type ByteSource,
  type Depth,
  type Entry,
  type EntrySource,
  type EntryVisitor,
  NEVER,
  type NodeKind,
  type RdbElement,
  RdbReader,
  type StreamConsumer,
  type StreamGroup,
  type StreamIdempotence,
  type StreamInfo,
  ValueVisitor,
} from '../../src/index.js'
import {formatBytes, formatScore} from '../fixtures/golden.js'
import type {Golden, GoldenEntry} from './fixtures.js'

/** As JSON has it: a digit string beyond 2^53. */
const integer = (value: Int64): number | string => (typeof value === 'bigint' ? String(value) : value)

const NONE = new Uint8Array(0)

interface Group {
  name: unknown
  lastId: string
  entriesRead?: number | string
  pending: [id: string, consumer: unknown, deliveredAtMs: unknown, deliveries: unknown][]
  consumers: unknown[]
  nacked?: string[]
}

/** Gathers one value after another; sets and hashes are sorted by the bytes of member and field. */
export class GoldenVisitor extends ValueVisitor {
  #chunks: Uint8Array[] = []
  #rows: {bytes: Uint8Array; row: unknown}[] = []
  #fields: unknown[] = []
  #stream: Record<string, unknown> & {entries?: unknown[]; groups?: Group[]} = {}
  #consumer: unknown
  #module: unknown
  #insertIndex: Int64 | undefined
  #cron: Record<string, unknown> | undefined
  #keyCount = 0
  #producers: {id: unknown; entries: unknown[]}[] = []

  constructor(readonly depth: Depth) {
    super()
  }

  override begin(entry: Entry): void {
    this.#chunks = []
    this.#rows = []
    this.#stream = {entries: [], groups: []}
    this.#insertIndex = undefined
    this.#cron = undefined
    this.#producers = []
    this.type = entry.type
  }

  type = ''

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    this.#chunks.push(bytes.slice(start, end))
  }

  override node(kind: NodeKind, bytes: Uint8Array, start: number, end: number): void {
    if (kind === 'plain') this.item(bytes, start, end)
    else if (kind === 'zipmap') this.#zipmap(bytes, start, end)
    else this.#packed(kind, bytes, start, end)
  }

  #zipmap(bytes: Uint8Array, start: number, end: number): void {
    const [name, value] = [new LentBytes(0), new LentBytes(1)]
    const walker = new ZipmapWalker()
    walker.open(bytes, start, end, 0)
    while (walker.next(name, value)) {
      this.field(name.bytes, name.start, name.end, value.bytes, value.start, value.end, NEVER)
    }
  }

  #packed(kind: 'listpack' | 'ziplist' | 'intset', bytes: Uint8Array, start: number, end: number): void {
    const walkers = {listpack: ListpackWalker, ziplist: ZiplistWalker, intset: IntsetWalker}
    const walker = new walkers[kind]()
    const into = new LentBytes(0)
    const all: Uint8Array[] = []
    walker.open(bytes, start, end, 0)
    while (walker.next(into)) all.push(into.copy())
    const each = this.type === 'zset' ? 2 : this.type === 'hash' ? (this.expiring ? 3 : 2) : 1
    for (let i = 0; i < all.length; i += each) {
      const [first = NONE, second = NONE, third] = all.slice(i, i + each)
      if (this.type === 'list') this.item(first, 0, first.length)
      else if (this.type === 'set') this.member(first, 0, first.length)
      else if (this.type === 'zset') this.#row(first, [formatBytes(first), formatScore(second)])
      else {
        const stored = third === undefined ? 0 : Number(Buffer.from(third).toString('latin1'))
        const at = stored === 0 ? NEVER : stored
        this.field(first, 0, first.length, second, 0, second.length, at)
      }
    }
  }

  /** The listpack holds triplets: set by whoever knows the type byte. */
  expiring = false

  override streamNode(masterId: StreamId, bytes: Uint8Array, start: number, end: number): void {
    const [name, value] = [new LentBytes(0), new LentBytes(1)]
    const walker = new StreamNodeWalker()
    walker.open(bytes, start, end, 0, masterId)
    while (walker.nextEntry()) {
      if (walker.deleted) continue
      this.streamEntry(walker.id)
      for (let i = 0; i < walker.fieldCount; i++) {
        walker.nextField(name, value)
        this.streamField(name.bytes, name.start, name.end, value.bytes, value.start, value.end)
      }
    }
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.#row(NONE, formatBytes(bytes.slice(start, end)))
  }
  override member(bytes: Uint8Array, start: number, end: number): void {
    const member = bytes.slice(start, end)
    this.#row(member, formatBytes(member))
  }
  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    this.#row(bytes.slice(start, end), [formatBytes(bytes.slice(start, end)), formatScore(score)])
  }
  override field(n: Uint8Array, ns: number, ne: number, v: Uint8Array, vs: number, ve: number, at: Int64): void {
    const name = n.slice(ns, ne)
    const row: unknown[] = [formatBytes(name), formatBytes(v.slice(vs, ve))]
    if (at !== NEVER) row.push(integer(at))
    this.#row(name, row)
  }
  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    this.#row(NONE, [integer(index), formatBytes(bytes.slice(start, end))])
  }
  override insertIndex(index: Int64): void {
    this.#insertIndex = index
  }

  override streamEntry(id: StreamId): void {
    this.#fields = []
    this.#stream.entries?.push([id.toString(), this.#fields])
  }
  override streamField(n: Uint8Array, ns: number, ne: number, v: Uint8Array, vs: number, ve: number): void {
    this.#fields.push(formatBytes(n.slice(ns, ne)), formatBytes(v.slice(vs, ve)))
  }
  override streamInfo({lastId, maxDeletedId, entriesAdded}: StreamInfo): void {
    this.#stream['lastId'] = lastId.toString()
    if (maxDeletedId !== undefined) this.#stream['maxDeletedId'] = maxDeletedId.toString()
    if (entriesAdded !== undefined) this.#stream['entriesAdded'] = integer(entriesAdded)
  }
  override group({name, lastId, entriesRead}: StreamGroup): void {
    const group: Group = {name: formatBytes(name), lastId: lastId.toString(), pending: [], consumers: []}
    if (entriesRead !== undefined) group.entriesRead = integer(entriesRead)
    this.#stream.groups?.push(group)
  }
  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.#group().pending.push([id.toString(), null, integer(deliveredAtMs), integer(deliveries)])
  }
  override consumer({name, seenAtMs, activeAtMs}: StreamConsumer): void {
    this.#consumer = formatBytes(name)
    const active = activeAtMs === undefined ? {} : {activeAtMs: integer(activeAtMs)}
    this.#group().consumers.push({name: this.#consumer, seenAtMs: integer(seenAtMs), ...active})
  }
  override consumerPending(id: StreamId): void {
    for (const row of this.#group().pending) if (row[0] === id.toString()) row[1] = this.#consumer
  }
  override nacked(id: StreamId): void {
    const group = this.#group()
    group.nacked ??= []
    group.nacked.push(id.toString())
  }
  override idempotence({durationSeconds, entriesMax}: StreamIdempotence): void {
    this.#stream['idmp'] = {
      durationSeconds: integer(durationSeconds),
      maxEntries: integer(entriesMax),
      producers: this.#producers,
    }
  }
  override producer(name: Uint8Array): void {
    this.#producers.push({id: formatBytes(name), entries: []})
  }
  override producerEntry(iid: Uint8Array, id: StreamId): void {
    this.#producers.at(-1)?.entries.push([formatBytes(iid), id.toString()])
  }
  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    Object.assign(this.#stream['idmp'] as object, {
      iidsAdded: integer(added),
      iidsDuplicates: integer(duplicates),
    })
  }

  override moduleId(name: string, version: number): void {
    this.#module = {module: name, version}
  }
  override cron(script: Uint8Array, startMs: Int64, intervalMs: Int64, keyCount: number): void {
    this.#cron = {script: formatBytes(script), startMs: integer(startMs), intervalMs: integer(intervalMs)}
    this.#keyCount = keyCount
  }

  #group(): Group {
    const group = this.#stream.groups?.at(-1)
    if (group === undefined) throw new Error('a pending entry or consumer without a group')
    return group
  }

  #row(bytes: Uint8Array, row: unknown): void {
    this.#rows.push({bytes, row})
  }

  /** The value last shown. A module's bytes are `raw`, which stand after its ID. */
  value(type: string): unknown {
    if (type === 'string') return formatBytes(Buffer.concat(this.#chunks))
    if (type === 'stream') return this.#stream
    if (type === 'module') return this.#module
    const rows = this.#rows
    if (this.#cron !== undefined) {
      const all = rows.map(({row}) => row)
      return {...this.#cron, keys: all.slice(0, this.#keyCount), arguments: all.slice(this.#keyCount)}
    }
    // The goldens' sets and hashes are sorted, since neither servers nor files keep an order of them.
    if (type === 'set' || type === 'hash') rows.sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    return rows.map(({row}) => row)
  }

  insertIndexed(): {insertIndex?: number | string} {
    return this.#insertIndex === undefined ? {} : {insertIndex: integer(this.#insertIndex)}
  }
}

const HASH_LISTPACK_EX = [23, 25]

export interface Reading {
  golden: Golden
  aux: Record<string, string>
  problems: string[]
  checksum: string
  /** Of each entry in file order: what skip must agree on. */
  facts: {offset: number; valueOffset: number; endOffset: number; elements: number; encoding: string}[]
}

/** Reads everything at `depth` elements or nodes into the shapes of a golden. */
export function readGolden(source: ByteSource, depth: 'elements' | 'nodes'): Promise<Reading> {
  return readGoldenOf(new RdbReader(source, {ignoreChecksum: true}), depth)
}

/** The same of any source; what is no RDB file has elements only. */
export async function readGoldenOf(source: EntrySource, depth: 'elements' | 'nodes' = 'elements'): Promise<Reading> {
  const bytesOf = new Map<GoldenEntry, Uint8Array>()
  const reading: Omit<Reading, 'golden'> = {aux: {}, problems: [], checksum: '', facts: []}
  const functions: unknown[] = []
  const gathered = new GoldenVisitor(depth)
  gathered.end = entry => {
    const {offset, valueOffset, endOffset, elements, encoding} = entry
    reading.facts.push({offset, valueOffset, endOffset, elements, encoding})
    bytesOf.set(goldenEntry(entry, gathered), entry.key())
  }
  const visitor: EntryVisitor = {
    entry: entry => {
      gathered.expiring = HASH_LISTPACK_EX.includes(entry.typeId)
      return gathered
    },
    aux: (name, value) => {
      reading.aux[name] = Buffer.from(value).toString('latin1')
    },
    function: text => functions.push(formatBytes(text)),
    problem: ({code}) => reading.problems.push(code),
  }
  const {checksum} = await source.run(visitor)
  const entries = [...bytesOf].sort(([a, x], [b, y]) => a.db - b.db || Buffer.compare(x, y)).map(([entry]) => entry)
  const meta = {rdbVersion: (await source.origin())?.rdbVersion ?? 0}
  return {...reading, checksum, golden: {meta, entries, functions}}
}

export function goldenEntry(entry: Entry, gathered: GoldenVisitor): GoldenEntry {
  const {db, type, typeId, elements, expireAtMs, idleSeconds, frequency, keyMeta} = entry
  const counted = type === 'module' || type === 'cron' ? {} : {count: elements}
  const golden: GoldenEntry = {
    db,
    key: formatBytes(entry.key()),
    type,
    rdbType: typeId,
    ...counted,
    value: gathered.value(type),
    ...gathered.insertIndexed(),
  }
  if (expireAtMs !== NEVER) golden.expireAtMs = integer(expireAtMs)
  if (idleSeconds >= 0) golden.idleSeconds = idleSeconds
  if (frequency >= 0) golden.frequency = frequency
  if (keyMeta !== undefined) golden.keyMeta = {base64: Buffer.from(keyMeta).toString('base64')}
  return golden
}

/** Elements handed out to a library user, as the goldens have them: a stream by its entries only, of an array no insert index. */
export function elementRows(type: string, elements: readonly RdbElement[]): unknown[] {
  const all = elements.map(element => {
    if (element.kind === 'item') return {bytes: NONE, row: formatBytes(element.value) as unknown}
    if (element.kind === 'member') return {bytes: element.member, row: formatBytes(element.member)}
    if (element.kind === 'scored') {
      return {bytes: element.member, row: [formatBytes(element.member), formatScore(element.score)]}
    }
    if (element.kind === 'indexed') return {bytes: NONE, row: [integer(element.index), formatBytes(element.value)]}
    if (element.kind === 'streamEntry') {
      const fields = element.fields.flatMap(([field, value]) => [formatBytes(field), formatBytes(value)])
      return {bytes: NONE, row: [element.id, fields]}
    }
    if (element.kind !== 'field') return undefined
    const {field, value, expireAtMs} = element
    const expiry = expireAtMs === NEVER ? [] : [integer(expireAtMs)]
    return {bytes: field, row: [formatBytes(field), formatBytes(value), ...expiry]}
  })
  const rows = all.filter(row => row !== undefined)
  if (type === 'set' || type === 'hash') rows.sort((a, b) => Buffer.compare(a.bytes, b.bytes))
  return rows.map(({row}) => row)
}
