/**
 * Where what is fetched from a server goes, other than to a file.
 */
import {Flags} from '@oclif/core'
import {UsageError} from '../errors.js'
import {parseAddress, type ServerAddress} from '../resp/address.js'
import {parseSize, parseSpan} from './selection-flags.js'

/** Of the server that a snapshot is loaded into: another one than that it comes from. */
export const INTO_PASSWORD_VARIABLE = 'RDBTOOL_INTO_PASSWORD'

const helpGroup = 'FOLLOW'

export const followFlags = {
  follow: Flags.string({
    description:
      'Folder for the snapshot and all that the master writes behind it, as an append-only log; or one to go on with.',
    helpGroup,
    helpValue: 'FOLDER',
  }),
  keep: Flags.custom<number>({
    description: 'How far back one can come; older commands are compacted. Default: to the beginning.',
    helpGroup,
    helpValue: 'TIME',
    parse: async text => parseSpan(text),
  })(),
  fsync: Flags.option({
    options: ['always', 'everysec', 'no'] as const,
    description:
      'When what was written is brought to the disk: before it is acknowledged, every second (default), or never.',
    helpGroup,
  })(),
  rotate: Flags.custom<number>({
    description: 'Begin another file of commands when one is so large. Default: 256mb.',
    helpGroup,
    helpValue: 'SIZE',
    parse: async text => parseSize(text),
  })(),
}

const into = 'INTO'

export const intoFlags = {
  into: Flags.string({
    description: `Server, or any of a cluster, to load the snapshot into; its password comes from ${INTO_PASSWORD_VARIABLE} or the URL.`,
    helpGroup: into,
    helpValue: 'SERVER',
  }),
  'on-conflict': Flags.option({
    options: ['error', 'skip', 'replace'] as const,
    description: 'What becomes of keys that are there already: the load ends (default), they stay, or they give way.',
    helpGroup: into,
  })(),
  'allow-loss': Flags.boolean({
    description: 'Load what is left, where that server has no place for something.',
    helpGroup: into,
  }),
}

/** The server of --into, with its password. */
export function intoAddress(text: string, environment: NodeJS.ProcessEnv = process.env): ServerAddress {
  const address = parseAddress(text)
  const password = address.password ?? environment[INTO_PASSWORD_VARIABLE]
  if (address.user !== undefined && password === undefined) {
    throw new UsageError(`a user needs a password: set ${INTO_PASSWORD_VARIABLE}`)
  }
  return {...address, ...(password ? {password} : {})}
}
