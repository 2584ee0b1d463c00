/** Sorted sets beside real servers: random commands on few keys, so that they meet each other. */
import fc from 'fast-check'
import {afterAll, beforeAll, it} from 'vitest'
import {describeEachServer} from '../server/each-server.js'
import {startServer} from '../server/server.js'
import {command, numbered, optional, several, some, word, words} from './arbitrary-command.js'
import {type Command, expectAlike} from './beside-server.js'

const OLDEST = 7

const key = word('z', 'z', 'z', 'y', 'y', 'x', 'text', 'set', 'none')
const member = fc.oneof(
  {weight: 6, arbitrary: word('a', 'b', 'c', 'd', 'aa', '', 'B', '1', '2')},
  {weight: 1, arbitrary: fc.integer({min: 0, max: 200}).map(n => `m${n}`)},
  {weight: 1, arbitrary: fc.integer({min: 1, max: 3}).map(n => 'long'.repeat(n * 20))},
  {weight: 1, arbitrary: fc.string({unit: 'binary', maxLength: 4}).map(text => Buffer.from(text).toString('latin1'))},
)
const finite = fc.oneof(
  {weight: 4, arbitrary: fc.integer({min: -3, max: 3}).map(String)},
  {
    weight: 1,
    arbitrary: word('0.1', '0.2', '0.3', '-0.7', '1e17', '9007199254740993', '5e-324', '1.7976931348623157e308'),
  },
  {weight: 1, arbitrary: word('inf', '-inf', '+inf', 'Infinity', '+5', '3.0e2', '.5', '7.')},
)
const score = fc.oneof(
  {weight: 20, arbitrary: finite},
  {weight: 1, arbitrary: word('nan', 'x', '', '1e400', '-1e400', '1e-400', ' 1', '1 ')},
)
const bound = fc.oneof(
  finite,
  finite.map(one => `(${one}`),
  word('-inf', '+inf', 'nan', '(x', '[1', '1e400'),
)
const lexBound = fc.oneof(
  {weight: 3, arbitrary: member.map(one => `[${one}`)},
  {weight: 3, arbitrary: member.map(one => `(${one}`)},
  {weight: 3, arbitrary: word('-', '+')},
  {weight: 1, arbitrary: word('a', '', '+a')},
)
const rank = fc.oneof(
  {weight: 6, arbitrary: fc.integer({min: -8, max: 8}).map(String)},
  {weight: 1, arbitrary: word('100', '-100', '9223372036854775807', '-9223372036854775808', '1.5', 'x')},
)
/** Below zero, it depends on how a server holds the set, and on which server. */
const offset = rank.filter(one => !one.startsWith('-'))
const count = fc.oneof(fc.integer({min: 0, max: 5}).map(String), word('-1', '1000', 'x'))
const timeout = word('0', '0', '1.5', '-1', 'x')
const flag = words(word('NX', 'XX', 'GT', 'LT', 'CH', 'INCR', 'nx', 'gt'))
const weights = words('WEIGHTS', fc.array(score, {minLength: 1, maxLength: 3}))
const aggregate = words('AGGREGATE', word('SUM', 'MIN', 'MAX', 'min', 'AVG'))

const sources = fc.array(key, {minLength: 1, maxLength: 3})
/** As many weights as keys, now and then others. */
const combined = fc.oneof(
  {
    weight: 4,
    arbitrary: sources.chain(keys =>
      words(
        fc.constant<string[]>([String(keys.length), ...keys]),
        optional('WEIGHTS', fc.array(finite, {minLength: keys.length, maxLength: keys.length})),
        optional(aggregate),
      ),
    ),
  },
  {weight: 1, arbitrary: words(numbered(sources), several(fc.oneof(weights, aggregate), 2))},
)

const random = fc.oneof(
  {
    weight: 5,
    arbitrary: command(
      'ZADD',
      key,
      several(flag, 2),
      fc.array(words(score, member), {minLength: 1, maxLength: 4}).map(all => all.flat()),
    ),
  },
  {
    weight: 1,
    arbitrary: command(
      'ZADD',
      word('z', 'y'),
      fc
        .array(
          words(
            finite,
            fc.nat(300).map(n => `m${n}`),
          ),
          {minLength: 50, maxLength: 150},
        )
        .map(all => all.flat()),
    ),
  },
  {weight: 2, arbitrary: command('ZINCRBY', key, score, member)},
  command('ZREM', key, some(member, 3)),
  command('ZREMRANGEBYRANK', key, rank, rank),
  command('ZREMRANGEBYSCORE', key, bound, bound),
  command(word('ZPOPMIN', 'ZPOPMAX'), key, optional(count)),
  command(word('BZPOPMIN', 'BZPOPMAX'), some(key, 3), timeout),
  command('ZMPOP', numbered(sources), word('MIN', 'MAX', 'max', 'LEFT'), optional('COUNT', count)),
  command('BZMPOP', timeout, numbered(sources), word('MIN', 'MAX'), optional('COUNT', count)),
  command(word('ZUNIONSTORE', 'ZINTERSTORE', 'ZDIFFSTORE'), word('z', 'y', 'x', 'text', 'into'), combined),
  command(word('ZDIFFSTORE'), word('z', 'y', 'x', 'into'), numbered(sources)),
  command('ZRANGESTORE', key, key, rank, rank, optional('REV')),
  command('ZRANGESTORE', key, key, bound, bound, 'BYSCORE', optional('REV'), optional('LIMIT', offset, rank)),
)

