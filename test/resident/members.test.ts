/** Sets, hashes and keys in memory against JavaScript's own, through growth, removal, resizing and moving. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import type {Int64} from '../../src/bytes/int64.js'
import {NEVER} from '../../src/keyspace/entry.js'
import {RecordPlace} from '../../src/resident/byte-table.js'
import {HashValue} from '../../src/resident/hash.js'
import {Keyspace} from '../../src/resident/keyspace.js'
import {SetValue} from '../../src/resident/set.js'

const name = fc.oneof(
  fc.integer({min: 0, max: 300}).map(n => `m${n}`),
  fc.integer({min: 0, max: 20}).map(n => 'long'.repeat(40 * n)),
  fc.constant(''),
)
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const text = (buffer: Uint8Array, start: number, end: number): string =>
  Buffer.from(buffer.subarray(start, end)).toString('latin1')

function inKeyspace<T extends SetValue | HashValue>(make: (keyspace: Keyspace) => T): {keyspace: Keyspace; value: T} {
  const keyspace = new Keyspace()
  const value = make(keyspace)
  keyspace.database(0).make(bytes('key'), 0, 3, value)
  return {keyspace, value}
}

describe('a set in memory', () => {
  const operation = fc.record({what: fc.constantFrom('add', 'add', 'add', 'remove', 'move'), name})

  it('holds what a Set holds, in the order of adding', () => {
    fc.assert(
      fc.property(fc.array(operation, {maxLength: 600}), operations => {
        const {keyspace, value} = inKeyspace(({arena}) => new SetValue(arena))
        const model = new Set<string>()
        for (const {what, name} of operations) {
          const member = bytes(name)
          if (what === 'move') keyspace.move()
          else if (what === 'add') {
            expect(value.add(member, 0, member.length)).toBe(!model.has(name))
            model.add(name)
          } else {
            expect(value.remove(member, 0, member.length)).toBe(model.delete(name))
          }
          expect(value.size).toBe(model.size)
        }
        const shown: string[] = []
        value.each((buffer, start, end) => shown.push(text(buffer, start, end)))
        expect(shown).toEqual([...model])
        const copy = value.copy()
        value.dispose()
        for (const member of model) expect(copy.has(bytes(member), 0, member.length)).toBe(true)
        expect(copy.size).toBe(model.size)
      }),
      {numRuns: 60},
    )
  })
})

describe('a hash in memory', () => {
  const operation = fc.record({
    what: fc.constantFrom('set', 'set', 'set', 'keep', 'expire', 'persist', 'remove', 'move'),
    name,
    value: fc.integer({min: 0, max: 400}).map(n => 'v'.repeat(n)),
  })

  it('holds what a Map holds, with expiries', () => {
    fc.assert(
      fc.property(fc.array(operation, {maxLength: 400}), operations => {
        const {keyspace, value: hash} = inKeyspace(({arena}) => new HashValue(arena))
        const model = new Map<string, {value: string; at: number}>()
        for (const [i, {what, name, value}] of operations.entries()) {
          const [field, content] = [bytes(name), bytes(value)]
          const there = model.get(name)
          if (what === 'move') keyspace.move()
          else if (what === 'set' || what === 'keep') {
            const kept = what === 'keep'
            expect(hash.set(field, 0, field.length, content, 0, content.length, kept)).toBe(there === undefined)
            model.set(name, {value, at: kept ? (there?.at ?? NEVER) : NEVER})
          } else if (what === 'remove') {
            expect(hash.remove(field, 0, field.length)).toBe(model.delete(name))
          } else {
            const at = what === 'expire' ? 1e12 + i : NEVER
            hash.expire(field, 0, field.length, at)
            if (there !== undefined) there.at = at
          }
        }
        const shown = new Map<string, {value: string; at: Int64}>()
        for (const one of [hash, hash.copy()]) {
          shown.clear()
          one.each(() => {
            const {at} = one
            const value = text(at.bytes, one.valueStart, at.payloadEnd)
            shown.set(text(at.bytes, at.start, at.end), {value, at: one.expiry()})
          })
          expect(shown).toEqual(model)
        }
      }),
      {numRuns: 60},
    )
  })
})

describe('keys in memory', () => {
  const operation = fc.record({
    what: fc.constantFrom('set', 'set', 'set', 'expire', 'remove', 'rename', 'move'),
    name,
    other: name,
    value: fc.integer({min: 0, max: 3000}),
  })

  it('are what a Map holds, with expiries', () => {
    fc.assert(
      fc.property(fc.array(operation, {maxLength: 600}), operations => {
        const keyspace = new Keyspace()
        const db = keyspace.database(0)
        const model = new Map<string, {value: string; at: number}>()
        for (const {what, name, other, value} of operations) {
          const [key, string] = [bytes(name), 'x'.repeat(value)]
          const entry = db.find(key, 0, key.length)
          expect(entry >= 0).toBe(model.has(name))
          if (what === 'move') keyspace.move()
          else if (what === 'set') {
            const set = db.setString(key, 0, key.length, bytes(string), 0, string.length)
            db.expire(set, NEVER)
            model.set(name, {value: string, at: NEVER})
          } else if (entry >= 0 && what === 'expire') {
            db.expire(entry, value)
            model.get(name)!.at = value
          } else if (entry >= 0 && what === 'remove') {
            db.remove(entry)
            model.delete(name)
          } else if (entry >= 0 && what === 'rename') {
            const to = bytes(other)
            db.attach(to, 0, to.length, db.detach(entry))
            const had = model.get(name)!
            model.delete(name)
            model.set(other, had)
          }
          expect(db.size).toBe(model.size)
        }
        const place = new RecordPlace()
        const held = new Map<string, {value: string; at: unknown}>()
        for (let entry = db.next(0); entry >= 0; entry = db.next(entry + 1)) {
          db.place(entry, place)
          const value = text(place.bytes, place.end, place.payloadEnd)
          held.set(text(place.bytes, place.start, place.end), {value, at: db.expireAtMs(entry)})
        }
        expect(held).toEqual(model)
        expect(db.expiring).toBe([...model.values()].filter(({at}) => at !== NEVER).length)
      }),
      {numRuns: 60},
    )
  })

  it('gives back what is freed: a data set that changes its sizes does not grow', () => {
    const keyspace = new Keyspace()
    const db = keyspace.database(0)
    for (let round = 0; round < 6; round++) {
      const string = Buffer.alloc(1000 + 3000 * round)
      for (let i = 0; i < 20_000; i++) {
        const key = bytes(`${round}:${i}`)
        db.setString(key, 0, key.length, string, 0, string.length)
        if (i % 1000 === 0) keyspace.tidy()
      }
      for (let i = 0; i < 20_000; i++) db.remove(db.find(bytes(`${round}:${i}`), 0, `${round}:${i}`.length))
    }
    keyspace.tidy()
    const held = keyspace.arena.chunks.reduce((sum, chunk) => sum + (chunk?.bytes.length ?? 0), 0)
    expect(held).toBeLessThan(400e6)
    expect(keyspace.arena.liveBytes).toBeLessThan(2e6)
  })
})
