/**
 * SET, of a value that may arrive in many pieces and be larger than memory
 * should be. Only of one whose length nobody knows beforehand are the pieces gathered.
 */
import {LentBytes} from '../bytes/lent.js'
import type {ByteOutput} from '../bytes/output.js'
import {SpillBuffer} from '../bytes/spill-buffer.js'
import type {Entry} from '../keyspace/entry.js'
import type {Losses} from '../keyspace/entry-sink.js'
import {limits} from '../limits.js'
import {bulk, writeBulk, writeBulkEnd, writeBulkHead} from '../resp/framing.js'

const HEAD = Buffer.concat([Buffer.from('*3\r\n'), bulk('SET')])

type Form = 'passed' | 'streamed' | 'gathered'

export class StringCommand {
  #form: Form = 'passed'
  readonly #gathered = new SpillBuffer()
  readonly #block = new LentBytes()

  constructor(
    readonly out: ByteOutput,
    readonly report: {losses: Losses},
  ) {}

  begin(entry: Entry, count: number | undefined): void {
    if (count === undefined) {
      this.#form = 'gathered'
      this.#gathered.reset()
    } else {
      this.#form = this.#fits(count) ? 'streamed' : 'passed'
      if (this.#form === 'streamed') this.#head(entry, count)
    }
  }

  chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#form === 'gathered') {
      this.#gathered.out.copy(bytes, start, end)
      this.#gathered.settle()
    } else if (this.#form === 'streamed') {
      this.out.copy(bytes, start, end)
      if (last) writeBulkEnd(this.out)
    }
  }

  /** Whether the key was written. */
  end(entry: Entry): boolean {
    if (this.#form !== 'gathered') return this.#form === 'streamed'
    const gathered = this.#gathered
    const bytes = gathered.bytes
    if (!this.#fits(bytes)) return false
    this.#head(entry, bytes)
    for (let i = 0; i < gathered.blocks; i++) {
      gathered.readBlock(i, this.#block)
      this.out.copy(this.#block.bytes, this.#block.start, this.#block.end)
    }
    writeBulkEnd(this.out)
    gathered.reset()
    return true
  }

  /** No argument may be larger (proto-max-bulk-len), and APPEND does not get beyond that either. */
  #fits(bytes: number): boolean {
    if (bytes <= limits.elementBytesMax) return true
    this.report.losses.add('strings larger than a command can carry (512 MiB)')
    return false
  }

  #head({keyBytes}: Entry, count: number): void {
    const {out} = this
    out.copy(HEAD, 0, HEAD.length)
    writeBulk(out, keyBytes.bytes, keyBytes.start, keyBytes.end)
    writeBulkHead(out, count)
  }

  dispose(): void {
    this.#gathered.close()
  }
}
