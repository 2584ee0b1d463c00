/** Lists and SORT beside real servers: random commands on few keys, so that they meet each other. */
import fc from 'fast-check'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {describeEachServer} from '../server/each-server.js'
import {startServer} from '../server/server.js'
import {command, numbered, optional, several, some, word, words} from './arbitrary-command.js'
import {type Command, expectAlike, replayed, whollyKnown} from './beside-server.js'

const OLDEST = 7

const key = fc.constantFrom('a', 'b', 'c', 'text', 'set')
const list = fc.constantFrom('a', 'a', 'a', 'b', 'b', 'c')
const element = fc.oneof(
  {weight: 6, arbitrary: fc.constantFrom('x', 'y', 'z', '1', '-7', '22', '')},
  {weight: 1, arbitrary: fc.integer({min: 1, max: 9}).map(n => 'long'.repeat(n * 100))},
  {weight: 1, arbitrary: fc.string({unit: 'binary', maxLength: 6}).map(text => Buffer.from(text).toString('latin1'))},
)
const index = fc.oneof(
  fc.integer({min: -8, max: 8}).map(String),
  fc.constantFrom('100', '-100', '9223372036854775807', '-9223372036854775808', '1.5', 'x', ''),
)
/** Of the others servers of different age make different things. */
const isShort = (index: string): boolean => index.length < 10
const count = fc.oneof(fc.integer({min: 0, max: 5}).map(String), fc.constantFrom('-1', '1000', 'x', '+1'))
const timeout = fc.constantFrom('0', '0', '1.5', '-1', 'x', 'inf', '')
const end = fc.constantFrom('LEFT', 'RIGHT', 'left', 'MIDDLE')

const push = command(word('LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX'), key, some(element, 4))
const pop = command(word('LPOP', 'RPOP'), key, optional(count))
const random = fc.oneof(
  {weight: 4, arbitrary: push},
  {weight: 1, arbitrary: command('RPUSH', list, fc.array(element, {minLength: 30, maxLength: 150}))},
  pop,
  command(word('BLPOP', 'BRPOP'), some(key, 3), timeout),
  command('LTRIM', key, index, index),
  command('LSET', key, index.filter(isShort), element),
  command('LINSERT', key, word('BEFORE', 'AFTER', 'after', 'NEXT'), element, element),
  // Servers do not agree on the least integer there.
  command(
    'LREM',
    key,
    index.filter(one => one !== '-9223372036854775808'),
    element,
  ),
  command('RPOPLPUSH', key, key),
  command('BRPOPLPUSH', list, key, timeout),
  command('LMOVE', key, key, end, end),
  command('BLMOVE', list, key, end, end, timeout),
  command('LMPOP', numbered(some(key, 3)), end, optional('COUNT', count)),
  command('BLMPOP', timeout, numbered(some(list, 3)), end, optional('COUNT', count)),
)

const setup: Command[] = [
  ['SET', 'text', 'one'],
  ['SADD', 'set', '3', '1', '2'],
]

const sortOption = fc.oneof(
  words(word('ASC', 'DESC', 'desc', 'ALPHA')),
  words('LIMIT', index, index),
  words('BY', word('nosort', 'w_*', 'h_*->w', '*', 'h_*->', 'none_*', '#')),
  words('GET', word('#', 'w_*', 'h_*->w', 'nothing', 'none_*', 'a*', '*->*')),
)
const sortSetup: Command[] = [
  ['RPUSH', 'l', '3', '-1', '20', '20', '1e3', '0', '+4', '1.50'],
  ['RPUSH', 'words', 'b', 'a', 'aa', 'Z', 'b', '10'],
  ['SADD', 's', '5', '30', '-2', '4'],
  ['SADD', 'swords', 'q', 'p', '30'],
  ['ZADD', 'z', '3', 'c', '1', 'b', '2', 'a', '0', '7'],
  ['MSET', 'w_3', '10', 'w_20', '5', 'w_a', 'z', 'w_b', 'y', 'w_c', 'x', 'w_', '7', 'w_5', '1', 'w_30', '1'],
  ['HSET', 'h_3', 'w', '2'],
  ['HSET', 'h_a', 'w', '9'],
  ['HSET', 'h_5', 'w', 'inf', '*', 'star'],
]
const sort = command(
  'SORT',
  word('l', 'words', 's', 'swords', 'z', 'none', 'w_3', 'h_3'),
  several(sortOption, 4),
  optional('STORE', word('into', 'l', 'z', 'w_3')),
).filter(isDetermined)

