/** The deep check of packed nodes: against vectors, against a naive one, and its quick ways against its careful one. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {format17Digits} from '../../src/bytes/decimal.js'
import {kernel} from '../../src/bytes/kernel.js'
import {ListpackWalker} from '../../src/encoding/listpack.js'
import {
  checkPacked,
  checkPackedByWalking,
  ENTRIES_EACH,
  type PackedCheckKind,
  type PackedFinding,
  type PackedShape,
} from '../../src/encoding/packed-check.js'
import {FormatError} from '../../src/errors.js'
import {intset, listpack, ziplist, zipmap} from '../fixtures/blobs.js'
import {latin1} from './damage.js'
import {naive, naiveScore} from './naive-packed-check.js'

type Check = typeof checkPacked
type Element = Parameters<typeof listpack>[0][number]

const OFFSET = 5000
const SHAPES: readonly PackedShape[] = ['list', 'set', 'zset', 'hash', 'hash-ttl']

/** Entries and findings, or the error. Plausible entries lie around the node. */
function outcome(check: Check, kind: PackedCheckKind, shape: PackedShape, blob: Uint8Array): unknown {
  const window = Buffer.concat([Buffer.alloc(5, 1), blob, Buffer.alloc(80, 1)])
  return outcomeAt(check, kind, shape, window, 5, 5 + blob.length)
}

function outcomeAt(
  check: Check,
  kind: PackedCheckKind,
  shape: PackedShape,
  bytes: Uint8Array,
  start: number,
  end: number,
): unknown {
  const findings: PackedFinding[] = []
  try {
    return {entries: check(kind, shape, bytes, start, end, OFFSET, one => findings.push(one)), findings}
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    return {error: error.code, offset: error.offset, message: error.message, findings}
  }
}

/** All three ways to check it must say the same; returns what. */
function checked(kind: PackedCheckKind, shape: PackedShape, blob: Uint8Array): unknown {
  const said = outcome(checkPacked, kind, shape, blob)
  expect(outcome(checkPackedByWalking, kind, shape, blob)).toEqual(said)
  const {bytes, slotAreas} = kernel()
  for (const {start, bytes: size} of slotAreas) {
    if (blob.length > size) continue
    bytes.set(blob, start)
    expect(outcomeAt(checkPacked, kind, shape, bytes, start, start + blob.length)).toEqual(said)
  }
  return said
}

function codes(kind: PackedCheckKind, shape: PackedShape, blob: Uint8Array): string[] {
  const {findings} = checked(kind, shape, blob) as {findings: PackedFinding[]}
  return findings.map(({code, index}) => `${code} ${index}`)
}

/** A string as a string, even where it spells an integer. */
const asString = (text: string): Element => ({raw: Buffer.from([0x80 | text.length, ...latin1(text)])})

const MILLIONS = Array.from({length: 30_000}, (_, i) => `member:${i}`)

