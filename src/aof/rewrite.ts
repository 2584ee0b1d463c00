/**
 * A keyspace as the commands that create it, as servers rewrite their logs
 * (formats of redis 4.0 and later): SELECT, then each key's commands, then its expiry.
 *
 *   string   SET k v                     list   RPUSH k v ...         set   SADD k m ...
 *   zset     ZADD k score m ...          hash   HMSET k f v ...       HPEXPIREAT k ms FIELDS 1 f
 *   stream   stream-commands.ts          expiry PEXPIREAT k ms        library   FUNCTION LOAD source
 *
 * What no command carries (module values, arrays, what stands around a key)
 * goes as RESTORE where that is allowed, and is counted where it is not.
 */
import type {Int64} from '../bytes/int64.js'
import {kernel} from '../bytes/kernel.js'
import {HASH_SHAPE, LIST_SHAPE, NodeText, ZSET_SHAPE} from '../bytes/node-text.js'
import type {ByteOutput} from '../bytes/output.js'
import {ByteWriter} from '../bytes/writer.js'
import {ListpackWalker} from '../encoding/listpack.js'
import {type Entry, NEVER} from '../keyspace/entry.js'
import {type EntrySink, Losses} from '../keyspace/entry-sink.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'
import {NodeVisitor} from '../keyspace/node-visitor.js'
import {type ModuleAux, SKIP, ValueVisitor} from '../keyspace/visitor.js'
import {TYPE_HASH_LISTPACK, TYPE_LIST_QUICKLIST_2, TYPE_SET_LISTPACK, TYPE_ZSET_LISTPACK} from '../rdb/opcodes.js'
import {bulk, putBulk, writeArrayHead, writeBulk, writeBulkEnd, writeBulkHead} from '../resp/framing.js'
import {writeInteger, writeScore} from './arguments.js'
import {Batch} from './batch.js'
import {EMPTY, Restores} from './restores.js'
import {SHORT_BYTES_MAX, writeShortSet} from './short-set.js'
import {StreamCommands} from './stream-commands.js'
import {CONSUMERS_ANEW} from './stream-emitter.js'
import {StringCommand} from './string-command.js'

/** Which keys go as RESTORE: those that commands cannot carry whole, all, or none. */
export type RestoreRule = 'auto' | 'always' | 'never'

const SCRIPT_AUX = 'lua'
const SELECT = bulk('SELECT')
const RPUSH = bulk('RPUSH')
const SADD = bulk('SADD')
const ZADD = bulk('ZADD')
const HMSET = bulk('HMSET')
const HPEXPIREAT = bulk('HPEXPIREAT')
const FIELDS_1 = Buffer.concat([bulk('FIELDS'), bulk('1')])
const PEXPIREAT = bulk('PEXPIREAT')
const FUNCTION_LOAD = Buffer.concat([bulk('FUNCTION'), bulk('LOAD')])
const SCRIPT_LOAD = Buffer.concat([bulk('SCRIPT'), bulk('LOAD')])

const TYPES_WITHOUT_COMMANDS: ReadonlySet<string> = new Set(['module', 'array', 'cron'])

/** Types whose nodes a kernel writes down whole. */
const NODE_TYPES: ReadonlySet<number> = new Set([
  TYPE_LIST_QUICKLIST_2,
  TYPE_SET_LISTPACK,
  TYPE_ZSET_LISTPACK,
  TYPE_HASH_LISTPACK,
])

export class CommandWriter extends ValueVisitor implements EntrySink {
  override readonly depth = 'elements'
  keys = 0
  readonly #losses = new Losses()
  readonly #notes = new Losses()
  readonly #batch: Batch
  readonly #nodes: NodeVisitor
  readonly #string: StringCommand
  readonly #streams: StreamCommands
  readonly #restores: Restores
  /** HPEXPIREAT commands of the present batch: they follow the fields. */
  readonly #expiries = new ByteWriter()
  #db = -1
  /** Told of the first database, where what is written stands behind other commands. */
  #enters: ((db: number) => void) | undefined
  #entry!: Entry
  #command = RPUSH
  /** As the present one was begun with. */
  #stringBytes: number | undefined
  /** A short string has been begun, and nothing of it written. */
  #waiting = false
  /** All commands of the key were written at once. */
  #short = false
  /** Elements of the present value that were written. */
  #elements = 0

