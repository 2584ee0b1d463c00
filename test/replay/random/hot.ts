/** Commands that the replay kernel runs, and their neighbours that it must not: few keys, so that kinds and sizes meet. */
import type {Draw} from './draw.js'

type Command = (string | Uint8Array)[]

const NUMBERS = ['0', '1', '-1', '7', '42', '-300', '123456789', '999999999999999999', '-999999999999999999']
const ODD_NUMBERS = [
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '+1',
  '01',
  '-0',
  '',
  '1.5',
  ' 1',
  'x',
]
const SCORES = ['0', '1', '-2', '3.5', '0.1', '-12.25', '100', '99999.99', '1234567890.12345', '3']
const ODD_SCORES = [
  '-0',
  '1e3',
  'inf',
  '-inf',
  'nan',
  '1.',
  '.5',
  '00',
  '0x10',
  '1234567890.1234567',
  '',
  '1.2.3',
  '+4',
  '-',
]
const TIMES = ['1900000000000', '1', '253402300799999', '9007199254740993']
const ODD_TIMES = ['0', '-5', '99999999999999999999', 'soon']
const LENGTHS = [0, 1, 3, 8, 15, 16, 17, 40, 100, 126, 127, 128, 129, 200, 300]

function mostly(draw: Draw, usual: readonly string[], odd: readonly string[]): string {
  return draw.pick(draw.percent(90) ? usual : odd)
}

function key(draw: Draw): string {
  return draw.percent(3) ? 'k'.repeat(draw.pick(LENGTHS)) : `k:${draw.below(60)}`
}

function value(draw: Draw): string | Uint8Array {
  if (draw.percent(5)) return Buffer.alloc(draw.between(1, 40), draw.pick(['\r\n', '*1\r\n', '\0', '\xff']))
  if (draw.percent(1)) return 'v'.repeat(draw.between(4000, 20_000))
  return 'abc'.repeat(200).slice(0, draw.percent(95) ? draw.below(60) : draw.pick(LENGTHS))
}

function member(draw: Draw): string {
  if (draw.percent(1)) return 'm'.repeat(draw.pick(LENGTHS))
  return `m${draw.below(draw.percent(70) ? 12 : 400)}`
}

const members = (draw: Draw): string[] => draw.times(1, draw.percent(3) ? 40 : 4, () => member(draw))
const number = (draw: Draw): string => mostly(draw, NUMBERS, ODD_NUMBERS)
const score = (draw: Draw): string => mostly(draw, SCORES, ODD_SCORES)
const time = (draw: Draw): string => mostly(draw, TIMES, ODD_TIMES)
const rank = (draw: Draw): string => String(draw.between(-30, 30))

let lastId = 0
const length = (draw: Draw): string => mostly(draw, ['50', '7', '200', '3'], ['0', '-1', '1.5', '99999999999999999999'])

/** Of the entries of all streams: rising, but for a few. */
function id(draw: Draw): string {
  if (draw.percent(5)) return draw.pick(['0-0', '0-1', '*', '5', '5-*', '007-1', '1-01', '-1-1'])
  if (draw.percent(5)) return `${draw.below(lastId + 1)}-${draw.below(3)}`
  lastId += draw.below(3)
  return `${lastId}-${draw.between(1, 1000)}`
}

