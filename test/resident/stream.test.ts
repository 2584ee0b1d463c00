/** Streams in memory: entries against an array, through growth, removal and moving; and what snapshots have of them. */
import {readdirSync, readFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {StreamId} from '../../src/encoding/stream-id.js'
import type {Problem} from '../../src/keyspace/visitor.js'
import {RdbReader} from '../../src/rdb/reader.js'
import {Keyspace} from '../../src/resident/keyspace.js'
import {LoadingVisitor} from '../../src/resident/loading.js'
import {StreamValue} from '../../src/resident/stream.js'
import {eachString, type StreamEntries, stringsOf} from '../../src/resident/stream-entries.js'
import {contentOf, contentOfSnapshot} from '../replay/replaying.js'

const FIXTURES = ['rdb', 'rdb-built'].flatMap(folder => {
  const path = fileURLToPath(new URL(`../../fixtures/${folder}/`, import.meta.url))
  return readdirSync(path).flatMap(name => (/^stream-.*\.rdb$/.test(name) ? [{name, path: path + name}] : []))
})

async function loaded(path: string, onProblem?: (problem: Problem) => void): Promise<Keyspace> {
  const keyspace = new Keyspace()
  const reader = await RdbReader.open(new Uint8Array(readFileSync(path)))
  await reader.run(new LoadingVisitor(keyspace, {header: () => reader.header!, onProblem}))
  return keyspace
}

describe('streams of snapshots', () => {
  it('are there', () => expect(FIXTURES.length).toBeGreaterThan(30))

  // The oldest form leaves much unsaid: what servers make of it, their tests show.
  it.each(FIXTURES.filter(({name}) => !/-v9\.rdb$|two-consumers/.test(name)))(
    '$name is shown as it was read',
    async ({path}) => {
      const keyspace = await loaded(path)
      const content = await contentOfSnapshot(path)
      expect(Object.keys(content).length).toBeGreaterThan(0)
      expect(await contentOf(keyspace)).toEqual(content)
      keyspace.move()
      expect(await contentOf(keyspace)).toEqual(content)
    },
  )

  it.each(FIXTURES.filter(({name}) => /two-consumers/.test(name)))(
    '$name is told of, and the last one has it',
    async ({path}) => {
      const problems: Problem[] = []
      const content = Object.values(await contentOf(await loaded(path, one => problems.push(one))))
      expect(problems).toMatchObject([{code: 'PENDING_TWICE', severity: 'error', db: 0, type: 'stream'}])
      expect(content[0]).toMatch(/consumer first \S+ \S+ 0,consumer second \S+ \S+ 1,1-0$/)
    },
  )

  it.each(FIXTURES)('copies of $name are the same, and stay when the first is gone', async ({path}) => {
    const keyspace = await loaded(path)
    const [db, other] = [keyspace.database(0), keyspace.database(1)]
    const before = await contentOf(keyspace)
    for (let entry = db.next(0), i = 0; entry >= 0; entry = db.next(entry + 1), i++) {
      const value = db.value(entry)
      if (!(value instanceof StreamValue)) continue
      const key = Buffer.from(`${i}`)
      other.make(key, 0, key.length, value.copy())
    }
    keyspace.flush(0)
    keyspace.move()
    const streams = (content: Record<string, string>, db: string): string[] =>
      Object.keys(content)
        .filter(key => key.startsWith(db) && content[key]!.startsWith('stream'))
        .map(key => content[key]!)
        .sort()
    const after = await contentOf(keyspace)
    expect(streams(after, '1:')).toEqual(streams(before, '0:'))
    expect(streams(after, '1:').length).toBeGreaterThan(0)
  })
})

describe('entries in memory', () => {
  interface Model {
    id: number
    strings: string[]
  }

  const operation = fc.record({
    what: fc.constantFrom('add', 'add', 'many', 'remove', 'few', 'drop', 'dropNodes', 'move'),
    at: fc.integer({min: 0, max: 1000}).map(n => n / 1000),
    sizes: fc.array(fc.oneof(fc.nat(10), fc.nat(300), fc.constant(5000)), {minLength: 2, maxLength: 6}),
  })

  const ID = new StreamId()
  const idOf = (n: number): StreamId => {
    ID.setMs(Math.floor(n / 3))
    ID.setSeq(n % 3)
    return ID
  }

  function add(entries: StreamEntries, model: Model[], id: number, sizes: readonly number[]): void {
    const strings = sizes.map((size, i) => String.fromCharCode(97 + i).repeat(size))
    const bounds = new Int32Array(2 * strings.length + 2)
    let end = 1
    for (const [i, one] of strings.entries()) {
      bounds[2 * i + 2] = end
      end += one.length
      bounds[2 * i + 3] = end
    }
    const bytes = Buffer.from(` ${strings.join('')}`)
    entries.append(idOf(id), {bytes, bounds, first: 1, end: strings.length + 1})
    model.push({id, strings})
  }

  function shown(entries: StreamEntries, from?: StreamId): string[] {
    const found: string[] = []
    entries.each(from, entry => {
      const strings: string[] = []
      eachString(entry, (start, end) => strings.push(Buffer.from(entry.bytes.subarray(start, end)).toString()))
      expect(stringsOf(entry)).toBe(strings.length)
      found.push([String(entry.id), ...strings].join())
    })
    return found
  }

  const expected = (model: readonly Model[]): string[] =>
    model.map(({id, strings}) => [String(idOf(id)), ...strings].join())

  function apply(entries: StreamEntries, model: Model[], what: string, at: number, sizes: readonly number[]): void {
    const next = (model.at(-1)?.id ?? 0) + 1 + Math.floor(at * 5)
    const index = Math.floor(at * model.length)
    if (what === 'add') add(entries, model, next, sizes)
    else if (what === 'many') for (let i = 0; i < 150; i++) add(entries, model, next + i, [i % 9, i % 40])
    else if (what === 'drop') {
      entries.dropFirst(index)
      model.splice(0, index)
    } else if (what === 'dropNodes') {
      const before = entries.size
      entries.dropFirst(index, true)
      expect(before - entries.size).toBeLessThanOrEqual(index)
      model.splice(0, before - entries.size)
    } else {
      for (let i = 0; i < (what === 'few' ? 30 : 1); i++) {
        const place = Math.floor(at * model.length)
        const found = model.splice(place, 1)[0]
        if (found !== undefined) expect(entries.remove(idOf(found.id))).toBe(true)
        // It is gone, or there was no such entry.
        expect(entries.remove(idOf(found?.id ?? 0))).toBe(false)
      }
    }
  }

  it('are what an array holds', () => {
    fc.assert(
      fc.property(fc.array(operation, {maxLength: 60, size: 'max'}), operations => {
        const keyspace = new Keyspace()
        const stream = new StreamValue(keyspace.arena)
        keyspace.database(0).make(Buffer.from('key'), 0, 3, stream)
        const {entries} = stream
        const model: Model[] = []
        for (const {what, at, sizes} of operations) {
          if (what === 'move') keyspace.move()
          else apply(entries, model, what, at, sizes)
          expect(entries.size).toBe(model.length)
          const one = model[Math.floor(at * model.length)]
          if (one === undefined) continue
          expect(entries.find(idOf(one.id))).toBe(true)
          expect(entries.before(idOf(one.id))).toBe(model.indexOf(one))
          expect(entries.find(idOf(model.at(-1)!.id + 1))).toBe(false)
          expect(entries.first() && String(entries.at.id)).toBe(String(idOf(model[0]!.id)))
          expect(entries.last() && String(entries.at.id)).toBe(String(idOf(model.at(-1)!.id)))
          expect(shown(entries, idOf(one.id).copy())).toEqual(expected(model.slice(model.indexOf(one))))
        }
        const copy = stream.copy()
        keyspace.flush(0)
        expect(shown(copy.entries)).toEqual(expected(model))
        copy.dispose()
        expect(keyspace.arena.liveBytes).toBe(0)
      }),
      {numRuns: 60},
    )
  })
})