  constructor(
    readonly out: ByteOutput,
    readonly restore: RestoreRule,
    origin: SourceOrigin | undefined,
    /** Whether values are shown as they are stored. */
    stored: boolean,
  ) {
    super()
    const report = {losses: this.#losses, notes: this.#notes}
    this.#batch = new Batch(out)
    const text = new NodeText()
    this.#nodes = new NodeVisitor(this, new ListpackWalker(), (type, bytes, start, end) => {
      const shape = type === 'zset' ? ZSET_SHAPE : type === 'hash' ? HASH_SHAPE : LIST_SHAPE
      if (!text.resp(shape, bytes, start, end)) return false
      this.#node(text)
      return true
    })
    this.#restores = new Restores(out, origin, stored, report)
    this.#string = new StringCommand(out, report)
    this.#streams = new StreamCommands(out, this.#restores, restore, report)
    this.#restores.onWritten = () => this.keys++
  }

  get losses(): Losses['all'] {
    return this.#losses.all
  }

  get notes(): Losses['all'] {
    return this.#notes.all
  }

  entry(entry: Entry): ValueVisitor {
    if (this.restore === 'always') return this.#restored(entry)
    const {type, keyMeta} = entry
    const carried = !TYPES_WITHOUT_COMMANDS.has(type) && keyMeta === undefined
    if (!carried) {
      if (this.restore === 'auto') return this.#restored(entry)
      if (TYPES_WITHOUT_COMMANDS.has(type)) {
        this.#losses.add(`keys of the type ${type}, which no command creates`)
        return SKIP
      }
      this.#losses.add('key metadata')
    }
    if (entry.idleSeconds >= 0 || entry.frequency >= 0) this.#notes.add('idle times and access frequencies')
    if (NODE_TYPES.has(entry.typeId)) return this.#nodes
    return type === 'stream' ? this.#stream(entry) : this
  }

  /** Records, many in one call of a kernel. */
  take(db: number, start: number, end: number): number {
    if (this.restore === 'always') return start
    const {bytes, textArea, results, recordCommands} = kernel()
    const reached = recordCommands(start, end)
    if (reached === start) return start
    const textEnd = textArea.start + results[0]!
    this.keys += results[1]!
    if (results[2]! > 0) this.#notes.add(CONSUMERS_ANEW, results[2])
    this.#select(db)
    this.out.copy(bytes, textArea.start, textEnd)
    return reached
  }

  #restored(entry: Entry): ValueVisitor {
    const visitor = this.#restores.entry(entry)
    if (visitor !== undefined) {
      this.#select(entry.db)
      return visitor
    }
    this.#losses.add(`keys of the type ${entry.type}, which RESTORE does not take`)
    return SKIP
  }

  #stream(entry: Entry): ValueVisitor {
    this.#select(entry.db)
    return this.#streams.entry(entry, () => this.#finishKey(entry))
  }

  override begin(entry: Entry, count: number | undefined): void {
    this.#select(entry.db)
    this.#entry = entry
    this.#elements = 0
    this.#short = false
    this.#stringBytes = count
    this.#waiting = entry.type === 'string' && count !== undefined && count <= SHORT_BYTES_MAX
    if (this.#waiting) return
    if (entry.type === 'string') this.#string.begin(entry, count)
    else
      this.#command = entry.type === 'list' ? RPUSH : entry.type === 'set' ? SADD : entry.type === 'zset' ? ZADD : HMSET
  }

  override chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#waiting) {
      this.#waiting = false
      if (last && writeShortSet(this.out, this.#entry, bytes, start, end)) {
        this.keys++
        this.#short = true
        return
      }
      this.#string.begin(this.#entry, this.#stringBytes)
    }
    this.#string.chunk(bytes, start, end, last)
  }

  override item(bytes: Uint8Array, start: number, end: number): void {
    this.#one(bytes, start, end)
  }

  override member(bytes: Uint8Array, start: number, end: number): void {
    this.#one(bytes, start, end)
  }

  #one(bytes: Uint8Array, start: number, end: number): void {
    const batch = this.#batch
    this.#elements++
    if (!batch.takes(end - start)) {
      batch.flush(this.#command, this.#entry)
      if (batch.isTooLarge(end - start)) {
        batch.head(3, this.#command, this.#entry)
        writeBulk(this.out, bytes, start, end)
        return
      }
    }
    putBulk(batch.args, bytes, start, end)
    batch.argc++
  }

  /** The elements of a node go with a command of their own. */
  #node({bytes, start, end, entries}: NodeText): void {
    if (entries === 0) return
    const batch = this.#batch
    batch.flush(this.#command, this.#entry)
    batch.head(entries + 2, this.#command, this.#entry)
    this.out.copy(bytes, start, end)
    this.#elements += entries
  }

  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    if (Number.isNaN(score)) {
      this.#losses.add('sorted set members whose score is no number')
      return
    }
    const batch = this.#batch
    this.#elements++
    if (!batch.takes(end - start)) {
      batch.flush(ZADD, this.#entry)
      if (batch.isTooLarge(end - start)) {
        batch.head(4, ZADD, this.#entry)
        writeScore(batch.args, score)
        batch.move()
        writeBulk(this.out, bytes, start, end)
        return
      }
    }
    writeScore(batch.args, score)
    putBulk(batch.args, bytes, start, end)
    batch.argc += 2
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
    const batch = this.#batch
    const bytes = nameEnd - nameStart + valueEnd - valueStart
    this.#elements++
    if (!batch.takes(bytes)) {
      this.#flushFields()
      if (batch.isTooLarge(bytes)) {
        batch.head(4, HMSET, this.#entry)
        writeBulk(this.out, name, nameStart, nameEnd)
        writeBulk(this.out, value, valueStart, valueEnd)
        if (expireAtMs !== NEVER) this.#expireField(name, nameStart, nameEnd, expireAtMs)
        this.#flushFields()
        return
      }
    }
    putBulk(batch.args, name, nameStart, nameEnd)
    putBulk(batch.args, value, valueStart, valueEnd)
    batch.argc += 2
    if (expireAtMs !== NEVER) this.#expireField(name, nameStart, nameEnd, expireAtMs)
  }

  #expireField(name: Uint8Array, start: number, end: number, expireAtMs: Int64): void {
    const into = this.#expiries
    const key = this.#entry.keyBytes
    into.ascii('*6\r\n')
    into.copy(HPEXPIREAT, 0, HPEXPIREAT.length)
    putBulk(into, key.bytes, key.start, key.end)
    writeInteger(into, expireAtMs)
    into.copy(FIELDS_1, 0, FIELDS_1.length)
    putBulk(into, name, start, end)
  }

  #flushFields(): void {
    this.#batch.flush(HMSET, this.#entry)
    const {bytes, length} = this.#expiries
    this.out.copy(bytes, 0, length)
    this.#expiries.reset()
  }

  override end(entry: Entry): void {
    if (this.#short) return
    if (entry.type === 'string') {
      if (!this.#string.end(entry)) return
    } else if (this.#elements === 0) {
      this.#notes.add(EMPTY)
      return
    } else if (entry.type === 'hash') {
      this.#flushFields()
    } else {
      this.#batch.flush(this.#command, entry)
    }
    this.#finishKey(entry)
  }

  #finishKey(entry: Entry): void {
    this.keys++
    if (entry.expireAtMs === NEVER) return
    const {args} = this.#batch
    this.#batch.head(3, PEXPIREAT, entry)
    writeInteger(args, entry.expireAtMs)
    this.#batch.move()
  }

  #select(db: number): void {
    if (db === this.#db) return
    if (this.#enters === undefined || this.#db >= 0) writeSelect(this.out, db)
    else this.#enters(db)
    this.#db = db
  }

  aux(name: string, value: Uint8Array): void {
    if (name !== SCRIPT_AUX) return
    writeArrayHead(this.out, 3)
    this.out.copy(SCRIPT_LOAD, 0, SCRIPT_LOAD.length)
    this.#argument(value)
  }

  function(source: Uint8Array): void {
    writeArrayHead(this.out, 3)
    this.out.copy(FUNCTION_LOAD, 0, FUNCTION_LOAD.length)
    this.#argument(source)
  }

  /** The same library in the form that servers take. */
  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    this.function(Buffer.concat([Buffer.from('#!'), engine, Buffer.from(' name='), name, Buffer.from('\n'), code]))
  }

  moduleAux({module}: ModuleAux): void {
    this.#losses.add(`records that the module ${module} keeps beside its keys`)
  }

  slotImport(): void {
    this.#losses.add('slot imports that were under way')
  }

  #argument(bytes: Uint8Array): void {
    writeArgument(this.out, bytes)
  }

  continues(enters: (db: number) => void): void {
    this.#enters = db => {
      // Up to here, no command depends on it.
      this.out.flush()
      enters(db)
    }
  }

  pauses(): number | undefined {
    this.out.flush()
    return this.#db < 0 ? undefined : this.#db
  }

  finish(): void {
    this.out.flush()
    this.dispose()
  }

  override drain(): Promise<void> | undefined {
    return this.out.drain()
  }

  /** Removes temporary files. */
  dispose(): void {
    this.#streams.dispose()
    this.#string.dispose()
    this.#restores.dispose()
  }
}

/** What follows is of a database. */
export function writeSelect(out: ByteOutput, db: number): void {
  writeArrayHead(out, 2)
  out.copy(SELECT, 0, SELECT.length)
  writeArgument(out, Buffer.from(String(db)))
}

function writeArgument(out: ByteOutput, bytes: Uint8Array): void {
  writeBulkHead(out, bytes.length)
  out.copy(bytes, 0, bytes.length)
  writeBulkEnd(out)
}
