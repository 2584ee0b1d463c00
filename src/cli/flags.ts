/**
 * Flags that several commands share, defined once.
 */
import {Flags} from '@oclif/core'
import {UsageError} from '../errors.js'

export const outputFlags = {
  json: Flags.boolean({description: 'Print JSON; its names are a contract.', helpGroup: 'OUTPUT'}),
  quiet: Flags.boolean({char: 'q', description: 'No progress on standard error.', helpGroup: 'OUTPUT'}),
}

export const inputFlags = {
  'ignore-checksum': Flags.boolean({
    description: 'Report a wrong checksum as a warning and go on.',
    helpGroup: 'INPUT',
  }),
  now: Flags.custom<number>({
    description: 'Judge expiries against this moment: ISO 8601, or @SECONDS since 1970. Default: the clock.',
    helpGroup: 'INPUT',
    helpValue: 'TIME',
    parse: async text => parseMoment(text),
  })(),
}

const threadsUnless = (told: string) => ({
  threads: Flags.integer({
    min: 1,
    description: `Threads that may work at the same time; answers do not depend on it. Default: ${told}`,
    helpGroup: 'INPUT',
    helpValue: 'N',
  }),
})

/** Of what several threads can do at the same time. */
export const threadFlags = threadsUnless('the cores.')

/** Of what is read in segments, which pays from four cores on. */
export const segmentFlags = threadsUnless('the cores, from four to eight; one below that.')

/** Of a log that is replayed: each thread reads all of it. */
export const replayFlags = threadsUnless('four where there are as many cores; one below that.')

/** Of sources that are logs of commands. */
export const logFlags = {
  'skip-unsupported': Flags.boolean({
    description: 'Of a log: leave out commands that cannot be replayed offline (scripts, modules), and tell which.',
    helpGroup: 'INPUT',
  }),
  'only-creates': Flags.boolean({
    description:
      'Commands of a file only create, and those of a key stand together, as dump writes them: read them without holding the data set in memory.',
    helpGroup: 'INPUT',
  }),
}

const UNIX = /^@(\d+(?:\.\d+)?)$/
const ISO_8601 = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:?\d\d)?)?$/

/** Milliseconds since 1970. A time without a zone is UTC, as are all times that we show. */
export function parseMoment(text: string): number {
  const unix = UNIX.exec(text)
  const [, date, time = '00:00', zone = 'Z'] = ISO_8601.exec(text) ?? []
  const ms = unix === null ? Date.parse(`${date}T${time}${zone}`) : Number(unix[1]) * 1000
  if (Number.isFinite(ms)) return ms
  throw new UsageError(`${JSON.stringify(text)} is no time: give ISO 8601 such as 2026-11-24T15:00:00Z, or @1795532400`)
}
