/**
 * What became of a log's commands, and what a log was built as: facts that
 * several reports tell.
 */
import {formatText} from './text.js'
import {formatCount, formatSize, formatTime} from './units.js'

/** What became of the commands of a log. */
export interface ReplayOutcome {
  commands: number
  /** Of them, such as a server would have answered with an error. */
  errors: number
  /** Commands that cannot be replayed offline, and were left out. */
  skipped: number
  /** Commands that were left out as asked. */
  dropped: number
  /** Where the reading ended before the log did. */
  cut: {file: string; offset: number; leftOut: number | undefined} | undefined
  /** The last time that the log says of what was taken, in seconds since 1970. */
  lastTimestamp: number | undefined
}

/** What a log was built as. */
export interface LogOutcome {
  form: 'folder' | 'file'
  base: 'snapshot' | 'commands'
  files: readonly string[]
  /** What is no data of a key, and was left out: how often. */
  notes: readonly {what: string; keys: number}[]
}

type Facts = [name: string, text: string][]

export function replayFacts(replayed: ReplayOutcome): Facts {
  const {lastTimestamp, cut} = replayed
  const facts: Facts = [['commands', commandsOf(replayed)]]
  if (lastTimestamp !== undefined) facts.push(['up to', formatTime(lastTimestamp * 1000)])
  if (cut !== undefined && cut.leftOut !== 0) {
    const bytes = cut.leftOut === undefined ? 'all' : `${formatSize(cut.leftOut)} (${formatCount(cut.leftOut)} bytes)`
    facts.push(['left out', `${bytes} behind ${formatText(cut.file)}, offset ${cut.offset}`])
  }
  return facts
}

function commandsOf({commands, errors, skipped, dropped}: ReplayOutcome): string {
  const others = [
    ...(errors > 0 ? [`${formatCount(errors)} changed nothing, as a server answers with an error`] : []),
    ...(skipped > 0 ? [`${formatCount(skipped)} cannot be replayed and were left out`] : []),
    ...(dropped > 0 ? [`${formatCount(dropped)} left out as asked`] : []),
  ]
  return others.length === 0 ? formatCount(commands) : `${formatCount(commands)} (${others.join('; ')})`
}

export function baseFact({form, base, files}: LogOutcome, target: string): Facts {
  const what = base === 'snapshot' ? `a snapshot, ${target}` : `commands, for ${target}`
  return [['base', form === 'folder' ? `${formatText(files[0]!)}: ${what}` : what]]
}

/** A line for each. */
export function noteLines({notes}: Pick<LogOutcome, 'notes'>): string[] {
  return notes.map(({what, keys}) => `left out: ${what} (${formatCount(keys)})`)
}

/** The same as data. */
export function replayJson({commands, errors, skipped, dropped, cut, lastTimestamp}: ReplayOutcome): object {
  return {commands, errors, unsupported: skipped, dropped, cut, lastTimestamp}
}
