import {setFlagsFromString} from 'node:v8'
import {runInNewContext} from 'node:vm'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Fingerprinter} from '../../src/keyspace/fingerprint.js'
import {type KeyGroup, KeyIndex, type KeyIndexOptions} from '../../src/keyspace/key-index.js'

interface Added {
  db: number
  key: string
  offset: number
  payload: number
}

const encoder = new TextEncoder()
const printer = new Fingerprinter()

/** Adds a key by its fingerprint, with what it carries. */
function addWithPayload(index: KeyIndex, db: number, bytes: Uint8Array, offset: number, payload: number[]): void {
  printer.take(db, bytes, 0, bytes.length)
  index.addPrint(printer.high, printer.low, offset, Int32Array.from(payload), 0)
}

function fill(index: KeyIndex, added: readonly Added[], payload = false): void {
  for (const {db, key, offset, payload: low} of added) {
    const bytes = encoder.encode(`<${key}>`)
    if (payload) addWithPayload(index, db, bytes.subarray(1, -1), offset, [low ^ 0x55, 7, low])
    else index.add(db, bytes, 1, bytes.length - 1, offset)
  }
}

async function collect(groups: AsyncIterable<KeyGroup>): Promise<KeyGroup[]> {
  const all: KeyGroup[] = []
  for await (const group of groups) all.push(group)
  return all
}

async function found(added: readonly Added[], options: KeyIndexOptions): Promise<KeyGroup[]> {
  const index = new KeyIndex(options)
  fill(index, added)
  expect(index.count).toBe(added.length)
  const groups = await collect(index.duplicates())
  index.close()
  return groups
}

function byKey(added: readonly Added[]): Added[][] {
  const map = new Map<string, Added[]>()
  for (const one of added) {
    const id = `${one.db}/${one.key}`
    const same = map.get(id)
    if (same) same.push(one)
    else map.set(id, [one])
  }
  return [...map.values()]
}

function told(same: readonly Added[], boundary = Infinity, offsetsMax = 16): KeyGroup {
  const ascending = same.map(one => one.offset).sort((a, b) => a - b)
  const first = ascending.filter(offset => offset < boundary).slice(0, offsetsMax)
  const second = ascending.filter(offset => offset >= boundary).slice(0, offsetsMax)
  return {count: same.length, offsets: [...first, ...second]}
}

function inOrder(groups: KeyGroup[]): KeyGroup[] {
  return groups.sort((a, b) => a.offsets[0]! - b.offsets[0]!)
}

function duplicatesOf(added: readonly Added[], offsetsMax = 16): KeyGroup[] {
  return inOrder(byKey(added).flatMap(same => (same.length > 1 ? [told(same, Infinity, offsetsMax)] : [])))
}

/** Many keys from a few numbers, since what is generated value by value stays small. */
function manyKeys(seed: number, count: number, distinct: number, skew: number, offsetScale: number): Added[] {
  let state = seed
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return Array.from({length: count}, (_, i) => {
    const number = Math.floor(distinct * next() ** skew)
    const offset = Math.floor((i + 1 - next() / 2) * offsetScale)
    return {db: number % 3, key: number % 7 === 0 ? '' : `key:${number}`, offset, payload: number}
  })
}

const added = fc
  .record({
    seed: fc.nat(),
    count: fc.oneof(fc.nat({max: 60}), fc.nat({max: 4000})),
    distinct: fc.oneof(fc.integer({min: 1, max: 5}), fc.integer({min: 1, max: 8000})),
    skew: fc.constantFrom(1, 2, 30),
    offsetScale: fc.constantFrom(1, 40, 1e6, 2e12),
    backwards: fc.boolean(),
  })
  .map(({seed, count, distinct, skew, offsetScale, backwards}) => {
    const all = manyKeys(seed, count, distinct, skew, offsetScale)
    return backwards ? all.reverse() : all
  })
const budgets = fc.constantFrom(4096, 10_000, 64 * 1024, 1024 * 1024)

