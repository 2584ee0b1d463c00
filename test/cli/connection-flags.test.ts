/** What connection flags accept, and what they make of it. */
import {describe, expect, it} from 'vitest'
import {connectionFlags, parseSeconds, parseSentinels, sentinelCredentials} from '../../src/cli/connection-flags.js'
import {UsageError} from '../../src/errors.js'

type Parse = (text: string) => Promise<number>
const parserOf = (name: 'timeout' | 'connect-timeout' | 'wait' | 'retry-delay'): Parse => {
  return connectionFlags[name].parse as unknown as Parse
}

describe('seconds', () => {
  it.each([
    ['timeout', '2147483', 2_147_483],
    ['timeout', '0.001', 0.001],
    ['connect-timeout', '2147483', 2_147_483],
    ['wait', '0', 0],
    ['retry-delay', '0', 0],
  ] as const)('--%s %s', async (name, text, seconds) => {
    expect(await parserOf(name)(text)).toBe(seconds)
  })

  it.each([
    ['timeout', '2147484', /give 2147483 or less/],
    ['timeout', '3000000', /give 2147483 or less/],
    ['connect-timeout', '3000000', /give 2147483 or less/],
    ['retry-delay', '3000000', /give 2147483 or less/],
    ['timeout', '0', /0 seconds are too short/],
    ['timeout', '0.0', /0 seconds are too short/],
    ['connect-timeout', '0', /0 seconds are too short/],
    ['timeout', '-1', /are no seconds/],
  ] as const)('--%s %s is refused', async (name, text, message) => {
    const parsed = parserOf(name)(text)
    await expect(parsed).rejects.toThrow(UsageError)
    await expect(parsed).rejects.toThrow(message)
  })

  it('that no timer counts may be more', () => {
    expect(parseSeconds('3000000')).toBe(3_000_000)
    expect(() => parseSeconds('1000000001')).toThrow(/give 1000000000 or less/)
  })
})

describe('Sentinels', () => {
  it('stand behind the first @: no name of a master has one, and a password may', () => {
    expect(parseSentinels('mm@redis://:s@cret@db1:1,rediss://db2')).toEqual({
      name: 'mm',
      addresses: [
        {host: 'db1', port: 1, password: 's@cret'},
        {host: 'db2', port: 26_379, tls: {}},
      ],
    })
  })

  it('have the password of their URL, or that of the environment', () => {
    const environment = {RDBTOOL_SENTINEL_PASSWORD: 'other'}
    const [one, two] = parseSentinels('mm@redis://:secret@db1:1,db2').addresses
    expect(sentinelCredentials(one!, {}, environment)).toMatchObject({password: 'secret'})
    expect(sentinelCredentials(two!, {}, environment)).toMatchObject({password: 'other'})
  })

  it.each(['db1:26379', '@db1', 'redis://:hunter2@db1:1', ':hunter2@db1:1', 'valkey://ops:hunter2@db1'])(
    '%s names no master',
    text => {
      expect(() => parseSentinels(text)).toThrow(/names no master/)
      expect(() => parseSentinels(text)).not.toThrow(/hunter2/)
    },
  )

  it.each(['mm@redis://:hun,ter2@db1', 'mm@redis://a:1,hunter2@db1', 'mm@:hunter2@db1'])(
    'of %s show no part of a password',
    text => {
      expect(() => parseSentinels(text)).toThrow(UsageError)
      expect(() => parseSentinels(text)).not.toThrow(/hun|ter2/)
    },
  )
})
