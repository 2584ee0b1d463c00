/**
 * check: open a source, verify what it holds to the last byte, and look for keys
 * that it holds twice.
 */
import {type Soundness, type SoundnessOptions, SoundnessVisitor} from '../analysis/soundness.js'
import type {ByteSource} from '../bytes/source.js'
import {isSystemError, PlacedError, UnsupportedError, UsageError} from '../errors.js'
import type {EntrySource, SourceEnd, SourceOrigin} from '../keyspace/entry-source.js'
import {type RdbEnd, RdbReader} from '../rdb/reader.js'
import type {RdbHeader} from '../rdb/versions.js'
import type {AofSource} from '../source/aof.js'
import {isChain, openEntries} from '../source/open.js'
import {reportDuplicates} from './check-duplicates.js'
import {type Check, type CheckIndexes, type CheckOptions, indexesFor, PROBLEMS_MAX} from './check-options.js'
import {checkInSegments} from './check-segments.js'
import {OneThreadError, paysInSegments} from './segment-work.js'

/** Never throws for what the input holds; UsageError where a server is named that starts from no such source. */
export async function check(name: string, options: CheckOptions = {}): Promise<Check> {
  const {judge} = options
  // What knows the commands of logs is loaded for them only.
  if (await isChain(name)) {
    const checked = await (await import('./check-aof.js')).checkFolder(name, options)
    const log = checked.soundness?.log
    if (judge === undefined || log === undefined) return checked
    if (log.files.length === 0) return {...checked, target: await judge.judgeManifest(checked.soundness!.problems[0]!)}
    return {...checked, target: await judge.judgeLog(await (await import('../aof/chain.js')).readChain(name), log)}
  }
  let source: EntrySource
  try {
    source = await openEntries(name, {...options, ignoreChecksum: true, watch: judge?.watch})
  } catch (failure) {
    return {soundness: undefined, failure}
  }
  if (source.format === 'aof') {
    const log = source as AofSource
    if (judge !== undefined && name === '-') throw twice()
    const {checkLog} = await import('./check-aof.js')
    const checked = await checkLog(log.chain, options, path => log.takeFile(path), name !== '-')
    if (judge === undefined || checked.soundness?.log === undefined) return checked
    return {...checked, target: await judge.judgeLog(log.chain, checked.soundness.log)}
  }
  options.onOpen?.(source.source)
  const checked = await checkEntries(source, options, source.source.path ?? name)
  return judge === undefined ? checked : {...checked, target: await judge.judge(source.format)}
}

function twice(): UsageError {
  return new UsageError('a log is read once more to judge what a server does with it, and a pipe is not: save it first')
}

/** The same of an RDB file that is open; it is closed. */
export async function checkSource(source: ByteSource, options: CheckOptions = {}, path = '-'): Promise<Check> {
  return await checkEntries(new RdbReader(source, {ignoreChecksum: true}), options, path)
}

/** The same of a source that is open; it is closed. `path` is where its bytes can be read again, if they can. */
export async function checkEntries(source: EntrySource, options: CheckOptions = {}, path = '-'): Promise<Check> {
  try {
    if (source instanceof RdbReader && (await isForThreads(source, options, path))) {
      const {source: bytes} = source
      const soundness = await withIndexes(source, options, checking => checking.runInSegments(bytes, path))
      if (soundness !== undefined) return {soundness, failure: undefined}
      // What ends the reading early is told with all that was found until then: by one thread, from the beginning.
      const again = await openEntries(path, {ignoreChecksum: true})
      options.onOpen?.(again.source)
      return await checkEntries(again, {...options, threads: 1}, path)
    }
    return await withIndexes(source, options, checking => checking.run(path))
  } catch (failure) {
    return {soundness: undefined, failure}
  } finally {
    await source.close()
  }
}

async function withIndexes<T>(
  source: EntrySource,
  options: CheckOptions,
  run: (checking: Checking) => Promise<T>,
): Promise<T> {
  const indexes = indexesFor(options)
  try {
    return await run(new Checking(source, options, indexes))
  } finally {
    indexes?.close()
  }
}

/** Of a snapshot that can be read again; a server is judged by what one reader sees. */
async function isForThreads(source: RdbReader, options: CheckOptions, path: string): Promise<boolean> {
  const isAlone = options.judge === undefined && rereadable(path, source) !== undefined
  return isAlone && (await paysInSegments(source.source, options))
}

class Checking {
  #origin: SourceOrigin | undefined
  #end: SourceEnd | undefined

  constructor(
    readonly source: EntrySource,
    readonly options: CheckOptions,
    readonly indexes: CheckIndexes | undefined,
  ) {}