describe('sound nodes', () => {
  it.each<[PackedShape, Element[]]>([
    ['list', ['a', 'a', 1, 1, '']],
    ['list', ['x'.repeat(63), 'x'.repeat(64), 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(4095), 'x'.repeat(4096)]],
    ['list', ['x'.repeat(16_377), 'x'.repeat(16_378), 'x'.repeat(16_379), 'x'.repeat(300_000)]],
    ['set', ['a', 'b', 'ab', '', 1, -1, 127, 128, -4096, 4095, 32_767, -32_768, 8_388_607, -8_388_608, 2 ** 31]],
    ['set', ['007', '-', '-0', '+1', '1.', '00', '-01', '12345678901234567890', '99999999999999999999', '1e3']],
    ['set', ['x'.repeat(16), 'x'.repeat(17), 'x'.repeat(32), 'x'.repeat(33), 'x'.repeat(48), 'x'.repeat(5000)]],
    ['set', ['', '\0', '\0\0', 'a', 'a\0', 'a\0\0', `a${'\0'.repeat(15)}`, `a${'\0'.repeat(16)}`]],
    ['zset', ['c', '-inf', 'a', 1, 'b', '2.5', 'd', '3e+100', 'e', 'inf']],
    ['zset', ['a', 0, 'b', 0, 'ba', 0, 'bb', '0.0']],
    ['zset', [1, 7, 10, 7, 2, 7, 'a', 7]],
    ['zset', [-10, 7, -9, 7, 0, 7, 10, 7, 127, 7, 5000, 7, 6, 7, '6a', 7, 2 ** 40, 8]],
    ['zset', ['a', '-0.10000000000000001', 'b', '0.10000000000000001', 'c', '0.29999999999999999', 'd', '0.3']],
    ['zset', ['a', '0.30000000000000004', 'b', '0.30000000000000004', 'c', '0.30000000000000010']],
    ['zset', ['a', '-1.5e+300', 'b', '4.9406564584124654e-324', 'c', '1e-320', 'd', '1e308']],
    ['zset', ['a', -(2 ** 53), 'b', '9007199254740993', 'c', '9007199254740996', 'd', '9.1e15']],
    ['zset', ['a', '1e3', 'b', '1E+3', 'c', '1000.00', 'd', '10000e-1', 'e', '.1e5']],
    ['hash', ['a', 1, 'b', 1, 1, 'b', 12, 12]],
    ['hash-ttl', ['a', 'x', 1, 'b', 'x', 1, 'c', 'y', 2 ** 48 - 1, 'd', 'y', 0, 'e', 'y', 0]],
    ['hash-ttl', ['a', 'x', 0]],
  ])('%s, case %#', (shape, elements) => {
    expect((checked('listpack', shape, listpack(elements)) as {entries: number}).entries).toBe(elements.length)
    expect(codes('listpack', shape, listpack(elements))).toEqual([])
    if (shape !== 'hash-ttl')
      expect((checked('ziplist', shape, ziplist(elements)) as {entries: number}).entries).toBe(elements.length)
  })

  it('of many entries', () => {
    for (const count of [100, 5000, 16_384, 16_385, 30_000]) {
      expect(codes('listpack', 'set', listpack(MILLIONS.slice(0, count)))).toEqual([])
    }
    expect(codes('listpack', 'list', listpack(Array(70_000).fill('x'), {count: 65_535}))).toEqual([])
  })

  it('written by servers are seen to be sound at first sight', () => {
    const {bytes, inputArea, packedCheck} = kernel()
    const quick: [number, Element[]][] = [
      [1, MILLIONS.slice(0, 128)],
      [1, ['007', '2024-01-01', '-', '1.5', '0x10']],
      [2, ['a', '0.10000000000000001', 'b', '0.29999999999999999', 'c', '12345.678900000001']],
      [2, ['c', '-inf', 'a', 1, 'b', '2.5', 'd', '3e+100', 'e', 'inf']],
      [2, [1, 7, 10, 7, 2, 7, 'a', 7]],
      [3, ['f', 'x'.repeat(64), 'g', 'x'.repeat(4095), 'h', 'x'.repeat(20_000)]],
      [4, ['a', 'x', 1_790_000_000_000, 'b', 'x', 0]],
    ]
    for (const [shape, elements] of quick) {
      const blob = listpack(elements)
      bytes.set(blob, inputArea.start)
      expect(packedCheck(shape, inputArea.start, inputArea.start + blob.length), `${elements}`).toBe(elements.length)
    }
  })

  it.each([1, 2, 3, 4, 7, 8, 64, 65, 500, 4095, 16_384])(
    'of %i members are so, and in doubt with any of them twice',
    count => {
      const {bytes, inputArea, packedCheck} = kernel()
      const judge = (elements: Element[]): number => {
        const blob = listpack(elements)
        bytes.set(blob, inputArea.start)
        return packedCheck(1, inputArea.start, inputArea.start + blob.length)
      }
      const numbers = Array.from({length: count}, (_, i) => (i % 3 === 0 ? i * 70_000 : `member:${i}`))
      expect(judge(numbers)).toBe(count)
      for (const at of new Set([0, 1, count >> 1, count - 2].filter(place => place >= 0 && place < count - 1))) {
        expect(judge([...numbers.slice(0, -1), numbers[at]!]), `${at}`).toBe(-1)
      }
    },
  )
})

