/**
 * What the deep check of packed nodes and of compressed strings costs: node test/bench/check-blobs.js, after a build.
 *
 * Listpacks lie in a window one after another, as in a file (wanted: 150 million entries a second for a list, 50 for
 * shapes with duplicates and order), or in the kernels' memory, as those that were compressed. LZF is in bytes of
 * output (wanted: 3 GB/s). The best of a few rounds, since others may use the machine.
 */
import {format17Digits} from '../../dist/bytes/decimal.js'
import {kernel} from '../../dist/bytes/kernel.js'
import {compressLzf, decompressLzf, LzfOutput} from '../../dist/bytes/lzf.js'
import {LzfVerifier, verifyLzf} from '../../dist/bytes/lzf-verify.js'
import {IntsetBuilder} from '../../dist/encoding/intset.js'
import {ListpackBuilder} from '../../dist/encoding/listpack.js'
import {checkPacked} from '../../dist/encoding/packed-check.js'
import {ZiplistBuilder} from '../../dist/encoding/ziplist.js'

const ROUNDS = 9
const ROUND_MS = 60
const WINDOW_BYTES = 256 * 1024
const encoder = new TextEncoder()

function report(finding) {
  throw new Error(`a sound node: ${finding.code} ${finding.text}`)
}

function bench(name, perCall, unit, work) {
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    let calls = 0
    let elapsed = 0
    do {
      work()
      calls++
      elapsed = performance.now() - started
    } while (elapsed < ROUND_MS)
    best = Math.max(best, (calls * perCall) / elapsed / 1000)
  }
  console.log(`${name.padEnd(60)} ${best.toFixed(best < 10 ? 2 : 0).padStart(7)} ${unit}`)
}

const word = i => `${['user', 'item', 'cart', 'mail'][i % 4]}:${(i * 7919) % 100_003}`
const elements = {
  list: {
    'small strings': i => [word(i)],
    integers: i => [String((i * 104_729) % 1_000_000)],
    'strings and integers': i => [i % 3 === 0 ? String(i * 37) : word(i)],
  },
  set: {'small strings': i => [word(i)], integers: i => [String(i * 104_729)]},
  hash: {
    'field:i = string': i => [`field:${i}`, word(i * 3)],
    'field:i = integer': i => [`field:${i}`, String(i * 37)],
  },
  zset: {
    'integer scores': i => [word(i), String(i * 3)],
    'scores of two decimals': i => [word(i), (i * 3 + 0.25).toFixed(2)],
    'scores of 17 digits': i => [word(i), format17Digits(i * 3.1 + 0.1)],
  },
  'hash-ttl': {'a time each': i => [`field:${i}`, word(i), String(1_790_000_000_000 + i * 1000)]},
}

/** Nodes of so many elements, all different, one behind the other with a key between. */
function windowOf(Builder, element, count) {
  const builder = new Builder()
  const window = new Uint8Array(WINDOW_BYTES)
  const nodes = []
  let entries = 0
  for (let at = 11, first = 0; ; at += 11, first += count) {
    builder.reset()
    for (let i = 0; i < count; i++) {
      for (const text of element(first + i)) {
        const bytes = encoder.encode(text)
        builder.append(bytes, 0, bytes.length)
      }
    }
    const blob = builder.finish()
    if (at + blob.length > window.length) return {window, nodes, entries}
    window.set(blob, at)
    nodes.push([at, at + blob.length])
    entries += builder.count
    at += blob.length
  }
}

for (const [shape, contents] of Object.entries(elements)) {
  for (const [content, element] of Object.entries(contents)) {
    for (const count of [10, 32, 128]) {
      const {window, nodes, entries} = windowOf(ListpackBuilder, element, count)
      const name = `${shape} listpacks of ${count}, ${content}`
      bench(name, entries, 'M entries/s', () => {
        for (const [start, end] of nodes) checkPacked('listpack', shape, window, start, end, 0, report)
      })
      if (count !== 128) continue
      const {bytes, slotAreas} = kernel()
      const [slot] = slotAreas
      bytes.set(window, slot.start)
      bench(`${name}, in the kernels' memory`, entries, 'M entries/s', () => {
        for (const [start, end] of nodes) {
          checkPacked('listpack', shape, bytes, slot.start + start, slot.start + end, 0, report)
        }
      })
    }
  }
}

