/** Strings, numbers, bits, HyperLogLogs. */
import {
  anyKey,
  expireAtMs,
  expireAtSeconds,
  expireInSeconds,
  type Family,
  float,
  index,
  integer,
  key,
  maybe,
  member,
  option,
  value,
} from './arguments.js'
import type {Draw} from './draw.js'

const s = (draw: Draw): string => key(draw, 's')
const b = (draw: Draw): string => key(draw, 'b')
const p = (draw: Draw): string => key(draw, 'p')

const offset = (draw: Draw): string => String(draw.below(draw.percent(95) ? 400 : 20_000))
const width = (draw: Draw): string => `${draw.pick(['i', 'u'])}${draw.pick([1, 3, 5, 8, 13, 16, 32, 47, 62, 63])}`

function bitfield(draw: Draw): string[] {
  const out: string[] = []
  for (const kind of draw.times(1, 3, () => draw.pick(['GET', 'SET', 'INCRBY']))) {
    if (draw.percent(30)) out.push('OVERFLOW', draw.pick(['WRAP', 'SAT', 'FAIL']))
    const at = draw.percent(50) ? `#${draw.below(12)}` : String(draw.below(200))
    out.push(kind, width(draw), at, ...(kind === 'GET' ? [] : [String(draw.between(-5_000_000_000, 5_000_000_000))]))
  }
  return out
}

export const strings: Family = {
  SET: draw => [
    ...['SET', s(draw), value(draw)],
    ...maybe(draw, 15, 'NX', 'XX'),
    ...option(draw, 20, () => draw.pick([['KEEPTTL'], ['PXAT', expireAtMs(draw)], ['EXAT', expireAtSeconds(draw)]])),
  ],
  SETGET: draw => ['SET', s(draw), value(draw), 'GET', ...maybe(draw, 30, 'KEEPTTL', 'XX')],
  SETIN: draw => ['SET', s(draw), value(draw), ...maybe(draw, 30, 'XX'), 'EX', expireInSeconds(draw)],
  SETEX: draw => ['SETEX', s(draw), expireInSeconds(draw), value(draw)],
  PSETEX: draw => ['PSETEX', s(draw), expireAtMs(draw), value(draw)],
  GETEXIN: draw => ['GETEX', s(draw), 'EX', expireInSeconds(draw)],
  SETNX: draw => ['SETNX', s(draw), value(draw)],
  GETSET: draw => ['GETSET', s(draw), value(draw)],
  GETDEL: draw => ['GETDEL', s(draw)],
  GETEX: draw => ['GETEX', s(draw), ...draw.pick([[], ['PERSIST'], ['PXAT', expireAtMs(draw)]])],
  MSET: draw => ['MSET', ...draw.times(1, 4, () => [s(draw), value(draw)]).flat()],
  MSETNX: draw => ['MSETNX', ...draw.times(1, 2, () => [s(draw), value(draw)]).flat()],
  MSETEX: draw => {
    const pairs = draw.times(1, 3, () => [s(draw), value(draw)])
    return [
      'MSETEX',
      String(pairs.length),
      ...pairs.flat(),
      ...maybe(draw, 20, 'NX', 'XX'),
      ...draw.pick([[], ['KEEPTTL'], ['PXAT', expireAtMs(draw)]]),
    ]
  },
  APPEND: draw => ['APPEND', s(draw), value(draw)],
  SETRANGE: draw => ['SETRANGE', s(draw), offset(draw), value(draw)],
  INCR: draw => ['INCR', s(draw)],
  DECR: draw => ['DECR', s(draw)],
  INCRBY: draw => ['INCRBY', s(draw), integer(draw)],
  DECRBY: draw => ['DECRBY', s(draw), integer(draw)],
  INCRBYFLOAT: draw => ['INCRBYFLOAT', s(draw), float(draw)],
  DELIFEQ: draw => ['DELIFEQ', s(draw), value(draw)],
}

export const bits: Family = {
  SETBIT: draw => ['SETBIT', b(draw), offset(draw), String(draw.below(2))],
  BITFIELD: draw => ['BITFIELD', b(draw), ...bitfield(draw)],
  BITOP: draw => {
    const operation = draw.pick(['AND', 'OR', 'XOR', 'NOT'])
    return ['BITOP', operation, b(draw), ...draw.times(1, operation === 'NOT' ? 1 : 3, () => b(draw))]
  },
  BITOP82: draw => ['BITOP', draw.pick(['DIFF', 'DIFF1', 'ANDOR', 'ONE']), b(draw), b(draw), b(draw)],
  SETRANGEB: draw => ['SETRANGE', b(draw), index(draw), value(draw)],
}

export const hyperLogLogs: Family = {
  PFADD: draw => ['PFADD', p(draw), ...draw.times(0, draw.percent(95) ? 4 : 300, () => member(draw))],
  PFMANY: draw => ['PFADD', p(draw), ...draw.times(1, 40, () => `e${draw.below(1e6)}`)],
  PFMERGE: draw => ['PFMERGE', p(draw), ...draw.times(0, 3, () => p(draw))],
  PFCOUNT: draw => ['PFCOUNT', draw.percent(95) ? p(draw) : anyKey(draw)],
}