describe('what is wrong by meaning', () => {
  it.each<[string, PackedShape, Element[], string[]]>([
    ['duplicate strings', 'set', ['a', 'b', 'a', 'a'], ['DUPLICATE_ELEMENT 12', 'DUPLICATE_ELEMENT 15']],
    ['duplicate integers', 'set', [1, 300, 300], ['DUPLICATE_ELEMENT 11']],
    ['an integer in two forms', 'set', [5, {raw: Buffer.from('f10500', 'hex')}], ['DUPLICATE_ELEMENT 8']],
    ['an integer and its text', 'set', [12, asString('12')], ['DUPLICATE_ELEMENT 8']],
    ['a text and its integer', 'hash', [asString('-7'), 1, -7, 1], ['DUPLICATE_ELEMENT 12']],
    ['two long strings', 'set', ['x'.repeat(200), 'x'.repeat(200)], ['DUPLICATE_ELEMENT 210']],
    ['a string of two lengths', 'set', ['ab', {raw: Buffer.from('e0026162', 'hex')}], ['DUPLICATE_ELEMENT 10']],
    ['equal values are none', 'hash', ['a', 'x', 'b', 'x'], []],
    ['a member twice', 'zset', ['a', 1, 'a', 2], ['DUPLICATE_ELEMENT 11']],
    ['a member twice at one score', 'zset', ['a', 1, 'a', 1], ['DUPLICATE_ELEMENT 11']],
    ['a field twice', 'hash-ttl', ['a', 1, 0, 'a', 2, 0], ['DUPLICATE_ELEMENT 13']],
    ['scores that descend', 'zset', ['a', 2, 'b', '1.5', 'c', '1.25'], ['UNSORTED 11', 'UNSORTED 19']],
    [
      'scores that descend by little',
      'zset',
      ['a', '0.10000000000000003', 'b', '0.10000000000000001'],
      ['UNSORTED 30'],
    ],
    [
      'scores with exponents that descend',
      'zset',
      ['a', '1e3', 'b', '1e2', 'c', '0.5'],
      ['UNSORTED 14', 'UNSORTED 22'],
    ],
    ['members of one score that descend', 'zset', ['b', 1, 'a', 1], ['UNSORTED 11']],
    ['integer members in their numbers order', 'zset', [2, 1, 10, 1], ['UNSORTED 10']],
    ['a member behind a longer one', 'zset', ['ab', 1, 'a', 1], ['UNSORTED 12']],
    ['equal scores in two forms', 'zset', ['b', '1.0', 'a', 1], ['UNSORTED 14']],
    ['equal scores of many digits', 'zset', ['b', '0.10000000000000001', 'a', '0.1'], ['UNSORTED 30']],
    [
      'no number',
      'zset',
      ['a', 'x', 'b', 'nan', 'c', '-nan', 'd', ''],
      ['BAD_SCORE 9', 'BAD_SCORE 15', 'BAD_SCORE 23', 'BAD_SCORE 32'],
    ],
    [
      'half a number',
      'zset',
      ['a', '1x', 'b', '1e', 'c', '1e+', 'd', '.'],
      ['BAD_SCORE 9', 'BAD_SCORE 16', 'BAD_SCORE 23', 'BAD_SCORE 31'],
    ],
    ['a member without score', 'zset', ['a', 1, 'b'], ['ODD_ENTRIES 11']],
    ['a field without value', 'hash', ['a', 1, 'b'], ['ODD_ENTRIES 11']],
    ['a field without value and time', 'hash-ttl', ['a', 1, 0, 'b'], ['ODD_ENTRIES 13']],
    ['a field without time', 'hash-ttl', ['a', 1, 0, 'b', 'c'], ['ODD_ENTRIES 13']],
    ['times that descend', 'hash-ttl', ['a', 1, 2000, 'b', 1, 1000], ['UNSORTED 14']],
    ['a time behind none', 'hash-ttl', ['a', 1, 0, 'b', 1, 5], ['UNSORTED 13']],
    ['times that are none', 'hash-ttl', ['a', 1, -1, 'b', 1, 2 ** 48], ['BAD_EXPIRY 11', 'BAD_EXPIRY 19']],
    ['a time as a string', 'hash-ttl', ['a', 1, asString('99')], ['BAD_EXPIRY 11']],
    ['nothing', 'list', [], ['EMPTY_COLLECTION 4']],
    ['nothing', 'zset', [], ['EMPTY_COLLECTION 4']],
  ])('%s: %s', (_, shape, elements, expected) => {
    expect(codes('listpack', shape, listpack(elements))).toEqual(expected)
  })

  it('in ziplists, zipmaps and intsets', () => {
    expect(codes('ziplist', 'hash', ziplist(['a', 1, 'a', 2]))).toEqual(['DUPLICATE_ELEMENT 15'])
    expect(codes('ziplist', 'zset', ziplist(['a', 2, 'b', 'x', 'c', 1]))).toEqual(['BAD_SCORE 18'])
    expect(codes('ziplist', 'list', ziplist([]))).toEqual(['EMPTY_COLLECTION 8'])
    expect(
      codes(
        'zipmap',
        'hash',
        zipmap([
          ['a', '1'],
          ['b', '1', 3],
          ['a', '2'],
        ]),
      ),
    ).toEqual(['DUPLICATE_ELEMENT 14'])
    expect(codes('zipmap', 'hash', zipmap([]))).toEqual(['EMPTY_COLLECTION 0'])
    expect(codes('intset', 'set', intset(2, [-3, 1, 2]))).toEqual([])
    expect(codes('intset', 'set', intset(2, [1, 1, 2]))).toEqual(['DUPLICATE_ELEMENT 10'])
    expect(codes('intset', 'set', intset(4, [1, 3, 2, 3]))).toEqual(['UNSORTED 16', 'DUPLICATE_ELEMENT 20'])
    expect(codes('intset', 'set', intset(8, []))).toEqual(['EMPTY_COLLECTION 4'])
    expect(checked('zipmap', 'hash', zipmap([['a', '1']]))).toEqual({entries: 2, findings: []})
  })

  it('is told a hundred times at most', () => {
    expect(codes('listpack', 'set', listpack(Array(5000).fill('same'))).length).toBe(100)
  })
})

