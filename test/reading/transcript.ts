/**
 * Everything that a visitor is shown, as lines of text: two readings are the same when their transcripts are. Chunks
 * that follow one another are joined, since where they are cut depends on the windows.
 */
import type {Int64} from '../../src/bytes/int64.js'
import type {StreamId} from '../../src/encoding/stream-id.js'
import {
  type ByteSource,
  type Depth,
  type Entry,
  type EntryVisitor,
  FormatError,
  LimitError,
  type ModuleAux,
  type NodeKind,
  type Problem,
  RdbReader,
  type SlotInfo,
  type StreamConsumer,
  type StreamGroup,
  type StreamIdempotence,
  type StreamInfo,
  UnsupportedError,
  ValueVisitor,
} from '../../src/index.js'

/** Bytes as text, one character each; long ones by length and a hash, so that a failure stays readable. */
function shown(bytes: Uint8Array, start = 0, end = bytes.length): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
  return JSON.stringify(text)
}

/** Spells any plain value; a bigint and Infinity have no JSON. */
function spelled(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (part instanceof Uint8Array) return shown(part)
    return typeof part === 'bigint' || (typeof part === 'number' && !Number.isFinite(part)) ? String(part) : part
  })
}

const exact = (score: number): string => (Object.is(score, -0) ? '-0' : String(score))

export class TranscriptVisitor extends ValueVisitor {
  #chunks: string[] | undefined
  #last = false

  constructor(
    readonly depth: Depth,
    readonly lines: string[],
  ) {
    super()
  }

  line(text: string): void {
    this.flush()
    this.lines.push(text)
  }

