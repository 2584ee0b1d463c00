/** Nodes and strings as text by the kernel: what it says is what the plain way says, and the rest it leaves alone. */
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {kernel} from '../../src/bytes/kernel.js'
import {LentBytes} from '../../src/bytes/lent.js'
import {HASH_SHAPE, LIST_SHAPE, type NodeShape, NodeText, ZSET_SHAPE} from '../../src/bytes/node-text.js'
import {ListpackBuilder, ListpackWalker} from '../../src/encoding/listpack.js'
import {encodeCommand} from '../server/resp.js'

const text = new NodeText()
const memory = kernel().bytes
const at = kernel().slotAreas[0].start + 5

/** Puts bytes where the kernel finds them, between bytes that would change what is said if they were looked at. */
function placed(bytes: Uint8Array): [start: number, end: number] {
  memory.fill(0x22, at - 5, at + bytes.length + 32)
  memory.set(bytes, at)
  return [at, at + bytes.length]
}

function listpackOf(elements: readonly (string | bigint)[]): Uint8Array {
  const builder = new ListpackBuilder()
  for (const element of elements) {
    const bytes = Buffer.from(String(element))
    builder.append(bytes, 0, bytes.length)
  }
  return builder.finish().slice()
}

const said = (): string => Buffer.from(text.bytes.subarray(text.start, text.end)).toString('latin1')

const integer = fc.oneof(fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n}), fc.bigInt({min: -5000n, max: 5000n}))
const plain = fc.string({unit: fc.constantFrom(...'abcdefghij klmnop:0123456789{}/~'), maxLength: 80})
const elements = fc.array(fc.oneof(integer, plain), {maxLength: 30})
const isPlain = (one: string | bigint): boolean => /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/.test(String(one))

it('lists and hashes as JSON', () => {
  const odd = fc.oneof(integer, plain, fc.string({unit: 'binary', maxLength: 20}))
  fc.assert(
    fc.property(
      fc.oneof(elements, fc.array(odd, {maxLength: 6})),
      fc.constantFrom<NodeShape>(LIST_SHAPE, HASH_SHAPE),
      (all, shape) => {
        const [start, end] = placed(listpackOf(all))
        const done = text.json(shape, memory, start, end)
        expect(done).toBe(all.every(isPlain) && (shape === LIST_SHAPE || all.length % 2 === 0))
        if (!done) return
        const value = JSON.parse(`[0${said()}]`).slice(1)
        const strings = all.map(String)
        const pairs = strings.flatMap((one, i) => (i % 2 === 0 ? [[one, strings[i + 1]]] : []))
        expect(value).toEqual(shape === LIST_SHAPE ? strings : pairs)
        expect(text.entries).toBe(all.length)
      },
    ),
    {numRuns: 1000},
  )
})

it('any bytes as arguments; of a sorted set the score first', () => {
  const any = fc.array(fc.oneof(integer, fc.string({unit: 'binary', maxLength: 200})), {maxLength: 20})
  fc.assert(
    fc.property(any, all => {
      const [start, end] = placed(listpackOf(all))
      expect(text.resp(LIST_SHAPE, memory, start, end)).toBe(true)
      const expected = encodeCommand(all.map(one => Buffer.from(String(one))))
      expect(`*${all.length}\r\n${said()}`).toBe(expected.toString('latin1'))
    }),
    {numRuns: 500},
  )
  const scores = fc.array(
    fc.tuple(plain, fc.oneof(integer, fc.constantFrom('1.5', '-0', '3e+100', 'inf', 'nan', '1x'))),
  )
  fc.assert(
    fc.property(scores, rows => {
      const [start, end] = placed(listpackOf(rows.flat()))
      const done = text.resp(ZSET_SHAPE, memory, start, end)
      expect(done).toBe(rows.every(([, score]) => Number.isFinite(Number(score))))
      const expected = encodeCommand(rows.flatMap(([member, score]) => [String(score), member]))
      if (done) expect(`*${2 * rows.length}\r\n${said()}`).toBe(expected.toString('latin1'))
    }),
    {numRuns: 500},
  )
})

it('strings as JSON', () => {
  const string = fc.oneof(
    plain,
    fc.string({unit: 'binary', maxLength: 100}),
    fc.string({minLength: 30, maxLength: 100}),
  )
  fc.assert(
    fc.property(string, one => {
      const [start, end] = placed(Buffer.from(one))
      const done = text.string(memory, start, end)
      expect(done).toBe(end - start >= 32 && isPlain(one))
      if (done) expect(JSON.parse(said())).toBe(one)
    }),
    {numRuns: 1000},
  )
})

it('what is damaged is left alone: it agrees with the walker, or says nothing', () => {
  const walker = new ListpackWalker()
  const change = fc.tuple(fc.nat(200), fc.nat(255))
  fc.assert(
    fc.property(
      fc.array(fc.oneof(integer, plain), {minLength: 1, maxLength: 10}),
      fc.array(change, {minLength: 1, maxLength: 3}),
      (all, changes) => {
        const bytes = listpackOf(all)
        // Total and count stand in front: the walker has its own checks of those.
        for (const [place, byte] of changes) if (place >= 6 && place < bytes.length) bytes[place] = byte
        const [start, end] = placed(bytes)
        if (!text.resp(LIST_SHAPE, memory, start, end)) return
        const into = new LentBytes()
        const seen: Buffer[] = []
        walker.open(bytes, 0, bytes.length, 0)
        try {
          while (walker.next(into)) seen.push(Buffer.from(into.copy()))
        } catch {
          // The count in front may not be what is there any more: that alone is refused.
          return
        }
        expect(`*${seen.length}\r\n${said()}`).toBe(encodeCommand(seen).toString('latin1'))
      },
    ),
    {numRuns: 1000},
  )
})

it('memory that is not the kernel’s is left alone', () => {
  const bytes = listpackOf(['a'])
  expect(text.json(LIST_SHAPE, bytes, 0, bytes.length)).toBe(false)
  expect(text.string(Buffer.alloc(100, 0x61), 0, 100)).toBe(false)
})
