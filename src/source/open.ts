/**
 * A source as it is named on a command line: a path, or `-` for standard
 * input, compressed or not, or the URL of a running server.
 */
import {createReadStream, fstat as fstatCallback} from 'node:fs'
import {open, readFile} from 'node:fs/promises'
import {isatty} from 'node:tty'
import {promisify} from 'node:util'
import {CreatingReader} from '../aof/creating-reader.js'
import {decompressed} from '../bytes/compressed.js'
import {PeekedSource} from '../bytes/peeked.js'
import {type ByteSource, FileSource, openFile, StreamSource} from '../bytes/source.js'
import {CsvReader} from '../csv/reader.js'
import {UnsupportedError, UsageError} from '../errors.js'
import {JsonReader} from '../jsonl/reader.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {limits} from '../limits.js'
import {RdbReader} from '../rdb/reader.js'
import {isServerUrl, maskAddress} from '../resp/address.js'
import type {OnFetch} from './live.js'

const OPENING_BRACE = 0x7b
const OPENING_BRACKET = 0x5b
/** What may stand before JSON: blanks, and the mark of byte order that some editors leave. */
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf])
const BLANKS_MAX = 4096
/** Of the row that names the columns of a table. */
const HEADER_BYTES_MAX = 1024

const STANDARD_INPUT = '-'
const STANDARD_INPUT_NAME = 'standard input'

const fstat = promisify(fstatCallback)

/** What to call a source in words. */
export function nameOf(source: string): string {
  return source === STANDARD_INPUT ? STANDARD_INPUT_NAME : maskAddress(source)
}

/** Opens what a name stands for. Input/output errors pass through. */
export async function openSource(name: string, {onFetch}: OpenOptions = {}): Promise<ByteSource> {
  if (isServerUrl(name)) {
    // What speaks to servers is loaded for them only.
    const {openLive} = await import('./live.js')
    return await openLive(name, onFetch)
  }
  const source = name === STANDARD_INPUT ? await standardInput() : await openPath(name)
  try {
    return await decompressed(source)
  } catch (error) {
    await source.close()
    throw error
  }
}

export interface OpenOptions {
  /** Told how far a running server's snapshot has arrived. */
  onFetch?: OnFetch | undefined
  /** Report a wrong checksum as a problem and go on, instead of failing at the end. */
  ignoreChecksum?: boolean | undefined
}

/** Opens what a name stands for as entries, whatever its format: by content, not by name. */
export async function openEntries(name: string, options: OpenOptions = {}): Promise<EntrySource> {
  const source = new PeekedSource(await openSource(name, options))
  try {
    return await recognised(source, options)
  } catch (error) {
    await source.close()
    throw error
  }
}

/** The names of columns, of which one is called key; undefined where more must be seen of the row. */
function isTable(head: Uint8Array, wanted: number): boolean | undefined {
  const text = Buffer.from(head)
    .toString('utf8')
    .replace(/^\ufeff/, '')
  const [first = '', ...rest] = text.split('\n')
  if (!/^"?[a-zA-Z]/.test(first) || !/^[\w", \r]*$/.test(first) || head.length > HEADER_BYTES_MAX) return false
  if (rest.length === 0 && head.length >= wanted) return undefined
  return /^(?:[^,]*,)*"?key"? *(?:,|\r?$)/i.test(first) && first.includes(',')
}

/** A command, or the time of the next one. */
function isCommand(head: Uint8Array): boolean {
  return head[0] === 0x2a || head[0] === 0x23
}

/** By the first byte that is no blank; what is nothing else is an RDB file, or its reader says what it is. */
async function recognised(source: PeekedSource, options: OpenOptions): Promise<EntrySource> {
  for (let bytes = 1; ; bytes *= 2) {
    const head = await source.peek(bytes)
    const first = head.find(byte => !BLANKS.has(byte))
    if (first === OPENING_BRACE || first === OPENING_BRACKET) return new JsonReader(source)
    if (isCommand(head)) return new CreatingReader(source)
    const table = isTable(head, bytes)
    if (table === true) return new CsvReader(source)
    if (table === undefined) continue
    if (first !== undefined || head.length < bytes || bytes > BLANKS_MAX) return new RdbReader(source, options)
  }
}

async function openPath(path: string): Promise<ByteSource> {
  try {
    return await openFile(path)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EISDIR' ? folderError() : error
  }
}

function folderError(): UnsupportedError {
  const message = 'this is a folder; an append-only folder cannot be read as a whole yet'
  return new UnsupportedError('UNKNOWN_CONTAINER', message, 0)
}

async function standardInput(): Promise<ByteSource> {
  if (isatty(0)) throw new UsageError('it is a terminal: pipe a file into it, or name one')
  const stat = await fstat(0)
  if (stat.isDirectory()) throw folderError()
  if (stat.isFile()) return redirectedFile(stat.size)
  return new StreamSource(STANDARD_INPUT_NAME, process.stdin as AsyncIterable<Uint8Array>, async () => {
    process.stdin.destroy()
  })
}

/** A file that the shell has opened for us: read like a file, with its size and ahead of the parser. */
async function redirectedFile(bytes: number): Promise<ByteSource> {
  try {
    // Who read from the descriptor before us has moved it on.
    const start = Number(/^pos:\s*(\d+)/m.exec(await readFile('/proc/self/fdinfo/0', 'latin1'))![1])
    return new FileSource(STANDARD_INPUT_NAME, await open('/dev/stdin'), Math.max(bytes - start, 0), start)
  } catch {
    // No such name here, or a file that only whoever started us may open.
    const stream = createReadStream('', {fd: 0, autoClose: false, highWaterMark: limits.windowBytes})
    return new StreamSource(STANDARD_INPUT_NAME, stream as AsyncIterable<Uint8Array>)
  }
}
