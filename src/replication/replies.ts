/**
 * What a master says before it streams: one line each, all forms of every version, parsed and sorted by what follows.
 *
 *   +FULLRESYNC <40 hex> <offset>   +CONTINUE [<40 hex>]   -<ERROR> ...     replies to PSYNC
 *   $<bytes>   $EOF:<40 hex>   -ERR ...                                    what announces the payload
 */
import type {WireCode} from '../errors.js'

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

/** Refusals by the words of every version, the more special first. */
const REFUSALS: readonly [words: RegExp, code: WireCode][] = [
  [/^-NOAUTH|^-ERR operation not permitted/, 'AUTH_REQUIRED'],
  [/^-WRONGPASS|^-ERR invalid password|^-ERR .*AUTH.*(no password is set|without any password)/, 'AUTH_FAILED'],
  [/^-DENIED/, 'PROTECTED_MODE'],
  [/^-NOPERM/, 'NO_PERMISSION'],
  // Those that pass: it loads, its own link is down, a script blocks it, it could not save lately, it fails over.
  [/^-(LOADING|NOMASTERLINK|MASTERDOWN|BUSY|MISCONF|TRYAGAIN)|not connected with my master/i, 'MASTER_NOT_READY'],
  [/BGSAVE failed|can't BGSAVE|unable to perform background save/i, 'SNAPSHOT_FAILED'],
  [/unknown command|not support|not allowed|command .* is disabled|-ERR unsupported/i, 'COMMAND_UNKNOWN'],
]

/** What an error line means. */
export function refusalCode(line: string): WireCode {
  return REFUSALS.find(([words]) => words.test(line))?.[1] ?? 'MASTER_REFUSED'
}

/** The command is known, and takes no arguments: it is one of the form of SYNC. */
export function wantsNoArguments(line: string): boolean {
  return /^-ERR wrong number of arguments/i.test(line)
}

/** Other protocols, by the first bytes that were heard; undefined for what may be a server's. */
export function foreignProtocol(head: Uint8Array): string | undefined {
  if (head.length > 1 && head[0] === 0x15 && head[1] === 0x03) return 'TLS'
  const text = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, 64)).toString('latin1')
  if (/^(HTTP\/|<!DOCTYPE|<html)/i.test(text)) return 'HTTP'
  if (text.startsWith('SSH-')) return 'SSH'
  if (/^220[ -]/.test(text)) return 'SMTP or FTP'
  // A packet of 3 bytes of length and a sequence number of 0, then protocol version 10.
  if (head.length > 4 && head[3] === 0 && head[4] === 0x0a) return 'MySQL'
  return undefined
}