  /** Throws where the input is no source. */
  async run(name: string): Promise<Check> {
    const {source, options, indexes} = this
    const stored = source instanceof RdbReader ? await storedPlaces(source) : placesOf(source)
    const visitor = new SoundnessVisitor({
      ...stored,
      problemsMax: options.problemsMax ?? PROBLEMS_MAX,
      keys: indexes?.keys,
      elements: indexes?.elements,
      ignoreChecksum: options.ignoreChecksum,
    })
    let failure = await this.#read(visitor)
    if (indexes !== undefined) {
      try {
        const path = rereadable(name, source)
        await reportDuplicates(visitor, {...indexes, source, header: stored.header, path, bytes: this.#inputBytes})
      } catch (error) {
        failure ??= error
      }
    }
    const end = source instanceof RdbReader ? source.end : undefined
    return {soundness: this.#result(visitor, stored.header, end), failure}
  }

  /** The same by several threads; undefined where something ends that early. */
  async runInSegments(bytes: ByteSource, path: string): Promise<Soundness | undefined> {
    const {source, options, indexes} = this
    try {
      const {problemsMax = PROBLEMS_MAX} = options
      const {visitor, header, end} = await checkInSegments(bytes, {...options, problemsMax}, indexes)
      const search = indexes && {...indexes, source, header, path, bytes: this.#inputBytes}
      if (search !== undefined) await reportDuplicates(visitor, search)
      return this.#result(visitor, header, end)
    } catch (error) {
      if (error instanceof PlacedError || error instanceof OneThreadError || isSystemError(error)) return undefined
      throw error
    }
  }

  get #inputBytes(): number {
    const {inputBytes, storedBytes} = this.source.source
    return inputBytes ?? storedBytes
  }

  #result({findings, huge, keys}: SoundnessVisitor, header: RdbHeader | undefined, end: RdbEnd | undefined): Soundness {
    const {source, indexes} = this
    return {
      format: source.format,
      header,
      rdbVersion: header?.rdbVersion ?? this.#origin?.rdbVersion,
      checksum: (end ?? this.#end)?.checksum,
      keys,
      bytes: end?.bytes ?? Math.min(source.offset, this.#inputBytes),
      inputBytes: this.#inputBytes,
      errors: findings.errors,
      warnings: findings.warnings,
      problems: findings.kept(),
      counts: findings.counts(),
      duplicatesChecked: indexes !== undefined,
      collectionsUnchecked: huge.skipped,
    }
  }

  /** Reads to the end, or to where the framing is lost. Returns what is not a matter of wrong bytes. */
  async #read(visitor: SoundnessVisitor): Promise<unknown> {
    const {source} = this
    try {
      this.#origin = await source.origin()
      this.#end = await source.run(visitor)
      visitor.finish(source instanceof RdbReader ? source.end!.bytes : source.offset)
      return undefined
    } catch (error) {
      // What stops the reading before anything was read is no damage: the input is something else.
      const nothing = source.format !== 'rdb' && visitor.keys + visitor.others === 0
      if (nothing && !isWithin(error)) throw error
      if (!(error instanceof PlacedError)) return error
      this.#lost(error, visitor)
      // What is stored in a way that no server knows is damage to all of them.
      return error instanceof UnsupportedError && error.code !== 'UNKNOWN_ENCODING' ? error : undefined
    }
  }

  /** Nothing says where the next record begins. */
  #lost(error: PlacedError, visitor: SoundnessVisitor): void {
    const {code} = error
    const {recordOffset, ...place} = error.place
    const rest = this.#inputBytes - (recordOffset ?? error.offset)
    const bytesLost = Number.isFinite(rest) ? Math.max(rest, 0) : undefined
    const text = `${error.message}; what follows could not be read`
    const problem = {code, severity: 'error', offset: error.offset, text, ...place, bytesLost} as const
    visitor.findings.add(problem)
  }
}

type Places = Pick<SoundnessOptions, 'header' | 'position' | 'recordStart'>

/** Throws where the input is no RDB file. */
async function storedPlaces(reader: RdbReader): Promise<Places> {
  return {
    header: await reader.readHeader(),
    position: () => reader.offset,
    recordStart: () => reader.recordOffset,
  }
}

/** JSON lines are shown as they are read; of rows and commands only the places of whole ones are known. */
function placesOf(source: EntrySource): Places {
  return source.format === 'jsonl' ? {position: () => source.offset} : {}
}

/** What it is about was recognised, though it may be the first of all. */
function isWithin(error: unknown): boolean {
  return error instanceof PlacedError && (error.code === 'TRUNCATED' || error.place.key !== undefined)
}

/** The path of a plain file, where offsets can be read again. */
function rereadable(name: string, {source, format}: EntrySource): string | undefined {
  const {storedBytes, inputBytes = storedBytes} = source
  // A log is of several files, or changes what it has said.
  const plain = storedBytes === inputBytes && Number.isFinite(inputBytes) && format !== 'aof'
  return plain && name !== '-' ? name : undefined
}
