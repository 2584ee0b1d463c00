/** Places beside real servers: what is stored of a search, which of them with ANY or COUNT, and how far they are. */
import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {describeEachServer} from '../server/each-server.js'
import {startServer} from '../server/server.js'
import {command, optional, several, word, words} from './arbitrary-command.js'
import {type Command, expectAlike, replayed, served, whollyKnown} from './beside-server.js'

const OLDEST = 7

const degrees = (max: number): fc.Arbitrary<string> =>
  fc.integer({min: -max * 1e6, max: max * 1e6}).map(n => String(n / 1e6))
const longitude = fc.oneof({weight: 20, arbitrary: degrees(180)}, {weight: 1, arbitrary: word('180.1', 'x', 'nan')})
const latitude = fc.oneof({weight: 20, arbitrary: degrees(85)}, {weight: 1, arbitrary: word('86', '-85.1', '')})
const near = fc.integer({min: 0, max: 1e6}).map(n => String(n / 1e6))
const place = fc.oneof(words(longitude, latitude), words(near, near))
/** With those at which numbers end. */
const anywhere = fc.oneof(
  {weight: 4, arbitrary: words(degrees(180), degrees(85))},
  {weight: 1, arbitrary: words(word('180', '-180', '0', '90'), word('85.05112878', '-85.05112878', '0'))},
)
const member = fc.nat(40).map(n => `p${n}`)
const key = word('g', 'g', 'g', 'h', 'none', 'plain')
const metric = word('m', 'km', 'ft', 'mi', 'KM')
const unit = fc.oneof({weight: 9, arbitrary: metric}, {weight: 1, arbitrary: word('yd')})
const length = fc.oneof(
  {weight: 4, arbitrary: fc.integer({min: 0, max: 1000}).map(String)},
  {weight: 4, arbitrary: fc.integer({min: 0, max: 30_000}).map(String)},
  {weight: 1, arbitrary: word('-1', 'x', '0', '1e9')},
)
const count = word('1', '2', '5', '30', '0', '-1', 'x')
const order = words(word('ASC', 'DESC'))
const counted = words('COUNT', count, optional('ANY'))
const shape = fc.oneof(words('BYRADIUS', length, unit), words('BYBOX', length, length, unit))
const from = fc.oneof(words('FROMLONLAT', place), words('FROMMEMBER', member))
const into = word('into', 'g', 'h')

const random = fc.oneof(
  {
    weight: 3,
    arbitrary: command(
      'GEOADD',
      key,
      several(words(word('NX', 'XX', 'CH')), 2),
      fc.array(words(place, member), {minLength: 1, maxLength: 8}).map(all => all.flat()),
    ),
  },
  {
    weight: 1,
    arbitrary: command('ZADD', 'g', word('-5', '1.5', '1e18', 'inf', '4503599627370496', '9007199254740993'), member),
  },
  {weight: 4, arbitrary: command('GEOSEARCHSTORE', into, key, from, shape, optional(order), optional(counted))},
  command(
    'GEOSEARCHSTORE',
    into,
    key,
    several(fc.oneof(from, shape, order, counted, words('ANY'), words('WITHDIST')), 5),
  ).filter(({length}) => length >= 8),
  command(
    'GEORADIUS',
    key,
    place,
    length,
    unit,
    optional(counted),
    optional(order),
    optional('WITHDIST'),
    optional('STORE', into),
  ),
  command('GEORADIUSBYMEMBER', key, member, length, unit, optional(order), optional(counted), optional('STORE', into)),
)

/** Few places, all of them at another distance from where it is looked from, and in several cells. */
const SHARED = [
  ['0.11', '0.2'],
  ['1.3', '-0.7'],
  ['-2.1', '0.4'],
  ['3.7', '2.9'],
  ['-0.5', '-1.9'],
  ['5.2', '-4.4'],
]
const crowd = fc
  .integer({min: 1, max: SHARED.length})
  .chain(kinds => fc.array(fc.constantFrom(...SHARED.slice(0, kinds)), {minLength: 7, maxLength: 60, size: 'max'}))
