/** How much memory the engine for SQL may hold: a flag of whatever has one. */
import {Flags} from '@oclif/core'
import {UsageError} from '../errors.js'
import {parseSize} from './selection-flags.js'

const DEFAULT = 512 * 1024 * 1024
/** Less is not enough to begin with. */
const MIN = 64 * 1024 * 1024

export const engineMemory = (about: string) =>
  Flags.custom<number>({
    description: `${about} Default: 512mb.`,
    helpGroup: 'INPUT',
    helpValue: 'SIZE',
    default: DEFAULT,
    defaultHelp: async () => undefined,
    parse: async text => memoryOf(text),
  })()

function memoryOf(text: string): number {
  const bytes = parseSize(text)
  if (bytes >= MIN) return bytes
  throw new UsageError(`${JSON.stringify(text)} is too little memory: give 64MiB or more`)
}
