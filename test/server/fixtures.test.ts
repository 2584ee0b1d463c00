/**
 * Every fixture is loaded by every server at hand: it must be taken or refused as the format's version table says, and what
 * is taken must read as the golden says. That proves the fixtures, and the table; our reader has no part in it.
 */

import {expect, it} from 'vitest'
import {snapshot} from '../fixtures/snapshot.js'
import {accepts, type BuiltMeta, CLUSTER_OF_ONE, readAll} from './acceptance.js'
import {describeEachServer} from './each-server.js'
import {comparable, type Fixture, type GoldenEntry} from './goldens.js'
import {startServer} from './server.js'

const FIXTURES = readAll()

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
