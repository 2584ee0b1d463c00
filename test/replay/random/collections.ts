/** Lists, sets, sorted sets, places. */
import {type Command, type Family, float, index, key, maybe, member, option, value} from './arguments.js'
import type {Draw} from './draw.js'

const l = (draw: Draw): string => key(draw, 'l')
const t = (draw: Draw): string => key(draw, 't')
const z = (draw: Draw): string => key(draw, 'z')
const g = (draw: Draw): string => key(draw, 'g')
const few = (draw: Draw): string => String(draw.between(1, 4))
const end = (draw: Draw): string => draw.pick(['LEFT', 'RIGHT'])

function pushed(draw: Draw): Command {
  return draw.times(1, draw.percent(97) ? 4 : 200, () => (draw.percent(50) ? member(draw) : value(draw)))
}

export const lists: Family = {
  LPUSH: draw => ['LPUSH', l(draw), ...pushed(draw)],
  RPUSH: draw => ['RPUSH', l(draw), ...pushed(draw)],
  LPUSHX: draw => ['LPUSHX', l(draw), ...pushed(draw)],
  RPUSHX: draw => ['RPUSHX', l(draw), ...pushed(draw)],
  LPOP: draw => ['LPOP', l(draw)],
  RPOP: draw => ['RPOP', l(draw)],
  LPOPN: draw => ['LPOP', l(draw), few(draw)],
  RPOPN: draw => ['RPOP', l(draw), few(draw)],
  LINSERT: draw => ['LINSERT', l(draw), draw.pick(['BEFORE', 'AFTER']), member(draw), value(draw)],
  LSET: draw => ['LSET', l(draw), index(draw), value(draw)],
  LREM: draw => ['LREM', l(draw), String(draw.between(-2, 2)), member(draw)],
  LTRIM: draw => ['LTRIM', l(draw), String(draw.between(-3, 3)), String(draw.between(-60, 60))],
  RPOPLPUSH: draw => ['RPOPLPUSH', l(draw), l(draw)],
  LMOVE: draw => ['LMOVE', l(draw), l(draw), end(draw), end(draw)],
  LMPOP: draw => ['LMPOP', '2', l(draw), l(draw), end(draw), ...option(draw, 50, () => ['COUNT', few(draw)])],
  BLPOP: draw => ['BLPOP', l(draw), '0.001'],
  BRPOP: draw => ['BRPOP', l(draw), '0.001'],
  BRPOPLPUSH: draw => ['BRPOPLPUSH', l(draw), l(draw), '0.001'],
  BLMOVE: draw => ['BLMOVE', l(draw), l(draw), end(draw), end(draw), '0.001'],
  BLMPOP: draw => ['BLMPOP', '0.001', '1', l(draw), end(draw), 'COUNT', few(draw)],
}

export const sets: Family = {
  SADD: draw => ['SADD', t(draw), ...draw.times(1, draw.percent(97) ? 4 : 300, () => member(draw))],
  SADDINT: draw => ['SADD', t(draw), ...draw.times(1, 4, () => String(draw.between(-100_000, 100_000)))],
  SREM: draw => ['SREM', t(draw), ...draw.times(1, 6, () => member(draw))],
  SMOVE: draw => ['SMOVE', t(draw), t(draw), member(draw)],
  SPOP: draw => ['SPOP', t(draw), ...option(draw, 50, () => [few(draw)])],
  SUNIONSTORE: draw => ['SUNIONSTORE', t(draw), ...draw.times(1, 3, () => t(draw))],
  SINTERSTORE: draw => ['SINTERSTORE', t(draw), ...draw.times(1, 3, () => t(draw))],
  SDIFFSTORE: draw => ['SDIFFSTORE', t(draw), ...draw.times(1, 3, () => t(draw))],
}

const scoreBound = (draw: Draw): string =>
  draw.percent(10) ? draw.pick(['-inf', '+inf']) : maybe(draw, 30, '(').join('') + float(draw)

function zsources(draw: Draw, weighted: boolean): Command {
  const keys = draw.times(1, 3, () => (draw.percent(80) ? z(draw) : t(draw)))
  const weights = weighted
    ? option(draw, 40, () => ['WEIGHTS', ...keys.map(() => String(draw.between(1, 500) / 100))])
    : []
  const aggregate = weighted ? option(draw, 40, () => ['AGGREGATE', draw.pick(['SUM', 'MIN', 'MAX'])]) : []
  return [String(keys.length), ...keys, ...weights, ...aggregate]
}

