/**
 * What a master says before it streams: one line each, all forms of every version, parsed and sorted by what follows.
 *
 *   +FULLRESYNC <40 hex> <offset>   +CONTINUE [<40 hex>]   -<ERROR> ...     replies to PSYNC
 *   $<bytes>   $EOF:<40 hex>   -ERR ...                                    what announces the payload
 */
export const MARK_BYTES = 40
/** What is written for an id that nobody told. */
export const UNKNOWN_ID = '?'

/** What PSYNC was answered. A payload's header comes at once from the form that takes no arguments (SYNC). */
export type PsyncReply =
  | {kind: 'full'; replicationId: string; offset: number}
  | {kind: 'continue'; replicationId: string | undefined}
  | {kind: 'payload'; header: PayloadHeader}
  | {kind: 'error'}
  | {kind: 'unexpected'}

/** How the payload is framed: by its length, or by a mark behind it. */
export type PayloadHeader = {transfer: 'disk'; bytes: number} | {transfer: 'diskless'; mark: Uint8Array}

export function parsePsyncReply(line: string): PsyncReply {
  const header = parsePayloadHeader(line)
  if (header !== undefined) return {kind: 'payload', header}
  if (line.startsWith('-')) return {kind: 'error'}
  const full = /^\+FULLRESYNC ([0-9a-zA-Z]{40}) (\d+)$/.exec(line)
  const offset = Number(full?.[2])
  if (full !== null && Number.isSafeInteger(offset)) return {kind: 'full', replicationId: full[1]!, offset}
  const again = /^\+CONTINUE(?: ([0-9a-zA-Z]{40}))?$/.exec(line)
  return again === null ? {kind: 'unexpected'} : {kind: 'continue', replicationId: again[1]}
}

export function parsePayloadHeader(line: string): PayloadHeader | undefined {
  const [, bytes, mark] = /^\$(?:(\d+)|EOF:([0-9a-zA-Z]{40}))$/.exec(line) ?? []
  if (mark !== undefined) return {transfer: 'diskless', mark: Buffer.from(mark)}
  return bytes !== undefined && Number.isSafeInteger(Number(bytes))
    ? {transfer: 'disk', bytes: Number(bytes)}
    : undefined
}

/** The command is known, and takes no arguments: it is one of the form of SYNC. */
export function wantsNoArguments(line: string): boolean {
  return /^-ERR wrong number of arguments/i.test(line)
}
