/**
 * What servers know by the name of a command and the number of its arguments:
 * what is looked for where a log is damaged.
 */
import type {Judge} from '../aof/command-search.js'
import {moduleOf} from './engine.js'
import {lookupCommand, takesArgc} from './table.js'

const NAME_BYTES_MAX = 64

export const commandJudge: Judge = (bytes, start, end, argc) => {
  const command = lookupCommand(bytes, start, end)
  if (command !== undefined) return takesArgc(command, argc) ? 'known' : 'wrong'
  const name = Buffer.from(bytes.subarray(start, Math.min(end, start + NAME_BYTES_MAX))).toString('latin1')
  return moduleOf(name) === undefined ? 'unknown' : 'known'
}
