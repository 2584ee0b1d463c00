/** Streams and their groups. */
import {type Command, type Family, key, maybe, member, option, value} from './arguments.js'
import type {Draw} from './draw.js'

const x = (draw: Draw): string => key(draw, 'x')
const group = (draw: Draw): string => `g${draw.below(3)}`
const consumer = (draw: Draw): string => `c${draw.below(3)}`
/** IDs rise slowly, so that many are known, and some come too late. */
let clock = 1
const newId = (draw: Draw): string => {
  clock += draw.below(3)
  return draw.percent(90) ? `${clock}-${draw.below(4)}` : draw.percent(50) ? `${clock}-*` : String(clock)
}
const knownId = (draw: Draw): string => `${Math.max(clock - draw.below(120), 0)}-${draw.below(4)}`
const ids = (draw: Draw): Command => draw.times(1, 4, () => knownId(draw))

/** From the beginning, for another stream of commands. */
export function restartStreams(): void {
  clock = 1
}

const trim = (draw: Draw): Command =>
  draw.pick([
    ['MAXLEN', '=', String(draw.below(60))],
    ['MAXLEN', String(draw.below(60))],
    ['MINID', knownId(draw)],
    ['MAXLEN', '~', String(draw.below(60))],
  ])

export const streams: Family = {
  XADD: draw => [
    ...['XADD', x(draw), ...maybe(draw, 10, 'NOMKSTREAM'), ...option(draw, 30, () => trim(draw)), newId(draw)],
    ...draw.times(1, 3, () => [member(draw), value(draw)]).flat(),
  ],
  /** Streams of their own: after the server's clock no other ID fits. */
  XADDNOW: draw => ['XADD', `y:${draw.below(2)}`, 'MAXLEN', String(draw.between(1, 300)), '*', 'f', value(draw)],
  XADDAGAIN: draw => ['XADD', x(draw), newId(draw), 'f', 'v'],
  XDEL: draw => ['XDEL', x(draw), ...ids(draw)],
  XTRIM: draw => ['XTRIM', x(draw), ...trim(draw)],
  XSETID: draw => ['XSETID', x(draw), draw.percent(50) ? newId(draw) : `${clock + 3}-0`],
  XSETID7: draw => [
    'XSETID',
    x(draw),
    `${clock + 3}-0`,
    'ENTRIESADDED',
    String(draw.below(5000)),
    'MAXDELETEDID',
    knownId(draw),
  ],
  XGROUPCREATE: draw => [
    ...['XGROUP', 'CREATE', x(draw), group(draw), draw.pick(['0', '$', knownId(draw)]), ...maybe(draw, 30, 'MKSTREAM')],
  ],
  XGROUPCREATE7: draw => [
    'XGROUP',
    'CREATE',
    x(draw),
    group(draw),
    knownId(draw),
    'ENTRIESREAD',
    String(draw.between(-1, 100)),
  ],
  XGROUPSETID: draw => ['XGROUP', 'SETID', x(draw), group(draw), draw.pick(['0', '$', knownId(draw)])],
  XGROUPDESTROY: draw =>
    draw.percent(20) ? ['XGROUP', 'DESTROY', x(draw), group(draw)] : ['XACK', x(draw), group(draw), ...ids(draw)],
  XGROUPCREATECONSUMER: draw => ['XGROUP', 'CREATECONSUMER', x(draw), group(draw), consumer(draw)],
  XGROUPDELCONSUMER: draw =>
    draw.percent(30)
      ? ['XGROUP', 'DELCONSUMER', x(draw), group(draw), consumer(draw)]
      : ['XDEL', x(draw), knownId(draw)],
  XACK: draw => ['XACK', x(draw), group(draw), ...ids(draw)],
  XREADGROUP: draw => [
    ...[
      'XREADGROUP',
      'GROUP',
      group(draw),
      consumer(draw),
      ...option(draw, 70, () => ['COUNT', String(draw.between(1, 5))]),
    ],
    ...[...maybe(draw, 15, 'NOACK'), 'STREAMS', x(draw), draw.percent(90) ? '>' : '0'],
  ],
  XCLAIM: draw => [
    ...['XCLAIM', x(draw), group(draw), consumer(draw), '0', ...ids(draw)],
    ...['TIME', String(1_600_000_000_000 + draw.below(1e9))],
    ...option(draw, 30, () => ['RETRYCOUNT', String(draw.below(9))]),
    ...[
      ...maybe(draw, 40, 'FORCE'),
      ...maybe(draw, 40, 'JUSTID'),
      ...option(draw, 10, () => ['LASTID', knownId(draw)]),
    ],
  ],
  XAUTOCLAIM: draw => [
    'XAUTOCLAIM',
    x(draw),
    group(draw),
    consumer(draw),
    '0',
    '0',
    'COUNT',
    String(draw.between(1, 5)),
    ...maybe(draw, 40, 'JUSTID'),
  ],
}