const word = fc.oneof(
  fc.constantFrom('a', 'b', '', 'ab', 'x'.repeat(70), 'x'.repeat(5000), '12', '-0', '007', '9223372036854775808'),
  fc.integer({min: -70_000, max: 70_000}).map(String),
  fc.bigInt({min: -(2n ** 63n), max: 2n ** 63n - 1n}).map(String),
  fc.string({maxLength: 40}).map(text => Buffer.from(text).toString('latin1')),
)
const score = fc.oneof(
  fc.constantFrom('0', '1', '1.0', 'inf', '-inf', 'nan', '0.1', '0.10000000000000001', '-0', '1e3', 'x', '1e400'),
  fc.integer({min: -300, max: 300}).map(String),
  fc.double({noNaN: true}).map(String),
  fc.integer({min: -99_999, max: 99_999}).map(cents => (cents / 100).toFixed(2)),
)
const time = fc.constantFrom('0', '1', '5', '300', '1790000000000', '281474976710655', '281474976710656', '-1', 'x')

function elementsOf(shape: PackedShape): fc.Arbitrary<string[]> {
  const one = {list: [word], set: [word], zset: [word, score], hash: [word, word], 'hash-ttl': [word, word, time]}[
    shape
  ]
  const rows = fc.array(fc.tuple(...one), {maxLength: 25})
  return fc.tuple(rows, fc.boolean(), fc.nat(9)).map(([found, sorted, cut]) => {
    if (sorted && shape === 'zset') found.sort(byScore)
    if (sorted && shape === 'hash-ttl') found.sort((a, b) => (Number(a[2]) || 1e300) - (Number(b[2]) || 1e300))
    return found.flat().slice(0, cut === 0 ? -1 : undefined)
  })
}

function byScore(a: string[], b: string[]): number {
  return naiveScore(a[1]!) - naiveScore(b[1]!) || bytesOf(a[0]!).compare(bytesOf(b[0]!))
}

const cases = fc.constantFrom(...SHAPES).chain(shape => elementsOf(shape).map(elements => ({shape, elements})))
const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')

