/** The goldens beside the fixtures, and what a server that has loaded the file should answer. */

import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

export interface GoldenEntry {
  db: number
  key: unknown
  type: string
  rdbType: number
  count?: number
  // biome-ignore lint/suspicious/noExplicitAny: its shape is that of its type
  value: any
  expireAtMs?: number
}

export interface Golden<Meta> {
  meta: Meta
  entries: GoldenEntry[]
  functions: unknown[]
}

export interface Fixture<Meta> {
  name: string
  path: string
  golden: Golden<Meta>
}

/** Every fixture of a folder below fixtures/, with its golden. */
export function readFixtures<Meta>(folder: string): Fixture<Meta>[] {
  const root = fileURLToPath(new URL(`../../fixtures/${folder}`, import.meta.url))
  return readdirSync(root)
    .filter(name => name.endsWith('.rdb'))
    .map(file => {
      const name = file.slice(0, -4)
      const golden = JSON.parse(readFileSync(join(root, `${name}.json`), 'utf8')) as Golden<Meta>
      return {name, path: join(root, file), golden}
    })
}

/**
 * The entries in the form in which golden and server can be compared: what is past its expiry is dropped, as a master does
 * on loading, and so are empty collections; type bytes and eviction data are the file's own. A small sorted set
 * turns -0 into 0 in every server.
 */
export function comparable(entries: GoldenEntry[], nowMs: number): GoldenEntry[] {
  return entries
    .filter(({expireAtMs}) => expireAtMs === undefined || expireAtMs > nowMs)
    .map(({db, key, type, count, value, expireAtMs}) => {
      const entry = {
        db,
        key,
        type,
        rdbType: 0,
        value,
        ...(count === undefined ? {} : {count}),
        ...(expireAtMs === undefined ? {} : {expireAtMs}),
      }
      if (type === 'zset') entry.value = value.map(([member, score]: unknown[]) => [member, score === '-0' ? 0 : score])
      if (type === 'hash') {
        entry.value = value.filter((row: unknown[]) => row[2] === undefined || Number(row[2]) > nowMs)
        entry.count = entry.value.length
      }
      // The servers keep a module's value in a form of their own: only that it is there can be told.
      if (type === 'module') entry.value = {module: value.module}
      return entry
    })
    .filter(({type, count}) => count !== 0 || type === 'stream' || type === 'string')
}
