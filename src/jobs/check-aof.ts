/**
 * check of an append-only log: every file of it to its end, whatever is wrong in
 * the ones before. The snapshot that it begins with is verified like any other;
 * commands are framed and known, and not replayed.
 */
import {stat} from 'node:fs/promises'
import {basename} from 'node:path'
import {type Soundness, SoundnessVisitor} from '../analysis/soundness.js'
import {addCounts, Findings} from '../analysis/soundness-findings.js'
import {type LogFileSoundness, startOutcome} from '../analysis/soundness-log.js'
import {type Chain, type ChainFile, findManifest, readChain} from '../aof/chain.js'
import {wholeWithinTorn} from '../aof/command-search.js'
import {type LogEnd, LogReader, TORN_WORDS} from '../aof/log-reader.js'
import type {ByteSource} from '../bytes/source.js'
import {FormatError, PlacedError, UnsupportedError} from '../errors.js'
import type {EntryVisitor, Problem} from '../keyspace/visitor.js'
import type {RdbReader} from '../rdb/reader.js'
import {commandJudge} from '../replay/command-judge.js'
import {openSource} from '../source/open.js'
import {CommandSoundness} from './check-aof-commands.js'
import {reportDuplicates} from './check-duplicates.js'
import {type Check, type CheckIndexes, type CheckOptions, indexesFor, PROBLEMS_MAX} from './check-options.js'

/** Checks a folder, or what a manifest names. Never throws for what it holds. */
export async function checkFolder(path: string, options: CheckOptions): Promise<Check> {
  try {
    return await checkLog(await readChain(path), options, openSource)
  } catch (failure) {
    if (!(failure instanceof FormatError)) return {soundness: undefined, failure}
    return {soundness: manifestProblems(await findManifest(path), failure), failure: undefined}
  }
}

/** Checks the files of a log. `named`: they have names, under which they can be read again. */
export async function checkLog(
  chain: Chain,
  options: CheckOptions,
  openFile: OpenLogFile,
  named = true,
): Promise<Check> {
  return await new LogChecking(chain, options, openFile, named).run()
}

type OpenLogFile = (path: string) => Promise<ByteSource>

/** What the check of one file found. */
interface Part {
  file: LogFileSoundness
  /** Of its snapshot, and of its commands. */
  findings: Findings[]
  snapshot: SoundnessVisitor | undefined
}

class LogChecking {
  readonly #parts: Part[] = []
  #checksum: Soundness['checksum'] = 'absent'
  #rdbVersion: number | undefined
  #failure: unknown
  #bytes = 0
  #source: ByteSource | undefined
  #readBefore = 0
  readonly #beside: Findings

  constructor(
    readonly chain: Chain,
    readonly options: CheckOptions,
    readonly openFile: OpenLogFile,
    readonly named: boolean,
  ) {
    this.#beside = this.#newFindings()
  }

  async run(): Promise<Check> {
    const {files, strays} = this.chain
    const sizes = new Map<ChainFile, number | undefined>()
    for (const file of files) sizes.set(file, await this.#sizeOf(file))
    const storedBytes = [...sizes.values()].reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0)
    this.#show(storedBytes)
    for (const name of strays) {
      const text = `${name} is beside the log, and no part of it: the manifest does not name it`
      this.#beside.inFile('STRAY_FILE', 'warning', 0, text)
    }
    for (const file of files) {
      const bytes = sizes.get(file)
      if (bytes === undefined) this.#missing(file)
      else await this.#file(file)
    }
    return {soundness: this.#result(), failure: this.#failure}
  }

  /** Undefined: it is not there. Of what is no file of its own, nobody knows. */
  async #sizeOf({path}: ChainFile): Promise<number | undefined> {
    if (this.chain.manifest === undefined) return 0
    try {
      return (await stat(path)).size
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  #show(storedBytes: number): void {
    const read = (): number => this.#readBefore + (this.#source?.storedRead ?? 0)
    const known = this.chain.manifest === undefined ? (): number => this.#source?.storedBytes ?? 0 : () => storedBytes
    this.options.onOpen?.({
      name: this.chain.path,
      get storedRead() {
        return read()
      },
      get storedBytes() {
        return known()
      },
    })
  }

  #missing(file: ChainFile): void {
    const findings = this.#newFindings()
    const manifest = basename(this.chain.manifestPath!)
    const text = `${manifest} names this file, and it is not there: servers do not start without it`
    findings.inFile('MISSING_FILE', 'error', 0, text)
    const stop: Problem = {code: 'MISSING_FILE', severity: 'error', offset: 0, text}
    this.#parts.push({file: {...emptyFile(file), broken: true, stop}, findings: [findings], snapshot: undefined})
    this.#checksum = undefined
  }

