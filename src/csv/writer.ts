/**
 * Writes a keyspace as a table (columns.ts says which).
 *
 * `safe`: a cell that a spreadsheet would take for a formula (it begins with
 * = + - @, a tab or a CR) gets an apostrophe in front. That changes the cell: it
 * is for eyes, not for reading back.
 */
import {isUtf8} from 'node:buffer'
import type {Int64} from '../bytes/int64.js'
import {ByteOutput} from '../bytes/output.js'
import type {ByteTarget} from '../bytes/target.js'
import {ByteWriter} from '../bytes/writer.js'
import {JsonModule} from '../jsonl/module.js'
import {Base64Stream, writeBase64} from '../jsonl/text.js'
import {JsonValue} from '../jsonl/value.js'
import {type Entry, NEVER, NO_TYPE_ID} from '../keyspace/entry.js'
import {type EntrySink, Losses} from '../keyspace/entry-sink.js'
import {type ModuleAux, ValueVisitor} from '../keyspace/visitor.js'
import {limits} from '../limits.js'
import {COLUMNS, LF, QUOTE} from './columns.js'

const SCRIPT_AUX = 'lua'
const APOSTROPHE = 0x27
/** What begins a formula, or is skipped before one. */
const FORMULA = new Set([0x3d, 0x2b, 0x2d, 0x40, 0x09, 0x0d])

/** Puts what it is given into a quoted cell: quotes are doubled. */
class CellTarget implements ByteTarget {
  readonly name = 'a cell'
  bytes = 0

  constructor(readonly out: ByteOutput) {}

  write(bytes: Uint8Array, start: number, end: number): void {
    let from = start
    for (let p = start; p < end; p++) {
      if (bytes[p] !== QUOTE) continue
      this.out.copy(bytes, from, p + 1)
      this.out.u8(QUOTE)
      from = p + 1
    }
    this.out.copy(bytes, from, end)
    this.bytes += end - start
  }

  drain(): undefined {}
  async finish(): Promise<void> {}
  async abandon(): Promise<void> {}
}

export class CsvWriter extends ValueVisitor implements EntrySink {
  override readonly depth = 'elements'
  keys = 0
  readonly #losses = new Losses()
  readonly #cell: CellTarget
  readonly #json: CellValue
  readonly #module: JsonModule
  readonly #base64 = new Base64Stream()
  #held = new ByteWriter(0)
  #streaming = false
  #entry!: Entry
  #begun = false

  constructor(
    readonly out: ByteOutput,
    readonly safe: boolean,
  ) {
    super()
    this.#cell = new CellTarget(out)
    const cell = new ByteOutput(this.#cell)
    const around = {
      open: (entry: Entry): void => this.#head(entry, undefined, false),
      close: (): void => {
        cell.flush()
        this.#tail()
      },
    }
    this.#json = new CellValue(cell, around, () => this.#losses.add('places where arrays are inserted into'))
    this.#module = new JsonModule(cell, around)
  }

  get losses(): Losses['all'] {
    return this.#losses.all
  }

  entry(entry: Entry): ValueVisitor {
    if (entry.keyMeta !== undefined) this.#losses.add('key metadata')
    if (entry.type === 'string') return this
    if (entry.type !== 'module') return this.#json
    return entry.typeId === NO_TYPE_ID ? this.#module.items : this.#module.stored
  }

  override begin(entry: Entry, count: number | undefined): void {
    this.#entry = entry
    this.#held.reset()
    this.#streaming = count !== undefined && count > limits.jsonTextBytesMax
    if (this.#streaming) this.#head(entry, count, true)
  }

  override chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#streaming) this.#base64.push(this.out, bytes, start, end)
    else if (last && this.#held.length === 0) this.#string(bytes, start, end)
    else this.#hold(bytes, start, end, last)
  }

  #hold(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#held.length + end - start > limits.jsonTextBytesMax) {
      // Of a value whose length nobody told.
      this.#streaming = true
      this.#head(this.#entry, undefined, true)
      this.#base64.push(this.out, this.#held.bytes, 0, this.#held.length)
      this.#base64.push(this.out, bytes, start, end)
      return
    }
    this.#held.copy(bytes, start, end)
    if (last) this.#string(this.#held.bytes, 0, this.#held.length)
  }

