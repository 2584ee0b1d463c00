/**
 * Packed nodes and strings as text by a kernel (src/kernels/text.ts), where they
 * lie in its memory: that of a window, or of what was decompressed.
 */
import {type Kernel, kernel} from './kernel.js'

/** What the entries of a node are to their value; as the kernel numbers it. */
export type NodeShape = 0 | 1 | 2
export const LIST_SHAPE = 0
export const HASH_SHAPE = 1
export const ZSET_SHAPE = 2

/** Below this a loop is as fast, if nothing must be escaped. */
const STRING_BYTES_MIN = 32

/** This thread's kernel, for whoever asks often. */
let own: Kernel | undefined

function mine(bytes: Uint8Array): Kernel | undefined {
  own ??= kernel()
  return bytes === own.bytes ? own : undefined
}

/** Where text was left: [start, end) of `bytes`, until the next call; the entries of a node are counted. */
export class NodeText {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  entries = 0

  /** False where the node is not in the kernel's memory, or not to be had so simply. */
  json(shape: NodeShape, bytes: Uint8Array, start: number, end: number): boolean {
    const at = mine(bytes)
    return at !== undefined && this.#left(at, at.jsonListpack(shape, start, end))
  }

  resp(shape: NodeShape, bytes: Uint8Array, start: number, end: number): boolean {
    const at = mine(bytes)
    return at !== undefined && this.#left(at, at.respListpack(shape, start, end))
  }

  /** A string with its quotes; worth asking of longer ones only. */
  string(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < STRING_BYTES_MIN) return false
    const at = mine(bytes)
    if (at === undefined) return false
    return this.#left(at, at.jsonString(start, end))
  }

  #left({bytes, textArea, results}: Kernel, length: number): boolean {
    if (length < 0) return false
    this.bytes = bytes
    this.start = textArea.start
    this.end = textArea.start + length
    this.entries = results[0]!
    return true
  }
}
