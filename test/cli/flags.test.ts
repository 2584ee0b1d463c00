import {readdirSync} from 'node:fs'
import {join} from 'node:path'
import type {Command} from '@oclif/core'
import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest'
import {parseMoment} from '../../src/cli/flags.js'
import {UsageError} from '../../src/errors.js'
import {ROOT} from '../start/run.js'

// Far from UTC: what was meant as local time would show.
beforeAll(() => vi.stubEnv('TZ', 'America/New_York'))
afterAll(() => vi.unstubAllEnvs())

describe('parseMoment', () => {
  it.each([
    ['2026-11-24T15:00:00Z', '2026-11-24T15:00:00.000Z'],
    ['2026-11-24T15:00:00.250Z', '2026-11-24T15:00:00.250Z'],
    ['2026-11-24T15:00Z', '2026-11-24T15:00:00.000Z'],
    ['2026-11-24T15:00', '2026-11-24T15:00:00.000Z'],
    ['2026-11-24 15:00:07', '2026-11-24T15:00:07.000Z'],
    ['2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['2026-11-24T15:00:00+05:30', '2026-11-24T09:30:00.000Z'],
    ['2026-11-24T15:00:00-0800', '2026-11-24T23:00:00.000Z'],
    ['@0', '1970-01-01T00:00:00.000Z'],
    ['@1795532400', '2026-11-24T15:00:00.000Z'],
    ['@1.5', '1970-01-01T00:00:01.500Z'],
  ])('%s is %s, wherever the machine stands', (text, iso) => {
    expect(new Date(parseMoment(text)).toISOString()).toBe(iso)
  })

  it.each([
    '',
    'now',
    'yesterday',
    '1',
    '1795532400',
    '@',
    '@x',
    '@-1',
    '24.11.2026',
    'Nov 24 2026',
    '2026-13-01',
    '2026-11-24T25:00',
  ])('refuses %j, and says what to give', text => {
    expect(() => parseMoment(text)).toThrow(UsageError)
    expect(() => parseMoment(text)).toThrow(/is no time: give ISO 8601 such as 2026-11-24T15:00:00Z, or @1795532400$/)
  })
})

it('a flag that may be given several times takes one value each: what follows is a source', async () => {
  const commands = readdirSync(join(ROOT, 'src', 'commands')).map(file => file.replace(/\.ts$/, '.js'))
  const repeated: string[] = []
  for (const file of commands) {
    const {default: command} = (await import(/* @vite-ignore */ `../../src/commands/${file}`)) as {
      default: typeof Command
    }
    for (const [name, flag] of Object.entries(command.flags)) {
      if (flag.type !== 'option' || flag.multiple !== true) continue
      repeated.push(name)
      expect(flag.multipleNonGreedy, `${file} --${name}`).toBe(true)
    }
  }
  expect(repeated).toEqual(expect.arrayContaining(['by', 'server', 'match', 'map-db', 'ignore', 'command']))
})