/** Not by member: where scores differ, a server's skip list decides by its random heights (sorted-set.test.ts has those ranges). */
export const sortedSets: Family = {
  ZADD: draw => [
    'ZADD',
    z(draw),
    ...draw.times(1, draw.percent(97) ? 3 : 150, () => [float(draw), member(draw)]).flat(),
  ],
  ZADDFLAGS: draw => [
    ...['ZADD', z(draw), ...draw.pick([['NX'], ['XX'], ['GT'], ['LT'], ['XX', 'GT'], ['XX', 'LT'], []])],
    ...[...maybe(draw, 30, 'CH'), ...maybe(draw, 20, 'INCR'), float(draw), member(draw)],
  ],
  ZSAME: draw => ['ZADD', z(draw), ...draw.times(1, 4, () => ['0', member(draw)]).flat()],
  ZINCRBY: draw => ['ZINCRBY', z(draw), float(draw), member(draw)],
  ZREM: draw => ['ZREM', z(draw), ...draw.times(1, 4, () => member(draw))],
  ZREMRANGEBYRANK: draw => ['ZREMRANGEBYRANK', z(draw), index(draw), String(draw.between(-60, 5))],
  ZREMRANGEBYSCORE: draw => ['ZREMRANGEBYSCORE', z(draw), scoreBound(draw), scoreBound(draw)],
  ZPOPMIN: draw => ['ZPOPMIN', z(draw), ...option(draw, 50, () => [few(draw)])],
  ZPOPMAX: draw => ['ZPOPMAX', z(draw), ...option(draw, 50, () => [few(draw)])],
  ZMPOP: draw => [
    'ZMPOP',
    '2',
    z(draw),
    z(draw),
    draw.pick(['MIN', 'MAX']),
    ...option(draw, 50, () => ['COUNT', few(draw)]),
  ],
  BZPOPMIN: draw => ['BZPOPMIN', z(draw), '0.001'],
  BZPOPMAX: draw => ['BZPOPMAX', z(draw), '0.001'],
  BZMPOP: draw => ['BZMPOP', '0.001', '1', z(draw), draw.pick(['MIN', 'MAX']), 'COUNT', few(draw)],
  ZUNIONSTORE: draw => ['ZUNIONSTORE', z(draw), ...zsources(draw, true)],
  ZINTERSTORE: draw => ['ZINTERSTORE', z(draw), ...zsources(draw, true)],
  ZDIFFSTORE: draw => ['ZDIFFSTORE', z(draw), ...zsources(draw, false)],
  ZRANGESTORE: draw => ['ZRANGESTORE', z(draw), z(draw), index(draw), index(draw), ...maybe(draw, 30, 'REV')],
  ZRANGESTORESCORE: draw => [
    ...['ZRANGESTORE', z(draw), z(draw), scoreBound(draw), scoreBound(draw), 'BYSCORE', ...maybe(draw, 40, 'REV')],
    ...option(draw, 40, () => ['LIMIT', String(draw.below(4)), String(draw.between(-1, 5))]),
  ],
}

const longitude = (draw: Draw): string => String(draw.between(-180_000, 180_000) / 1000)
const latitude = (draw: Draw): string => String(draw.between(-85_000, 85_000) / 1000)
const distance = (draw: Draw): string => String(draw.between(10, 8000))
const order = (draw: Draw): string[] => maybe(draw, 40, 'ASC', 'DESC')
const count = (draw: Draw): Command => option(draw, 30, () => ['COUNT', few(draw)])

export const places: Family = {
  GEOADD: draw => [
    'GEOADD',
    g(draw),
    ...draw.times(1, 3, () => [longitude(draw), latitude(draw), `place${draw.below(40)}`]).flat(),
  ],
  GEOADD62: draw => [
    ...['GEOADD', g(draw), ...maybe(draw, 60, 'NX', 'XX'), ...maybe(draw, 50, 'CH')],
    ...[longitude(draw), latitude(draw), `place${draw.below(40)}`],
  ],
  GEORADIUS: draw => [
    ...['GEORADIUS', g(draw), longitude(draw), latitude(draw), distance(draw), 'km', ...count(draw), ...order(draw)],
    ...['STORE', g(draw)],
  ],
  GEORADIUSBYMEMBER: draw => [
    'GEORADIUSBYMEMBER',
    g(draw),
    `place${draw.below(40)}`,
    distance(draw),
    'km',
    'STORE',
    g(draw),
  ],
  GEOSEARCHSTORE: draw => [
    ...['GEOSEARCHSTORE', g(draw), g(draw), 'FROMLONLAT', longitude(draw), latitude(draw)],
    ...draw.pick([
      ['BYRADIUS', distance(draw), 'km'],
      ['BYBOX', distance(draw), distance(draw), 'km'],
    ]),
    ...[...order(draw), ...count(draw)],
  ],
}
