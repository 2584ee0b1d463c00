/**
 * A module's value of JSON: {"module", "version", "base64"}. The base64 holds
 * items as an RDB file does, and is read by the same reader.
 */
import {ByteCursor} from '../bytes/cursor.js'
import {LentBytes} from '../bytes/lent.js'
import {ByteWriter} from '../bytes/writer.js'
import {FormatError} from '../errors.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import {ModuleReader, writeModuleId} from '../rdb/value/module.js'
import {Members} from './members.js'
import {BRACE, type JsonScanner} from './scanner.js'
import type {JsonTypeReader, ValueFacts} from './value-reader.js'

const NAME = /^[A-Za-z0-9_-]{9}$/
const VERSION_MAX = 1023

export class JsonModuleReader implements JsonTypeReader {
  readonly #members: Members<'module' | 'version' | 'base64'>
  readonly #items = new ModuleReader()
  readonly #lent = new LentBytes(0)

  constructor(readonly scanner: JsonScanner) {
    this.#members = new Members(scanner, ['module', 'version', 'base64'], 'the value of a module')
  }

  begin(): void {}

  /** All of it must be there: a larger one waits in the window. */
  read({entry}: ValueFacts, visitor: ValueVisitor): number {
    const {scanner} = this
    const members = this.#members
    const {cursor} = scanner
    scanner.expect(BRACE, 'the value of a module: {')
    members.locate(true)
    members.require('module')
    scanner.string('the name of the module')
    const name = scanner.text(this.#lent)
    if (!NAME.test(name)) scanner.fail('a module has a name of nine letters, digits, - or _', 'BAD_JSON', scanner.start)
    members.require('version')
    const version = scanner.count('its version')
    if (version > VERSION_MAX) scanner.fail('a module has a version from 0 to 1023', 'BAD_JSON', scanner.start)
    members.require('base64')
    scanner.base64(this.#lent)
    const id = new ByteWriter(9)
    writeModuleId(id, name, version)
    const stored = Buffer.concat([id.view(), this.#lent.bytes.subarray(this.#lent.start, this.#lent.end)])
    this.#show(stored, {entry, visitor, start: scanner.start})
    cursor.pos = members.end
    return entry.elements
  }

  #show(
    stored: Uint8Array,
    {entry, visitor, start}: {entry: ValueFacts['entry']; visitor: ValueVisitor; start: number},
  ): void {
    const items = new ByteCursor(stored.length)
    items.refill(stored, 0, stored.length)
    items.finish()
    this.#items.begin(entry)
    try {
      this.#items.read(items, visitor)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      this.scanner.fail(`the items of the module are damaged: ${error.message}`, 'BAD_JSON', start)
    }
    if (items.offset < stored.length) this.scanner.fail('bytes follow the items of the module', 'BAD_JSON', start)
  }
}
