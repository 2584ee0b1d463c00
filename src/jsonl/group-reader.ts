/**
 * Consumer groups of JSON (group.ts has their shape), and the settings of
 * idempotent producers; all of it lies in the window.
 */
import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {StreamId} from '../encoding/stream-id.js'
import {NOBODY, PendingTable} from '../keyspace/pending-table.js'
import type {StreamConsumer, ValueVisitor} from '../keyspace/visitor.js'
import {Members} from './members.js'
import {BRACE, CLOSE, COMMA, type JsonScanner, OPEN} from './scanner.js'
import {readId} from './stream-reader.js'

const GROUP = ['name', 'lastId', 'entriesRead', 'pending', 'consumers', 'nacked'] as const
const CONSUMER = ['name', 'seenAtMs', 'activeAtMs'] as const
const IDEMPOTENCE = ['durationSeconds', 'maxEntries', 'producers', 'iidsAdded', 'iidsDuplicates'] as const
const PRODUCER = ['id', 'entries'] as const

export class JsonGroupReader {
  readonly #group: Members<(typeof GROUP)[number]>
  readonly #consumer: Members<(typeof CONSUMER)[number]>
  readonly #idempotence: Members<(typeof IDEMPOTENCE)[number]>
  readonly #producer: Members<(typeof PRODUCER)[number]>
  readonly #table = new PendingTable()
  readonly #id = new StreamId()
  readonly #lent = new LentBytes(0)
  #consumers: StreamConsumer[] = []
  /** By name, one character a byte. */
  readonly #numbers = new Map<string, number>()

  constructor(readonly scanner: JsonScanner) {
    this.#group = new Members(scanner, GROUP, 'a group')
    this.#consumer = new Members(scanner, CONSUMER, 'a consumer')
    this.#idempotence = new Members(scanner, IDEMPOTENCE, '"idmp"')
    this.#producer = new Members(scanner, PRODUCER, 'a producer')
  }

  group(visitor: ValueVisitor): void {
    const {scanner} = this
    const group = this.#group
    scanner.expect(BRACE, 'a group: {')
    group.locate(true)
    const {end} = group
    group.require('name')
    const name = this.#bytes('the name of the group')
    group.require('lastId')
    const lastId = readId(scanner, new StreamId())
    const entriesRead = group.goTo('entriesRead') ? scanner.integer('entriesRead') : undefined
    this.#readConsumers()
    this.#readPending()
    const table = this.#table
    visitor.group({name, lastId, entriesRead, pendingCount: table.count})
    for (let row = 0; row < table.count; row++) {
      visitor.pending(table.id(row), table.deliveredAtMs(row), table.deliveries(row))
    }
    this.#showConsumers(visitor)
    if (group.goTo('nacked')) {
      this.#each('the IDs that are nacked: [', () => visitor.nacked(readId(scanner, this.#id)))
    }
    scanner.cursor.pos = end
  }

