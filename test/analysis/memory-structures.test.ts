/** The arithmetic of structures: radix trees, tables that grow, what is packed when it is loaded, expiring fields. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {bucketedBytes, ExpiryWindows} from '../../src/analysis/memory/expiring-fields.js'
import {allocated, isPaged} from '../../src/analysis/memory/jemalloc.js'
import {layoutOf} from '../../src/analysis/memory/layout.js'
import {LoadedElements} from '../../src/analysis/memory/loaded.js'
import {MemoryModel} from '../../src/analysis/memory/model.js'
import {RadixTree} from '../../src/analysis/memory/radix-tree.js'
import {convertedTableBytes, expiringTableBytes, slotsOf} from '../../src/analysis/memory/tables.js'
import {ListpackBuilder} from '../../src/encoding/listpack.js'
import {StreamId} from '../../src/encoding/stream-id.js'
import type {ValueType} from '../../src/keyspace/entry.js'

const NEW_LARGE = 'jemalloc-5.3.1'

describe('jemalloc', () => {
  it('gives large allocations whole pages from 5.3.1 on', () => {
    const names = ['jemalloc-5.3.0', NEW_LARGE, 'jemalloc-5.4.0', 'jemalloc-6.0.0', 'libc', '']
    expect(names.map(isPaged)).toEqual([false, true, true, true, false, false])
    expect([16_384, 16_385, 134_641].map(bytes => allocated(bytes, true))).toEqual([16_384, 20_480, 135_168])
    expect(allocated(134_641)).toBe(163_840)
    expect(layoutOf('valkey-9.1').paged).toBe(false)
    expect(layoutOf('valkey-9.1', NEW_LARGE)).toMatchObject({paged: true, calibrated: true})
  })
})

/** A trie of one node a character, with nothing clever about it. */
class Trie {
  readonly children = new Map<number, Trie>()
  ends = false

  add(key: Uint8Array): void {
    let node: Trie = this
    for (const byte of key) {
      const next = node.children.get(byte) ?? new Trie()
      node.children.set(byte, next)
      node = next
    }
    node.ends = true
  }

  /** As rax.c has it: nodes with one child that no key ends between are one. */
  size(): {nodes: number; bytes: number} {
    let characters = this.children.size
    let below = [...this.children.values()]
    while (below.length === 1 && below[0]!.children.size === 1 && !below[0]!.ends) {
      characters++
      below = [...below[0]!.children.values()]
    }
    const pointers = below.length + (this.ends ? 1 : 0)
    const sum = {nodes: 1, bytes: allocated(Math.ceil((4 + characters) / 8) * 8 + 8 * pointers)}
    for (const child of below) {
      const {nodes, bytes} = child.size()
      sum.nodes += nodes
      sum.bytes += bytes
    }
    return sum
  }
}

describe('RadixTree', () => {
  const text = fc.uint8Array({minLength: 1, maxLength: 6, max: 3})

  it('has the nodes that the same keys make one by one', () => {
    fc.assert(
      fc.property(fc.array(text, {maxLength: 40}), keys => {
        const sorted = [...new Set(keys.map(key => Buffer.from(key).toString('hex')))].sort()
        const tree = new RadixTree()
        const trie = new Trie()
        for (const key of sorted) {
          const bytes = Buffer.from(`00${key}00`, 'hex')
          tree.add(bytes, 1, bytes.length - 1)
          trie.add(bytes.subarray(1, -1))
          expect(tree.size()).toEqual(trie.size())
        }
        expect(tree.keys).toBe(sorted.length)
        tree.clear()
        expect(tree.size()).toEqual({nodes: 1, bytes: 8})
      }),
      {numRuns: 300},
    )
  })

  it('takes IDs as the 16 bytes they are', () => {
    const part = fc.oneof(fc.nat({max: 300}), fc.nat(), fc.maxSafeNat())
    fc.assert(
      fc.property(fc.array(fc.tuple(part, part), {maxLength: 60}), parts => {
        const ids = parts.map(([ms, seq]) => {
          const bytes = Buffer.alloc(16)
          const id = StreamId.of(ms, seq)
          id.writeBE(bytes, 0)
          return {id, bytes}
        })
        ids.sort((a, b) => Buffer.compare(a.bytes, b.bytes))
        const tree = new RadixTree()
        const trie = new Trie()
        for (const [i, {id, bytes}] of ids.entries()) {
          if (i > 0 && ids[i - 1]!.bytes.equals(bytes)) continue
          tree.addId(id)
          trie.add(bytes)
        }
        expect(tree.size()).toEqual(trie.size())
      }),
    )
  })
})

