import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {LentBytes} from '../../src/bytes/lent.js'
import {ListpackBuilder} from '../../src/encoding/listpack.js'
import {StreamId} from '../../src/encoding/stream-id.js'
import {StreamNodeBuilder, StreamNodeWalker} from '../../src/encoding/stream-node.js'
import {FormatError} from '../../src/errors.js'
import {cutsNotRefused, flipEveryByte, fromHex, latin1, readWithin, textOf, toHex} from './damage.js'

interface NodeEntry {
  id: string
  deleted?: boolean
  fields: [name: string, value: string][]
}

const vectors: {name: string; hex: string; entries: NodeEntry[]}[] = [
  {
    name: 'a node of redis 8.0, one entry deleted',
    hex: `3d000000 1900 0201 0101 0201 816102 816202 0001 0201 0001 0001 0101 0201 0501
      0301 0101 dfff02 0301 0401 0501 0001 0101 0001 0101 816302 0301 0601 ff`,
    entries: [
      {
        id: '5-1',
        fields: [
          ['a', '1'],
          ['b', '2'],
        ],
      },
      {
        id: '6-0',
        deleted: true,
        fields: [
          ['a', '3'],
          ['b', '4'],
        ],
      },
      {id: '6-1', fields: [['c', '3']]},
    ],
  },
  {
    name: 'one entry, its name an integer',
    hex: '1c000000 0a00 0101 0001 0101 0701 0001 0201 0001 0001 817802 0401 ff',
    entries: [{id: '0-1', fields: [['7', 'x']]}],
  },
]

const walker = new StreamNodeWalker()
const name = new LentBytes(0)
const value = new LentBytes(1)

/** Reads a node; `fieldsMax` fields of an entry are looked at, the others left to the walker. */
function read(bytes: Uint8Array, start: number, end: number, masterId: StreamId, fieldsMax = 100): NodeEntry[] {
  walker.open(bytes, start, end, 1000, masterId)
  const entries: NodeEntry[] = []
  while (walker.nextEntry()) {
    const fields: [string, string][] = []
    for (let i = 0; i < Math.min(walker.fieldCount, fieldsMax); i++) {
      walker.nextField(name, value)
      fields.push([textOf(name), textOf(value)])
    }
    entries.push({id: walker.id.toString(), ...(walker.deleted ? {deleted: true} : {}), fields})
  }
  return entries
}

function add(builder: StreamNodeBuilder, {id, deleted, fields}: NodeEntry): boolean {
  builder.beginEntry(StreamId.parse(id)!, deleted)
  for (const [field, text] of fields) builder.field(latin1(field), 0, field.length, latin1(text), 0, text.length)
  return builder.endEntry()
}

/** Builds as many nodes as it takes. */
function build(entries: readonly NodeEntry[], builder = new StreamNodeBuilder()): {id: StreamId; blob: Uint8Array}[] {
  const nodes: {id: StreamId; blob: Uint8Array}[] = []
  const finish = () => {
    nodes.push({id: builder.masterId.copy(), blob: builder.finish().slice()})
    builder.reset()
  }
  for (const entry of entries) {
    if (add(builder, entry)) continue
    finish()
    expect(builder.endEntry()).toBe(true)
  }
  if (!builder.isEmpty) finish()
  return nodes
}

describe.each(vectors)('stream node: $name', ({hex, entries}) => {
  const blob = fromHex(hex)
  const masterId = StreamId.parse(entries[0]!.id)!
  const readAll = (bytes: Uint8Array, start: number, end: number) => read(bytes, start, end, masterId)

  it('writes', () => {
    const nodes = build(entries)
    expect(nodes.map(node => [node.id.toString(), toHex(node.blob)])).toEqual([[entries[0]!.id, toHex(blob)]])
  })

  it('reads', () => {
    expect(readWithin(blob, readAll)).toEqual(entries)
    expect(walker.deletedCount).toBe(entries.filter(entry => entry.deleted).length)
    expect(walker.liveCount + walker.deletedCount).toBe(entries.length)
  })

  it('passes over fields that nobody reads', () => {
    for (const fieldsMax of [0, 1]) {
      const some = read(blob, 0, blob.length, masterId, fieldsMax)
      expect(some).toEqual(entries.map(entry => ({...entry, fields: entry.fields.slice(0, fieldsMax)})))
    }
  })

  it('refuses every truncation', () => expect(cutsNotRefused(blob, readAll)).toEqual([]))

  it('survives every changed byte', () => {
    const {refused, tried} = flipEveryByte(blob, readAll)
    expect(refused).toBeGreaterThan(tried / 2)
  })
})

/** A listpack of integers and strings, however little sense it makes. */
function node(...items: (number | bigint | string)[]): Uint8Array {
  const builder = new ListpackBuilder()
  for (const item of items) {
    if (typeof item === 'string') builder.appendString(latin1(item), 0, item.length)
    else builder.appendInteger(item)
  }
  return builder.finish()
}

