/**
 * What a load reads: nothing is sent before all of it has been read to a good end, and is known to be what the server can
 * hold. One snapshot file whose values the server takes as they are stored is looked through, and read again; anything
 * else is first built into a temporary snapshot for that server.
 */
import {open as openFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {FileTarget} from '../bytes/target.js'
import type {Entry, ValueType} from '../keyspace/entry.js'
import type {EntrySource} from '../keyspace/entry-source.js'
import {LossReport, type Lost} from '../keyspace/loss-report.js'
import type {PassedEntries, Passer} from '../keyspace/passer.js'
import {type EntryVisitor, type ModuleAux, type Problem, SKIP, ValueVisitor} from '../keyspace/visitor.js'
import {canCopy} from '../rdb/copying.js'
import {takesKeyMeta} from '../rdb/record-head.js'
import type {Target} from '../rdb/targets.js'
import {isServerUrl} from '../resp/address.js'
import {openEntries} from '../source/open.js'
import {sourcesOf} from '../source/shard-folder.js'
import {type BuildOptions, type Built, buildInto} from './build.js'
import {of} from './build-sources.js'
import {FUNCTIONS_VERSION_MIN} from './load-visitor.js'

export interface Looked {
  keys: number
  /** By which its bytes are known: how many there are, and the last of them, which are a checksum. */
  mark: string
  databases: number[]
  problems: Problem[]
  /** What no command carries. */
  lost: Lost[]
  /** Numbers of entries that are too large for one command. */
  large: Set<number>
}

/** Larger records of the types below go as several commands. */
const LARGE_BYTES = 32 * 1024 * 1024
const TYPES_OF_COMMANDS: ReadonlySet<ValueType> = new Set<ValueType>(['string', 'list', 'set', 'zset', 'hash'])

const MARK_BYTES = 16

/** A snapshot that was read to its end. */
export interface LoadSource extends Looked {
  /** What became of the sources on their way into it; undefined where it is the source itself. */
  built: Built | undefined
  open(): Promise<EntrySource>
  close(): Promise<void>
}

export type StageOptions = Omit<BuildOptions, 'out' | 'stream' | 'target' | 'logMark' | 'router'>

export async function prepareSource(name: string, target: Target, options: StageOptions): Promise<LoadSource> {
  if (mayBeDirect(name, options)) {
    const open = (): Promise<EntrySource> => openEntries(name, {ignoreChecksum: options.ignoreChecksum})
    const looked = await of(name, lookThrough(open, target, options, options.selection?.db))
    if (looked !== undefined) return {...looked, built: undefined, open, close: async () => {}}
  }
  return await stage(name, target, options)
}

/** Selections are judged, but nothing is changed or judged by its size: then a file can be read as it is. */
function mayBeDirect(name: string, {selection = {}, changes = {}}: StageOptions): boolean {
  if (name === '-' || isServerUrl(name) || sourcesOf([name]).length > 1) return false
  const bounded = selection.minBytes !== undefined || selection.maxBytes !== undefined
  const changed = changes.mapDb?.length || changes.renamePrefix?.length || (changes.expiry ?? 'keep') !== 'keep'
  return !bounded && !changed
}

/** Reads a source to its end; undefined where it is no snapshot, or the target does not take all as it is stored. */
async function lookThrough(
  open: () => Promise<EntrySource>,
  target: Target,
  options: Pick<StageOptions, 'onOpen'>,
  /** The databases that are chosen; absent: all. */
  chosen?: readonly number[] | undefined,
): Promise<Looked | undefined> {
  const source = await open()
  try {
    if (source.format !== 'rdb' || !Number.isFinite(source.source.storedBytes)) return undefined
    options.onOpen?.(source)
    const {family} = (await source.origin())!
    const visitor = new LookingVisitor(
      typeId => canCopy(typeId, family, target, false),
      target.rdbVersion >= FUNCTIONS_VERSION_MIN,
      takesKeyMeta(target),
    )
    await source.run(visitor)
    if (!visitor.copied) return undefined
    const {databases} = visitor.looked
    if (chosen !== undefined && chosen.length > 0)
      visitor.looked.databases = databases.filter(db => chosen.includes(db))
    return {
      ...visitor.looked,
      mark: await markOf(source.source.path ?? source.source.name),
      lost: visitor.losses.list(),
    }
  } finally {
    await source.close()
  }
}

/** The last bytes of a file: of a snapshot, or of what packed it, its checksum. */
async function markOf(path: string): Promise<string> {
  const file = await openFile(path)
  try {
    const {size} = await file.stat()
    const {buffer, bytesRead} = await file.read(Buffer.alloc(MARK_BYTES), 0, MARK_BYTES, Math.max(0, size - MARK_BYTES))
    return `${size}:${buffer.toString('hex', 0, bytesRead)}`
  } finally {
    await file.close()
  }
}

class LookingVisitor implements EntryVisitor {
  copied = true
  readonly looked: Omit<Looked, 'lost' | 'mark'> = {keys: 0, databases: [], problems: [], large: new Set()}
  readonly #sizes = new SizeVisitor(() => this.looked.large.add(this.looked.keys - 1))
  readonly losses = new LossReport()
  readonly #databases = new Set<number>()
  readonly passer: Passer

  constructor(
    readonly copies: (typeId: number) => boolean,
    /** Whether the target has functions, and key metadata. */
    readonly functions: boolean,
    readonly keyMeta: boolean,
  ) {
    let types = 0
    for (let type = 0; type < 32; type++) if (copies(type)) types |= 1 << type
    this.passer = {
      ...{deep: false, types, bytesEnd: LARGE_BYTES, elementsEnd: Number.POSITIVE_INFINITY, nowMs: 0},
      add: sums => this.#add(sums),
    }
  }

  #add({db, keys}: PassedEntries): void {
    this.looked.keys += keys
    this.#meet(db)
  }

  #meet(db: number): void {
    if (this.#databases.has(db)) return
    this.#databases.add(db)
    this.looked.databases.push(db)
  }

  entry(entry: Entry): ValueVisitor {
    this.looked.keys++
    this.#meet(entry.db)
    if (!this.copies(entry.typeId) || (entry.keyMeta !== undefined && !this.keyMeta)) this.copied = false
    return TYPES_OF_COMMANDS.has(entry.type) ? this.#sizes : SKIP
  }

  function(): void {
    if (!this.functions) this.copied = false
  }

  /** What servers refuse is built into what they take. */
  functionPreGa(): void {
    this.copied = false
  }

  moduleAux({module}: ModuleAux): void {
    this.losses.add({what: `what the module ${module} keeps beside its keys`, data: true, whole: false}, module)
  }

  problem(problem: Problem): void {
    this.looked.problems.push(problem)
  }
}

/** Tells of values that are large, and looks at nothing else. */
class SizeVisitor extends ValueVisitor {
  override readonly depth = 'skip'

  constructor(readonly onLarge: () => void) {
    super()
  }

  override end(entry: Entry): void {
    if (entry.recordBytes >= LARGE_BYTES) this.onLarge()
  }
}

async function stage(name: string, target: Target, options: StageOptions): Promise<LoadSource> {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString('hex')
  const file = FileTarget.create(join(tmpdir(), `rdbtool-load-${id}.rdb`))
  try {
    const built = await buildInto(file, [name], {...options, out: file.name, target: target.name, bare: true})
    await file.settled()
    const open = (): Promise<EntrySource> => openEntries(file.path)
    const looked = await lookThrough(open, target, {})
    return {...looked!, problems: [...built.warnings], built, open, close: () => file.abandon()}
  } catch (error) {
    await file.abandon()
    throw error
  }
}
