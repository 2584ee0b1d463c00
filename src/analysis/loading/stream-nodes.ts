/**
 * A node of a stream as servers look at it: valkey 9.1 walks it, the others
 * look at its ends, and go to the first entry where the file does not say which
 * that is (redis 7.0 t_stream.c streamValidateListpackIntegrity, streamIteratorGetID).
 */
import type {LentBytes} from '../../bytes/lent.js'
import {BROKEN, NO_ENTRY, ServerListpack} from './listpacks.js'
import type {LoadContext} from './value-load.js'

const DELETED = 1
const SAME_FIELDS = 2
const END = 0xff
const FIRST_ENTRY = 6

/** Whether the first live entry of a node was found, or there is none, or the server stopped on the way to it. */
export type FirstEntry = 'found' | 'none' | 'broken'

export class StreamNodes {
  /** Live entries of the node looked at last. */
  live = 0
  readonly #listpack: ServerListpack
  #p = 0

  constructor(readonly context: LoadContext) {
    this.#listpack = new ServerListpack(context.loader)
  }

  /** Whether the server takes the node. */
  take(blob: LentBytes): boolean {
    const {loader, obstacles} = this.context
    const listpack = this.#listpack
    const isFramed = listpack.open(blob)
    if (loader.listpacks === 'believed') {
      if (blob.end - blob.start <= FIRST_ENTRY) {
        obstacles.add('unsure', 'BAD_STREAM', 'a node of a stream has fewer bytes than a listpack')
        return true
      }
    } else if (!isFramed || (loader.listpacks === 'walked' && !this.#walk())) {
      obstacles.add('refuses', 'BAD_STREAM', 'a node of a stream is no sound listpack of entries')
      return false
    }
    if (blob.bytes[blob.start + FIRST_ENTRY] === END) {
      obstacles.add('refuses', 'BAD_STREAM', 'a node of a stream is empty')
      return false
    }
    if (loader.listpacks !== 'believed' && listpack.first() === BROKEN) {
      obstacles.add('crashes', 'BAD_STREAM', 'the first entry of a node of a stream is none')
      return false
    }
    return true
  }

  /** The way to the first live entry of the node taken last. */
  firstEntry(): FirstEntry {
    const listpack = this.#listpack
    this.#p = listpack.first()
    if (!this.#forward() || !this.#forward()) return 'broken'
    if (!this.#number()) return 'broken'
    const masterFields = listpack.number
    // A count below 0 is a large one to the server, which comes to the end before.
    if (masterFields < 0 || masterFields > this.#listpack.bytes.length) return 'broken'
    if (!this.#forward()) return 'broken'
    for (let i = 0; i < masterFields; i++) if (!this.#forward()) return 'broken'
    for (;;) {
      if (!this.#forward()) return 'broken'
      if (this.#p === NO_ENTRY) return 'none'
      const entry = this.#entry(masterFields)
      if (entry !== undefined) return entry
    }
  }

  /** Looks at the entry that begins here; undefined where it is deleted, and has been passed. */
  #entry(masterFields: number): FirstEntry | undefined {
    const listpack = this.#listpack
    if (!this.#number()) return 'broken'
    const flags = listpack.integer.low
    for (let i = 0; i < 2; i++) if (!this.#forward() || !this.#number()) return 'broken'
    if (!this.#forward()) return 'broken'
    let fields = masterFields
    if ((flags & SAME_FIELDS) === 0) {
      if (!this.#number()) return 'broken'
      fields = listpack.number
      if (!this.#forward()) return 'broken'
    }
    if (fields < 0) return 'broken'
    if ((flags & DELETED) === 0) return 'found'
    const passed = (flags & SAME_FIELDS) === 0 ? 2 * fields : fields
    if (passed > listpack.bytes.length) return 'broken'
    for (let i = 0; i < passed; i++) if (!this.#forward()) return 'broken'
    return undefined
  }

  /** To the next entry, or behind the last; false where the server stops. */
  #forward(): boolean {
    if (this.#p < 0) return false
    this.#p = this.#listpack.next(this.#p)
    return this.#p !== BROKEN
  }

  /** Reads the integer that must be here. */
  #number(): boolean {
    return this.#p >= 0 && this.#listpack.readInteger(this.#p)
  }

  /** Valkey 9.1: every entry, of which there must be as many live and deleted ones as the node says. */
  #walk(): boolean {
    const listpack = this.#listpack
    this.live = 0
    if (!listpack.walked()) return false
    this.#p = listpack.first()
    const live = this.#taken()
    const deleted = this.#taken()
    const masterFields = this.#taken()
    if (!(live >= 0 && deleted >= 0 && masterFields >= 0) || masterFields > listpack.bytes.length) return false
    for (let i = 0; i < masterFields; i++) if (!this.#passed()) return false
    if (this.#taken() !== 0) return false
    this.live = live
    let liveSeen = 0
    const entries = live + deleted
    for (let i = 0; i < entries; i++) {
      const flags = this.#walkEntry(masterFields)
      if (flags < 0) return false
      if ((flags & DELETED) === 0) liveSeen++
    }
    return this.#p === NO_ENTRY && liveSeen === live
  }

  /** Returns the flags of the entry; below 0 where it is not sound. */
  #walkEntry(masterFields: number): number {
    const listpack = this.#listpack
    if (!this.#number()) return -1
    const flags = listpack.integer.low & (DELETED | SAME_FIELDS)
    this.#forward()
    if (Number.isNaN(this.#taken()) || Number.isNaN(this.#taken())) return -1
    const isSame = (flags & SAME_FIELDS) !== 0
    const fields = isSame ? masterFields : this.#taken()
    if (!(fields >= 0) || fields > listpack.bytes.length) return -1
    for (let i = isSame ? fields : 2 * fields; i > 0; i--) if (!this.#passed()) return -1
    return this.#taken() === (isSame ? fields + 3 : 2 * fields + 4) ? flags : -1
  }

  /** The integer that must be here, passed; NaN where there is none. */
  #taken(): number {
    if (!this.#number()) return Number.NaN
    const {number} = this.#listpack
    this.#forward()
    return number
  }

  #passed(): boolean {
    if (this.#p < 0) return false
    return this.#forward()
  }
}
