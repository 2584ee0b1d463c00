/**
 * build for servers with ziplists: what a kernel converts many records at a time is, byte for byte, what the writers make of
 * elements, and of damaged values nothing else is said.
 *
 *   RDBTOOL_SEED=7            other keys, other mutants
 *   RDBTOOL_MUTANTS=1000      of each fixture, instead of a few
 */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {format17Digits, formatShortest} from '../../src/bytes/decimal.js'
import {kernel} from '../../src/bytes/kernel.js'
import {type BuildOptions, build} from '../../src/jobs/build.js'
import {OlderRecords} from '../../src/rdb/older-records.js'
import {listpack} from '../fixtures/blobs.js'
import {hex, intStr, len, str} from '../fixtures/builder.js'
import {distinct, readable} from '../reading/fixtures.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile} from '../start/rdb.js'
import {Dice, mutantsOf} from './mutants.js'

const SEED = Number(process.env['RDBTOOL_SEED'] ?? 11)
const MUTANTS = Number(process.env['RDBTOOL_MUTANTS'] ?? 6)
const HASH_LISTPACK = 16
const ZSET_LISTPACK = 17
const QUICKLIST_2 = 18
const CONVERTED = [HASH_LISTPACK, ZSET_LISTPACK, QUICKLIST_2]
const LATER = 4_000_000_000_000
/** Selects every key: each is looked at. */
const KEY_BY_KEY = {match: ['*']}

const folder = temporaryFolder()
let outs = 0

/** The file that is built, and what is said of it; or why there is none. */
async function outcome(source: string, options: Partial<BuildOptions>): Promise<{file: Buffer; said: unknown}> {
  const out = join(folder.path, `out-${outs++}.rdb`)
  try {
    const said = await build([source], {out, nowMs: 0, allowLoss: true, ignoreChecksum: true, ...options})
    return {file: readFileSync(out), said: {...said, out: ''}}
  } catch (error) {
    const {message, place} = error as Error & {place?: unknown}
    return {file: Buffer.alloc(0), said: {message, place}}
  }
}

async function expectSame(source: string, options: Partial<BuildOptions>, what = ''): Promise<Buffer> {
  const many = await outcome(source, options)
  const careful = await outcome(source, {...options, selection: {...options.selection, ...KEY_BY_KEY}})
  expect(many.said, what).toEqual(careful.said)
  expect(Buffer.compare(many.file, careful.file), what).toBe(0)
  return many.file
}

const EDGES = [0, 1, 12, 13, 127, 128, 4095, 4096, 32_767, 32_768, 8_388_607, 8_388_608, 2 ** 31 - 1, 2 ** 31, 2 ** 53]
const ODD = ['', '-', '-0', '007', '+5', '1.0', '9223372036854775807', '-9223372036854775808', '9223372036854775808']
const LENGTHS = [1, 10, 20, 21, 63, 64, 65, 125, 126, 127, 128, 249, 250, 251, 252, 253, 254, 255]
const LONG = [4095, 4096, 8180, 8190, 9000, 16_377, 16_384, 20_000]

class Values {
  readonly #dice: Dice

  constructor(seed: number) {
    this.#dice = new Dice(seed)
  }

  chance(oneIn: number): boolean {
    return this.#dice.below(oneIn) === 0
  }

  below(bound: number): number {
    return this.#dice.below(bound)
  }

  item(long: boolean): string | Buffer {
    const dice = this.#dice
    const kind = dice.below(40)
    if (kind < 10) return String((dice.pick(EDGES) + dice.below(3) - 1) * dice.pick([1, -1]))
    if (kind < 12) return dice.pick(ODD)
    if (kind < 14) return String(dice.below(1e9))
    const length = long && kind === 39 ? dice.pick(LONG) : long || kind === 38 ? dice.pick(LENGTHS) : dice.below(40)
    if (kind < 25) return Buffer.from(Array.from({length}, () => 97 + dice.below(26)))
    return kind < 30
      ? Buffer.from(Array.from({length}, () => dice.below(256)))
      : 'lorem ipsum '.repeat(20_000).slice(0, length)
  }

  hash(): Buffer {
    const fields = this.chance(60) ? 511 + this.below(3) : this.below(20)
    return str(listpack(Array.from({length: 2 * fields}, (_, i) => (i % 2 === 0 ? `field:${i}` : this.item(false)))))
  }

  list(): Buffer {
    const nodes = Array.from({length: this.chance(80) ? 70 : 1 + this.below(4)}, () => {
      const items = Array.from({length: this.below(this.chance(12) ? 400 : 12)}, () => this.item(true))
      return hex(len(2), str(listpack(items)))
    })
    return hex(len(nodes.length), ...nodes)
  }

