/** Where a payload ends, wherever the pieces are cut. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {payloadFraming} from '../../src/replication/payload.js'
import type {PayloadHeader} from '../../src/replication/replies.js'
import {MARK} from './scripted-master.js'

const MARKED: PayloadHeader = {transfer: 'diskless', mark: Buffer.from(MARK)}

/** What a framing passes on of pieces, and where in all of them it saw the end. */
function framed(header: PayloadHeader, pieces: readonly Uint8Array[]): {payload: string; end: number} {
  const framing = payloadFraming(header)
  const passed: Buffer[] = []
  let before = 0
  for (const piece of pieces) {
    const end = framing.push(piece, 0, piece.length, (bytes, start, end) => {
      passed.push(Buffer.from(bytes.slice(start, end)))
    })
    if (end >= 0) return {payload: Buffer.concat(passed).toString('latin1'), end: before + end}
    before += piece.length
  }
  return {payload: Buffer.concat(passed).toString('latin1'), end: -1}
}

function cutAt(bytes: Uint8Array, ...cuts: number[]): Uint8Array[] {
  const ends = [...cuts, bytes.length]
  return ends.map((end, at) => bytes.subarray(at === 0 ? 0 : ends[at - 1], end))
}

describe('a payload with a mark behind it', () => {
  const payload = `REDIS0011${'x'.repeat(60)}${MARK.slice(0, 39)}${MARK.slice(0, 20)}y`
  const wire = Buffer.from(`${payload}${MARK}\n*1\r\n$4\r\nPING\r\n`, 'latin1')
  const found = {payload, end: payload.length + MARK.length}

  it('ends at its mark, cut anywhere into two pieces', () => {
    for (let cut = 0; cut <= wire.length; cut++) expect(framed(MARKED, cutAt(wire, cut))).toEqual(found)
  })

  it('ends at its mark, byte by byte', () => {
    const pieces = Array.from(wire, byte => Uint8Array.of(byte))
    expect(framed(MARKED, pieces)).toEqual(found)
  })

  it('ends at its mark, cut anywhere into three pieces around it', () => {
    for (let first = payload.length - 45; first < found.end + 3; first++) {
      for (let second = first; second < found.end + 3; second++) {
        expect(framed(MARKED, cutAt(wire, first, second))).toEqual(found)
      }
    }
  })

  it('holds back at most 39 bytes of what has not ended yet', () => {
    const {payload: passed, end} = framed(MARKED, [Buffer.alloc(1000, 'a'), Buffer.alloc(10, 'b')])
    expect({bytes: passed.length, end}).toEqual({bytes: 1010 - 39, end: -1})
  })

  it('may be empty', () => {
    expect(framed(MARKED, [Buffer.from(MARK)])).toEqual({payload: '', end: 40})
  })

  it('in any pieces, of any content', () => {
    const content = fc.array(fc.constantFrom(MARK, MARK.slice(0, 7), MARK.slice(3), 'f0', 'x', 'f'), {maxLength: 12})
    const sizes = fc.array(fc.integer({min: 1, max: 50}), {minLength: 1, maxLength: 30})
    fc.assert(
      fc.property(content, sizes, (parts, lengths) => {
        const text = parts.join('') + MARK
        const expected = text.indexOf(MARK)
        const pieces: Uint8Array[] = []
        for (let at = 0, turn = 0; at < text.length; turn++) {
          const next = at + lengths[turn % lengths.length]!
          pieces.push(Buffer.from(text.slice(at, next)))
          at = next
        }
        expect(framed(MARKED, pieces)).toEqual({payload: text.slice(0, expected), end: expected + MARK.length})
      }),
      {numRuns: 2000},
    )
  })
})

describe('a payload of a known length', () => {
  it('ends after so many bytes, cut anywhere', () => {
    const wire = Buffer.from('0123456789rest')
    for (let cut = 0; cut <= wire.length; cut++) {
      expect(framed({transfer: 'disk', bytes: 10}, cutAt(wire, cut))).toEqual({payload: '0123456789', end: 10})
    }
  })

  it('does not end before them', () => {
    expect(framed({transfer: 'disk', bytes: 10}, [Buffer.from('012345678')]).end).toBe(-1)
  })
})
