import {afterAll, beforeAll, describe, expect, it, vi} from 'vitest'
import {parseMoment} from '../../src/cli/flags.js'
import {UsageError} from '../../src/errors.js'

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
