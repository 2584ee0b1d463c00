/**
 * Whether a command of a log is one that somebody means. Apart from what is said of it, since this knows every command of a
 * server, and is loaded for logs only.
 */
import type {LogCommand} from '../aof/log-reader.js'
import type {Glob} from '../keyspace/glob.js'
import {isWord} from '../resp/word.js'
import type {CommandMark} from './command-mark.js'
import {CommandKeys} from './keys.js'

const commandKeys = new CommandKeys()

export function isMarked({word, keys}: CommandMark, command: LogCommand): boolean {
  const {bytes, bounds} = command
  return isWord(bytes, bounds[0]!, bounds[1]!, word) && (keys === undefined || hasKey(command, keys))
}

/** Of a command that nobody knows, the first argument may be its key. */
function hasKey(command: LogCommand, keys: Glob): boolean {
  const {bytes, bounds, argc} = command
  const isKey = (arg: number): boolean => keys.matches(bytes, bounds[2 * arg]!, bounds[2 * arg + 1]!)
  if (!commandKeys.find(command)) return argc > 1 && isKey(1)
  for (let i = 0; i < commandKeys.count; i++) if (isKey(commandKeys.args[i]!)) return true
  return false
}