describe('duplicates of a KeyIndex', () => {
  it('are those of a Map, in the order of their first offsets, whatever the memory', async () => {
    await fc.assert(
      fc.asyncProperty(added, budgets, fc.integer({min: 2, max: 20}), async (all, memoryBytes, offsetsPerGroupMax) => {
        const groups = await found(all, {memoryBytes, offsetsPerGroupMax})
        expect(groups).toEqual(duplicatesOf(all, offsetsPerGroupMax))
      }),
      {numRuns: 150},
    )
  })

  it('do not depend on the seed', async () => {
    const all = manyKeys(7, 5000, 2000, 2, 100)
    const seeds = [Int32Array.of(0, 0), Int32Array.of(-1, 77), Int32Array.of(0x7fff_ffff, 1)]
    const answers = await Promise.all(seeds.map(seed => found(all, {memoryBytes: 4096, seed})))
    for (const answer of answers) expect(answer).toEqual(duplicatesOf(all))
  })

  it('are found among more records than the digits of one level divide', async () => {
    const all = manyKeys(1, 120_000, 500_000, 1, 30)
    const groups = await found(all, {memoryBytes: 8 * 1024})
    expect(groups).toEqual(duplicatesOf(all))
  })

  it('are found in runs of 256 groups', async () => {
    const all = manyKeys(2, 200_000, 1_000_000, 1, 30)
    expect(await found(all, {memoryBytes: 2 * 1024 * 1024})).toEqual(duplicatesOf(all))
  })

  it('are told by database, of empty keys too, and of offsets up to 2^53 - 1', async () => {
    const key = 'k'
    const last = Number.MAX_SAFE_INTEGER
    const all = [
      {db: 0, key: '', offset: last, payload: 0},
      {db: 1, key: '', offset: 5, payload: 0},
      {db: 0, key, offset: 2 ** 32 - 1, payload: 0},
      {db: 1, key, offset: 2 ** 32, payload: 0},
      {db: 0, key: '', offset: last - 1, payload: 0},
      {db: 0, key, offset: 2 ** 32 + 1, payload: 0},
    ]
    expect(await found(all, {})).toEqual([
      {count: 2, offsets: [2 ** 32 - 1, 2 ** 32 + 1]},
      {count: 2, offsets: [last - 1, last]},
    ])
  })

  it('of nothing and of one key are none', async () => {
    expect(await found([], {})).toEqual([])
    expect(await found([{db: 0, key: 'a', offset: 0, payload: 0}], {})).toEqual([])
  })

  it('of keys that share their offsets are kept apart', async () => {
    const all = Array.from({length: 6000}, (_, i) => ({db: 0, key: `${i >> 1}`, offset: i >> 9, payload: 0}))
    const groups = await found(all, {memoryBytes: 4096})
    expect(groups.map(group => group.offsets.join())).toEqual(
      Array.from({length: 3000}, (_, i) => `${i >> 8},${i >> 8}`),
    )
  })

  it('that lie at one offset are two all the same', async () => {
    const one = {db: 0, key: 'a', offset: 0, payload: 0}
    expect(await found([one, one], {})).toEqual([{count: 2, offsets: [0, 0]}])
  })
})

describe('hostile keys', () => {
  it.each([4096, 64 * 1024, 1024 * 1024, 64 * 1024 * 1024])(
    'one key, over and over, in %i bytes',
    async memoryBytes => {
      const index = new KeyIndex({memoryBytes})
      const bytes = encoder.encode('again')
      for (let i = 0; i < 300_000; i++) index.add(0, bytes, 0, 5, 300_000 - i)
      const offsets = Array.from({length: 16}, (_, i) => i + 1)
      expect(await collect(index.duplicates())).toEqual([{count: 300_000, offsets}])
      index.close()
    },
  )

  it('a few keys that outnumber all others, and as many others', async () => {
    const all = Array.from({length: 60_000}, (_, i) => {
      return {db: 0, key: i % 2 === 0 ? `heavy${i % 6}` : `light${i >> 2}`, offset: i, payload: 0}
    })
    expect(await found(all, {memoryBytes: 8 * 1024})).toEqual(duplicatesOf(all))
  })

  it('keys that are heavy one after the other', async () => {
    const all = Array.from({length: 100_000}, (_, i) => ({db: 0, key: `${i >> 9}`, offset: i, payload: 0}))
    expect(await found(all, {memoryBytes: 4096})).toEqual(duplicatesOf(all))
  })
})

