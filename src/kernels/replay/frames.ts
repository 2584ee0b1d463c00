/**
 * Commands are framed some dozens at once before they are run, so that the memory they will ask for is asked for side by
 * side: most of a replay is waiting for it. What was asked for is only a hint: each command looks its key up when it runs.
 */
import {COMMAND_BYTES_MAX, isHere} from './arena'
import {hashOf} from './hash'
import * as L from './layout'
import {commandOf, DEL, EXEC, MULTI, OF_ONE_KEY, PASSED, SELECT, UNKNOWN} from './names'
import {isOwn, isShared} from './owners'
import {firstCell, KEY, KEY_BYTES, KIND} from './table'

const STAR: u32 = 0x2a
const DOLLAR: u32 = 0x24
const ZERO: u32 = 0x30
const CRLF: u32 = 0x0a0d
/** `$`, any digit, CR LF. */
const ONE_DIGIT: u32 = 0x0a0d_0024

// @ts-ignore: decorator
@inline
export function frameOf(number: u32): u32 {
  return L.FRAMES + number * L.FRAME_BYTES
}

// @ts-ignore: decorator
@inline
export function argument(frame: u32, number: u32): u32 {
  return load<u32>(frame + (number << 3), L.FRAME_ARGUMENTS)
}

// @ts-ignore: decorator
@inline
export function argumentEnd(frame: u32, number: u32): u32 {
  return load<u32>(frame + (number << 3), L.FRAME_ARGUMENTS + 4)
}

// @ts-ignore: decorator
@inline
export function argumentBytes(frame: u32, number: u32): u32 {
  return argumentEnd(frame, number) - argument(frame, number)
}

/** Frames commands from a place on, and passes over those that are for others; returns how many frames there are. */
export function frameSome(start: u32, end: u32): u32 {
  let p = start
  let from = start
  let passed: u32 = 0
  let count: u32 = 0
  while (count < L.FRAMES_MAX) {
    const frame = frameOf(count)
    const next = frameOne(frame, p, end)
    if (next == 0) break
    p = next
    if (isShared() && isForOthers(frame)) {
      passed++
      continue
    }
    store<u32>(frame, passed, L.FRAME_PASSED)
    store<u32>(frame, from, L.FRAME_FROM)
    from = next
    passed = 0
    count++
    const command = load<u32>(frame, L.FRAME_COMMAND)
    if (command == UNKNOWN || command == OF_ONE_KEY) return count
  }
  if (passed == 0) return count
  // The loop ended before the frames did.
  const frame = frameOf(count)
  store<u32>(frame, p, L.FRAME_START)
  store<u32>(frame, p, L.FRAME_END)
  store<u32>(frame, PASSED, L.FRAME_COMMAND)
  store<u32>(frame, 0, L.FRAME_ARGC)
  store<u32>(frame, passed, L.FRAME_PASSED)
  store<u32>(frame, from, L.FRAME_FROM)
  return count + 1
}

/** A command on one key that is somebody else's. Of several keys each removes its own. */
// @ts-ignore: decorator
@inline
function isForOthers(frame: u32): bool {
  switch (load<u32>(frame, L.FRAME_COMMAND)) {
    case UNKNOWN:
    case SELECT:
    case MULTI:
    case EXEC:
      return false
    case DEL:
      return load<u32>(frame, L.FRAME_ARGC) == 2 && !isOwn(argument(frame, 1), argumentBytes(frame, 1))
    default:
      return !isOwn(argument(frame, 1), argumentBytes(frame, 1))
  }
}

