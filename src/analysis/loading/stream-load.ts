/**
 * Streams of three versions (rdb/value/stream.ts shows their layout).
 */
import {LentBytes} from '../../bytes/lent.js'
import {STREAM_ID_BYTES} from '../../encoding/stream-id.js'
import * as op from '../../rdb/opcodes.js'
import {IdTable} from './id-table.js'
import {StreamNodes} from './stream-nodes.js'
import type {LoadContext, Loaded, ValueLoad} from './value-load.js'

/** Beside a pending ID that nobody owns; consumers are numbered from 2 on. */
const UNOWNED = 1
const OWNER_FIRST = 2

/** What comes next; each ends in a commit. */
type Step = (() => Step) | undefined

export class StreamLoad implements ValueLoad {
  #version = 1
  #step: Step
  #begun = false
  #left = 0
  #nodes = 0
  #live = 0
  #groupsLeft = 0
  #consumersLeft = 0
  #owner = OWNER_FIRST
  /** The least key of a node with a live entry, and of one on whose way there the server stops. */
  #found: Buffer | undefined
  #broken: Buffer | undefined
  readonly #ids = new IdTable()
  readonly #pending = new IdTable()
  readonly #groups = new Set<string>()
  readonly #consumers = new Map<string, number>()
  readonly #key = new LentBytes(1)
  readonly #blob = new LentBytes(0)
  readonly #node: StreamNodes

  constructor(readonly context: LoadContext) {
    this.#node = new StreamNodes(context)
  }

  begin(typeId: number): void {
    this.#version = typeId === op.TYPE_STREAM_LISTPACKS ? 1 : typeId === op.TYPE_STREAM_LISTPACKS_2 ? 2 : 3
    this.#begun = false
    this.#live = this.#nodes = 0
    this.#found = this.#broken = undefined
    this.#ids.clear()
    this.#groups.clear()
  }

  read(): Loaded {
    const {cursor} = this.context
    if (!this.#begun) {
      this.#left = this.context.strings.length()
      this.#step = this.#readNode
      this.#begun = true
      cursor.commit()
    }
    while (this.#step !== undefined) {
      this.#step = this.#step()
      cursor.commit()
    }
    return 'whole'
  }

  #refuse(text: string): void {
    this.context.obstacles.add('refuses', 'BAD_STREAM', text)
  }

  #readNode(): Step {
    if (this.#left === 0) return this.#readInfo()
    const {strings, obstacles, loader} = this.context
    const key = this.#key
    strings.read(key)
    const isId = key.end - key.start === STREAM_ID_BYTES
    strings.read(this.#blob)
    this.#left--
    if (!isId) {
      this.#refuse("a stream node's ID has not 16 bytes")
      return this.#readNode
    }
    if (strings.garbage > 0)
      obstacles.add('unsure', 'BAD_LZF', 'a node of a stream decompresses to fewer bytes than it claims')
    const taken = this.#node.take(this.#blob)
    this.#nodes++
    this.#live += this.#node.live
    if (!this.#ids.add(key.bytes, key.start, 1)) this.#refuse('a stream has two nodes of one ID')
    if (taken && this.#version === 1 && loader.listpacks === 'framed' && loader.ziplists === 'walked') this.#first()
    return this.#readNode
  }

  /** Version 1 does not say which entry is the first: redis 7.0 looks. */
  #first(): void {
    const first = this.#node.firstEntry()
    if (first === 'none') return
    const key = Buffer.from(this.#key.copy())
    const before = first === 'found' ? this.#found : this.#broken
    if (before !== undefined && before.compare(key) <= 0) return
    if (first === 'found') this.#found = key
    else this.#broken = key
  }

  #readInfo(): Step {
    const {strings, loader, obstacles} = this.context
    const length = strings.length64()
    for (let i = this.#version >= 2 ? 7 : 2; i > 0; i--) strings.length64()
    const groups = strings.length()
    if (this.#broken !== undefined && (this.#found === undefined || this.#broken.compare(this.#found) < 0)) {
      obstacles.add('crashes', 'BAD_STREAM', 'the first entry of a stream cannot be found')
    }
    if (loader.listpacks !== 'believed' && length > 0 && this.#nodes === 0)
      this.#refuse('a stream without nodes has entries')
    if (loader.listpacks === 'walked' && length !== this.#live) {
      this.#refuse(`a stream says it has ${length} entries; its nodes have ${this.#live}`)
    }
    this.#groupsLeft = groups
    return this.#nextGroup()
  }

  #nextGroup(): Step {
    return this.#groupsLeft > 0 ? this.#readGroup : undefined
  }

  #readGroup(): Step {
    const {strings} = this.context
    strings.read(this.#key)
    strings.length64()
    strings.length64()
    if (this.#version >= 2) strings.length64()
    this.#left = strings.length()
    const name = textOf(this.#key)
    if (this.#groups.has(name)) this.#refuse('a stream has two consumer groups of one name')
    this.#groups.add(name)
    this.#pending.clear()
    this.#consumers.clear()
    this.#owner = OWNER_FIRST
    this.#groupsLeft--
    return this.#readPending
  }

  #readPending(): Step {
    const {cursor, strings} = this.context
    if (this.#left === 0) {
      this.#consumersLeft = strings.length()
      return this.#nextConsumer()
    }
    const at = cursor.take(STREAM_ID_BYTES + 8)
    strings.length64()
    this.#left--
    if (!this.#pending.add(cursor.bytes, at, UNOWNED)) this.#refuse('a pending entry of a group is there twice')
    return this.#readPending
  }

  #nextConsumer(): Step {
    if (this.#consumersLeft > 0) return this.#readConsumer
    if (this.context.loader.listpacks === 'walked' && this.#pending.countOf(UNOWNED) > 0) {
      this.#refuse('a pending entry of a group is no consumer’s')
    }
    return this.#nextGroup()
  }

  #readConsumer(): Step {
    const {cursor, strings, loader} = this.context
    strings.read(this.#key)
    const name = textOf(this.#key)
    cursor.take(this.#version >= 3 ? 16 : 8)
    this.#left = strings.length()
    const known = this.#consumers.get(name)
    if (known !== undefined && loader.listpacks !== 'believed') this.#refuse('a group has two consumers of one name')
    this.#owner = known ?? OWNER_FIRST + this.#consumers.size
    this.#consumers.set(name, this.#owner)
    this.#consumersLeft--
    return this.#readOwned
  }

  #readOwned(): Step {
    if (this.#left === 0) return this.#nextConsumer()
    const {cursor, loader} = this.context
    const at = cursor.take(STREAM_ID_BYTES)
    this.#left--
    const owner = this.#pending.get(cursor.bytes, at)
    if (owner === 0) {
      this.#refuse('an entry of a consumer is not pending in its group')
      return this.#readOwned
    }
    if (owner === this.#owner) this.#refuse('a pending entry of a consumer is there twice')
    else if (owner !== UNOWNED && loader.sharedPending !== 'taken') this.#shared()
    this.#pending.set(cursor.bytes, at, this.#owner)
    return this.#readOwned
  }

  #shared(): void {
    const {loader, obstacles} = this.context
    const effect = loader.sharedPending === 'refused' ? 'refuses' : 'unsure'
    obstacles.add(effect, 'BAD_STREAM', 'a pending entry has two consumers')
  }
}

function textOf({bytes, start, end}: LentBytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}
