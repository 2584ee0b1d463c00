/**
 * Whether two servers hold the same: two answers that must both match, the server's own DEBUG DIGEST and our
 * fingerprint.
 *
 *   import * as oracle from './oracle.js'
 *   expect(oracle.compare(await oracle.snapshot(a), await oracle.snapshot(b))).toEqual([])
 *   expect(await oracle.sameAfterLoading('valkey-9.1', original, ours)).toEqual([])
 *
 * Both must be taken on the same version: the digest of the same data differs from version to version. Across versions
 * the original is loaded into the newer one first.
 */

import {cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {basename, join} from 'node:path'
import {type CompareOptions, compareFingerprints, type Fingerprint, fingerprint} from './fingerprint.js'
import {type Server, startServer} from './server.js'

export interface Snapshot {
  name: string
  version: string
  digest: string
  fingerprint: Fingerprint
}

export interface LoadOptions extends CompareOptions {
  config?: Record<string, string | number>
}

/** Both answers of a server that nobody writes to meanwhile. */
export async function snapshot(server: Server): Promise<Snapshot> {
  // First, since it touches nothing.
  const digest = String(await server.client.call('DEBUG', 'DIGEST'))
  const {name, version} = server
  return {name, version, digest, fingerprint: await fingerprint(server)}
}

/** What differs, in lines to be read; none when both answers match. */
export function compare(a: Snapshot, b: Snapshot, options: CompareOptions = {}): string[] {
  if (a.name !== b.name || a.version !== b.version) {
    throw new Error(`${a.name} ${a.version} and ${b.name} ${b.version} cannot be compared: their digests differ`)
  }
  const lines = compareFingerprints(a.fingerprint, b.fingerprint, options)
  if (a.digest !== b.digest) lines.push(`DEBUG DIGEST: ${a.digest}, then ${b.digest}`)
  return lines
}

/**
 * An RDB or a single append-only file (its name ends in .aof), by path; a folder of append-only files; or an RDB's
 * bytes.
 */
export type Loadable = string | Uint8Array

/**
 * Loads the original and ours into the same server, each into its own process, and compares the answers. Idle times are
 * compared; for frequencies the caller sets an LFU policy.
 */
export async function sameAfterLoading(
  name: string,
  original: Loadable,
  ours: Loadable,
  {config = {}, ...options}: LoadOptions = {},
): Promise<string[]> {
  const first = await loaded(name, original, config, 'the original')
  const second = await loaded(name, ours, config, 'ours')
  return compare(first, second, options)
}

/** What a server answers that has loaded this: for whoever compares several with it. */
export async function loaded(
  name: string,
  what: Loadable,
  config: Record<string, string | number> = {},
  title = 'what it was given',
): Promise<Snapshot> {
  const dir = mkdtempSync(join(tmpdir(), 'rdbtool-oracle-'))
  try {
    const needed = place(what, dir)
    const usage = {'maxmemory-policy': 'allkeys-lru', 'lfu-decay-time': 0}
    const server = await startServer(name, {dir, config: {...usage, ...needed, ...config}}).catch((error: Error) => {
      error.message = `${title}: ${error.message}`
      throw error
    })
    try {
      return await snapshot(server)
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(dir, {recursive: true, force: true})
  }
}

/** Puts it where a server looks for it on starting; tells what must be configured for that. */
function place(what: Loadable, dir: string): Record<string, string> {
  if (typeof what !== 'string') {
    writeFileSync(join(dir, 'dump.rdb'), what)
    return {}
  }
  if (statSync(what).isDirectory()) {
    const folder = join(dir, 'appendonlydir')
    mkdirSync(folder)
    cpSync(basename(what) === 'appendonlydir' ? what : join(what, 'appendonlydir'), folder, {recursive: true})
    return {appendonly: 'yes'}
  }
  const single = what.endsWith('.aof')
  cpSync(what, join(dir, single ? 'appendonly.aof' : 'dump.rdb'))
  return single ? {appendonly: 'yes'} : {}
}
