/** Records that are collected in parcels, and taken by an index among others in any order, are as good as added to it. */
import fc from 'fast-check'
import {expect, it} from 'vitest'
import {type KeyGroup, KeyIndex} from '../../src/keyspace/key-index.js'
import {RecordParcels} from '../../src/keyspace/record-parcels.js'

const boundary = 2 ** 40
/** A parcel holds four records. */
const PARCEL_BYTES = 152
const STRIDE = 10

interface Added {
  key: number
  digest: number
}

async function differing(index: KeyIndex): Promise<KeyGroup[]> {
  const all: KeyGroup[] = []
  for await (const group of index.differing(boundary)) all.push(group)
  index.close()
  return all
}

/** Spread over all shares. */
const wordsOf = ({key, digest}: Added): readonly [high: number, low: number, payload: Int32Array] => [
  Math.imul(key, 0x9e37_79b1),
  ~key,
  Int32Array.of(digest, ~digest, digest * 3, digest ^ 99),
]

const added = fc.array(fc.record({key: fc.nat(60), digest: fc.nat(1)}), {maxLength: 400})
const budgets = fc.constantFrom(4096, 1 << 20)

it('what differs is the same', async () => {
  await fc.assert(
    fc.asyncProperty(added, added, budgets, fc.nat(7), async (first, second, memoryBytes, turns) => {
      const form = {payloadWords: 4, balanced: {boundary, word: 0}}
      const direct = new KeyIndex({memoryBytes, ...form})
      const mixed = new KeyIndex({memoryBytes, ...form})
      const memory: ArrayBuffer[] = []
      const posted: {buffer: ArrayBuffer; used: number}[] = []
      const parcels = new RecordParcels(
        {
          take: () => memory.pop() ?? new ArrayBuffer(PARCEL_BYTES),
          post: (buffer, used) => posted.push({buffer, used}),
        },
        form,
      )
      const open = (): void => {
        for (const {buffer, used} of posted.splice(0)) {
          expect(used % 32).toBe(0)
          mixed.addRecords(new Int32Array(buffer, 0, used / 4), used / 4)
          // It is written over while the index has what it said.
          new Int32Array(buffer, 0, used / 4).fill(-1)
          memory.push(buffer)
        }
      }
      const distinct = second.filter(({key}, i) => second.findIndex(other => other.key === key) === i)
      for (let i = 0; i < Math.max(first.length, distinct.length); i++) {
        if (i < first.length) {
          const [high, low, payload] = wordsOf(first[i]!)
          for (const index of [direct, mixed]) index.addPrint(high, low, i, payload, 0)
        }
        if (i >= distinct.length) continue
        const [high, low, payload] = wordsOf(distinct[i]!)
        direct.addPrint(high, low, boundary + i, payload, 0)
        if (i % 3 === 0) {
          parcels.addPrint(high, low, boundary + i, payload, 0)
        } else {
          const prints = new Int32Array(STRIDE)
          prints.set([high, low, i, 0, ...payload])
          parcels.addPrints(prints, 1, STRIDE, boundary)
        }
        if (i % (turns + 1) === 0) open()
      }
      parcels.flush()
      open()
      mixed.addBalance(parcels.balance!.sums)
      expect(mixed.count).toBe(direct.count)
      expect(await differing(mixed)).toEqual(await differing(direct))
    }),
    {numRuns: 100},
  )
})

it('many at once go into as many parcels as it takes', () => {
  const posted: number[][] = []
  const parcels = new RecordParcels(
    {
      take: () => new ArrayBuffer(PARCEL_BYTES),
      post: (buffer, used) => posted.push([...new Int32Array(buffer, 0, used / 4)]),
    },
    {payloadWords: 4, balanced: {boundary, word: 0}},
  )
  const prints = Int32Array.from({length: 11 * STRIDE}, (_, i) => i)
  parcels.addPrints(prints, 11, STRIDE, boundary)
  parcels.flush()
  parcels.flush()
  expect(posted.map(words => words.length / 8)).toEqual([4, 4, 3])
  const records = posted.flat()
  for (let i = 0; i < 11; i++) {
    const [at, from] = [i * 8, i * STRIDE]
    expect(records.slice(at, at + 2)).toEqual([from, from + 1])
    expect(records[at + 2]! * 2 ** 32 + records[at + 3]!).toBe(boundary + from + 2)
    expect(records.slice(at + 4, at + 8)).toEqual([from + 4, from + 5, from + 6, from + 7])
  }
})
