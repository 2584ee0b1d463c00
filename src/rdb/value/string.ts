/**
 * RDB_TYPE_STRING: one string, of any size. It is always shown in chunks: a
 * small one is a single chunk, 1 GB is thousands. An LZF string looks back at
 * most 8 KiB, so that is all the state that a streaming decompression keeps.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {canMake, compressLzfPiece, decompressLzf, LzfStream} from '../../bytes/lzf.js'
import {LzfVerifier} from '../../bytes/lzf-verify.js'
import {SpillBuffer} from '../../bytes/spill-buffer.js'
import {readLength, readPlainLength, writeLength} from '../../encoding/length.js'
import {
  decimalCharacters,
  INTEGER_TEXT_MAX,
  isIntegerText,
  readEncodedInteger,
  readInteger,
  STRING_LZF,
  writePackedHead,
  writeString,
} from '../../encoding/string.js'
import type {Entry} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {LOST} from '../loss-kinds.js'
import {TYPE_STRING} from '../opcodes.js'
import type {ValueReader} from './reader.js'
import {takeAll, ValueWriter} from './writer.js'

/** A compressed string is decompressed in one call up to this output size. */
const WHOLE_OUTPUT_BYTES = 64 * 1024

export class StringReader implements ValueReader {
  #entry!: Entry
  /** Stored bytes still to come; -1 before the header. */
  #left = -1
  #packed = false
  /** Decompressed bytes shown so far. */
  #shown = 0
  #stream: LzfStream | undefined
  /** The compressed bytes before `#left` went through the verifier. */
  #verifying = false
  readonly #verifier = new LzfVerifier()
  readonly #text = new LentBytes(0)

  begin(entry: Entry): void {
    this.#entry = entry
    this.#left = -1
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (visitor.depth === 'skip') this.#skip(cursor)
    else this.#show(cursor, visitor)
  }

  #skip(cursor: ByteCursor): void {
    if (this.#left >= 0) {
      cursor.skip(this.#left)
      return
    }
    const entry = this.#entry
    entry.integer = false
    const length = readLength(cursor)
    if (length >= 0) {
      entry.encoding = 'raw'
      entry.elements = length
      if (length > INTEGER_TEXT_MAX) {
        cursor.skip(length)
      } else {
        const start = cursor.take(length)
        entry.integer = isIntegerText(cursor.bytes, start, start + length)
      }
    } else if (~length === STRING_LZF) {
      const packed = readPlainLength(cursor)
      entry.encoding = 'lzf'
      const outBytes = readPlainLength(cursor)
      entry.elements = canMake(packed, outBytes) ? outBytes : 0
      cursor.skip(packed)
    } else {
      entry.encoding = 'int'
      entry.elements = decimalCharacters(readEncodedInteger(cursor, ~length))
    }
  }

  #show(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (this.#left < 0 && this.#header(cursor, visitor)) return
    if (visitor.opaqueStrings) this.#verify(cursor)
    else if (this.#packed) this.#readPacked(cursor, visitor)
    else this.#readRaw(cursor, visitor)
  }

