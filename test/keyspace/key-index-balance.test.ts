/** What both sources hold is seen at once, or told to be alike: what is left differs, as without either. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Fingerprinter} from '../../src/keyspace/fingerprint.js'
import {type KeyGroup, KeyIndex} from '../../src/keyspace/key-index.js'

const encoder = new TextEncoder()
const printer = new Fingerprinter()
const boundary = 2 ** 40
const budgets = fc.constantFrom(4096, 1 << 20)

/** Few keys, so that many are in both; offsets are places in this order. */
const added = fc
  .array(fc.record({db: fc.nat(2), key: fc.nat(400).map(String), second: fc.boolean(), payload: fc.nat(2)}), {
    maxLength: 2000,
  })
  .map(all => all.map(({second, ...one}, i) => ({...one, offset: second ? boundary + i : i})))

function addWithPayload(index: KeyIndex, db: number, bytes: Uint8Array, offset: number, payload: number[]): void {
  printer.take(db, bytes, 0, bytes.length)
  index.addPrint(printer.high, printer.low, offset, Int32Array.from(payload), 0)
}

async function collect(groups: AsyncIterable<KeyGroup>): Promise<KeyGroup[]> {
  const all: KeyGroup[] = []
  for await (const group of groups) all.push(group)
  return all
}

describe('what differs between two sources', () => {
  it('is the same where most of what is equal is seen at once', async () => {
    await fc.assert(
      fc.asyncProperty(added, budgets, async (all, memoryBytes) => {
        // What both hold twice is as equal as what both hold once: of the second nothing is there twice.
        const fitting = all.filter(
          (one, i) =>
            one.offset < 2 ** 53 &&
            (one.offset < boundary ||
              all.findIndex(({db, key, offset}) => offset >= boundary && db === one.db && key === one.key) === i),
        )
        const plain = new KeyIndex({memoryBytes, payloadWords: 4})
        const balanced = new KeyIndex({memoryBytes, payloadWords: 4, balanced: {boundary, word: 0}})
        for (const index of [plain, balanced]) {
          for (const {db, key, offset, payload} of fitting) {
            addWithPayload(index, db, encoder.encode(key), offset, [
              payload * 0x9e37_79b1,
              payload,
              ~payload,
              payload ^ 77,
            ])
          }
        }
        expect(await collect(balanced.differing(boundary))).toEqual(await collect(plain.differing(boundary)))
        // What was seen at once is still there.
        expect(await collect(balanced.duplicates())).toEqual(await collect(plain.duplicates()))
        plain.close()
        balanced.close()
      }),
      {numRuns: 100},
    )
  })

  it('takes payloads for the same that it is told are', async () => {
    const index = new KeyIndex({payloadWords: 2})
    for (const [i, second] of [10, 12, 13].entries()) {
      const key = encoder.encode(`${i}`)
      addWithPayload(index, 0, key, i, [1, 10])
      addWithPayload(index, 0, key, 1000 + i, [1, second])
    }
    const near = index.differing(1000, (words, at, kept) => Math.abs(words[at + 1]! - kept[1]!) <= 2)
    expect(await collect(near)).toEqual([{count: 2, offsets: [2, 1002]}])
    index.close()
  })
})
