/**
 * A module's value as JSON: {"module": name, "version": n, "base64": "..."}, the
 * items and the end mark as a snapshot stores them, which only the module understands.
 *
 * An RDB file is asked for the stored bytes. Other sources show items, which
 * are spelled as a server stores them.
 */
import {type Halves, type Int64, splitInt64} from '../bytes/int64.js'
import type {ByteOutput} from '../bytes/output.js'
import {ByteWriter} from '../bytes/writer.js'
import {writeLength, writeLength64} from '../encoding/length.js'
import type {Entry} from '../keyspace/entry.js'
import {type Depth, ValueVisitor} from '../keyspace/visitor.js'
import {moduleIdOf} from '../rdb/value/module.js'
import {Base64Stream, writeBase64} from './text.js'

/** A module's ID is always a 64-bit length: its first character alone makes it larger than 2^32. */
const ID_BYTES = 9

const ITEM_END = 0
const ITEM_SIGNED = 1
const ITEM_UNSIGNED = 2
const ITEM_FLOAT = 3
const ITEM_DOUBLE = 4
const ITEM_STRING = 5

/** What stands around the value. */
export interface Around {
  open(entry: Entry): void
  close(): void
}

export class JsonModule {
  readonly stored: ValueVisitor
  readonly items: ValueVisitor

  constructor(
    readonly out: ByteOutput,
    around: Around,
  ) {
    this.stored = new StoredModule(out, around)
    this.items = new ModuleItems(out, around)
  }

  /** `"base64":"..."` */
  writeBase64(bytes: Uint8Array): void {
    this.out.ascii('"base64":"')
    writeBase64(this.out, bytes, 0, bytes.length)
    this.out.ascii('"')
  }
}

abstract class ModuleVisitor extends ValueVisitor {
  abstract override readonly depth: Depth
  protected readonly base64 = new Base64Stream()

  constructor(
    readonly out: ByteOutput,
    readonly around: Around,
  ) {
    super()
  }

  override begin(entry: Entry): void {
    this.around.open(entry)
  }

  override moduleId(name: string, version: number): void {
    this.out.ascii(`{"module":"${name}","version":${version},"base64":"`)
  }

  override end(_entry: Entry): void {
    this.base64.finish(this.out)
    this.out.ascii('"}')
    this.around.close()
  }
}

class StoredModule extends ModuleVisitor {
  readonly depth = 'raw'
  readonly #id = new Uint8Array(ID_BYTES)
  #idBytes = 0

  override begin(entry: Entry): void {
    super.begin(entry)
    this.#idBytes = 0
  }

  override chunk(bytes: Uint8Array, start: number, end: number): void {
    let p = start
    while (this.#idBytes < ID_BYTES && p < end) {
      this.#id[this.#idBytes++] = bytes[p++]!
      if (this.#idBytes === ID_BYTES) this.#named()
    }
    this.base64.push(this.out, bytes, p, end)
  }

  #named(): void {
    const view = new DataView(this.#id.buffer)
    const {name, version} = moduleIdOf(view.getUint32(1), view.getUint32(5))
    this.moduleId(name, version)
  }
}

class ModuleItems extends ModuleVisitor {
  readonly depth = 'elements'
  readonly #item = new ByteWriter()
  readonly #halves: Halves = {high: 0, low: 0}

  override moduleSigned(value: Int64): void {
    this.#integer(ITEM_SIGNED, value)
  }

  override moduleUnsigned(value: Int64): void {
    this.#integer(ITEM_UNSIGNED, value)
  }

  override moduleDouble(value: number, bits: 32 | 64): void {
    const item = this.#item
    writeLength(item, bits === 32 ? ITEM_FLOAT : ITEM_DOUBLE)
    if (bits === 64) item.f64le(value)
    else item.u32le(new Uint32Array(Float32Array.of(value).buffer)[0]!)
    this.#push()
  }

  override moduleString(bytes: Uint8Array, start: number, end: number): void {
    writeLength(this.#item, ITEM_STRING)
    writeLength(this.#item, end - start)
    this.#item.copy(bytes, start, end)
    this.#push()
  }

  override end(entry: Entry): void {
    writeLength(this.#item, ITEM_END)
    this.#push()
    super.end(entry)
  }

  #integer(item: number, value: Int64): void {
    writeLength(this.#item, item)
    if (typeof value === 'number' && value >= 0) {
      writeLength(this.#item, value)
    } else {
      splitInt64(value, this.#halves)
      writeLength64(this.#item, this.#halves.high >>> 0, this.#halves.low)
    }
    this.#push()
  }

  #push(): void {
    const {bytes, length} = this.#item
    this.base64.push(this.out, bytes, 0, length)
    this.#item.reset()
  }
}
