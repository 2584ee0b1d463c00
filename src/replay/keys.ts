/**
 * Which arguments of a command are its keys, as data: what COMMAND GETKEYS of a
 * server tells (redis 7.0 db.c, getKeysFromCommand), without asking one.
 *
 *   first 1, last 1              GET key
 *   first 1, last -1             DEL key...
 *   first 1, last -1, step 2     MSET (key value)...
 *   first 1, last -2             BLPOP key... timeout
 *   counted 2                    EVAL script count key...
 *   options STORE: one           SORT key ... STORE key
 */
import type {LogCommand} from '../aof/log-reader.js'
import {lookupCommand, type NamedCommand} from './table.js'

interface KeyPositions {
  /** The first and the last key, where they stand at known places; last counts from the end where it is below zero. */
  range?: readonly [first: number, last: number]
  /** Which argument says how many keys come after it. */
  counted?: number
  /** Arguments from one key to the next. */
  step?: number
  /** Keys behind options. */
  options?: KeyOptions
}

interface KeyOptions {
  /** The first argument that may be an option. */
  from: number
  /** Options, and which of the arguments behind each are keys: of several of one name, those of the last. */
  keys: Readonly<Record<string, 'one' | 'rest' | 'half'>>
  /** Other options by how many arguments they have: none of those is an option, whatever it is called. */
  skipped: Readonly<Record<string, number>>
}

const NONE: KeyPositions = {}
const FIRST: KeyPositions = {range: [1, 1]}
const SECOND: KeyPositions = {range: [2, 2]}
const FIRST_TWO: KeyPositions = {range: [1, 2]}
const ALL: KeyPositions = {range: [1, -1]}
const ALL_BUT_LAST: KeyPositions = {range: [1, -2]}
const STORED = {STORE: 'one', STOREDIST: 'one'} as const
const SORTING = {LIMIT: 2, GET: 1, BY: 1}
const READING = {COUNT: 1, BLOCK: 1, CLAIM: 1}

/** Commands whose keys are not told by `key` of their specification. */
const POSITIONS: readonly (readonly [names: string, positions: KeyPositions])[] = [
  ['DEL UNLINK TOUCH EXISTS MGET SUNIONSTORE SINTERSTORE SDIFFSTORE SUNION SINTER SDIFF PFMERGE PFCOUNT', ALL],
  ['MSET MSETNX', {range: [1, -1], step: 2}],
  ['MSETEX', {counted: 1, step: 2}],
  ['COPY RENAME RENAMENX RPOPLPUSH BRPOPLPUSH LMOVE BLMOVE LMOVEM BLMOVEM SMOVE', FIRST_TWO],
  ['GEOSEARCHSTORE ZRANGESTORE LCS', FIRST_TWO],
  ['BLPOP BRPOP BZPOPMIN BZPOPMAX', ALL_BUT_LAST],
  ['BITOP', {range: [2, -1]}],
  ['ZUNIONSTORE ZINTERSTORE ZDIFFSTORE', {range: [1, 1], counted: 2}],
  ['ZUNION ZINTER ZDIFF ZINTERCARD SINTERCARD LMPOP ZMPOP', {counted: 1}],
  ['BLMPOP BZMPOP EVAL EVALSHA EVAL_RO EVALSHA_RO FCALL FCALL_RO', {counted: 2}],
  ['XREADGROUP', {options: {from: 4, keys: {STREAMS: 'half'}, skipped: READING}}],
  ['XREAD', {options: {from: 1, keys: {STREAMS: 'half'}, skipped: READING}}],
  ['SORT', {range: [1, 1], options: {from: 2, keys: STORED, skipped: SORTING}}],
  ['GEORADIUS', {range: [1, 1], options: {from: 6, keys: STORED, skipped: {COUNT: 1}}}],
  ['GEORADIUSBYMEMBER', {range: [1, 1], options: {from: 5, keys: STORED, skipped: {COUNT: 1}}}],
  ['OBJECT MEMORY XINFO', SECOND],
  ['CLUSTERSCAN DBSIZE ECHO KEYS LASTSAVE LOLWUT RANDOMKEY ROLE SCAN STRALGO TIME', NONE],
]

