/**
 * Whether compressed runs are right, found without making what they decode to (the form of a run is in lzf.ts).
 */
import {LZF_OPERATIONS, LZF_WAITING, LZF_WAITING_BYTES, LZF_WAITING_MAX} from './memory'

const RUN_MAX: i32 = 32

/**
 * Whether [input, inputEnd) decodes to exactly `bytes`, found without making them: all that counts is lengths, and that
 * no reference reaches back before the output's start.
 */
export function lzfSound(input: i32, inputEnd: i32, bytes: i32): bool {
  return soundFrom(input, inputEnd, 0, bytes)
}

/** The same once `made` bytes of output are known to be right. */
function soundFrom(input: i32, inputEnd: i32, made: i32, bytes: i32): bool {
  let from = input
  let total = made
  let wrong = 0
  while (from < inputEnd) {
    const operation = operationAt(from)
    wrong |= reachOf(from, operation, total)
    total += makingOf(from, operation)
    from += operation & SIZE
  }
  return from == inputEnd && total == bytes && wrong >= 0
}

/**
 * An operation by its first byte: stored bytes in bits 0 to 7, bytes it makes (an extra length apart) in bits 8 to 15,
 * all ones from bit 16 where there is an extra length, the sign where it is a reference.
 */
const SIZE: i32 = 0xff
const MAKING_SHIFT: i32 = 8

buildOperations()

function buildOperations(): void {
  for (let control = 0; control < 256; control++) {
    const reference = control >= RUN_MAX
    const long = control >= 0xe0
    const size = reference ? (long ? 3 : 2) : control + 2
    const making = reference ? (control >> 5) + 2 : control + 1
    store<i32>(
      LZF_OPERATIONS + 4 * control,
      size | (making << MAKING_SHIFT) | (long ? 0xff << 16 : 0) | (reference ? i32.MIN_VALUE : 0),
    )
  }
}

// @ts-ignore: decorator
@inline
function operationAt(from: i32): i32 {
  return load<i32>(LZF_OPERATIONS + ((load<u8>(from) as i32) << 2))
}

// @ts-ignore: decorator
@inline
function makingOf(from: i32, operation: i32): i32 {
  return ((operation >> MAKING_SHIFT) & 0xff) + ((load<u8>(from, 1) as i32) & (operation >> 16))
}

/** Negative where the operation is a reference that reaches back before the first of `made` bytes. */
// @ts-ignore: decorator
@inline
function reachOf(from: i32, operation: i32, made: i32): i32 {
  const distance = (((load<u8>(from) as i32) & 0x1f) << 8) + (load<u8>(from + (operation & SIZE) - 1) as i32)
  return (made - 1 - distance) & (operation >> 31)
}

let waiting: i32 = 0
/** Of those that waited, none has been found wrong. */
let allSound: bool = true

/** Forgets what waits. */
export function lzfBegin(): void {
  waiting = 0
  allSound = true
}

/** Verifies a run at some time before `lzfAllSound` answers. */
// @ts-ignore: decorator
@inline
export function lzfWait(input: i32, inputEnd: i32, bytes: i32): void {
  const place = LZF_WAITING + waiting * LZF_WAITING_BYTES
  store<i32>(place, input)
  store<i32>(place, inputEnd, 4)
  store<i32>(place, bytes, 8)
  if (++waiting == LZF_WAITING_MAX) verifyWaiting()
}

/** Whether all runs since `lzfBegin` are sound. */
export function lzfAllSound(): bool {
  if (waiting > 0) verifyWaiting()
  return allSound
}

/**
 * Three at a time: a walk waits for each operation's length before it sees the next, and a processor can wait for
 * several. Whichever ends takes the next that waits.
 */
function verifyWaiting(): void {
  let next = LZF_WAITING
  const end = LZF_WAITING + waiting * LZF_WAITING_BYTES
  waiting = 0
  let sound = true
  let wrong = 0
  let from0 = 0, end0 = 0, made0 = 0, bytes0 = 0
  let from1 = 0, end1 = 0, made1 = 0, bytes1 = 0
  let from2 = 0, end2 = 0, made2 = 0, bytes2 = 0
  for (;;) {
    if (from0 >= end0) {
      sound = sound && from0 == end0 && made0 == bytes0
      made0 = bytes0 = from0 = end0 = 0
      if (next == end) break
      from0 = load<i32>(next)
      end0 = load<i32>(next, 4)
      bytes0 = load<i32>(next, 8)
      next += LZF_WAITING_BYTES
    }
    if (from1 >= end1) {
      sound = sound && from1 == end1 && made1 == bytes1
      made1 = bytes1 = from1 = end1 = 0
      if (next == end) break
      from1 = load<i32>(next)
      end1 = load<i32>(next, 4)
      bytes1 = load<i32>(next, 8)
      next += LZF_WAITING_BYTES
    }
    if (from2 >= end2) {
      sound = sound && from2 == end2 && made2 == bytes2
      made2 = bytes2 = from2 = end2 = 0
      if (next == end) break
      from2 = load<i32>(next)
      end2 = load<i32>(next, 4)
      bytes2 = load<i32>(next, 8)
      next += LZF_WAITING_BYTES
    }
    while (from0 < end0 && from1 < end1 && from2 < end2) {
      const operation0 = operationAt(from0)
      wrong |= reachOf(from0, operation0, made0)
      made0 += makingOf(from0, operation0)
      from0 += operation0 & SIZE
      const operation1 = operationAt(from1)
      wrong |= reachOf(from1, operation1, made1)
      made1 += makingOf(from1, operation1)
      from1 += operation1 & SIZE
      const operation2 = operationAt(from2)
      wrong |= reachOf(from2, operation2, made2)
      made2 += makingOf(from2, operation2)
      from2 += operation2 & SIZE
    }
  }
  sound = sound && soundFrom(from0, end0, made0, bytes0)
  sound = sound && soundFrom(from1, end1, made1, bytes1)
  sound = sound && soundFrom(from2, end2, made2, bytes2)
  if (!sound || wrong < 0) allSound = false
}
