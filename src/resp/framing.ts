/**
 * Commands as bytes (RESP2): an array of bulk strings.
 *
 *   *<argc>\r\n ($<bytes>\r\n <argument> \r\n)*
 */
import {formatSafe} from '../bytes/int64.js'
import type {ByteOutput} from '../bytes/output.js'
import type {ByteWriter} from '../bytes/writer.js'

const CR = 0x0d
const LF = 0x0a
const DOLLAR = 0x24
const STAR = 0x2a
/** Of the head of a bulk string or an array: a mark, digits, CRLF; and the CRLF behind the argument. */
const FRAME_BYTES_MAX = 24

/** An argument of its own, framed. */
export function bulk(text: string): Uint8Array {
  return Buffer.from(`$${Buffer.byteLength(text)}\r\n${text}\r\n`)
}

function bulkOf(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')])
}

/** `*<argc>\r\n` */
export function writeArrayHead(out: ByteOutput, argc: number): void {
  writeHead(out, STAR, argc)
}

/** `$<bytes>\r\n`, of an argument that follows. */
export function writeBulkHead(out: ByteOutput, bytes: number): void {
  writeHead(out, DOLLAR, bytes)
}

function writeHead(out: ByteOutput, mark: number, n: number): void {
  out.room(FRAME_BYTES_MAX)
  const into = out.bytes
  into[out.at] = mark
  const at = formatSafe(n, into, out.at + 1)
  into[at] = CR
  into[at + 1] = LF
  out.at = at + 2
}

/** Ends an argument. */
export function writeBulkEnd(out: ByteOutput): void {
  out.room(2)
  out.bytes[out.at] = CR
  out.bytes[out.at + 1] = LF
  out.at += 2
}

/** A whole argument, of any size. */
export function writeBulk(out: ByteOutput, bytes: Uint8Array, start: number, end: number): void {
  writeBulkHead(out, end - start)
  out.copy(bytes, start, end)
  writeBulkEnd(out)
}

/** The same into a buffer that grows: what is to be counted before it is sent. */
export function putBulk(into: ByteWriter, bytes: Uint8Array, start: number, end: number): void {
  const n = end - start
  const at = into.reserve(n + FRAME_BYTES_MAX)
  const out = into.bytes
  out[at] = DOLLAR
  let p = formatSafe(n, out, at + 1)
  out[p] = CR
  out[p + 1] = LF
  p += 2
  if (n <= 48) for (let from = start; from < end; from++) out[p++] = bytes[from]!
  else {
    out.set(bytes.subarray(start, end), p)
    p += n
  }
  out[p] = CR
  out[p + 1] = LF
  into.length = p + 2
}

/** The same of `*<argc>\r\n`. */
export function putArrayHead(into: ByteWriter, argc: number): void {
  into.ascii(`*${argc}\r\n`)
}

/** The same of an argument that is framed already. */
export function putFramed(into: ByteWriter, framed: Uint8Array): void {
  into.copy(framed, 0, framed.length)
}

/** A whole command, for conversations: nothing there is hot. */
export function formatCommand(args: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat([
    Buffer.from(`*${args.length}\r\n`),
    ...args.map(one => (typeof one === 'string' ? bulk(one) : bulkOf(one))),
  ])
}
