import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {STREAM_ID_TEXT_BYTES_MAX, StreamId} from '../../src/encoding/stream-id.js'
import {fromHex, toHex} from './damage.js'

const MAX = 2n ** 64n - 1n

const vectors = [
  {text: '0-0', hex: '0000000000000000 0000000000000000', ms: 0, seq: 0},
  {text: '5-1', hex: '0000000000000005 0000000000000001', ms: 5, seq: 1},
  {text: '1700000000000-0', hex: '0000018bcfe56800 0000000000000000', ms: 1_700_000_000_000, seq: 0},
  {text: '4294967295-4294967296', hex: '00000000ffffffff 0000000100000000', ms: 2 ** 32 - 1, seq: 2 ** 32},
  {text: '9007199254740991-0', hex: '001fffffffffffff 0000000000000000', ms: 2 ** 53 - 1, seq: 0},
  {text: '9007199254740993-0', hex: '0020000000000001 0000000000000000', ms: 2n ** 53n + 1n, seq: 0},
  {
    text: `${2n ** 63n}-${2n ** 63n - 1n}`,
    hex: '8000000000000000 7fffffffffffffff',
    ms: 2n ** 63n,
    seq: 2n ** 63n - 1n,
  },
  {text: `${MAX}-${MAX}`, hex: 'ffffffffffffffff ffffffffffffffff', ms: MAX, seq: MAX},
]

describe.each(vectors)('stream ID $text', ({text, hex, ms, seq}) => {
  const bytes = fromHex(`00${hex}00`)

  it('is read', () => {
    const id = new StreamId()
    id.readBE(bytes, 1)
    expect(id.toString()).toBe(text)
    expect([id.ms, id.seq]).toEqual([ms, seq])
    expect(id.isZero).toBe(text === '0-0')
  })

  it('is written', () => {
    const out = new Uint8Array(18)
    StreamId.of(ms, seq).writeBE(out, 1)
    expect(toHex(out)).toBe(toHex(bytes))
  })

  it('is parsed and formatted', () => {
    const id = StreamId.parse(text)
    expect(id?.compare(StreamId.of(ms, seq))).toBe(0)
    const out = new Uint8Array(STREAM_ID_TEXT_BYTES_MAX + 2)
    const end = StreamId.of(ms, seq).format(out, 2)
    expect(Buffer.from(out.subarray(2, end)).toString()).toBe(text)
  })
})

describe('stream ID', () => {
  it.each([
    '',
    '-',
    '1-',
    '-1',
    '1-2-3',
    'a-1',
    '1-b',
    '1 -2',
    '+1-2',
    '18446744073709551616-0',
    '0-18446744073709551616',
  ])('%j is none', text => expect(StreamId.parse(text)).toBeUndefined())

  it('of milliseconds alone is the first of them', () => expect(StreamId.parse('17')?.toString()).toBe('17-0'))

  it('copies are independent', () => {
    const id = StreamId.of(1, 2)
    const copy = id.copy()
    id.setMs(9)
    expect(copy.toString()).toBe('1-2')
  })

  const part = fc.oneof(
    fc.bigInt({min: 0n, max: MAX}),
    fc.bigInt({min: 0n, max: 5n}),
    fc.bigInt({min: MAX - 5n, max: MAX}),
  )

  it('adds and subtracts as a server does, modulo 2^64', () => {
    fc.assert(
      fc.property(part, part, part, part, (ms, seq, otherMs, otherSeq) => {
        const a = StreamId.of(ms, seq)
        const b = StreamId.of(otherMs, otherSeq)
        const difference = new StreamId()
        difference.subtract(a, b)
        expect(BigInt(difference.ms)).toBe(BigInt.asUintN(64, ms - otherMs))
        expect(BigInt(difference.seq)).toBe(BigInt.asUintN(64, seq - otherSeq))
        b.add(difference.msHigh, difference.msLow, difference.seqHigh, difference.seqLow)
        expect(b.compare(a)).toBe(0)
        b.add(difference.msHigh | 0, difference.msLow, difference.seqHigh | 0, difference.seqLow)
        expect(BigInt(b.ms)).toBe(BigInt.asUintN(64, 2n * ms - otherMs))
      }),
    )
  })

  it('compares by milliseconds, then by sequence', () => {
    fc.assert(
      fc.property(part, part, part, part, (ms, seq, otherMs, otherSeq) => {
        const order = ms === otherMs ? seq - otherSeq : ms - otherMs
        const compared = StreamId.of(ms, seq).compare(StreamId.of(otherMs, otherSeq))
        expect(Math.sign(compared)).toBe(order < 0n ? -1 : order > 0n ? 1 : 0)
      }),
    )
  })
})
