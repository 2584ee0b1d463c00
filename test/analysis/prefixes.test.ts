import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {type PrefixCount, type PrefixOptions, PrefixTree} from '../../src/analysis/prefixes.js'
import {UsageError} from '../../src/errors.js'

/** Distinct keys of the flood: RDBTOOL_FLOOD_KEYS=100000000 is the whole of it. */
const FLOOD_KEYS = Number(process.env['RDBTOOL_FLOOD_KEYS'] ?? 2_000_000)
/** After its first quarter memory is flat, but for what the collector leaves. */
const GROWTH_BYTES_MAX = 40 * 1024 * 1024

interface Row {
  key: Buffer
  expiring: boolean
  rdbBytes: number
  memoryBytes: number
}

const row = (key: string | Buffer): Row => ({key: Buffer.from(key), expiring: false, rdbBytes: 1, memoryBytes: 1})

function treeOf(rows: readonly Row[], options: Partial<PrefixOptions> = {}): PrefixTree {
  const tree = new PrefixTree(options)
  for (const {key, expiring, rdbBytes, memoryBytes} of rows) {
    // Keys are lent from the middle of a window.
    const window = Buffer.concat([Buffer.from('user:'), key, Buffer.from(':x')])
    tree.add(window, 5, 5 + key.length, expiring, rdbBytes, memoryBytes)
  }
  return tree
}

const spell = (parts: PrefixCount['parts']): string =>
  parts.map(part => (part === undefined ? '*' : `'${Buffer.from(part).toString('latin1')}'`)).join(' ')

/** All that a tree tells, as lines in a fixed order. */
function told(tree: PrefixTree): string[] {
  const line = ({parts, keys, expiring, rdbBytes, memoryBytes}: PrefixCount): string =>
    `${spell(parts)}: ${keys} ${expiring} ${rdbBytes} ${memoryBytes}`
  return [line(tree.total()), ...[...tree.prefixes()].map(line).sort()]
}

/** The rule, from its words: what a set of keys with `parts` left to look at is told as. */
class Rule {
  readonly lines: string[] = []
  fanout: number

  constructor(
    rows: readonly Row[],
    readonly separator: string,
    readonly depth: number,
    readonly firstFanout: number,
    readonly depthPrefixesMax: number,
  ) {
    const keys = rows.map(one => {
      const text = one.key.toString('latin1').split(separator)
      const long = text.findIndex(part => part.length > 256)
      return {...one, parts: text.slice(0, Math.min(long < 0 ? text.length - 1 : long, text.length - 1, depth))}
    })
    const most = depthPrefixesMax * (depth - 1)
    this.fanout = firstFanout
    const tightest = (): boolean => this.fanout < 1 || firstFanout * this.firstWeightMax() <= most
    const folds = this.children(keys, 0).size > firstFanout
    const weight = (): number =>
      [...this.children(keys, 0).values()]
        .map(below => Math.min(this.weight(below, 1), this.firstWeightMax()))
        .reduce((sum, one) => sum + one, 0)
    while (!tightest() && (folds || weight() > most)) this.fanout /= 2
    this.tell(keys, 0, [])
  }

  belowMax = (at: number): number => (at < this.depth - 1 ? this.fanout * 4 ** (this.depth - 1 - at) : 0)

  firstWeightMax(): number {
    const most = this.fanout + this.belowMax(1) + 1
    return this.depth < 3 ? most : Math.ceil(most / (this.depth - 1))
  }

  children(keys: readonly Keyed[], at: number): Map<string, Keyed[]> {
    const groups = new Map<string, Keyed[]>()
    for (const key of keys) {
      const part = key.parts[at]
      if (part !== undefined) groups.set(part, [...(groups.get(part) ?? []), key])
    }
    return groups
  }

  below = (keys: readonly Keyed[], at: number): number =>
    [...this.children(keys, at).values()].reduce((sum, child) => sum + this.weight(child, at + 1), 0)

  state(keys: readonly Keyed[], at: number): 'split' | 'shared' | 'folded' {
    if (this.children(keys, at).size > (at === 0 ? this.firstFanout : this.fanout)) return 'folded'
    return at > 0 && this.below(keys, at) > this.belowMax(at) ? 'shared' : 'split'
  }

  weight(keys: readonly Keyed[], at: number): number {
    if (this.state(keys, at) !== 'split') return this.fanout + this.belowMax(at) + 1
    return this.children(keys, at).size + this.below(keys, at)
  }

