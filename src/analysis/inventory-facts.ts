/**
 * What a snapshot says besides its keys: aux fields, functions, modules, slots.
 * All of it in bounded memory, whatever a file repeats.
 */
import {isUtf8} from 'node:buffer'
import {SLOT_COUNT} from '../bytes/crc16.js'
import type {ModuleAux} from '../keyspace/visitor.js'
import {limits} from '../limits.js'

export interface FunctionLibrary {
  name: string
  engine: string
  bytes: number
}

/** An aux field whose name is not UTF-8. */
export interface OtherAux {
  name: Uint8Array
  value: Uint8Array
}

export interface ModuleCount {
  name: string
  /** Encoding version, as the first value or aux of the module says. */
  version: number
  keys: number
  /** Bytes of its keys' records and its aux data. */
  bytes: number
}

/** What a library says of itself stands in its first line. */
const FUNCTION_HEAD_BYTES = 4096
const LINE_END = 0x0a

export class InventoryFacts {
  readonly aux = new Map<string, string>()
  /** Values of aux fields that are not UTF-8: as text they are not what the file holds. */
  readonly auxBytes = new Map<string, Uint8Array>()
  /** Fields whose names are no text, by their bytes as characters. */
  readonly #otherAux = new Map<string, OtherAux>()
  readonly functions: FunctionLibrary[] = []
  #namesLeft = limits.namesBytesMax
  readonly #modules = new Map<string, ModuleCount>()
  readonly #slots = new Set<number>()
  #auxLeft = limits.auxBytesMax

  get otherAux(): OtherAux[] {
    return [...this.#otherAux.values()]
  }

  /** `nameBytes`: what is stored, where that may not be UTF-8. */
  addAux(name: string, value: Uint8Array, nameBytes: Uint8Array = Buffer.from(name)): void {
    // Repeated ones (slot hints, KeyDB's marks) are no facts about the file; the first value stands.
    if (name === 'slot-info') this.addSlot(Number.parseInt(Buffer.from(value.subarray(0, 16)).toString('latin1'), 10))
    const bytes = nameBytes.length + value.length
    if (this.aux.size + this.#otherAux.size >= limits.namesMax || bytes > this.#auxLeft) return
    const exact = isUtf8(nameBytes)
    const other = exact ? '' : Buffer.from(nameBytes).toString('latin1')
    if (exact ? this.aux.has(name) : this.#otherAux.has(other)) return
    this.#auxLeft -= bytes
    if (!exact) {
      this.#otherAux.set(other, {name: nameBytes.slice(), value: value.slice()})
      return
    }
    this.aux.set(name, Buffer.from(value).toString('utf8'))
    if (!isUtf8(value)) this.auxBytes.set(name, value.slice())
  }

  addFunction(source: Uint8Array): void {
    const end = source.subarray(0, FUNCTION_HEAD_BYTES).indexOf(LINE_END)
    const line = textOf(source.subarray(0, end < 0 ? FUNCTION_HEAD_BYTES : end))
    const engine = /^#!\s*([^\s]+)/.exec(line)?.[1] ?? ''
    const name = /\bname=([^\s]+)/.exec(line)?.[1] ?? ''
    this.addLibrary({name, engine, bytes: source.length})
  }

  addLibrary(library: FunctionLibrary): void {
    const bytes = library.name.length + library.engine.length
    if (this.functions.length >= limits.namesMax || bytes > this.#namesLeft) return
    this.#namesLeft -= bytes
    this.functions.push(library)
  }

  addModuleAux({module, version, payload}: ModuleAux): void {
    this.addModule(module, version, 0, payload.length)
  }

  addModule(name: string, version: number, keys: number, bytes: number): void {
    const known = this.#modules.get(name)
    if (known !== undefined) {
      known.keys += keys
      known.bytes += bytes
    } else if (this.#modules.size < limits.namesMax) {
      this.#modules.set(name, {name, version, keys, bytes})
    }
  }

  addSlot(slot: number): void {
    if (slot >= 0 && slot < SLOT_COUNT) this.#slots.add(slot)
  }

  /** Most bytes first. */
  modules(): ModuleCount[] {
    return [...this.#modules.values()].sort((a, b) => b.bytes - a.bytes)
  }

  get slots(): number {
    return this.#slots.size
  }
}

/** The longest names are no names. */
export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, FUNCTION_HEAD_BYTES)).toString('utf8')
}
