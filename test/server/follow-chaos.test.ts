/**
 * A folder that follows a master while the network cuts, stalls and splits, the master restarts, forgets its history and
 * gives way to its replica, and the follower is killed: what was acknowledged is in the folder each time, and once it is quiet
 * a server that starts from the folder holds what the master holds. With TLS, synced before anything is acknowledged, in
 * small files, and compacted all the time, too.
 */
import {mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, expect, it} from 'vitest'
import {findServer} from './catalog.js'
import {hasOpenssl, makeCertificates} from './certificates.js'
import {Scene} from './chaos-scene.js'
import {describeEachServer} from './each-server.js'

/** Of each master; `npm run soak` has more. */
const ROUNDS = Number(process.env['RDBTOOL_CHAOS_ROUNDS'] ?? 5)
const SEED = Number(process.env['RDBTOOL_SEED'] ?? 20_261_127)
const MASTERS = ['redis-6.0', 'redis-7.0', 'redis-8.0', 'valkey-9.1']
const TIMEOUT_MS = 120_000 + ROUNDS * 60_000

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
})

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

describeEachServer('chaos around', name => {
  const wanted = MASTERS.includes(name) && typeof findServer('redis-7.0') !== 'string'
  it.runIf(wanted)(
    'nothing that was acknowledged is lost, and what is quiet is the same',
    async () => {
      const own = mkdtempSync(join(tmpdir(), 'rdbtool-chaos-'))
      ending.push(() => rmSync(own, {recursive: true, force: true}))
      const certificates = hasOpenssl ? makeCertificates(own) : undefined
      const scene = new Scene(name, {random: randomOf(SEED), certificates, ending})
      await scene.begin()
      for (let round = 1; round <= ROUNDS; round++) {
        const happened = await scene.round(round)
        expect({round, ...happened, seed: SEED, differs: await scene.compare()}).toMatchObject({differs: []})
      }
    },
    TIMEOUT_MS,
  )
})