describe('what differs between two sources', () => {
  const boundary = 2 ** 40
  const sources = fc.tuple(added, fc.nat({max: 9}), fc.boolean()).map(([all, edited, doubled]) => {
    const first = doubled ? all : byKey(all).map(same => same[0]!)
    return [
      ...first,
      ...first.flatMap((one, i) => {
        const offset = boundary + one.offset
        if (edited > 0 && i % 10 === edited) return i % 3 === 0 ? [] : [{...one, offset, payload: one.payload + 1}]
        if (edited > 0 && i % 50 === 1) return [{...one, key: `${one.key}+`, offset}]
        return [{...one, offset}]
      }),
    ]
  })

  it('is every key that is not once in each with the same payload', async () => {
    const offsetsFit = sources.filter(all => all.every(one => one.offset < 2 ** 53))
    await fc.assert(
      fc.asyncProperty(offsetsFit, budgets, async (all, memoryBytes) => {
        const split = all.findIndex(one => one.offset >= boundary)
        fc.pre(split < 0 || all.slice(0, split).every(one => one.offset < boundary))
        const index = new KeyIndex({memoryBytes, payloadWords: 3})
        fill(index, all, true)
        const groups = await collect(index.differing(boundary))
        index.close()
        const differing = byKey(all).filter(same => {
          const [a, b] = same
          const inFirst = same.filter(one => one.offset < boundary).length
          return same.length !== 2 || inFirst !== 1 || a!.payload !== b!.payload
        })
        expect(groups).toEqual(inOrder(differing.map(same => told(same, boundary))))
      }),
      {numRuns: 100},
    )
  })

  it('compares every word of the payload', async () => {
    const index = new KeyIndex({payloadWords: 2})
    for (const [key, high, low] of [
      ['a', 1, 2],
      ['b', 1, 3],
      ['c', 0x9000_0000, 0xffff_ffff],
    ] as const) {
      addWithPayload(index, 0, encoder.encode(key), key.charCodeAt(0), [1, 2])
      addWithPayload(index, 0, encoder.encode(key), 1000 + key.charCodeAt(0), [high, low])
    }
    addWithPayload(index, 0, encoder.encode('d'), 100, [0x9000_0000, 0xffff_ffff])
    addWithPayload(index, 0, encoder.encode('d'), 1100, [0x9000_0000, -1])
    expect(await collect(index.differing(1000))).toEqual([
      {count: 2, offsets: [98, 1098]},
      {count: 2, offsets: [99, 1099]},
    ])
    index.close()
  })
})

