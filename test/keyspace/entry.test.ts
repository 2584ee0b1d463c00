/** What the visitor keeps of a key, and what it does not. */
import {describe, expect, it} from 'vitest'
import {Entry, NEVER, SKIP, ValueVisitor} from '../../src/index.js'

describe('Entry', () => {
  it('forgets the attributes of a key, and nothing else', () => {
    const entry = new Entry()
    const fresh = {...entry}
    Object.assign(entry, {
      expireAtMs: 5,
      idleSeconds: 5,
      frequency: 5,
      keyMeta: new Uint8Array(1),
      dragonflyMask: 1,
      db: 7,
    })
    entry.clearAttributes()
    expect({...entry, db: 0}).toEqual(fresh)
    expect(entry.db).toBe(7)
    expect(entry.expireAtMs).toBe(NEVER)
  })

  it('gives a copy of its key', () => {
    const entry = new Entry()
    const window = new Uint8Array([1, 2, 3, 4])
    entry.keyBytes.lend(window, 1, 3)
    const key = entry.key()
    window.fill(0)
    expect(Array.from(key)).toEqual([2, 3])
  })

  it('knows the size of its record', () => {
    const entry = new Entry()
    entry.offset = 100
    entry.endOffset = 150
    expect(entry.recordBytes).toBe(50)
  })
})

describe('ValueVisitor', () => {
  it('may leave out whatever it does not care for', () => {
    const visitor = new (class extends ValueVisitor {
      override readonly depth = 'elements'
    })()
    const entry = new Entry()
    visitor.begin(entry, 1)
    visitor.chunk(new Uint8Array(1), 0, 1, true)
    visitor.end(entry)
    expect(visitor.drain()).toBeUndefined()
    expect(SKIP.depth).toBe('skip')
  })
})
