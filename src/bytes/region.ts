/**
 * Bytes of an input from any place, as often as they are wanted: for whoever
 * has to look again, or elsewhere. Nothing waits: a file is read at once.
 */
import {readSync} from 'node:fs'
import {LentBytes} from './lent.js'

export interface ByteRegion {
  /** Size of the input. */
  readonly inputBytes: number
  /**
   * Lends what stands from an offset on: `wanted` bytes at least, unless the input ends before. Valid until two other places
   * have been lent. Input/output errors pass through.
   */
  lend(offset: number, wanted: number): Readonly<LentBytes>
}

/** Bytes that are in memory. */
export class MemoryRegion implements ByteRegion {
  readonly inputBytes: number
  readonly #lent = new LentBytes()

  constructor(readonly bytes: Uint8Array) {
    this.inputBytes = bytes.length
  }

  lend(offset: number): Readonly<LentBytes> {
    this.#lent.lend(this.bytes, offset, this.bytes.length)
    return this.#lent
  }
}

/** Whoever looks from place to place comes back to the last ones. */
const SLOTS = 4
const SLOT_BYTES = 256 * 1024

interface Slot {
  bytes: Uint8Array
  offset: number
  filled: number
  usedAt: number
}

/** A file of which nothing is added or taken away meanwhile. */
export class FileRegion implements ByteRegion {
  readonly #slots: Slot[] = []
  readonly #lent = new LentBytes()
  #clock = 0

  constructor(
    readonly fd: number,
    readonly inputBytes: number,
    /** Where the input begins in the file. */
    readonly start = 0,
  ) {}

  lend(offset: number, wanted: number): Readonly<LentBytes> {
    const end = Math.min(offset + wanted, this.inputBytes)
    const slot =
      this.#slots.find(one => one.offset <= offset && end <= one.offset + one.filled) ?? this.#read(offset, end)
    slot.usedAt = ++this.#clock
    this.#lent.lend(slot.bytes, offset - slot.offset, slot.filled)
    return this.#lent
  }

  #read(offset: number, end: number): Slot {
    const slot = this.#freeSlot()
    const bytes = Math.min(Math.max(end - offset, SLOT_BYTES), this.inputBytes - offset)
    // A large one is given back once it has served.
    const isFitting = slot.bytes.length >= bytes && (slot.bytes.length === SLOT_BYTES || bytes > SLOT_BYTES)
    if (!isFitting) slot.bytes = new Uint8Array(Math.max(bytes, SLOT_BYTES))
    slot.offset = offset
    slot.filled = 0
    while (slot.filled < bytes) {
      const read = readSync(this.fd, slot.bytes, slot.filled, bytes - slot.filled, this.start + offset + slot.filled)
      if (read === 0) break
      slot.filled += read
    }
    return slot
  }

  #freeSlot(): Slot {
    if (this.#slots.length < SLOTS) {
      const slot: Slot = {bytes: new Uint8Array(0), offset: 0, filled: 0, usedAt: 0}
      this.#slots.push(slot)
      return slot
    }
    return this.#slots.reduce((oldest, one) => (one.usedAt < oldest.usedAt ? one : oldest))
  }
}
