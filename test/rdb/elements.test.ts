/** Nothing is lost between what a visitor is shown and what elements() hands out. */
import {describe, expect, it} from 'vitest'
import {
  type ByteSource,
  type Entry,
  MemorySource,
  type RdbElement,
  RdbReader,
  SKIP,
  StreamId,
  ValueVisitor,
} from '../../src/index.js'
import {hex, le, len, lzfRun, str} from '../fixtures/builder.js'
import {fixtures} from '../reading/fixtures.js'
import {fileOf, SAMPLES} from '../reading/samples.js'
import {TranscriptVisitor} from '../reading/transcript.js'

const idOf = (text: string): StreamId => StreamId.parse(text)!
const whole = (bytes: Uint8Array): [Uint8Array, number, number] => [bytes, 0, bytes.length]

type Shows = {[K in RdbElement['kind']]: (element: Extract<RdbElement, {kind: K}>, visitor: ValueVisitor) => void}

/** How the reader showed what became an element. */
const SHOWS: Shows = {
  item: ({value}, to) => to.item(...whole(value)),
  member: ({member}, to) => to.member(...whole(member)),
  scored: ({member, score}, to) => to.scored(...whole(member), score),
  field: ({field, value, expireAtMs}, to) => to.field(...whole(field), ...whole(value), expireAtMs),
  insertIndex: ({index}, to) => to.insertIndex(index),
  indexed: ({index, value}, to) => to.indexed(index, ...whole(value)),
  streamEntry: ({id, fields}, to) => {
    to.streamEntry(idOf(id), fields.length)
    for (const [field, value] of fields) to.streamField(...whole(field), ...whole(value))
  },
  streamInfo: ({lastId, firstId, maxDeletedId, ...rest}, to) => {
    const perhaps = (id: string | undefined): StreamId | undefined => (id === undefined ? undefined : idOf(id))
    to.streamInfo({...rest, lastId: idOf(lastId), firstId: perhaps(firstId), maxDeletedId: perhaps(maxDeletedId)})
  },
  group: ({lastId, ...rest}, to) => to.group({...rest, lastId: idOf(lastId)}),
  pending: ({id, deliveredAtMs, deliveries}, to) => to.pending(idOf(id), deliveredAtMs, deliveries),
  consumer: ({kind: _, ...consumer}, to) => to.consumer(consumer),
  consumerPending: ({id}, to) => to.consumerPending(idOf(id)),
  nacked: ({id}, to) => to.nacked(idOf(id)),
  idempotence: ({kind: _, ...settings}, to) => to.idempotence(settings),
  producer: ({name, count}, to) => to.producer(name, count),
  producerEntry: ({iid, id}, to) => to.producerEntry(iid, idOf(id)),
  idempotenceCounters: ({added, duplicates}, to) => to.idempotenceCounters(added, duplicates),
  module: ({module, version}, to) => to.moduleId(module, version),
  moduleSigned: ({value}, to) => to.moduleSigned(value),
  moduleUnsigned: ({value}, to) => to.moduleUnsigned(value),
  moduleDouble: ({value, bits}, to) => to.moduleDouble(value, bits),
  moduleString: ({value}, to) => to.moduleString(...whole(value)),
  cron: ({script, startMs, intervalMs, keyCount}, to) => to.cron(script, startMs, intervalMs, keyCount),
}

function show(element: RdbElement, visitor: ValueVisitor): void {
  const shown = SHOWS[element.kind] as (element: RdbElement, visitor: ValueVisitor) => void
  shown(element, visitor)
}

/** Writes down what each value that is no string consists of. */
class Parts extends TranscriptVisitor {
  override begin(): void {}
  override end(entry: Entry): void {
    this.line(`end ${entry.type}`)
  }
}

async function pushed(source: ByteSource): Promise<string[]> {
  const lines: string[] = []
  const parts = new Parts('elements', lines)
  await new RdbReader(source, {ignoreChecksum: true}).run({entry: ({type}) => (type === 'string' ? SKIP : parts)})
  return lines
}

