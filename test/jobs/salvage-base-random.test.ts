/**
 * Logs whose snapshot is damaged at random: what is kept of it is what a salvage of the snapshot alone keeps, and behind it is
 * every command, byte for byte.
 *
 *   RDBTOOL_MUTANTS=10000   damaged logs
 *   RDBTOOL_SEED=7          other ones
 */
import {existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {expect, it} from 'vitest'
import {MemorySource} from '../../src/index.js'
import type {Check} from '../../src/jobs/check-options.js'
import {checkAndSalvage} from '../../src/jobs/check-salvage.js'
import {damagedFile, fileOf, KEY_STYLES, soundValues} from '../analysis/damaged-snapshots.js'
import {hex, le, str} from '../fixtures/builder.js'
import {readGolden} from '../reading/golden.js'
import {temporaryFolder} from '../start/folder.js'
import {Dice} from './mutants.js'

const MUTANTS = Number(process.env['RDBTOOL_MUTANTS'] ?? 60)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 6)
const MAGIC_BYTES = 9
const CHECKSUM_BYTES = 8
const BASE = 'appendonly.aof.1.base.rdb'
const INCREMENT = 'appendonly.aof.1.incr.aof'
const MANIFEST = `file ${BASE} seq 1 type b\nfile ${INCREMENT} seq 1 type i\n`
const PREAMBLE = hex(0xfa, str('aof-preamble'), 0xc0, 1)

const folder = temporaryFolder()
const command = (...words: string[]): string =>
  `*${words.length}\r\n${words.map(one => `$${one.length}\r\n${one}\r\n`).join('')}`

/** As servers write them, with a line that says when now and then. */
function commandsOf(dice: Dice): Buffer {
  const stamp = dice.below(3) === 0 ? '#TS:1790000000\r\n' : ''
  const sets = Array.from({length: 1 + dice.below(20)}, (_, i) =>
    command('SET', `later:${i}`, 'x'.repeat(dice.below(90))),
  )
  return Buffer.from(`${stamp}${command('SELECT', '0')}${sets.join('')}`)
}

/** A snapshot that says that commands follow, and stores no checksum: damage alone decides. */
function asBase(bytes: Uint8Array): Uint8Array {
  const records = bytes.subarray(MAGIC_BYTES, bytes.length - CHECKSUM_BYTES)
  return new Uint8Array(Buffer.concat([bytes.subarray(0, MAGIC_BYTES), PREAMBLE, records, le(CHECKSUM_BYTES, 0)]))
}

interface Log {
  path: string
  out: string
  /** What was salvaged: the snapshot, and the commands behind it. */
  read(): {base: Uint8Array; commands: Buffer}
}

function inFolder(dir: string, base: Uint8Array, commands: Buffer): Log {
  const path = join(dir, 'log')
  const out = join(dir, 'saved')
  mkdirSync(path)
  writeFileSync(join(path, BASE), base)
  writeFileSync(join(path, INCREMENT), commands)
  writeFileSync(join(path, 'appendonly.aof.manifest'), MANIFEST)
  const read = (): ReturnType<Log['read']> => ({
    base: new Uint8Array(readFileSync(join(out, BASE))),
    commands: readFileSync(join(out, INCREMENT)),
  })
  return {path, out, read}
}

function inOneFile(dir: string, base: Uint8Array, commands: Buffer): Log {
  const path = join(dir, 'appendonly.aof')
  const out = join(dir, 'saved.aof')
  writeFileSync(path, Buffer.concat([base, commands]))
  const read = (): ReturnType<Log['read']> => {
    const bytes = readFileSync(out)
    const at = bytes.length - commands.length
    return {base: new Uint8Array(bytes.subarray(0, at)), commands: bytes.subarray(at)}
  }
  return {path, out, read}
}

async function entriesOf(bytes: Uint8Array): Promise<string[]> {
  const {golden} = await readGolden(new MemorySource(bytes), 'elements')
  return golden.entries.map(entry =>
    JSON.stringify(entry, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one)),
  )
}

/** Entries that a salvage of the snapshot alone keeps; undefined where that is none. */
async function keptAlone(dir: string, bytes: Uint8Array): Promise<string[] | undefined> {
  const path = join(dir, 'dump.rdb')
  const out = join(dir, 'alone.rdb')
  writeFileSync(path, bytes)
  await checkAndSalvage(path, {out})
  return existsSync(out) ? await entriesOf(new Uint8Array(readFileSync(out))) : undefined
}

async function expectSalvaged(
  log: Log,
  checked: Check,
  commands: Buffer,
  alone: string[],
  what: string,
): Promise<void> {
  expect(checked.salvageFailure, what).toBeUndefined()
  expect(checked.salvaged!.check, what).toMatchObject({errors: 0, log: {outcome: 'starts'}})
  const saved = log.read()
  expect(saved.commands.equals(commands), `${what}: commands`).toBe(true)
  expect(await entriesOf(saved.base), what).toEqual(alone)
}

it('what is kept is what a salvage of the snapshot keeps, and every command', async () => {
  const values = await soundValues(200, SEED)
  const styles = Object.keys(KEY_STYLES)
  let damaged = 0
  for (let i = 0; i < MUTANTS; i++) {
    const dice = new Dice(SEED * 100_003 + i)
    const bytes = asBase(fileOf(dice, values, 5 + dice.below(60), dice.pick(styles)).bytes)
    const hurt = damagedFile({bytes, records: []}, dice)
    const commands = commandsOf(dice)
    const dir = mkdtempSync(join(folder.path, 'log-'))
    const isFolder = dice.below(2) === 0
    const log = (isFolder ? inFolder : inOneFile)(dir, hurt.bytes, commands)
    const what = `log ${i} of seed ${SEED}, ${isFolder ? 'a folder' : 'one file'}: ${hurt.what} of ${bytes.length}`
    const alone = await keptAlone(dir, hurt.bytes)
    const checked = await checkAndSalvage(log.path, {out: log.out})
    if (alone === undefined) {
      expect(checked.salvageFailure ?? checked.failure, what).toBeDefined()
      expect(existsSync(log.out), what).toBe(false)
      continue
    }
    if (checked.salvaged!.snapshot !== undefined) damaged++
    await expectSalvaged(log, checked, commands, alone, what)
  }
  expect(damaged).toBeGreaterThan(MUTANTS / 4)
}, 3_600_000)
