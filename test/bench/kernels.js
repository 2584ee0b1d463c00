/**
 * The kernels by themselves: node test/bench/kernels.js, after a build.
 *
 * CRC-64 against slicing by 8 in the same module (wanted: 5x), LZF against lzfjs (wanted: 10x). Medians, in MB (10^6
 * bytes) of uncompressed data a second. Contenders take turns, so that a busy machine slows all of them alike.
 */
import {createRequire} from 'node:module'
import {Crc64} from '../../dist/bytes/crc64.js'
import {kernel} from '../../dist/bytes/kernel.js'
import {compressLzf, decompressLzf, LzfOutput, LzfStream} from '../../dist/bytes/lzf.js'

const lzfjs = createRequire(import.meta.url)('lzfjs')
const ROUNDS = 15
const CRC_BYTES = 128 * 1024 * 1024

benchCrc()
for (const valueBytes of [500, 3_000, 30_000, 400_000]) benchDecompress(valueBytes)
benchStream()
for (const valueBytes of [500, 3_000, 30_000, 400_000]) benchCompress(valueBytes)

function benchCrc() {
  const {crcBlockAreas, crcStart, crcBlock, crcFold, crcTable, results} = kernel()
  const [block] = crcBlockAreas
  const blocks = CRC_BYTES / block.bytes
  const window = Buffer.from(json(256 * 1024, 1))
  kernel().bytes.set(window.subarray(0, block.bytes), block.start)
  const rates = race(CRC_BYTES, {
    'kernel, in its memory': () => {
      crcStart(0, 0, 0)
      for (let i = 0; i < blocks; i++) crcBlock(0, block.start, block.bytes)
      crcFold(0, 0)
    },
    'slicing by 8, in its memory': () => {
      let low = 0
      let high = 0
      for (let i = 0; i < blocks; i++) {
        crcTable(low, high, block.start, block.bytes)
        low = results[0]
        high = results[1]
      }
    },
    'Crc64, windows of 256 KiB': () => {
      const crc = new Crc64()
      for (let at = 0; at < CRC_BYTES; at += window.length) crc.update(window, 0, window.length)
      crc.hex()
    },
  })
  report('CRC-64', rates, 'kernel, in its memory', 'slicing by 8, in its memory')
}

function benchDecompress(valueBytes) {
  const values = split(json(4_000_000, 2), valueBytes).map(value => ({
    packed: lzfjs.compress(value),
    bytes: value.length,
  }))
  const total = values.reduce((sum, value) => sum + value.bytes, 0)
  const into = new LzfOutput()
  const rates = race(total, {
    decompressLzf: () => {
      for (const {packed, bytes} of values) decompressLzf(packed, 0, packed.length, bytes, 0, 0, into)
    },
    lzfjs: () => {
      for (const {packed} of values) lzfjs.decompress(packed)
    },
  })
  report(`LZF decompression, values of ${valueBytes} bytes`, rates, 'decompressLzf', 'lzfjs')
}

function benchStream() {
  const value = json(20_000_000, 3)
  const packed = lzfjs.compress(value)
  const into = new LzfOutput()
  const rates = race(value.length, {
    'LzfStream, windows of 256 KiB': () => {
      const stream = new LzfStream()
      stream.begin(packed.length, value.length, 0)
      for (let at = 0; at < packed.length; at += 262_144) {
        stream.push(packed, at, Math.min(packed.length, at + 262_144), () => {})
      }
      stream.finish()
    },
    decompressLzf: () => decompressLzf(packed, 0, packed.length, value.length, 0, 0, into),
    lzfjs: () => lzfjs.decompress(packed),
  })
  report('LZF decompression, one value of 20 MB', rates, 'LzfStream, windows of 256 KiB', 'lzfjs')
}

function benchCompress(valueBytes) {
  const values = split(json(4_000_000, 4), valueBytes)
  const total = values.reduce((sum, value) => sum + value.length, 0)
  let ours = 0
  let theirs = 0
  const rates = race(total, {
    compressLzf: () => {
      ours = 0
      for (const value of values) {
        const output = compressLzf(value, 0, value.length)
        ours += output === undefined ? value.length : output.end - output.start
      }
    },
    lzfjs: () => {
      theirs = 0
      for (const value of values) theirs += lzfjs.compress(value).length
    },
  })
  report(`LZF compression, values of ${valueBytes} bytes`, rates, 'compressLzf', 'lzfjs')
  console.log(`  size: ${percent(ours / total)} of the input, lzfjs ${percent(theirs / total)}`)
}

/** Runs every contender in every round; the median of bytes a second, in MB. */
function race(bytes, contenders) {
  const times = Object.fromEntries(Object.keys(contenders).map(name => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const start = performance.now()
      run()
      times[name].push(performance.now() - start)
    }
  }
  const rate = list => bytes / 1000 / list.sort((a, b) => a - b)[ROUNDS >> 1]
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, rate(list)]))
}

function report(title, rates, ours, theirs) {
  console.log(`${title}: ${(rates[ours] / rates[theirs]).toFixed(1)}x`)
  for (const [name, rate] of Object.entries(rates))
    console.log(`  ${name.padEnd(32)}${rate.toFixed(0).padStart(8)} MB/s`)
}

function percent(part) {
  return `${(part * 100).toFixed(1)}%`
}

function split(bytes, valueBytes) {
  const values = []
  for (let at = 0; at + valueBytes <= bytes.length; at += valueBytes) values.push(bytes.subarray(at, at + valueBytes))
  return values
}

/** Text as applications keep it: objects of the same few fields, some of whose values repeat. */
function json(bytes, seed) {
  const random = generator(seed)
  const pick = list => list[Math.floor(random() * list.length)]
  const parts = []
  for (let made = 0, id = 1; made < bytes; id++) {
    const part = JSON.stringify({
      id,
      user: `user:${Math.floor(random() * 1e6)}`,
      email: `${pick(['ann', 'bob', 'carol', 'dave', 'erin'])}.${Math.floor(random() * 1e5)}@example.${pick(['com', 'org', 'net'])}`,
      status: pick(['active', 'inactive', 'pending', 'blocked']),
      score: Math.round(random() * 1e6) / 100,
      tags: ['red', 'green', 'blue', 'large', 'small'].filter(() => random() < 0.4),
      address: {city: pick(['Berlin', 'Lisbon', 'Oslo', 'Quito']), zip: String(10_000 + Math.floor(random() * 90_000))},
      updatedAt: new Date(1.7e12 + Math.floor(random() * 1e10)).toISOString(),
    })
    parts.push(part)
    made += part.length + 1
  }
  return Buffer.from(parts.join(',')).subarray(0, bytes)
}

/** Mulberry32. */
function generator(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
