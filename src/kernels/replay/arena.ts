/** Blocks, as src/resident/arena.ts gives and takes them; while the kernel runs, it is their arena. */
import {ARENA, FREE} from './layout'

const NEXT_UNIT: u32 = 4
const END_UNIT: u32 = 8
const SEATS: u32 = 12
const LIVE_UNITS: u32 = 16
const FREE_UNITS: u32 = 20
/** Bytes of a block before its owner's: its capacity in units. */
export const HEAD_BYTES: u32 = 4
const UNIT_BITS: u32 = 4
const SEAT_BITS: u32 = 22
const SINGLE_CLASSES: u32 = 16
/**
 * Units that a command is sure to find before it runs: what it adds is at most its own bytes and blocks that grow within
 * their limits.
 */
const RESERVE_UNITS: u32 = 4096

/** A command of more bytes is left to others. */
export const COMMAND_BYTES_MAX: u32 = 16 * 1024

/** Whether a command can take what blocks it needs. */
// @ts-ignore: decorator
@inline
export function hasRoom(): bool {
  return load<u32>(ARENA, NEXT_UNIT) + RESERVE_UNITS <= load<u32>(ARENA, END_UNIT)
}

/** Whether a block lies in the memory that the kernel sees. */
// @ts-ignore: decorator
@inline
export function isHere(ref: u32): bool {
  return ref >>> SEAT_BITS < load<u32>(ARENA, SEATS)
}

/** Whether a block has chunks of its own: those are not for the kernel to free. */
// @ts-ignore: decorator
@inline
export function isHuge(block: u32): bool {
  return load<i32>(block) < 0
}

// @ts-ignore: decorator
@inline
export function addressOf(ref: u32): u32 {
  return ref << UNIT_BITS
}

// @ts-ignore: decorator
@inline
function refOf(block: u32): u32 {
  return block >>> UNIT_BITS
}

/** The class that has room for so many units. */
// @ts-ignore: decorator
@inline
function classOf(units: u32): u32 {
  if (units <= SINGLE_CLASSES) return units - 1
  const doubling = 31 - clz(units - 1)
  const quarter = (units - 1 - (1 << doubling)) >>> (doubling - 2)
  return SINGLE_CLASSES + ((doubling - 4) << 2) + quarter
}

// @ts-ignore: decorator
@inline
function unitsOf(size: u32): u32 {
  if (size < SINGLE_CLASSES) return size + 1
  const above = size - SINGLE_CLASSES
  const doubling = (above >>> 2) + 4
  return (1 << doubling) + (((above & 3) + 1) << (doubling - 2))
}

/** The address of a new block for so many bytes of its owner's. */
export function take(bytes: u32): u32 {
  const size = classOf((bytes + HEAD_BYTES + 15) >>> UNIT_BITS)
  const capacity = unitsOf(size)
  const head = FREE + (size << 2)
  store<u32>(ARENA, load<u32>(ARENA, LIVE_UNITS) + capacity, LIVE_UNITS)
  const waiting = load<u32>(head)
  // One that lies elsewhere waits for src/resident.
  if (waiting != 0 && isHere(waiting)) {
    const block = addressOf(waiting)
    store<u32>(head, load<u32>(block, 4))
    store<u32>(ARENA, load<u32>(ARENA, FREE_UNITS) - capacity, FREE_UNITS)
    return block
  }
  const unit = load<u32>(ARENA, NEXT_UNIT)
  store<u32>(ARENA, unit + capacity, NEXT_UNIT)
  const block = addressOf((load<u32>(ARENA) << SEAT_BITS) + unit)
  store<u32>(block, capacity)
  return block
}

export function free(block: u32): void {
  const capacity = load<u32>(block)
  const head = FREE + (classOf(capacity) << 2)
  store<u32>(ARENA, load<u32>(ARENA, LIVE_UNITS) - capacity, LIVE_UNITS)
  store<u32>(ARENA, load<u32>(ARENA, FREE_UNITS) + capacity, FREE_UNITS)
  store<u32>(block, load<u32>(head), 4)
  store<u32>(head, refOf(block))
}

/** Bytes that a block has for its owner. */
// @ts-ignore: decorator
@inline
export function room(block: u32): u32 {
  return (load<u32>(block) << UNIT_BITS) - HEAD_BYTES
}
