/**
 * Every fixture built for every target, read back: what stands in it is of types and opcodes that the target's loader takes,
 * by the table of the format; it holds what the target has a place for, and the rest is told, nothing else.
 */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {predictLoad} from '../../src/analysis/loading/prediction.js'
import {MemorySource, RdbReader, SKIP} from '../../src/index.js'
import {build} from '../../src/jobs/build.js'
import {TARGETS, type Target} from '../../src/rdb/targets.js'
import {asToday, besideKeys, heldBy, NO_NUMBER} from '../reading/downgraded.js'
import {distinct, type Fixture, type GoldenEntry, REFUSED} from '../reading/fixtures.js'
import {readGolden} from '../reading/golden.js'
import {byMeaning} from '../reading/rebuild.js'
import {temporaryFolder} from '../start/folder.js'

const folder = temporaryFolder()
const out = join(folder.path, 'out.rdb')
const NOW = Date.UTC(2026, 10, 27)

const range = (first: number, last: number): number[] => Array.from({length: last - first + 1}, (_, i) => first + i)

/** What each version of the format adds, for its loaders. */
const TYPES: readonly (readonly [since: number, types: readonly number[]])[] = [
  [1, range(0, 4)],
  [2, range(9, 12)],
  [4, [13]],
  [7, [14]],
  [8, [5, 7]],
  [9, [15]],
  [10, range(16, 19)],
  [11, [20, 21]],
]
const REDIS_TYPES: typeof TYPES = [
  [12, range(22, 25)],
  [13, [26]],
  [14, [27, 28]],
  [15, range(29, 32)],
  [16, [33]],
]
const OPCODES: typeof TYPES = [
  [1, [0xff, 0xfe, 0xfd]],
  [3, [0xfc]],
  [7, [0xfa, 0xfb]],
  [9, [0xf7, 0xf8, 0xf9]],
  [10, [0xf5]],
]
const REDIS_OPCODES: typeof TYPES = [
  [12, [0xf4]],
  [13, [0xf3]],
  [15, [0xf2]],
]

function accepted({family, product, rdbVersion}: Target): {types: Set<number>; opcodes: Set<number>} {
  const upTo = (all: typeof TYPES, version: number): number[] =>
    all.flatMap(([since, some]) => (since <= version ? some : []))
  const types = upTo(TYPES, rdbVersion)
  const opcodes = upTo(OPCODES, rdbVersion)
  if (family === 'valkey') return {types: new Set([...types, 22]), opcodes: new Set([...opcodes, 0xf3])}
  // It counts as 12 what is 11 elsewhere, but for what cluster servers say of slots.
  if (product !== 'redict') types.push(...upTo(REDIS_TYPES, rdbVersion))
  return {types: new Set(types), opcodes: new Set([...opcodes, ...upTo(REDIS_OPCODES, rdbVersion)])}
}

/** All bytes that begin something in the file. */
async function begun(bytes: Uint8Array): Promise<{types: Set<number>; opcodes: Set<number>}> {
  const {golden, facts} = await readGolden(new MemorySource(bytes), 'elements')
  const opcodes = new Set<number>([0xff])
  const met = (opcode: number) => () => void opcodes.add(opcode)
  for (const {offset} of facts) if (bytes[offset]! >= 0xf0) opcodes.add(bytes[offset]!)
  for (const {idleSeconds, frequency, keyMeta} of golden.entries) {
    if (idleSeconds !== undefined) opcodes.add(0xf8)
    if (frequency !== undefined) opcodes.add(0xf9)
    if (keyMeta !== undefined) opcodes.add(0xf3)
  }
  const reader = new RdbReader(new MemorySource(bytes), {ignoreChecksum: true})
  await reader.run({
    entry: () => SKIP,
    aux: met(0xfa),
    function: met(0xf5),
    functionPreGa: met(0xf6),
    moduleAux: met(0xf7),
    selectDb: met(0xfe),
    resizeDb: met(0xfb),
    slotInfo: met(0xf4),
    slotImport: met(0xf3),
    hashTemplate: met(0xf2),
    vendorOpcode: opcode => void opcodes.add(opcode),
  })
  return {types: new Set(golden.entries.map(({rdbType}) => rdbType)), opcodes}
}

