/**
 * Every fixture is loaded by every server at hand: it must be taken or refused as the format's version table says, and what
 * is taken must read as the golden says. That proves the fixtures, and the table; our reader has no part in it.
 * One process of each server takes all of them, and another refuses each.
 */

import {afterAll, expect, it} from 'vitest'
import {snapshot} from '../fixtures/snapshot.js'
import {accepts, type BuiltMeta, CLUSTER_OF_ONE, readAll} from './acceptance.js'
import {describeEachServer} from './each-server.js'
import {comparable, type Fixture, type GoldenEntry} from './goldens.js'
import {Loader} from './loader.js'
import {startServer} from './server.js'

const FIXTURES = readAll()

type Answers = Awaited<ReturnType<typeof snapshot>>

const inCluster = ({name}: Fixture<BuiltMeta>): boolean => name.startsWith('slot-import')

/** What a server holds that starts from it, with settings of its own; undefined when it was refused. */
async function start(name: string, fixture: Fixture<BuiltMeta>): Promise<Answers | undefined> {
  const config = inCluster(fixture) ? CLUSTER_OF_ONE : {}
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
  // databases-many has more than servers have unless told.
  const loader = new Loader(name, {databases: 20_000})
  afterAll(() => loader.stop())

  it.each(FIXTURES.filter(one => accepts(name, one.golden.meta)))('loads $name', async fixture => {
    const answers = inCluster(fixture) ? await start(name, fixture) : await snapshot(await loader.load(fixture.path))
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
    expect(await start(name, fixture)).toBeUndefined()
  })
})
