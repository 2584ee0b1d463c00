/**
 * The manifest of an append-only folder (redis 7.0 aof.c, aofLoadManifestFromFile):
 * which files the log is made of.
 *
 *   line    file <name> seq <n> type <b | h | i> [<key> <value>]*   LF
 *           # ...                                                   LF
 *
 * Tokens may be quoted like a line of a configuration: "..." with \n \r \t \a \b
 * \\ \" \xNN, '...' with \'. Keys are of any case; those that are not known are kept.
 */
import {FormatError} from '../errors.js'

/** b: what the log begins with; i: what came after; h: superseded, to be deleted. */
export type LogFileType = 'b' | 'h' | 'i'

export interface ManifestFile {
  /** Within the manifest's own folder. */
  name: string
  sequence: number
  type: LogFileType
  /** Replication offset at which it begins (redis 8.0). */
  startOffset?: number | undefined
  /** ... and at which it ends. */
  endOffset?: number | undefined
  /** Further keys and values, in their order. */
  others: [key: string, value: string][]
}

export interface Manifest {
  base: ManifestFile | undefined
  /** Superseded. */
  history: ManifestFile[]
  /** In the order of their sequence, as they are loaded. */
  increments: ManifestFile[]
}

/** A server reads no longer line. */
const LINE_BYTES_MAX = 1024
const TYPES: readonly string[] = ['b', 'h', 'i'] satisfies LogFileType[]

/** Reads a manifest. Throws FormatError, with the byte offset, for what servers refuse. */
export function parseManifest(bytes: Uint8Array): Manifest {
  if (bytes.length === 0) throw new FormatError('EMPTY_INPUT', 'the manifest is empty', 0)
  const manifest: Manifest = {base: undefined, history: [], increments: []}
  const text = Buffer.from(bytes).toString('latin1')
  let number = 0
  for (let start = 0; start < text.length; ) {
    number++
    const end = text.indexOf('\n', start)
    const where = `line ${number} of the manifest`
    if (end < 0) throw manifestError(`${where} does not end in a line feed`, start)
    if (end - start > LINE_BYTES_MAX) throw manifestError(`${where} has more than ${LINE_BYTES_MAX} bytes`, start)
    const line = text.slice(start, end).trim()
    if (line === '') throw manifestError(`${where} is empty`, start)
    if (!line.startsWith('#')) addFile(manifest, parseLine(line, where, start), where, start)
    start = end + 1
  }
  return manifest
}

function manifestError(message: string, offset: number): FormatError {
  return new FormatError('BAD_MANIFEST', message, offset)
}

function parseLine(line: string, where: string, offset: number): ManifestFile {
  const tokens = splitTokens(line)
  if (tokens === undefined) throw manifestError(`${where} has quotes that do not match`, offset)
  if (tokens.length < 6 || tokens.length % 2 !== 0) {
    throw manifestError(`${where} is not made of keys and values, of which file, seq and type must be there`, offset)
  }
  const file: ManifestFile = {name: '', sequence: 0, type: 'i', others: []}
  let type: string | undefined
  for (let i = 0; i < tokens.length; i += 2) {
    const [key, value] = [tokens[i]!, tokens[i + 1]!]
    switch (key.toLowerCase()) {
      case 'file':
        if (!isBaseName(value))
          throw manifestError(`${where} names ${JSON.stringify(value)}, which leads out of the folder`, offset)
        file.name = value
        break
      case 'seq':
        file.sequence = wholeNumber(value) ?? 0
        break
      case 'type':
        type = value
        break
      case 'startoffset':
        file.startOffset = wholeNumber(value)
        break
      case 'endoffset':
        file.endOffset = wholeNumber(value)
        break
      default:
        file.others.push([key, value])
    }
  }
  if (file.name === '' || file.sequence <= 0 || type === undefined) {
    throw manifestError(`${where} lacks a file, a seq above zero or a type`, offset)
  }
  if (!TYPES.includes(type)) throw manifestError(`${where} has the type ${JSON.stringify(type)}, not b, h or i`, offset)
  return {...file, type: type as LogFileType}
}

function wholeNumber(text: string): number | undefined {
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? value : undefined
}

/** A name within the folder, and nothing else. */
export function isBaseName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name)
}

function addFile(manifest: Manifest, file: ManifestFile, where: string, offset: number): void {
  if (file.type === 'b') {
    if (manifest.base !== undefined) throw manifestError(`${where} names a second base`, offset)
    manifest.base = file
  } else if (file.type === 'h') {
    manifest.history.push(file)
  } else {
    const last = manifest.increments.at(-1)
    if (last !== undefined && file.sequence <= last.sequence) {
      throw manifestError(`${where} has the sequence ${file.sequence} behind ${last.sequence}: it must rise`, offset)
    }
    manifest.increments.push(file)
  }
}

const ESCAPES: Readonly<Record<string, string>> = {n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07'}

/** Tokens of a line as a server's configuration has them; undefined where quotes do not match. */
function splitTokens(line: string): string[] | undefined {
  const tokens: string[] = []
  for (let rest = line.trimStart(); rest !== ''; rest = rest.trimStart()) {
    const match = /^(?:"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|([^\s"']+))(?=\s|$)/.exec(rest)
    if (match === null) return undefined
    const [whole, double, single, plain] = match
    if (double !== undefined) {
      tokens.push(
        double.replace(/\\(?:x([0-9a-fA-F]{2})|([\s\S]))/g, (_, hex: string | undefined, other: string) =>
          hex === undefined ? (ESCAPES[other] ?? other) : String.fromCharCode(Number.parseInt(hex, 16)),
        ),
      )
    } else {
      tokens.push(single?.replaceAll("\\'", "'") ?? plain!)
    }
    rest = rest.slice(whole.length)
  }
  // One byte a character so far.
  return tokens.map(token => Buffer.from(token, 'latin1').toString('utf8'))
}

/** As servers write it: base, history, increments. */
export function formatManifest({base, history, increments}: Manifest): string {
  const files = [...(base === undefined ? [] : [base]), ...history, ...increments]
  return files.map(formatFile).join('')
}

function formatFile({name, sequence, type, startOffset, endOffset, others}: ManifestFile): string {
  const pairs: [string, string][] = [
    ['file', name],
    ['seq', String(sequence)],
    ['type', type],
  ]
  if (startOffset !== undefined) pairs.push(['startoffset', String(startOffset)])
  if (endOffset !== undefined) pairs.push(['endoffset', String(endOffset)])
  return `${[...pairs, ...others].map(([key, value]) => `${key} ${quoted(value)}`).join(' ')}\n`
}

/** A value that has other characters than a plain word is quoted, byte by byte where it must be. */
function quoted(value: string): string {
  if (/^[\w.:+-]+$/.test(value)) return value
  const bytes = Buffer.from(value).toString('latin1')
  return `"${bytes.replace(/[\\"]|[^ -~]/g, found => (found === '"' || found === '\\' ? `\\${found}` : escaped(found)))}"`
}

function escaped(character: string): string {
  const name = Object.entries(ESCAPES).find(([, one]) => one === character)?.[0]
  return name === undefined ? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}` : `\\${name}`
}
