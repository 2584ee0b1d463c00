/**
 * All commands, found by their names as they stand in the log: in whatever case.
 */
import type {CommandFamily, CommandSpec} from './command.js'
import {bitmapCommands} from './commands/bitmap.js'
import {functionCommands} from './commands/function.js'
import {genericCommands} from './commands/generic.js'
import {geoCommands} from './commands/geo.js'
import {hashCommands} from './commands/hash.js'
import {hyperLogLogCommands} from './commands/hyperloglog.js'
import {listCommands} from './commands/list.js'
import {readingCommands} from './commands/reading.js'
import {scriptCommands} from './commands/script.js'
import {serverCommands} from './commands/server.js'
import {setCommands} from './commands/set.js'
import {sortedSetCommands} from './commands/sorted-set.js'
import {streamCommands} from './commands/stream.js'
import {stringCommands} from './commands/string.js'

export interface NamedCommand extends CommandSpec {
  /** In capitals. */
  readonly name: string
}

const FAMILIES: readonly CommandFamily[] = [
  genericCommands,
  stringCommands,
  bitmapCommands,
  listCommands,
  setCommands,
  sortedSetCommands,
  geoCommands,
  hashCommands,
  streamCommands,
  hyperLogLogCommands,
  functionCommands,
  scriptCommands,
  serverCommands,
  readingCommands,
]

/** A power of two, several times as many as there are commands. */
const SLOTS = 1024
const slots: (NamedCommand | undefined)[] = new Array(SLOTS).fill(undefined)

for (const family of FAMILIES) for (const [name, spec] of Object.entries(family)) enter({...spec, name})

function enter(command: NamedCommand): void {
  const bytes = Buffer.from(command.name)
  let slot = hashOfName(bytes, 0, bytes.length)
  while (slots[slot] !== undefined) slot = (slot + 1) % SLOTS
  slots[slot] = command
}

/** Letters in whatever case, and a few others, hash alike. */
function hashOfName(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + (bytes[i]! & 0xdf)) | 0
  return (hash ^ (hash >>> 11)) & (SLOTS - 1)
}

/** The command of a name, in whatever case; undefined where it is not known. */
export function lookupCommand(bytes: Uint8Array, start: number, end: number): NamedCommand | undefined {
  for (let slot = hashOfName(bytes, start, end); ; slot = (slot + 1) % SLOTS) {
    const command = slots[slot]
    if (command === undefined || isName(command.name, bytes, start, end)) return command
  }
}

function isName(name: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[start + i]!
    const upper = byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte
    if (upper !== name.charCodeAt(i)) return false
  }
  return true
}

/** Whether a command takes so many arguments, its name included. */
export function takesArgc({arity}: CommandSpec, argc: number): boolean {
  return arity >= 0 ? argc === arity : argc >= -arity
}