  tell(keys: readonly Keyed[], at: number, above: string[]): void {
    const sum = (what: (key: Row) => number): number => keys.reduce((total, key) => total + what(key), 0)
    const counts = [
      sum(() => 1),
      sum(key => Number(key.expiring)),
      sum(key => key.rdbBytes),
      sum(key => key.memoryBytes),
    ]
    this.lines.push(`${above.join(' ')}: ${counts.join(' ')}`)
    const state = this.state(keys, at)
    const deeper = keys.filter(key => key.parts.length > at)
    if (deeper.length === 0) return
    if (state === 'folded') {
      this.tell(deeper, at + 1, [...above, '*'])
      return
    }
    for (const [part, child] of this.children(keys, at)) {
      const before = this.lines.length
      this.tell(child, at + 1, [...above, `'${part}'`])
      // Shared: the child is told, what lies below it is not.
      if (state === 'shared') this.lines.length = before + 1
    }
    if (state !== 'shared') return
    const before = this.lines.length
    this.tell(deeper, at + 1, [...above, '*'])
    this.lines.splice(before, 1)
  }

  told(): string[] {
    return [this.lines[0]!, ...this.lines.slice(1).sort()]
  }
}

type Keyed = Row & {parts: string[]}

const odd = fc.oneof(
  {weight: 9, arbitrary: fc.constantFrom('', 'a', 'b', 'c', '*', '\xff')},
  {weight: 9, arbitrary: fc.nat({max: 12}).map(String)},
  {weight: 1, arbitrary: fc.constantFrom('x'.repeat(256), 'x'.repeat(257))},
)
const rowOf = fc.record({
  key: fc.array(odd, {maxLength: 6}).map(parts => Buffer.from(parts.join(':'), 'latin1')),
  expiring: fc.boolean(),
  rdbBytes: fc.nat({max: 1000}),
  memoryBytes: fc.nat({max: 1000}),
})
/** Many keys with so and so many different parts in each place: enough to fold, to share and to tighten. */
const flood = fc
  .record({
    widths: fc.array(fc.integer({min: 1, max: 14}), {minLength: 2, maxLength: 6}),
    count: fc.integer({min: 10, max: 600}),
    seed: fc.integer(),
  })
  .map(({widths, count, seed}) => {
    let state = seed
    const below = (end: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0
      return ((state >>> 8) * end) >>> 24
    }
    return Array.from({length: count}, () => {
      const key = Buffer.from(widths.map(width => below(width)).join(':'))
      return {key, expiring: below(2) === 0, rdbBytes: below(100), memoryBytes: below(100)}
    })
  })
const smallOptions = fc.record({
  depth: fc.constantFrom(1, 2, 3, 3, 3, 4, 4, 5),
  fanout: fc.integer({min: 1, max: 9}),
  depthPrefixesMax: fc.oneof(fc.integer({min: 1, max: 60}), fc.constant(100_000), fc.constant(100_000)),
})

