/**
 * What a line of JSON says of a key beside its value.
 */
import type {Int64} from '../bytes/int64.js'
import {LentBytes} from '../bytes/lent.js'
import {type Entry, NEVER, NO_TYPE_ID, type ValueType} from '../keyspace/entry.js'
import {VALUE_TYPES} from '../keyspace/selection.js'
import {type JsonScanner, QUOTE} from './scanner.js'

const NAMES = [
  'db',
  'key',
  'type',
  'encoding',
  'expireAtMs',
  'idleSeconds',
  'frequency',
  'keyMeta',
  'dragonflyMask',
  'insertIndex',
  'count',
  'value',
] as const

export type HeadName = (typeof NAMES)[number]

const BITS = Object.fromEntries(NAMES.map((name, i) => [name, 1 << i])) as Readonly<Record<HeadName, number>>
const FREQUENCY_MAX = 255
const UINT32_MAX = 0xffff_ffff

export class JsonHead {
  count: number | undefined
  insertIndex: Int64 | undefined
  /** One bit for each member met. */
  #seen = 0
  readonly #lent = new LentBytes(0)
  #key = new Uint8Array(256)
  #encoding = ''
  #encodingBytes = new Uint8Array(0)

  constructor(
    readonly scanner: JsonScanner,
    readonly entry: Entry,
  ) {}

  begin(): void {
    const {entry} = this
    this.#seen = 0
    this.count = this.insertIndex = undefined
    entry.clearAttributes()
    entry.typeId = NO_TYPE_ID
    entry.db = 0
    entry.encoding = ''
    entry.elements = -1
    entry.module = ''
  }

  has(name: HeadName): boolean {
    return (this.#seen & BITS[name]) !== 0
  }

  /** Which member of a key the last string names; undefined where it is none. Once for each. */
  name(): HeadName | undefined {
    const {scanner} = this
    const name = this.#named()
    if (name === undefined) return undefined
    const bit = BITS[name]
    if ((this.#seen & bit) !== 0) scanner.fail(`"${name}" stands twice in this object`, 'BAD_JSON', scanner.start - 1)
    this.#seen |= bit
    return name
  }

  /** By length and first letter: a comparison with every name takes longer than all else. */
  #named(): HeadName | undefined {
    const {scanner} = this
    const {bytes} = scanner.cursor
    const first = bytes[scanner.start]
    for (const name of NAMES) {
      if (name.length === scanner.end - scanner.start && name.charCodeAt(0) === first && scanner.is(name)) return name
    }
    return undefined
  }

  /** Reads the value of a member other than "value". */
  read(name: Exclude<HeadName, 'value'>): void {
    const {scanner, entry} = this
    switch (name) {
      case 'db':
        entry.db = scanner.count('db')
        return
      case 'key':
        this.#readKey()
        return
      case 'type':
        entry.type = this.#readType()
        return
      case 'encoding':
        this.#readEncoding()
        return
      case 'expireAtMs':
        entry.expireAtMs = scanner.next() === QUOTE || !scanner.takesNull() ? scanner.integer('expireAtMs') : NEVER
        return
      case 'idleSeconds':
        entry.idleSeconds = scanner.count('idleSeconds')
        return
      case 'frequency':
        entry.frequency = this.#atMost(FREQUENCY_MAX, 'frequency')
        return
      case 'dragonflyMask':
        entry.dragonflyMask = this.#atMost(UINT32_MAX, 'dragonflyMask')
        return
      case 'keyMeta':
        scanner.bytes(this.#lent, 'keyMeta: {"base64": "..."}')
        entry.keyMeta = this.#lent.copy()
        return
      case 'insertIndex':
        this.insertIndex = scanner.integer('insertIndex')
        return
      case 'count':
        this.count = scanner.count('count')
    }
  }

  #atMost(most: number, what: string): number {
    const value = this.scanner.count(what)
    if (value <= most) return value
    return this.scanner.fail(`${what} is ${value}: it can be ${most} at most`, 'BAD_JSON', this.scanner.start)
  }

  /** Copied: it outlasts the window and whatever scratch it was unescaped to. */
  #readKey(): void {
    const lent = this.#lent
    this.scanner.bytes(lent, 'a key: text, or {"base64": "..."}')
    const {bytes, start, end} = lent
    const length = end - start
    if (length > this.#key.length) this.#key = new Uint8Array(length * 2)
    if (length > 48) this.#key.set(bytes.subarray(start, end))
    else for (let i = 0; i < length; i++) this.#key[i] = bytes[start + i]!
    this.entry.keyBytes.lend(this.#key, 0, length)
  }

  #readType(): ValueType {
    const {scanner} = this
    scanner.string('a type')
    const type = VALUE_TYPES.find(one => scanner.is(one))
    if (type !== undefined) return type
    return scanner.fail(`a type is one of ${VALUE_TYPES.join(', ')}`, 'BAD_JSON', scanner.start)
  }

  /** The same as before in most lines: then no text is made of it. */
  #readEncoding(): void {
    const {scanner, entry} = this
    scanner.string('an encoding')
    const {bytes} = scanner.cursor
    const known = this.#encodingBytes
    let i = 0
    if (scanner.end - scanner.start === known.length) {
      while (i < known.length && bytes[scanner.start + i] === known[i]) i++
    }
    if (i < known.length || known.length === 0) {
      this.#encodingBytes = bytes.slice(scanner.start, scanner.end)
      this.#encoding = scanner.text(this.#lent)
    }
    entry.encoding = this.#encoding
  }
}
