/**
 * A string value as JSON. It may arrive in many pieces, and whether it is UTF-8
 * is known only after the last: up to `limits.jsonTextBytesMax` it is held,
 * beyond that it is base64 whatever it is, so that the answer depends on the
 * value alone and memory on nothing.
 */
import type {ByteOutput} from '../bytes/output.js'
import {ByteWriter} from '../bytes/writer.js'
import {limits} from '../limits.js'
import {Base64Stream, writeJsonBytes} from './text.js'

/** What was held for a long value is given back above this. */
const HELD_KEPT_BYTES = 1024 * 1024

export class JsonString {
  #held = new ByteWriter(0)
  /** Already on its way as base64. */
  #streaming = false
  readonly #base64 = new Base64Stream()

  constructor(readonly out: ByteOutput) {}

  begin(count: number | undefined): void {
    this.#held.reset()
    this.#streaming = false
    if (count !== undefined && count > limits.jsonTextBytesMax) this.#stream()
  }

  chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#streaming) this.#base64.push(this.out, bytes, start, end)
    else if (last && this.#held.length === 0) writeJsonBytes(this.out, bytes, start, end)
    else this.#hold(bytes, start, end, last)
    if (!last || !this.#streaming) return
    this.#base64.finish(this.out)
    this.out.ascii('"}')
  }

  #hold(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#held.length + end - start > limits.jsonTextBytesMax) {
      const held = this.#held
      this.#stream()
      this.#base64.push(this.out, held.bytes, 0, held.length)
      this.#base64.push(this.out, bytes, start, end)
      return
    }
    this.#held.copy(bytes, start, end)
    if (!last) return
    writeJsonBytes(this.out, this.#held.bytes, 0, this.#held.length)
    this.#held.reset()
    if (this.#held.bytes.length > HELD_KEPT_BYTES) this.#held = new ByteWriter(0)
  }

  #stream(): void {
    this.#streaming = true
    this.#held = new ByteWriter(0)
    this.out.ascii('{"base64":"')
  }
}
