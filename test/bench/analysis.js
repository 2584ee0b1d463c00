/**
 * What the counting of an inspection costs, and that its memory is flat: node test/bench/analysis.js, after a build.
 *
 * 100 million different keys through the prefix table (or as many as the first argument says), with the peak memory; then
 * million keys a second for shapes of keys that users have, and for the histograms.
 */
import {ExpiryMoments, TtlHistogram} from '../../dist/analysis/expiry.js'
import {Histogram} from '../../dist/analysis/histogram.js'
import {layoutOf} from '../../dist/analysis/memory/layout.js'
import {MemoryModel} from '../../dist/analysis/memory/model.js'
import {PrefixTree} from '../../dist/analysis/prefixes.js'
import {Entry} from '../../dist/keyspace/entry.js'

const KEYS = 1_000_000
const ROUNDS = 5
const FLOOD_KEYS = Number(process.argv[2] ?? 100_000_000)
const NOW_MS = 1_700_000_000_000

/** Million calls a second: the best of a few rounds, after one that warms up. */
function race(name, count, work) {
  work()
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    work()
    best = Math.max(best, count / (performance.now() - started) / 1000)
  }
  console.log(`${name.padEnd(52)} ${best.toFixed(1).padStart(6)} million/s`)
}

const shapes = {
  'user:<id>': i => `user:${(i * 7919) % 1_000_003}`,
  '20 families <name>:<id>': i => `family${(i * 7919) % 20}:${i}`,
  '500 families <name>:<id>': i => `family${(i * 7919) % 500}:${i}`,
  'user:<id>:name (folded)': i => `user:${i}:name`,
  '20 families <name>:<100>:<id>': i => `family${(i * 7919) % 20}:${(i * 31) % 100}:${i}`,
  '20 families <name>:<100>:<id>:<id>:x': i => `family${(i * 7919) % 20}:${(i * 31) % 100}:${i}:${i}:x`,
}

// First: what the others leave behind would be in the peak.
flood('tenant<id>:session:<id>', i => [i % 5_000_011, i])
flood('<900 names>:<id>:<id>', i => [i % 900, i])

for (const [name, spell] of Object.entries(shapes)) {
  const keys = Array.from({length: KEYS}, (_, i) => Buffer.from(spell(i)))
  const ends = new Int32Array(KEYS + 1)
  for (const [i, key] of keys.entries()) ends[i + 1] = ends[i] + key.length
  const bytes = new Uint8Array(Buffer.concat(keys))
  const tree = new PrefixTree()
  race(`prefixes: ${name}`, KEYS, () => {
    for (let i = 0; i < KEYS; i++) tree.add(bytes, ends[i], ends[i + 1], false, 100, 100)
  })
}

const histogram = new Histogram()
race('histogram', KEYS, () => {
  for (let i = 0; i < KEYS; i++) histogram.add((i * 7919) & 0xfffff)
})
const ttl = new TtlHistogram(NOW_MS)
race('TTL buckets', KEYS, () => {
  for (let i = 0; i < KEYS; i++) ttl.add(NOW_MS + ((i * 7919) % KEYS) * 1000, 100)
})
const moments = new ExpiryMoments()
race('expiry moments, over 12 days', KEYS, () => {
  for (let i = 0; i < KEYS; i++) moments.add(NOW_MS + ((i * 7919) % KEYS) * 1000)
})

const entry = new Entry()
for (const [type, encoding, elements] of [
  ['string', 'raw', 100],
  ['hash', 'listpack', 10],
  ['hash', 'hashtable', 1000],
  ['zset', 'skiplist', 1000],
]) {
  Object.assign(entry, {type, encoding})
  for (const server of ['redis-7.0', 'valkey-9.1']) {
    const model = new MemoryModel(layoutOf(server))
    let sum = 0
    race(`memory of ${type} ${encoding}, ${server}`, KEYS, () => {
      for (let i = 0; i < KEYS; i++) {
        entry.keyBytes.lend(entry.keyBytes.bytes, 0, 10 + (i & 31))
        entry.elements = elements + (i & 15)
        sum += model.estimate(entry, (elements + (i & 15)) * 20.5)
      }
    })
    if (sum === 0) throw new Error('nothing was added up')
  }
}

/** `pair` says the two numbers of key i; both are spelled into one buffer, no key is made. */
function flood(name, pair) {
  const tree = new PrefixTree()
  const key = Buffer.from('tenant000000000:session:000000000:x')
  const spell = (end, value) => {
    let rest = value
    for (let at = end - 1; at >= end - 9; at--) {
      const next = Math.floor(rest / 10)
      key[at] = 48 + rest - next * 10
      rest = next
    }
  }
  const started = performance.now()
  for (let i = 0; i < FLOOD_KEYS; i++) {
    const [first, second] = pair(i)
    spell(15, first)
    spell(33, second)
    tree.add(key, 0, key.length, false, 1, 1)
  }
  const rate = FLOOD_KEYS / (performance.now() - started) / 1000
  const peak = process.resourceUsage().maxRSS / 1024
  console.log(
    `${`${FLOOD_KEYS / 1e6} million keys ${name}`.padEnd(52)} ${rate.toFixed(1).padStart(6)} million/s (spelling included),` +
      ` ${tree.folding.nodes.used} nodes, peak ${peak.toFixed(0)} MB`,
  )
}