describe('the life of a KeyIndex', () => {
  const options = {memoryBytes: 4096}

  it('is read again, and added to, after it was read', async () => {
    await fc.assert(
      fc.asyncProperty(added, fc.nat(), fc.constantFrom(4096, 1024 * 1024), async (all, cut, memoryBytes) => {
        const before = all.slice(0, cut % (all.length + 1))
        const after = all.slice(before.length)
        const index = new KeyIndex({memoryBytes})
        fill(index, before)
        expect(await collect(index.duplicates())).toEqual(duplicatesOf(before))
        expect(index.count).toBe(before.length)
        fill(index, after)
        expect(await collect(index.duplicates())).toEqual(duplicatesOf(all))
        index.clear()
        expect(index.count).toBe(0)
        fill(index, after)
        expect(await collect(index.duplicates())).toEqual(duplicatesOf(after))
        index.close()
      }),
      {numRuns: 40},
    )
  })

  it('can be left in the middle of reading', async () => {
    const all = manyKeys(3, 3000, 1000, 1, 10)
    const index = new KeyIndex(options)
    fill(index, all)
    for await (const group of index.duplicates()) {
      expect(group).toEqual(duplicatesOf(all)[0])
      break
    }
    expect(await collect(index.duplicates())).toEqual(duplicatesOf(all))
    index.close()
  })

  it('refuses keys while it is read and once it is closed', async () => {
    const index = new KeyIndex(options)
    fill(index, manyKeys(4, 3000, 1000, 1, 10))
    const groups = index.duplicates()
    await groups.next()
    const add = (): void => index.add(0, encoder.encode('a'), 0, 1, 1)
    expect(add).toThrow('the key index is being read')
    expect(() => index.clear()).toThrow('the key index is being read')
    await expect(index.duplicates().next()).rejects.toThrow('the key index is being read')
    index.close()
    await expect(groups.next()).rejects.toThrow('the key index is closed')
    expect(add).toThrow('the key index is closed')
    expect(() => index.clear()).toThrow('the key index is closed')
    await expect(index.duplicates().next()).rejects.toThrow('the key index is closed')
    index.close()
  })

  it('lets the event loop have its turn while it searches', async () => {
    const index = new KeyIndex({memoryBytes: 256 * 1024})
    const key = Buffer.alloc(8)
    for (let i = 0; i < 1_000_000; i++) {
      key.writeUInt32LE(i)
      index.add(0, key, 0, 8, i)
    }
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    expect(await collect(index.duplicates())).toEqual([])
    clearInterval(timer)
    expect(turns).toBeGreaterThan(0)
    index.close()
  })
})

describe('memory of a KeyIndex', () => {
  setFlagsFromString('--expose-gc')
  const gc: () => void = runInNewContext('gc')
  const held = (): number => {
    // The second waits for the first, which frees beside us.
    gc()
    gc()
    return process.memoryUsage().arrayBuffers
  }

  it.each([
    ['distinct', 0],
    ['paired', 0],
    ['same', 0],
    ['paired', 2],
    ['paired', 6],
  ])('stays within the budget: %s keys, %s words of payload', async (shape, payloadWords) => {
    const memoryBytes = 2 * 1024 * 1024
    const before = held()
    const index = new KeyIndex({memoryBytes, payloadWords})
    const key = Buffer.alloc(12)
    let peak = 0
    for (let i = 0; i < 400_000; i++) {
      key.writeUInt32LE(shape === 'same' ? 0 : shape === 'paired' ? i % 200_000 : i)
      if (payloadWords > 0) addWithPayload(index, 0, key, i, [i, i, i, i, i, i])
      else index.add(0, key, 0, 12, i)
      if (i % 40_000 === 0) peak = Math.max(peak, held() - before)
    }
    expect(index.spilledBytes).toBeGreaterThan(memoryBytes)
    let groups = 0
    for await (const _ of index.duplicates()) if (groups++ % 40_000 === 0) peak = Math.max(peak, held() - before)
    expect(groups).toBe(shape === 'same' ? 1 : shape === 'paired' ? 200_000 : 0)
    expect(peak).toBeGreaterThan(memoryBytes / 2)
    expect(peak).toBeLessThan(memoryBytes)
    index.close()
    expect(held() - before).toBeLessThan(100_000)
  })

  it('is little for a few keys, and is used again', () => {
    const before = held()
    const many = Array.from({length: 40}, () => new KeyIndex())
    expect((held() - before) / many.length).toBeLessThan(16 * 1024)
    const all = manyKeys(5, 20_000, 20_000, 1, 10)
    const index = new KeyIndex()
    fill(index, all)
    const full = held()
    for (let i = 0; i < 5; i++) {
      index.clear()
      fill(index, all)
      expect(held()).toBeLessThan(full + 1000)
    }
    index.close()
    for (const one of many) one.close()
  })
})