  #readConsumers(): void {
    const {scanner} = this
    const consumer = this.#consumer
    this.#consumers = []
    this.#numbers.clear()
    if (!this.#group.goTo('consumers')) return
    this.#each('the consumers: [', () => {
      scanner.expect(BRACE, 'a consumer: {')
      consumer.locate(true)
      consumer.require('name')
      const name = this.#bytes('the name of the consumer')
      consumer.require('seenAtMs')
      const seenAtMs = scanner.integer('seenAtMs')
      const activeAtMs = consumer.goTo('activeAtMs') ? scanner.integer('activeAtMs') : undefined
      const key = Buffer.from(name).toString('latin1')
      if (this.#numbers.has(key)) scanner.fail('the group has two consumers of this name', 'BAD_JSON', consumer.end - 1)
      this.#numbers.set(key, this.#consumers.length)
      this.#consumers.push({name, seenAtMs, activeAtMs, pendingCount: 0})
      scanner.cursor.pos = consumer.end
    })
  }

  #readPending(): void {
    const {scanner} = this
    const table = this.#table
    table.clear()
    if (!this.#group.goTo('pending')) return
    const before = new StreamId()
    this.#each('the pending entries: [', () => {
      scanner.expect(OPEN, '[id, consumer, deliveredAtMs, deliveries]')
      const id = readId(scanner, this.#id)
      if (table.count > 0 && before.compare(id) >= 0) {
        scanner.fail('pending entries stand in the order of their IDs', 'BAD_JSON', scanner.start)
      }
      before.set(id)
      scanner.expect(COMMA, ',')
      const owner = scanner.takesNull() ? NOBODY : this.#owner()
      scanner.expect(COMMA, ',')
      const deliveredAtMs = scanner.integer('when it was delivered')
      scanner.expect(COMMA, ',')
      table.add(id, deliveredAtMs, scanner.integer('how often it was delivered'), owner)
      scanner.expect(CLOSE, ']')
      if (owner !== NOBODY) this.#consumers[owner]!.pendingCount++
    })
  }

  #owner(): number {
    const {scanner} = this
    const start = scanner.cursor.pos
    const lent = this.#lent
    scanner.bytes(lent, 'the name of a consumer, or null')
    const {bytes, start: from, end} = lent
    const number = this.#numbers.get(Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('latin1'))
    if (number !== undefined) return number
    return scanner.fail('the group has no consumer of this name', 'BAD_JSON', start)
  }

  /** Each consumer and what it owns, in one pass over the rows for all. */
  #showConsumers(visitor: ValueVisitor): void {
    const table = this.#table
    const starts = new Uint32Array(this.#consumers.length + 1)
    for (const [i, {pendingCount}] of this.#consumers.entries()) starts[i + 1] = starts[i]! + pendingCount
    const rows = new Uint32Array(starts.at(-1)!)
    const next = starts.slice()
    for (let row = 0; row < table.count; row++) {
      const owner = table.owner(row)
      if (owner !== NOBODY) rows[next[owner]!++] = row
    }
    for (const [i, consumer] of this.#consumers.entries()) {
      visitor.consumer(consumer)
      for (let at = starts[i]!; at < starts[i + 1]!; at++) visitor.consumerPending(table.id(rows[at]!))
    }
  }

  idempotence(visitor: ValueVisitor): void {
    const {scanner} = this
    const members = this.#idempotence
    scanner.expect(BRACE, '"idmp": {')
    members.locate(true)
    const {end} = members
    const integer = (name: Exclude<(typeof IDEMPOTENCE)[number], 'producers'>): Int64 => {
      members.require(name)
      return scanner.integer(name)
    }
    const durationSeconds = integer('durationSeconds')
    const entriesMax = integer('maxEntries')
    const producerCount = members.goTo('producers') ? this.#each('the producers: [', () => this.#pass()) : 0
    visitor.idempotence({durationSeconds, entriesMax, producerCount})
    if (members.goTo('producers')) this.#each('the producers: [', () => this.#showProducer(visitor))
    visitor.idempotenceCounters(integer('iidsAdded'), integer('iidsDuplicates'))
    scanner.cursor.pos = end
  }

  #pass(): void {
    this.scanner.expect(BRACE, 'a producer: {')
    this.#producer.locate(true)
  }

  #showProducer(visitor: ValueVisitor): void {
    const {scanner} = this
    const producer = this.#producer
    this.#pass()
    const {end} = producer
    producer.require('id')
    const name = this.#bytes('the ID of the producer')
    producer.require('entries')
    const entries: [iid: Uint8Array, id: StreamId][] = []
    this.#each('its entries: [', () => {
      scanner.expect(OPEN, '[iid, id]')
      const iid = this.#bytes('an iid')
      scanner.expect(COMMA, ',')
      entries.push([iid, readId(scanner, new StreamId())])
      scanner.expect(CLOSE, ']')
    })
    visitor.producer(name, entries.length)
    for (const [iid, id] of entries) visitor.producerEntry(iid, id)
    scanner.cursor.pos = end
  }

  #bytes(what: string): Uint8Array {
    this.scanner.bytes(this.#lent, what)
    return this.#lent.copy()
  }

  /** Runs over the elements of an array; returns how many there are. */
  #each(what: string, read: () => void): number {
    const {scanner} = this
    scanner.expect(OPEN, what)
    let count = 0
    for (; scanner.more(count === 0, CLOSE); count++) read()
    return count
  }
}