describe('PrefixTree', () => {
  it('counts a key for each of its prefixes', () => {
    const rows = [row('user:1:name'), row('user:1:mail'), row('user:2'), row('plain'), row(':odd'), row('a::b')]
    const tree = treeOf(rows)
    expect(told(tree)).toEqual([
      ': 6 0 6 6',
      "'': 1 0 1 1",
      "'a' '': 1 0 1 1",
      "'a': 1 0 1 1",
      "'user' '1': 2 0 2 2",
      "'user': 3 0 3 3",
    ])
  })

  it('tells what the rule tells, whatever the order and the split', () => {
    const cases = fc.oneof(fc.array(rowOf, {maxLength: 100}), flood, flood).chain(rows =>
      fc.record({
        rows: fc.constant(rows),
        shuffled: fc.shuffledSubarray(rows, {minLength: rows.length}),
        cuts: fc.array(fc.nat({max: rows.length}), {maxLength: 3}),
        options: smallOptions,
      }),
    )
    fc.assert(
      fc.property(cases, ({rows, shuffled, cuts, options}) => {
        const wanted = new Rule(rows, ':', options.depth, options.fanout, options.depthPrefixesMax).told()
        expect(told(treeOf(rows, options))).toEqual(wanted)
        expect(told(treeOf(shuffled, options))).toEqual(wanted)
        const merged = new PrefixTree(options)
        const ends = [...cuts.toSorted((a, b) => a - b), rows.length]
        let start = 0
        for (const end of ends) {
          // As it arrives from another thread.
          merged.merge(structuredClone(treeOf(shuffled.slice(start, end), options)))
          start = end
        }
        expect(told(merged)).toEqual(wanted)
      }),
      {numRuns: 1000},
    )
  })

  it('goes on exactly after it has been merged', () => {
    fc.assert(
      fc.property(fc.array(rowOf, {maxLength: 60}), fc.array(rowOf, {maxLength: 60}), smallOptions, (a, b, options) => {
        const [first, second] = [treeOf(a, options), treeOf(b, options)]
        first.merge(second)
        for (const one of a) first.add(one.key, 0, one.key.length, one.expiring, one.rdbBytes, one.memoryBytes)
        expect(told(first)).toEqual(told(treeOf([...a, ...b, ...a], options)))
      }),
    )
  })

  it('folds a prefix with too many children, and what lies below them', () => {
    const rows = Array.from({length: 1001}, (_, id) => [row(`user:${id}:name:x`), row(`user:${id}`)]).flat()
    expect([...treeOf(rows.slice(0, 2000)).prefixes()]).toHaveLength(2001)
    const tree = treeOf(rows)
    const prefixes = tree.top(10, 'keys')
    expect(prefixes.map(({prefix, keys}) => [Buffer.from(prefix).toString(), keys])).toEqual([
      ['user:', 2002],
      ['user:*', 1001],
      ['user:*:name:', 1001],
    ])
  })

  it('tightens the fanout where too much is told apart', () => {
    const rows = Array.from({length: 300}, (_, family) =>
      Array.from({length: 20}, (_, id) => row(`family${family}:${id}:x:`)),
    ).flat()
    const tree = treeOf(rows, {depth: 2, fanout: 400, depthPrefixesMax: 1000})
    expect(tree.fanout).toBeLessThan(20)
    expect(tree.top(1000, 'keys', 1)).toHaveLength(300)
    expect(tree.top(1000, 'keys', 2).every(({parts}) => parts[1] === undefined)).toBe(true)
  })

  it('sorts by any measure, ties by bytes', () => {
    const rows: Row[] = [
      {...row('b:1'), expiring: true, rdbBytes: 5},
      {...row('a:1'), rdbBytes: 5, memoryBytes: 9},
      {...row('c:1'), expiring: true, memoryBytes: 9},
      row('c:2'),
    ]
    const order = (by: Parameters<PrefixTree['top']>[1], size = 9): string =>
      treeOf(rows)
        .top(size, by)
        .map(({prefix}) => Buffer.from(prefix).toString())
        .join('')
    expect(order('keys')).toBe('c:a:b:')
    expect(order('expiring')).toBe('b:c:a:')
    expect(order('persistent')).toBe('a:c:b:')
    expect(order('rdbBytes')).toBe('a:b:c:')
    expect(order('memoryBytes')).toBe('c:a:b:')
    expect(order('rdbBytes', 2)).toBe('a:b:')
    expect(order('rdbBytes', 0)).toBe('')
  })

  it('takes separators of several bytes, and keys of any bytes', () => {
    const any = fc.array(fc.uint8Array({maxLength: 12}), {maxLength: 40})
    fc.assert(
      fc.property(any, fc.uint8Array({minLength: 1, maxLength: 3}), (keys, separator) => {
        const rows = keys.map(key => row(Buffer.from(key)))
        const wanted = new Rule(rows, Buffer.from(separator).toString('latin1'), 3, 1000, 100_000).told()
        expect(told(treeOf(rows, {separator}))).toEqual(wanted)
      }),
    )
    const keys = ['a::b::c', 'a:b', 'a:::b', 'a::']
    expect(told(treeOf(keys.map(row), {separator: Buffer.from('::')}))).toEqual([
      ': 4 0 4 4',
      "'a' 'b': 1 0 1 1",
      "'a': 3 0 3 3",
    ])
  })

  it('refuses options that make no sense', () => {
    expect(() => new PrefixTree({separator: new Uint8Array(0)})).toThrow(UsageError)
    expect(() => new PrefixTree({depth: 0})).toThrow(UsageError)
    expect(() => new PrefixTree({depth: 17})).toThrow(UsageError)
    expect(() => new PrefixTree({fanout: 0})).toThrow(UsageError)
    expect(() => new PrefixTree({depth: 2}).merge(new PrefixTree({depth: 3}))).toThrow()
  })

  it('stays small under a flood of different prefixes', () => {
    const tree = new PrefixTree()
    const key = Buffer.from('tenant:0000000:session:0000000:x')
    const write = (at: number, value: number): void => {
      for (let i = 6, rest = value; i >= 0; i--, rest = Math.floor(rest / 10)) key[at + i] = 48 + (rest % 10)
    }
    let early = 0
    for (let i = 0; i < FLOOD_KEYS; i++) {
      if (i === FLOOD_KEYS / 4) early = process.memoryUsage.rss()
      key[0] = 97 + (i % 26)
      key[1] = 97 + ((i * 7) % 25)
      write(7, (i * 31) % 1_000_003)
      write(23, i)
      tree.add(key, 0, key.length, false, 1, 1)
    }
    expect(process.memoryUsage.rss() - early).toBeLessThan(GROWTH_BYTES_MAX)
    expect(tree.total().keys).toBe(FLOOD_KEYS)
    expect(tree.folding.nodes.used).toBeLessThan(1_000_000)
    expect(tree.top(1000, 'keys', 1).reduce((sum, {keys}) => sum + keys, 0)).toBe(FLOOD_KEYS)
  }, 600_000)
})
