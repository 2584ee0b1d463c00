/** The fixtures and their goldens, and what the reader makes of bytes, however they arrive. */
import {readdirSync, readFileSync} from 'node:fs'
import {join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'

export interface GoldenEntry {
  db: number
  key: unknown
  type: string
  rdbType: number
  count?: number
  value: unknown
  expireAtMs?: number | string
  idleSeconds?: number
  frequency?: number
  insertIndex?: number | string
  keyMeta?: unknown
}

export interface Golden {
  meta: {rdbVersion: number; product?: string; serverVersion?: string; magic?: string}
  entries: GoldenEntry[]
  functions: unknown[]
}

export interface Fixture {
  /** Path below fixtures/, without its ending. */
  name: string
  path: string
  bytes: Uint8Array
  golden: Golden
}

const ROOT = fileURLToPath(new URL('../../fixtures', import.meta.url))

/** Every file below fixtures/ that begins with an RDB and has a golden. */
export const fixtures: readonly Fixture[] = readdirSync(ROOT, {recursive: true, encoding: 'utf8'})
  .filter(path => /\.(rdb|aof)$/.test(path))
  .sort()
  .map(file => {
    const path = join(ROOT, file)
    const golden = JSON.parse(readFileSync(path.replace(/\.\w+$/, '.json'), 'utf8')) as Golden
    return {name: relative(ROOT, path), path, bytes: new Uint8Array(readFileSync(path)), golden}
  })

/** Servers refuse it, and so does the reader: a version of the other family's range. */
export const REFUSED = 'rdb-built/types-plain-v79.rdb'

export const readable = fixtures.filter(({name}) => name !== REFUSED)

/** One of each recipe and set of types: several servers wrote the same. */
export const distinct: readonly Fixture[] = fixtures.filter((one, i) => {
  const kind = kindOf(one)
  return fixtures.findIndex(other => kindOf(other) === kind) === i
})

function kindOf({name, golden}: Fixture): string {
  const types = new Set(golden.entries.map(({rdbType}) => rdbType))
  return [name.replace(/-v\d.*/, ''), ...[...types].sort()].join()
}

export function fixture(name: string): Fixture {
  const found = fixtures.find(one => one.name === name)
  if (found === undefined) throw new Error(`there is no fixture ${name}`)
  return found
}