/** Valkey 9 takes "" for no number, and others for 0. */
function isDetermined(options: Command): boolean {
  return !options.includes('GET') || !options.includes('STORE') || options.at(-1) === 'into'
}

/** By weights of which many are the same, or are not there: number 0 has none. */
const place = fc.integer({min: 0, max: 60}).map(String)
const sortByFew = command('SORT', 'l', 'BY', 'w_*->w', 'ALPHA', optional('DESC'), optional('LIMIT', place, place))

describeEachServer('lists are replayed as by', (name, version) => {
  if (Number.parseFloat(version) < OLDEST) {
    it(`${name} knows less of them`, () => expect(version).toMatch(/^6/))
    return
  }
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    server = await startServer(name)
  })
  afterAll(() => server.stop())

  it('any commands', async () => {
    const commands = fc.array(random, {minLength: 1, maxLength: 60, size: 'max'})
    await fc.assert(
      fc.asyncProperty(commands, fc.nat(9), async (commands, moving) => {
        await expectAlike(server, [...setup, ...commands], {moves: i => i % 10 === moving})
      }),
      {numRuns: 400},
    )
  })

  it.runIf(Number.parseFloat(version) >= 7.2)('LSET with an index of which only the lower half counts', async () => {
    const long = ['9223372036854775807', '4294967297', '-4294967296', '-9223372036854775808', '2147483648']
    const commands = long.map((index, i): Command => ['LSET', 'a', index, `${i}`])
    await expectAlike(server, [['RPUSH', 'a', 'x', 'y', 'z'], ...commands])
  })

  it('SORT', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(sort, {minLength: 1, maxLength: 8}), async commands => {
        await expectAlike(server, whollyKnown([...sortSetup, ...commands]))
      }),
      {numRuns: 500},
    )
  })

  it('SORT by equal keys', async () => {
    const weights = fc
      .integer({min: 0, max: 6})
      .chain(kinds => fc.array(fc.integer({min: 0, max: kinds}), {minLength: 7, maxLength: 60, size: 'max'}))
    await fc.assert(
      fc.asyncProperty(weights, fc.array(sortByFew, {minLength: 6, maxLength: 12}), async (weights, sorts) => {
        const commands = [
          ['RPUSH', 'l', ...weights.map((_, i) => String(i))],
          ...weights.flatMap((weight, i) => (weight > 0 ? [['HSET', `w_${i}`, 'w', String(weight)]] : [])),
          ...sorts.map((sort, i) => [...sort, 'STORE', `into${i}`]),
        ]
        expect(replayed(commands).partly).toEqual([])
        await expectAlike(server, commands)
      }),
      {numRuns: 60},
    )
  })

  it('SORT of a set by equal keys, which is told', async () => {
    const set: Command = ['SADD', 's', '1', '2', '3', '4', '5', '6', '7', '8']
    const weights: Command = [
      'MSET',
      'w_1',
      'a',
      'w_2',
      'b',
      'w_3',
      'c',
      'w_4',
      'c',
      'w_5',
      'd',
      'w_6',
      'e',
      'w_7',
      'f',
      'w_8',
      'g',
    ]
    const sortPart = (first: number, count: number): Command[] => [
      set,
      weights,
      ['SORT', 's', 'BY', 'w_*', 'ALPHA', 'LIMIT', String(first), String(count), 'STORE', 'into'],
    ]
    for (let first = 0; first < 8; first++) {
      for (let count = 0; count < 8; count++) {
        const commands = sortPart(first, count)
        // Two of the same stand at 2 and 3.
        const tells = count > 0 && first <= 3 && first + count > 2
        expect(replayed(commands).partly).toEqual(tells ? [2] : [])
        if (!tells) await expectAlike(server, commands)
      }
    }
  })
})
