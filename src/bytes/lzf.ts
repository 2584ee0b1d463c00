/**
 * LZF, the compression of RDB strings, over the kernels: whole values, values that stream, a peek, and the compressor.
 *
 *   000lllll                     literal run: the next l + 1 bytes (1..32)
 *   nnnddddd [extra] dddddddd    back reference: n = 1..7, + extra if n is 7; copy n + 2 bytes (3..264) from
 *                                distance d + 1 (1..8192), forward: an overlap repeats
 *
 * No header and no end mark: both lengths are stored outside, and a decompressed value must have exactly the length
 * claimed. A claim is not believed before the bytes are there: 3 bytes make 264 at most.
 */
import {FormatError} from '../errors.js'
import {copyIn, kernel} from './kernel.js'

const NOTHING = new Uint8Array(0)

/** Bytes lent: valid until the next call that fills the same place. */
export class LzfOutput {
  bytes: Uint8Array = NOTHING
  start = 0
  end = 0
}

/** Takes a lent piece of output; it is valid during the call only. */
export type EmitPiece = (bytes: Uint8Array, start: number, end: number) => void

/** Why the kernel stopped decoding (src/kernels/lzf.ts). */
const ALL_READ = 0
export const INPUT_SHORT = 1
export const OUTPUT_SHORT = 2
export const BAD_REFERENCE = 3

const HISTORY_BYTES = 8192
/** Control bytes below are literal runs. */
const LITERALS_MAX = 0x20
/** Control bytes from here on are references with an extra length byte. */
const LONG_REFERENCE = 0xe0
/** A literal run of 32. */
const OPERATION_BYTES_MAX = 33
/** A back reference of 3 bytes makes 264. */
const EXPANSION_MAX = 88

// Input goes to the kernel in small portions: if one expands to many pieces, its rest is copied again for each.
const PORTION_BYTES = 32 * 1024
// A buffer larger than this is given up once the slot is used for something smaller.
const KEPT_BYTES_MAX = 16 * 1024 * 1024
const LARGE_BYTES_MIN = 1024 * 1024

/** Buffers for values larger than a slot of the kernel. */
const largeBuffers: [Uint8Array, Uint8Array] = [NOTHING, NOTHING]

/**
 * Decompresses bytes[start, end) to exactly `outBytes` and lends the result, until the next call with the same slot. A
 * field and its value are lent together: they take different slots. `offset` is the file position of `start`.
 */
export function decompressLzf(
  bytes: Uint8Array,
  start: number,
  end: number,
  outBytes: number,
  slot: 0 | 1,
  offset: number,
  into: LzfOutput,
): void {
  const {inputArea, slotAreas, results, bytes: memory, lzfDecode} = kernel()
  const area = slotAreas[slot]
  const inBytes = end - start
  checkClaim(inBytes, outBytes, offset)
  if (outBytes > area.bytes || inBytes > inputArea.bytes) {
    decompressLarge(bytes, start, end, outBytes, slot, offset, into)
    return
  }
  if (largeBuffers[slot].length > KEPT_BYTES_MAX) largeBuffers[slot] = NOTHING
  copyIn(bytes, start, end, inputArea.start)
  const outEnd = area.start + outBytes
  const status = lzfDecode(inputArea.start, inputArea.start + inBytes, area.start, outEnd, area.start)
  const at = offset + results[0]! - inputArea.start
  if (status !== ALL_READ) throw refusal(status, outBytes, at)
  if (results[1] !== outEnd) throw tooShort(results[1]! - area.start, outBytes, at)
  into.bytes = memory
  into.start = area.start
  into.end = outEnd
}

/** Decompresses one value fed in pieces of any size. Its state is its own: other LZF work may go on between pushes. */
export class LzfStream {
  #inBytes = 0
  #outBytes = 0
  #offset = 0
  #consumed = 0
  #produced = 0
  /** Bytes of an operation whose end was not fed yet. */
  #held = 0
  readonly #heldBytes = new Uint8Array(OPERATION_BYTES_MAX)
  /** The last bytes produced, as many as a back reference can reach. */
  readonly #history = new Uint8Array(HISTORY_BYTES)

  /** Starts a value of `inBytes` compressed bytes, at `offset` in the file, that claims to make `outBytes`. */
  begin(inBytes: number, outBytes: number, offset: number): void {
    checkClaim(inBytes, outBytes, offset)
    this.#inBytes = inBytes
    this.#outBytes = outBytes
    this.#offset = offset
    this.#consumed = this.#produced = this.#held = 0
  }

