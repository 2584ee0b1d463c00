/**
 * What was typed wrong, said our way: oclif finds it, and phrases it over
 * several lines with tabs.
 */
import {stripVTControlCharacters} from 'node:util'
import {UsageError} from '../errors.js'
import type {Style} from '../report/table.js'
import {formatMessage} from '../report/text.js'

/** oclif's own errors say so in this member; the values that our flags refuse are UsageErrors. */
export function isTypedWrong(error: unknown): error is Error {
  return error instanceof UsageError || (error as {oclif?: object} | undefined)?.oclif !== undefined
}

/** `command`: the one that was named, where there is such a command. */
export function formatTypedWrong(error: Error, command: string | undefined, style: Style): string[] {
  const said = stripVTControlCharacters(error.message)
    .replaceAll('See more help with --help', '')
    .replace(/^Parsing (--\S+) \n\t/, '$1: ')
    .replace(/^Nonexistent flag(s?): /, 'there is no such flag$1: ')
    .replace(/^Missing \d+ required args?:$/m, 'something is missing:')
    // Not so: our flags take one value each time.
    .replace(/\s*^Note: .* allow multiple values\..*/ms, '')
    // oclif takes what follows a command it does not know for parts of its name, and joins them by colons.
    .replace(/^command (.+) not found$/s, (_, name: string) => `there is no command ${command ?? name}`)
    // An argument too many is repeated as it is, and may be the URL of a server. Our own advice has [USER there.
    .replace(/([a-z][a-z0-9+.-]*:\/\/(?!\[USER\b)[^:\s]*):\S*@/gi, '$1:***@')
    .trim()
  const unknown = said.startsWith('there is no command') || command === undefined
  const [first = '', ...more] = formatMessage(said).split('\n')
  const help = unknown ? 'rdbtool --help lists the commands' : `rdbtool ${command} --help shows what can be given`
  return [style.warning(`rdbtool: ${first}`), ...more.map(line => `  ${line}`), `  next   ${help}`]
}
