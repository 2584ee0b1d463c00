/**
 * The files of a log that was checked, and what a server does with it.
 */
import type {LogFileSoundness, LogSoundness} from '../analysis/soundness-log.js'
import type {Json} from './inventory-json.js'
import {type Column, type Fact, formatTable, type Style} from './table.js'
import {formatText} from './text.js'
import {formatCount, formatSize, formatTime} from './units.js'

const COLUMNS: readonly Column[] = [
  {title: 'file', align: 'left'},
  {title: 'size', align: 'right'},
  {title: 'snapshot', align: 'right'},
  {title: 'commands', align: 'right'},
  {title: 'from', align: 'left'},
  {title: 'to', align: 'left'},
]

const START_FROM_COPY = 'copy the log, then start from it; or --salvage OUT writes it without them to a new place'
const START_NONE =
  'start no server from it, whole commands are among them: --salvage OUT --past-damage writes those to a new place too'

const UNCHECKED: Fact[] = [
  ['a server', 'does not start from it: the checksum of its snapshot is wrong, which only rdbchecksum no lets pass'],
  [
    'next',
    'copy the log before anything else; --salvage OUT --ignore-checksum writes it without that checksum to a new place',
  ],
]

/** What a server does at its start, and what to do about it, unless that has been done. */
export function logFacts(log: LogSoundness, isSalvaged: boolean): Fact[] {
  return isSalvaged ? allFacts(log).filter(([name]) => name !== 'next') : allFacts(log)
}

function allFacts({outcome, truncatedBytes, files}: LogSoundness): Fact[] {
  const last = files.at(-1)
  switch (outcome) {
    case 'starts':
      return [['a server', 'starts from it, and loads all of it']]
    case 'truncates':
      return [
        [
          'a server',
          `cuts ${formatCount(truncatedBytes)} bytes off ${formatText(last!.name)} and starts (aof-load-truncated)`,
        ],
        ['next', last!.wholeWithin === undefined ? START_FROM_COPY : START_NONE],
      ]
    default:
      if (files.some(one => one.checksumWrong)) return UNCHECKED
      return [
        ['a server', 'does not start from it, or not from all of it'],
        ['next', 'copy the log before anything else; --salvage OUT writes what is sound of it to a new place'],
      ]
  }
}

/** A line for each file. */
export function logFiles({files}: LogSoundness, style: Style): string[] {
  if (files.length === 0) return []
  return formatTable(COLUMNS, files.map(row), style)
}

function row({name, bytes, preambleBytes, commands, firstTimestamp, lastTimestamp}: LogFileSoundness): string[] {
  const size = Number.isFinite(bytes) ? formatSize(bytes) : '-'
  const snapshot = preambleBytes === 0 ? '-' : formatSize(preambleBytes)
  return [formatText(name), size, snapshot, formatCount(commands), timeText(firstTimestamp), timeText(lastTimestamp)]
}

function timeText(seconds: number | undefined): string {
  return seconds === undefined ? '-' : formatTime(seconds * 1000)
}

/** The same as data: absent what is not known. */
export function logJson({files, outcome, truncatedBytes}: LogSoundness): Json {
  return {outcome, truncatedBytes, files: files.map(fileJson)}
}

function fileJson({
  preambleBytes,
  checksumWrong: _,
  snapshotErrors: ___,
  stop: __,
  torn,
  broken,
  bytes,
  ...file
}: LogFileSoundness): Json {
  return {...file, bytes: Number.isFinite(bytes) ? bytes : undefined, snapshotBytes: preambleBytes, torn, broken}
}
