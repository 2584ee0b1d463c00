/** A damaged hash whose fields look like keys: each, written `00 <field> <value>`, is byte for byte a string. */
import {expect, it} from 'vitest'
import {str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import type {WrittenFile, WrittenRecord} from './damaged-snapshots.js'
import {entriesOf, isSilent, outcomeOf} from './salvage-outcome.js'

/** The numbers of keys before the hash, of its fields, and of keys behind it. */
const BEFORE = 30
const FIELDS = 60
const BEHIND = 30
const TYPE_HASH_METADATA = 24
/** Damage is put behind the key and the count, and before the last fields. */
const HEAD_BYTES = 60
const ENDING_BYTES = 120

function fileWithHash(nameOf: (i: number) => string, timed: readonly number[]): WrittenFile & {hash: WrittenRecord} {
  const file = new RdbFile('REDIS', 14).db(0).sizes(BEFORE + 1 + BEHIND, 0)
  const records: WrittenRecord[] = []
  const size = (): number => file.parts.reduce((sum, part) => sum + part.length, 0)
  const add = (typeId: number, name: string, value: Uint8Array): void => {
    const start = size()
    file.key(typeId, Buffer.from(name), {type: 'string', value: '', bytes: value})
    records.push({start, end: size(), isKey: true})
  }
  for (let i = 0; i < BEFORE; i++) add(0, nameOf(i), str(`name of ${i}`))
  const fields = Array.from({length: FIELDS}, (_, i) => [
    Buffer.from([timed.includes(i) ? 1 : 0]),
    str(nameOf(BEFORE + i)),
    str(`role-${i % 7}`),
  ])
  const head = Buffer.from([0, 0x28, 0x6b, 0xee, 0xa2, 3, 0, 0, FIELDS])
  add(TYPE_HASH_METADATA, nameOf(9000), Buffer.concat([head, ...fields.flat()]))
  const hash = records.at(-1)!
  for (let i = 0; i < BEHIND; i++) add(0, nameOf(BEFORE + 20 + i), str(`name of ${i}`))
  return {bytes: new Uint8Array(file.end()), records, hash}
}

const STYLES: Readonly<Record<string, (i: number) => string>> = {
  text: i => `user:${1000 + i}`,
  uuid: i => `${((i + 7) * 2_654_435_761).toString(16).padStart(12, '0')}${i.toString(16).padStart(4, '0')}`,
  int: i => String(100_000 + 7 * i),
}

it.each(Object.keys(STYLES))(
  '%s: no field of it becomes a key',
  async style => {
    const file = fileWithHash(STYLES[style]!, [3, 40])
    const originals = await entriesOf(file.bytes)
    const problems: string[] = []
    let manyShort = 0
    for (let at = file.hash.start + HEAD_BYTES; at < file.hash.end - ENDING_BYTES; at += 3) {
      for (const [what, length] of [
        ['flip', 1],
        ['zeros', 7],
      ] as const) {
        const bytes = new Uint8Array(file.bytes)
        if (what === 'flip') bytes[at]! ^= 0x40
        else bytes.fill(0, at, Math.min(at + length, file.hash.end))
        const {wrong, short} = await outcomeOf(file, originals, bytes, [{from: at, to: at + length}])
        if (wrong.length === 0 && short <= 1) continue
        if (await isSilent(bytes)) continue
        if (wrong.length === 0) manyShort++
        else problems.push(`${what} at ${at}: ${short} short; ${wrong.length}: ${wrong[0]}`)
      }
    }
    expect(problems.join('\n')).toBe('')
    // Where the count cannot settle it, keys behind the hash go with it.
    expect(manyShort).toBeLessThanOrEqual(15)
  },
  60_000,
)
