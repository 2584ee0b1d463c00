/**
 * Lengths and strings as servers read them: a length that names a string's
 * encoding passes for its low bits where nobody expects a string
 * (redis 6.0 rdb.c rdbLoadLen), and what memory there is not ends the load.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import type {LentBytes} from '../../bytes/lent.js'
import {decompressLzf} from '../../bytes/lzf.js'
import {verifyLzf} from '../../bytes/lzf-verify.js'
import {decimalCharacters, readEncodedInteger, readInteger, STRING_INT32, STRING_LZF} from '../../encoding/string.js'
import {FormatError} from '../../errors.js'
import type {Loader} from '../../rdb/loaders.js'
import type {Obstacles} from './obstacles.js'
import {shortLzf} from './short-lzf.js'

const ENCODED = 3
const LENGTH_32 = 0x80
const LENGTH_64 = 0x81
const ALL_ONES = 0xffff_ffff
/** Servers take this length for an error; no other rounds to it that a file of this world could hold. */
const LENGTH_ERROR = 2 ** 64
/** Every machine has so much memory to promise, and none so much. */
const MEMORY_SURE = 2 ** 30
const MEMORY_NEVER = 2 ** 47

export class ServerStrings {
  /** The length read last names an encoding. */
  encoded = false
  /** Bytes at the end of the string read last that nobody has written: they hold what the memory held before. */
  garbage = 0

  constructor(
    readonly cursor: ByteCursor,
    readonly loader: Loader,
    readonly obstacles: Obstacles,
  ) {}

  /** A length whose value may be any of 64 bits: above 2^53 it is near. */
  length64(): number {
    const {cursor} = this
    const first = cursor.u8()
    this.encoded = false
    switch (first >> 6) {
      case 0:
        return first
      case 1:
        return ((first & 0x3f) << 8) | cursor.u8()
      case ENCODED:
        this.encoded = true
        return first & 0x3f
      default:
        if (first === LENGTH_32 || this.loader.looseLengths) return cursor.u32be()
        if (first === LENGTH_64) return this.#length64()
        return this.obstacles.lost('refuses', 'BAD_LENGTH', `length byte 0x${first.toString(16)} has no meaning`)
    }
  }

  /** A length of which servers take the largest for an error. */
  length(): number {
    const length = this.length64()
    if (length !== LENGTH_ERROR) return length
    return this.obstacles.lost('refuses', 'BAD_LENGTH', 'a length of 64 ones is an error to servers')
  }

  #length64(): number {
    const high = this.cursor.u32be()
    const low = this.cursor.u32be()
    if (high === ALL_ONES) return low === ALL_ONES ? LENGTH_ERROR : 2 ** 64 - 2048
    return high * 2 ** 32 + low
  }

  /** Passes over a string and returns how many bytes it has, decompressed. */
  pass(): number {
    const {cursor} = this
    const length = this.length()
    if (!this.encoded) {
      this.claim(length)
      cursor.skip(length)
      return length
    }
    if (length === STRING_LZF) return this.#lzf(undefined)
    this.#known(length)
    return decimalCharacters(readEncodedInteger(cursor, length))
  }

  /** Reads a string whole. */
  read(into: LentBytes): void {
    const {cursor} = this
    this.garbage = 0
    const length = this.length()
    if (!this.encoded) {
      this.claim(length)
      const start = cursor.take(length)
      into.lend(cursor.bytes, start, start + length)
    } else if (length === STRING_LZF) {
      this.#lzf(into)
    } else {
      this.#known(length)
      readInteger(cursor, length, into)
    }
  }

  /** A server makes room for so many bytes before it looks whether they are there. */
  claim(bytes: number): void {
    if (bytes <= this.cursor.bytesLeftMax) return
    this.obstacles.lost(
      this.#withoutMemory(bytes),
      'TRUNCATED',
      `${bytes} bytes are claimed, but only ${this.cursor.bytesLeftMax} follow`,
    )
  }

  /** A table for so many elements, of pointers, is made before they are read. */
  table(elements: number): void {
    const effect = this.#withoutMemory(8 * elements)
    if (effect === 'refuses') return
    this.obstacles.lost(
      effect,
      'BAD_COUNT',
      `${elements} elements are claimed: memory is asked for all of them at once`,
    )
  }

  #withoutMemory(bytes: number): 'refuses' | 'crashes' | 'unsure' {
    if (this.loader.noMemory === 'refuses' || bytes < MEMORY_SURE) return 'refuses'
    return bytes >= MEMORY_NEVER ? 'crashes' : 'unsure'
  }

  #known(encoding: number): void {
    if (encoding <= STRING_INT32) return
    this.obstacles.lost(
      'refuses',
      'UNKNOWN_ENCODING',
      `string encoding 0x${(0xc0 | encoding).toString(16)} is not known`,
    )
  }

  /** Decompresses; without `into` only so far as to know whether it can be. */
  #lzf(into: LentBytes | undefined): number {
    const {cursor, loader} = this
    const packed = this.length()
    const outBytes = this.length()
    this.claim(packed)
    if (loader.noMemory === 'crashes' && outBytes >= MEMORY_SURE) {
      this.obstacles.lost(
        this.#withoutMemory(outBytes),
        'BAD_LZF',
        `a compressed string claims to have ${outBytes} bytes`,
      )
    }
    const start = cursor.take(packed)
    const {bytes} = cursor
    // Redis 6.2 takes a failure, which is 0, for the length asked for.
    if (outBytes === 0 && !loader.shortLzf) {
      into?.lend(bytes, start, start)
      return 0
    }
    try {
      if (into === undefined) verifyLzf(bytes, start, start + packed, outBytes, cursor.offset - packed)
      else decompressLzf(bytes, start, start + packed, outBytes, into.slot, cursor.offset - packed, into)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      this.#short(start, packed, outBytes, into)
    }
    return outBytes
  }

  /** What makes too little is taken by redis 6.0, and the rest of its memory is not written. */
  #short(start: number, packed: number, outBytes: number, into: LentBytes | undefined): void {
    const {bytes} = this.cursor
    if (!this.loader.shortLzf) this.obstacles.lost('refuses', 'BAD_LZF', 'a compressed string does not decompress')
    // It reads the first byte of nothing.
    if (packed === 0) this.obstacles.lost('unsure', 'BAD_LZF', 'a compressed string is stored in no bytes')
    const out = shortLzf(bytes, start, start + packed, outBytes)
    if (out === undefined || out.length === 0) {
      this.obstacles.lost('refuses', 'BAD_LZF', 'a compressed string does not decompress')
    }
    this.garbage = outBytes - out.length
    if (into === undefined) return
    const padded = new Uint8Array(outBytes)
    padded.set(out)
    into.lend(padded, 0, outBytes)
  }
}
