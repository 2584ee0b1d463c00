/**
 * Records that are read whole, however many parts they have: what has been
 * passed is not passed again at every window, or a small file would keep us
 * busy for hours; and what is held has a bound.
 */
import {describe, expect, it} from 'vitest'
import {type Entry, type EntryVisitor, LimitError, RdbReader, SKIP} from '../../src/index.js'
import {hex, le, len, str} from '../fixtures/builder.js'
import {every, streamOf} from '../reading/pieces.js'
import {fileOf} from '../reading/samples.js'

const ITEMS = 2_000_000
/** Module items of two bytes: a signed 1. */
const MANY_ITEMS = Buffer.alloc(2 * ITEMS, 1)
const MODULE_AUX = hex(0xf7, Buffer.from([0x81, 0, 0, 0, 0, 0, 0, 0, 1]), len(2), len(2))
const KEY = hex(0, str('k'), str('v'))
const PIECE_BYTES = 4096

async function read(file: Uint8Array, visitor: EntryVisitor): Promise<void> {
  await new RdbReader(streamOf(file, every(PIECE_BYTES, file.length))).run(visitor)
}

describe('a record of millions of parts, in small pieces', () => {
  it('of module data is shown once, whole', async () => {
    const shown: number[] = []
    const file = fileOf(11, [hex(MODULE_AUX, MANY_ITEMS, 0), KEY])
    await read(file, {entry: () => SKIP, moduleAux: ({payload}) => void shown.push(payload.length)})
    expect(shown).toEqual([MANY_ITEMS.length + 1])
  })

  it('of key metadata is kept as it is stored', async () => {
    const meta = hex(len(2), le(4, 7), MANY_ITEMS, 0, le(4, 9), MANY_ITEMS, 0)
    const kept: number[] = []
    const entry = (one: Entry): typeof SKIP => {
      kept.push(Buffer.compare(one.keyMeta!, meta))
      return SKIP
    }
    await read(fileOf(13, [hex(0xf3, meta, KEY)]), {entry})
    expect(kept).toEqual([0])
  })

  it('of field names is one template', async () => {
    const count = 300_000
    const names = Buffer.concat(Array.from({length: count}, (_, i) => str(`f${i}`)))
    const shown: unknown[] = []
    await read(fileOf(15, [hex(0xf2, len(0), len(count), names), KEY]), {
      entry: () => SKIP,
      hashTemplate: (id, fields) => void shown.push([id, fields.length, Buffer.from(fields.at(-1)!).toString()]),
    })
    expect(shown).toEqual([[0, count, `f${count - 1}`]])
  })
})

describe('a list that is held whole', () => {
  it.each([
    ['field names of a template', 15, hex(0xf2, len(0), len(1_000_001))],
    ['keys of a script', 9, hex(64, str('k'), str('return 1'), le(8, 0), le(8, 0), len(1_000_001))],
  ])('has a bound: %s', async (_name, version, record) => {
    const file = fileOf(version, [record, Buffer.alloc(2_100_000, 1)])
    const error = await read(file, {entry: () => SKIP}).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(LimitError)
    expect(error).toMatchObject({limit: 'listStringsMax', wanted: 1_000_001})
  })

  it('of slot ranges has no more than there are slots', async () => {
    const record = hex(0xf3, str('0123456789abcdef0123456789abcdef01234567'), len(16_385), Buffer.alloc(40_000, 1))
    const error = await read(fileOf(80, [record], 'VALKEY'), {entry: () => SKIP}).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({name: 'FormatError', code: 'BAD_COUNT'})
  })
})
