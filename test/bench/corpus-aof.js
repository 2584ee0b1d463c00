/**
 * Ten million write commands as an application sends them: a few keys are hot and overwritten again and again, so that
 * of a gigabyte of commands some 400,000 keys remain. All times and ids are told, and nothing is drawn by the server:
 * the file is the same on every day.
 */

import {CommandBatch} from './command-batch.js'
import {CorpusText} from './corpus-text.js'

const COMMANDS = 10_000_000
/** What changes nothing (the removal of a member that is not there) the server does not write. */
const SENT_PER_WRITTEN = 1.05
const EXPIRES_FROM_MS = 1_900_000_000_000
/** Of a hundred commands so many go to the hottest tenth of the keys. */
const HOT_PERCENT = 75
/** Keys of the second database, where an application keeps its caches. */
const CACHE = 'cache'

/**
 * @typedef {(batch: CommandBatch, text: CorpusText, key: string, at: number) => void} Write
 * @typedef {{name: string, keys: number, share: number, writes: Write[]}} Kind
 * keys: how many there are at full size; share: of a thousand commands; writes: one of them at random
 */

/** @type {(batch: CommandBatch, ...args: (string | number)[]) => void} */
const command = (batch, ...args) => {
  batch.begin(args.length)
  for (const one of args) batch.add(one)
}

/** @type {Kind[]} */
const KINDS = [
  {
    name: 'session',
    keys: 140_000,
    share: 300,
    writes: [
      (batch, text, key) =>
        command(batch, 'SET', key, text.letters(text.between(60, 160)), 'PXAT', EXPIRES_FROM_MS + text.below(1e9)),
      (batch, text, key) => command(batch, 'SET', key, text.letters(text.between(60, 160))),
      (batch, text, key) => command(batch, 'SET', key, text.record(text.below(1e9), 0)),
      (batch, text, key) => command(batch, 'PEXPIREAT', key, EXPIRES_FROM_MS + text.below(1e9)),
    ],
  },
  {
    name: 'count',
    keys: 60_000,
    share: 200,
    writes: [
      (batch, _, key) => command(batch, 'INCR', key),
      (batch, text, key) => command(batch, 'INCRBY', key, text.between(2, 1000)),
      (batch, text, key) => {
        command(batch, 'MULTI')
        command(batch, 'INCR', key)
        command(batch, 'PEXPIREAT', key, EXPIRES_FROM_MS + text.below(1e9))
        command(batch, 'EXEC')
      },
    ],
  },
  {
    name: 'user',
    keys: 80_000,
    share: 190,
    writes: [
      (batch, text, key) =>
        command(batch, 'HSET', key, text.word(), text.letters(text.between(10, 70)), text.word(), text.below(1e6)),
      (batch, text, key) => command(batch, 'HSET', key, text.word(), text.sentence(6)),
      (batch, text, key) => command(batch, 'HINCRBY', key, `n:${text.below(4)}`, text.between(1, 9)),
      (batch, text, key) => command(batch, 'HDEL', key, text.word(), text.word(), text.word(), text.word()),
    ],
  },
  {
    name: 'feed',
    keys: 40_000,
    share: 90,
    writes: [
      (batch, text, key) => command(batch, 'LPUSH', key, text.letters(36), text.letters(36)),
      (batch, text, key) => command(batch, 'RPUSH', key, text.record(text.below(1e6), 0)),
      (batch, _, key) => command(batch, 'LTRIM', key, 0, 19),
      (batch, _, key) => command(batch, 'RPOP', key),
    ],
  },
  {
    name: 'tags',
    keys: 35_000,
    share: 60,
    writes: [
      (batch, text, key) => command(batch, 'SADD', key, text.word(), `id:${text.below(200)}`),
      (batch, text, key) => command(batch, 'SREM', key, text.word(), text.word(), `id:${text.below(200)}`),
      (batch, text, key) => command(batch, 'SADD', key, text.below(1000), text.below(1000)),
    ],
  },
  {
    name: 'board',
    keys: 35_000,
    share: 90,
    writes: [
      (batch, text, key) => command(batch, 'ZADD', key, text.below(1e6) / 100, `player:${text.below(300)}`),
      (batch, text, key) => command(batch, 'ZINCRBY', key, text.between(1, 50), `player:${text.below(300)}`),
      (batch, _, key) => command(batch, 'ZREMRANGEBYRANK', key, 0, -101),
    ],
  },
  {
    name: 'events',
    keys: 2000,
    share: 40,
    writes: [
      (batch, text, key, at) =>
        command(
          ...[batch, 'XADD', key, 'MAXLEN', '=', 50, `${at}-0`],
          ...['type', text.word(), 'amount', text.below(1e4), 'reference', text.letters(16)],
        ),
    ],
  },
  {
    name: 'seen',
    keys: 3000,
    share: 10,
    writes: [
      (batch, text, key) => command(batch, 'SETBIT', key, text.below(4000), text.below(2)),
      (batch, text, key) => command(batch, 'PFADD', `${key}:unique`, text.below(1e6)),
      (batch, text, key) => command(batch, 'SETRANGE', key, text.below(400), text.word()),
    ],
  },
  {
    name: CACHE,
    keys: 15_000,
    share: 20,
    writes: [(batch, text, key) => command(batch, 'SET', key, text.record(text.below(1e9), text.between(0, 3)))],
  },
]

/**
 * @param {number} scale
 * @returns {import('./corpus-content.js').Batches}
 */
export function* aof(scale) {
  const text = new CorpusText(505)
  const batch = new CommandBatch()
  const kinds = KINDS.flatMap(kind => Array.from({length: kind.share / 10}, () => kind))
  const wanted = Math.round(COMMANDS * SENT_PER_WRITTEN * scale)
  let database = 0
  for (let at = 0; at < wanted; at++) {
    const kind = /** @type {Kind} */ (kinds[text.below(kinds.length)])
    const other = kind.name === CACHE ? 1 : 0
    if (other !== database) {
      command(batch, 'SELECT', other)
      database = other
    }
    const key = `${kind.name}:${pick(text, Math.ceil(kind.keys * scale))}`
    if (text.below(100) < 2) command(batch, text.below(2) === 0 ? 'DEL' : 'UNLINK', key)
    else kind.writes[text.below(kind.writes.length)]?.(batch, text, key, 1_700_000_000_000 + at)
    if (batch.full) yield batch.take()
  }
  yield batch.take()
}

/**
 * The number of a key: the hot ones are spread over all of them.
 * @param {CorpusText} text
 * @param {number} keys
 */
function pick(text, keys) {
  if (text.below(100) >= HOT_PERCENT) return text.below(keys)
  return (text.below(Math.ceil(keys / 10)) * 10) % keys
}