describe('stream node: what is refused', () => {
  it.each([
    ['an empty listpack', node()],
    ['a negative count', node(-1, 0, 0, 0)],
    ['more fields than there are', node(1, 0, 5, 'a', 0)],
    ['no end of the master entry', node(1, 0, 1, 'a')],
    ['another end of the master entry', node(1, 0, 1, 'a', 1)],
    ['fewer live entries than claimed', node(2, 0, 1, 'a', 0, 2, 0, 0, 'v', 4)],
    ['more live entries than claimed', node(0, 0, 1, 'a', 0, 2, 0, 0, 'v', 4)],
    ['fewer deleted entries than claimed', node(1, 1, 1, 'a', 0, 2, 0, 0, 'v', 4)],
    ['flags nobody knows', node(1, 0, 1, 'a', 0, 6, 0, 0, 'v', 4)],
    ['negative flags', node(1, 0, 1, 'a', 0, -1, 0, 0, 'v', 4)],
    ['a wrong count at the end of an entry', node(1, 0, 1, 'a', 0, 2, 0, 0, 'v', 5)],
    ['a wrong count at the end of an entry of its own fields', node(1, 0, 1, 'a', 0, 0, 0, 0, 1, 'b', 'v', 5)],
    ['a negative number of fields', node(1, 0, 1, 'a', 0, 0, 0, 0, -1, 2)],
    ['an entry that is cut off', node(1, 0, 1, 'a', 0, 2, 0, 0)],
    ['a difference that is no integer', node(1, 0, 1, 'a', 0, 2, 'x', 0, 'v', 4)],
    ['a number of fields beyond all bounds', node(1, 0, 2 ** 53 - 1, 'a', 0)],
    ['a number of own fields beyond all bounds', node(1, 0, 1, 'a', 0, 0, 0, 0, 2 ** 53 - 1, 'v', 4)],
  ])('%s', (_, blob) => {
    const id = new StreamId()
    expect(() => read(blob, 0, blob.length, id)).toThrow(FormatError)
    expect(() => read(blob, 0, blob.length, id, 0)).toThrow(FormatError)
  })

  it('names the byte, and the offset where it is known', () => {
    const blob = node(1, 0, 1, 'a', 0, 2, 0, 0, 'v', 5)
    const end = blob.length
    for (const [exact, offset] of [
      [false, 1000],
      [true, 1000 + end - 1],
    ] as const) {
      walker.open(blob, 0, end, 1000, new StreamId(), exact)
      expect(walker.nextEntry()).toBe(true)
      expect(() => walker.nextEntry()).toThrow(expect.objectContaining({code: 'BAD_STREAM', offset}))
    }
  })
})

describe('stream node: IDs', () => {
  it('wrap as a server wraps them', () => {
    const max = '18446744073709551615'
    const ids = ['0-0', `0-${max}`, `${max}-0`, `${max}-${max}`, '9223372036854775808-9223372036854775807']
    const entries = ids.map((id): NodeEntry => ({id, fields: [['a', id]]}))
    for (let i = 0; i < entries.length; i++) {
      const turned = [...entries.slice(i), ...entries.slice(0, i)]
      const [only] = build(turned)
      expect(read(only!.blob, 0, only!.blob.length, only!.id)).toEqual(turned)
    }
  })

  it('may take any 64-bit difference', () => {
    const blob = node(1, 0, 0, 0, 2, -(2n ** 63n), 2n ** 63n - 1n, 3)
    expect(read(blob, 0, blob.length, StreamId.of(2n ** 63n, 2n ** 63n))).toEqual([
      {id: '0-18446744073709551615', fields: []},
    ])
  })
})

describe('stream node: when it is full', () => {
  it('holds as many entries as it may', () => {
    const entries = Array.from({length: 250}, (_, i): NodeEntry => ({id: `${i + 1}-0`, fields: [['f', String(i)]]}))
    const nodes = build(entries)
    const parts = nodes.map(({id, blob}) => read(blob, 0, blob.length, id))
    expect(parts.map(part => part.length)).toEqual([100, 100, 50])
    expect(parts.flat()).toEqual(entries)
  })

  it('holds as many bytes as it may, and one entry of any size', () => {
    const entries = Array.from(
      {length: 12},
      (_, i): NodeEntry => ({
        id: `${i + 1}-0`,
        fields: [['f', 'x'.repeat(i === 5 ? 20_000 : 1500)]],
      }),
    )
    const nodes = build(entries)
    const parts = nodes.map(({id, blob}) => read(blob, 0, blob.length, id))
    expect(parts.map(part => part.length)).toEqual([2, 2, 1, 1, 2, 2, 2])
    expect(parts.flat()).toEqual(entries)
  })

  it('writes an entry of a length that servers disagree about in the form asked for', () => {
    const entry: NodeEntry = {id: '1-1', fields: [['f', 'x'.repeat(16378)]]}
    for (const [form, backlen] of [
      ['long', '00ffff'],
      ['short', '7fff'],
    ] as const) {
      const [only] = build([entry], new StreamNodeBuilder(4096, 100, form))
      expect(toHex(only!.blob).endsWith(`78${backlen}0401ff`)).toBe(true)
      expect(read(only!.blob, 0, only!.blob.length, only!.id)).toEqual([entry])
    }
  })
})

describe('stream node: any entries', () => {
  const text = fc.oneof(fc.string({maxLength: 20, unit: 'binary-ascii'}), fc.integer().map(String))
  const field = fc.tuple(fc.oneof(fc.constantFrom('a', 'b'), text), text)
  const entry = fc.record({
    id: fc.tuple(fc.bigInt({min: 0n, max: 2n ** 64n - 1n}), fc.nat()).map(([ms, seq]) => `${ms}-${seq}`),
    deleted: fc.boolean(),
    fields: fc.array(field, {maxLength: 4}),
  })

  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(entry, {maxLength: 30}), entries => {
        const back = build(entries).flatMap(({id, blob}) => readWithin(blob, (...at) => read(...at, id)))
        expect(back).toEqual(entries.map(({id, deleted, fields}) => ({id, ...(deleted ? {deleted} : {}), fields})))
      }),
    )
  })
})
