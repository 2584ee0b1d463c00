/** Streams: the same commands leave the same in our data set and in real servers, in what they answer and what they load. */
import {expect, it} from 'vitest'
import {describeEachServer} from '../server/each-server.js'
import {Draw} from './random/draw.js'
import {groupCommands} from './random/groups.js'
import {type Argument, askEngine, askServer, type Content, contentOfLog} from './replaying.js'

const argumentsOf = (all: readonly string[]): Argument[][] => all.map(one => one.split(' '))
const MAX = '18446744073709551615'
const AT = 1_600_000_000_000

const ENTRIES = [
  ...['XADD a 1-1 f v', 'XADD a 1-1 f v', 'XADD a 1 f v', 'XADD a 2 f v g w', 'XADD a 2-* f v', 'XADD a 0-0 f v'],
  ...['XADD a 0 f v', 'XADD z 0-* f v', 'XADD a 3-3 f', 'XADD a 3-3 f v g', 'XADD a x f v', 'XADD a 3-x f v'],
  ...['XADD a -1-1 f v', 'XADD a - f v', 'XADD a + f v', `XADD a ${MAX}6-1 f v`, 'XADD a 007-01 f v'],
  ...['XADD a MAXLEN f v', 'XADD a MAXLEN 2 8-1 f v', 'XADD a MAXLEN = 2 9-1 f v', 'XADD a MAXLEN -1 10-1 f v'],
  ...['XADD a MAXLEN x 10-1 f v', 'XADD a MAXLEN 2 MINID 3 10-1 f v', 'XADD a MAXLEN ~ 2 LIMIT 3 10-1 f v'],
  ...['XADD a MAXLEN ~ 2 LIMIT -1 11-1 f v', 'XADD a MINID 9-2 11-1 f v', 'XADD a MINID = 11 11-2 f v'],
  ...['XADD a MINID x 11-3 f v', 'XADD a LIMIT 5 11-3 f v', 'XADD a LIMIT 5 x f v', 'XADD a MAXLEN 0 12-1 f v'],
  ...['XADD a 12-1 f v', 'XADD a 13-1 f v', 'XADD b NOMKSTREAM 1-1 f v', 'XADD b NOMKSTREAM MAXLEN 1 1-1 f v'],
  ...['XADD b MAXLEN 1 NOMKSTREAM 1-1 f v', 'XADD a NOMKSTREAM 14-1 f v', 'XADD a nomkstream maxlen 1 15-1 f v'],
  ...[`XADD max ${MAX}-${MAX} f v`, 'XADD max * f v', 'XADD max 5 f v', `XADD max ${MAX}-* f v`],
  ...[`XADD seq 5-${MAX} f v`, 'XADD seq 5-* f v', 'XADD seq 6-* f v', 'SET s 1', 'XADD s 1-1 f v', 'XADD s 0-0 f v'],
  ...['XADD d 1-1 f v', 'XADD d 2-1 f v', 'XADD d 3-1 f v', 'XDEL d 2-1 5 2-1', 'XDEL d x', 'XDEL d 1-1 x'],
  ...['XDEL none x', 'XDEL s 1', 'XDEL s x', 'XTRIM d MAXLEN 1', 'XTRIM d MAXLEN 1 MINID 2', 'XTRIM d FOO 1'],
  ...['XTRIM d LIMIT 5', 'XTRIM d MAXLEN ~ 0', 'XTRIM d MINID ~ 3', 'XTRIM none MAXLEN x', 'XTRIM none MAXLEN 1'],
  ...['XTRIM s MAXLEN 1', 'XTRIM d MAXLEN 0', 'XDEL d 3-1', 'XSETID d 3-1', 'XSETID d 2-1', 'XSETID d 9-1'],
  ...['XSETID none 9-1', 'XSETID d x', 'XSETID s 9-1', 'XSETID d 10-1 ENTRIESADDED 5'],
  ...['XSETID d 10-1 ENTRIESADDED 5 MAXDELETEDID 4-1', 'XSETID d 10-1 ENTRIESADDED -5'],
  ...['XSETID d 10-1 ENTRIESADDED x', 'XSETID d 10-1 MAXDELETEDID 11-1', 'XSETID d 10-1 MAXDELETEDID 0-0'],
  ...['XSETID d 10-1 FOO 1', 'XSETID d 10-1 ENTRIESADDED', 'XADD d 11-1 f v', 'XADD d 12-1 f v', 'XSETID d 11-1'],
  ...['XSETID d 13-1 ENTRIESADDED 1', 'XSETID d 13-1 ENTRIESADDED 9223372036854775807', 'XADD d 14-1 f v'],
]