const setup: Command[] = [
  ['SET', 'text', 'one'],
  ['SADD', 'set', 'a', '1', 'm7'],
]

/** Ranges of members mean something where all have one score. */
const oneScore = fc.oneof(
  {
    weight: 3,
    arbitrary: command(
      'ZADD',
      word('z', 'y'),
      fc
        .array(
          member.map(one => ['0', one]),
          {minLength: 1, maxLength: 30},
        )
        .map(all => all.flat()),
    ),
  },
  command(
    'ZADD',
    'z',
    fc
      .array(
        fc.nat(300).map(n => ['0', `m${n}`]),
        {minLength: 100, maxLength: 150},
      )
      .map(all => all.flat()),
  ),
  command('ZREM', key, some(member, 3)),
  command('ZREMRANGEBYLEX', key, lexBound, lexBound),
  command('ZRANGESTORE', key, key, lexBound, lexBound, 'BYLEX', optional('REV'), optional('LIMIT', offset, rank)),
)

/** Sums that round, infinities that cancel out, and sources of different sizes: the order in which they are added counts. */
const rounding = fc.oneof(
  fc.double({noNaN: true}).map(String),
  word('0.1', '0.2', '0.3', 'inf', '-inf', '0', '1e16', '-1e16'),
)
const few = word('a', 'b', 'c', 'd', 'e', 'f', '1')
const sources3 = word('x', 'y', 'z', 'set')
const combining = fc.oneof(
  command(
    'ZADD',
    word('x', 'y', 'z'),
    fc.array(words(rounding, few), {minLength: 1, maxLength: 6}).map(all => all.flat()),
  ),
  fc
    .array(sources3, {minLength: 1, maxLength: 4})
    .chain(keys =>
      command(
        word('ZUNIONSTORE', 'ZINTERSTORE'),
        word('into', 'other'),
        fc.constant<string[]>([String(keys.length), ...keys]),
        optional('WEIGHTS', fc.array(rounding, {minLength: keys.length, maxLength: keys.length})),
        optional('AGGREGATE', word('SUM', 'MIN', 'MAX')),
      ),
    ),
)

describeEachServer('sorted sets are replayed as by', (name, version) => {
  let server: Awaited<ReturnType<typeof startServer>>
  beforeAll(async () => {
    server = await startServer(name)
  })
  afterAll(() => server.stop())
  const isNew = Number.parseFloat(version) >= OLDEST

  it.runIf(isNew)('any commands', async () => {
    const commands = fc.array(random, {minLength: 1, maxLength: 50, size: 'max'})
    await fc.assert(
      fc.asyncProperty(commands, fc.nat(9), async (commands, moving) => {
        await expectAlike(server, [...setup, ...commands], {moves: i => i % 10 === moving})
      }),
      {numRuns: 400},
    )
  })

  it.runIf(isNew)('ranges of members', async () => {
    const commands = fc.array(oneScore, {minLength: 1, maxLength: 20, size: 'max'})
    await fc.assert(
      fc.asyncProperty(commands, fc.nat(9), async (commands, moving) => {
        await expectAlike(server, [...setup, ...commands], {moves: i => i % 10 === moving})
      }),
      {numRuns: 200},
    )
  })

  it.runIf(isNew)('minus zero, which is zero where few small members stand', async () => {
    const many = Array.from({length: 200}, (_, i) => ['1', `m${i}`]).flat()
    await expectAlike(
      server,
      [
        ['ZADD', 'z', '-0', 'a', '1', 'b'],
        ['ZINCRBY', 'z', '-0', 'c'],
        ['ZADD', 'z', '-0', 'b'],
        ['ZADD', 'y', ...many],
        ['ZADD', 'y', '-0', 'a', '0', 'b'],
        ['ZINCRBY', 'y', '-0', 'c'],
        ['ZADD', 'y', '0', 'a', '-0', 'b'],
        ['ZADD', 'x', '0', 'a', '1', 'b'],
        ['ZADD', 'w', '0', 'a', '1', 'long'.repeat(20)],
        ['ZUNIONSTORE', 'small', '1', 'x', 'WEIGHTS', '-1'],
        ['ZUNIONSTORE', 'large', '1', 'w', 'WEIGHTS', '-1'],
        ['ZINTERSTORE', 'both', '2', 'w', 'x', 'WEIGHTS', '-1', '-1', 'AGGREGATE', 'MIN'],
        ['ZRANGESTORE', 'ranged', 'large', '0', '-1'],
      ],
      {signedZeros: true},
    )
  })

  it.runIf(isNew)('unions and intersections, to the last bit', async () => {
    const commands = fc.array(combining, {minLength: 1, maxLength: 20, size: 'max'})
    await fc.assert(
      fc.asyncProperty(commands, async commands => {
        await expectAlike(server, [...setup, ...commands])
      }),
      {numRuns: 400},
    )
  })
})
