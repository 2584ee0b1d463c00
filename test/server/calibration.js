/**
 * The memory model against a server that has loaded a file: what MEMORY USAGE says of each key, and INFO memory of all.
 *
 * The server is one that loaded the file, not the one that wrote it: packed values without slack, tables sized for what
 * they hold, strings without room to grow. So is the model's.
 */

import {copyFileSync, mkdtempSync, rmSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {keyspaceCommands} from './memory-corpus.js'
import {startServer} from './server.js'

const BATCH = 500

/**
 * @typedef {object} Row
 * @property {string} key
 * @property {string} type
 * @property {string} encoding as the file stores it
 * @property {number} elements
 * @property {number} told by the model
 * @property {number} real by MEMORY USAGE
 *
 * @typedef {object} Total
 * @property {number} told
 * @property {number} real
 *
 * @typedef {{db: number, key: Uint8Array, type: string, encoding: string, elements: number, bytes: number}} Told
 * @typedef {object} Model what is calibrated
 * @property {(path: string, server: string, allocator: string, take: (told: Told) => void) => Promise<void>} usage
 * @property {(path: string, server: string, allocator: string) => Promise<{used: number, overhead: number}>} total
 */

/**
 * @param {import('./server.js').Server} server
 * @returns {Promise<Record<string, number>>}
 */
async function memoryInfo(server) {
  const [info] = await server.client.pipeline([['INFO', 'memory']])
  return Object.fromEntries(
    [...String(info).matchAll(/^(\w+):(\d+)\r?$/gm)].map(([, name, value]) => [name, Number(value)]),
  )
}

/** @param {import('./server.js').Server} server */
async function overheadOf(server) {
  const [reply] = await server.client.pipeline([['MEMORY', 'STATS']])
  let bytes = 0
  for (let i = 0; i < reply.length; i += 2) {
    if (!/^db\.\d+$/.test(String(reply[i]))) continue
    for (let j = 1; j < reply[i + 1].length; j += 2) bytes += Number(reply[i + 1][j])
  }
  return bytes
}

/**
 * A file that the server has saved, with random keys.
 * @param {string} name
 * @param {number} seed
 * @param {number} scale
 * @param {string} path
 */
export async function saveKeyspace(name, seed, scale, path) {
  const writer = await startServer(name)
  try {
    for (const commands of keyspaceCommands(seed, name, scale)) {
      for (let i = 0; i < commands.length; i += BATCH) {
        const refused = (await writer.client.pipeline(commands.slice(i, i + BATCH))).find(
          reply => reply instanceof Error,
        )
        if (refused) throw refused
      }
    }
    copyFileSync(await writer.save(), path)
  } finally {
    await writer.stop()
  }
}

/**
 * @param {string} name of the server
 * @param {number} seed of the keyspace
 * @param {number} scale its size, see keyspaceCommands
 * @param {Model} model
 * @param {string} [writer] who saves the file, if it is not that server itself
 * @returns {Promise<{allocator: string, rows: Row[], used: Total, overhead: Total}>}
 */
export async function calibrate(name, seed, scale, model, writer = name) {
  const folder = mkdtempSync(join(tmpdir(), 'rdbtool-memory-'))
  const path = join(folder, 'dump.rdb')
  try {
    await saveKeyspace(writer, seed, scale, path)
    const empty = await startServer(name)
    const before = (await memoryInfo(empty))['used_memory'] ?? 0
    await empty.stop()
    const server = await startServer(name, {rdb: path})
    try {
      const after = (await memoryInfo(server))['used_memory'] ?? 0
      const overhead = await overheadOf(server)
      const [info] = await server.client.pipeline([['INFO', 'memory']])
      const allocator = /^mem_allocator:(\S+)/m.exec(String(info))?.[1] ?? ''
      const rows = await rowsOf(server, path, allocator, model)
      const total = await model.total(path, name, allocator)
      return {
        allocator,
        rows,
        used: {told: total.used, real: after - before},
        overhead: {told: total.overhead, real: overhead},
      }
    } finally {
      await server.stop()
    }
  } finally {
    rmSync(folder, {recursive: true})
  }
}

/**
 * @param {import('./server.js').Server} server
 * @param {string} path
 * @param {string} allocator
 * @param {Model} model
 */
async function rowsOf(server, path, allocator, model) {
  /** @type {Told[]} */
  const told = []
  await model.usage(path, server.name, allocator, one => told.push(one))
  /** @type {Row[]} */
  const rows = []
  let db = -1
  for (let i = 0; i < told.length; i += BATCH) {
    /** @type {(string | Uint8Array)[][]} */
    const commands = []
    /** @type {Told[]} */
    const asked = []
    for (const one of told.slice(i, i + BATCH)) {
      if (one.db !== db) commands.push(['SELECT', String(one.db)])
      db = one.db
      commands.push(['MEMORY', 'USAGE', one.key, 'SAMPLES', '0'])
      asked.push(one)
    }
    const replies = (await server.client.pipeline(commands)).filter(reply => reply !== 'OK')
    for (const [j, {key, type, encoding, elements, bytes}] of asked.entries()) {
      rows.push({key: Buffer.from(key).toString(), type, encoding, elements, told: bytes, real: Number(replies[j])})
    }
  }
  return rows
}

/**
 * Share of the true size that an answer is off.
 * @param {{told: number, real: number}} row
 */
export const off = ({told, real}) => Math.abs(told - real) / real

/**
 * The value that a share of all do not exceed.
 * @param {number[]} values
 * @param {number} share
 */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}