/** MIGRATE host port key|"" db timeout ... KEYS key... */
const MIGRATE_KEY = 3
const MIGRATED: KeyPositions = {options: {from: 6, keys: {KEYS: 'rest'}, skipped: {AUTH: 1, AUTH2: 2}}}

/** No option is longer. */
const OPTION_BYTES_MAX = 16

const byName = new Map<string, KeyPositions>()
for (const [names, positions] of POSITIONS) for (const name of names.split(' ')) byName.set(name, positions)

/** Finds the keys of one command after another. */
export class CommandKeys {
  /** Which arguments are keys, the first `count` of them. */
  args = new Int32Array(16)
  count = 0

  /**
   * False where the command is not known: that of a module, or one that was renamed. Then nobody can say what its keys
   * are. Of a command whose arguments make no sense, no more are found than are there.
   */
  find(command: LogCommand): boolean {
    this.count = 0
    const {bytes, bounds} = command
    const spec = lookupCommand(bytes, bounds[0]!, bounds[1]!)
    if (spec === undefined) return false
    this.#add(positionsOf(spec, command), command)
    return true
  }

  #add({range, counted, step = 1, options}: KeyPositions, command: LogCommand): void {
    const {argc} = command
    if (range !== undefined) this.#range(range[0], range[1] < 0 ? argc + range[1] : range[1], step, argc)
    if (counted !== undefined && counted < argc) {
      const keys = smallNumber(command, counted)
      this.#range(counted + 1, counted + keys * step, step, argc)
    }
    if (options !== undefined) this.#options(options, command)
  }

  #options({from, keys, skipped}: KeyOptions, command: LogCommand): void {
    const {argc} = command
    const found = new Map<string, number>()
    for (let arg = from; arg < argc; arg++) {
      const word = wordOf(command, arg)
      const kind = Object.hasOwn(keys, word) ? keys[word] : undefined
      if (kind === undefined) {
        if (Object.hasOwn(skipped, word)) arg += skipped[word]!
        continue
      }
      if (kind === 'one') found.set(word, ++arg)
      else {
        this.#range(arg + 1, kind === 'rest' ? argc - 1 : arg + ((argc - arg - 1) >> 1), 1, argc)
        break
      }
    }
    for (const arg of found.values()) this.#range(arg, arg, 1, argc)
  }

  #range(first: number, last: number, step: number, argc: number): void {
    for (let arg = first; arg <= last && arg < argc; arg += step) {
      if (this.count === this.args.length) this.#widen()
      this.args[this.count++] = arg
    }
  }

  #widen(): void {
    const wider = new Int32Array(this.args.length * 2)
    wider.set(this.args)
    this.args = wider
  }
}

function positionsOf({name, key}: NamedCommand, {bounds, argc}: LogCommand): KeyPositions {
  if (name === 'MIGRATE') {
    const named = argc > MIGRATE_KEY && bounds[2 * MIGRATE_KEY + 1]! > bounds[2 * MIGRATE_KEY]!
    return named ? {range: [MIGRATE_KEY, MIGRATE_KEY]} : MIGRATED
  }
  return byName.get(name) ?? (key === 1 ? FIRST : key === 2 ? SECOND : NONE)
}

/** An argument in capitals, where it is short enough to be an option; elsewhere nothing. */
function wordOf({bytes, bounds}: LogCommand, arg: number): string {
  const start = bounds[2 * arg]!
  const end = bounds[2 * arg + 1]!
  if (end - start > OPTION_BYTES_MAX) return ''
  let word = ''
  for (let p = start; p < end; p++) word += String.fromCharCode(bytes[p]!)
  return word.toUpperCase()
}

/** How many keys follow; 0 of what is no number. No command has more than a million arguments. */
function smallNumber({bytes, bounds}: LogCommand, arg: number): number {
  let value = 0
  for (let p = bounds[2 * arg]!; p < bounds[2 * arg + 1]!; p++) {
    const digit = bytes[p]! - 0x30
    if (digit < 0 || digit > 9 || value > 1_000_000) return 0
    value = value * 10 + digit
  }
  return value
}
