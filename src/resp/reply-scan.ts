/**
 * Where replies end (RESP2): for whoever sends much and cares only whether it was refused.
 */
const CR = 0x0d
const LF = 0x0a
const PLUS = 0x2b
const MINUS = 0x2d
const COLON = 0x3a
const DOLLAR = 0x24
const STAR = 0x2a
const DEPTH_MAX = 16

/** Where the reply at `start` ends; -1 where more bytes are needed. SyntaxError where it is none. */
export function replyEnd(bytes: Uint8Array, start: number, end: number, depth = 0): number {
  let line = start
  while (line < end && bytes[line] !== LF) line++
  if (line === end) return -1
  const kind = bytes[start]
  const after = line + 1
  if (kind === PLUS || kind === MINUS || kind === COLON) return after
  if ((kind !== DOLLAR && kind !== STAR) || depth === DEPTH_MAX) throw new SyntaxError('this is no reply')
  const count = lengthIn(bytes, start + 1, line)
  if (count < 0) return after
  if (kind === DOLLAR) return after + count + 2 > end ? -1 : after + count + 2
  let at = after
  for (let left = count; left > 0 && at >= 0; left--) at = at === end ? -1 : replyEnd(bytes, at, end, depth + 1)
  return at
}

/** The number before the line's end; -1: there is nothing. */
function lengthIn(bytes: Uint8Array, start: number, line: number): number {
  const to = bytes[line - 1] === CR ? line - 1 : line
  if (to - start === 2 && bytes[start] === MINUS && bytes[start + 1] === 0x31) return -1
  let count = 0
  for (let at = start; at < to; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) throw new SyntaxError('this is no length of a reply')
    count = count * 10 + digit
  }
  if (to === start || !Number.isSafeInteger(count)) throw new SyntaxError('this is no length of a reply')
  return count
}

/** How many bytes a reply of bytes takes, once its head is there; 0: it is none, or that is not known yet. */
export function bulkReplyBytes(bytes: Uint8Array, start: number, end: number): number {
  const line = start < end && bytes[start] === DOLLAR ? bytes.indexOf(LF, start) : -1
  if (line < 0 || line >= end) return 0
  const count = lengthIn(bytes, start + 1, line)
  return count < 0 ? 0 : line + 1 - start + count + 2
}

/** Whether the reply at `start` is one of bytes, or an array of such. */
export function isBulk(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === DOLLAR || bytes[start] === STAR
}

/** Whether the reply at `start` is an error. */
export function isRefusal(bytes: Uint8Array, start: number): boolean {
  return bytes[start] === MINUS
}