/** Median, 95th percentile and worst of the errors, and how far their sum is off. @param {Row[]} rows */
export function errorsOf(rows) {
  const errors = rows.map(off)
  const sum = (/** @type {'told' | 'real'} */ what) => rows.reduce((total, row) => total + row[what], 0)
  return {
    median: quantile(errors, 0.5),
    p95: quantile(errors, 0.95),
    worst: Math.max(0, ...errors),
    total: sum('told') / sum('real') - 1,
  }
}

/**
 * The model of the given modules: the sources in a test, what was built of them in a script.
 * @param {any} modules
 * @returns {Model}
 */
export function modelOf({layoutOf, MemoryModel, MemoryVisitor, RdbReader}) {
  /**
   * @param {string} path
   * @param {any} model
   * @param {(entry: any, bytes: number) => void} take
   */
  const measure = async (path, model, take) => {
    const visitor = new MemoryVisitor(model)
    const end = visitor.end.bind(visitor)
    visitor.end = (/** @type {any} */ entry) => {
      end(entry)
      take(entry, visitor.bytes)
    }
    const reader = await RdbReader.open(path)
    await reader.run({entry: () => visitor})
    await reader.source.close()
  }
  return {
    async usage(path, server, allocator, take) {
      await measure(path, new MemoryModel(layoutOf(server, allocator), 'usage'), (entry, bytes) => {
        const {db, type, encoding, elements} = entry
        take({db, key: entry.key(), type, encoding, elements, bytes})
      })
    },
    async total(path, server, allocator) {
      const model = new MemoryModel(layoutOf(server, allocator))
      /** @type {Map<number, {keys: number, expiring: number}>} */
      const databases = new Map()
      let used = 0
      await measure(path, model, (entry, bytes) => {
        used += bytes
        const counts = databases.get(entry.db) ?? {keys: 0, expiring: 0}
        databases.set(entry.db, counts)
        counts.keys++
        if (Number.isFinite(Number(entry.expireAtMs))) counts.expiring++
      })
      let overhead = 0
      for (const [db, {keys, expiring}] of databases) {
        const {main, expires} = model.overhead(keys, expiring)
        used += model.databaseBytes(keys, expiring, db)
        overhead += main + expires
      }
      return {used, overhead}
    },
  }
}
