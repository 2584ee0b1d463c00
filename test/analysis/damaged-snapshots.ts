/** Snapshots as servers write them, with random keys of all types, and what happens to files. */
import fc from 'fast-check'
import {MemorySource} from '../../src/index.js'
import {checkSource} from '../../src/jobs/check.js'
import {str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import type {Dice} from '../jobs/mutants.js'
import {key as arbitraryKey, type Key, type Written} from '../reading/random-samples.js'

/** A record of a key, and where it lies. */
export interface WrittenRecord {
  start: number
  end: number
  isKey: boolean
}

export interface WrittenFile {
  bytes: Uint8Array
  records: WrittenRecord[]
}

/** Values of all types, none of which has anything wrong. */
export async function soundValues(count: number, seed: number): Promise<Written[]> {
  const sound: Written[] = []
  for (const {written} of fc.sample<Key>(arbitraryKey, {numRuns: count, seed})) {
    const file = new RdbFile('REDIS', 14).db(0).key(written.rdbType, 'key', written.value)
    const {soundness} = await checkSource(new MemorySource(new Uint8Array(file.end())))
    if (soundness!.errors === 0 && !soundness!.counts.some(({code}) => code === 'EMPTY_COLLECTION')) sound.push(written)
  }
  return sound
}

const WORDS = ['user', 'session', 'cart', 'queue', 'cache', 'lock', 'feed', 'größe']

/** A key as applications name them. */
function textKey(dice: Dice, number: number): Buffer {
  const parts = [dice.pick(WORDS), String(1000 + number)]
  if (dice.below(3) === 0) parts.push(dice.pick(WORDS))
  return Buffer.from(parts.join(':'))
}

const hexOf = (dice: Dice, digits: number): string =>
  Array.from({length: digits}, () => dice.below(16).toString(16)).join('')

/** How keys may be named: each name says its number, so that none is there twice. */
export const KEY_STYLES: Readonly<Record<string, (dice: Dice, number: number) => Buffer>> = {
  text: textKey,
  int: (_, number) => Buffer.from(String(7 * number + 1)),
  bigint: (_, number) => Buffer.from(String(100_000 + 7 * number)),
  short: (_, number) => Buffer.from(number.toString(36)),
  binary: (dice, number) => Buffer.concat([noise(dice, 12), Buffer.from([number & 0xff, number >> 8])]),
  uuid: (dice, number) => Buffer.from(hexOf(dice, 16) + number.toString(16).padStart(4, '0')),
  mixed: (dice, number) => KEY_STYLES[dice.pick(['text', 'bigint', 'uuid'])]!(dice, number),
  long: (_, number) => Buffer.from(`a:long:prefix:that:compresses:${'a'.repeat(40)}:${number}`),
}

const TYPE_HASH_METADATA = 24

/** A hash that expires one of its fields, which are named like keys. */
function hashOfKeys(dice: Dice, nameOf: (dice: Dice, number: number) => Buffer): Written {
  const count = 2 + dice.below(40)
  const timed = dice.below(count)
  const parts = [Buffer.from([0, 0x28, 0x6b, 0xee, 0xa2, 3, 0, 0, count])]
  for (let i = 0; i < count; i++) parts.push(Buffer.from([i === timed ? 1 : 0]), str(nameOf(dice, i)), str(`role-${i}`))
  return {rdbType: TYPE_HASH_METADATA, value: {type: 'hash', count, value: [], bytes: Buffer.concat(parts)}}
}

const TIME_MS = 1_790_000_000_000

/** A file of `count` keys. */
export function fileOf(dice: Dice, values: readonly Written[], count: number, style = 'text'): WrittenFile {
  const nameOf = KEY_STYLES[style]!
  const file = new RdbFile('REDIS', 14)
  file.aux('redis-ver', '8.8.0').aux('redis-bits', '64').aux('ctime', '1790000000').aux('used-mem', '1048576')
  const records: WrittenRecord[] = []
  let offset = file.parts.reduce((sum, part) => sum + part.length, 0)
  const close = (isKey: boolean): void => {
    const end = file.parts.reduce((sum, part) => sum + part.length, 0)
    records.push({start: offset, end, isKey})
    offset = end
  }
  const expiring = dice.pick([0, 0, 3, 10])
  const use = dice.pick(['none', 'none', 'none', 'idle', 'frequency'])
  const databases = dice.pick([1, 1, 1, 2, 3])
  let number = 0
  for (let db = 0; db < databases; db++) {
    const size = Math.ceil(count / databases)
    const expiries = Array.from({length: size}, () => dice.below(10) < expiring)
    file.db(db * dice.pick([1, 1, 2]))
    close(false)
    file.sizes(size, expiries.filter(Boolean).length)
    close(false)
    for (const expires of expiries) {
      const name = nameOf(dice, number++)
      if (expires) file.expireMs(TIME_MS + dice.below(2 ** 31))
      if (use === 'idle') file.idle(dice.below(100_000))
      if (use === 'frequency') file.frequency(dice.below(256))
      const isHashOfKeys = style !== 'text' && dice.below(20) === 0
      const {rdbType, value} = isHashOfKeys ? hashOfKeys(dice, nameOf) : dice.pick(values)
      file.key(rdbType, name, value)
      close(true)
    }
  }
  return {bytes: new Uint8Array(file.end()), records}
}

type Damage = (bytes: Buffer, at: number, length: number, dice: Dice) => Buffer

const without = (bytes: Buffer, at: number, length: number, into: Uint8Array): Buffer =>
  Buffer.concat([bytes.subarray(0, at), into, bytes.subarray(at + length)])
const noise = (dice: Dice, length: number): Buffer => Buffer.from(Array.from({length}, () => dice.below(256)))

export const DAMAGES: Readonly<Record<string, Damage>> = {
  'cut short': (bytes, at) => bytes.subarray(0, at),
  'a bit flipped': (bytes, at, _, dice) => {
    const changed = Buffer.from(bytes)
    changed[at]! ^= 1 << dice.below(8)
    return changed
  },
  'zero bytes': (bytes, at, length) => without(bytes, at, length, Buffer.alloc(Math.min(length, bytes.length - at))),
  noise: (bytes, at, length, dice) => without(bytes, at, length, noise(dice, Math.min(length, bytes.length - at))),
  'bytes of another place': (bytes, at, length, dice) => {
    const from = dice.below(bytes.length)
    return without(bytes, at, Math.min(length, bytes.length - from), bytes.subarray(from, from + length)).subarray(
      0,
      bytes.length,
    )
  },
  'bytes left out': (bytes, at, length) => without(bytes, at, length, Buffer.alloc(0)),
  'bytes put in': (bytes, at, length, dice) => without(bytes, at, 0, noise(dice, length)),
}

export interface DamagedFile {
  what: string
  bytes: Uint8Array
  /** What differs, in the file as it was. */
  from: number
  to: number
}

/** Kinds of damage that leave everything else where it is. */
export const IN_PLACE: readonly string[] = ['a bit flipped', 'zero bytes', 'noise']

/** One random kind of damage at a random place. */
export function damagedFile(
  {bytes}: WrittenFile,
  dice: Dice,
  kinds: readonly string[] = Object.keys(DAMAGES),
  bits = 17,
): DamagedFile {
  const name = dice.pick(kinds)
  const at = dice.below(bytes.length)
  const length = 1 + dice.below(2 ** dice.below(bits))
  const changed = DAMAGES[name]!(Buffer.from(bytes), at, length, dice)
  let from = 0
  while (from < Math.min(bytes.length, changed.length) && bytes[from] === changed[from]) from++
  let same = 0
  const most = Math.min(bytes.length, changed.length) - from
  while (same < most && bytes[bytes.length - 1 - same] === changed[changed.length - 1 - same]) same++
  return {what: `${name} at byte ${at}, ${length}`, bytes: new Uint8Array(changed), from, to: bytes.length - same}
}