  score(): string {
    const dice = this.#dice
    const kind = dice.below(100)
    if (kind < 50)
      return format17Digits((dice.below(1e9) * dice.pick([1, 1, -1])) / dice.pick([1000, 100, 1e6, 8, 1e7]))
    if (kind < 80) return String(dice.below(1e6) - 1000)
    if (kind < 90) return formatShortest(dice.below(1e9) / dice.pick([1000, 10, 64, 1e6]))
    if (kind < 99)
      return dice.pick(['0.5', '1.50', '-7.25', '0.000001', '999999999.999999', '1000000000.5', '0.1', '00.5', '2.0'])
    return dice.pick(['inf', '-inf', '-0', '1e+20', '9007199254740993', '0.30000000000000004', '.5', '5.', '0.1234567'])
  }

  zset(): Buffer {
    const members = this.chance(60) ? 127 + this.below(3) : 1 + this.below(12)
    const rows = Array.from({length: members}, (_, i) => {
      const member = this.item(false)
      return [Buffer.from(member.length < 4 ? `${i}` : member), this.score()] as const
    })
    rows.sort(([a, x], [b, y]) => Number(x) - Number(y) || Buffer.compare(a, b))
    if (this.chance(30)) rows.reverse()
    return str(listpack(rows.flat()))
  }
}

/** More than two windows of collections, with keys of several forms, some of them expiring. */
function randomFile(seed: number): Buffer {
  const values = new Values(seed)
  const file = new RdbFile('REDIS', 10).db(0)
  for (let i = 0; i < 700; i++) {
    if (i % 3 === 0) file.expireMs(LATER + i)
    // Copied, a record keeps its key as it is stored: that of a string is as it would be written.
    const key =
      i % 4 === 3 ? `s${i}` : i % 5 === 0 ? String(i) : i % 5 === 1 ? `k${i}` : `some:longer:key:some:longer:${i}`
    const [type, bytes] = (
      [
        [HASH_LISTPACK, () => values.hash()],
        [ZSET_LISTPACK, () => values.zset()],
        [QUICKLIST_2, () => values.list()],
        [0, () => (values.chance(2) ? str(values.item(true)) : intStr(4, values.below(2 ** 31)))],
      ] as const
    )[i % 4]!
    file.key(type, key, {bytes: bytes(), type: 'string', value: ''})
  }
  return file.end()
}

describe('records converted many at a time', () => {
  it.each([
    ['redis-6.2', true],
    ['redis-6.2', false],
    ['redis-4.0', true],
    ['redis-3.2', true],
  ])('are what their elements make: %s, compressed: %s', async (target, compress) => {
    for (let seed = SEED; seed < SEED + 1; seed++) {
      const source = folder.write(`random-${seed}.rdb`, randomFile(seed))
      // Once as it is, and once as a server stores it: compressed.
      const stored = join(folder.path, `stored-${seed}.rdb`)
      await build([source], {out: stored, force: true, nowMs: 0, reencode: true, target: 'redis-7.0'})
      for (const one of [source, stored]) {
        const file = await expectSame(one, {target, compress})
        expect(file.length).toBeGreaterThan(100_000)
      }
    }
  })

  it('of some types only, where others are not selected', async () => {
    const source = folder.write('some.rdb', randomFile(SEED))
    for (const selection of [{types: ['hash'] as const}, {types: ['list', 'string'] as const}]) {
      await expectSame(source, {target: 'redis-6.2', selection: selection as BuildOptions['selection']})
    }
  })

  it('are all of those that servers write, in one call', () => {
    const {bytes, windows} = kernel()
    const start = windows.first
    const scores = ['1', '1.5', '2.2000000000000002', '12345.678', '123456.78900000001', '7654321']
    const records = hex(
      ...[HASH_LISTPACK, str('h'), str(listpack(['a', '1', 'b', 'x'.repeat(64)]))],
      ...[ZSET_LISTPACK, str('z'), str(listpack(scores.flatMap((score, i) => [`member ${i}`, score])))],
      ...[0xfc, Buffer.alloc(8, 1), QUICKLIST_2, str('l'), len(1), len(2), str(listpack(['a', '-1', 'y'.repeat(300)]))],
      ...[0, str('s'), str('v')],
    )
    bytes.set(hex(records, Buffer.alloc(24, 0xff)), start)
    const older = new OlderRecords(false)
    older.converted = CONVERTED.reduce((bits, type) => bits | (1 << type), 0)
    older.copied = 1
    // What is read before its end is known must lie in the window: 24 bytes.
    expect(older.write(start, start + records.length + 24)).toBe(start + records.length)
    expect([older.keys, older.expiring]).toEqual([4, 1])
    expect(Buffer.from(bytes.subarray(older.start, older.end)).includes('123456.789\r')).toBe(false)
    expect(Buffer.from(bytes.subarray(older.start, older.end)).includes('\n123456.789')).toBe(true)
  })
})

describe('damaged records', () => {
  const damageable = distinct.filter(
    one => readable.includes(one) && one.golden.entries.some(({rdbType}) => CONVERTED.includes(rdbType)),
  )

  it.each(damageable.map(one => [one.name, one] as const))('make what they make key by key: %s', async (_name, one) => {
    for (const {what, bytes} of mutantsOf(one, SEED, MUTANTS, 'zeroed')) {
      await expectSame(folder.write('mutant.rdb', bytes), {target: 'redis-6.2'}, what)
    }
  })
})
