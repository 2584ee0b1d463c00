/**
 * What became of each file of a log that was salvaged.
 */
import type {ChainFile} from './chain.js'
import type {LogLoss, Piece} from './salvage-pieces.js'
import type {LogSurvey} from './survey.js'

/** Bytes and whole commands. */
export interface PastDamage {
  /** Of the first. */
  offset: number
  bytes: number
  commands: number
}

export interface SalvagedFile {
  name: string
  type: 'base' | 'incr'
  /** It is not there: the new manifest does not name it. */
  missing: boolean
  /** Of the source, unpacked. */
  bytes: number
  bytesKept: number
  bytesLost: number
  /** SELECT commands that were written so that what follows a loss is for its own database. */
  bytesAdded: number
  snapshotBytes: number
  /** The snapshot's checksum was wrong: zero is written in its place, which servers take for none. */
  checksumDropped: boolean
  commandsKept: number
  /** Whole ones: what else was in what is lost nobody knows. */
  commandsLost: number
  /** Kept, though no server that we know has them. */
  unknownCommands: number
  /** Where the first command of the file is that no server knows, if it is kept. */
  unknownOffset: number | undefined
  /** By offset. */
  lost: readonly LogLoss[]
  /** Behind damage: what may be kept of it, and was if that was asked for. */
  pastDamage: PastDamage | undefined
  /** The database that those are taken to be for: no SELECT says so, but the log names no other one. */
  databaseAssumed: number | undefined
}

export interface LogSalvage {
  out: string
  files: SalvagedFile[]
  /** Superseded files, and such as no manifest names: they are no part of the log. */
  leftOut: string[]
}

export function missingFile({name, type}: ChainFile): SalvagedFile {
  const bytes = {bytes: 0, bytesKept: 0, bytesLost: 0, bytesAdded: 0, snapshotBytes: 0, checksumDropped: false}
  const commands = {commandsKept: 0, commandsLost: 0, unknownCommands: 0}
  const unknown = {unknownOffset: undefined, pastDamage: undefined, databaseAssumed: undefined}
  return {name, type, missing: true, ...bytes, ...commands, lost: [], ...unknown}
}

export function salvagedFile({name, type}: ChainFile, survey: LogSurvey, keep: readonly Piece[]): SalvagedFile {
  const {bytes, snapshotBytes, checksumWrong, unknownCommands, unknownOffset = -1, pieces, damagedAt} = survey
  const behind = pieces.filter(({start}) => start >= damagedAt)
  const left = behind.filter(piece => !keep.includes(piece)).map(lossOf)
  const lost = joined([...survey.lost, ...left].sort((a, b) => a.offset - b.offset))
  const {bytes: bytesKept, commands: commandsKept} = sumOf(keep.map(lossOf))
  const {commands: commandsLost} = sumOf(lost)
  const past = behind.length === 0 ? undefined : {offset: behind[0]!.start, ...sumOf(behind.map(lossOf))}
  const counts = {
    bytes,
    bytesKept,
    bytesLost: bytes - bytesKept,
    bytesAdded: 0,
    snapshotBytes,
    checksumDropped: checksumWrong,
  }
  return {
    ...{name, type, missing: false, ...counts, commandsKept, commandsLost, unknownCommands, lost},
    unknownOffset: keep.some(({start, end}) => start <= unknownOffset && unknownOffset < end)
      ? unknownOffset
      : undefined,
    pastDamage: past,
    databaseAssumed: survey.databaseAssumed,
  }
}

/** Losses that follow each other for the same reason are one. */
function joined(losses: readonly LogLoss[]): LogLoss[] {
  const found: LogLoss[] = []
  for (const loss of losses) {
    const last = found.at(-1)
    if (last?.reason !== loss.reason || last.offset + last.bytes !== loss.offset) found.push({...loss})
    else {
      last.bytes += loss.bytes
      last.commands += loss.commands
    }
  }
  return found
}

function lossOf({start, end, commands}: Piece): LogLoss {
  return {offset: start, bytes: end - start, commands, reason: 'behind'}
}

function sumOf(parts: readonly LogLoss[]): {bytes: number; commands: number} {
  return {
    bytes: parts.reduce((sum, {bytes}) => sum + bytes, 0),
    commands: parts.reduce((sum, {commands}) => sum + commands, 0),
  }
}
