/** Records come back in the order of their keys, equal ones as they were added, whatever the memory. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {ByteSorter, type SortedRecord} from '../../src/bytes/sorter.js'

type Row = [key: Buffer, payload: Buffer]

function sorted(rows: readonly Row[], memoryBytes: number): Row[] {
  const sorter = new ByteSorter(memoryBytes)
  try {
    for (const [key, payload] of rows) {
      const out = sorter.begin()
      out.copy(key, 0, key.length)
      sorter.endKey()
      out.copy(payload, 0, payload.length)
      sorter.end()
    }
    expect(sorter.count).toBe(rows.length)
    sorter.sort()
    const record: SortedRecord = {bytes: new Uint8Array(0), keyStart: 0, keyEnd: 0, payloadEnd: 0}
    const found: Row[] = []
    while (sorter.next(record)) {
      const {bytes, keyStart, keyEnd, payloadEnd} = record
      found.push([Buffer.from(bytes.slice(keyStart, keyEnd)), Buffer.from(bytes.slice(keyEnd, payloadEnd))])
    }
    expect(sorter.next(record)).toBe(false)
    return found
  } finally {
    sorter.close()
  }
}

const byKey = (rows: readonly Row[]): Row[] => rows.toSorted(([a], [b]) => Buffer.compare(a, b))

const bytes = (maxLength: number) => fc.uint8Array({maxLength}).map(one => Buffer.from(one))
const key = fc.oneof(
  bytes(3),
  bytes(12),
  fc.constantFrom('', '\0', '\0\0', 'same', 'samesame').map(one => Buffer.from(one)),
)

describe('records', () => {
  it.each([1 << 20, 4096, 200, 1])('are sorted in %i bytes of memory', memoryBytes => {
    const rows = fc.array(fc.tuple(key, bytes(60)), {maxLength: 300})
    fc.assert(
      fc.property(rows, all => {
        expect(sorted(all, memoryBytes)).toEqual(byKey(all))
      }),
      {numRuns: 60},
    )
  })

  it('may be larger than the memory and the windows of the runs', () => {
    const rows = Array.from({length: 40}, (_, i): Row => [Buffer.from(`key ${i % 7}`), Buffer.alloc(i * 3000, i)])
    expect(sorted(rows, 10_000)).toEqual(byKey(rows))
  })

  it('are forgotten by a reset', () => {
    const sorter = new ByteSorter(64)
    for (let round = 0; round < 2; round++) {
      for (const text of ['b', 'a', 'c'.repeat(100)]) {
        const out = sorter.begin()
        out.ascii(text)
        sorter.endKey()
        sorter.end()
      }
      sorter.sort()
      const record: SortedRecord = {bytes: new Uint8Array(0), keyStart: 0, keyEnd: 0, payloadEnd: 0}
      const found: string[] = []
      while (sorter.next(record)) {
        found.push(Buffer.from(record.bytes.subarray(record.keyStart, record.keyEnd)).toString()[0]!)
      }
      expect(found).toEqual(['a', 'b', 'c'])
      sorter.reset()
    }
    sorter.close()
  })
})