/** Frames the command at a place, and returns where it ends; 0 of one that is not whole, or not plain. */
function frameOne(frame: u32, start: u32, end: u32): u32 {
  if (start + 4 > end || load<u8>(start) != STAR) return 0
  let argc = (load<u8>(start, 1) as u32) - ZERO
  let p = start + 2
  const second = (load<u8>(p) as u32) - ZERO
  if (second <= 9) {
    argc = argc * 10 + second
    p++
  }
  if (argc - 1 >= L.ARGUMENTS_MAX || load<u16>(p) != CRLF) return 0
  p += 2
  for (let i: u32 = 0; i < argc; i++) {
    // The memory behind the window is the kernel's too: what is read there is not taken.
    const head = load<u32>(p)
    let bytes: u32
    let from = p + 4
    if ((head & 0xffff_00ff) == ONE_DIGIT) {
      bytes = ((head >>> 8) & 0xff) - ZERO
      if (bytes > 9) return 0
    } else {
      from = lengthEnd(p)
      bytes = length
      if (from == 0) return 0
    }
    const to = from + bytes
    if (to + 2 > end || load<u16>(to) != CRLF) return 0
    store<u32>(frame + (i << 3), from, L.FRAME_ARGUMENTS)
    store<u32>(frame + (i << 3), to, L.FRAME_ARGUMENTS + 4)
    p = to + 2
  }
  if (p - start > COMMAND_BYTES_MAX) return 0
  store<u32>(frame, start, L.FRAME_START)
  store<u32>(frame, p, L.FRAME_END)
  store<u32>(frame, argc, L.FRAME_ARGC)
  store<u32>(frame, commandOf(argument(frame, 0), argumentBytes(frame, 0), argc), L.FRAME_COMMAND)
  return p
}

let length: u32 = 0

/** Reads the length of an argument of ten bytes or more; returns where the argument begins, 0 where that is not plain. */
// @ts-ignore: decorator
@inline
function lengthEnd(start: u32): u32 {
  if (load<u8>(start) != DOLLAR) return 0
  let p = start + 1
  length = 0
  for (let digit = (load<u8>(p) as u32) - ZERO; digit <= 9; digit = (load<u8>(p) as u32) - ZERO) {
    length = length * 10 + digit
    if (length > COMMAND_BYTES_MAX) return 0
    p++
  }
  return p > start + 1 && load<u16>(p) == CRLF ? p + 2 : 0
}

/** Hashes the keys of frames, and asks for what they lead to: cells, then records, then blocks. */
export function touchAll(count: u32, database: u32): void {
  let sum: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const frame = frameOf(i)
    const hasKey = load<u32>(frame, L.FRAME_ARGC) > 1 && load<u32>(frame, L.FRAME_COMMAND) != UNKNOWN
    const hash = hasKey ? hashOf(argument(frame, 1), argumentBytes(frame, 1)) : 0
    const cell = firstCell(database, hash)
    store<u32>(frame, hash, L.FRAME_HASH)
    store<u32>(frame, cell, L.FRAME_CELL)
  }
  for (let i: u32 = 0; i < count; i++) sum += load<u32>(load<u32>(frameOf(i), L.FRAME_CELL))
  for (let i: u32 = 0; i < count; i++) {
    const frame = frameOf(i)
    const ref = recordNear(load<u32>(frame, L.FRAME_CELL), load<u32>(frame, L.FRAME_HASH))
    store<u32>(frame, ref << 4, L.FRAME_RECORD)
    sum += load<u32>(ref << 4, KIND) + load<u32>(ref << 4, 64)
  }
  for (let i: u32 = 0; i < count; i++) {
    const frame = frameOf(i)
    const record = load<u32>(frame, L.FRAME_RECORD)
    store<u32>(frame, 0, L.FRAME_BLOCK)
    if (load<u32>(record, KIND) < 2) continue
    const ref = load<u32>(record + KEY + load<u32>(record, KEY_BYTES))
    if (!isHere(ref)) continue
    const block = ref << 4
    store<u32>(frame, block, L.FRAME_BLOCK)
    sum += load<u32>(block) + load<u32>(block, 64) + load<u32>(block, 128) + load<u32>(block, 192)
  }
  for (let i: u32 = 0; i < count; i++) {
    const block = load<u32>(frameOf(i), L.FRAME_BLOCK)
    if (block == 0) continue
    const end = block + min<u32>(load<u32>(block, 4), 4096)
    for (let p = block + 256; p < end; p += 64) sum += load<u32>(p)
  }
  // Read by nobody: but what is stored has to be loaded.
  store<u32>(L.RESULTS, sum, 16)
}

/** The record that a cell, or the next, leads to; 0 where that is not known. */
// @ts-ignore: decorator
@inline
function recordNear(cell: u32, hash: u32): u32 {
  let ref = load<u32>(cell)
  if (load<u32>(cell, 4) != hash) ref = load<u32>(cell, 12) == hash ? load<u32>(cell, 8) : 0
  return isHere(ref) ? ref : 0
}
