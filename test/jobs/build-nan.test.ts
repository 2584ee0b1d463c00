/** build --target: sorted sets with a score that is no number, which no server loads, are found though they are copied as they are stored. */
import {existsSync, readFileSync, rmSync} from 'node:fs'
import {join} from 'node:path'
import {Writable} from 'node:stream'
import {describe, expect, it} from 'vitest'
import {StreamTarget} from '../../src/bytes/target.js'
import {MemorySource} from '../../src/index.js'
import {type BuildOptions, type Built, build} from '../../src/jobs/build.js'
import {LossError} from '../../src/jobs/build-losses.js'
import {check} from '../../src/jobs/check.js'
import {f64, hex, len, str} from '../fixtures/builder.js'
import {RdbFile} from '../fixtures/rdb-file.js'
import * as value from '../fixtures/values.js'
import {readGolden} from '../reading/golden.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const WHAT = 'sorted sets with a score that is no number'
const TYPE_ZSET_2 = 5
/** More than lies in one window. */
const MANY = 90_000

type Made = ReturnType<typeof value.zset>

/** A sorted set of so many members; `nanAt`: whose score is no number. */
function zset(members: number, nanAt = -1): Made {
  const bytes = Buffer.alloc(8 + 24 * members)
  let end = bytes.length - bytes.subarray(len(members).copy(bytes)).length
  for (let i = 0; i < members; i++) {
    end += str(`member:${i}`).copy(bytes, end)
    end = bytes.writeDoubleLE(i === nanAt ? Number.NaN : i + 0.5, end)
  }
  return {type: 'zset', value: [], count: members, bytes: bytes.subarray(0, end)}
}

function sample(sets: readonly Made[]): Buffer {
  const file = new RdbFile('REDIS', 9).aux('redis-ver', '6.0.16').db(0)
  file.key(0, 'first', value.string('text'))
  for (const [i, one] of sets.entries()) {
    file.expireMs(4_102_444_800_000 + i).key(TYPE_ZSET_2, `set:${i}`, one)
    file.key(0, `between:${i}`, value.string('text'.repeat(i)))
  }
  return file.db(3).key(0, 'last', value.string('text')).end()
}

const out = join(folder.path, 'out.rdb')
const builds = (bytes: Uint8Array, options: Partial<BuildOptions> = {}): Promise<Built> =>
  build([folder.write('in.rdb', bytes)], {out, force: true, target: 'redis-8.0', ...options})

async function keysOf(path: string): Promise<string[]> {
  const {golden} = await readGolden(new MemorySource(readFileSync(path)), 'elements')
  return golden.entries.map(({key}) => String(key))
}

const CASES = [
  ['that is small', [zset(5), zset(5, 2), zset(5)], [1]],
  ['that is small, and the first', [zset(5, 0)], [0]],
  ['that is small, in its last member', [zset(5, 4), zset(3)], [0]],
  ['that is large, in its first member', [zset(MANY, 0), zset(4)], [0]],
  ['that is large, in its last member', [zset(3), zset(MANY, MANY - 1), zset(4)], [1]],
  ['that is large, in the middle, twice', [zset(MANY, 50_000), zset(7000, 6000), zset(MANY), zset(5, 1)], [0, 1, 3]],
] as const

describe.each(CASES)('a score that is no number in a set %s', (_, sets, lost) => {
  const kept = sets.flatMap((_, i) => [
    ...((lost as readonly number[]).includes(i) ? [] : [`set:${i}`]),
    `between:${i}`,
  ])
  const examples = lost.map(i => ({db: 0, key: Uint8Array.from(Buffer.from(`set:${i}`))}))

  it.each([
    ['as it is stored', {}],
    ['stored anew', {reencode: true}],
    ['for a server before binary scores', {target: 'redis-3.2'}],
    ['sorted', {sort: true}],
    ['with other keys', {changes: {renamePrefix: [[Buffer.from('b'), Buffer.from('b')]]}}],
  ] as [string, Partial<BuildOptions>][])('is told, and nothing else is hurt: %s', async (_, options) => {
    const bytes = sample(sets)
    const refused: unknown = await builds(bytes, options).catch(error => error)
    expect(refused).toBeInstanceOf(LossError)
    expect((refused as LossError<Built>).built.lost).toMatchObject([
      {what: WHAT, keys: lost.length, whole: true, examples},
    ])
    expect(existsSync(out)).toBe(false)
    const built = await builds(bytes, {...options, allowLoss: true})
    expect(built.lost).toMatchObject([{what: WHAT, keys: lost.length, examples}])
    expect(built.keysOut).toBe(2 + kept.length)
    const {soundness} = await check(out)
    expect(soundness).toMatchObject({errors: 0, warnings: 0, checksum: 'ok', keys: 2 + kept.length})
    expect((await keysOf(out)).toSorted()).toEqual(['first', ...kept, 'last'].toSorted())
    rmSync(out)
  })
})

it('a set is copied as it is where nothing is wrong with it, whatever its members are', async () => {
  const names = [str('x'.repeat(20_000)), hex('c07f'), hex('c1ff7f'), str(Buffer.alloc(40, 0xff))]
  const bytes = Buffer.concat([
    len(names.length),
    ...names.flatMap((name, i) => [name, f64([1, Infinity, -Infinity, -0][i]!)]),
  ])
  const file = sample([{type: 'zset', value: [], count: names.length, bytes}, zset(MANY)])
  const built = await builds(file)
  expect(built).toMatchObject({lost: [], keysOut: 6})
  expect(readFileSync(out).includes(bytes)).toBe(true)
})

it('what has been seen by then cannot be taken back: the error names the key', async () => {
  const stream = new StreamTarget('standard output', new Writable({write: (_, __, done) => done()}))
  const error: unknown = await builds(sample([zset(MANY, MANY - 1)]), {out: '-', stream, allowLoss: true}).catch(
    reason => reason,
  )
  expect(error).toMatchObject({
    cause: {code: 'NOT_IN_TARGET', place: {db: 0, key: Uint8Array.from(Buffer.from('set:0'))}},
  })
})

it('of two sources that hold such a key none has it, and they do not collide', async () => {
  const one = folder.write('one.rdb', sample([zset(MANY, 5)]))
  const two = new RdbFile('REDIS', 9).aux('redis-ver', '6.0.16').db(0).key(TYPE_ZSET_2, 'set:0', zset(4, 1)).end()
  const built = await build([one, folder.write('two.rdb', two)], {
    out,
    force: true,
    target: 'redis-8.0',
    allowLoss: true,
  })
  expect(built.lost).toMatchObject([{what: WHAT, keys: 2}])
  expect((await keysOf(out)).toSorted()).toEqual(['between:0', 'first', 'last'])
})