  /** Reads up to the payload; true when the value is already complete. */
  #header(cursor: ByteCursor, visitor: ValueVisitor): boolean {
    const entry = this.#entry
    entry.integer = false
    const length = readLength(cursor)
    if (length >= 0) {
      entry.encoding = 'raw'
      entry.elements = length
      this.#start(cursor, visitor, length, false)
      return false
    }
    if (~length === STRING_LZF) {
      const packed = readPlainLength(cursor)
      entry.encoding = 'lzf'
      entry.elements = readPlainLength(cursor)
      this.#start(cursor, visitor, packed, true)
      return false
    }
    readInteger(cursor, ~length, this.#text)
    entry.encoding = 'int'
    entry.elements = this.#text.end - this.#text.start
    visitor.begin(entry, entry.elements)
    if (!visitor.opaqueStrings) visitor.chunk(this.#text.bytes, this.#text.start, this.#text.end, true)
    return true
  }

  #start(cursor: ByteCursor, visitor: ValueVisitor, left: number, packed: boolean): void {
    visitor.begin(this.#entry, this.#entry.elements)
    this.#left = left
    this.#packed = packed
    this.#stream = undefined
    this.#verifying = false
    cursor.commit()
  }

  /** Any bytes make a raw string: those need not even be there yet. */
  #verify(cursor: ByteCursor): void {
    if (!this.#packed) {
      cursor.skip(this.#left)
      return
    }
    if (!this.#verifying) {
      this.#verifier.begin(this.#left, this.#entry.elements, cursor.offset)
      this.#verifying = true
    }
    while (this.#left > 0) {
      const bytes = cursor.some(this.#left)
      this.#verifier.push(cursor.bytes, cursor.pos - bytes, cursor.pos)
      this.#left -= bytes
      cursor.commit()
    }
    this.#verifier.finish()
  }

  #readRaw(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (this.#left === 0) {
      visitor.chunk(cursor.bytes, cursor.pos, cursor.pos, true)
      return
    }
    while (this.#left > 0) {
      const bytes = cursor.some(this.#left)
      visitor.chunk(cursor.bytes, cursor.pos - bytes, cursor.pos, bytes === this.#left)
      this.#left -= bytes
      cursor.commit()
    }
  }

  #readPacked(cursor: ByteCursor, visitor: ValueVisitor): void {
    const outBytes = this.#entry.elements
    if (this.#stream === undefined && outBytes <= WHOLE_OUTPUT_BYTES) {
      const offset = cursor.offset
      const start = cursor.take(this.#left)
      const text = this.#text
      decompressLzf(cursor.bytes, start, start + this.#left, outBytes, 0, offset, text)
      visitor.chunk(text.bytes, text.start, text.end, true)
      return
    }
    if (this.#stream === undefined) {
      this.#shown = 0
      this.#stream = new LzfStream()
      this.#stream.begin(this.#left, outBytes, cursor.offset)
    }
    const emit = (bytes: Uint8Array, start: number, end: number): void => {
      this.#shown += end - start
      visitor.chunk(bytes, start, end, this.#shown === outBytes)
    }
    while (this.#left > 0) {
      const bytes = cursor.some(this.#left)
      this.#stream.push(cursor.bytes, cursor.pos - bytes, cursor.pos, emit)
      this.#left -= bytes
      cursor.commit()
    }
    this.#stream.finish()
  }
}

/** Larger strings are not held whole. */
const HELD_BYTES_MAX = 8 * 1024 * 1024
/** A large string is compressed where its beginning shrinks by a tenth: nobody can take back what was written of it. */
const SAMPLE_BYTES = 1024 * 1024
const WORTH_COMPRESSING = 0.9

/** What happens to the chunks of the present string. */
type Streaming = 'held' | 'sampled' | 'compressed' | 'raw' | 'lost'

const UINT32_MAX = 0xffff_ffff

export class StringWriter extends ValueWriter {
  readonly #held = new SpillBuffer(HELD_BYTES_MAX)
  /** Of a large string, compressed. */
  readonly #packed = new SpillBuffer()
  readonly #block = new LentBytes()
  #streaming: Streaming = 'held'
  #bytes = 0
  #written = false

  override begin(_entry: Entry, count: number | undefined): void {
    this.#held.reset()
    this.#written = false
    this.#bytes = count ?? 0
    this.#streaming = 'held'
    if (count === undefined || count <= HELD_BYTES_MAX) return
    if (!this.#takes(count)) {
      this.#streaming = 'lost'
      return
    }
    this.#streaming = this.policy.compress ? 'sampled' : 'raw'
    if (this.#streaming === 'raw') this.#open(count)
  }

  override chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const held = this.#held
    if (this.#streaming === 'lost') return
    if (this.#streaming === 'raw') {
      this.sink.take(bytes, start, end)
    } else if (this.#streaming === 'compressed') {
      this.#pack(bytes, start, end)
    } else if (last && held.bytes === 0) {
      this.#write(bytes, start, end)
    } else {
      held.out.copy(bytes, start, end)
      held.settle()
      if (this.#streaming === 'sampled' && held.bytes >= SAMPLE_BYTES) this.#decide()
    }
  }

  override end(): void {
    const held = this.#held
    if (this.#streaming === 'lost' || !this.#takes(held.bytes)) {
      this.sink.lose(LOST.longStrings)
      return
    }
    if (this.#streaming === 'compressed') {
      this.#writePacked()
    } else if (this.#streaming === 'held' && !this.#written) {
      if (held.isSpilled) {
        this.#open(held.bytes)
        takeAll(held, this.sink, this.#block)
      } else {
        this.#write(held.out.bytes, 0, held.out.length)
      }
    }
    this.sink.close()
  }

  override dispose(): void {
    this.#held.close()
    this.#packed.close()
  }

  #takes(bytes: number): boolean {
    return this.policy.longLengths || bytes <= UINT32_MAX
  }

  /** Compresses the beginning, which is in memory, and goes on so, or not. */
  #decide(): void {
    const {out} = this.#held
    this.#packed.reset()
    this.#pack(out.bytes, 0, out.length)
    this.#streaming = this.#packed.bytes < out.length * WORTH_COMPRESSING ? 'compressed' : 'raw'
    if (this.#streaming === 'compressed') return
    this.#open(this.#bytes)
    this.sink.take(out.bytes, 0, out.length)
  }

  #pack(bytes: Uint8Array, start: number, end: number): void {
    const packed = this.#packed
    compressLzfPiece(bytes, start, end, (made, from, to) => {
      packed.out.copy(made, from, to)
      packed.settle()
    })
  }

  #open(bytes: number): void {
    this.sink.open(TYPE_STRING)
    writeLength(this.sink.out, bytes)
  }

  #writePacked(): void {
    this.sink.open(TYPE_STRING)
    writePackedHead(this.sink.out, this.#packed.bytes, this.#bytes)
    takeAll(this.#packed, this.sink, this.#block)
  }

  #write(bytes: Uint8Array, start: number, end: number): void {
    this.sink.open(TYPE_STRING)
    writeString(this.sink.out, bytes, start, end, this.policy.compress)
    this.#written = true
  }
}
