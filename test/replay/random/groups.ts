/** Commands on two streams and their groups, so close to one another that most of them meet what others did. */
import type {Draw} from './draw.js'

/** Delivered long before any test runs. */
const DELIVERED_FROM_MS = 1_600_000_000_000

type Maker = (draw: Draw, clock: Clock) => string[]

/** IDs rise slowly. */
class Clock {
  now = 1

  known(draw: Draw): string {
    return `${Math.max(this.now - draw.below(25), 0)}-${draw.below(2)}`
  }

  next(draw: Draw): string {
    this.now += draw.below(3)
    return draw.percent(90) ? `${this.now}-${draw.below(2)}` : `${this.now}-*`
  }

  some(draw: Draw): string[] {
    return draw.times(1, 3, () => this.known(draw))
  }
}

const key = (draw: Draw): string => draw.pick(['a', 'b'])
const group = (draw: Draw): string => draw.pick(['g', 'h'])
const consumer = (draw: Draw): string => draw.pick(['c', 'd', 'e'])
const option = (draw: Draw, percent: number, ...args: string[]): string[] => (draw.percent(percent) ? args : [])

/** Entries are small: how many of them a server's node takes is decided by their number, not by their bytes. */
const trim: Maker = (draw, clock) =>
  draw.pick([
    ['MAXLEN', String(draw.below(30))],
    ['MAXLEN', '~', String(draw.below(250))],
    ['MAXLEN', '=', String(draw.below(8)), 'LIMIT', '3'],
    ['MINID', clock.known(draw)],
    ['MINID', '~', clock.known(draw)],
  ])

const WRITES: readonly [share: number, make: Maker][] = [
  [
    40,
    (draw, clock) => [
      ...['XADD', key(draw), ...(draw.percent(5) ? trim(draw, clock) : []), clock.next(draw)],
      ...draw.times(1, 2, () => [`f${draw.below(2)}`, 'x'.repeat(draw.below(3))]).flat(),
    ],
  ],
  [6, (draw, clock) => ['XDEL', key(draw), ...clock.some(draw)]],
  [2, (draw, clock) => ['XTRIM', key(draw), ...trim(draw, clock)]],
  [1, (draw, clock) => ['XSETID', key(draw), `${clock.now + 1}-0`]],
  [
    4,
    (draw, clock) => [
      ...['XGROUP', 'CREATE', key(draw), group(draw), draw.pick(['0', '$', clock.known(draw)])],
      ...[...option(draw, 50, 'MKSTREAM'), ...option(draw, 50, 'ENTRIESREAD', String(draw.between(-1, 40)))],
    ],
  ],
  [
    3,
    (draw, clock) => [
      ...['XGROUP', 'SETID', key(draw), group(draw), draw.pick(['0', '$', '-', clock.known(draw)])],
      ...option(draw, 50, 'ENTRIESREAD', String(draw.between(-1, 40))),
    ],
  ],
  [1, draw => ['XGROUP', 'DESTROY', key(draw), group(draw)]],
  [2, draw => ['XGROUP', 'CREATECONSUMER', key(draw), group(draw), consumer(draw)]],
  [2, draw => ['XGROUP', 'DELCONSUMER', key(draw), group(draw), consumer(draw)]],
  [8, (draw, clock) => ['XACK', key(draw), group(draw), ...clock.some(draw)]],
  [
    14,
    (draw, clock) => [
      ...['XCLAIM', key(draw), group(draw), consumer(draw), draw.pick(['0', '0', '500']), ...clock.some(draw)],
      ...['TIME', String(DELIVERED_FROM_MS + draw.below(1e9))],
      ...[...option(draw, 30, 'RETRYCOUNT', String(draw.between(-1, 9))), ...option(draw, 40, 'FORCE')],
      ...[...option(draw, 40, 'JUSTID'), ...option(draw, 20, 'LASTID', clock.known(draw))],
    ],
  ],
  [
    4,
    (draw, clock) => [
      ...['XAUTOCLAIM', key(draw), group(draw), consumer(draw), '0'],
      ...[draw.pick(['0', '-', clock.known(draw), `(${clock.known(draw)}`]), 'COUNT', String(draw.between(1, 4))],
      ...option(draw, 40, 'JUSTID'),
    ],
  ],
  [1, draw => ['COPY', key(draw), key(draw), 'REPLACE']],
  [1, draw => ['RENAME', key(draw), key(draw)]],
]

/** Before redis 8.0 and valkey 8.1, reads in a row are counted otherwise, and a last ID may be below a deleted one. */
const NEWER: typeof WRITES = [
  [1, (draw, clock) => ['XSETID', key(draw), clock.next(draw)]],
  [
    1,
    (draw, clock) => [
      ...['XSETID', key(draw), `${clock.now + draw.below(2)}-0`, 'ENTRIESADDED', String(draw.below(100))],
      ...['MAXDELETEDID', clock.known(draw)],
    ],
  ],
  [
    12,
    (draw, clock) => [
      ...['XREADGROUP', 'GROUP', group(draw), consumer(draw)],
      ...[...option(draw, 70, 'COUNT', String(draw.below(4))), ...option(draw, 15, 'NOACK')],
      ...['STREAMS', key(draw), draw.percent(70) ? '>' : clock.known(draw)],
    ],
  ],
]

/** The same for the same seed. */
export function groupCommands(draw: Draw, count: number, newer: boolean): string[][] {
  const makers = newer ? [...WRITES, ...NEWER] : WRITES
  const deck = makers.flatMap(([share, make]) => Array.from({length: share}, () => make))
  const clock = new Clock()
  return Array.from({length: count}, () => draw.pick(deck)(draw, clock))
}
