/** Nodes and strings as text by the kernel: what it says is what the plain way says, and the rest it leaves alone. */
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {format17Digits, parseDouble} from '../../src/bytes/decimal.js'
import {kernel} from '../../src/bytes/kernel.js'
import {LentBytes} from '../../src/bytes/lent.js'
import {HASH_SHAPE, LIST_SHAPE, type NodeShape, NodeText, ZSET_SHAPE} from '../../src/bytes/node-text.js'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {ListpackBuilder, ListpackWalker} from '../../src/encoding/listpack.js'
import {writeJsonBytes, writeJsonScore} from '../../src/jsonl/text.js'
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
const anyText = fc.string({unit: 'grapheme', maxLength: 60})

const out = new ByteOutput(new MemoryTarget())

/** What is written of bytes that lie elsewhere, where no kernel looks at them. */
function plainly(write: (out: ByteOutput) => void): string {
  out.at = 0
  write(out)
  return Buffer.from(out.bytes.buffer, 0, out.at).toString('latin1')
}

const bytesJson = (one: string | bigint): string => {
  const bytes = Buffer.from(String(one))
  return plainly(out => writeJsonBytes(out, bytes, 0, bytes.length))
}

it('lists and hashes as JSON', () => {
  const odd = fc.oneof(integer, plain, anyText, fc.string({unit: 'binary', maxLength: 20}))
  fc.assert(
    fc.property(
      fc.oneof(elements, fc.array(odd, {maxLength: 6})),
      fc.constantFrom<NodeShape>(LIST_SHAPE, HASH_SHAPE),
      (all, shape) => {
        const [start, end] = placed(listpackOf(all))
        const done = text.json(shape, memory, start, end)
        expect(done).toBe(shape === LIST_SHAPE || all.length % 2 === 0)
        if (!done) return
        const strings = all.map(bytesJson)
        const pairs = strings.flatMap((one, i) => (i % 2 === 0 ? [`,[${one},${strings[i + 1]}]`] : []))
        expect(said()).toBe(shape === LIST_SHAPE ? strings.map(one => `,${one}`).join('') : pairs.join(''))
        expect(text.entries).toBe(all.length)
      },
    ),
    {numRuns: 1000},
  )
})

/** As servers print them, old and new, and as nobody does. */
const scoreText = fc.oneof(
  integer.map(String),
  fc.double({noNaN: true}).map(one => format17Digits(one)),
  fc.double({noNaN: true, min: -1e6, max: 1e6}).map(one => format17Digits(one)),
  fc.double({noNaN: true, min: -1e6, max: 1e6}).map(String),
  fc.tuple(fc.integer(), fc.integer({min: 0, max: 9})).map(([digits, places]) => format17Digits(digits / 10 ** places)),
  fc.tuple(fc.integer(), fc.integer({min: 0, max: 9})).map(([digits, places]) => String(digits / 10 ** places)),
  fc.stringMatching(/^[-+]?[0-9]{0,19}[.]?[0-9]{0,19}(e-?[0-9]{1,3})?$/),
  fc.constantFrom('inf', '-inf', 'nan', '-0', '-0.0', '0.0', '00.5', '.5', '5.', '-', '', '1x', '1.5.5'),
)

it('sorted sets as JSON, whose scores are finite numbers', () => {
  const member = fc.oneof(integer, plain, anyText)
  fc.assert(
    fc.property(fc.array(fc.tuple(member, scoreText), {minLength: 1, maxLength: 4}), rows => {
      const [start, end] = placed(listpackOf(rows.flat()))
      const scores = rows.map(([, score]) => {
        const bytes = Buffer.from(score)
        return parseDouble(bytes, 0, bytes.length) ?? Number.NaN
      })
      const done = text.json(ZSET_SHAPE, memory, start, end)
      expect(done).toBe(scores.every(score => Number.isFinite(score) && !Object.is(score, -0)))
      const expected = rows.map(([one], i) => `,[${bytesJson(one)},${plainly(out => writeJsonScore(out, scores[i]!))}]`)
      if (done) expect(said()).toBe(expected.join(''))
    }),
    {numRuns: 5000},
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

it('bytes as JSON, text or not', () => {
  const any = fc.oneof(
    plain.map(one => Buffer.from(one)),
    anyText.map(one => Buffer.from(one)),
    fc.string({unit: 'binary', maxLength: 100}).map(one => Buffer.from(one)),
    fc.uint8Array({maxLength: 100}),
    fc
      .tuple(plain, fc.uint8Array({maxLength: 4}), anyText)
      .map(parts => Buffer.concat(parts.map(one => Buffer.from(one)))),
  )
  fc.assert(
    fc.property(any, bytes => {
      const [start, end] = placed(bytes)
      expect(text.string(memory, start, end)).toBe(bytes.length >= 32)
      if (bytes.length >= 32) expect(said()).toBe(plainly(out => writeJsonBytes(out, bytes, 0, bytes.length)))
    }),
    {numRuns: 5000},
  )
})

it('every byte, every pair of bytes and every character of up to three bytes, among others', () => {
  const around = Buffer.from('a line of text around what is looked at')
  const all = [
    ...Array.from({length: 256}, (_, one) => [one]),
    ...Array.from({length: 0x8000}, (_, pair) => [0x80 | (pair >> 8), pair & 0xff]),
    ...Array.from({length: 0x11000}, (_, point) =>
      point >= 0xd800 && point < 0xe000 ? [0x61] : String.fromCodePoint(point),
    ),
  ]
  for (const one of all) {
    const bytes = Buffer.concat([around, Buffer.from(one as string), around])
    const [start, end] = placed(bytes)
    if (!text.string(memory, start, end)) expect.fail(`${one} is not written`)
    const expected = plainly(out => writeJsonBytes(out, bytes, 0, bytes.length))
    if (said() !== expected) expect(said()).toBe(expected)
  }
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
