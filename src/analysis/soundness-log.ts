/**
 * What a check of an append-only log comes to beside its problems: its files,
 * and what a server that starts from it does.
 */
import type {TornBy} from '../aof/log-reader.js'
import type {Problem} from '../keyspace/visitor.js'

/** One file of the log, in the order in which they are loaded. */
export interface LogFileSoundness {
  name: string
  type: 'base' | 'incr'
  /** Infinity where nobody knows. */
  bytes: number
  /** Of the snapshot that it begins with; 0: it begins with none. */
  preambleBytes: number
  /** Of that snapshot: no server starts from it unless `rdbchecksum` is `no`. */
  checksumWrong: boolean
  /** Of that snapshot, its checksum apart: what stands in a frame that is sound can be damaged all the same. */
  snapshotErrors: number
  commands: number
  /** Seconds since 1970, as annotations say (aof-timestamp-enabled). */
  firstTimestamp: number | undefined
  lastTimestamp: number | undefined
  /** Behind the last whole command that is in no unfinished transaction. */
  goodOffset: number
  /** What is not whole at the end. */
  torn: TornBy | undefined
  /** Where whole commands begin again within what is torn: a length in it is damaged. */
  wholeWithin: number | undefined
  /** It is not there, or its end was not reached. */
  broken: boolean
  /** What no server gets past, whatever it makes of the snapshot: the first of its commands that none takes, or its absence. */
  stop: Problem | undefined
}

/**
 * What a server does with aof-load-truncated at its default:
 *
 *   starts     all is loaded
 *   truncates  the end of the last file is cut off, and lost
 *   refuses    it does not start
 */
export type StartOutcome = 'starts' | 'truncates' | 'refuses'

export interface LogSoundness {
  files: LogFileSoundness[]
  outcome: StartOutcome
  /** Bytes that are cut off at the end of the last file. */
  truncatedBytes: number
}

/** Problems that servers end at while they load a log: any error but that its last file is torn, and a checksum that is wrong. */
export function startOutcome(files: LogFileSoundness[], errors: number): LogSoundness {
  const last = files.at(-1)
  const torn = last !== undefined && !last.broken && (last.torn === 'command' || last.torn === 'transaction')
  const checksumWrong = files.some(one => one.checksumWrong)
  if (checksumWrong || errors > (torn ? 1 : 0)) return {files, outcome: 'refuses', truncatedBytes: 0}
  if (!torn) return {files, outcome: 'starts', truncatedBytes: 0}
  return {files, outcome: 'truncates', truncatedBytes: last.bytes - last.goodOffset}
}