const GROUPS = [
  ...['SET s 1', 'XGROUP CREATE none g 0', 'XGROUP CREATE none g x MKSTREAM', 'XGROUP CREATE mk g 0 MKSTREAM'],
  ...[
    'XGROUP CREATE mk g 0 MKSTREAM',
    'XGROUP CREATE mk2 g $ MKSTREAM',
    'XGROUP CREATE mk3 g 5-5 MKSTREAM ENTRIESREAD 7',
  ],
  ...['XGROUP CREATE s g 0', 'XGROUP CREATE s g 0 MKSTREAM', 'XADD q 1-1 f v', 'XADD q 2-1 f v', 'XADD q 3-1 f v'],
  ...['XADD q 4-1 f v', 'XADD q 5-1 f v', 'XGROUP CREATE q g $', 'XGROUP CREATE q h 0'],
  ...[
    'XGROUP CREATE q i 2-1 ENTRIESREAD 2',
    'XGROUP CREATE q j 2-1 ENTRIESREAD -1',
    'XGROUP CREATE q k 2-1 ENTRIESREAD -2',
  ],
  ...['XGROUP CREATE q k 2-1 ENTRIESREAD x', 'XGROUP CREATE q k 2-1 FOO', 'XGROUP CREATE q k 2-1 ENTRIESREAD'],
  ...[
    'XGROUP CREATE q k -',
    'XGROUP CREATE q k +',
    'XGROUP CREATE q k x',
    'XGROUP CREATE q g x',
    'XGROUP CREATE q g 0',
  ],
  ...['XGROUP CREATE q l 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM', 'XGROUP SETID q g 0', 'XGROUP SETID q g -'],
  ...[
    'XGROUP SETID q i +',
    'XGROUP SETID q j $',
    'XGROUP SETID q j 2-1 ENTRIESREAD 9',
    'XGROUP SETID q j 2-1 ENTRIESREAD -9',
  ],
  ...[
    'XGROUP SETID q j 2-1 MKSTREAM',
    'XGROUP SETID q none 2-1',
    'XGROUP SETID none none 2-1',
    'XGROUP SETID s none 2-1',
  ],
  ...['XGROUP SETID q g x', 'XGROUP CREATECONSUMER q g c1', 'XGROUP CREATECONSUMER q g c1'],
  ...['XGROUP CREATECONSUMER q none c1', 'XGROUP CREATECONSUMER none none c1', 'XGROUP CREATECONSUMER s none c1'],
  ...[
    'XGROUP DELCONSUMER q g c1',
    'XGROUP DELCONSUMER q g c1',
    'XGROUP DELCONSUMER q none c1',
    'XGROUP DESTROY q none',
  ],
  ...['XGROUP DESTROY q i', 'XGROUP DESTROY none i', 'XGROUP DESTROY s i', 'XGROUP HELP'],
  ...[`XCLAIM q g c1 0 1-1 2-1 TIME ${AT} FORCE JUSTID`, `XCLAIM q g c1 0 1-1 TIME ${AT} FORCE`],
  ...[`XCLAIM q g c2 0 2-1 TIME ${AT + 1}`, `XCLAIM q g c2 0 2-1 TIME ${AT + 1} RETRYCOUNT 7`],
  ...[
    `XCLAIM q g c2 0 2-1 TIME ${AT + 1} RETRYCOUNT -7`,
    'XCLAIM q g c2 0 2-1 RETRYCOUNT x',
    'XCLAIM q g c2 0 2-1 TIME x',
  ],
  ...['XCLAIM q g c2 0 2-1 IDLE x', 'XCLAIM q g c2 x 2-1', `XCLAIM q g c2 -5 2-1 TIME ${AT + 3} JUSTID`],
  ...[`XCLAIM q g c3 0 3-1 TIME ${AT + 1}`, `XCLAIM q g c4 0 99-1 TIME ${AT + 1} FORCE`, 'XCLAIM q g c5 0 x'],
  ...[
    'XCLAIM q g c5 0 3-1 x',
    `XCLAIM q g c5 0 3-1 TIME ${AT + 5} FORCE x`,
    `XCLAIM q g c5 0 3-1 TIME ${AT + 5} FORCE LASTID 4-1`,
  ],
  ...[`XCLAIM q g c5 0 3-1 TIME ${AT + 5} FORCE LASTID 2-1`, `XCLAIM q g c5 0 3-1 TIME ${AT + 5} FORCE LASTID x`],
  ...['XCLAIM q g c6 0 FORCE LASTID 5-1', `XCLAIM q g c6 99999999999999 3-1 TIME ${AT + 5}`, 'XCLAIM q none c6 0 3-1'],
  ...[
    'XCLAIM none none c6 0 3-1',
    'XCLAIM s none c6 0 3-1',
    `XCLAIM q g c6 0 3-1 TIME ${AT + 9} RETRYCOUNT 9223372036854775807`,
  ],
  ...[`XCLAIM q g c6 0 3-1 TIME ${AT + 9}`, 'XDEL q 2-1', `XCLAIM q g c7 0 2-1 TIME ${AT + 9}`],
  ...[`XCLAIM q h c1 0 3-1 4-1 5-1 FORCE TIME ${AT + 9}`, 'XACK q g 1-1 1-1 9', 'XACK q g 3-1 x', 'XACK q none 3-1'],
  ...['XACK none none x', 'XACK q none x', 'XACK s none 1', 'XDEL q 4-1', 'XGROUP DELCONSUMER q h c1', 'COPY q qq'],
  ...['XADD r 1-1 f v', 'XADD r 2-1 f v', 'XADD r 3-1 f v', 'XADD r 4-1 f v', 'XGROUP CREATE r g 0'],
  ...['XREADGROUP GROUP g c1 COUNT 2 STREAMS r >', 'XREADGROUP GROUP g c1 COUNT 1 NOACK STREAMS r >'],
  ...['XREADGROUP GROUP g c2 STREAMS r >', 'XREADGROUP GROUP g c3 STREAMS r >', 'XREADGROUP GROUP g c1 STREAMS r 0'],
  ...['XREADGROUP GROUP g c1 STREAMS r 1-1', 'XREADGROUP GROUP g c1 STREAMS r x', 'XREADGROUP GROUP g c1 STREAMS r $'],
  ...[
    'XREADGROUP GROUP g c1 STREAMS r q >',
    'XREADGROUP GROUP g c1 COUNT x STREAMS r >',
    'XREADGROUP GROUP none c1 STREAMS r >',
  ],
  ...[
    'XREADGROUP GROUP g c1 STREAMS s >',
    'XREADGROUP GROUP g c1 BLOCK -1 STREAMS r >',
    'XREADGROUP GROUP g c1 FOO STREAMS r >',
  ],
  ...['XREADGROUP COUNT 1 NOACK NOACK STREAMS r >', 'XREADGROUP GROUP g c1 COUNT 1 BLOCK STREAMS r', 'COPY r rr'],
  ...[
    'XAUTOCLAIM r g c9 0 0 COUNT 1 JUSTID',
    'XAUTOCLAIM r g c9 0 - COUNT 1 JUSTID',
    'XAUTOCLAIM r g c8 0 (1-1 COUNT 1',
  ],
  ...['XAUTOCLAIM r g c9 0 ( COUNT 1', 'XAUTOCLAIM r g c9 0 (1-1 COUNT 0', `XAUTOCLAIM r g c9 0 (${MAX}-${MAX}`],
  ...[
    'XAUTOCLAIM r g c9 0 0 FOO',
    'XAUTOCLAIM r none c9 0 0',
    'XAUTOCLAIM none none c9 0 0',
    'XAUTOCLAIM s none c9 0 0',
  ],
  ...['XAUTOCLAIM r g c9 x 0', 'XAUTOCLAIM r g c9 0 x', 'XAUTOCLAIM r g c9 0 +'],
]