const MAKERS: readonly ((draw: Draw) => Command)[] = [
  draw => ['SET', key(draw), value(draw)],
  draw => ['SET', key(draw), value(draw), draw.pick(['PXAT', 'pxat', 'EXAT']), time(draw)],
  draw => ['SET', key(draw), value(draw), draw.pick(['KEEPTTL', 'NX', 'XX', 'GET', 'ODD'])],
  draw => ['SET', key(draw), number(draw)],
  draw => [draw.pick(['INCR', 'DECR', 'incr']), key(draw)],
  draw => [draw.pick(['INCRBY', 'DECRBY']), key(draw), number(draw)],
  draw => [draw.pick(['DEL', 'UNLINK']), key(draw)],
  draw => ['DEL', key(draw), key(draw)],
  draw => ['PEXPIREAT', key(draw), time(draw)],
  draw => ['PEXPIREAT', key(draw), time(draw), draw.pick(['NX', 'GT', 'ODD'])],
  draw => ['PERSIST', key(draw)],
  draw => ['DEL', key(draw), key(draw), key(draw)],
  draw => ['SETRANGE', key(draw), mostly(draw, ['0', '5', '40', '300'], ['-1', '20000', '1.5', '']), value(draw)],
  draw => [
    'SETBIT',
    key(draw),
    mostly(draw, ['0', '7', '8', '123', '4000'], ['-1', '150000', 'x']),
    draw.pick(['0', '1', '1', '2', '10']),
  ],
  draw => ['ZADD', key(draw), ...draw.times(1, 5, () => [score(draw), member(draw)]).flat(), ...draw.some(['odd'], 5)],
  draw => ['APPEND', key(draw), value(draw)],
  draw => ['HSET', key(draw), ...members(draw).flatMap(one => [one, value(draw)])],
  draw => ['HMSET', key(draw), member(draw), value(draw), member(draw)],
  draw => ['HSET', key(draw), member(draw), number(draw)],
  draw => ['HINCRBY', key(draw), member(draw), number(draw)],
  draw => ['HDEL', key(draw), ...members(draw)],
  draw => ['HPEXPIREAT', key(draw), '1900000000000', 'FIELDS', '1', member(draw)],
  draw => [draw.pick(['LPUSH', 'RPUSH']), key(draw), ...draw.times(1, 5, () => value(draw))],
  draw => ['LTRIM', key(draw), rank(draw), rank(draw)],
  draw => [draw.pick(['LPOP', 'RPOP']), key(draw)],
  draw => ['LPOP', key(draw), '3'],
  draw => ['LSET', key(draw), rank(draw), value(draw)],
  draw => ['SADD', key(draw), ...members(draw)],
  draw => ['SREM', key(draw), ...members(draw)],
  draw => ['SMOVE', key(draw), key(draw), member(draw)],
  draw => ['ZADD', key(draw), score(draw), member(draw)],
  draw => ['ZADD', key(draw), draw.pick(['NX', 'GT', 'INCR']), score(draw), member(draw)],
  draw => ['ZINCRBY', key(draw), score(draw), member(draw)],
  draw => ['ZREM', key(draw), ...members(draw)],
  draw => ['ZREMRANGEBYRANK', key(draw), rank(draw), rank(draw)],
  draw => ['XADD', key(draw), id(draw), ...draw.times(1, 3, () => [member(draw), value(draw)]).flat()],
  draw => ['XADD', key(draw), 'MAXLEN', draw.pick(['=', '=', '=', '~']), length(draw), id(draw), 'f', value(draw)],
  draw => ['XADD', key(draw), 'maxlen', length(draw), id(draw), 'f', value(draw), ...draw.some(['odd'], 5)],
  draw => ['XDEL', key(draw), id(draw)],
  draw => ['XTRIM', key(draw), 'MAXLEN', length(draw)],
  draw =>
    draw.percent(10)
      ? ['XGROUP', 'CREATE', `x:${draw.below(15)}`, 'g', '0']
      : ['XGROUP', 'DESTROY', `x:${draw.below(15)}`, 'g'],
  draw => ['RENAME', key(draw), key(draw)],
  draw => ['COPY', key(draw), key(draw), 'REPLACE'],
  draw => ['SELECT', draw.percent(80) ? '0' : draw.pick(['3', '15', '16', '-1', 'x'])],
]

/** Every kind of value in turn is at home in a range of keys, so that most commands find what they ask for. */
export function* hotCommands(draw: Draw, count: number): Generator<Command> {
  for (let made = 0; made < count; ) {
    const group = draw.percent(8) ? draw.between(0, draw.percent(10) ? 60 : 5) : -1
    if (group >= 0) yield [draw.pick(['MULTI', 'multi'])]
    for (let i = 0; i < Math.max(group, 1); i++, made++) yield at(draw, draw.below(MAKERS.length))
    if (group >= 0) yield [draw.percent(95) ? 'EXEC' : draw.pick(['DISCARD', 'MULTI', 'exec'])]
    if (draw.percent(1))
      yield draw.pick([['FLUSHDB'], ['FLUSHALL'], ['SWAPDB', '0', '3'], ['NOSUCH', 'k'], ['GET', 'k']])
  }
}

/** A command on a key that is likely to be of its kind. */
function at(draw: Draw, maker: number): Command {
  const command = MAKERS[maker]!(draw)
  const home = KIND_OF[String(command[0]).toUpperCase()]
  if (home !== undefined && draw.percent(93)) command[1] = `${home}:${draw.below(15)}`
  return command
}

const KIND_OF: Readonly<Record<string, string>> = {
  ...{
    SET: 's',
    INCR: 'n',
    DECR: 'n',
    INCRBY: 'n',
    DECRBY: 'n',
    APPEND: 's',
    HSET: 'h',
    HMSET: 'h',
    HINCRBY: 'h',
    HDEL: 'h',
  },
  ...{
    HPEXPIREAT: 'h',
    LPUSH: 'l',
    RPUSH: 'l',
    LTRIM: 'l',
    LPOP: 'l',
    RPOP: 'l',
    LSET: 'l',
    SADD: 'm',
    SREM: 'm',
    SMOVE: 'm',
  },
  ...{XADD: 'x', XDEL: 'x', XTRIM: 'x'},
  ...{ZADD: 'z', ZINCRBY: 'z', ZREM: 'z', ZREMRANGEBYRANK: 'z'},
}
