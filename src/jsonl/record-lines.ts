/**
 * The quickest lane: whole records become lines in a kernel (src/kernels/json-records.ts), many in one call, where the
 * window lies in its memory.
 */
import {type Kernel, kernel} from '../bytes/kernel.js'
import {TYPE_STRING, typesOf} from '../rdb/opcodes.js'
import {STRING_TYPE, typeHead} from './type-head.js'

/** Before a head stands its length. */
const LENGTH_BYTES = 4

/** Whether this thread's kernel has the heads of all types. */
let isPrepared = false

/** All that the kernel writes have the same numbers in every family. */
function prepare(at: Kernel): void {
  isPrepared = true
  for (const [number, [type, encoding]] of Object.entries(typesOf('redis'))) {
    const typeId = Number(number)
    if (typeId < at.jsonHeads.types)
      putHead(at, typeId, typeId === TYPE_STRING ? STRING_TYPE : typeHead(type, encoding))
  }
}

/** False where the head is too long. */
function putHead({bytes, jsonHeads}: Kernel, index: number, head: Uint8Array): boolean {
  if (head.length + LENGTH_BYTES > jsonHeads.bytes) return false
  const at = jsonHeads.start + index * jsonHeads.bytes
  bytes[at] = head.length
  for (let i = 0; i < head.length; i++) bytes[at + LENGTH_BYTES + i] = head[i]!
  return true
}

/** Lines of the records taken last: [start, end) of `bytes`, until the next call. */
export class RecordLines {
  bytes: Uint8Array = new Uint8Array(0)
  start = 0
  end = 0
  keys = 0

  /** Takes records of [from, to) and returns where it stopped; `head` is what stands before each key. */
  take(head: Uint8Array, from: number, to: number): number {
    const at = kernel()
    if (!isPrepared) prepare(at)
    if (!putHead(at, at.jsonHeads.types, head)) return from
    const reached = at.recordLines(from, to)
    this.bytes = at.bytes
    this.start = at.textArea.start
    this.end = at.textArea.start + at.results[0]!
    this.keys = at.results[1]!
    return reached
  }
}
