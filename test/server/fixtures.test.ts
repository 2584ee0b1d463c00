/**
 * Every fixture is loaded by every server at hand: it must be taken or refused as the format's version table says, and what
 * is taken must read as the golden says. That proves the fixtures, and the table; our reader has no part in it.
 */

import {expect, it} from 'vitest'
import {snapshot} from '../fixtures/snapshot.js'
import {ACCEPTS, accepts, type BuiltMeta} from './acceptance.js'
import {describeEachServer} from './each-server.js'
import {comparable, type Fixture, type GoldenEntry, readFixtures} from './goldens.js'
import {startServer} from './server.js'

interface ServerMeta {
  product: string
  serverVersion: string
}

/** The servers' own files, with what their names tell: the RDB version, and so the magic. */
function serverMade(): Fixture<BuiltMeta>[] {
  return readFixtures<ServerMeta>('rdb').map(({name, path, golden}) => {
    const rdbVersion = Number(/-v(\d+)/.exec(name)?.[1])
    const types = [...new Set(golden.entries.map(one => one.rdbType))]
    const opcodes = golden.functions.length > 0 ? [0xf5] : /^cluster-v12/.test(name) ? [0xf4] : []
    const refusedBy = types.includes(7) ? Object.keys(ACCEPTS).filter(one => one !== 'redis-8.0') : []
    // These hold an entry of the one length whose back length valkey 9 writes otherwise.
    if (/(list|hash).*-edges-v10$/.test(name)) refusedBy.push('valkey-9.1')
    const magic = rdbVersion >= 80 ? 'VALKEY' : 'REDIS'
    return {name, path, golden: {...golden, meta: {note: '', magic, rdbVersion, types, opcodes, refusedBy}}}
  })
}

const FIXTURES = [...serverMade(), ...readFixtures<BuiltMeta>('rdb-built')]

/** A cluster that answers although nobody serves most of its slots. */
const CLUSTER_OF_ONE = {
  'cluster-enabled': 'yes',
  'cluster-require-full-coverage': 'no',
  'cluster-allow-reads-when-down': 'yes',
}

/** Undefined when it was refused, else what the server holds. */
async function load(
  name: string,
  fixture: Fixture<BuiltMeta>,
): Promise<Awaited<ReturnType<typeof snapshot>> | undefined> {
  const config: Record<string, string | number> = {}
  if (fixture.name.startsWith('databases-many')) config['databases'] = 20_000
  if (fixture.name.startsWith('slot-import')) Object.assign(config, CLUSTER_OF_ONE)
  const server = await startServer(name, {rdb: fixture.path, config}).catch((error: Error) => {
    if (error.name === 'ServerFailed') return undefined
    throw error
  })
  if (!server) return undefined
  try {
    return await snapshot(server)
  } finally {
    await server.stop()
  }
}

describeEachServer('fixtures in', name => {
  it.each(FIXTURES.filter(one => accepts(name, one.golden.meta)))('loads $name', async fixture => {
    const answers = await load(name, fixture)
    expect(answers, 'the server refused it').toBeDefined()
    const now = Date.now()
    const wanted = comparable(fixture.golden.entries, now)
    expect(comparable(answers?.entries as GoldenEntry[], now)).toMatchObject(wanted)
    expect(answers?.entries.length).toBeGreaterThanOrEqual(wanted.length)
    expect(answers?.functions).toEqual(fixture.golden.functions)
  })

  // Of the servers' own files one per version tells what is refused: the rest would say the same again.
  const refused = FIXTURES.filter(
    one => !accepts(name, one.golden.meta) && (one.path.includes('built') || one.name.startsWith('empty')),
  )
  it.each(refused)('refuses $name', async fixture => {
    expect(await load(name, fixture)).toBeUndefined()
  })
})