async function pulled(source: ByteSource, how: 'elements' | 'collect'): Promise<string[]> {
  const lines: string[] = []
  const parts = new Parts('elements', lines)
  for await (const {type, value} of new RdbReader(source, {ignoreChecksum: true})) {
    if (type === 'string') continue
    if (how === 'elements') for await (const element of value.elements()) show(element, parts)
    else for (const element of (await value.collect()) as RdbElement[]) show(element, parts)
    parts.line(`end ${type}`)
  }
  return lines
}

const FILES = [
  ...SAMPLES.map(({name, bytes}) => ({name, bytes})),
  // A magic that no server writes, refused by its version.
  ...fixtures.filter(({name}) => !name.includes('types-plain-v79')).map(({name, bytes}) => ({name, bytes})),
]

describe('elements() and collect()', () => {
  it.each(FILES)('lose nothing of $name', async ({bytes}) => {
    const lines = await pushed(new MemorySource(bytes))
    for (const window of [50, 1e9]) {
      expect(await pulled(new MemorySource(bytes, window), 'elements')).toEqual(lines)
      expect(await pulled(new MemorySource(bytes, window), 'collect')).toEqual(lines)
    }
  })

  it('hand out every kind there is', async () => {
    const kinds = new Set<string>()
    for (const {bytes} of FILES) {
      for await (const {type, value} of new RdbReader(new MemorySource(bytes), {ignoreChecksum: true})) {
        if (type !== 'string') for await (const {kind} of value.elements()) kinds.add(kind)
      }
    }
    expect([...kinds].sort()).toEqual(Object.keys(SHOWS).sort())
    // One for every call that shows a part of a value.
    const calls = Object.getOwnPropertyNames(ValueVisitor.prototype)
    const others = /^(constructor|begin|end|chunk|node|streamNode|streamField|drain|moduleId)$/
    expect(calls.filter(name => !others.test(name)).sort()).toEqual(
      Object.keys(SHOWS)
        .filter(kind => kind !== 'module')
        .sort(),
    )
  })

  it('count every part against bytesMax', async () => {
    for (const {name, bytes} of SAMPLES) {
      for await (const {type, value} of new RdbReader(new MemorySource(bytes), {ignoreChecksum: true})) {
        if (type === 'string') continue
        const refused = value.collect({bytesMax: 0})
        await expect(refused, name).rejects.toMatchObject({name: 'LimitError', code: 'TOO_LARGE', limit: 'bytesMax'})
      }
    }
  })
})

describe('an entry', () => {
  it('tells the encoding of a string before its value is read, in any window', async () => {
    const strings = [str('plain'), str('x'.repeat(100)), str(''), hex(0xc0, 5), hex(0xc1, 1, 2), hex(0xc2, 1, 2, 3, 4)]
    const records = [...strings, lzfRun(97, 40)].map((value, i) => hex(0, str(`key ${i}`), value))
    for (const window of [1, 2, 3, 7, 4096]) {
      const seen: string[] = []
      for await (const {encoding} of new RdbReader(new MemorySource(fileOf(9, records), window))) seen.push(encoding)
      expect(seen, `windows of ${window}`).toEqual(['raw', 'raw', 'raw', 'int', 'int', 'int', 'lzf'])
    }
  })

  it('carries every attribute of its key', async () => {
    const meta = hex(0xf3, len(1), le(4, 7), 0)
    const record = hex(meta, 0xdc, le(4, 1), 0xf9, 9, 0xfc, le(8, 77), 0, str('k'), str('v'))
    for await (const entry of await RdbReader.open(fileOf(13, [record]))) {
      expect(entry).toMatchObject({typeId: 0, dragonflyMask: 1, frequency: 9, expireAtMs: 77})
      expect(Buffer.compare(entry.keyMeta!, meta.subarray(1))).toBe(0)
    }
  })
})

describe('what only the reader may change', () => {
  it('cannot be written', async () => {
    const reader = await RdbReader.open(fileOf(9, [hex(0, str('k'), str('v'))]))
    for await (const {value} of reader) {
      for (const name of ['done', 'begun']) expect(() => Object.assign(value, {[name]: true})).toThrow(TypeError)
      expect([value.done, value.begun]).toEqual([false, false])
    }
    for (const name of ['header', 'end']) expect(() => Object.assign(reader, {[name]: {}})).toThrow(TypeError)
    expect(reader.end?.checksum).toBe('absent')
    expect(reader.header?.rdbVersion).toBe(9)
  })
})