  /** Feeds bytes[start, end) and emits what they decompress to; at damage, first what came before it. */
  push(bytes: Uint8Array, start: number, end: number, emit: EmitPiece): void {
    let at = start
    while (at < end) {
      const held = this.#held
      const control = held > 0 ? this.#heldBytes[0]! : bytes[at]!
      if (held + end - at < operationBytes(control)) {
        while (at < end) this.#heldBytes[this.#held++] = bytes[at++]!
        return
      }
      // Whoever takes a piece may use the kernel meanwhile: what it has not consumed is copied to it again.
      const consumed = this.#decode(bytes, at, Math.min(end, at + PORTION_BYTES), emit)
      at += consumed - held
      this.#held = 0
    }
  }

  /** To be called when all was fed: throws unless that made exactly what was claimed. */
  finish(): void {
    const at = this.#offset + this.#consumed
    if (this.#consumed < this.#inBytes) throw refusal(INPUT_SHORT, this.#outBytes, at)
    if (this.#produced < this.#outBytes) throw tooShort(this.#produced, this.#outBytes, at)
  }

  /** Decodes whole operations, one at least, into one piece. Returns the bytes consumed, those held included. */
  #decode(bytes: Uint8Array, start: number, end: number, emit: EmitPiece): number {
    const {inputArea, pieceArea, results, bytes: memory, lzfDecode} = kernel()
    const input = inputArea.start
    const known = Math.min(this.#produced, HISTORY_BYTES)
    copyIn(this.#heldBytes, 0, this.#held, input)
    copyIn(bytes, start, end, input + this.#held)
    copyIn(this.#history, 0, known, pieceArea.start - known)
    const claimed = this.#outBytes - this.#produced
    const status = lzfDecode(
      input,
      input + this.#held + end - start,
      pieceArea.start,
      pieceArea.start + Math.min(claimed, pieceArea.bytes),
      pieceArea.start - known,
    )
    const consumed = results[0]! - input
    const pieceEnd = results[1]!
    this.#consumed += consumed
    this.#produced += pieceEnd - pieceArea.start
    if (pieceEnd > pieceArea.start) {
      if (this.#produced < this.#outBytes) this.#remember(memory, pieceEnd)
      emit(memory, pieceArea.start, pieceEnd)
    }
    const pieceFull = status === OUTPUT_SHORT && claimed > pieceArea.bytes
    if (status > INPUT_SHORT && !pieceFull) throw refusal(status, this.#outBytes, this.#offset + this.#consumed)
    return consumed
  }

  #remember(memory: Uint8Array, end: number): void {
    this.#history.set(memory.subarray(end - Math.min(this.#produced, HISTORY_BYTES), end))
  }
}

/**
 * Decompresses at most `wanted` first bytes of a compressed run into `out` and returns how many: fewer if the run is
 * shorter, cut or damaged. Touches no more of it than needed.
 */
export function peekLzf(bytes: Uint8Array, start: number, end: number, wanted: number, out: Uint8Array): number {
  let from = start
  let made = 0
  while (made < wanted && from < end) {
    const control = bytes[from++]!
    if (control < LITERALS_MAX) {
      const stop = Math.min(end, from + control + 1)
      while (from < stop && made < wanted) out[made++] = bytes[from++]!
      continue
    }
    let left = (control >> 5) + 2
    if (control >= LONG_REFERENCE && from < end) left += bytes[from++]!
    if (from >= end) break
    let back = made - ((control & 0x1f) << 8) - bytes[from++]! - 1
    if (back < 0) break
    while (left-- > 0 && made < wanted) out[made++] = out[back++]!
  }
  return made
}

const compressed = new LzfOutput()

/**
 * Compresses bytes[start, end) and lends the result until the next call; undefined when it would not pay, that is
 * unless it is 4 bytes shorter at least (as Redis decides, rdb.c rdbSaveLzfStringObject).
 */
export function compressLzf(bytes: Uint8Array, start: number, end: number): LzfOutput | undefined {
  const budget = end - start - 4
  if (budget <= 0) return undefined
  const {inputArea, outputArea, bytes: memory, lzfEncode} = kernel()
  if (end - start > inputArea.bytes) return compressLarge(bytes, start, end, budget)
  copyIn(bytes, start, end, inputArea.start)
  const made = lzfEncode(end - start, budget)
  if (made === 0) return undefined
  if (largeCompressed.length > KEPT_BYTES_MAX) largeCompressed = NOTHING
  compressed.bytes = memory
  compressed.start = outputArea.start
  compressed.end = outputArea.start + made
  return compressed
}

let largeCompressed: Uint8Array = NOTHING

/** Piece by piece: runs of operations put end to end are one run; only matches across a seam are missed. */
function compressLarge(bytes: Uint8Array, start: number, end: number, budget: number): LzfOutput | undefined {
  const {inputArea, outputArea, bytes: memory, lzfEncode} = kernel()
  let filled = 0
  for (let at = start; at < end; at += inputArea.bytes) {
    const taken = Math.min(inputArea.bytes, end - at)
    copyIn(bytes, at, at + taken, inputArea.start)
    const made = lzfEncode(taken, outputArea.bytes)
    if (filled + made > budget) return undefined
    largeCompressed = grow(largeCompressed, filled, filled + made, budget)
    largeCompressed.set(memory.subarray(outputArea.start, outputArea.start + made), filled)
    filled += made
  }
  compressed.bytes = largeCompressed
  compressed.start = 0
  compressed.end = filled
  return compressed
}

/**
 * Compresses one piece of a value that streams, longer or not: put end to end, the compressed pieces of a value are the
 * value compressed. What is taken is lent.
 */
export function compressLzfPiece(bytes: Uint8Array, start: number, end: number, take: EmitPiece): void {
  const {inputArea, outputArea, bytes: memory, lzfEncode} = kernel()
  for (let at = start; at < end; at += inputArea.bytes) {
    const taken = Math.min(inputArea.bytes, end - at)
    copyIn(bytes, at, at + taken, inputArea.start)
    const made = lzfEncode(taken, outputArea.bytes)
    take(memory, outputArea.start, outputArea.start + made)
  }
}

let largeStream: LzfStream | undefined

/** Piece by piece into a buffer that grows as bytes are really produced. */
function decompressLarge(
  bytes: Uint8Array,
  start: number,
  end: number,
  outBytes: number,
  slot: 0 | 1,
  offset: number,
  into: LzfOutput,
): void {
  largeStream ??= new LzfStream()
  let filled = 0
  largeStream.begin(end - start, outBytes, offset)
  largeStream.push(bytes, start, end, (piece, from, to) => {
    const filledAfter = filled + to - from
    const buffer = grow(largeBuffers[slot], filled, filledAfter, outBytes)
    buffer.set(piece.subarray(from, to), filled)
    largeBuffers[slot] = buffer
    filled = filledAfter
  })
  largeStream.finish()
  into.bytes = largeBuffers[slot]
  into.start = 0
  into.end = filled
}

/** The buffer itself if it holds `wanted` bytes, else a larger one, up to `most`, with its first `filled` bytes. */
function grow(buffer: Uint8Array, filled: number, wanted: number, most: number): Uint8Array {
  if (wanted <= buffer.length) return buffer
  const grown = new Uint8Array(Math.min(most, Math.max(wanted, buffer.length * 2, LARGE_BYTES_MIN)))
  grown.set(buffer.subarray(0, filled))
  return grown
}

/** Bytes of the operation that a control byte starts. */
export function operationBytes(control: number): number {
  if (control < LITERALS_MAX) return control + 2
  return control >= LONG_REFERENCE ? 3 : 2
}

/** A length that no compressed run of this size can make is refused before anything is allocated for it. */
export function checkClaim(inBytes: number, outBytes: number, offset: number): void {
  if (canMake(inBytes, outBytes)) return
  throw new FormatError('BAD_LZF', `${inBytes} compressed bytes claim to make ${outBytes}, which LZF cannot`, offset)
}

/** Whether any `inBytes` compressed bytes make `outBytes`. */
export function canMake(inBytes: number, outBytes: number): boolean {
  return outBytes <= inBytes * EXPANSION_MAX
}

/** What to throw for a status of the kernel. */
export function refusal(status: number, outBytes: number, offset: number): FormatError {
  if (status === INPUT_SHORT) {
    return new FormatError('BAD_LZF', 'compressed string ends inside an operation', offset)
  }
  if (status === OUTPUT_SHORT) {
    return new FormatError('BAD_LZF', `compressed string makes more than the ${outBytes} bytes it claims`, offset)
  }
  return new FormatError('BAD_LZF', 'compressed string refers back before its own start', offset)
}

export function tooShort(produced: number, outBytes: number, offset: number): FormatError {
  return new FormatError('BAD_LZF', `compressed string makes ${produced} bytes, not the ${outBytes} it claims`, offset)
}