describe('tables that were packed first', () => {
  const redis = layoutOf('redis-7.0')
  const slots = (count: number, packed: number): number => (convertedTableBytes(redis, count, packed) - redis.dict) / 8

  it.each([
    // Room for what is to come is room for all.
    [300, 0, 512],
    // It grows to that while it is still being emptied, and has long finished at the end.
    [512, 200, 512],
    // Room for what was packed, then for one more: the old slots are not empty yet.
    [300, 250, 512 + 256],
    [5, 4, 8 + 4],
  ])('%i fields, the first long one after %i: %i slots', (count, packed, expected) => {
    expect(slots(count, packed)).toBe(expected)
  })

  it('have room for all of it, and at most one more table', () => {
    const cases = fc.record({
      name: fc.constantFrom('redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-9.1'),
      count: fc.integer({min: 1, max: 512}),
      share: fc.double({min: 0, max: 1, noNaN: true}),
    })
    fc.assert(
      fc.property(cases, ({name, count, share}) => {
        const layout = layoutOf(name)
        const packed = Math.min(count - 1, Math.floor(share * count))
        const bytes = convertedTableBytes(layout, count, packed)
        expect(bytes).toBeGreaterThanOrEqual(8 * count)
        expect(bytes).toBeLessThanOrEqual(layout.dict + layout.hashtable + 2 * 1024 * 16)
      }),
    )
  })

  it('grow as fields come whose expiries are their own', () => {
    const {dict} = layoutOf('redis-8.0')
    const layout = layoutOf('redis-8.0')
    // 1024 slots become full at 1024 fields; 647 later the old ones are empty.
    expect(expiringTableBytes(layout, 1024, -1)).toBe(dict + 8 * 1024)
    expect(expiringTableBytes(layout, 1030, -1)).toBe(dict + 8 * (2048 + 1024))
    expect(expiringTableBytes(layout, 1800, -1)).toBe(dict + 8 * slotsOf(1800))
  })
})

describe('LoadedElements', () => {
  const bytesOf = (text: string): Uint8Array => Buffer.from(text)
  const loaded = (server: string, type: ValueType, elements: string[], count?: number): LoadedElements => {
    const all = new LoadedElements()
    all.begin(layoutOf(server), type, count)
    for (const element of elements) {
      const bytes = bytesOf(element)
      if (!all.packing) break
      if (type === 'set') all.member(bytes, 0, bytes.length)
      else if (type === 'zset') all.scored(bytes, 0, bytes.length, 0.1)
      else all.field(bytes, 0, bytes.length, bytes, 0, bytes.length, false)
    }
    return all
  }
  const numbers = (count: number): string[] => Array.from({length: count}, (_, i) => String(i))

  it('packs what is small, by the limits of each server', () => {
    const isPacked = (...args: Parameters<typeof loaded>): boolean => loaded(...args).packing
    expect(isPacked('redis-7.0', 'hash', numbers(512), 512)).toBe(true)
    expect(isPacked('redis-7.0', 'hash', numbers(513))).toBe(false)
    expect(isPacked('redis-7.0', 'hash', ['a', 'b'.repeat(65)])).toBe(false)
    expect(isPacked('redis-7.0', 'zset', numbers(128))).toBe(true)
    expect(isPacked('redis-7.0', 'zset', [], 129)).toBe(false)
    expect(isPacked('redis-7.0', 'set', numbers(512))).toBe(true)
    expect(isPacked('redis-7.0', 'set', ['1', 'x'])).toBe(false)
    expect(isPacked('valkey-8.0', 'set', ['1', 'x'])).toBe(true)
    expect(isPacked('valkey-8.0', 'set', [...numbers(128), 'x'])).toBe(false)
  })

  it('counts what had been packed before the first long field', () => {
    expect(loaded('redis-8.0', 'hash', ['a', 'b', 'c'.repeat(65), 'd']).packedBefore).toBe(2)
    expect(loaded('redis-8.0', 'hash', ['a']).packedBefore).toBe(-1)
    expect(loaded('redis-8.0', 'hash', [], 600).packedBefore).toBe(-1)
  })

  it.each([
    ['12', '32767', 8 + 2 * 2],
    ['12', '32768', 8 + 2 * 4],
    ['-2147483648', '1', 8 + 2 * 4],
    ['-2147483649', '1', 8 + 2 * 8],
  ])('an intset of %s and %s takes %i bytes', (a, b, bytes) => {
    expect(loaded('redis-6.0', 'set', [a, b]).packedBytes).toBe(bytes)
  })

  it('says how long the listpack is, to the byte', () => {
    const element = fc.oneof(fc.string({maxLength: 40}), fc.maxSafeInteger().map(String))
    fc.assert(
      fc.property(fc.array(element, {minLength: 1, maxLength: 50}), elements => {
        const builder = new ListpackBuilder()
        for (const text of elements) {
          const bytes = bytesOf(text)
          builder.append(bytes, 0, bytes.length)
          builder.append(bytes, 0, bytes.length)
        }
        fc.pre(elements.every(text => bytesOf(text).length <= 64))
        expect(loaded('redis-7.0', 'hash', elements).packedBytes).toBe(builder.blobBytes)
      }),
    )
  })
})