/** Servers end where a log has these; but for the last, which redis 7.0 takes. */
const NOT_LOADED = [
  'XGROUP CREATE',
  'XGROUP CREATE q',
  'XGROUP SETID q g',
  'XGROUP DESTROY q',
  'XGROUP FOO q g',
  'XSETID d 3-1',
]

/** A client's own: what is loaded is trimmed whole. */
const LIMITED = [
  'XADD l 1-1 f v',
  'XADD l 2-1 f v',
  'XADD l 3-1 f v',
  'XADD l MAXLEN 2 LIMIT 1 4-1 f v',
  'XTRIM l MINID 4 LIMIT 1',
]

/** Before 7.0, with what there was. */
const OLDER = [
  ...['XADD a 1-1 f v', 'XADD a 1 f v', 'XADD a 2 f v', 'XADD a MAXLEN 2 3-1 f v', 'XADD a MAXLEN = 2 4-1 f v'],
  ...['XADD a 5-1 f v', 'XADD a 6-1 f v', 'XDEL a 5-1', 'XTRIM a MAXLEN 2', 'XSETID a 9-1', 'XSETID a 5-1'],
  ...['XGROUP CREATE a g 0', 'XGROUP CREATE none g 0', 'XGROUP CREATE b g $ MKSTREAM', 'XGROUP SETID a g $'],
  ...[`XCLAIM a g c 0 4-1 6-1 TIME ${AT} RETRYCOUNT 3 FORCE JUSTID LASTID 4-1`, `XCLAIM a g d 0 4-1 TIME ${AT + 1}`],
  ...['XACK a g 6-1 1', 'XADD a 10-1 f v', 'XREADGROUP GROUP g c STREAMS a >', 'XGROUP DELCONSUMER a g d'],
]

