/** What check finds, and that it finds nothing in what is sound. */
import {describe, expect, it} from 'vitest'
import type {Soundness} from '../../src/analysis/soundness.js'
import {check} from '../../src/jobs/check.js'
import type {CheckOptions} from '../../src/jobs/check-options.js'
import {hex, len, str} from '../fixtures/builder.js'
import * as value from '../fixtures/values.js'
import {fixtures, REFUSED} from '../reading/fixtures.js'
import {temporaryFolder} from '../start/folder.js'
import {around, CHECK_SAMPLES, raw} from './check-samples.js'

const folder = temporaryFolder()
let files = 0

async function checked(bytes: Uint8Array, options: CheckOptions = {}): Promise<Soundness> {
  const {soundness, failure} = await check(folder.write(`${files++}.rdb`, bytes), options)
  expect(failure).toBeUndefined()
  return soundness!
}

const codesOf = ({problems}: Soundness): string[] =>
  problems.map(({code, severity}) => code + (severity === 'warning' ? '?' : ''))

describe.each(CHECK_SAMPLES.map(one => [one.name, one] as const))('%s', (_, {codes, wrong, sound}) => {
  it('is found, and told with its place', async () => {
    const soundness = await checked(wrong)
    expect(codesOf(soundness)).toEqual(codes)
    for (const {offset, text} of soundness.problems) {
      expect(offset).toBeGreaterThan(0)
      expect(offset).toBeLessThanOrEqual(wrong.length)
      expect(text).not.toMatch(/undefined|NaN|\[object/)
    }
    expect(soundness.errors).toBe(codes.filter(code => !code.endsWith('?')).length)
  })

  it('is not found in its sound twin', async () => {
    expect(codesOf(await checked(sound))).toEqual([])
  })
})

/** What is known to be odd about fixtures. */
const ODD: readonly [name: RegExp, codes: string[]][] = [
  [/databases-many/, ['DATABASE_NUMBER?', 'DATABASE_NUMBER?', 'DATABASE_NUMBER?', 'DATABASE_NUMBER?']],
  [/no-checksum|checksum-zero|-v[1-4]\.rdb/, ['CHECKSUM_ABSENT?']],
  [/bytes-after-end/, ['TRAILING_BYTES?']],
  [/checksum-wrong/, ['BAD_CHECKSUM']],
  [/collections-empty/, new Array(5).fill('EMPTY_COLLECTION?')],
  [/database-99/, ['DATABASE_NUMBER?']],
  [/databases-empty/, ['DATABASE_ORDER?', 'SIZE_HINT?', 'DATABASE_ORDER?']],
  [/function-release-candidate/, ['FUNCTION_CANDIDATE', 'FUNCTION_CANDIDATE']],
  [/key-twice/, ['DUPLICATE_KEY']],
  [/stream-two-consumers/, ['PENDING_TWICE']],
  [/zset-ascii-nan/, ['BAD_SCORE']],
  [/redis-enterprise|keydb-cron/, ['VENDOR_ONLY?']],
]

describe('every fixture', () => {
  it.each(fixtures.filter(({name}) => name !== REFUSED).map(one => [one.name, one] as const))(
    '%s',
    async (name, {path, golden}) => {
      const {soundness, failure} = await check(path)
      expect(failure).toBeUndefined()
      expect(codesOf(soundness!)).toEqual(ODD.find(([odd]) => odd.test(name))?.[1] ?? [])
      expect(soundness!.keys).toBe(golden.entries.length)
      const again = await check(path, {duplicates: false})
      const found = codesOf(soundness!).filter(code => code !== 'DUPLICATE_KEY')
      expect(codesOf(again.soundness!)).toEqual(found)
    },
  )
})

describe('the place of a problem', () => {
  it('is database, key, type and the bytes that are lost', async () => {
    const file = CHECK_SAMPLES.find(({name}) => name === 'string, compressed badly')!.wrong
    const {problems, keys} = await checked(file)
    expect(keys).toBe(3)
    expect(problems).toMatchObject([
      {code: 'BAD_LZF', db: 0, key: new Uint8Array(Buffer.from('key')), type: 'string', bytesLost: 14},
    ])
  })

  it('of a framing that is lost reaches to the end', async () => {
    const file = around(9, one => one.key(2, 'key', raw(hex(len(1), 0x82))))
    const {problems, checksum, bytes} = await checked(file)
    expect(checksum).toBeUndefined()
    expect(bytes).toBeLessThan(file.length)
    const recordOffset = file.indexOf('key') - 2
    expect(problems).toMatchObject([{code: 'BAD_LENGTH', type: 'set', bytesLost: file.length - recordOffset}])
  })
})

describe('the reading goes on', () => {
  it('behind every damaged value', async () => {
    const bad = str(Buffer.from([7, 0, 0, 0, 0, 0, 0]))
    const file = around(10, one => {
      for (let i = 0; i < 5; i++) one.key(16, `h${i}`, raw(bad)).key(0, `s${i}`, value.string('v'))
    })
    const soundness = await checked(file)
    expect(codesOf(soundness)).toEqual(new Array(5).fill('BAD_LISTPACK'))
    expect(soundness).toMatchObject({keys: 12, checksum: 'ok'})
  })

  it('and counts what it does not keep', async () => {
    const file = around(9, one => {
      for (let i = 0; i < 50; i++) one.key(1, `l${i}`, raw(len(0))).key(3, `z${i}`, raw(hex(len(1), str('m'), 0xfd)))
    })
    const soundness = await checked(file, {problemsMax: 7})
    expect(soundness).toMatchObject({errors: 50, warnings: 50})
    expect(soundness.problems).toHaveLength(14)
    expect(soundness.counts).toEqual([
      {code: 'BAD_SCORE', severity: 'error', count: 50},
      {code: 'EMPTY_COLLECTION', severity: 'warning', count: 50},
    ])
  })
})

describe('what is no RDB file', () => {
  it.each([
    ['an empty file', '', 'EMPTY_INPUT'],
    ['a text', 'hello, world', 'BAD_MAGIC'],
    ['a magic with letters', 'REDISabcd', 'BAD_VERSION'],
    ['half a magic', 'REDI', 'TRUNCATED'],
  ])('%s', async (_, text, code) => {
    const {soundness, failure} = await check(folder.write('none', text))
    expect(soundness).toBeUndefined()
    expect(failure).toMatchObject({code})
  })

  it('an unknown type ends the reading, as a failure and as a problem', async () => {
    const {soundness, failure} = await check(
      folder.write(
        'new',
        around(9, one => one.key(99, 'k', raw(len(0)))),
      ),
    )
    expect(failure).toMatchObject({code: 'UNKNOWN_TYPE'})
    expect(codesOf(soundness!)).toEqual(['UNKNOWN_TYPE'])
    expect(soundness!.keys).toBe(1)
  })

  it('no file at all', async () => {
    expect((await check('/nowhere/at/all')).failure).toMatchObject({code: 'ENOENT'})
  })
})
