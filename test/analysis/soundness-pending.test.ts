/** The pending entries of one group after another. */
import {describe, expect, it} from 'vitest'
import {PendingIds} from '../../src/analysis/soundness-pending.js'
import {StreamId} from '../../src/encoding/stream-id.js'

function idOf(ms: number): StreamId {
  const id = new StreamId()
  id.setMs(ms)
  return id
}

describe('pending IDs', () => {
  it('are judged group by group', () => {
    const pending = new PendingIds()
    for (const ms of [2, 1, 2]) pending.add(idOf(ms))
    expect(pending.sorted).toBe(false)
    expect(pending.complete()).toBe(1)
    pending.clear()
    for (const ms of [1, 2]) pending.add(idOf(ms))
    expect(pending.sorted).toBe(true)
    expect(pending.complete()).toBe(0)
  })

  it('have one owner each', () => {
    const pending = new PendingIds()
    for (const ms of [1, 2, 3]) pending.add(idOf(ms))
    pending.complete()
    expect(pending.own(idOf(2))).toBe('once')
    expect(pending.own(idOf(2))).toBe('again')
    expect(pending.own(idOf(4))).toBe('unknown')
    expect(pending.unowned()).toBe(2)
  })
})
