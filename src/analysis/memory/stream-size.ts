/**
 * What a stream takes besides its listpacks: radix trees of its nodes, its groups, and of each group's pending entries and
 * consumers; and of each consumer's pending entries, which are those of its group.
 */
import type {StreamId} from '../../encoding/stream-id.js'
import type {MemoryModel} from './model.js'
import {RadixTree} from './radix-tree.js'

export class StreamSize {
  readonly #nodes = new RadixTree()
  readonly #groups = new RadixTree()
  readonly #pending = new RadixTree()
  readonly #consumers = new RadixTree()
  readonly #owned = new RadixTree()
  #ended = 0
  #inGroup = false
  /** Length of the name of the consumer at hand, -1 where there is none. */
  #nameBytes = -1

  constructor(readonly model: MemoryModel) {}

  clear(): void {
    this.#nodes.clear()
    this.#groups.clear()
    this.#ended = 0
    this.#inGroup = false
    this.#nameBytes = -1
  }

  node(masterId: StreamId): void {
    this.#nodes.addId(masterId)
  }

  /** The pending entries and consumers that follow are its. */
  group(name: Uint8Array): void {
    this.#endGroup()
    this.#groups.add(name, 0, name.length)
    this.#inGroup = true
    this.#pending.clear()
    this.#consumers.clear()
  }

  pending(id: StreamId): void {
    this.#pending.addId(id)
  }

  consumer(name: Uint8Array): void {
    this.#endConsumer()
    this.#consumers.add(name, 0, name.length)
    this.#nameBytes = name.length
    this.#owned.clear()
  }

  consumerPending(id: StreamId): void {
    this.#owned.addId(id)
  }

  /** All of it; `unseenNodes` where the nodes were not shown. */
  bytes(nodeBytes: number, unseenNodes = -1): number {
    const {model} = this
    this.#endGroup()
    const tree = unseenNodes < 0 ? model.tree(this.#nodes) : model.unseenTree(unseenNodes)
    const groups = this.#groups.keys > 0 ? model.uncountedTree(this.#groups) : 0
    return model.stream(tree, nodeBytes) + groups + this.#ended
  }

  #endConsumer(): void {
    if (this.#nameBytes >= 0) this.#ended += this.model.consumer(this.#nameBytes, this.model.tree(this.#owned))
    this.#nameBytes = -1
  }

  #endGroup(): void {
    this.#endConsumer()
    if (!this.#inGroup) return
    const {model} = this
    this.#ended += model.group(this.#pending.keys, model.tree(this.#pending)) + model.uncountedTree(this.#consumers)
    this.#inGroup = false
  }
}
