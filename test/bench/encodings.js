/**
 * What the packed encodings cost: MB/s of blob walked or built, and million
 * numbers per second of text. Run it after `npm run build`.
 */
import {format17Digits, formatShortest, parseDouble, writeShortest} from '../../dist/bytes/decimal.js'
import {formatInt64, parseInt64} from '../../dist/bytes/int64.js'
import {LentBytes} from '../../dist/bytes/lent.js'
import {IntsetBuilder, IntsetWalker} from '../../dist/encoding/intset.js'
import {ListpackBuilder, ListpackWalker} from '../../dist/encoding/listpack.js'
import {RoaringReader, writeRoaring} from '../../dist/encoding/roaring.js'
import {StreamId} from '../../dist/encoding/stream-id.js'
import {StreamNodeBuilder, StreamNodeWalker} from '../../dist/encoding/stream-node.js'
import {ZiplistBuilder, ZiplistWalker} from '../../dist/encoding/ziplist.js'

const ENTRIES = 500
const RUN_MS = 400
const ROUNDS = 3

const field = new LentBytes(0)
const value = new LentBytes(1)
let kept = 0

/** Runs `work` for a while and prints the best of a few rounds; `perCall` is what one call got through. */
function bench(name, perCall, unit, work) {
  for (let i = 0; i < 200; i++) work()
  let best = 0
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now()
    let calls = 0
    let elapsed = 0
    do {
      for (let i = 0; i < 20; i++) work()
      calls += 20
      elapsed = performance.now() - started
    } while (elapsed < RUN_MS)
    best = Math.max(best, (calls * perCall) / elapsed / 1000)
  }
  console.log(`${name.padEnd(44)} ${best.toFixed(best < 10 ? 2 : 0).padStart(7)} ${unit}`)
}

const encoder = new TextEncoder()
const shapes = {
  'small strings': i => `field:${i}`,
  'strings of 60 bytes': i => `value-${String(i).padStart(54, '.')}`,
  'small integers': i => String(i % 128),
  'integers of 32 bits': i => String(i * 104_729 + 8_388_608),
  'strings and integers': i => (i % 2 === 0 ? `user:${i}` : String(i * 37)),
}

for (const [shape, text] of Object.entries(shapes)) {
  const texts = Array.from({length: ENTRIES}, (_, i) => encoder.encode(text(i)))
  for (const [kind, builder, walker] of [
    ['listpack', new ListpackBuilder(), new ListpackWalker()],
    ['ziplist', new ZiplistBuilder(), new ZiplistWalker()],
  ]) {
    const build = () => {
      builder.reset()
      for (const one of texts) builder.append(one, 0, one.length)
      return builder.finish()
    }
    const blob = build().slice()
    const walk = () => {
      walker.open(blob, 0, blob.length, 0)
      while (walker.next(field)) kept += field.end - field.start
    }
    bench(`walk a ${kind} of ${shape}`, blob.length, 'MB/s', walk)
    bench(`build a ${kind} of ${shape}`, blob.length, 'MB/s', () => {
      kept += build().length
    })
  }
}

const intsetBuilder = new IntsetBuilder()
for (let i = 0; i < ENTRIES; i++) intsetBuilder.appendInteger(i * 104_729)
const intset = intsetBuilder.finish().slice()
const intsetWalker = new IntsetWalker()
bench('walk an intset of 32 bits', intset.length, 'MB/s', () => {
  intsetWalker.open(intset, 0, intset.length, 0)
  while (intsetWalker.next(field)) kept += field.end
})

const nodeBuilder = new StreamNodeBuilder()
const id = new StreamId()
for (let i = 0; i < 100; i++) {
  id.setMs(1_700_000_000_000 + i * 17)
  nodeBuilder.beginEntry(id)
  const reading = encoder.encode(`19.${i}`)
  const sensor = encoder.encode(String(i * 31))
  nodeBuilder.field(encoder.encode('temperature'), 0, 11, reading, 0, reading.length)
  nodeBuilder.field(encoder.encode('sensor'), 0, 6, sensor, 0, sensor.length)
  nodeBuilder.endEntry()
}
const node = nodeBuilder.finish().slice()
const nodeWalker = new StreamNodeWalker()
bench('walk a stream node of 100 entries', node.length, 'MB/s', () => {
  nodeWalker.open(node, 0, node.length, 0, nodeBuilder.masterId)
  while (nodeWalker.nextEntry()) {
    for (let left = nodeWalker.fieldCount; left > 0; left--) nodeWalker.nextField(field, value)
    kept += value.end
  }
})

const bits = Array.from({length: 400_000}, (_, i) => i * 3)
const roaring = writeRoaring(bits)
const string = new Uint8Array(150_000)
const reader = new RoaringReader(roaring, 0, roaring.length, 0, string.length)
bench('expand a bitmap, a third of it set', string.length, 'MB/s', () => reader.expand(0, string.length, string))

const out = new Uint8Array(32)
const halves = {high: 0, low: 0}
const count = 1000
const numbers = {
  'below 1000': i => i,
  'of 32 bits': i => i * 2_000_003,
  'of 53 bits': i => i * 9_000_000_000_001,
}
for (const [range, at] of Object.entries(numbers)) {
  const values = Array.from({length: count}, (_, i) => at(i))
  const texts = values.map(one => encoder.encode(String(one)))
  bench(`format integers ${range}`, count, 'M/s', () => {
    for (const one of values) kept += formatInt64(Math.floor(one / 2 ** 32), one >>> 0, out, 0)
  })
  bench(`parse integers ${range}`, count, 'M/s', () => {
    for (const one of texts) if (parseInt64(one, 0, one.length, halves)) kept += halves.low
  })
}

const doubles = Array.from({length: count}, (_, i) => i * 1.37 + 0.1)
const shortTexts = doubles.map((_, i) => encoder.encode((i * 1.25).toFixed(2)))
const longTexts = doubles.map(one => encoder.encode(format17Digits(one)))
const scores = [
  ['parse doubles of few digits', shortTexts],
  ['parse doubles of 17 digits', longTexts],
]
for (const [name, texts] of scores) {
  bench(name, count, 'M/s', () => {
    for (const one of texts) kept += parseDouble(one, 0, one.length)
  })
}
bench('format doubles, shortest', count, 'M/s', () => {
  for (const one of doubles) kept += formatShortest(one).length
})
bench('write whole doubles, shortest', count, 'M/s', () => {
  for (let i = 0; i < count; i++) kept += writeShortest(i * 1_000_003, out, 0)
})
bench('format doubles, 17 digits', count, 'M/s', () => {
  for (const one of doubles) kept += format17Digits(one).length
})

if (kept === 0) throw new Error('nothing was measured')
