/** Hashes, and fields that expire. */
import {
  type Command,
  expireAtMs,
  expireAtSeconds,
  expireInSeconds,
  type Family,
  float,
  integer,
  key,
  maybe,
  member,
  value,
} from './arguments.js'
import type {Draw} from './draw.js'

const h = (draw: Draw): string => key(draw, 'h')
const f = (draw: Draw): string => key(draw, 'f')
const pairs = (draw: Draw, most: number): Command => draw.times(1, most, () => [member(draw), value(draw)]).flat()

export const hashes: Family = {
  HSET: draw => ['HSET', h(draw), ...pairs(draw, draw.percent(97) ? 3 : 150)],
  HMSET: draw => ['HMSET', h(draw), ...pairs(draw, 3)],
  HSETNX: draw => ['HSETNX', h(draw), member(draw), value(draw)],
  HINCRBY: draw => ['HINCRBY', h(draw), member(draw), integer(draw)],
  HINCRBYFLOAT: draw => ['HINCRBYFLOAT', h(draw), member(draw), float(draw)],
  HDEL: draw => ['HDEL', h(draw), ...draw.times(1, 5, () => member(draw))],
}

function fields(draw: Draw): Command {
  const names = [...new Set(draw.times(1, 4, () => String(member(draw))))]
  return ['FIELDS', String(names.length), ...names]
}

function fieldPairs(draw: Draw): Command {
  const names = [...new Set(draw.times(1, 3, () => String(member(draw))))]
  return ['FIELDS', String(names.length), ...names.flatMap(name => [name, value(draw)])]
}

/** Redis 7.4 and 8.0, valkey 9.0. */
export const fieldExpiries: Family = {
  FHSET: draw => ['HSET', f(draw), ...pairs(draw, draw.percent(97) ? 3 : 150)],
  FHDEL: draw => ['HDEL', f(draw), member(draw)],
  FHINCRBY: draw => ['HINCRBY', f(draw), member(draw), integer(draw)],
  FHINCRBYFLOAT: draw => ['HINCRBYFLOAT', f(draw), member(draw), float(draw)],
  HPEXPIREAT: draw => [
    'HPEXPIREAT',
    f(draw),
    expireAtMs(draw),
    ...maybe(draw, 40, 'NX', 'XX', 'GT', 'LT'),
    ...fields(draw),
  ],
  HEXPIREAT: draw => ['HEXPIREAT', f(draw), expireAtSeconds(draw), ...maybe(draw, 40, 'NX', 'XX'), ...fields(draw)],
  HEXPIRE: draw => ['HEXPIRE', f(draw), expireInSeconds(draw), ...maybe(draw, 40, 'NX', 'GT'), ...fields(draw)],
  HGETEXIN: draw => ['HGETEX', f(draw), 'EX', expireInSeconds(draw), ...fields(draw)],
  HSETEXIN: draw => ['HSETEX', f(draw), 'EX', expireInSeconds(draw), ...fieldPairs(draw)],
  HPERSIST: draw => ['HPERSIST', f(draw), ...fields(draw)],
  HGETDEL: draw => ['HGETDEL', f(draw), ...fields(draw)],
  HGETEX: draw => ['HGETEX', f(draw), ...draw.pick([[], ['PERSIST'], ['PXAT', expireAtMs(draw)]]), ...fields(draw)],
  HSETEX: draw => [
    ...['HSETEX', f(draw), ...maybe(draw, 30, 'FNX', 'FXX')],
    ...[...draw.pick([[], ['KEEPTTL'], ['PXAT', expireAtMs(draw)]]), ...fieldPairs(draw)],
  ],
}
