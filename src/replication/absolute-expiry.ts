/**
 * Expiries of the stream that count from now, as moments: masters up to 6.2 stream them so, and a log that is replayed
 * later would count them from then (redis 6.2 expire.c, t_string.c; from 7.0 on streams are absolute).
 *
 *   SET k v EX 10             SET k v PXAT <ms>             the same of PX, HSETEX, HGETEX, GETEX
 *   SETEX k 10 v, PSETEX      SET k v PXAT <ms>
 *   EXPIRE k 10, PEXPIRE      PEXPIREAT k <ms>              conditions go along
 *   HEXPIRE, HPEXPIRE         HPEXPIREAT k <ms> ...
 *   RESTORE k 10 payload      RESTORE k <ms> payload ABSTTL
 */
import {parseInt64, scaleInt64, signedInt64, sumInt64} from '../bytes/int64.js'
import type {ByteWriter} from '../bytes/writer.js'
import {bulk, putArrayHead, putBulk, putFramed} from '../resp/framing.js'
import {isWord, wordOf} from '../resp/word.js'

/** A command as it lies in a window. */
export interface FramedCommand {
  bytes: Uint8Array
  argc: number
  /** Start and end of each argument, one after the other. */
  bounds: Int32Array
}

type Rewrite = (command: FramedCommand, nowMs: number, out: ByteWriter) => boolean

const EX = wordOf('ex')
const PX = wordOf('px')
const FIELDS = wordOf('fields')
const ABSTTL = wordOf('absttl')
const PXAT_ARGUMENT = bulk('PXAT')
const ABSTTL_ARGUMENT = bulk('ABSTTL')
const ZERO = 0x30
/** Milliseconds. */
const SECONDS = 1000
const MILLISECONDS = 1
/** What is behind the key and before the fields, or behind the value, are options. */
const SET_OPTIONS = 3
const KEY_OPTIONS = 2

const halves = {high: 0, low: 0}

const REWRITES: ReadonlyMap<string, Rewrite> = new Map([
  ['set', optionsFrom(SET_OPTIONS)],
  ['getex', optionsFrom(KEY_OPTIONS)],
  ['hsetex', optionsFrom(KEY_OPTIONS)],
  ['hgetex', optionsFrom(KEY_OPTIONS)],
  ['setex', valueBehind(SECONDS)],
  ['psetex', valueBehind(MILLISECONDS)],
  ['expire', renamed('PEXPIREAT', SECONDS)],
  ['pexpire', renamed('PEXPIREAT', MILLISECONDS)],
  ['hexpire', renamed('HPEXPIREAT', SECONDS)],
  ['hpexpire', renamed('HPEXPIREAT', MILLISECONDS)],
  ['restore', restored],
  ['restore-asking', restored],
])
const NAMES = [...REWRITES].map(([name, rewrite]) => ({word: wordOf(name), rewrite}))

/**
 * Writes the command with its expiry as a moment, counted from `nowMs` in milliseconds since 1970; returns false, and
 * writes nothing, where it has none that counts from now.
 */
export function putAbsolute(command: FramedCommand, nowMs: number, out: ByteWriter): boolean {
  const {bytes, bounds, argc} = command
  // Most commands of most streams: no expiry can stand in them.
  if (argc < SET_OPTIONS) return false
  const [start, end] = [bounds[0]!, bounds[1]!]
  for (const {word, rewrite} of NAMES) {
    if (isWord(bytes, start, end, word)) return rewrite(command, nowMs, out)
  }
  return false
}

/** EX or PX among the options that begin at an argument. */
function optionsFrom(first: number): Rewrite {
  return (command, nowMs, out) => {
    const {bytes, bounds, argc} = command
    for (let arg = first; arg + 1 < argc; arg++) {
      const [start, end] = [bounds[2 * arg]!, bounds[2 * arg + 1]!]
      if (isWord(bytes, start, end, FIELDS)) return false
      const unit = isWord(bytes, start, end, EX) ? SECONDS : isWord(bytes, start, end, PX) ? MILLISECONDS : undefined
      const moment = unit === undefined ? undefined : momentAt(command, arg + 1, unit, nowMs)
      if (moment === undefined) continue
      putArrayHead(out, argc)
      putArguments(command, 0, arg, out)
      putFramed(out, PXAT_ARGUMENT)
      putFramed(out, bulk(moment))
      putArguments(command, arg + 2, argc, out)
      return true
    }
    return false
  }
}

function valueBehind(unit: number): Rewrite {
  return (command, nowMs, out) => {
    const moment = command.argc === 4 ? momentAt(command, 2, unit, nowMs) : undefined
    if (moment === undefined) return false
    putArrayHead(out, 5)
    putFramed(out, bulk('SET'))
    putArguments(command, 1, 2, out)
    putArguments(command, 3, 4, out)
    putFramed(out, PXAT_ARGUMENT)
    putFramed(out, bulk(moment))
    return true
  }
}

function renamed(name: string, unit: number): Rewrite {
  return (command, nowMs, out) => {
    const moment = momentAt(command, 2, unit, nowMs)
    if (moment === undefined) return false
    putArrayHead(out, command.argc)
    putFramed(out, bulk(name))
    putArguments(command, 1, 2, out)
    putFramed(out, bulk(moment))
    putArguments(command, 3, command.argc, out)
    return true
  }
}

function restored(command: FramedCommand, nowMs: number, out: ByteWriter): boolean {
  const {bytes, bounds, argc} = command
  for (let arg = 4; arg < argc; arg++) if (isWord(bytes, bounds[2 * arg]!, bounds[2 * arg + 1]!, ABSTTL)) return false
  // No expiry is 0, whichever way it is counted.
  const moment = argc >= 4 && !isZero(command, 2) ? momentAt(command, 2, MILLISECONDS, nowMs) : undefined
  if (moment === undefined) return false
  putArrayHead(out, argc + 1)
  putArguments(command, 0, 2, out)
  putFramed(out, bulk(moment))
  putArguments(command, 3, argc, out)
  putFramed(out, ABSTTL_ARGUMENT)
  return true
}

/** As servers spell it. */
function isZero({bytes, bounds}: FramedCommand, arg: number): boolean {
  return bounds[2 * arg + 1]! - bounds[2 * arg]! === 1 && bytes[bounds[2 * arg]!] === ZERO
}

/** Undefined where the argument is no number, or too large: then it is for whoever replays the command to say so. */
function momentAt({bytes, bounds}: FramedCommand, arg: number, unit: number, nowMs: number): string | undefined {
  if (!parseInt64(bytes, bounds[2 * arg]!, bounds[2 * arg + 1]!, halves)) return undefined
  const ms = scaleInt64(signedInt64(halves.high, halves.low), unit)
  return ms === undefined ? undefined : String(sumInt64(ms, nowMs, 0))
}

function putArguments({bytes, bounds}: FramedCommand, from: number, to: number, out: ByteWriter): void {
  for (let arg = from; arg < to; arg++) putBulk(out, bytes, bounds[2 * arg]!, bounds[2 * arg + 1]!)
}