  #string(bytes: Uint8Array, start: number, end: number): void {
    const text = isUtf8(bytes.subarray(start, end))
    this.#head(this.#entry, end - start, !text)
    if (text) this.#text(bytes, start, end)
    else writeBase64(this.out, bytes, start, end)
  }

  override end(): void {
    if (this.#streaming) this.#base64.finish(this.out)
    this.#streaming = false
    if (this.#held.bytes.length > limits.windowBytes * 4) this.#held = new ByteWriter(0)
    this.#tail()
  }

  /** All cells up to the value, whose quote is opened. */
  #head(entry: Entry, count: number | undefined, base64: boolean): void {
    const {out} = this
    const {bytes, start, end} = entry.keyBytes
    const text = isUtf8(bytes.subarray(start, end))
    this.#row()
    out.ascii(`${entry.db},"`)
    if (text) this.#text(bytes, start, end)
    else writeBase64(out, bytes, start, end)
    const {expireAtMs, idleSeconds, frequency} = entry
    const cells = [
      entry.type,
      count ?? '',
      expireAtMs === NEVER ? '' : expireAtMs,
      idleSeconds < 0 ? '' : idleSeconds,
      frequency < 0 ? '' : frequency,
      [text ? [] : ['key'], base64 ? ['value'] : []].flat().join(' '),
    ]
    out.ascii(`",${cells.join(',')},"`)
  }

  #tail(): void {
    this.out.u8(QUOTE)
    this.keys++
  }

  #text(bytes: Uint8Array, start: number, end: number): void {
    if (this.safe && end > start && FORMULA.has(bytes[start]!)) this.out.u8(APOSTROPHE)
    this.#cell.write(bytes, start, end)
  }

  #row(): void {
    this.#beginTable()
    this.out.u8(LF)
  }

  /** The first row is the names of the columns. */
  #beginTable(): void {
    if (!this.#begun) this.out.ascii(COLUMNS.join(','))
    this.#begun = true
  }

  function(source: Uint8Array): void {
    this.#other('function', source)
  }

  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    this.function(Buffer.concat([Buffer.from('#!'), engine, Buffer.from(' name='), name, Buffer.from('\n'), code]))
  }

  aux(name: string, value: Uint8Array): void {
    if (name === SCRIPT_AUX) this.#other('script', value)
  }

  #other(type: 'function' | 'script', bytes: Uint8Array): void {
    const text = isUtf8(bytes)
    this.#row()
    this.out.ascii(`,,${type},,,,,${text ? '' : 'value'},"`)
    if (text) this.#text(bytes, 0, bytes.length)
    else writeBase64(this.out, bytes, 0, bytes.length)
    this.out.u8(QUOTE)
  }

  moduleAux({module}: ModuleAux): void {
    this.#losses.add(`records that the module ${module} keeps beside its keys`)
  }

  slotImport(): void {
    this.#losses.add('slot imports that were under way')
  }

  continues(): void {
    this.#begun = true
  }

  pauses(): undefined {
    this.keysBegin()
    this.out.flush()
  }

  keysBegin(): void {
    this.#beginTable()
  }

  finish(): void {
    this.#beginTable()
    this.out.u8(LF)
    this.out.flush()
  }

  override drain(): Promise<void> | undefined {
    return this.out.drain()
  }
}

/** A value as JSON, in a cell. */
class CellValue extends JsonValue {
  constructor(
    out: ByteOutput,
    readonly around: {open(entry: Entry): void; close(): void},
    readonly onInsertIndex: () => void,
  ) {
    super(out)
  }

  protected open(entry: Entry, _count: number | undefined, insertIndex: Int64 | undefined): void {
    if (insertIndex !== undefined) this.onInsertIndex()
    this.around.open(entry)
  }

  protected close(): void {
    this.around.close()
  }
}
