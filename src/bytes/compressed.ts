/**
 * gzip and zstd, recognised by content: backups are stored compressed, and
 * nobody should have to unpack one to look into it.
 *
 *   gzip   1f 8b
 *   zstd   28 b5 2f fd
 */
import {Readable} from 'node:stream'
import * as zlib from 'node:zlib'
import {FormatError, LimitError} from '../errors.js'
import {PeekedSource} from './peeked.js'
import {type ByteSource, StreamSource, windowsOf} from './source.js'

export type Compression = 'gzip' | 'zstd'

const MAGIC_BYTES = 4
/** The one method that a gzip member names. */
const DEFLATE = 8
/** How zlib calls what begins like no member. */
const BAD_MEMBER: ReadonlySet<string> = new Set([
  'incorrect header check',
  'unknown compression method',
  'unknown header flags set',
])
/** How fzstd numbers an input that ends too early, and how Node's own zstd words it. */
const FZSTD_UNEXPECTED_END = 5
const ZSTD_UNEXPECTED_END = /unexpected end|src size is incorrect/i
/** What the zstd tool itself takes without being asked for more (zstd 1.5: --memory, --long). */
const ZSTD_WINDOW_BYTES_MAX = 128 * 1024 * 1024

/** How the bytes at `start` are compressed, if they are. */
export function compressionOf(bytes: Uint8Array, start: number, end: number): Compression | undefined {
  if (end - start >= 2 && bytes[start] === 0x1f && bytes[start + 1] === 0x8b) return 'gzip'
  if (end - start < MAGIC_BYTES) return undefined
  const zstd = bytes[start] === 0x28 && bytes[start + 1] === 0xb5 && bytes[start + 2] === 0x2f
  return zstd && bytes[start + 3] === 0xfd ? 'zstd' : undefined
}

/** The same source, decompressed if it is compressed. */
export async function decompressed(source: ByteSource): Promise<ByteSource> {
  const peeked = new PeekedSource(source)
  const head = await peeked.peek(MAGIC_BYTES)
  const compression = compressionOf(head, 0, head.length)
  if (compression === undefined) return peeked
  const pieces = compression === 'gzip' ? gunzip(peeked, head[2] === DEFLATE) : unzstd(peeked)
  return new StreamSource(source.name, pieces, async () => source.close(), peeked)
}

/** `sound`: the first member begins as one should, so that a wrong beginning is that of a later one. */
async function* gunzip(source: ByteSource, sound: boolean): AsyncGenerator<Uint8Array> {
  // The stream reads on while we hold its last piece: it must not read into a window that is being filled anew.
  const input = Readable.from(copies(source), {objectMode: false})
  try {
    yield* throughZlib(input, zlib.createGunzip({chunkSize: 128 * 1024}), source)
  } catch (error) {
    const reason = ((error as Error).cause as Error | undefined)?.message
    if (!sound || !(error instanceof FormatError) || !BAD_MEMBER.has(reason ?? '')) throw error
    const text = 'the gzip data end, and what follows them is not gzip: cut it off, or unpack the file first (gzip -dc)'
    throw new FormatError('BAD_COMPRESSION', text, error.offset, {cause: error})
  }
}

async function* unzstd(source: ByteSource): AsyncGenerator<Uint8Array> {
  // Node has its own zstd from 22.15 on; the floor is 20.
  const native = (zlib as {createZstdDecompress?: (options: object) => zlib.Gunzip}).createZstdDecompress
  if (native !== undefined) {
    yield* throughZlib(Readable.from(copies(source), {objectMode: false}), native({chunkSize: 128 * 1024}), source)
    return
  }
  const {Decompress} = await import('fzstd')
  const ready: Uint8Array[] = []
  const stream = new Decompress(piece => ready.push(piece))
  try {
    let first = true
    for await (const piece of windowsOf(source)) {
      if (first) checkZstdWindow(piece)
      first = false
      stream.push(piece)
      yield* ready.splice(0)
    }
    stream.push(new Uint8Array(0), true)
    yield* ready.splice(0)
  } catch (error) {
    throw damaged('zstd', error, source)
  }
}

/**
 * The decompressor allocates the window that a frame claims, before a byte of it has come.
 *
 *   28 b5 2f fd <descriptor> [<window>: 5 bits exponent, 3 bits mantissa] ...
 *
 * A frame in one segment (descriptor bit 5) has its content's size, little-endian, in place of the window.
 */
function checkZstdWindow(frame: Uint8Array): void {
  const descriptor = frame[4] ?? 0
  let windowBytes = 0
  if ((descriptor & 0x20) === 0) {
    const window = frame[5] ?? 0
    windowBytes = 2 ** (10 + (window >> 3)) * (1 + (window & 7) / 8)
  } else {
    const sizeBytes = [1, 2, 4, 8][descriptor >> 6]!
    const at = 5 + [0, 1, 2, 4][descriptor & 3]!
    for (let i = sizeBytes - 1; i >= 0; i--) windowBytes = windowBytes * 256 + (frame[at + i] ?? 0)
  }
  if (windowBytes > ZSTD_WINDOW_BYTES_MAX) {
    throw new LimitError('ZSTD_WINDOW_BYTES_MAX', ZSTD_WINDOW_BYTES_MAX, windowBytes, 4)
  }
}

async function* copies(source: ByteSource): AsyncGenerator<Uint8Array> {
  for await (const piece of windowsOf(source)) yield piece.slice()
}

async function* throughZlib(input: Readable, unpack: zlib.Gunzip, source: ByteSource): AsyncGenerator<Uint8Array> {
  input.on('error', error => unpack.destroy(error))
  input.pipe(unpack)
  try {
    yield* unpack as AsyncIterable<Uint8Array>
  } catch (error) {
    throw damaged('compressed', error, source)
  } finally {
    input.destroy()
    unpack.destroy()
  }
}

/** Damage of the compressed stream is damage of the input; a failing disk stays what it is. */
function damaged(form: string, error: unknown, source: ByteSource): unknown {
  const code = (error as NodeJS.ErrnoException).code
  const ofStream = code === undefined || typeof code === 'number' || code.startsWith('Z_') || code.startsWith('ZSTD')
  if (!ofStream || error instanceof FormatError || error instanceof LimitError) return error
  const offset = source.storedRead
  const reason = (error as Error).message
  if (code === 'Z_BUF_ERROR') {
    return new FormatError('TRUNCATED', 'the compressed input ends in the middle', offset, {cause: error})
  }
  if ((code as unknown) === FZSTD_UNEXPECTED_END || ZSTD_UNEXPECTED_END.test(reason)) {
    const text = 'the compressed input ends in the middle, or a length in it is damaged'
    return new FormatError('TRUNCATED', text, offset, {cause: error})
  }
  return new FormatError('BAD_COMPRESSION', `the ${form} input cannot be unpacked: ${reason}`, offset, {cause: error})
}
