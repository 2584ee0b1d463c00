/**
 * check: open a source, verify what it holds to the last byte, and look for keys
 * that it holds twice.
 */
import {type Soundness, SoundnessVisitor} from '../analysis/soundness.js'
import type {ByteSource} from '../bytes/source.js'
import {PlacedError, UnsupportedError} from '../errors.js'
import {KEY_INDEX_BYTES, KeyIndex} from '../keyspace/key-index.js'
import {RdbReader} from '../rdb/reader.js'
import type {RdbHeader} from '../rdb/versions.js'
import type {OnFetch} from '../source/live.js'
import {openSource} from '../source/open.js'
import {reportDuplicates} from './check-duplicates.js'

export interface CheckOptions {
  /** Look for duplicate keys, and duplicate elements of huge collections; true unless told. */
  duplicates?: boolean | undefined
  /** Bytes of memory for that; more goes to a temporary file. */
  memoryBytes?: number | undefined
  /** Problems told of each severity; all are counted. */
  problemsMax?: number | undefined
  /** A wrong checksum is a warning. */
  ignoreChecksum?: boolean | undefined
  /** Told how far a running server's snapshot has arrived. */
  onFetch?: OnFetch | undefined
  /** Told of the source once it is open: to show how far the reading is. */
  onOpen?: ((source: ByteSource) => void) | undefined
}

export interface Check {
  /** What was verified, up to where it had to end; undefined where the input is no RDB file. */
  soundness: Soundness | undefined
  /** Why the input could not be checked, or not to its end: it cannot be opened, is no RDB file, or holds what is not known. */
  failure: unknown
}

export const PROBLEMS_MAX = 100

/** Of the memory, what the keys get; elements of huge collections get the rest. */
const KEYS_SHARE = 0.75

/** Never throws for what the input holds. */
export async function check(name: string, options: CheckOptions = {}): Promise<Check> {
  let source: ByteSource
  try {
    source = await openSource(name, options)
  } catch (failure) {
    return {soundness: undefined, failure}
  }
  options.onOpen?.(source)
  return await checkSource(source, options, source.path ?? name)
}

/** The same of a source that is open; it is closed. `path` is where its bytes can be read again, if they can. */
export async function checkSource(source: ByteSource, options: CheckOptions = {}, path = '-'): Promise<Check> {
  const reader = new RdbReader(source, {ignoreChecksum: true})
  const indexes = options.duplicates === false ? undefined : indexesOf(options.memoryBytes ?? KEY_INDEX_BYTES)
  try {
    return await new Checking(reader, source, options, indexes).run(path)
  } catch (failure) {
    return {soundness: undefined, failure}
  } finally {
    indexes?.keys.close()
    indexes?.elements.close()
    await source.close()
  }
}

interface Indexes {
  keys: KeyIndex
  elements: KeyIndex
}

function indexesOf(memoryBytes: number): Indexes {
  return {
    keys: new KeyIndex({memoryBytes: Math.floor(memoryBytes * KEYS_SHARE)}),
    elements: new KeyIndex({memoryBytes: Math.floor(memoryBytes * (1 - KEYS_SHARE))}),
  }
}

class Checking {
  constructor(
    readonly reader: RdbReader,
    readonly source: ByteSource,
    readonly options: CheckOptions,
    readonly indexes: Indexes | undefined,
  ) {}

  /** Throws where the input is no RDB file. */
  async run(name: string): Promise<Check> {
    const {reader, source, options, indexes} = this
    const header = await reader.readHeader()
    const visitor = new SoundnessVisitor({
      header,
      position: () => reader.offset,
      recordStart: () => reader.recordOffset,
      problemsMax: options.problemsMax ?? PROBLEMS_MAX,
      keys: indexes?.keys,
      elements: indexes?.elements,
      ignoreChecksum: options.ignoreChecksum,
    })
    let failure = await this.#read(visitor)
    if (indexes !== undefined) {
      try {
        await reportDuplicates(visitor, {...indexes, header, path: rereadable(name, source), bytes: source.inputBytes})
      } catch (error) {
        failure ??= error
      }
    }
    return {soundness: this.#result(header, visitor), failure}
  }

  #result(header: RdbHeader, {findings, huge, keys}: SoundnessVisitor): Soundness {
    const {reader, source, indexes} = this
    return {
      header,
      checksum: reader.end?.checksum,
      keys,
      bytes: reader.end?.bytes ?? Math.min(reader.offset, source.inputBytes),
      inputBytes: source.inputBytes,
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
    try {
      const {bytes} = await this.reader.run(visitor)
      visitor.finish(bytes)
      return undefined
    } catch (error) {
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
    const rest = this.source.inputBytes - (recordOffset ?? error.offset)
    const bytesLost = Number.isFinite(rest) ? Math.max(rest, 0) : undefined
    const text = `${error.message}; what follows could not be read`
    const problem = {code, severity: 'error', offset: error.offset, text, ...place, bytesLost} as const
    visitor.findings.add(problem)
  }
}

/** The path of a plain file, where offsets can be read again. */
function rereadable(name: string, source: ByteSource): string | undefined {
  const plain = source.storedBytes === source.inputBytes && Number.isFinite(source.inputBytes)
  return plain && name !== '-' ? name : undefined
}
