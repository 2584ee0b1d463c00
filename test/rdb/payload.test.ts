/** DUMP payloads: made of every value of the fixtures, read back, and refused where they are damaged. */
import {describe, expect, it} from 'vitest'
import {type Entry, FormatError, MemorySource, RdbReader, SKIP, UnsupportedError} from '../../src/index.js'
import {PayloadWriter, readPayload, readPayloadFooter} from '../../src/rdb/payload.js'
import {ownTarget, targetOf} from '../../src/rdb/targets.js'
import {fixture, type GoldenEntry, readable} from '../reading/fixtures.js'
import {GoldenVisitor, goldenEntry} from '../reading/golden.js'
import {byMeaning} from '../reading/rebuild.js'

interface Made {
  key: Uint8Array
  db: number
  payload: Uint8Array
}

/** A payload of every entry of a file. */
async function payloadsOf(bytes: Uint8Array, reencode: boolean, target?: string): Promise<Made[]> {
  const made: Made[] = []
  const reader = new RdbReader(new MemorySource(bytes), {ignoreChecksum: true})
  const origin = await reader.origin()
  const take = (entry: Entry, all: Uint8Array, start: number, end: number): void => {
    made.push({key: entry.key(), db: entry.db, payload: all.slice(start, end)})
  }
  const writer = new PayloadWriter(
    {target: target === undefined ? ownTarget(origin) : targetOf(target), reencode},
    take,
  )
  writer.sourceFamily = origin.family
  await reader.run({entry: entry => writer.entry(entry)})
  writer.dispose()
  return made
}

async function entryOf({payload, key}: Made): Promise<GoldenEntry> {
  const gathered = new GoldenVisitor('elements')
  const entries: GoldenEntry[] = []
  gathered.end = entry => entries.push(goldenEntry(entry, gathered))
  await readPayload(payload, {entry: () => gathered}, key)
  return entries[0]!
}

/** Without what is not in a payload. */
const bare = (entries: readonly GoldenEntry[]): string[] =>
  byMeaning(entries.map(({expireAtMs: _, idleSeconds: __, frequency: ___, db: ____, ...rest}) => ({...rest, db: 0})))

const UNWRITTEN = /nan|keydb-cron/

describe.each(readable.filter(({name}) => !UNWRITTEN.test(name)).map(one => [one.name, one] as const))(
  '%s',
  (_, {bytes, golden}) => {
    it.each([false, true])('gives payloads that hold its values, stored anew: %s', async reencode => {
      const made = await payloadsOf(bytes, reencode)
      const read: GoldenEntry[] = []
      for (const one of made) read.push(await entryOf(one))
      const wanted = bare(golden.entries)
      // Of an empty collection there is no payload, unless it is copied.
      expect(bare(read)).toEqual(wanted)
    })
  },
)

const STRING_V9 = '000568656c6c6f0900b3808eba31b243bb'

describe('a payload', () => {
  it.each([
    ['redis-6.2', STRING_V9],
    ['redis-7.0', '000568656c6c6f0a006372df766534200a'],
    ['valkey-8.1', '000568656c6c6f0b000aad620598abc983'],
    ['redis-8.0', '000568656c6c6f0c00a804ebb69f1ebe43'],
    ['valkey-9.1', '000568656c6c6f5000ac5816e7fb6647fe'],
  ])('is what %s itself dumps', async (target, hex) => {
    const file = Buffer.from('524544495330303039000273310568656c6c6fff0000000000000000', 'hex')
    const [made] = await payloadsOf(new Uint8Array(file), true, target)
    expect(Buffer.from(made!.payload).toString('hex')).toBe(hex)
  })

  it('is refused where any byte of it is another', async () => {
    const payload = Buffer.from(STRING_V9, 'hex')
    for (let at = 0; at < payload.length - 8; at++) {
      const changed = new Uint8Array(payload)
      changed[at]! ^= 1
      expect(() => readPayloadFooter(changed)).toThrow(FormatError)
    }
    expect(() => readPayloadFooter(new Uint8Array(payload.subarray(0, 11)))).toThrow(/at least 12 bytes/)
  })

  it('says so where it carries no checksum', () => {
    const payload = Uint8Array.from([...Buffer.from(STRING_V9, 'hex').subarray(0, -8), 0, 0, 0, 0, 0, 0, 0, 0])
    expect(readPayloadFooter(payload)).toEqual({rdbVersion: 9, family: 'redis', checksum: 'absent'})
  })

  it('with bytes between value and footer is refused, where servers pass over them', async () => {
    for (const more of ['00', 'ff', '00016101ff62', 'fa0161']) {
      const payload = Buffer.concat([
        Buffer.from(STRING_V9, 'hex').subarray(0, 7),
        Buffer.from(`${more}09000000000000000000`, 'hex'),
      ])
      await expect(readPayload(new Uint8Array(payload), {entry: () => SKIP})).rejects.toMatchObject({
        code: 'BAD_LENGTH',
        offset: 7,
      })
    }
  })

  it('that is cut within its value says where', async () => {
    const payload = Buffer.concat([Buffer.from('00056865', 'hex'), Buffer.from('09000000000000000000', 'hex')])
    await expect(readPayload(new Uint8Array(payload), {entry: () => SKIP})).rejects.toBeInstanceOf(FormatError)
  })

  it('has templates of hashes resolved: RESTORE knows none', async () => {
    const made = await payloadsOf(fixture('rdb-built/hash-templates-v15.rdb').bytes, false)
    expect(made.every(({payload}) => ![30, 32].includes(payload[0]!))).toBe(true)
  })

  it('cannot be made where the target cannot hold the value', async () => {
    const {bytes} = fixture('rdb/hash-listpack-ttl-v12.rdb')
    await expect(payloadsOf(bytes, false, 'redis-7.2')).rejects.toBeInstanceOf(UnsupportedError)
  })
})
