/**
 * Differences as commands: sent to a server that holds the first data set, they make it hold the second.
 *
 *   removed   DEL k                         added   as dump writes it: SET, RPUSH, ..., PEXPIREAT, or RESTORE
 *   string    SET k v                       set     SREM k m ...  SADD k m ...
 *   list      LTRIM, RPUSH, LPUSH, LSET     zset    ZREM k m ...  ZADD k score m ...
 *   hash      HDEL k f ...  HMSET k f v ...  HPEXPIREAT
 *   expiry    PEXPIREAT k ms, PERSIST k     others  DEL k, and the key made anew at the end
 *   library   FUNCTION DELETE name, then FUNCTION LOAD REPLACE source
 *
 * A collection may be emptied on the way, and its expiry with it: where anything was taken out of it the expiry is set
 * again. Whatever expires in the first data set may be gone from the server by the time the commands come: such a key is
 * made anew, such a field set anew, whatever of it differs.
 */
import {writeInteger, writeScore} from '../aof/arguments.js'
import {Batch, writeKeyCommand} from '../aof/batch.js'
import {CommandWriter} from '../aof/rewrite.js'
import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import type {ByteOutput} from '../bytes/output.js'
import {ByteWriter} from '../bytes/writer.js'
import {
  BEFORE,
  type ChangedKey,
  DifferenceSink,
  type FieldValue,
  type LibraryChange,
  type Run,
  type Side,
} from '../keyspace/difference.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import {type Loss, Losses} from '../keyspace/entry-sink.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'
import {SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import {bulk, putBulk, writeArrayHead, writeBulk, writeBulkEnd, writeBulkHead} from '../resp/framing.js'
import {ListPatch} from './patch-list.js'

const SELECT = bulk('SELECT')
const DEL = bulk('DEL')
const SET = bulk('SET')
const SADD = bulk('SADD')
const SREM = bulk('SREM')
const ZADD = bulk('ZADD')
const ZREM = bulk('ZREM')
const HMSET = bulk('HMSET')
const HDEL = bulk('HDEL')
const HPEXPIREAT = bulk('HPEXPIREAT')
const FIELDS_1 = Buffer.concat([bulk('FIELDS'), bulk('1')])
const PEXPIREAT = bulk('PEXPIREAT')
const PERSIST = bulk('PERSIST')
const FUNCTION_LOAD_REPLACE = Buffer.concat(['FUNCTION', 'LOAD', 'REPLACE'].map(bulk))
const FUNCTION_DELETE = Buffer.concat(['FUNCTION', 'DELETE'].map(bulk))

/** What servers take as one argument (proto-max-bulk-len). */
const STRING_BYTES_MAX = 512 * 1024 * 1024
/** What follows fields is written once it is as large. */
const EXPIRIES_BYTES_MAX = 64 * 1024

export class PatchWriter extends DifferenceSink {
  readonly #losses = new Losses()
  #origin: SourceOrigin | undefined
  #stored = false
  /** Who writes whole entries, while they come. */
  #entries: CommandWriter | undefined
  #db = -1
  #key!: ChangedKey
  #expiryChanged = false
  /** Something was taken out of the key, or it was made anew. */
  #reduced = false
  /** It is to be made anew as a whole. */
  #again = false
  readonly #adding: Batch
  readonly #removing: Batch
  readonly #list: ListPatch
  /** Commands that follow those that set fields. */
  readonly #expiries = new ByteWriter()
  readonly #args = new ByteWriter()
  readonly #lent = new LentBytes(0)
  #add = SADD
  #remove = SREM

  constructor(readonly out: ByteOutput) {
    super()
    this.#adding = new Batch(out)
    this.#removing = new Batch(out)
    this.#list = new ListPatch(out, this.#adding)
  }

  /** What commands could not carry. */
  get losses(): readonly Loss[] {
    return this.#losses.all
  }

  override second(origin: SourceOrigin | undefined, stored: boolean): void {
    this.#origin = origin
    this.#stored = stored
  }

  override removed(entry: Entry): ValueVisitor {
    this.#select(entry.db)
    writeKeyCommand(this.out, 2, DEL, entry.keyBytes)
    return SKIP
  }

  override added(entry: Entry): ValueVisitor {
    this.#entries ??= new CommandWriter(this.out, 'auto', this.#origin, this.#stored)
    return this.#entries.entry(entry)
  }

  override endPass(): void {
    const entries = this.#entries
    if (entries === undefined) return
    entries.finish()
    for (const {what, count} of entries.losses) this.#losses.add(what, count)
    this.#entries = undefined
    this.#db = -1
  }

  override begin(key: ChangedKey): void {
    this.#key = key
    this.#expiryChanged = this.#reduced = this.#again = false
    const {type} = key.after
    this.#add = type === 'zset' ? ZADD : type === 'hash' ? HMSET : SADD
    this.#remove = type === 'zset' ? ZREM : type === 'hash' ? HDEL : SREM
    this.#select(key.db)
    this.#list.begin(key)
  }

  override end(): void {
    const {keyBytes, before, after} = this.#key
    if (this.#again) {
      this.#adding.drop()
      this.#removing.drop()
      this.#expiries.reset()
      writeKeyCommand(this.out, 2, DEL, keyBytes)
      return
    }
    this.#flushRemoved()
    this.#flushAdded()
    if (after.expireAtMs === NEVER) {
      if (before.expireAtMs !== NEVER && (this.#expiryChanged || this.#reduced))
        writeKeyCommand(this.out, 2, PERSIST, keyBytes)
    } else if (this.#expiryChanged || this.#reduced) {
      writeKeyCommand(this.out, 3, PEXPIREAT, keyBytes)
      this.#integer(after.expireAtMs)
    }
  }

  override get wantsAgain(): boolean {
    return this.#again
  }

  override type(): void {
    this.#again = true
  }

  override expiry(): void {
    this.#expiryChanged = true
    this.#renews()
  }

  /** Something differs: whether the key is made anew for it. */
  #renews(): boolean {
    this.#again ||= this.#key.before.expireAtMs !== NEVER
    return this.#again
  }

  override use(): void {
    this.#losses.add('idle times and access frequencies')
  }

  override string(_before: Run, {log, count}: Run): void {
    const {keyBytes, after} = this.#key
    this.#again = after.elements > STRING_BYTES_MAX
    if (this.#again) return
    const lent = this.#lent
    writeKeyCommand(this.out, 3, SET, keyBytes)
    writeBulkHead(this.out, after.elements)
    log.rewind()
    for (let i = 0; i < count && log.next(lent); i++) this.out.copy(lent.bytes, lent.start, lent.end)
    writeBulkEnd(this.out)
    this.#reduced = true
  }

  override items(at: number, before: Run, after: Run): void {
    if (this.#renews()) return
    this.#reduced = true
    this.#list.items(at, before, after)
  }

  // Elements that have names.

  override member(bytes: Uint8Array, start: number, end: number, side: Side): void {
    if (this.#renews()) return
    if (side === BEFORE) this.#take(bytes, start, end)
    else this.#gather(this.#adding, SADD, bytes, start, end)
  }

  override scored(
    bytes: Uint8Array,
    start: number,
    end: number,
    _before: number | undefined,
    after: number | undefined,
  ): void {
    if (this.#renews()) return
    if (after === undefined) {
      this.#take(bytes, start, end)
    } else if (Number.isNaN(after)) {
      // No command sets it: RESTORE may.
      this.#again = true
    } else {
      const batch = this.#adding
      if (!batch.takes(end - start)) batch.flush(ZADD, this.#key)
      writeScore(batch.args, after)
      putBulk(batch.args, bytes, start, end)
      batch.argc += 2
    }
  }

  override field(
    name: LentBytes,
    before: FieldValue | undefined,
    after: FieldValue | undefined,
    sameValue: boolean,
  ): void {
    if (this.#renews()) return
    if (after === undefined) {
      this.#take(name.bytes, name.start, name.end)
      return
    }
    const {value, expireAtMs} = after
    // A field that is set has no expiry any more; one that had some may be gone.
    if (!sameValue || before!.expireAtMs !== NEVER) {
      const batch = this.#adding
      if (!batch.takes(name.end - name.start + value.end - value.start)) this.#flushAdded()
      putBulk(batch.args, name.bytes, name.start, name.end)
      putBulk(batch.args, value.bytes, value.start, value.end)
      batch.argc += 2
    }
    if (expireAtMs !== NEVER) this.#expireField(name, expireAtMs)
  }

  #expireField(name: LentBytes, expireAtMs: Int64): void {
    const into = this.#expiries
    const {bytes, start, end} = this.#key.keyBytes
    into.ascii('*6\r\n')
    into.copy(HPEXPIREAT, 0, HPEXPIREAT.length)
    putBulk(into, bytes, start, end)
    writeInteger(into, expireAtMs)
    into.copy(FIELDS_1, 0, FIELDS_1.length)
    putBulk(into, name.bytes, name.start, name.end)
    if (into.length > EXPIRIES_BYTES_MAX) this.#flushAdded()
  }

  #take(bytes: Uint8Array, start: number, end: number): void {
    this.#reduced = true
    this.#gather(this.#removing, this.#remove, bytes, start, end)
  }

  #gather(batch: Batch, command: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    if (!batch.takes(end - start)) batch.flush(command, this.#key)
    putBulk(batch.args, bytes, start, end)
    batch.argc++
  }

  #flushRemoved(): void {
    this.#removing.flush(this.#remove, this.#key)
  }

  /** Fields, then what follows them. */
  #flushAdded(): void {
    this.#adding.flush(this.#add, this.#key)
    const {bytes, length} = this.#expiries
    this.out.copy(bytes, 0, length)
    this.#expiries.reset()
  }

  // What has no commands for its parts.

  override streamEntry(): void {
    this.#again = true
  }
  override streamPart(): void {
    this.#again = true
  }
  override indexed(): void {
    this.#again = true
  }
  override insertIndex(): void {
    this.#again = true
  }
  override opaque(): void {
    this.#again = true
  }

  /** No function may be in two libraries, not even on the way: where some may move, all that change are deleted first. */
  override libraries(changes: readonly LibraryChange[]): void {
    const loaded = changes.filter(({after}) => after !== undefined)
    for (const {name, before, after} of changes) {
      const atOnce = after !== undefined && loaded.length === 1
      if (before !== undefined && !atOnce) this.#function(3, FUNCTION_DELETE, Buffer.from(name, 'latin1'))
    }
    for (const {after} of loaded) this.#function(4, FUNCTION_LOAD_REPLACE, after!)
  }

  #function(argc: number, command: Uint8Array, argument: Uint8Array): void {
    writeArrayHead(this.out, argc)
    this.out.copy(command, 0, command.length)
    writeBulk(this.out, argument, 0, argument.length)
  }

  override drain(): Promise<void> | undefined {
    return this.out.drain()
  }

  #select(db: number): void {
    if (db === this.#db) return
    this.#db = db
    writeArrayHead(this.out, 2)
    this.out.copy(SELECT, 0, SELECT.length)
    this.#integer(db)
  }

  #integer(value: Int64): void {
    writeInteger(this.#args, value)
    this.out.copy(this.#args.bytes, 0, this.#args.length)
    this.#args.reset()
  }
}
