/**
 * What we write anew is loaded by the server that wrote the original, and both answers of the oracle agree. Values that
 * are copied need no server: they are the same bytes (test/rdb/writer.test.ts).
 */
import {readFileSync} from 'node:fs'
import {expect, it} from 'vitest'
import {rebuild} from '../reading/rebuild.js'
import {accepts, type BuiltMeta} from './acceptance.js'
import {describeEachServer} from './each-server.js'
import {readFixtures} from './goldens.js'
import * as oracle from './oracle.js'

/** What the suffix of a fixture's name says of its writer. */
const WRITERS: Readonly<Record<string, string>> = {
  'redis-6.0': '-v9',
  'redis-7.0': '-v10',
  'valkey-8.1': '-v11',
  'valkey-8.0': '-v11-valkey-8.0',
  'redis-8.0': '-v12',
  'redict-7.3': '-v12-redict',
  'valkey-9.1': '-v80',
}

/** Servers end at these, or load them in part. */
const UNLOADABLE = /checksum-wrong|key-twice|databases-many|database-99|slot-import/
/** Loads what no server of our own writes. */
const BUILT_BY = 'redis-7.0'

const made = readFixtures('rdb')
const built = readFixtures<BuiltMeta>('rdb-built')

describeEachServer('stored anew, read by', name => {
  const own = made.filter(one => one.name.endsWith(WRITERS[name]!) && !UNLOADABLE.test(one.name))
  const others = built.filter(one => {
    const {meta} = one.golden
    const newest = name === 'valkey-9.1' ? meta.magic === 'VALKEY' : name === 'redis-8.0' && meta.rdbVersion >= 11
    return accepts(name, meta) && !UNLOADABLE.test(one.name) && (newest || name === BUILT_BY)
  })

  it.each([...own, ...others])('$name', async ({path}) => {
    const bytes = new Uint8Array(readFileSync(path))
    expect(await oracle.sameAfterLoading(name, path, await rebuild(bytes, {reencode: true}))).toEqual([])
  })
})
