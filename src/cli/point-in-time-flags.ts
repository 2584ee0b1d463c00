/**
 * Flags that take a part of a log: up to a moment, a place or a command, or
 * without a command. Defined once.
 */
import {Flags} from '@oclif/core'
import {UsageError} from '../errors.js'
import {Glob} from '../keyspace/glob.js'
import {CommandMark} from '../replay/command-mark.js'
import type {PointInTimeOptions} from '../replay/point-in-time.js'
import {parseMoment} from './flags.js'

const helpGroup = 'POINT IN TIME'

export const pointInTimeFlags = {
  until: Flags.custom<number>({
    description:
      'Take the log up to this moment: ISO 8601, or @SECONDS since 1970. It must say when it was written (aof-timestamp-enabled).',
    helpGroup,
    helpValue: 'TIME',
    parse: async text => parseMoment(text),
  })(),
  'until-offset': Flags.custom<NonNullable<PointInTimeOptions['untilOffset']>>({
    description: 'Take commands that end at or before this offset of a file of the log; by default of its last file.',
    helpGroup,
    helpValue: '[FILE:]N',
    parse: async text => parseOffset(text),
  })(),
  'before-command': Flags.string({
    description:
      'Take the log up to this command, which is not applied. Where it is there several times, NAME:first, NAME:last or NAME:3 says which.',
    helpGroup,
    helpValue: 'NAME[:WHICH]',
  }),
  'drop-command': Flags.string({
    description:
      'Leave this command out, and apply what follows it. Where it is there several times, NAME:first, :last, :3 or :all says which.',
    helpGroup,
    helpValue: 'NAME[:WHICH]',
    multiple: true,
    multipleNonGreedy: true,
  }),
}

/** Which keys such a command is about; --match, where that does not select keys. */
export const commandKeysFlag = Flags.custom<Glob>({
  description: 'For --before-command and --drop-command: only commands with a key like this count.',
  helpGroup,
  helpValue: 'GLOB',
  parse: async text => Glob.parse(text),
})

interface PartFlags {
  until?: number | undefined
  'until-offset'?: PointInTimeOptions['untilOffset']
  'before-command'?: string | undefined
  'drop-command'?: string[] | undefined
}

/** Undefined where the whole log is wanted. */
export function pointInTimeOptions(flags: PartFlags, keys: Glob | undefined): PointInTimeOptions | undefined {
  const {until, 'until-offset': untilOffset, 'before-command': before, 'drop-command': drops = []} = flags
  const ends = [until, untilOffset, before].filter(one => one !== undefined)
  if (ends.length > 1) throw new UsageError('a log ends once: give one of --until, --until-offset and --before-command')
  if (keys !== undefined && before === undefined && drops.length === 0) {
    throw new UsageError('keys of which commands? give --before-command or --drop-command with them')
  }
  if (ends.length === 0 && drops.length === 0) return undefined
  return {
    untilMs: until,
    untilOffset,
    beforeCommand: before === undefined ? undefined : CommandMark.parse(before, keys),
    dropCommands: drops.map(text => CommandMark.parse(text, keys)),
  }
}

function parseOffset(text: string): {file?: string; offset: number} {
  const [, file, digits] = /^(?:(.+):)?(\d{1,16})$/.exec(text) ?? []
  if (digits === undefined) {
    throw new UsageError(`${JSON.stringify(text)} is no place in a log: give 1234 or appendonly.aof.1.incr.aof:1234`)
  }
  return file === undefined ? {offset: Number(digits)} : {file, offset: Number(digits)}
}