describe('any node', () => {
  it('is judged as a naive check judges it', () => {
    fc.assert(
      fc.property(cases, ({shape, elements}) => {
        expect(new Set(codes('listpack', shape, listpack(elements.map(bytesOf))))).toEqual(
          naive('listpack', shape, listpack(elements.map(bytesOf))),
        )
        if (shape === 'hash-ttl') return
        const old = ziplist(elements.map(bytesOf))
        expect(new Set(codes('ziplist', shape, old))).toEqual(naive('ziplist', shape, old))
      }),
      {numRuns: 3000},
    )
  })

  it('is judged alike by all ways when it was damaged', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), {minLength: 1, maxLength: 3})
    fc.assert(
      fc.property(cases, damage, fc.nat(20), ({shape, elements}, flips, cut) => {
        for (const make of [listpack, ziplist]) {
          const kind = make === listpack ? 'listpack' : 'ziplist'
          if (shape === 'hash-ttl' && kind === 'ziplist') continue
          const blob = make(elements.map(bytesOf))
          for (const [place, value] of flips) blob[place % blob.length] = value
          checked(kind, shape, cut === 0 ? blob.subarray(0, -1) : blob)
        }
      }),
      {numRuns: 5000},
    )
  })

  it('tells scores apart that are next to each other', () => {
    const bits = new DataView(new ArrayBuffer(8))
    const neighbour = (value: number, steps: number): number => {
      bits.setFloat64(0, value)
      bits.setInt32(4, bits.getInt32(4) + steps)
      return bits.getFloat64(0)
    }
    const spelled = fc.constantFrom(String, format17Digits)
    fc.assert(
      fc.property(fc.double({noNaN: true}), fc.integer({min: -2, max: 2}), spelled, spelled, (value, steps, a, b) => {
        const other = neighbour(value, steps)
        if (!Number.isFinite(value) || !Number.isFinite(other)) return
        const blob = listpack(['m', a(value), 'n', b(other)])
        expect(codes('listpack', 'zset', blob).length).toBe(other < value ? 1 : 0)
      }),
      {numRuns: 5000},
    )
  })

  it('of a few bytes, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({minLength: 1, maxLength: 24}), fc.nat(5), (body, count) => {
        const blob = Buffer.concat([Buffer.from([body.length + 7, 0, 0, 0, count, 0]), body, Buffer.from([0xff])])
        for (const shape of SHAPES) checked('listpack', shape, blob)
      }),
      {numRuns: 10_000},
    )
  })

  it('breaks its chain where the walker says', () => {
    fc.assert(
      fc.property(cases, fc.nat(), fc.nat(255), ({elements}, place, value) => {
        const blob = listpack(elements.map(bytesOf))
        blob[place % blob.length] = value
        const walker = new ListpackWalker()
        let expected: unknown
        try {
          walker.open(blob, 0, blob.length, OFFSET)
          while (walker.skipEntry());
        } catch (error) {
          expected = error
        }
        const attempt = (): number => checkPacked('listpack', 'set', blob, 0, blob.length, OFFSET, () => {})
        if (expected instanceof FormatError) expect(attempt).toThrow(expected)
        else attempt()
      }),
      {numRuns: 3000},
    )
  })
})

it.each<PackedShape>(['set', 'zset'])('takes linear time for a %s of millions that are hostile', shape => {
  const each = ENTRIES_EACH[shape]
  const elements = 1_500_000
  const entries = elements * each
  const body = Buffer.alloc(5 * elements + 2 * (each - 1) * elements)
  let at = 0
  for (let i = 0; i < elements; i++) {
    body.set([0xf2, i & 0xff, (i >> 8) & 0xff, i >> 16, 4], at)
    at += 5
    for (let k = 1; k < each; k++, at += 2) body.set([0, 1], at)
  }
  const blob = Buffer.concat([Buffer.alloc(6, 0xff), body, Buffer.from([0xff])])
  blob.writeUInt32LE(blob.length, 0)
  // Of the processor: the clock also counts what others do.
  const started = process.cpuUsage()
  const findings: PackedFinding[] = []
  expect(checkPacked('listpack', shape, blob, 0, blob.length, 0, one => findings.push(one))).toBe(entries)
  expect(process.cpuUsage(started).user / 1000).toBeLessThan(10_000)
  expect(findings.every(({code}) => code === 'UNSORTED' && shape === 'zset')).toBe(true)
})
