/** Packed nodes whose header is wrong: refused in the same words whether or not a kernel writes them down. */
import {describe, expect, it} from 'vitest'
import {MemoryTarget} from '../../src/bytes/target.js'
import type {FormatError} from '../../src/errors.js'
import {dump} from '../../src/jobs/dump.js'
import {listpack} from '../fixtures/blobs.js'
import {hex, len, str} from '../fixtures/builder.js'
import {withoutKernelWindows} from '../reading/pieces.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile} from '../start/rdb.js'

const folder = temporaryFolder()
let files = 0

const KINDS = {
  hash: {type: 16, entries: ['field', 'value', 'other', '12']},
  zset: {type: 17, entries: ['member', '1', 'other', '2.5']},
  set: {type: 20, entries: ['one', 'three', 'two']},
  list: {type: 18, entries: ['one', 'two']},
} as const

type Change = (blob: Buffer) => void

const CHANGES: Readonly<Record<string, Change>> = {
  'more bytes than there are': blob => blob.writeUInt32LE(blob.length + 9, 0),
  'fewer bytes': blob => blob.writeUInt32LE(blob.length - 1, 0),
  'more entries than there are': blob => blob.writeUInt16LE(blob.readUInt16LE(4) + 2, 4),
  'fewer entries': blob => blob.writeUInt16LE(blob.readUInt16LE(4) - 1, 4),
}

function fileOf({type}: {type: number}, blob: Buffer): string {
  const value = type === 18 ? hex(len(1), 2, str(blob)) : str(blob)
  const file = new RdbFile('REDIS', 11).db(0).key(type, 'key', {bytes: value, type: 'hash', value: []})
  return folder.write(`${files++}.rdb`, file.end())
}

async function failure(path: string, format: 'jsonl' | 'resp'): Promise<unknown> {
  const {failure} = await dump(path, new MemoryTarget(), {format, threads: 1})
  const {code, offset, message} = (failure ?? {}) as FormatError
  return {code, offset, message}
}

const carefully = (path: string, format: 'jsonl' | 'resp'): Promise<unknown> =>
  withoutKernelWindows(() => failure(path, format))

describe.each(Object.entries(KINDS))('a packed %s', (name, kind) => {
  it.each(Object.entries(CHANGES))('that claims %s', async (_, change) => {
    const blob = Buffer.from(listpack([...kind.entries]))
    change(blob)
    const path = fileOf(kind, blob)
    for (const format of ['jsonl', 'resp'] as const) {
      const found = await failure(path, format)
      expect(found).toMatchObject({code: 'BAD_LISTPACK'})
      expect(found).toEqual(await carefully(path, format))
    }
  })

  it('of an odd number of entries, if they belong together', async () => {
    const path = fileOf(kind, Buffer.from(listpack([...kind.entries, 'odd'].slice(0, 3))))
    const isPaired = name === 'hash' || name === 'zset'
    for (const format of ['jsonl', 'resp'] as const) {
      const found = (await failure(path, format)) as {code: string | undefined}
      expect(found.code === undefined).toBe(!isPaired)
      expect(found).toEqual(await carefully(path, format))
    }
  })
})
