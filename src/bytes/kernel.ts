/**
 * The WebAssembly kernels (src/kernels), one instance per thread, loaded on first use.
 *
 * Their memory never grows, so a view of it stays valid for good; what an area means is said in src/kernels/memory.ts,
 * and the addresses are read from the module itself.
 */
import {randomFillSync} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {builtUrl} from './built.js'
import {parseDouble, writeShortest} from './decimal.js'

/** A part of the kernels' memory. */
export interface KernelArea {
  readonly start: number
  readonly bytes: number
}

export interface Kernel {
  /** The whole memory. */
  readonly bytes: Uint8Array
  /** What the last call left beside its status. */
  readonly results: Uint32Array

  /** Of each context: bytes whose checksum is being taken; several of these make a message. */
  readonly crcBlockAreas: readonly KernelArea[]
  /** Where bytes are put before they are compressed, decompressed or checked at once. */
  readonly inputArea: KernelArea
  /** What the compressor wrote. */
  readonly outputArea: KernelArea
  /** A piece of a value that streams; its history goes right before it. */
  readonly pieceArea: KernelArea
  /** Values decompressed whole. */
  readonly slotAreas: readonly [KernelArea, KernelArea]

  /** Goes on from a checksum, with an empty block. */
  crcStart(context: number, low: number, high: number): void
  /** Takes bytes at an address: a multiple of 16, as many as the block holds at most. Only those of the block are changed. */
  crcBlock(context: number, address: number, bytes: number): void
  /** Takes the first bytes of the block; leaves the checksum of everything (low, high), from which it may go on. */
  crcFold(context: number, bytes: number): void
  /** Slicing by 8 over bytes at an address; leaves the new checksum (low, high). */
  crcTable(low: number, high: number, address: number, bytes: number): void

  /** Decodes whole operations; leaves the addresses reached in the input and in the output. Returns why it stopped. */
  lzfDecode(input: number, inputEnd: number, output: number, outputEnd: number, base: number): number
  /** Compresses the first bytes of the input area into at most `room` bytes: how many, or 0 if they do not fit. */
  lzfEncode(bytes: number, room: number): number

  /** The windows of sources; see takeWindow. */
  readonly windows: {
    readonly first: number
    readonly count: number
    readonly stride: number
    readonly room: number
    readonly bytes: number
  }

  /** Passes over records that need no look of their own (src/kernels/records.ts); leaves why it stopped, and how many keys it kept. */
  recordsPass(
    start: number,
    end: number,
    deep: number,
    types: number,
    bytesEnd: number,
    elementsEnd: number,
    nowMs: number,
    keeping: number,
  ): number
  /** The sums over what was passed: five for each type below 32 and each encoding of four. Whoever takes them zeroes them. */
  readonly passedSums: Float64Array
  /** Where the keys passed lie, three addresses each: record, key, end of the key. */
  readonly passedKeys: Int32Array

  /** Where the five below write (src/kernels/text.ts). */
  readonly textArea: KernelArea
  /** A listpack as elements of JSON, a comma before each: its bytes, and leaves the entries; -1 in doubt. */
  jsonListpack(shape: number, start: number, end: number): number
  /** The same as arguments of a command. */
  respListpack(shape: number, start: number, end: number): number
  /** Records as commands (src/kernels/commands.ts): where it stopped; leaves their bytes, keys, and consumers of streams. */
  recordCommands(start: number, end: number): number
  /**
   * Records for servers with ziplists (src/kernels/older-records.ts): where it stopped; leaves their bytes, keys, keys with an
   * expiry, and why it stopped.
   */
  recordsForOlder(start: number, end: number, copied: number, converted: number, compress: number): number
  /** Bytes as JSON, text or base64; -1 where they may not fit the area. */
  jsonString(start: number, end: number): number
  /** Records as lines of JSON (src/kernels/json-records.ts): where it stopped; leaves their bytes, and how many keys. */
  recordLines(start: number, end: number): number
  /** What stands around the key of a line: by type byte, then what stands before it. Each a length (i32), then ASCII. */
  readonly jsonHeads: {readonly start: number; readonly types: number; readonly bytes: number}

  /** Digests of values (src/kernels/digest.ts). */
  readonly digest: DigestKernel

