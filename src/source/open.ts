/**
 * A source as it is named on a command line: a path, or `-` for standard
 * input, compressed or not, or the URL of a running server.
 */
import {createReadStream, fstat as fstatCallback} from 'node:fs'
import {open, readFile, stat} from 'node:fs/promises'
import {isatty} from 'node:tty'
import {promisify} from 'node:util'
import {isPreamble} from '../aof/preamble.js'
import {decompressed} from '../bytes/compressed.js'
import {PeekedSource} from '../bytes/peeked.js'
import {type ByteSource, FileSource, openFile, STREAM_READ_BYTES, StreamSource} from '../bytes/source.js'
import {CsvReader} from '../csv/reader.js'
import {UnsupportedError, UsageError} from '../errors.js'
import {JsonReader} from '../jsonl/reader.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {RdbReader} from '../rdb/reader.js'
import type {PointInTimeOptions} from '../replay/point-in-time.js'
import {isServerUrl, maskAddress} from '../resp/address.js'
import type {AofOptions, AofSource} from './aof.js'
import type {OnFetch} from './live.js'
import {shardsIn} from './shard-folder.js'

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

/** How commands are read. */
export interface LogOptions {
  /** Leave out what cannot be replayed offline; a problem says what that was. */
  skipUnsupported?: boolean | undefined
  /** Commands of a file only create: they are read as they come, and no data set is held in memory. */
  onlyCreates?: boolean | undefined
  /** Up to where a log is read; UsageError of a source that is none. */
  pointInTime?: PointInTimeOptions | undefined
}

export interface OpenOptions extends AofOptions, LogOptions {
  /** Given the bytes as they are unpacked, hands on a source of the same bytes. Not asked for a folder. */
  watch?: ((source: ByteSource) => ByteSource) | undefined
  /** Told how far a running server's snapshot has arrived. */
  onFetch?: OnFetch | undefined
}

/** Opens what a name stands for as entries, whatever its format: by content, not by name. */
export async function openEntries(name: string, options: OpenOptions = {}): Promise<EntrySource> {
  if (await isChain(name)) {
    if (shardsIn(name) !== undefined) throw shardsError()
    return await openLog(name, options)
  }
  const opened = await openSource(name, options)
  const source = new PeekedSource(options.watch?.(opened) ?? opened)
  try {
    const entries = await recognised(source, options)
    if (options.pointInTime !== undefined && (entries.format !== 'aof' || options.onlyCreates === true)) throw noLog()
    return entries
  } catch (error) {
    await source.close()
    throw error
  }
}

function shardsError(): UsageError {
  return new UsageError(
    'this is a folder of shards: name a file in it, or put them together with build (inspect reads them all)',
  )
}

function noLog(): UsageError {
  return new UsageError('this is no append-only log that is replayed, and only of a log can a part be taken')
}

/** A log that is a folder, or a manifest. */
export async function isChain(name: string): Promise<boolean> {
  if (name === STANDARD_INPUT || isServerUrl(name)) return false
  try {
    const stats = await stat(name)
    return stats.isDirectory() || (stats.isFile() && name.endsWith('.manifest'))
  } catch {
    // Whoever opens it tells why that cannot be.
    return false
  }
}

/** What replays logs knows every command of a server: it is loaded for logs only. */
async function newLog(...args: ConstructorParameters<typeof AofSource>): Promise<AofSource> {
  const {AofSource: Log} = await import('./aof.js')
  return new Log(...args)
}

/** Whether a source is a log that is replayed. */
export function isLog(source: EntrySource): source is AofSource {
  return source.format === 'aof'
}

/** A file of a log by its path. */
export async function openLogFile(path: string): Promise<PeekedSource> {
  return new PeekedSource(await openSource(path))
}

/** A log of several files; the first is opened, so that it can be told what wrote it. */
async function openLog(name: string, options: OpenOptions): Promise<AofSource> {
  const {mustBeThere, openChain, readChain} = await import('../aof/chain.js')
  // Of a part of the log, not every file is wanted.
  const chain = options.pointInTime === undefined ? await openChain(name) : await readChain(name)
  let bytes = 0
  for (const {path} of chain.files)
    bytes += await stat(path)
      .then(({size}) => size)
      .catch(() => 0)
  const open = async (path: string): Promise<PeekedSource> => {
    await mustBeThere(chain, path)
    return await openLogFile(path)
  }
  const first = chain.files[0]
  return await newLog(chain, first === undefined ? undefined : await open(first.path), bytes, open, options)
}

/** A log that is this file alone. */
async function logOfFile(source: PeekedSource, options: OpenOptions): Promise<AofSource> {
  const {chainOfFile} = await import('../aof/chain.js')
  const again = source.name !== STANDARD_INPUT_NAME && Number.isFinite(source.storedBytes)
  const open = async (path: string): Promise<PeekedSource> => {
    if (again) return await openLogFile(path)
    throw new UsageError('commands are looked for before they are replayed, and a pipe can be read once: save it first')
  }
  return await newLog(chainOfFile(source.name), source, source.storedBytes, open, options)
}

async function creatingReader(source: PeekedSource): Promise<EntrySource> {
  const {CreatingReader} = await import('../aof/creating-reader.js')
  return new CreatingReader(source)
}

/** A snapshot that says that a log follows it. No byte is waited for that it does not take to tell: a pipe may stay open. */
async function hasLog(source: PeekedSource): Promise<boolean> {
  for (let seen = 0; ; ) {
    await source.peek(seen + 1)
    const head = source.arrived(PREAMBLE_BYTES_MAX)
    const marked = isPreamble(head)
    if (marked !== undefined) return marked
    if (head.length === seen || head.length === PREAMBLE_BYTES_MAX) return false
    seen = head.length
  }
}

/** More facts than that no server writes. */
const PREAMBLE_BYTES_MAX = 64 * 1024

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
    if (isCommand(head))
      return await (options.onlyCreates === true ? creatingReader(source) : logOfFile(source, options))
    const table = isTable(head, bytes)
    if (table === true) return new CsvReader(source)
    if (table === undefined) continue
    if (first !== undefined || head.length < bytes || bytes > BLANKS_MAX) {
      return (await hasLog(source)) ? await logOfFile(source, options) : new RdbReader(source, options)
    }
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
  const message = 'this is a folder: name it, or a file in it'
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
    const stream = createReadStream('', {fd: 0, autoClose: false, highWaterMark: STREAM_READ_BYTES})
    return new StreamSource(STANDARD_INPUT_NAME, stream as AsyncIterable<Uint8Array>)
  }
}