/** What is in the way of a server whatever it is built for, since the fixture has it: of each, what `check --target` says. */
const IN_THE_WAY: readonly (readonly [names: RegExp, code: string])[] = [
  [/databases-many|database-99/, 'DATABASE_NUMBER'],
  [/module/, 'MODULE'],
  [/-past-/, 'EXPIRED'],
  [/collections-empty/, 'EMPTY_COLLECTION'],
  [/stream-two-consumers/, 'BAD_STREAM'],
  [/slot-import/, 'SLOT_IMPORT'],
]

async function compare({name, path, golden}: Fixture, target: Target): Promise<void> {
  const options = {out, force: true, ignoreChecksum: true, nowMs: NOW, target: target.name} as const
  const {lost} = await build([path], {...options, allowLoss: true})
  const bytes = new Uint8Array(readFileSync(out))
  const {types, opcodes} = await begun(bytes)
  const takes = accepted(target)
  expect([...types].filter(type => !takes.types.has(type))).toEqual([])
  expect([...opcodes].filter(opcode => !takes.opcodes.has(opcode))).toEqual([])
  // What `check --target` says of it.
  const {obstacles} = await predictLoad(new MemorySource(bytes), target.name, {nowMs: NOW})
  const expected = IN_THE_WAY.filter(([names]) => names.test(name)).map(([, code]) => code)
  expect(obstacles.filter(({code}) => !expected.includes(code))).toEqual([])
  const after = await readGolden(new MemorySource(bytes), 'elements')
  // What has no number as a score loads nowhere.
  const sound = golden.entries.filter(one => !(one.type === 'zset' && JSON.stringify(one.value).includes('"nan"')))
  const held = sound.map(one => heldBy(one, target, NOW))
  const known = (all: readonly (GoldenEntry | undefined)[]): string[] =>
    byMeaning(all.filter(one => one !== undefined).map(asToday))
  expect(known(after.golden.entries)).toEqual(known(held.map(({entry}) => entry)))
  const functions = target.rdbVersion >= 10 ? golden.functions : []
  // Those of release candidates are not in the golden.
  if (!name.includes('release-candidate')) expect(after.golden.functions.toSorted()).toEqual(functions.toSorted())
  const wanted = new Map<string, number>()
  const add = (what: string, count = 1): void => void wanted.set(what, (wanted.get(what) ?? 0) + count)
  for (const {lost: kinds, hints} of held) for (const what of [...kinds, ...hints]) add(what)
  if (sound.length < golden.entries.length) add(NO_NUMBER, golden.entries.length - sound.length)
  for (const [what, count] of besideKeys(name, golden.functions.length, target)) add(what, count)
  expect(Object.fromEntries(lost.map(({what, keys}) => [what, keys]))).toEqual(Object.fromEntries(wanted))
}

/** A log behind its snapshot is another matter; and so is what has a key twice. */
const all = distinct.filter(({name}) => name !== REFUSED && !/aof-preamble|key-twice/.test(name))

/** Of those that are written alike, one. */
const alike = ({product, rdbVersion, name}: Target): string => `${product} ${rdbVersion} ${name === 'valkey-7.2'}`
const targets = TARGETS.filter((one, at) => TARGETS.findIndex(other => alike(other) === alike(one)) === at)

/** The file without its checksum, and without the name of the server. */
async function nameless(path: string, {name, serverVersion}: Target): Promise<string> {
  await build([path], {out, force: true, ignoreChecksum: true, nowMs: NOW, target: name, allowLoss: true})
  return readFileSync(out).subarray(0, -8).toString('latin1').replace(serverVersion, 'VERSION')
}

describe('servers that read one version', () => {
  const groups = targets
    .map(first => TARGETS.filter(one => alike(one) === alike(first)))
    .filter(group => group.length > 1)
  const some = all.filter(({name}) => /stream-|hash-|list-|zset-|functions|expiry|slot|keydb|module/.test(name))

  it.each(groups.map(group => [group.map(({name}) => name).join(', '), group] as const))(
    '%s get the same file, but for its name',
    {timeout: 120_000},
    async (_, [first, ...others]) => {
      for (const {path, name} of some) {
        const file = await nameless(path, first!)
        for (const other of others) expect((await nameless(path, other)) === file, `${name}, ${other.name}`).toBe(true)
      }
    },
  )
})

describe('every fixture', () => {
  it.each(targets.map(target => [target.name, target] as const))(
    'built for %s',
    {timeout: 120_000},
    async (_, target) => {
      expect(all.length).toBeGreaterThan(100)
      const failures: string[] = []
      for (const one of all) await compare(one, target).catch((error: Error) => failures.push(`${one.name}: ${error}`))
      expect(failures.join('\n')).toBe('')
    },
  )
})
