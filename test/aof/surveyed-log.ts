/** Logs as text, what a survey finds in them, and what would be written of that. */
import {expect} from 'vitest'
import type {Judge} from '../../src/aof/command-search.js'
import {LogReader} from '../../src/aof/log-reader.js'
import {type LogSurvey, surveyLog} from '../../src/aof/survey.js'
import {MemorySource} from '../../src/bytes/source.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
let made = 0

export const frame = (...args: string[]): string =>
  `*${args.length}\r\n${args.map(arg => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`
export const MULTI = frame('MULTI')
export const EXEC = frame('EXEC')
export const select = (db: number): string => frame('SELECT', String(db))
export const zeros = (bytes: number): string => '\0'.repeat(bytes)

const ARGUMENTS: Readonly<Record<string, number>> = {SELECT: 2, MULTI: 1, EXEC: 1, DISCARD: 1, SET: 3, INCR: 2}
const judge: Judge = (bytes, start, end, argc) => {
  const wanted = ARGUMENTS[Buffer.from(bytes.subarray(start, end)).toString('latin1').toUpperCase()]
  if (wanted === undefined) return 'unknown'
  return wanted === argc ? 'known' : 'wrong'
}

export async function survey(log: string, databases = new Set<number>()): Promise<LogSurvey> {
  const path = folder.write(`log-${made++}.aof`, Buffer.from(log, 'latin1'))
  return await surveyLog(path, log.length, {judge, databases})
}

/** What would be written: with SELECT where one is missing. */
export function written(log: string, {pieces}: Pick<LogSurvey, 'pieces'>): string {
  let selected = 0
  return pieces
    .map(({start, end, db, dbAfter}) => {
      const before = db === undefined || db === selected ? '' : select(db)
      selected = dbAfter ?? db ?? selected
      return before + log.slice(start, end)
    })
    .join('')
}

/** What is kept where nothing behind damage is. */
export function safe(log: string, {pieces, damagedAt}: LogSurvey): string {
  return written(log, {pieces: pieces.filter(({start}) => start < damagedAt)})
}

export async function goodOffsetOf(log: string): Promise<number> {
  const reader = new LogReader(new MemorySource(Buffer.from(log, 'latin1')))
  try {
    return (await reader.run({command: () => {}})).goodOffset
  } catch {
    return reader.sofar.goodOffset
  }
}

/** Commands of a log as lists of arguments. */
export async function commandsOf(log: string): Promise<string[][]> {
  const commands: string[][] = []
  const end = await new LogReader(new MemorySource(Buffer.from(log, 'latin1'))).run({
    command: ({bytes, bounds, argc}) => {
      const arg = (i: number): string =>
        Buffer.from(bytes.subarray(bounds[2 * i], bounds[2 * i + 1])).toString('latin1')
      commands.push(Array.from({length: argc}, (_, i) => arg(i)))
    },
  })
  expect(end.torn).toBeUndefined()
  return commands
}
