/** A script of KeyDB that runs at intervals: {"script", "startMs", "intervalMs", "keys": [...], "arguments": [...]}. */
import {LentBytes} from '../bytes/lent.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import {Members} from './members.js'
import {BRACE, CLOSE, type JsonScanner, OPEN} from './scanner.js'
import type {JsonTypeReader, ValueFacts} from './value-reader.js'

const NAMES = ['script', 'startMs', 'intervalMs', 'keys', 'arguments'] as const

export class JsonCronReader implements JsonTypeReader {
  readonly #members: Members<(typeof NAMES)[number]>
  readonly #lent = new LentBytes(0)

  constructor(readonly scanner: JsonScanner) {
    this.#members = new Members(scanner, NAMES, 'the value of a cron')
  }

  begin(): void {}

  read({entry}: ValueFacts, visitor: ValueVisitor): number {
    const {scanner} = this
    const members = this.#members
    scanner.expect(BRACE, 'the value of a cron: {')
    members.locate(true)
    members.require('script')
    scanner.bytes(this.#lent, 'the script')
    const script = this.#lent.copy()
    members.require('startMs')
    const startMs = scanner.integer('startMs')
    members.require('intervalMs')
    const intervalMs = scanner.integer('intervalMs')
    const keys = this.#strings('keys')
    const all = [...keys, ...this.#strings('arguments')]
    if (visitor.depth !== 'skip') visitor.begin(entry, all.length)
    visitor.cron(script, startMs, intervalMs, keys.length)
    for (const one of all) visitor.item(one, 0, one.length)
    scanner.cursor.pos = members.end
    return all.length
  }

  #strings(name: 'keys' | 'arguments'): Uint8Array[] {
    const {scanner} = this
    if (!this.#members.goTo(name)) return []
    const all: Uint8Array[] = []
    scanner.expect(OPEN, `${name}: [`)
    while (scanner.more(all.length === 0, CLOSE)) {
      scanner.bytes(this.#lent, 'a string')
      all.push(this.#lent.copy())
    }
    return all
  }
}
