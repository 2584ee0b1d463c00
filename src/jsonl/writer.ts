/**
 * A keyspace as JSON, one object a line (jsonl) or the same objects as one
 * array (json): all that a snapshot holds, and what reads back to the same.
 *
 *   {"meta": {"product", "serverVersion", "rdbVersion", "aux": {name: V}}}
 *   {"function": V}  {"functionPreGa": {"name": V, "engine": V, "code": V}}
 *   {"moduleAux": {"module", "version", "when", "base64"}}
 *   {"slotImport": {"job", "ranges": [[first, last], ...]}}
 *   {"db", "key": V, "type", "encoding"?, "expireAtMs"?, "idleSeconds"?, "frequency"?, "keyMeta"?, "dragonflyMask"?,
 *    "insertIndex"?, "count"?, "value"}
 *   {"script": V}  {"aux": {name: V}}          aux fields behind the first key
 *   {"auxBytes": [V, V]}                       one whose name is no text
 *
 * What a key has besides its value stands before the value, so that a reader
 * need not hold it. Counts of keys and slots, which are hints, are left out.
 */
import {formatSafe, type Int64} from '../bytes/int64.js'
import {HASH_SHAPE, LIST_SHAPE, NodeText, ZSET_SHAPE} from '../bytes/node-text.js'
import {AsciiWords, type ByteOutput} from '../bytes/output.js'
import {ListpackWalker} from '../encoding/listpack.js'
import {type Entry, NEVER, NO_TYPE_ID} from '../keyspace/entry.js'
import {type EntrySink, Losses} from '../keyspace/entry-sink.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'
import {NodeVisitor} from '../keyspace/node-visitor.js'
import type {ModuleAux, ValueVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {TYPE_HASH_LISTPACK, TYPE_LIST_QUICKLIST_2, TYPE_SET_LISTPACK, TYPE_ZSET_LISTPACK} from '../rdb/opcodes.js'
import {producerOf} from '../rdb/producer.js'
import {JsonModule} from './module.js'
import {RecordLines} from './record-lines.js'
import {SHORT_BYTES_MAX, writeShortLine} from './short-line.js'
import {writeJsonBase64, writeJsonBytes, writeJsonInteger} from './text.js'
import {ascii, STRING_TYPE, typeHead} from './type-head.js'
import {JsonValue} from './value.js'

/** The aux field in which redis up to 6.2 keeps the scripts of EVAL. */
const SCRIPT_AUX = 'lua'

const COUNT = ascii(',"count":')
const VALUE = ascii(',"value":')
const EXPIRE_AT = ascii(',"expireAtMs":')
/** Of a count or a time. */
const DIGITS_MAX = 20

/** Types whose nodes a kernel writes down whole. */
const NODE_TYPES: ReadonlySet<number> = new Set([
  TYPE_LIST_QUICKLIST_2,
  TYPE_SET_LISTPACK,
  TYPE_ZSET_LISTPACK,
  TYPE_HASH_LISTPACK,
])

export type JsonForm = 'jsonl' | 'json'

export class JsonWriter extends JsonValue implements EntrySink {
  keys = 0
  readonly #losses = new Losses()
  readonly #module: JsonModule
  readonly #nodes: NodeVisitor
  readonly #records = new RecordLines()
  /** Aux fields, until the first thing that is none; undefined from then on. */
  #aux: Map<string, Uint8Array> | undefined = new Map()
  #auxBytes = 0
  #lines = 0
  #db = -1
  #dbHead = ascii('')
  /** The same with the end of the line before. */
  #recordHead = ascii('')
  /** And with the quote of the key. */
  #lineHead = new AsciiWords('')
  #entry!: Entry
  /** As the present one was begun with. */
  #stringBytes: number | undefined
  /** A short string has been begun, and nothing of it written. */
  #waiting = false
  /** The line was written whole. */
  #short = false
  readonly #heads: Uint8Array[] = []
  readonly #headsByName = new Map<string, Uint8Array>()

  /** `origin` is what the source said of itself. `label`: what each key's object begins with; then there is none of meta. */
  constructor(
    out: ByteOutput,
    readonly form: JsonForm,
    readonly origin: SourceOrigin | undefined,
    readonly label = '',
  ) {
    super(out)
    if (label !== '') this.#aux = undefined
    const text = new NodeText()
    this.#nodes = new NodeVisitor(this, new ListpackWalker(), (type, bytes, start, end) => {
      const shape = type === 'zset' ? ZSET_SHAPE : type === 'hash' ? HASH_SHAPE : LIST_SHAPE
      if (!text.json(shape, bytes, start, end)) return false
      this.elements(text.bytes, text.start, text.end)
      return true
    })
    this.#module = new JsonModule(out, {
      open: entry => this.open(entry, undefined, undefined),
      close: () => this.close(),
    })
  }

  get losses(): Losses['all'] {
    return this.#losses.all
  }

  entry(entry: Entry): ValueVisitor {
    if (this.#aux !== undefined) this.#writeMeta()
    if (NODE_TYPES.has(entry.typeId)) return this.#nodes
    if (entry.type !== 'module') return this
    return entry.typeId === NO_TYPE_ID ? this.#module.items : this.#module.stored
  }

  /** Records, many in one call of a kernel. */
  take(db: number, start: number, end: number): number {
    // The first of all lines begins otherwise; mostly that is the one of meta.
    if (this.#lines === 0 && this.#aux === undefined) return start
    if (db !== this.#db) this.#enter(db)
    const records = this.#records
    const reached = records.take(this.#recordHead, start, end)
    if (reached === start) return start
    if (this.#aux !== undefined) this.#writeMeta()
    this.out.copy(records.bytes, records.start, records.end)
    this.#lines += records.keys
    this.keys += records.keys
    return reached
  }

  override begin(entry: Entry, count: number | undefined): void {
    // Written with its value, where that comes in one piece.
    this.#waiting = entry.type === 'string' && count !== undefined && count <= SHORT_BYTES_MAX && this.#lines > 0
    if (!this.#waiting) super.begin(entry, count)
    else if (entry.db !== this.#db) this.#enter(entry.db)
    this.#entry = entry
    this.#stringBytes = count
    this.#short = false
  }

  override chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#waiting) {
      this.#waiting = false
      if (last && writeShortLine(this.out, this.#lineHead, this.#entry, bytes, start, end)) {
        this.#lines++
        this.keys++
        this.#short = true
        return
      }
      super.begin(this.#entry, this.#stringBytes)
    }
    super.chunk(bytes, start, end, last)
  }

  override end(entry: Entry): void {
    if (!this.#short) super.end(entry)
  }

  protected open(entry: Entry, count: number | undefined, insertIndex: Int64 | undefined): void {
    const {out} = this
    if (entry.db !== this.#db) this.#enter(entry.db)
    this.#line()
    const key = entry.keyBytes
    out.copy(this.#dbHead, 0, this.#dbHead.length)
    writeJsonBytes(out, key.bytes, key.start, key.end)
    const type = entry.type === 'string' ? STRING_TYPE : this.#headOf(entry)
    out.copy(type, 0, type.length)
    if (entry.expireAtMs !== NEVER) {
      out.copy(EXPIRE_AT, 0, EXPIRE_AT.length)
      writeJsonInteger(out, entry.expireAtMs)
    }
    // Rare enough to be looked at in one go.
    if (entry.idleSeconds >= 0 || entry.frequency >= 0 || entry.keyMeta !== undefined || entry.dragonflyMask >= 0) {
      this.#writeAttributes(entry)
    }
    if (insertIndex !== undefined) {
      out.ascii(',"insertIndex":')
      writeJsonInteger(out, insertIndex)
    }
    if (count !== undefined) {
      out.copy(COUNT, 0, COUNT.length)
      out.room(DIGITS_MAX)
      out.at = formatSafe(count, out.bytes, out.at)
    }
    out.copy(VALUE, 0, VALUE.length)
  }

  protected close(): void {
    this.out.u8(0x7d)
    this.keys++
  }

  /** Begins the next object. */
  #line(): void {
    const {out} = this
    const first = this.#lines++ === 0
    if (this.form === 'json') out.ascii(first ? '[\n' : ',\n')
    else if (!first) out.u8(0x0a)
  }

  #enter(db: number): void {
    this.#db = db
    this.#dbHead = ascii(`{${this.label}"db":${db},"key":`)
    const head = `${this.form === 'json' ? ',\n' : '\n'}{${this.label}"db":${db},"key":`
    this.#recordHead = ascii(head)
    this.#lineHead = new AsciiWords(`${head}"`)
  }

  /** `,"type":...,"encoding":...`, by type byte where there is one. */
  #headOf({type, typeId, encoding}: Entry): Uint8Array {
    if (typeId !== NO_TYPE_ID) {
      this.#heads[typeId] ??= typeHead(type, encoding)
      return this.#heads[typeId]
    }
    const name = `${type} ${encoding}`
    let head = this.#headsByName.get(name)
    if (head === undefined) {
      head = typeHead(type, encoding)
      // Nobody but us writes encodings: of a hostile file there may be any number.
      if (this.#headsByName.size < limits.namesMax) this.#headsByName.set(name, head)
    }
    return head
  }

  #writeAttributes({idleSeconds, frequency, keyMeta, dragonflyMask}: Entry): void {
    const {out} = this
    if (idleSeconds >= 0) out.ascii(`,"idleSeconds":${idleSeconds}`)
    if (frequency >= 0) out.ascii(`,"frequency":${frequency}`)
    if (keyMeta !== undefined) {
      out.ascii(',"keyMeta":')
      writeJsonBase64(out, keyMeta, 0, keyMeta.length)
    }
    if (dragonflyMask >= 0) out.ascii(`,"dragonflyMask":${dragonflyMask}`)
  }

  aux(name: string, value: Uint8Array, nameBytes?: Uint8Array): void {
    if (nameBytes !== undefined && Buffer.compare(Buffer.from(name, 'utf8'), nameBytes) !== 0) {
      this.#oddAux(nameBytes, value)
      return
    }
    const fields = this.#aux
    if (fields !== undefined && name !== SCRIPT_AUX && !fields.has(name)) {
      this.#auxBytes += name.length + value.length
      if (fields.size < limits.namesMax && this.#auxBytes <= limits.auxBytesMax) {
        fields.set(name, value)
        return
      }
    }
    this.#begin(name === SCRIPT_AUX ? 'script' : 'aux')
    if (name !== SCRIPT_AUX) {
      this.out.ascii('{')
      this.#name(name)
    }
    writeJsonBytes(this.out, value, 0, value.length)
    this.out.ascii(name === SCRIPT_AUX ? '}' : '}}')
  }

  /** A name that is no text cannot be that of a member. */
  #oddAux(name: Uint8Array, value: Uint8Array): void {
    this.#begin('auxBytes')
    this.out.ascii('[')
    writeJsonBytes(this.out, name, 0, name.length)
    this.out.ascii(',')
    writeJsonBytes(this.out, value, 0, value.length)
    this.out.ascii(']}')
  }

  function(source: Uint8Array): void {
    this.#begin('function')
    writeJsonBytes(this.out, source, 0, source.length)
    this.out.ascii('}')
  }

  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    const {out} = this
    this.#begin('functionPreGa')
    out.ascii('{"name":')
    writeJsonBytes(out, name, 0, name.length)
    out.ascii(',"engine":')
    writeJsonBytes(out, engine, 0, engine.length)
    out.ascii(',"code":')
    writeJsonBytes(out, code, 0, code.length)
    out.ascii('}}')
  }

  moduleAux({module, version, when, payload}: ModuleAux): void {
    const {out} = this
    this.#begin('moduleAux')
    out.ascii(`{"module":"${module}","version":${version},"when":${when},`)
    this.#module.writeBase64(payload)
    out.ascii('}}')
  }

  slotImport(job: string, ranges: readonly [first: number, last: number][]): void {
    this.#begin('slotImport')
    this.out.ascii('{"job":')
    const bytes = Buffer.from(job, 'utf8')
    writeJsonBytes(this.out, bytes, 0, bytes.length)
    this.out.ascii(`,"ranges":${JSON.stringify(ranges)}}}`)
  }

  continues(): void {
    this.#aux = undefined
    this.#lines = 1
  }

  pauses(): undefined {
    this.keysBegin()
    this.out.flush()
  }

  /** Facts that stand behind a key have lines of their own, whether or not it is shown. */
  keysBegin(): void {
    if (this.#aux !== undefined) this.#writeMeta()
  }

  finish(): void {
    const {out} = this
    this.keysBegin()
    out.ascii(this.form === 'json' ? '\n]\n' : '\n')
    out.flush()
  }

  override drain(): Promise<void> | undefined {
    return this.out.drain()
  }

  /** Begins an object of one member. */
  #begin(name: string): void {
    if (this.#aux !== undefined) this.#writeMeta()
    this.#line()
    this.out.ascii(`{"${name}":`)
  }

  /** `"name":`, of a name whose characters are bytes. */
  #name(name: string): void {
    const utf8 = Buffer.from(name, 'utf8')
    writeJsonBytes(this.out, utf8, 0, utf8.length)
    this.out.ascii(':')
  }

  #writeMeta(): void {
    const fields = this.#aux!
    this.#aux = undefined
    const {out, origin} = this
    const text = new Map([...fields].map(([name, value]) => [name, Buffer.from(value).toString('latin1')]))
    const producer = producerOf(origin ?? {family: 'redis', rdbVersion: 0}, text, false)
    const known = origin === undefined && fields.size === 0 ? {} : {...producer, rdbVersion: origin?.rdbVersion}
    this.#line()
    out.ascii('{"meta":{')
    for (const [name, value] of Object.entries(known)) {
      if (value === undefined) continue
      out.ascii(`"${name}":`)
      const json = Buffer.from(JSON.stringify(value))
      out.copy(json, 0, json.length)
      out.ascii(',')
    }
    out.ascii('"aux":{')
    let next = ''
    for (const [name, value] of fields) {
      out.ascii(next)
      this.#name(name)
      writeJsonBytes(out, value, 0, value.length)
      next = ','
    }
    out.ascii('}}}')
  }
}