  /** The entries of a listpack that is sound beyond doubt, -1 otherwise (src/kernels/packed.ts). */
  packedCheck(shape: number, start: number, end: number): number
}

/** What digests are made with; src/bytes/digest.ts is the only one to use it. */
export interface DigestKernel {
  /** The 16 bytes that all is keyed with; `digestSeed` takes them. */
  readonly keys: KernelArea
  /** The fingerprint of a key, high and low, then the digest of its entry: six words. */
  readonly out: Int32Array
  /** Where texts are put that do not lie in the kernels' memory. */
  readonly texts: readonly [KernelArea, KernelArea]
  digestSeed(): void
  digestBegin(tag: number): void
  digestWord(low: number, high: number): void
  digestDouble(value: number): void
  digestText(start: number, bytes: number): void
  digestTextHead(low: number, high: number): void
  digestPiece(start: number, bytes: number): void
  digestTextEnd(): void
  digestAdd(): void
  digestKeyEnd(): void
  digestValueEnd(type: number): void
  digestStored(type: number): void
  digestEnd(): void
  /**
   * Digests records of [start, end), those of types that have a bit, and returns where it stopped; how many they were is
   * left in `results`, and whether it stopped at what has not arrived. `storedTypes`: those of these types by their stored bytes. `expiries`:
   * they are part of the digests.
   */
  recordsDigest(start: number, end: number, types: number, db: number, storedTypes: number, expiries: number): number
  /** What it leaves of each: fingerprint (two words), address of the record, its type byte, digest (four), expiry (two). */
  readonly records: Int32Array
}

/** What the WebAssembly interface is made of, as far as we use it: Node's types leave it to the DOM's. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => {exports: Record<string, unknown>}
}

let loaded: Kernel | undefined

/** This thread's kernels. */
export function kernel(): Kernel {
  loaded ??= loadKernel()
  return loaded
}

/** Where a window of a source may lie: [start, end) of the kernels' memory, with room in front from `room` on. */
export interface WindowArea {
  readonly room: number
  readonly start: number
  readonly end: number
}

/** The areas that nobody has. */
let freeWindows: WindowArea[] | undefined

/**
 * Areas for the windows of one source, so that kernels work on its bytes where they lie; undefined where too few are
 * free: then any other memory does, only slower.
 */
export function takeWindows(count = 2): WindowArea[] | undefined {
  freeWindows ??= allWindows()
  return freeWindows.length < count ? undefined : freeWindows.splice(-count)
}

export function giveBackWindows(windows: readonly WindowArea[]): void {
  freeWindows!.push(...windows)
}

function allWindows(): WindowArea[] {
  const {first, count, stride, room, bytes} = kernel().windows
  return Array.from({length: count}, (_, i) => {
    const start = first + i * stride + room
    return {room: start - room, start, end: start + bytes}
  })
}

// Below this, a loop is faster than the view that a block copy needs.
const LOOP_BYTES_MAX = 48

/** Copies bytes into the kernels' memory. */
export function copyIn(bytes: Uint8Array, start: number, end: number, address: number): void {
  const memory = kernel().bytes
  if (end - start > LOOP_BYTES_MAX) {
    memory.set(bytes.subarray(start, end), address)
  } else {
    for (let from = start, to = address; from < end; from++, to++) memory[to] = bytes[from]!
  }
}

