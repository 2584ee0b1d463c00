import fc from 'fast-check'
import {expect, it} from 'vitest'
import {BiggestElements, ELEMENT_BYTES_MIN} from '../../src/analysis/biggest-elements.js'
import {ListpackBuilder, longestString} from '../../src/encoding/listpack.js'
import {StreamId} from '../../src/encoding/stream-id.js'
import {StreamNodeBuilder} from '../../src/encoding/stream-node.js'
import {Entry, type ValueType} from '../../src/keyspace/entry.js'

const lengths = fc.array(
  fc.oneof(fc.nat({max: 200}), fc.constantFrom(63, 64, 125, 126, 127, 128, 4095, 4096), fc.nat({max: 20_000})),
  {
    maxLength: 12,
  },
)

/** Strings that are no numbers; and now and then one that is. */
function packed(sizes: readonly number[]): Buffer {
  const builder = new ListpackBuilder()
  for (const [i, size] of sizes.entries()) {
    builder.append(Buffer.alloc(size, 0x61 + (i % 26)), 0, size)
    if (size % 3 === 0) {
      const digits = Buffer.from(String(-(2 ** (size % 60))))
      builder.append(digits, 0, digits.length)
    }
  }
  return Buffer.from(builder.finish())
}

function entryOf(type: ValueType): Entry {
  const entry = new Entry()
  entry.keyBytes.lend(Buffer.from('key'), 0, 3)
  return Object.assign(entry, {type, encoding: 'listpack'})
}

it('the longest string of a listpack is told without a walk', () => {
  fc.assert(
    fc.property(lengths, sizes => {
      const blob = packed(sizes)
      const strings = sizes.filter(size => size > 0)
      // An entry of a size about whose back length servers disagree is not made.
      fc.pre(sizes.every(size => ![16_378, 16_383].includes(size)))
      expect(longestString(blob, 0, blob.length)).toBe(Math.max(0, ...strings))
      for (let cut = 0; cut < blob.length; cut += 97) longestString(blob, 0, cut)
    }),
  )
})

it('keeps the biggest, whatever the order and however many nodes', () => {
  fc.assert(
    fc.property(fc.array(lengths, {maxLength: 8}), fc.integer({min: 0, max: 4}), (nodes, size) => {
      const biggest = new BiggestElements(size)
      biggest.begin(entryOf('list'))
      for (const sizes of nodes) {
        const blob = Buffer.concat([Buffer.from('::'), packed(sizes), Buffer.from(':')])
        biggest.node('listpack', blob, 2, blob.length - 1)
      }
      const expected = nodes.flat().filter(bytes => bytes >= ELEMENT_BYTES_MIN)
      expected.sort((a, b) => b - a)
      expect(biggest.sorted().map(({bytes}) => bytes)).toEqual(expected.slice(0, size))
    }),
  )
})

it('finds fields of stream entries, by ID and name, and leaves deleted ones out', () => {
  const biggest = new BiggestElements(10)
  biggest.begin(entryOf('stream'))
  const node = (ms: number, deleted: boolean, bytes: number): void => {
    const builder = new StreamNodeBuilder()
    builder.beginEntry(StreamId.of(ms, 1), deleted)
    for (const [name, length] of [['small', 3] as const, ['large', bytes] as const]) {
      builder.field(Buffer.from(name), 0, name.length, Buffer.alloc(length, 0x76), 0, length)
    }
    expect(builder.endEntry()).toBe(true)
    const blob = builder.finish()
    biggest.streamNode(builder.masterId, blob, 0, blob.length)
  }
  node(1000, false, 9000)
  node(2000, true, 12_000)
  node(3000, false, 10_000)
  expect(biggest.sorted().map(({name, bytes}) => [Buffer.from(name).toString(), bytes])).toEqual([
    ['3000-1 large', 10_005],
    ['1000-1 large', 9005],
  ])
})

it('says nothing of a node that is damaged', () => {
  const blob = packed([9000, 9001])
  blob[4] = 9
  const biggest = new BiggestElements(10)
  biggest.begin(entryOf('list'))
  expect(() => biggest.node('listpack', blob, 0, blob.length)).not.toThrow()
})
