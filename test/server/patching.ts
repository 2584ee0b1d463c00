/** States of real servers as files, and patches between them, sent to a server that holds the first. */
import {readFileSync} from 'node:fs'
import {expect} from 'vitest'
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {PatchWriter} from '../../src/export/difference-patch.js'
import {type DiffOptions, diff} from '../../src/jobs/diff.js'
import {differencesOf} from '../reading/differences.js'
import type {temporaryFolder} from '../start/folder.js'
import {compare, snapshot} from './oracle.js'
import {send} from './send.js'
import {type Server, startServer} from './server.js'

export type Command = readonly (string | number)[]

export type Selecting = Pick<DiffOptions, 'selection'>

type Folder = ReturnType<typeof temporaryFolder>

const CONFIG = {'active-expire-effort': 1}

/** Two states of one server as files. */
export async function statesOf(
  name: string,
  folder: Folder,
  before: readonly Command[],
  edits: readonly Command[],
): Promise<[before: string, after: string]> {
  const server = await startServer(name, {config: CONFIG})
  try {
    await run(server, before)
    const first = await saved(server, folder, `${name}-before.rdb`)
    await run(server, edits)
    return [first, await saved(server, folder, `${name}-after.rdb`)]
  } finally {
    await server.stop()
  }
}

export async function patchOf(before: string, after: string, options: Selecting = {}): Promise<Uint8Array> {
  const target = new MemoryTarget()
  const out = new ByteOutput(target)
  const sink = new PatchWriter(out)
  await diff(before, after, {sink, ignore: ['consumers'], ...options})
  out.flush()
  expect(sink.losses).toEqual([])
  return target.view()
}

/** A server that holds the first file, and is sent the patch, then holds what one does that has loaded the second. */
export async function expectPatched(
  name: string,
  folder: Folder,
  [before, after]: readonly [string, string],
): Promise<void> {
  const wanted = await holding(name, after, snapshot)
  const [got, path] = await patched(name, [before, after], {}, async server => {
    return [await snapshot(server), await saved(server, folder, `${name}-patched.rdb`)] as const
  })
  expect(compare(wanted, got, {clocks: false})).toEqual([])
  const {lines} = await differencesOf(path, after, {ignore: ['consumers']})
  expect(lines).toEqual([])
}

/** Looks at a server that holds the first file and has been sent the patch, which it took without an error. */
export async function patched<T>(
  name: string,
  [before, after]: readonly [string, string],
  options: Selecting,
  look: (server: Server) => Promise<T>,
): Promise<T> {
  return await holding(name, before, async server => {
    expect(await send(server.port, await patchOf(before, after, options))).toEqual([])
    return await look(server)
  })
}

async function run(server: Server, commands: readonly Command[]): Promise<void> {
  await server.client.call('SELECT', 0)
  for (const command of commands) await server.client.call(...(command as [string]))
}

async function saved(server: Server, folder: Folder, name: string): Promise<string> {
  return folder.write(name, readFileSync(await server.save()))
}

async function holding<T>(name: string, rdb: string, look: (server: Server) => Promise<T>): Promise<T> {
  const server = await startServer(name, {rdb, config: CONFIG})
  try {
    return await look(server)
  } finally {
    await server.stop()
  }
}