function loadKernel(): Kernel {
  let memory = new Uint8Array(0)
  // What has more digits than the kernels spell themselves (src/kernels/json-text.ts).
  const decimal = {
    write: (value: number, at: number): number => writeShortest(value, memory, at),
    parse: (start: number, end: number): number => parseDouble(memory, start, end) ?? Number.NaN,
  }
  const module = new WebAssembly.Module(readFileSync(builtUrl('kernels/kernels.wasm')))
  const {exports} = new WebAssembly.Instance(module, {decimal})
  const number: NumberOf = name => (exports[name] as {value: number}).value
  const area: AreaOf = (name, bytes = `${name}_BYTES`) => ({start: number(name), bytes: number(bytes)})
  const {buffer} = exports['memory'] as {buffer: ArrayBuffer}
  memory = new Uint8Array(buffer)
  // Nobody is to know beforehand what a run hashes with.
  randomFillSync(new Uint8Array(buffer, number('PACKED_KEYS'), number('PACKED_KEYS_BYTES')))
  const calls = exports as unknown as Pick<
    Kernel,
    | 'crcStart'
    | 'crcBlock'
    | 'crcFold'
    | 'crcTable'
    | 'lzfDecode'
    | 'lzfEncode'
    | 'packedCheck'
    | 'jsonListpack'
    | 'respListpack'
    | 'jsonString'
    | 'recordCommands'
    | 'recordLines'
    | 'recordsForOlder'
    | 'recordsPass'
  >
  return {
    bytes: memory,
    results: new Uint32Array(buffer, number('RESULTS'), 4),
    crcBlockAreas: Array.from({length: number('CRC_CONTEXTS')}, (_, i) => ({
      start: number('CRC_BLOCK') + i * number('CRC_CONTEXT_BYTES'),
      bytes: number('CRC_BLOCK_BYTES'),
    })),
    inputArea: area('LZF_INPUT'),
    outputArea: area('LZF_OUTPUT'),
    pieceArea: {start: number('LZF_STREAM') + number('LZF_HISTORY_BYTES'), bytes: number('LZF_PIECE_BYTES')},
    slotAreas: [area('LZF_SLOT_0', 'LZF_SLOT_BYTES'), area('LZF_SLOT_1', 'LZF_SLOT_BYTES')],
    crcStart: calls.crcStart,
    crcBlock: calls.crcBlock,
    crcFold: calls.crcFold,
    crcTable: calls.crcTable,
    lzfDecode: calls.lzfDecode,
    lzfEncode: calls.lzfEncode,
    textArea: area('TEXT_OUT'),
    jsonListpack: calls.jsonListpack,
    respListpack: calls.respListpack,
    jsonString: calls.jsonString,
    recordCommands: calls.recordCommands,
    recordLines: calls.recordLines,
    jsonHeads: {start: number('JSON_HEADS'), types: number('JSON_TYPES'), bytes: number('JSON_HEAD_BYTES')},
    recordsForOlder: calls.recordsForOlder,
    packedCheck: calls.packedCheck,
    digest: digestOf(exports, number, area),
    recordsPass: calls.recordsPass,
    passedSums: new Float64Array(buffer, number('PASSED_SUMS'), number('PASSED_SUMS_LENGTH')),
    passedKeys: new Int32Array(buffer, number('PASSED_KEYS'), 3 * number('PASSED_KEYS_MAX')),
    windows: windowsOf(number),
  }
}

function windowsOf(number: NumberOf): Kernel['windows'] {
  return {
    first: number('WINDOW_0'),
    count: number('WINDOWS'),
    stride: number('WINDOW_STRIDE'),
    room: number('WINDOW_ROOM_BYTES'),
    bytes: number('WINDOW_BYTES'),
  }
}

type NumberOf = (name: string) => number
type AreaOf = (name: string, bytes?: string) => KernelArea

function digestOf(exports: Record<string, unknown>, number: NumberOf, area: AreaOf): DigestKernel {
  const {buffer} = exports['memory'] as {buffer: ArrayBuffer}
  const calls = exports as unknown as Omit<DigestKernel, 'keys' | 'out' | 'texts' | 'records'>
  return {
    keys: {start: number('DIGEST_KEYS'), bytes: 16},
    out: new Int32Array(buffer, number('DIGEST_OUT'), 6),
    texts: [area('DIGEST_TEXT_0', 'DIGEST_TEXT_BYTES'), area('DIGEST_TEXT_1', 'DIGEST_TEXT_BYTES')],
    digestSeed: calls.digestSeed,
    digestBegin: calls.digestBegin,
    digestWord: calls.digestWord,
    digestDouble: calls.digestDouble,
    digestText: calls.digestText,
    digestTextHead: calls.digestTextHead,
    digestPiece: calls.digestPiece,
    digestTextEnd: calls.digestTextEnd,
    digestAdd: calls.digestAdd,
    digestKeyEnd: calls.digestKeyEnd,
    digestValueEnd: calls.digestValueEnd,
    digestStored: calls.digestStored,
    digestEnd: calls.digestEnd,
    recordsDigest: calls.recordsDigest,
    records: new Int32Array(
      buffer,
      number('DIGEST_RECORDS'),
      (number('DIGEST_RECORDS_MAX') * number('DIGEST_RECORD_BYTES')) / 4,
    ),
  }
}
