/**
 * What the corpora hold: each a generator of command batches, at a scale (1: full size). Expiries are far away and fixed,
 * so that a corpus is the same on every day.
 */

import {CommandBatch} from './command-batch.js'
import {CorpusText, noise} from './corpus-text.js'

const EXPIRES_FROM_MS = 1_900_000_000_000
const EXPIRES_WITHIN_MS = 2_000_000_000_000

/**
 * @typedef {Generator<{bytes: Uint8Array, commands: number}>} Batches
 */

/** @param {CorpusText} text */
function expiry(text) {
  return EXPIRES_FROM_MS + text.below(1_000_000) * (EXPIRES_WITHIN_MS / 1_000_000)
}

/**
 * 17 million short strings, 30 % with an expiry: counters, flags, tokens, sessions.
 * @param {number} scale
 * @returns {Batches}
 */
export function* small(scale) {
  const text = new CorpusText(101)
  const batch = new CommandBatch()
  const kinds = ['user', 'session', 'token', 'cart', 'page', 'rate']
  const values = [
    () => text.below(1_000_000),
    () => text.letters(text.between(40, 52)),
    () => text.letters(text.between(24, 72)),
    () => text.letters(text.between(20, 48)),
    () => `${text.word()}:${text.letters(text.between(20, 48))}`,
  ]
  const value = () => /** @type {() => string | number} */ (values[text.below(values.length)])()
  const groups = Math.round((17_000_000 * scale) / 10)
  for (let group = 0; group < groups; group++) {
    const key = (/** @type {number} */ index) => `${kinds[index % kinds.length]}:${group * 10 + index}:${text.word()}`
    batch.begin(15).add('MSET')
    for (let index = 0; index < 7; index++) batch.add(key(index)).add(value())
    for (let index = 7; index < 10; index++)
      batch.begin(5).add('SET').add(key(index)).add(value()).add('PXAT').add(expiry(text))
    if (batch.full) yield batch.take()
  }
  yield batch.take()
}

/** Of a thousand keys of `mixed`, how many are of which kind. @type {[number, (batch: CommandBatch, text: CorpusText, key: string) => void][]} */
const MIXTURE = [
  [220, (batch, text, key) => string(batch, key, text.letters(text.between(10, 60)))],
  [100, (batch, text, key) => string(batch, key, text.below(2 ** 31))],
  [220, (batch, text, key) => string(batch, key, text.record(text.below(1e9), text.between(1, 4)))],
  [180, (batch, text, key) => hash(batch, text, key, text.between(4, 14))],
  [90, (batch, text, key) => list(batch, text, key, text.between(5, 50))],
  [60, (batch, text, key) => set(batch, text, key, text.between(4, 30))],
  [40, (batch, text, key) => intset(batch, text, key, text.between(5, 120))],
  [70, (batch, text, key) => zset(batch, text, key, text.between(5, 60))],
  [17, (batch, text, key) => stream(batch, text, key, text.between(5, 40))],
  [1, (batch, text, key) => hash(batch, text, key, text.between(600, 1500))],
  [1, (batch, text, key) => zset(batch, text, key, text.between(200, 1500))],
  [1, (batch, text, key) => list(batch, text, key, text.between(500, 3000))],
]

/**
 * 2.6 million keys of every type, most of them small, a few large; 25 % with an expiry.
 * @param {number} scale
 * @returns {Batches}
 */
export function* mixed(scale) {
  const text = new CorpusText(202)
  const batch = new CommandBatch()
  const kinds = MIXTURE.flatMap(([weight, write]) => Array.from({length: weight}, () => write))
  const keys = Math.round(2_600_000 * scale)
  for (let index = 0; index < keys; index++) {
    const key = `${text.word()}:${text.word()}:${index}`
    kinds[text.below(kinds.length)]?.(batch, text, key)
    if (text.below(4) === 0) batch.begin(3).add('PEXPIREAT').add(key).add(expiry(text))
    if (batch.full) yield batch.take()
  }
  yield batch.take()
}

/**
 * @param {CommandBatch} batch
 * @param {string} key
 * @param {string | number} value
 */
function string(batch, key, value) {
  batch.begin(3).add('SET').add(key).add(value)
}

/**
 * @param {CommandBatch} batch
 * @param {CorpusText} text
 * @param {string} key
 * @param {number} count
 */
function hash(batch, text, key, count) {
  batch
    .begin(2 + count * 2)
    .add('HSET')
    .add(key)
  for (let index = 0; index < count; index++) {
    const value =
      index % 3 === 0 ? text.below(1_000_000) : index % 3 === 1 ? text.sentence(2) : text.letters(text.between(5, 40))
    batch.add(`${text.word()}_${index}`).add(value)
  }
}

