/** Lists and sorted sets in memory against JavaScript's own, through growth, removal, many blocks and moving. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {Keyspace} from '../../src/resident/keyspace.js'
import {ListValue} from '../../src/resident/list.js'
import {SortedSetValue} from '../../src/resident/sorted-set.js'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const text = (buffer: Uint8Array, start: number, end: number): string =>
  Buffer.from(buffer.subarray(start, end)).toString('latin1')

/** A share of what there is. */
const at = fc.integer({min: 0, max: 1000}).map(n => n / 1000)

describe('a list in memory', () => {
  const element = fc.integer({min: 0, max: 5000}).map(n => `${n}${'x'.repeat(n > 4900 ? n : n % 9)}`)
  const operation = fc.record({
    what: fc.constantFrom('head', 'tail', 'heads', 'tails', 'set', 'insert', 'remove', 'dropHead', 'dropTail', 'move'),
    element,
    at,
  })

  function apply(list: ListValue, model: string[], what: string, one: string, at: number): void {
    const given = bytes(one)
    const index = Math.floor(at * model.length)
    const many = Math.floor(at * 400)
    if (what === 'head' || what === 'heads') {
      for (let i = 0; i < (what === 'head' ? 1 : many); i++) {
        list.pushHead(given, 0, given.length)
        model.unshift(one)
      }
    } else if (what === 'tail' || what === 'tails') {
      for (let i = 0; i < (what === 'tail' ? 1 : many); i++) {
        list.pushTail(given, 0, given.length)
        model.push(one)
      }
    } else if (what === 'dropHead' || what === 'dropTail') {
      if (what === 'dropHead') list.dropHead(many)
      else list.dropTail(many)
      model.splice(what === 'dropHead' ? 0 : Math.max(model.length - many, 0), many)
    } else if (what === 'insert') {
      list.insert(index, given, 0, given.length)
      model.splice(index, 0, one)
    } else if (index < model.length) {
      if (what === 'set') list.set(index, given, 0, given.length)
      else list.remove(index)
      model.splice(index, 1, ...(what === 'set' ? [one] : []))
    }
  }

  it('holds what an array holds', () => {
    fc.assert(
      fc.property(fc.array(operation, {maxLength: 120, size: 'max'}), operations => {
        const keyspace = new Keyspace()
        const list = new ListValue(keyspace.arena)
        keyspace.database(0).make(bytes('key'), 0, 3, list)
        const model: string[] = []
        for (const {what, element, at} of operations) {
          if (what === 'move') keyspace.move()
          else apply(list, model, what, element, at)
          expect(list.size).toBe(model.length)
          const index = Math.floor(at * model.length)
          expect(list.look(index)).toBe(index < model.length)
          if (index < model.length) expect(text(list.at.bytes, list.at.start, list.at.end)).toBe(model[index])
        }
        const copy = list.copy()
        for (const one of [list, copy]) {
          const shown: string[] = []
          one.each((buffer, start, end) => shown.push(text(buffer, start, end)))
          expect(shown).toEqual(model)
        }
        copy.dispose()
        list.dispose()
      }),
      {numRuns: 60},
    )
  })
})

describe('a sorted set in memory', () => {
  interface Scored {
    member: string
    score: number
  }
  const operation = fc.record({
    what: fc.constantFrom(
      'set',
      'set',
      'many',
      'many',
      'remove',
      'ranks',
      'ranks',
      'few',
      'score',
      'bytes',
      'range',
      'move',
    ),
    member: fc.integer({min: 0, max: 4000}).map(n => `m${n}`),
    score: fc.oneof(fc.integer({min: -5, max: 5}), fc.double({noNaN: true}), fc.constantFrom(Infinity, -Infinity)),
    at,
  })
  const compare = (one: Scored, other: Scored): number =>
    one.score === other.score
      ? Buffer.compare(bytes(one.member), bytes(other.member))
      : one.score < other.score
        ? -1
        : 1
  const sorted = (model: ReadonlyMap<string, number>): Scored[] =>
    [...model].map(([member, score]) => ({member, score})).sort(compare)

  /** Removes, as a command would, ranks of some width from a place on. */
  function removeRanks(set: SortedSetValue, model: Map<string, number>, at: number, most: number): void {
    const from = Math.floor(at * model.size)
    const to = Math.min(from + Math.floor(at * most), model.size - 1)
    for (const {member} of sorted(model).slice(from, to + 1)) model.delete(member)
    set.removeRanks(from, to)
  }

  function check(set: SortedSetValue, model: ReadonlyMap<string, number>, what: string, one: Scored): void {
    const {member, score} = one
    const members = sorted(model)
    if (what === 'score') {
      expect(set.rankOfScore(score, false)).toBe(members.filter(other => other.score < score).length)
      expect(set.rankOfScore(score, true)).toBe(members.filter(other => other.score <= score).length)
    } else if (what === 'range') {
      const [from, to] = [Math.floor(members.length / 3), Math.floor(members.length / 2) - 1]
      const found: Scored[] = []
      if (from <= to) {
        set.range(from, to, (buffer, start, end, score) => found.push({member: text(buffer, start, end), score}))
      }
      expect(found).toEqual(from <= to ? members.slice(from, to + 1) : [])
    } else if (what === 'bytes' && members.every(other => other.score === members[0]!.score)) {
      const less = members.filter(other => Buffer.compare(bytes(other.member), bytes(member)) < 0)
      expect(set.rankOfBytes(bytes(member), 0, member.length, false)).toBe(less.length)
    }
  }

  function change(set: SortedSetValue, model: Map<string, number>, what: string, one: Scored, at: number): void {
    const {member, score} = one
    const key = bytes(member)
    if (what === 'set') {
      expect(set.set(key, 0, key.length, score)).toBe(!model.has(member))
      model.set(member, score)
    } else if (what === 'many') {
      for (let i = 0; i < 700 * at; i++) {
        const other = `m${(i * 37 + score) % 4001}`
        const spread = ((i * 7919) % 101) - (i % 3)
        set.set(bytes(other), 0, other.length, spread)
        model.set(other, spread)
      }
    } else if (what === 'remove') {
      expect(set.remove(key, 0, key.length)).toBe(model.delete(member))
    } else if (what === 'ranks' || what === 'few') {
      removeRanks(set, model, at, what === 'few' ? 3 : 1500)
    }
  }

  it('holds what a Map holds, in order', () => {
    fc.assert(
      fc.property(fc.array(operation, {maxLength: 60, size: 'max'}), operations => {
        const keyspace = new Keyspace()
        const set = new SortedSetValue(keyspace.arena)
        keyspace.database(0).make(bytes('key'), 0, 3, set)
        const model = new Map<string, number>()
        for (const {what, member, score, at} of operations) {
          if (what === 'move') keyspace.move()
          const one = {member, score: score === 0 ? 0 : score}
          change(set, model, what, one, at)
          check(set, model, what, one)
          expect(set.size).toBe(model.size)
          expect(set.score(bytes(member), 0, member.length)).toBe(model.get(member))
        }
        for (const one of [set, set.copy()]) {
          const shown: Scored[] = []
          if (one.size > 0) {
            one.range(0, one.size - 1, (buffer, start, end, score) =>
              shown.push({member: text(buffer, start, end), score}),
            )
          }
          expect(shown).toEqual(sorted(model))
        }
      }),
      {numRuns: 80},
    )
  })
})