  /** Ends the present run of chunks. */
  flush(): void {
    if (this.#chunks === undefined) return
    this.lines.push(`chunks ${this.#chunks.join('')} last=${this.#last}`)
    this.#chunks = undefined
  }

  override begin(entry: Entry, count: number | undefined): void {
    this.line(`begin ${shown(entry.key())} ${count}`)
  }
  override chunk(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    if (this.#chunks !== undefined && this.#last) this.lines.push('a chunk after the last')
    this.#chunks ??= []
    this.#chunks.push(shown(bytes, start, end).slice(1, -1))
    this.#last = last
  }
  override node(kind: NodeKind, bytes: Uint8Array, start: number, end: number): void {
    this.line(`node ${kind} ${shown(bytes, start, end)}`)
  }
  override streamNode(id: StreamId, bytes: Uint8Array, start: number, end: number): void {
    this.line(`streamNode ${id} ${shown(bytes, start, end)}`)
  }
  override item(bytes: Uint8Array, start: number, end: number): void {
    this.line(`item ${shown(bytes, start, end)}`)
  }
  override member(bytes: Uint8Array, start: number, end: number): void {
    this.line(`member ${shown(bytes, start, end)}`)
  }
  override scored(bytes: Uint8Array, start: number, end: number, score: number): void {
    this.line(`scored ${shown(bytes, start, end)} ${exact(score)}`)
  }
  override field(n: Uint8Array, ns: number, ne: number, v: Uint8Array, vs: number, ve: number, at: Int64): void {
    this.line(`field ${shown(n, ns, ne)} ${shown(v, vs, ve)} ${at}`)
  }
  override streamEntry(id: StreamId, fieldCount: number): void {
    this.line(`streamEntry ${id} ${fieldCount}`)
  }
  override streamField(n: Uint8Array, ns: number, ne: number, v: Uint8Array, vs: number, ve: number): void {
    this.line(`streamField ${shown(n, ns, ne)} ${shown(v, vs, ve)}`)
  }
  override streamInfo({length, lastId, firstId, maxDeletedId, entriesAdded}: StreamInfo): void {
    this.line(`streamInfo ${length} ${lastId} ${firstId} ${maxDeletedId} ${entriesAdded}`)
  }
  override group({name, lastId, entriesRead, pendingCount}: StreamGroup): void {
    this.line(`group ${shown(name)} ${lastId} ${entriesRead} ${pendingCount}`)
  }
  override pending(id: StreamId, deliveredAtMs: Int64, deliveries: Int64): void {
    this.line(`pending ${id} ${deliveredAtMs} ${deliveries}`)
  }
  override consumer(consumer: StreamConsumer): void {
    this.line(`consumer ${spelled(consumer)}`)
  }
  override consumerPending(id: StreamId): void {
    this.line(`consumerPending ${id}`)
  }
  override nacked(id: StreamId): void {
    this.line(`nacked ${id}`)
  }
  override idempotence(settings: StreamIdempotence): void {
    this.line(`idempotence ${spelled(settings)}`)
  }
  override producer(name: Uint8Array, count: number): void {
    this.line(`producer ${shown(name)} ${count}`)
  }
  override producerEntry(iid: Uint8Array, id: StreamId): void {
    this.line(`producerEntry ${shown(iid)} ${id}`)
  }
  override idempotenceCounters(added: Int64, duplicates: Int64): void {
    this.line(`idempotenceCounters ${added} ${duplicates}`)
  }
  override insertIndex(index: Int64): void {
    this.line(`insertIndex ${index}`)
  }
  override indexed(index: Int64, bytes: Uint8Array, start: number, end: number): void {
    this.line(`indexed ${index} ${shown(bytes, start, end)}`)
  }
  override moduleId(name: string, version: number): void {
    this.line(`moduleId ${name} ${version}`)
  }
  override moduleSigned(value: Int64): void {
    this.line(`moduleSigned ${value}`)
  }
  override moduleUnsigned(value: Int64): void {
    this.line(`moduleUnsigned ${value}`)
  }
  override moduleDouble(value: number, bits: 32 | 64): void {
    this.line(`moduleDouble ${exact(value)} ${bits}`)
  }
  override moduleString(bytes: Uint8Array, start: number, end: number): void {
    this.line(`moduleString ${shown(bytes, start, end)}`)
  }
  override cron(script: Uint8Array, startMs: Int64, intervalMs: Int64, keyCount: number): void {
    this.line(`cron ${shown(script)} ${startMs} ${intervalMs} ${keyCount}`)
  }
  override end(entry: Entry): void {
    this.line(`end ${described(entry)}`)
  }
}

function described(entry: Entry): string {
  const {db, type, typeId, encoding, expireAtMs, idleSeconds, frequency, elements, module, moduleVersion} = entry
  const {keyMeta, dragonflyMask, offset, valueOffset, endOffset} = entry
  const key = shown(entry.key())
  const known = {db, key, type, typeId, encoding, expireAtMs, idleSeconds, frequency, elements, module, moduleVersion}
  return spelled({...known, keyMeta, dragonflyMask, offset, valueOffset, endOffset})
}

/** Writes down all that stands in a file; every value at one depth. */
export function transcriptVisitor(depth: Depth, lines: string[]): {visitor: EntryVisitor; flush: () => void} {
  const value = new TranscriptVisitor(depth, lines)
  const line = (text: string): void => value.line(text)
  const visitor: Required<
    Omit<EntryVisitor, 'begins' | 'drain' | 'damage' | 'keysBegin' | 'passer' | 'take' | 'takeWaits'>
  > = {
    vendorOpcode: (opcode, offset) => line(`vendorOpcode ${opcode} ${offset}`),
    entry: entry => {
      const {db, type, typeId, expireAtMs, idleSeconds, frequency, elements, offset, valueOffset} = entry
      line(`entry ${spelled([db, shown(entry.key()), type, typeId, expireAtMs, idleSeconds, frequency, elements])}`)
      line(`at ${offset} ${valueOffset}`)
      return value
    },
    aux: (name, text) => line(`aux ${name} ${shown(text)}`),
    function: source => line(`function ${shown(source)}`),
    functionPreGa: (name, engine, code) => line(`functionPreGa ${shown(name)} ${shown(engine)} ${shown(code)}`),
    moduleAux: (aux: ModuleAux) => line(`moduleAux ${spelled(aux)}`),
    selectDb: db => line(`selectDb ${db}`),
    resizeDb: (db, keys, expires) => line(`resizeDb ${db} ${keys} ${expires}`),
    slotInfo: (info: SlotInfo) => line(`slotInfo ${spelled(info)}`),
    slotImport: (job, ranges) => line(`slotImport ${job} ${spelled(ranges)}`),
    hashTemplate: (id, fields) => line(`hashTemplate ${id} ${fields.map(field => shown(field)).join(' ')}`),
    problem: ({code, severity, offset}: Problem) => line(`problem ${code} ${severity} ${offset}`),
  }
  return {visitor, flush: () => value.flush()}
}

export type ReaderError = FormatError | UnsupportedError | LimitError

export function isReaderError(error: unknown): error is ReaderError {
  return error instanceof FormatError || error instanceof UnsupportedError || error instanceof LimitError
}

/** Error class, code and place as one line. */
export function describeError(error: ReaderError): string {
  const code = error instanceof LimitError ? error.limit : error.code
  return `${error.name} ${code} ${error.offset} ${spelled(error.place)}`
}

/** Reads a source to its end or to its error, which is the transcript's last line. Other errors pass through. */
export async function transcribe(source: ByteSource, depth: Depth): Promise<string[]> {
  const lines: string[] = []
  const {visitor, flush} = transcriptVisitor(depth, lines)
  const reader = new RdbReader(source, {ignoreChecksum: true})
  try {
    const {checksum, bytes} = await reader.run(visitor)
    flush()
    lines.push(`checksum ${checksum}, ${bytes} bytes`)
  } catch (error) {
    flush()
    if (!isReaderError(error)) throw error
    lines.push(describeError(error))
  } finally {
    await reader.close()
  }
  return lines
}