/** Without what commands do not say: clocks. */
function withoutClocks(content: Content, all: (shown: string) => string = shown => shown): Content {
  const timeless = (shown: string): string =>
    shown
      .replace(/ (\d{13}) (\d+)(?=,|$)/g, (found, at, deliveries) =>
        Number(at) < AT + 1e10 ? found : ` now ${deliveries}`,
      )
      .replace(/(consumer \S+) \S+ \S+/g, '$1')
  return Object.fromEntries(Object.entries(content).map(([key, shown]) => [key, all(timeless(shown))]))
}

/** Redis 7.0 makes a consumer only once there is something to give it. */
const withoutIdle = (shown: string): string => shown.replace(/,consumer \S+ 0(?=,|$)/g, '')

/** What redis 6.0 does not count: entries that were added and deleted, and how many a group has read. */
const uncounted = (shown: string): string =>
  withoutIdle(shown)
    .replace(/(\d+ \d+-\d+) \S+ \S+(?=,group|$)/, '$1')
    .replace(/(group \S+ \S+) \S+/g, '$1')

describeEachServer('streams in', name => {
  const shown = (content: Content): Content =>
    withoutClocks(content, name === 'redis-6.0' ? uncounted : name === 'redis-7.0' ? withoutIdle : undefined)
  const knows = name !== 'redis-6.0'
  // In others their words, or how they count what was read, are of their time.
  const isNewest = /^redis-8|^valkey-(8\.1|9)/.test(name)

  it('are what they are here', async () => {
    const commands = argumentsOf(knows ? [...ENTRIES, ...GROUPS] : OLDER)
    const {content, errors} = await askEngine(commands)
    const server = await askServer(name, commands)
    expect(shown(content)).toEqual(shown(server.content))
    expect(shown(content)).toEqual(shown(await contentOfLog(name, commands)))
    const failed = (all: readonly string[]): unknown[] => commands.map((args, i) => [args.join(' '), all[i] !== ''])
    expect(failed(errors)).toEqual(failed(server.errors))
  })

  it.skipIf(!isNewest)('are refused with the same words', async () => {
    const commands = argumentsOf([...ENTRIES, ...GROUPS, ...NOT_LOADED])
    const worded = (all: readonly string[]): unknown[] => commands.map((args, i) => [args.join(' '), all[i]])
    const {errors} = await askEngine(commands)
    expect(errors.filter(one => one !== '').length).toBeGreaterThan(90)
    expect(worded(errors)).toEqual(worded((await askServer(name, commands)).errors))
  })

  it.skipIf(!knows)('are trimmed whole while they are loaded, whatever the limit', async () => {
    const many: Argument[][] = []
    for (let i = 1; i <= 10_500; i++) many.push(['XADD', 'm', `${i}-0`, 'f', i % 7])
    const commands = [...argumentsOf(LIMITED), ...many, ['XTRIM', 'm', 'MAXLEN', '~', '0', 'LIMIT', '100']]
    const {content, errors} = await askEngine(commands)
    expect(errors.filter(one => one !== '')).toEqual([])
    expect(content).toEqual(await contentOfLog(name, commands))
  })

  it.skipIf(!knows).each([1, 2, 3, 4])('are the same after random commands (seed %i)', async seed => {
    const commands = groupCommands(new Draw(seed), 4000, isNewest)
    const {content} = await askEngine(commands)
    expect(shown(content)).toEqual(shown(await contentOfLog(name, commands)))
  })
})
