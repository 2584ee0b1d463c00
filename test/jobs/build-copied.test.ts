/** build: what is copied many records at a time is, byte for byte, what is copied key by key; keys that are there twice are found. */
import {readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, it} from 'vitest'
import {type BuildOptions, type Built, build} from '../../src/jobs/build.js'
import {ConflictError} from '../../src/jobs/build-conflicts.js'
import {hex, len, str} from '../fixtures/builder.js'
import {temporaryFolder} from '../start/folder.js'
import {RdbFile, text} from '../start/rdb.js'

const folder = temporaryFolder()
let outs = 0

/** More than the places of keys that are handed on at once, and more than two windows. */
const KEYS = 10_000
const PADDING = 'v'.repeat(60)
const LATER = 4_000_000_000_000
const NO_SUCH_PREFIX = Buffer.from('no such prefix')
/** A change that changes nothing, and may change any key: each is looked at. */
const KEY_BY_KEY = {renamePrefix: [[NO_SUCH_PREFIX, NO_SUCH_PREFIX]]} as const

const pair = {bytes: hex(len(2), str('one'), str(PADDING)), type: 'set', value: ['one', PADDING]}

/** Strings, sets and keys that expire in two databases, and keys of forms that are read with care. */
function source(name: string, extra: readonly [db: number, key: string][] = []): string {
  const file = new RdbFile('REDIS', 9)
  for (const db of [0, 5]) {
    file.db(db)
    for (let i = 0; i < KEYS; i++) {
      if (i % 3 === 0) file.expireMs(LATER)
      if (i % 7 === 0) file.key(2, `${name}:${i}`, pair)
      else if (i % 1000 === 1) file.expireSeconds(2_000_000_000).key(0, `${name}:${i}`, text(PADDING))
      else file.key(0, `${name}:${i}`, text(`${PADDING}${i}`))
    }
    for (const [at, key] of extra) if (at === db) file.key(0, key, text(PADDING))
  }
  return folder.write(`${name}-${extra.length}.rdb`, file.end())
}

async function built(sources: readonly string[], options: Partial<BuildOptions>): Promise<Built & {file: Buffer}> {
  const out = join(folder.path, `out-${outs++}.rdb`)
  return {...(await build(sources, {out, nowMs: 0, ...options})), out: '', file: readFileSync(out)}
}

const one = source('one')
const two = source('two')

describe('records copied many at a time', () => {
  it.each<[string, Partial<BuildOptions>]>([
    ['of several sources', {}],
    ['into another database', {changes: {mapDb: [[5, 0]]}, selection: {db: [5]}}],
    ['of one database', {selection: {db: [5]}}],
    ['of one type', {selection: {types: ['set']}}],
    ['of one type, in one database', {selection: {types: ['string'], db: [0]}}],
    ['of which the first stays', {onConflict: 'first'}],
  ])('are what they are key by key: %s', async (_name, options) => {
    const copied = await built([one, two], options)
    const careful = await built([one, two], {...options, changes: {...options.changes, ...KEY_BY_KEY}})
    expect(copied.keysOut).toBeGreaterThan(2000)
    expect({...copied, file: ''}).toEqual({...careful, file: ''})
    expect(Buffer.compare(copied.file, careful.file)).toBe(0)
  })

  it.each([0, 5])('are searched for a key that another source has, in database %i', async db => {
    const twin = source('twin', [[db, 'one:8999']])
    const error = await built([one, twin], {}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConflictError)
    expect((error as ConflictError).conflicts).toEqual([{db, key: Buffer.from('one:8999'), sources: [one, twin]}])
  })

  it('are searched for keys that meet in one database', async () => {
    const error = await built([one], {changes: {mapDb: [[5, 0]]}}).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConflictError)
    expect((error as ConflictError).conflicts[0]).toMatchObject({db: 0, sources: [one, one]})
  })
})