const hashOfLines = elements.hash['field:i = string']
for (const shape of ['list', 'hash']) {
  const {window, nodes, entries} = windowOf(ZiplistBuilder, hashOfLines, 128)
  bench(`${shape} ziplists of 128 pairs`, entries, 'M entries/s', () => {
    for (const [start, end] of nodes) checkPacked('ziplist', shape, window, start, end, 0, report)
  })
}
{
  const {window, nodes, entries} = windowOf(ListpackBuilder, hashOfLines, 4000)
  const [start, end] = nodes[0]
  const large = new ListpackBuilder()
  for (let i = 0; i < 100_000; i++) {
    for (const text of hashOfLines(i)) large.append(encoder.encode(text), 0, text.length)
  }
  const blob = large.finish().slice()
  bench('a hash listpack of 4,000 pairs', entries / nodes.length, 'M entries/s', () =>
    checkPacked('listpack', 'hash', window, start, end, 0, report),
  )
  bench('a hash listpack of 100,000 pairs, without the kernel', 200_000, 'M entries/s', () =>
    checkPacked('listpack', 'hash', blob, 0, blob.length, 0, report),
  )
}
const intsets = new IntsetBuilder()
for (let i = 0; i < 500; i++) intsets.appendInteger(i * 104_729)
const intset = intsets.finish().slice()
bench('an intset of 500', 500, 'M members/s', () => checkPacked('intset', 'set', intset, 0, intset.length, 0, report))

for (const valueBytes of [500, 3000, 30_000, 400_000, 4_000_000]) {
  const text = json(4_000_000)
  const values = []
  for (let at = 0; at + valueBytes <= text.length; at += valueBytes) {
    const {bytes, start, end} = compressLzf(text, at, at + valueBytes)
    values.push(bytes.slice(start, end))
  }
  const total = values.length * valueBytes
  const into = new LzfOutput()
  bench(`verify LZF, values of ${valueBytes} bytes`, total, 'MB/s', () => {
    for (const value of values) verifyLzf(value, 0, value.length, valueBytes, 0)
  })
  bench(`decompress LZF, values of ${valueBytes} bytes`, total, 'MB/s', () => {
    for (const value of values) decompressLzf(value, 0, value.length, valueBytes, 0, 0, into)
  })
  if (valueBytes !== 4_000_000) continue
  const [value] = values
  const verifier = new LzfVerifier()
  bench('verify LZF, one value in windows of 256 KiB', total, 'MB/s', () => {
    verifier.begin(value.length, valueBytes, 0)
    for (let at = 0; at < value.length; at += WINDOW_BYTES) {
      verifier.push(value, at, Math.min(at + WINDOW_BYTES, value.length))
    }
    verifier.finish()
  })
}

/** Text as applications keep it: objects of the same few fields, some of whose values repeat. */
function json(bytes) {
  let state = 7
  const random = n => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
  const pick = list => list[random(list.length)]
  const parts = []
  for (let made = 0, id = 1; made < bytes; id++) {
    const part = JSON.stringify({
      id,
      user: `user:${random(1e6)}`,
      email: `${pick(['ann', 'bob', 'carol', 'dave', 'erin'])}.${random(1e5)}@example.${pick(['com', 'org', 'net'])}`,
      status: pick(['active', 'inactive', 'pending', 'blocked']),
      score: random(1e6) / 100,
      tags: ['red', 'green', 'blue', 'large', 'small'].filter(() => random(10) < 4),
      address: {city: pick(['Berlin', 'Lisbon', 'Oslo', 'Quito']), zip: String(10_000 + random(90_000))},
      updatedAt: new Date(1.7e12 + random(1e9) * 10).toISOString(),
    })
    parts.push(part)
    made += part.length + 1
  }
  return Buffer.from(parts.join(',')).subarray(0, bytes)
}
