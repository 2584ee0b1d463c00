/**
 * Values stored in one packed blob, and lists stored in several.
 */
import {LentBytes} from '../../bytes/lent.js'
import * as op from '../../rdb/opcodes.js'
import {isIntsetSound, unpackIntset} from './intsets.js'
import {ListpackValues} from './listpack-values.js'
import type {Effect} from './obstacles.js'
import type {LoadContext, Loaded, ValueLoad} from './value-load.js'
import {ZiplistValues} from './ziplist-values.js'
import {ZipmapValues} from './zipmap-values.js'

const PLAIN = 1
const PACKED = 2

export class PackedLoad implements ValueLoad {
  #typeId = 0
  readonly #blob = new LentBytes(0)
  readonly #listpacks: ListpackValues
  readonly #ziplists: ZiplistValues
  readonly #zipmaps: ZipmapValues

  constructor(readonly context: LoadContext) {
    this.#listpacks = new ListpackValues(context)
    this.#ziplists = new ZiplistValues(context)
    this.#zipmaps = new ZipmapValues(context)
  }

  begin(typeId: number): void {
    this.#typeId = typeId
  }

  read(): Loaded {
    const {cursor, strings, loader} = this.context
    const type = this.#typeId
    if (type === op.TYPE_HASH_LISTPACK_EX) cursor.take(8)
    strings.read(this.#blob)
    const blob = this.#blob
    const unknown = this.#unwritten(strings.garbage)
    if (unknown !== undefined) return unknown
    switch (type) {
      case op.TYPE_SET_INTSET:
        return this.#intset()
      case op.TYPE_HASH_ZIPMAP:
        return this.#zipmaps.load(blob)
      case op.TYPE_LIST_ZIPLIST:
        return this.#ziplists.list(blob)
      case op.TYPE_ZSET_ZIPLIST:
        return this.#ziplists.pairs(blob, 'zset')
      case op.TYPE_HASH_ZIPLIST:
        return this.#ziplists.pairs(blob, 'hash')
      case op.TYPE_HASH_LISTPACK_EX:
      case op.TYPE_HASH_LISTPACK_EX_PRE_GA:
        return this.#listpacks.load(blob, 'hash-ttl')
      case op.TYPE_HASH_LISTPACK:
        return this.#listpacks.load(blob, 'hash')
      case op.TYPE_ZSET_LISTPACK:
        return this.#listpacks.load(blob, 'zset')
      default:
        return loader.target.types.has(type) ? this.#listpacks.load(blob, 'set') : 'whole'
    }
  }

  /** What the memory held before is believed by those who look at nothing. */
  #unwritten(garbage: number): Loaded | undefined {
    if (garbage === 0) return undefined
    this.context.obstacles.add('unsure', 'BAD_LZF', 'a packed value decompresses to fewer bytes than it claims')
    return 'whole'
  }

  #intset(): Loaded {
    const {loader, obstacles} = this.context
    if (loader.listpacks !== 'believed' && !isIntsetSound(this.#blob, loader.listpacks === 'walked')) {
      obstacles.add('refuses', 'BAD_INTSET', 'an intset is not what its header says, is empty, or is not ascending')
      return 'whole'
    }
    const effect: Effect | undefined = unpackIntset(this.#blob)
    if (effect !== undefined)
      obstacles.add(effect, 'BAD_INTSET', 'an intset to be unpacked holds a member twice, or less than it says')
    return 'whole'
  }
}

export class QuicklistLoad implements ValueLoad {
  #typeId = 0
  #left = -1
  #entries = 0
  readonly #node = new LentBytes(0)
  readonly #listpacks: ListpackValues
  readonly #ziplists: ZiplistValues

  constructor(readonly context: LoadContext) {
    this.#listpacks = new ListpackValues(context)
    this.#ziplists = new ZiplistValues(context)
  }

  begin(typeId: number): void {
    this.#typeId = typeId
    this.#left = -1
    this.#entries = 0
  }

  read(): Loaded {
    const {cursor, strings, loader} = this.context
    if (this.#left < 0) {
      this.#left = strings.length()
      cursor.commit()
    }
    while (this.#left > 0) {
      this.#entries += this.#readNode()
      this.#left--
      cursor.commit()
    }
    return this.#entries === 0 && loader.emptyKeys === 'skipped' ? 'empty' : 'whole'
  }

  #readNode(): number {
    const {strings, obstacles, loader} = this.context
    const container = this.#typeId === op.TYPE_LIST_QUICKLIST_2 ? strings.length() : PACKED
    if (container !== PLAIN && container !== PACKED) {
      obstacles.lost('refuses', 'BAD_LISTPACK', `quicklist container ${container} is neither 1 nor 2`)
    }
    const node = this.#node
    strings.read(node)
    if (node.start === node.end && loader.listpacks !== 'believed') {
      obstacles.add('refuses', 'EMPTY_NODE', 'a node of a list has no bytes')
      return 1
    }
    if (container === PLAIN) return 1
    if (strings.garbage > 0) {
      obstacles.add('unsure', 'BAD_LZF', 'a node of a list decompresses to fewer bytes than it claims')
      return 1
    }
    return this.#typeId === op.TYPE_LIST_QUICKLIST_2 ? this.#listpacks.node(node) : this.#ziplists.node(node)
  }
}
