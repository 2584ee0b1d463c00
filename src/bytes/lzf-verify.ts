/**
 * Whether a compressed run decompresses to what it claims, found without making
 * the output: the refusals are those of decompression (lzf.ts), byte for byte.
 *
 * A reference is wrong only where it reaches back before the output's start,
 * and it reaches 8 KiB at most: from there on, all that counts is lengths. Then
 * a long run is walked in four places at once, since a walk waits for each
 * operation's length before it sees the next, and a processor can wait for four.
 *
 *   ├───────────────┼───────────────┼───────────────┼───────────────┤
 *   0 ─────────────▶1 ─────────────▶2 ─────────────▶3 ─────────────▶
 *
 * Walks 1 to 3 begin between two operations only by luck. But each soon falls in
 * step with the true one: it remembers its first steps, and is believed from
 * where the walk before it arrives at one of them, or not at all.
 */
import {BAD_REFERENCE, checkClaim, INPUT_SHORT, OUTPUT_SHORT, operationBytes, refusal, tooShort} from './lzf.js'

const HISTORY_BYTES = 8192
const LITERALS_MAX = 0x20
const LONG_REFERENCE = 0xe0
const OPERATION_BYTES_MAX = 33
/** So far before the end of a run, an operation and the control byte of the next are inside. */
const MARGIN = OPERATION_BYTES_MAX + 3
/** Output of a portion is counted in 31 bits. */
const PORTION_BYTES = 4 * 1024 * 1024
/** Below this, four walks are not worth their beginning. */
const FOUR_WALKS_BYTES_MIN = 8192
/** Steps that a walk begun anywhere remembers. */
const STEPS = 32

/** Stored bytes of the operation that a control byte starts, and the bytes it makes, its extra length apart. */
const stored = Uint8Array.from({length: 256}, (_, control) => operationBytes(control))
const making = Uint8Array.from({length: 256}, (_, control) =>
  control < LITERALS_MAX ? control + 1 : (control >> 5) + 2,
)

/** Where a walk has come to, what it has made, and whether (negative) a reference reached too far. */
const reached = {at: 0, made: 0, wrong: 0}

/** Verifies one value fed in pieces of any size. */
export class LzfVerifier {
  #inBytes = 0
  #outBytes = 0
  #offset = 0
  #consumed = 0
  #produced = 0
  /** Bytes of an operation whose end was not fed yet. */
  #held = 0
  readonly #heldBytes = new Uint8Array(OPERATION_BYTES_MAX)

  /** Starts a value of `inBytes` compressed bytes, at `offset` in the file, that claims to make `outBytes`. */
  begin(inBytes: number, outBytes: number, offset: number): void {
    checkClaim(inBytes, outBytes, offset)
    this.#inBytes = inBytes
    this.#outBytes = outBytes
    this.#offset = offset
    this.#consumed = this.#produced = this.#held = 0
  }

