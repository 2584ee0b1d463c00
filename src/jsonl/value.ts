/**
 * A value as JSON, element by element as it is shown; README.md has the shapes.
 *
 *   string            V                            V: "text" or {"base64": ...}
 *   list, set         [V, ...]
 *   zset              [[V, score], ...]
 *   hash              [[V, V], [V, V, expireAtMs], ...]
 *   array             [[index, V], ...]
 *   stream            {"entries": [[id, [V, V, ...]], ...], "lastId", ..., "groups": [...], "idmp"?}
 *   cron              {"script": V, "startMs", "intervalMs", "keys": [V, ...], "arguments": [V, ...]}
 */
import type {Int64} from '../bytes/int64.js'
import type {ByteOutput} from '../bytes/output.js'
import type {StreamId} from '../encoding/stream-id.js'
import {STREAM_ID_TEXT_BYTES_MAX} from '../encoding/stream-id.js'
import type {Entry} from '../keyspace/entry.js'
import {NEVER} from '../keyspace/entry.js'
import {
  type StreamConsumer,
  type StreamGroup,
  type StreamIdempotence,
  type StreamInfo,
  ValueVisitor,
} from '../keyspace/visitor.js'
import {JsonGroup} from './group.js'
import {JsonString} from './string.js'
import {writeJsonBytes, writeJsonInteger, writeJsonScore} from './text.js'

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN = 0x5b
const CLOSE = 0x5d

export abstract class JsonValue extends ValueVisitor {
  readonly depth = 'elements'
  /** What the next element begins with: [ before the first, a comma before all others. */
  #next = OPEN
  #count: number | undefined
  /** What stands before the value has been written. */
  #opened = false
  #entry!: Entry
  readonly #string: JsonString
  readonly #group: JsonGroup
  /** Live entries of a stream so far, and the ID of the first. */
  #entries = 0
  #firstId = ''
  /** Fields of a stream entry, entries of a producer, keys of a script that are still to come. */
  #left = -1

  constructor(readonly out: ByteOutput) {
    super()
    this.#string = new JsonString(out)
    this.#group = new JsonGroup(out)
  }

  /** Writes what stands before the value; `insertIndex` only of an array that has one. */
  protected abstract open(entry: Entry, count: number | undefined, insertIndex: Int64 | undefined): void
  /** Writes what stands behind it. */
  protected abstract close(entry: Entry): void

