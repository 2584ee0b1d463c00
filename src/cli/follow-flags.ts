/**
 * How a folder follows a master.
 */
import {Flags} from '@oclif/core'
import {parseSize, parseSpan} from './selection-flags.js'

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