  /** Feeds bytes[start, end); throws at the first operation that is wrong and all there. */
  push(bytes: Uint8Array, start: number, end: number): void {
    let at = start
    if (this.#held > 0) {
      const whole = operationBytes(this.#heldBytes[0]!)
      while (at < end && this.#held < whole) this.#heldBytes[this.#held++] = bytes[at++]!
      if (this.#held < whole) return
      this.#pass(this.#heldBytes, 0, whole)
      this.#held = 0
    }
    while (at < end) {
      const passed = this.#pass(bytes, at, Math.min(end, at + PORTION_BYTES))
      at += passed
      if (passed === 0) while (at < end) this.#heldBytes[this.#held++] = bytes[at++]!
    }
  }

  /** To be called when all was fed: throws unless it would have made exactly what was claimed. */
  finish(): void {
    const at = this.#offset + this.#consumed
    if (this.#consumed < this.#inBytes) throw refusal(INPUT_SHORT, this.#outBytes, at)
    if (this.#produced < this.#outBytes) throw tooShort(this.#produced, this.#outBytes, at)
  }

  /** Passes over the whole operations of bytes[start, end) and returns how many bytes they are. */
  #pass(bytes: Uint8Array, start: number, end: number): number {
    const known = Math.min(this.#produced, HISTORY_BYTES)
    walk(bytes, start, end, known)
    const made = reached.made - known
    if (reached.wrong < 0 || this.#produced + made > this.#outBytes) throw this.#firstWrong(bytes, start)
    this.#produced += made
    this.#consumed += reached.at - start
    return reached.at - start
  }

  /** Some operation from here on is wrong: the first of them. */
  #firstWrong(bytes: Uint8Array, start: number): Error {
    let produced = this.#produced
    for (let at = start; ; at += operationBytes(bytes[at]!)) {
      const control = bytes[at]!
      const size = operationBytes(control)
      const offset = this.#offset + this.#consumed + at - start
      const distance = ((control & 0x1f) << 8) + bytes[at + size - 1]! + 1
      if (control >= LITERALS_MAX && distance > produced) return refusal(BAD_REFERENCE, this.#outBytes, offset)
      produced += making[control]! + (control >= LONG_REFERENCE ? bytes[at + 1]! : 0)
      if (produced > this.#outBytes) return refusal(OUTPUT_SHORT, this.#outBytes, offset)
    }
  }
}

const verifier = new LzfVerifier()

/** Throws as `decompressLzf` does unless bytes[start, end), at `offset` in the file, decompress to exactly `outBytes`. */
export function verifyLzf(bytes: Uint8Array, start: number, end: number, outBytes: number, offset: number): void {
  verifier.begin(end - start, outBytes, offset)
  verifier.push(bytes, start, end)
  verifier.finish()
}

/** Walks the whole operations of bytes[start, end), of which `known` bytes of output can be referred to before. */
function walk(bytes: Uint8Array, start: number, end: number, known: number): void {
  const last = end - MARGIN
  reached.wrong = 0
  walkChecking(bytes, start, last, known)
  if (last - reached.at >= FOUR_WALKS_BYTES_MIN) walkFour(bytes, reached.at, last, reached.made)
  else walkOn(bytes, reached.at, last, reached.made)
  // The last operations, of which the very last may be cut.
  let {at, made, wrong} = reached
  while (at < end) {
    const control = bytes[at]!
    const size = stored[control]!
    if (at + size > end) break
    const distance = ((control & 0x1f) << 8) + bytes[at + size - 1]! + 1
    if (control >= LITERALS_MAX && distance > made) wrong = -1
    made += making[control]! + (control >= LONG_REFERENCE ? bytes[at + 1]! : 0)
    at += size
  }
  reached.at = at
  reached.made = made
  reached.wrong = wrong
}

/** Up to `last`, or as long as a reference can be wrong. No branch depends on the bytes: there is no guessing them. */
function walkChecking(bytes: Uint8Array, start: number, last: number, known: number): void {
  let at = start
  let made = known
  let wrong = 0
  while (at < last && made < HISTORY_BYTES) {
    const control = bytes[at]!
    const size = stored[control]!
    const distance = ((control & 0x1f) << 8) + bytes[at + size - 1]! + 1
    wrong |= (made - distance) & ((LITERALS_MAX - 1 - control) >> 31)
    made += making[control]! + (bytes[at + 1]! & ((LONG_REFERENCE - 1 - control) >> 31))
    at += size
  }
  reached.at = at
  reached.made = made
  reached.wrong = wrong
}

/** Up to `last`, where every reference is right. */
function walkOn(bytes: Uint8Array, start: number, last: number, madeBefore: number): void {
  let at = start
  let made = madeBefore
  while (at < last) {
    const control = bytes[at]!
    made += making[control]! + (bytes[at + 1]! & ((LONG_REFERENCE - 1 - control) >> 31))
    at += stored[control]!
  }
  reached.at = at
  reached.made = made
}

/** Where walks 1 to 3 stood at their first steps and what they had made; stepsMade[1 .. 3]: after the last of them. */
const stepsAt = new Int32Array(4 * STEPS)
const stepsMade = new Int32Array(4 * STEPS)

/** As `walkOn`. */
function walkFour(bytes: Uint8Array, start: number, last: number, madeBefore: number): void {
  const quarter = (last - start) >> 2
  const end0 = start + quarter
  const end1 = end0 + quarter
  const end2 = end1 + quarter
  let at0 = start
  let at1 = firstSteps(bytes, end0, 1)
  let at2 = firstSteps(bytes, end1, 2)
  let at3 = firstSteps(bytes, end2, 3)
  let made0 = madeBefore
  let made1 = 0
  let made2 = 0
  let made3 = 0
  while (at0 < end0 && at1 < end1 && at2 < end2 && at3 < last) {
    const control0 = bytes[at0]!
    made0 += making[control0]! + (bytes[at0 + 1]! & ((LONG_REFERENCE - 1 - control0) >> 31))
    at0 += stored[control0]!
    const control1 = bytes[at1]!
    made1 += making[control1]! + (bytes[at1 + 1]! & ((LONG_REFERENCE - 1 - control1) >> 31))
    at1 += stored[control1]!
    const control2 = bytes[at2]!
    made2 += making[control2]! + (bytes[at2 + 1]! & ((LONG_REFERENCE - 1 - control2) >> 31))
    at2 += stored[control2]!
    const control3 = bytes[at3]!
    made3 += making[control3]! + (bytes[at3 + 1]! & ((LONG_REFERENCE - 1 - control3) >> 31))
    at3 += stored[control3]!
  }
  walkOn(bytes, at0, end0, made0)
  join(bytes, 1, at1, made1, end1)
  join(bytes, 2, at2, made2, end2)
  join(bytes, 3, at3, made3, last)
}

/** Takes the first steps of a walk and returns where they end. */
function firstSteps(bytes: Uint8Array, start: number, which: number): number {
  let at = start
  let made = 0
  for (let i = which * STEPS; i < (which + 1) * STEPS; i++) {
    stepsAt[i] = at
    stepsMade[i] = made
    const control = bytes[at]!
    made += making[control]! + (control >= LONG_REFERENCE ? bytes[at + 1]! : 0)
    at += stored[control]!
  }
  stepsMade[which] = made
  return at
}

/**
 * The true walk has come to `reached`, where walk `which` began, which itself has come to `at` and `made` more than its
 * first steps: goes on from there if they met, and up to `end` in any case.
 */
function join(bytes: Uint8Array, which: number, at: number, made: number, end: number): void {
  let i = which * STEPS
  const stepsEnd = i + STEPS
  while (i < stepsEnd && stepsAt[i] !== reached.at) {
    if (stepsAt[i]! < reached.at) i++
    else walkOn(bytes, reached.at, reached.at + 1, reached.made)
  }
  if (i < stepsEnd) {
    reached.made += stepsMade[which]! + made - stepsMade[i]!
    reached.at = at
  }
  walkOn(bytes, reached.at, end, reached.made)
}