  async #file(file: ChainFile): Promise<void> {
    try {
      const source = await this.openFile(file.path)
      this.#source = source
      try {
        await this.#read(file, source)
      } finally {
        this.#readBefore += source.storedRead
        this.#source = undefined
        await source.close()
      }
    } catch (failure) {
      this.#checksum = undefined
      this.#failure ??= failure
    }
  }

  async #read(file: ChainFile, source: ByteSource): Promise<void> {
    const findings = this.#newFindings()
    const part: Part = {file: emptyFile(file), findings: [findings], snapshot: undefined}
    this.#parts.push(part)
    const reader = new LogReader(source, {ignoreChecksum: true})
    const commands = new CommandSoundness(findings)
    const snapshot = new SnapshotChecking(this.options)
    try {
      const end = await reader.run({
        command: command => commands.command(command),
        preamble: async inner => {
          const visitor = await snapshot.begin(inner)
          part.snapshot = visitor
          part.findings.unshift(visitor.findings)
          return visitor
        },
        problem: problem => findings.add(problem),
      })
      const wholeWithin =
        this.named && end.torn === 'command' ? await wholeCommandsIn(file, source, reader.offset) : undefined
      this.#ended(part, end, file === this.chain.files.at(-1), wholeWithin)
      if (end.preamble !== undefined) this.#checksum = end.preamble.checksum
    } catch (error) {
      if (!(error instanceof PlacedError)) throw error
      this.#lost(part, error, reader, snapshot.reader !== undefined)
    } finally {
      part.file.stop = commands.stop ?? part.file.stop
      part.file.snapshotErrors = part.snapshot?.findings.errors ?? 0
      this.#rdbVersion ??= snapshot.reader?.header?.rdbVersion
      this.#bytes += Math.min(reader.offset, source.inputBytes)
      await snapshot.finish(source)
    }
  }

  /** Behind what is damaged nothing says where the next command begins. `begun`: the file begins with a snapshot. */
  #lost(part: Part, error: PlacedError, reader: LogReader, begun: boolean): void {
    const {inputBytes} = reader.source
    const {code, offset, message} = error
    const {file: _, recordOffset: __, ...place} = error.place
    const bytesLost = Number.isFinite(inputBytes) ? Math.max(inputBytes - offset, 0) : undefined
    const text = `${message}; what follows in this file could not be read`
    const problem: Problem = {code, severity: 'error', offset, text, ...place, bytesLost}
    part.findings.at(-1)!.add(problem)
    const stop = begun && reader.sofar.preamble === undefined ? undefined : problem
    part.file = {...part.file, ...factsOf(reader.sofar), bytes: inputBytes, broken: true, stop}
    this.#checksum = undefined
    if (error instanceof UnsupportedError && error.code !== 'UNKNOWN_ENCODING') this.#failure ??= error
  }

  #ended(part: Part, end: LogEnd, isLast: boolean, wholeWithin: number | undefined): void {
    part.file = {...part.file, ...factsOf(end), bytes: end.bytes, wholeWithin}
    const {torn, goodOffset, bytes, preamble, commands} = end
    if (torn === undefined) return
    const findings = part.findings.at(-1)!
    const what = TORN_WORDS[torn]
    const bytesLost = bytes - goodOffset
    const severity = torn === 'annotation' ? 'warning' : 'error'
    let then = 'servers cut the rest off and start, unless aof-load-truncated is no'
    if (torn === 'annotation') then = 'servers do not mind'
    else if (!isLast) then = 'servers do not start: another file follows this one'
    else if (preamble !== undefined && commands === 0) then = `${then}; redis 7.0 to 8.0 cut off the snapshot as well`
    let problem: Problem = {code: 'LOG_TORN', severity, offset: goodOffset, text: `${what}: ${then}`, bytesLost}
    if (wholeWithin !== undefined) {
      const where = `whole commands begin again at byte ${wholeWithin}`
      const text = `a length in this command leads behind the end of the file, but ${where}: it is damaged; ${then}`
      problem = {...problem, code: 'BAD_COMMAND', text}
    }
    findings.add(problem)
    if (severity === 'error' && !isLast) part.file.stop = problem
  }

  #newFindings(): Findings {
    return new Findings(this.options.problemsMax ?? PROBLEMS_MAX)
  }

  #result(): Soundness {
    const all = [this.#beside, ...this.#parts.flatMap(({findings}) => findings)]
    const sum = (of: (findings: Findings) => number): number => all.reduce((total, one) => total + of(one), 0)
    const errors = sum(one => one.errors)
    const files = this.#parts.map(({file}) => file)
    return {
      format: 'aof',
      header: undefined,
      rdbVersion: this.#rdbVersion,
      checksum: this.#checksum,
      keys: this.#parts.reduce((total, {snapshot}) => total + (snapshot?.keys ?? 0), 0),
      bytes: this.#bytes,
      inputBytes: files.reduce((total, {bytes}) => total + bytes, 0),
      errors,
      warnings: sum(one => one.warnings),
      problems: [...this.#beside.kept(), ...this.#parts.flatMap(part => this.#problemsOf(part))],
      counts: addCounts(all.map(one => one.counts())),
      duplicatesChecked: this.options.duplicates !== false,
      collectionsUnchecked: this.#parts.reduce((total, {snapshot}) => total + (snapshot?.huge.skipped ?? 0), 0),
      log: startOutcome(files, errors),
    }
  }

  #problemsOf({file, findings}: Part): Problem[] {
    const place = this.chain.manifest === undefined ? {} : {file: file.name}
    const problems = findings.flatMap(one => one.kept()).map(problem => ({...problem, ...place}))
    return problems.sort((a, b) => a.offset - b.offset)
  }
}

