/**
 * RESTORE k ms payload ABSTTL [IDLETIME s] [FREQ f]: a key as DUMP tells it.
 *
 * A payload names the version of the format it is of, and servers refuse one
 * above their own: so it is of the lowest version that has the value's type.
 */
import type {ByteOutput} from '../bytes/output.js'
import {ByteWriter} from '../bytes/writer.js'
import {UnsupportedError} from '../errors.js'
import {type Entry, isCollection, NEVER, NO_TYPE_ID} from '../keyspace/entry.js'
import type {Losses} from '../keyspace/entry-sink.js'
import type {SourceOrigin} from '../keyspace/entry-source.js'
import type {ValueVisitor} from '../keyspace/visitor.js'
import {PayloadWriter} from '../rdb/payload.js'
import {ownTarget, TARGETS, type Target} from '../rdb/targets.js'
import {bulk, writeArrayHead, writeBulk} from '../resp/framing.js'
import {writeInteger} from './arguments.js'

/** What becomes of collections without elements. */
export const EMPTY = 'empty collections, which are no keys'

const RESTORE = bulk('RESTORE')
const ABSTTL = bulk('ABSTTL')
const IDLETIME = bulk('IDLETIME')
const FREQ = bulk('FREQ')
/** RESTORE is refused with a time below zero; this one has long passed. */
const LONG_PASSED_MS = 1
/** ABSTTL came with it (redis 5.0). */
const VERSION_MIN = 9

export class Restores {
  onWritten: () => void = () => {}
  readonly #writers = new Map<Target, PayloadWriter>()
  /** Of every type, the oldest server that has it. */
  readonly #targets: (Target | undefined)[] = []
  /** The version of the source itself. */
  readonly own: Target
  readonly #args = new ByteWriter()

  constructor(
    readonly out: ByteOutput,
    readonly origin: SourceOrigin | undefined,
    readonly stored: boolean,
    readonly report: {notes: Losses},
  ) {
    this.own = ownTarget(origin)
  }

  /** Who makes the payload of this entry, and then the command; undefined where nobody can. */
  entry(entry: Entry): ValueVisitor | undefined {
    const target = this.targetOf(entry)
    if (target === undefined) return undefined
    try {
      return this.#writerOf(target).entry(entry)
    } catch (error) {
      if (error instanceof UnsupportedError) return undefined
      throw error
    }
  }

  /** For whom the payload of an entry is made. */
  targetOf({type, typeId, keyMeta}: Entry): Target | undefined {
    if (type === 'cron') return undefined
    if (typeId === NO_TYPE_ID || keyMeta !== undefined) return this.own
    this.#targets[typeId] ??= this.#oldest(typeId)
    return this.#targets[typeId]
  }

  #oldest(typeId: number): Target | undefined {
    const family = this.origin?.family ?? 'redis'
    // Versions above 11 are Redis's or Valkey's alone; those below both take.
    const candidates = TARGETS.filter(
      one =>
        one.product !== 'redict' && one.rdbVersion >= VERSION_MIN && (one.rdbVersion <= 11 || one.family === family),
    ).sort((one, other) => one.rdbVersion - other.rdbVersion)
    return candidates.find(({types}) => types.has(typeId)) ?? this.own
  }

  #writerOf(target: Target): PayloadWriter {
    let writer = this.#writers.get(target)
    if (writer === undefined) {
      writer = new PayloadWriter({target}, (entry, bytes, start, end) => this.#write(entry, bytes, start, end))
      writer.sourceFamily = this.stored ? (this.origin?.family ?? 'redis') : undefined
      this.#writers.set(target, writer)
    }
    return writer
  }

  #write(entry: Entry, bytes: Uint8Array, start: number, end: number): void {
    // RESTORE refuses what loading passes over.
    if (entry.elements === 0 && isCollection(entry.type) && entry.type !== 'stream') {
      this.report.notes.add(EMPTY)
      return
    }
    this.head(entry)
    writeBulk(this.out, bytes, start, end)
    this.tail(entry)
  }

  /** All up to the payload. */
  head(entry: Entry): void {
    const {out} = this
    const {keyBytes, expireAtMs, idleSeconds, frequency} = entry
    writeArrayHead(out, 5 + (idleSeconds >= 0 ? 2 : 0) + (frequency >= 0 ? 2 : 0))
    out.copy(RESTORE, 0, RESTORE.length)
    writeBulk(out, keyBytes.bytes, keyBytes.start, keyBytes.end)
    writeInteger(this.#args, expireAtMs === NEVER ? 0 : expireAtMs > 0 ? expireAtMs : LONG_PASSED_MS)
    this.#move()
  }

  /** All behind it. */
  tail({idleSeconds, frequency}: Entry): void {
    const args = this.#args
    args.copy(ABSTTL, 0, ABSTTL.length)
    if (idleSeconds >= 0) {
      args.copy(IDLETIME, 0, IDLETIME.length)
      writeInteger(args, idleSeconds)
    }
    if (frequency >= 0) {
      args.copy(FREQ, 0, FREQ.length)
      writeInteger(args, frequency)
    }
    this.#move()
    this.onWritten()
  }

  #move(): void {
    this.out.copy(this.#args.bytes, 0, this.#args.length)
    this.#args.reset()
  }

  refuse(entry: Entry, what: string): never {
    const error = new UnsupportedError('NOT_IN_TARGET', `${this.own.name} cannot hold ${what}`, entry.offset)
    error.place = {db: entry.db, key: entry.key(), type: entry.type, recordOffset: entry.offset}
    throw error
  }

  dispose(): void {
    for (const writer of this.#writers.values()) writer.dispose()
  }
}
