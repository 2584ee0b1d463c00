/**
 * The files that a log is made of, in the order in which they are loaded: one
 * alone up to Redis 6.2; a folder with a manifest from 7.0 on.
 */
import {readdir, readFile, stat} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'
import {isUnpublished} from '../bytes/unpublished.js'
import {FormatError, UnsupportedError, UsageError} from '../errors.js'
import {type Manifest, parseManifest} from './manifest.js'
import {LOG_FOLDER} from './naming.js'

const MANIFEST = '.manifest'
/** What a server leaves when it is stopped in the middle of its work. */
const TEMPORARY = /^temp-/

/** What servers call a log in their folder unless told otherwise: from 7.0 on, and before. */
const DEFAULT_NAMES = [LOG_FOLDER, 'appendonly.aof']
/** A file of a folder with a manifest. */
const PART = /\.(base\.(rdb|aof)|incr\.aof)$/
const LOST_ADVICE =
  'restore the manifest, or write it anew in a copy, a line for each file in the order of their numbers: file NAME seq NUMBER type b (base) or i (incr)'

export interface ChainFile {
  path: string
  /** Within its folder. */
  name: string
  type: 'base' | 'incr'
}

export interface Chain {
  /** The folder, or the file where there is one alone. */
  path: string
  /** Undefined where the log is one file. */
  manifestPath: string | undefined
  manifest: Manifest | undefined
  files: ChainFile[]
  /** Other files that look like parts of a log: not loaded by any server. */
  strays: string[]
}

/** The log that is one file. */
export function chainOfFile(path: string): Chain {
  const files: ChainFile[] = [{path, name: basename(path), type: 'base'}]
  return {path, manifestPath: undefined, manifest: undefined, files, strays: []}
}

/**
 * The log in a folder, or of a manifest. Throws UnsupportedError where a folder has no manifest, UsageError where it has
 * several, FormatError for what is wrong in one, and where a file is not there that must be.
 */
export async function openChain(path: string): Promise<Chain> {
  const chain = await readChain(path)
  for (const {path: file} of chain.files) await mustBeThere(chain, file)
  return chain
}

/** The same as its manifest names it: nobody has looked whether the files are there. */
export async function readChain(path: string): Promise<Chain> {
  const manifestPath = await findManifest(path)
  const folder = dirname(manifestPath)
  const manifest = parseManifest(await readFile(manifestPath))
  const {base, increments, history} = manifest
  const files: ChainFile[] = []
  if (base !== undefined) files.push({path: join(folder, base.name), name: base.name, type: 'base'})
  for (const {name} of increments) files.push({path: join(folder, name), name, type: 'incr'})
  const known = new Set([...files, ...history].map(({name}) => name))
  const beside = (await readdir(folder)).filter(name => !isUnpublished(join(folder, name)))
  const strays = beside.filter(name => isStray(name, basename(manifestPath), known)).sort()
  return {path: folder, manifestPath, manifest, files, strays}
}

function isStray(name: string, manifestName: string, known: ReadonlySet<string>): boolean {
  const stem = manifestName.slice(0, -MANIFEST.length)
  // What was being written when somebody killed us.
  const isUnfinished = name.startsWith(`.${stem}`) && name.endsWith('.tmp')
  return isUnfinished || (name.startsWith(stem) && name !== manifestName && !known.has(name))
}

/** Where the manifest of a log lies: in its folder, or it is what was named. */
export async function findManifest(folder: string): Promise<string> {
  if (!(await stat(folder)).isDirectory()) return folder
  const beside = await readdir(folder)
  const names = beside.filter(name => name.endsWith(MANIFEST) && !TEMPORARY.test(name)).sort()
  if (names.length === 1) return join(folder, names[0]!)
  if (names.length > 1) throw new UsageError(`${folder} has several manifests: name one of ${names.join(', ')}`)
  throw noManifest(folder, beside)
}

/** A folder that somebody took for a log: where the log is, if one is seen. */
function noManifest(folder: string, names: readonly string[]): UnsupportedError {
  const part = names.find(name => PART.test(name))
  const text =
    part === undefined
      ? 'this is a folder, and no append-only one: it has no manifest'
      : `this folder has a part of a log, ${part}, and no manifest that names it`
  const error = new UnsupportedError('UNKNOWN_CONTAINER', text, 0)
  const log = DEFAULT_NAMES.find(name => names.includes(name))
  if (log !== undefined) error.advice = `the log of a server is within it: name ${join(folder, log)}`
  else if (part !== undefined) error.advice = LOST_ADVICE
  return error
}

/** Throws FormatError where a file of the log is not there. */
export async function mustBeThere({manifestPath}: Chain, path: string): Promise<void> {
  try {
    await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || manifestPath === undefined) throw error
    const [manifest, name] = [basename(manifestPath), basename(path)]
    const text = `${manifest} names the file ${name}, which is not there: servers do not start without it`
    throw new FormatError('BAD_MANIFEST', text, 0)
  }
}
