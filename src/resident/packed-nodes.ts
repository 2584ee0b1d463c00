/**
 * Nodes of packed elements, each in a block of its own, in their order. What stands in a node is its heirs' to
 * say; words of 32 bits at its beginning count what is in it.
 */
import {type Arena, placeOf} from './arena.js'

export abstract class PackedNodes {
  /** Elements of all nodes. */
  size = 0
  protected nodes: number[] = []

  constructor(readonly arena: Arena) {}

  /** The word that begins so many bytes into the block of a node. */
  protected word(node: number, which: number): number {
    return this.arena.chunk(node).words[(placeOf(node) + which) >>> 2]!
  }

  protected setWord(node: number, which: number, value: number): void {
    this.arena.chunk(node).words[(placeOf(node) + which) >>> 2] = value
  }

  /** Frees nodes; their elements have been uncounted. */
  protected dropNodes(from: number, count: number): void {
    for (let i = from; i < from + count; i++) this.arena.free(this.nodes[i]!)
    this.nodes.splice(from, count)
  }

  /** While the arena moves its blocks: takes everything along. */
  move(): void {
    for (let i = 0; i < this.nodes.length; i++) this.nodes[i] = this.arena.move(this.nodes[i]!)
  }

  /** Frees everything; there are no elements then. */
  dispose(): void {
    for (const node of this.nodes) this.arena.free(node)
    this.nodes = []
    this.size = 0
  }
}