const some = words('COUNT', fc.integer({min: 1, max: 60}).map(String), optional('ANY'))
const counting = fc.oneof(
  words('GEORADIUS', 'g', '0.01', '0.02', word('200', '500', '5000'), 'km', optional(order), some, 'STORE', 'into'),
  words('GEORADIUSBYMEMBER', 'g', 'p0', '5000', 'km', some, optional(order), 'STOREDIST', 'into'),
  words('GEOSEARCHSTORE', 'into', 'g', 'FROMLONLAT', '1', '0.1', 'BYBOX', '900', '700', 'km', optional(order), some),
)

const setup: Command[] = [
  ['SET', 'plain', 'one'],
  ['GEOADD', 'g', '13.361389', '38.115556', 'p0', '15.087269', '37.502669', 'p1', '0.1', '0.1', 'p2'],
]

describeEachServer('places are replayed as by', (name, version) => {
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    server = await startServer(name)
  })
  afterAll(() => server.stop())
  const isNew = Number.parseFloat(version) >= OLDEST

  it.runIf(isNew)('any commands', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(random, {minLength: 1, maxLength: 30, size: 'max'}), async commands => {
        await expectAlike(server, whollyKnown([...setup, ...commands]), {wordedAlike: ['redis-8.0']})
      }),
      {numRuns: 400},
    )
  })

  it.runIf(isNew)('the same of many at the same places, and all of that is known', async () => {
    await fc.assert(
      fc.asyncProperty(crowd, fc.array(counting, {minLength: 6, maxLength: 12}), async (places, searches) => {
        const commands = [
          ['GEOADD', 'g', ...places.flatMap((place, i) => [...place, `p${i}`])],
          ...searches.map((search, i) => search.map(word => (word === 'into' ? `into${i}` : word))),
        ]
        expect(replayed(commands).partly).toEqual([])
        await expectAlike(server, commands)
      }),
      {numRuns: 60},
    )
  })

  it.runIf(isNew)('the same of places equally far on all sides, or it is told', async () => {
    let told = 0
    await fc.assert(
      fc.asyncProperty(near, near, fc.integer({min: 1, max: 8}), words(order), async (x, y, count, order) => {
        const places = [x, `-${x}`, y, `-${y}`].flatMap(east => [x, `-${x}`, y, `-${y}`].map(north => [east, north]))
        const commands = [
          ['GEOADD', 'g', ...places.flatMap((place, i) => [...place, `p${i}`])],
          ['GEORADIUS', 'g', '0', '0', '5000', 'km', 'COUNT', String(count), ...order, 'STORE', 'into'],
        ]
        const {partly, values} = replayed(commands)
        const theirs = await served(server, commands)
        if (partly.length === 0) expect(values).toEqual(theirs.values)
        else expect(values['into']).toHaveLength(theirs.values['into']!.length)
        told += partly.length
      }),
      {numRuns: 100},
    )
    expect(told).toBeGreaterThan(0)
  })

  it.runIf(isNew)('distances, to the last bit but for one in fifty', async () => {
    let distances = 0
    let alike = 0
    await fc.assert(
      fc.asyncProperty(fc.array(anywhere, {minLength: 20, maxLength: 40}), metric, async (places, unit) => {
        const commands: Command[] = [
          ['GEOADD', 'g', ...places.flatMap((place, i) => [...place, `p${i}`])],
          ['GEOSEARCHSTORE', 'into', 'g', 'FROMMEMBER', 'p0', 'BYRADIUS', '99999999', unit, 'STOREDIST'],
        ]
        const theirs = scoresIn((await served(server, commands)).values['into'])
        const ours = scoresIn(replayed(commands).values['into'])
        expect(ours.size).toBe(theirs.size)
        for (const [member, distance] of theirs) {
          const own = ours.get(member)!
          // Half around the earth, a bit more or less of a sine is much of a distance.
          expect(Math.abs(own - distance)).toBeLessThanOrEqual(distance * 1e-8)
          distances++
          if (own === distance) alike++
        }
      }),
      {numRuns: 100},
    )
    expect(alike / distances).toBeGreaterThan(0.98)
  })
})

function scoresIn(value: string | (string | number)[] | undefined): Map<string, number> {
  const scores = new Map<string, number>()
  if (!Array.isArray(value)) return scores
  for (let i = 0; i < value.length; i += 2) scores.set(String(value[i]), Number(value[i + 1]))
  return scores
}