  override begin(entry: Entry, count: number | undefined): void {
    if (entry.type === 'string') {
      this.open(entry, count, undefined)
      this.#string.begin(count)
      return
    }
    this.#next = OPEN
    this.#left = -1
    this.#entry = entry
    this.#count = count
    // What belongs before an array's value is shown only now.
    this.#opened = entry.type !== 'array'
    if (this.#opened) this.open(entry, entry.type === 'cron' ? undefined : count, undefined)
    if (entry.type === 'stream') this.#beginStream()
  }

  override chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#string.chunk(bytes, start, end, last)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    if (this.#left === 0) this.#beginArguments()
    this.#left--
    this.out.u8(this.#next)
    this.#next = COMMA
    writeJsonBytes(this.out, bytes, start, end)
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    this.out.u8(this.#next)
    this.#next = COMMA
    writeJsonBytes(this.out, bytes, start, end)
  }

  /** Elements that are JSON already, a comma before each. */
  protected elements(bytes: Uint8Array, start: number, end: number): void {
    if (start === end) return
    this.out.u8(this.#next)
    this.#next = COMMA
    this.out.copy(bytes, start + 1, end)
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    const {out} = this
    this.#openRow()
    writeJsonBytes(out, bytes, start, end)
    out.u8(COMMA)
    writeJsonScore(out, score)
    out.u8(CLOSE)
  }

  override field(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expireAtMs: Int64,
  ): void {
    const {out} = this
    this.#openRow()
    writeJsonBytes(out, name, nameStart, nameEnd)
    out.u8(COMMA)
    writeJsonBytes(out, value, valueStart, valueEnd)
    if (expireAtMs !== NEVER) {
      out.u8(COMMA)
      writeJsonInteger(out, expireAtMs)
    }
    out.u8(CLOSE)
  }

  override insertIndex(index: Int64): void {
    this.#openArray(index)
  }

  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    const {out} = this
    if (!this.#opened) this.#openArray(undefined)
    this.#openRow()
    writeJsonInteger(out, index)
    out.u8(COMMA)
    writeJsonBytes(out, bytes, start, end)
    out.u8(CLOSE)
  }

  #openArray(insertIndex: Int64 | undefined): void {
    this.#opened = true
    this.open(this.#entry, this.#count, insertIndex)
  }

  #openRow(): void {
    const {out} = this
    out.room(2)
    out.bytes[out.at] = this.#next
    out.bytes[out.at + 1] = OPEN
    out.at += 2
    this.#next = COMMA
  }

  override end(entry: Entry): void {
    if (entry.type === 'stream') {
      this.#group.finish()
      this.out.ascii('}')
    } else if (entry.type === 'cron') {
      this.#endCron()
    } else if (entry.type !== 'string') {
      if (!this.#opened) this.#openArray(undefined)
      this.#endArray()
    }
    this.close(entry)
  }

  #endArray(): void {
    if (this.#next === OPEN) this.out.u8(OPEN)
    this.out.u8(CLOSE)
  }

  // Streams.

  #beginStream(): void {
    this.#entries = 0
    this.#firstId = '0-0'
    this.out.ascii('{"entries":[')
    this.#group.begin(this.#entry)
  }

  override streamEntry(id: StreamId, fieldCount: number): void {
    const {out} = this
    if (this.#entries++ === 0) this.#firstId = id.toString()
    else out.u8(COMMA)
    out.u8(OPEN)
    this.#writeId(id)
    out.ascii(fieldCount === 0 ? ',[]]' : ',')
    this.#next = OPEN
    this.#left = fieldCount
  }

  override streamField(
    name: Uint8Array,
    nameStart: number,
    nameEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const {out} = this
    out.u8(this.#next)
    this.#next = COMMA
    writeJsonBytes(out, name, nameStart, nameEnd)
    out.u8(COMMA)
    writeJsonBytes(out, value, valueStart, valueEnd)
    if (--this.#left === 0) out.ascii(']]')
  }

  override streamInfo({length, lastId, firstId, maxDeletedId, entriesAdded}: StreamInfo): void {
    const {out} = this
    out.ascii(`],"lastId":"${lastId}"`)
    // Both follow from the entries in all that servers write.
    if (length !== this.#entries) out.ascii(`,"length":${typeof length === 'number' ? length : `"${length}"`}`)
    if (firstId !== undefined && firstId.toString() !== this.#firstId) out.ascii(`,"firstId":"${firstId}"`)
    if (maxDeletedId !== undefined) out.ascii(`,"maxDeletedId":"${maxDeletedId}"`)
    if (entriesAdded !== undefined) {
      out.ascii(',"entriesAdded":')
      writeJsonInteger(out, entriesAdded)
    }
    this.#group.open()
  }

  override group(group: StreamGroup): void {
    this.#group.group(group)
  }

  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.#group.table.add(id, deliveredAtMs, deliveries)
  }

  override consumer(consumer: StreamConsumer): void {
    this.#group.consumer(consumer)
  }

  override consumerPending(id: StreamId): void {
    this.#group.consumerPending(id)
  }

  override nacked(id: StreamId): void {
    this.#group.nacked(id)
  }

  override idempotence({durationSeconds, entriesMax}: StreamIdempotence): void {
    const {out} = this
    this.#group.finish()
    out.ascii(',"idmp":{"durationSeconds":')
    writeJsonInteger(out, durationSeconds)
    out.ascii(',"maxEntries":')
    writeJsonInteger(out, entriesMax)
    out.ascii(',"producers":[')
    this.#entries = this.#left = 0
  }

  override producer(name: Uint8Array, count: number): void {
    const {out} = this
    out.ascii(this.#entries++ === 0 ? '{"id":' : ',{"id":')
    writeJsonBytes(out, name, 0, name.length)
    out.ascii(count === 0 ? ',"entries":[]}' : ',"entries":')
    this.#next = OPEN
    this.#left = count
  }

  override producerEntry(iid: Uint8Array, id: StreamId): void {
    const {out} = this
    this.#openRow()
    writeJsonBytes(out, iid, 0, iid.length)
    out.u8(COMMA)
    this.#writeId(id)
    out.u8(CLOSE)
    if (--this.#left === 0) out.ascii(']}')
  }

  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    const {out} = this
    out.ascii('],"iidsAdded":')
    writeJsonInteger(out, added)
    out.ascii(',"iidsDuplicates":')
    writeJsonInteger(out, duplicates)
    out.ascii('}')
  }

  #writeId(id: StreamId): void {
    const {out} = this
    out.room(STREAM_ID_TEXT_BYTES_MAX + 2)
    out.bytes[out.at] = QUOTE
    out.at = id.format(out.bytes, out.at + 1)
    out.bytes[out.at++] = QUOTE
  }

  // Scripts of KeyDB.

  override cron(script: Uint8Array, startMs: Int64, intervalMs: Int64, keyCount: number): void {
    const {out} = this
    out.ascii('{"script":')
    writeJsonBytes(out, script, 0, script.length)
    out.ascii(',"startMs":')
    writeJsonInteger(out, startMs)
    out.ascii(',"intervalMs":')
    writeJsonInteger(out, intervalMs)
    out.ascii(',"keys":')
    this.#left = keyCount
  }

  #beginArguments(): void {
    this.#endArray()
    this.out.ascii(',"arguments":')
    this.#next = OPEN
  }

  #endCron(): void {
    if (this.#left === 0) this.#beginArguments()
    this.#endArray()
    this.out.u8(0x7d)
    this.#left = -1
  }
}
