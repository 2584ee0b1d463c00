/**
 * Values of modules. A server without the module refuses the file, and then checks it from its beginning to tell what is
 * wrong: there it passes over the items of any module up to their end mark, and tries for ever where the file ends before
 * another item (rdb.c rdbLoadCheckModuleValue of redis 7.0 and 8.0, redict 7.3, valkey 8.0 to 9.1; redis 6.0 does not check).
 */
import * as item from '../../rdb/value/module.js'
import type {Obstacle} from './obstacles.js'
import type {LoadContext, Loaded, ValueLoad} from './value-load.js'
import {VectorsetItems} from './vectorset-items.js'

const LENGTH_32 = 0x80
const LENGTH_64 = 0x81

export class ModuleLoad implements ValueLoad {
  #inside = false
  #name = ''
  /** The server has the module, and takes the value so far. */
  #taken = false
  readonly #vectorset = new VectorsetItems()

  constructor(readonly context: LoadContext) {}

  begin(): void {
    this.#inside = false
  }

  read(): Loaded {
    const {cursor, loader, obstacles} = this.context
    if (!this.#inside) {
      const {name, version} = item.readModuleId(cursor)
      this.#name = name
      this.#inside = true
      cursor.commit()
      if (!loader.modules.has(this.#name)) {
        const text = `a value of module ${this.#name}, which the server does not have`
        obstacles.add('refuses', 'MODULE', text, this.#name)
      }
      this.#taken = loader.modules.has(this.#name)
      this.#vectorset.begin()
      this.#takes(version === 0)
    }
    while (this.#item()) cursor.commit()
    return 'whole'
  }

  /** Passes over one item as servers do that know nothing of the module; false where it was the end mark. */
  #item(): boolean {
    const {cursor, strings} = this.context
    if (this.#left === 0) this.#endless()
    switch (this.#opcode()) {
      case item.ITEM_END:
        this.#takes(this.#vectorset.isWhole)
        return false
      case item.ITEM_UNSIGNED: {
        const value = strings.length64()
        if (this.#taken) this.#takes(this.#vectorset.number(value))
        return true
      }
      case item.ITEM_STRING: {
        const bytes = strings.pass()
        if (this.#taken) this.#takes(this.#vectorset.text(bytes))
        return true
      }
      case item.ITEM_SIGNED:
        strings.length64()
        break
      case item.ITEM_FLOAT:
        cursor.take(4)
        break
      case item.ITEM_DOUBLE:
        cursor.take(8)
        break
      default:
      // Any other number, and a byte that begins none, are read over.
    }
    this.#takes(false)
    return true
  }

  /** Whether the module, which the server has, takes what it has read. */
  #takes(isTaken: boolean): void {
    if (isTaken || !this.#taken) return
    this.#taken = false
    this.context.obstacles.add('refuses', 'MODULE', `a value of module ${this.#name} is not sound`, this.#name)
  }

  /** Of a file whose size nobody knows this is not told before its end. */
  get #left(): number {
    const {ended, end, pos, bytesLeftMax} = this.context.cursor
    return ended ? end - pos : bytesLeftMax
  }

  #opcode(): number {
    const {cursor, strings} = this.context
    const byte = cursor.bytes[cursor.take(1)]!
    const isLength = byte >> 6 !== 2 || byte === LENGTH_32 || byte === LENGTH_64
    if (!isLength) return -1
    cursor.pos--
    const wanted = byte === LENGTH_64 ? 9 : byte === LENGTH_32 ? 5 : byte >> 6 === 1 ? 2 : 1
    if (this.#left < wanted) this.#endless()
    return strings.length64()
  }

  /** The file ends where an item must begin. */
  #endless(): never {
    const {loader, obstacles, isBase} = this.context
    const isChecked = loader.checksRefused && !isBase
    // At data of a module that belongs to no key it ends at once.
    const isValue = ({code, first}: Obstacle): boolean => code === 'MODULE' && first.db !== undefined
    const others = obstacles.all().some(one => one.effect !== 'skips' && !isValue(one))
    const text = `the file ends within a value of module ${this.#name}`
    if (!isChecked || others) return obstacles.lost('refuses', 'TRUNCATED', text)
    return obstacles.lost('hangs', 'TRUNCATED', `${text}: the server looks for its end without end`)
  }
}
