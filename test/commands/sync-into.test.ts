/** sync --into: from one server into another, by way of a snapshot. */
import {readdirSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, it} from 'vitest'
import {run} from '../fixtures/recipes.js'
import * as oracle from '../server/oracle.js'
import {baseCommands} from '../server/oracle-changes.js'
import {type Server, startServer} from '../server/server.js'
import {temporaryFolder} from '../start/folder.js'
import {rdbtool} from '../start/run.js'

const folder = temporaryFolder()
let from: Server
let into: Server
let older: Server

beforeAll(async () => {
  const config = {'repl-diskless-sync-delay': 0}
  from = await startServer('redis-7.0', {config})
  into = await startServer('redis-7.0')
  older = await startServer('redis-6.0')
  await run(from, baseCommands('redis-7.0', 7))
  await into.client.call('CONFIG', 'SET', 'requirepass', 'opensesame')
})
afterAll(async () => {
  for (const server of [from, into, older]) await server.stop()
})

const at = ({port}: Server): string => `127.0.0.1:${port}`
const leftovers = (): string[] => readdirSync(tmpdir()).filter(name => /^\.rdbtool\..*\.tmp$/.test(name))

it('everything is there, and nothing else stays', async () => {
  const before = leftovers()
  const env = {RDBTOOL_INTO_PASSWORD: 'opensesame'}
  const {code, stdout, stderr} = await rdbtool(['sync', at(from), '--into', at(into)], {env})
  expect({code, stderr}).toEqual({code: 0, stderr: ''})
  expect(stdout).toMatch(/into {6}127\.0\.0\.1:\d+ \(redis 7\.0\.\d+\): 11 of 11 keys/)
  await into.client.call('CONFIG', 'SET', 'requirepass', '')
  expect(oracle.compare(await oracle.snapshot(from), await oracle.snapshot(into), {idle: false})).toEqual([])
  expect(leftovers()).toEqual(before)
  await into.client.call('CONFIG', 'SET', 'requirepass', 'opensesame')

  const again = await rdbtool(['sync', at(from), '--into', at(into)], {env})
  expect(again.code).toBe(1)
  expect(again.stderr).toContain('is there already')
  // That is an option of load.
  expect(again.stderr).toContain('keep the snapshot with --out FILE')
  expect(again.stderr).not.toContain('--resume')
  expect(again.stderr + again.stdout).not.toContain('opensesame')
  const replaced = await rdbtool(['sync', at(from), '--into', at(into), '--on-conflict', 'replace', '--json'], {env})
  expect(replaced.code).toBe(0)
  expect(JSON.parse(replaced.stdout)).toMatchObject({out: null, into: {source: at(from), loaded: 11, failed: 0}})
})

it('what that server has no place for is told, and nothing is loaded without leave', async () => {
  const out = join(folder.path, 'kept.rdb')
  const refused = await rdbtool(['sync', at(from), '--into', at(older), '--out', out])
  expect(refused.code).toBe(1)
  expect(refused.stdout).toContain('--allow-loss')
  expect(await older.client.call('DBSIZE')).toBe(0)
  // The snapshot was fetched all the same.
  expect(readdirSync(folder.path)).toEqual(['kept.rdb'])
  expect((await rdbtool(['sync', at(from), '--into', at(older), '--allow-loss'])).code).toBe(0)
  expect(await older.client.call('DBSIZE')).toBe(10)
})

it.each([
  [['sync', 'x', '--into', 'y', '--follow', 'f'], 'load the folder'],
  [['sync', 'x', '--out', 'f', '--on-conflict', 'skip'], 'belong to --into'],
  [['sync', 'x', '--into', 'redis://me@y'], 'a user needs a password'],
])('%j is refused', async (args, said) => {
  const {code, stderr} = await rdbtool(args)
  expect(code).toBe(2)
  expect(stderr).toContain(said)
})
