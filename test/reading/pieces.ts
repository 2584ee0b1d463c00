/** The same bytes, arriving in other ways. */
import {open} from 'node:fs/promises'
import {giveBackWindows, kernel, takeWindows} from '../../src/bytes/kernel.js'
import {type ByteSource, type ByteWindow, FileSource, StreamSource, TwoWindows} from '../../src/bytes/source.js'
import {type Limits, limits} from '../../src/limits.js'

/** A stream that hands out its bytes in pieces that end at `cuts`; nobody knows its size. */
export function streamOf(input: Uint8Array, cuts: Iterable<number>): ByteSource {
  const bytes = Uint8Array.from(input)
  async function* pieces(): AsyncGenerator<Uint8Array> {
    let start = 0
    for (const cut of cuts) {
      // A stream may reuse its buffer, so each piece is a copy of its own that is spoiled once it was taken.
      const piece = bytes.slice(start, cut)
      start = cut
      yield piece
      piece.fill(0xa5)
    }
    yield bytes.slice(start)
  }
  return new StreamSource('a stream', pieces())
}

/** Where every `pieceBytes` end. */
export function* every(pieceBytes: number, bytes: number): Generator<number> {
  for (let cut = pieceBytes; cut < bytes; cut += pieceBytes) yield cut
}

/** Runs with other limits than the default ones. */
export async function withLimits<T>(changed: Partial<Limits>, run: () => Promise<T>): Promise<T> {
  const before = {...limits}
  Object.assign(limits, changed)
  try {
    return await run()
  } finally {
    Object.assign(limits, before)
  }
}

/** A file in windows of `windowBytes`. */
export function fileInWindows(path: string, bytes: number, windowBytes: number): Promise<ByteSource> {
  return withLimits({windowBytes}, async () => new FileSource(path, await open(path, 'r'), bytes))
}

/** Bytes in windows where those of files are: in the kernels' memory, as long as there is room. */
export class KernelSource implements ByteSource {
  readonly name = 'kernel memory'
  readonly inputBytes: number
  readonly storedBytes: number
  storedRead = 0
  readonly #windows: TwoWindows

  constructor(
    readonly bytes: Uint8Array,
    windowBytes = limits.windowBytes,
  ) {
    this.inputBytes = this.storedBytes = bytes.length
    this.#windows = new TwoWindows(windowBytes)
  }

  async read(): Promise<ByteWindow | undefined> {
    const {bytes, room, start, end} = this.#windows.next()
    const piece = this.bytes.subarray(this.storedRead, this.storedRead + end - start)
    if (piece.length === 0) return undefined
    bytes.set(piece, start)
    this.storedRead += piece.length
    return {bytes, room, start, end: start + piece.length}
  }

  async close(): Promise<void> {
    this.#windows.giveBack()
  }
}

/** Runs with no room for windows in the kernels' memory: all bytes are read with care. */
export async function withoutKernelWindows<T>(run: () => Promise<T>): Promise<T> {
  const windows = takeWindows(kernel().windows.count)!
  try {
    return await run()
  } finally {
    giveBackWindows(windows)
  }
}