describe('expiring fields', () => {
  const layout = layoutOf('valkey-9.1')
  const windowsOf = (expiries: number[]): number => {
    const windows = new ExpiryWindows()
    for (const expiry of expiries) windows.add(expiry)
    return windows.bytes(layout)
  }
  const times = (count: number, step: number): number[] =>
    Array.from({length: count}, (_, i) => 1_900_000_000_000 + i * step)

  it('valkey has them in a vector up to 127', () => {
    expect([0, 1, 2, 127].map(count => windowsOf(times(count, 1)))).toEqual([0, 0, 32, allocated(8 + 127 * 8)])
  })

  it('valkey has a tree of windows beyond: vectors, a table where all expire at once, nothing where each has its own', () => {
    const [near, same, far] = [1, 0, 10_000].map(step => windowsOf(times(2000, step)))
    expect(near! / 2000).toBeGreaterThan(8)
    expect(near! / 2000).toBeLessThan(11)
    expect(same!).toBeGreaterThan(2000 * 8)
    expect(far! / 2000).toBeGreaterThan(24)
    expect(far! / 2000).toBeLessThan(60)
    // In any order.
    expect(windowsOf(times(2000, 1).reverse())).toBe(near)
  })

  it('redis has a list up to 16, and MEMORY USAGE counts none of it', () => {
    expect([0, 16].map(bucketedBytes)).toEqual([0, 0])
    expect(bucketedBytes(1000)).toBeGreaterThan(2000)
    const [counted, real] = (['usage', 'allocated'] as const).map(measure => {
      const model = new MemoryModel(layoutOf('redis-8.0'), measure)
      return model.hash(1000, 0, 1000) - model.hash(1000, 0, 1)
    })
    expect(counted).toBe(0)
    expect(real).toBeGreaterThan(2000)
  })
})

describe('the overhead of a database', () => {
  it('is what MEMORY STATS says', () => {
    // By each server: two keys, one of which expires; then none.
    const told = (server: string, expiring: number): number[] => {
      const {main, expires} = new MemoryModel(layoutOf(server)).overhead(2, expiring)
      return [main, expires]
    }
    expect(told('redis-6.0', 1)).toEqual([112, 56])
    expect(told('redis-7.0', 0)).toEqual([112, 0])
    expect([told('redis-8.0', 1), told('redis-8.0', 0)]).toEqual([
      [2808, 352],
      [2808, 232],
    ])
    expect([told('valkey-8.0', 1), told('valkey-8.0', 0)]).toEqual([
      [288, 232],
      [288, 104],
    ])
    expect([told('valkey-8.1', 1), told('valkey-8.1', 0)]).toEqual([
      [280, 248],
      [280, 96],
    ])
    expect([told('valkey-9.1', 1), told('valkey-9.1', 0)]).toEqual([
      [304, 272],
      [304, 112],
    ])
  })
})