/** The snapshot that a file of the log begins with. */
class SnapshotChecking {
  reader: RdbReader | undefined
  #visitor: SoundnessVisitor | undefined
  readonly #indexes: CheckIndexes | undefined

  constructor(readonly options: CheckOptions) {
    this.#indexes = indexesFor(options)
  }

  async begin(reader: RdbReader): Promise<SoundnessVisitor & EntryVisitor> {
    this.reader = reader
    const {problemsMax = PROBLEMS_MAX, ignoreChecksum} = this.options
    this.#visitor = new SoundnessVisitor({
      header: await reader.readHeader(),
      position: () => reader.offset,
      recordStart: () => reader.recordOffset,
      ...{problemsMax, ignoreChecksum, keys: this.#indexes?.keys, elements: this.#indexes?.elements},
    })
    return this.#visitor
  }

  /** The file has been read, or as much of it as could be. */
  async finish({path, storedBytes, inputBytes}: ByteSource): Promise<void> {
    const [indexes, visitor, reader] = [this.#indexes, this.#visitor, this.reader]
    try {
      if (visitor === undefined || reader === undefined) return
      if (reader.end !== undefined) visitor.finish(reader.end.bytes)
      if (indexes === undefined) return
      const plain = storedBytes === inputBytes && Number.isFinite(inputBytes) ? path : undefined
      const {keys, elements} = indexes
      const search = {keys, elements, source: reader, header: reader.header, path: plain, bytes: inputBytes}
      await reportDuplicates(visitor, search)
    } finally {
      indexes?.close()
    }
  }
}

/** Undefined of what can be read once only, too: there nobody can look back. */
async function wholeCommandsIn({path}: ChainFile, source: ByteSource, from: number): Promise<number | undefined> {
  const {storedBytes, inputBytes} = source
  if (storedBytes !== inputBytes || !Number.isFinite(inputBytes)) return undefined
  return await wholeWithinTorn(path, from, inputBytes, commandJudge)
}

function emptyFile({name, type}: ChainFile): LogFileSoundness {
  return {
    name,
    type,
    bytes: 0,
    ...factsOf(NOTHING),
    wholeWithin: undefined,
    broken: false,
    snapshotErrors: 0,
    stop: undefined,
  }
}

const NOTHING: LogEnd = {
  ...{preamble: undefined, commands: 0, bytes: 0, goodOffset: 0, torn: undefined},
  ...{stopped: false, firstTimestamp: undefined, lastTimestamp: undefined},
}

function factsOf(
  end: Readonly<LogEnd>,
): Pick<
  LogFileSoundness,
  'preambleBytes' | 'checksumWrong' | 'commands' | 'firstTimestamp' | 'lastTimestamp' | 'goodOffset' | 'torn'
> {
  const {preamble, commands, firstTimestamp, lastTimestamp, goodOffset, torn} = end
  const checksumWrong = preamble?.checksum === 'mismatch'
  return {preambleBytes: preamble?.bytes ?? 0, checksumWrong, commands, firstTimestamp, lastTimestamp, goodOffset, torn}
}

/** A manifest that no server reads: nothing else is known of its log. */
function manifestProblems(path: string, error: FormatError): Soundness {
  const {code, offset, message} = error
  const text = `${message}: servers do not start from it`
  const problem: Problem = {code, severity: 'error', offset, file: basename(path), text}
  return {
    ...{format: 'aof', header: undefined, rdbVersion: undefined, checksum: undefined, keys: 0, bytes: 0},
    ...{inputBytes: 0, errors: 1, warnings: 0, problems: [problem], counts: [{code, severity: 'error', count: 1}]},
    ...{duplicatesChecked: false, collectionsUnchecked: 0, log: startOutcome([], 1)},
  }
}