/**
 * @param {CommandBatch} batch
 * @param {CorpusText} text
 * @param {string} key
 * @param {number} count
 */
function list(batch, text, key, count) {
  batch
    .begin(2 + count)
    .add('RPUSH')
    .add(key)
  for (let index = 0; index < count; index++) {
    batch.add(index % 4 === 0 ? text.below(1e9) : text.letters(text.between(4, 40)))
  }
}

/**
 * @param {CommandBatch} batch
 * @param {CorpusText} text
 * @param {string} key
 * @param {number} count
 */
function set(batch, text, key, count) {
  batch
    .begin(2 + count)
    .add('SADD')
    .add(key)
  for (let index = 0; index < count; index++) batch.add(`${text.word()}:${text.letters(12)}`)
}

/**
 * Of 16, 32 or 64 bits.
 * @param {CommandBatch} batch
 * @param {CorpusText} text
 * @param {string} key
 * @param {number} count
 */
function intset(batch, text, key, count) {
  const range = [30_000, 2_000_000_000, 9_000_000_000_000][text.below(3)] ?? 0
  batch
    .begin(2 + count)
    .add('SADD')
    .add(key)
  for (let index = 0; index < count; index++) batch.add(text.below(range))
}

/**
 * @param {CommandBatch} batch
 * @param {CorpusText} text
 * @param {string} key
 * @param {number} count
 */
function zset(batch, text, key, count) {
  batch
    .begin(2 + count * 2)
    .add('ZADD')
    .add(key)
  for (let index = 0; index < count; index++) {
    const score = index % 2 === 0 ? text.below(1_000_000) : text.below(1_000_000_000) / 1000
    batch.add(score).add(`member:${text.letters(text.between(4, 16))}`)
  }
}

/**
 * With a group whose consumers have read a part.
 * @param {CommandBatch} batch
 * @param {CorpusText} text
 * @param {string} key
 * @param {number} count
 */
function stream(batch, text, key, count) {
  let at = 1_700_000_000_000 + text.below(1_000_000_000)
  for (let index = 0; index < count; index++) {
    at += text.between(1, 5000)
    batch.begin(9).add('XADD').add(key).add(`${at}-0`)
    batch.add('type').add(text.word()).add('amount').add(text.below(10_000)).add('reference').add(text.letters(16))
  }
  batch.begin(5).add('XGROUP').add('CREATE').add(key).add('workers').add('0')
  for (const consumer of ['alpha', 'beta']) {
    batch.begin(9).add('XREADGROUP').add('GROUP').add('workers').add(consumer).add('COUNT').add(text.between(1, 6))
    batch.add('STREAMS').add(key).add('>')
  }
}

/**
 * Texts of 1 to 8 KB that the server compresses.
 * @param {number} scale
 * @returns {Batches}
 */
export function* lzf(scale) {
  const text = new CorpusText(303)
  const batch = new CommandBatch()
  const keys = Math.round(270_000 * scale)
  for (let index = 0; index < keys; index++) {
    batch
      .begin(3)
      .add('SET')
      .add(`order:${index}`)
      .add(text.record(index, text.between(10, 80)))
    if (batch.full) yield batch.take()
  }
  yield batch.take()
}

/**
 * What does not fit in memory twice: a string of 512 MB that does not compress, one of 128 MB that does, a sorted set of 5
 * million, a hash of 2 million.
 * @param {number} scale
 * @returns {Batches}
 */
export function* huge(scale) {
  const text = new CorpusText(404)
  const batch = new CommandBatch()
  const piece = Math.max(4096, Math.floor((8 << 20) * scale))
  for (const bytes of noise(64, piece)) {
    batch.begin(3).add('APPEND').add('string:noise').addBytes(bytes, 0, bytes.length)
    yield batch.take()
  }
  for (let done = 0; done < (128 << 20) * scale; ) {
    const record = text.record(done, 50)
    done += record.length
    batch.begin(3).add('APPEND').add('string:text').add(record)
    if (batch.full) yield batch.take()
  }
  const groups = (/** @type {number} */ members) => Math.round((members * scale) / 100)
  for (let group = 0; group < groups(5_000_000); group++) {
    batch.begin(202).add('ZADD').add('zset')
    for (let index = 0; index < 100; index++) batch.add(text.below(1e9) / 100).add(`member:${group * 100 + index}`)
    if (batch.full) yield batch.take()
  }
  for (let group = 0; group < groups(2_000_000); group++) {
    batch.begin(202).add('HSET').add('hash')
    for (let index = 0; index < 100; index++)
      batch.add(`field:${group * 100 + index}`).add(text.letters(text.between(5, 30)))
    if (batch.full) yield batch.take()
  }
  yield batch.take()
}
