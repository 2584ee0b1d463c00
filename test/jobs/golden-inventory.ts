/** What `inspect` must answer about a fixture, counted from its golden, which a server or a builder of bytes gave. */
import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {ROOT} from '../start/run.js'

type Bytes = string | {base64: string} | {sha256: string; bytes: number}

interface Golden {
  meta: {product?: string; serverVersion?: string; rdbVersion?: number; magic?: string}
  entries: {
    db: number
    key: Bytes
    type: string
    rdbType: number
    count?: number
    value: {module?: string; version?: number}
    expireAtMs?: number
  }[]
  functions: Bytes[]
}

export interface Fixture {
  name: string
  path: string
  golden: Golden
}

export function fixturesOf(folder: 'rdb' | 'rdb-built'): Fixture[] {
  const path = join(ROOT, 'fixtures', folder)
  return readdirSync(path)
    .filter(name => name.endsWith('.rdb'))
    .map(file => {
      const name = file.slice(0, -'.rdb'.length)
      return {name, path: join(path, file), golden: JSON.parse(readFileSync(join(path, `${name}.json`), 'utf8'))}
    })
}

/** The names of encodings are a contract; here they stand once more, by type byte. */
const ENCODINGS: Record<number, string> = {
  ...{1: 'linkedlist', 2: 'hashtable', 3: 'skiplist-ascii', 4: 'hashtable', 5: 'skiplist', 7: 'module2', 9: 'zipmap'},
  ...{10: 'ziplist', 11: 'intset', 12: 'ziplist', 13: 'ziplist', 14: 'quicklist', 15: 'listpacks', 16: 'listpack'},
  ...{17: 'listpack', 18: 'quicklist2', 19: 'listpacks2', 20: 'listpack', 21: 'listpacks3', 22: 'metadata-rc'},
  ...{23: 'listpackex-rc', 24: 'metadata', 25: 'listpackex', 26: 'listpacks4', 27: 'listpacks5', 28: 'array'},
  ...{29: 'template-listpack', 30: 'template-listpack-ref', 31: 'template-array', 32: 'template-array-ref', 64: 'cron'},
}
/** Of a string the golden does not say how the file stores it. */
const STRING_ENCODINGS = ['raw', 'int', 'lzf', 'roaring']

export interface ExpectedType {
  keys: number
  /** Undefined where nobody outside the module knows. */
  elements: number | undefined
  /** Undefined for strings. */
  encodings: Record<string, number> | undefined
}

export interface Expected {
  keys: number
  expiring: number
  expired: number
  databases: {db: number; keys: number; expiring: number; expired: number}[]
  types: Record<string, ExpectedType>
  functions: {name: string; engine: string; bytes: number}[]
  modules: {name: string; version: number; keys: number}[]
}

export function expectedOf({meta, entries, functions}: Golden, nowMs: number): Expected {
  const count = (of: Golden['entries']) => ({
    keys: of.length,
    expiring: of.filter(({expireAtMs}) => expireAtMs !== undefined).length,
    expired: of.filter(({expireAtMs}) => expireAtMs !== undefined && expireAtMs < nowMs).length,
  })
  const databases = [...new Set(entries.map(({db}) => db))].sort((a, b) => a - b)
  const types = [...new Set(entries.map(({type}) => type))]
  const modules = [...new Set(entries.flatMap(({value}) => value.module ?? []))]
  return {
    ...count(entries),
    databases: databases.map(db => ({db, ...count(entries.filter(entry => entry.db === db))})),
    types: Object.fromEntries(
      types.map(type => [
        type,
        typeOf(
          entries.filter(one => one.type === type),
          isValkey(meta),
        ),
      ]),
    ),
    functions: functions.map(functionOf),
    modules: modules.map(name => {
      const values = entries.filter(({value}) => value.module === name)
      return {name, version: values[0]!.value.version!, keys: values.length}
    }),
  }
}

/** Whose numbers the file's types follow. */
function isValkey({magic, product}: Golden['meta']): boolean {
  return magic === 'VALKEY' || product === 'valkey'
}

function typeOf(entries: Golden['entries'], valkey: boolean): ExpectedType {
  const [{type}] = entries as [Golden['entries'][0]]
  const counted = entries.every(({count}) => count !== undefined)
  const elements = counted ? entries.reduce((sum, {count}) => sum + count!, 0) : undefined
  if (type === 'string') return {keys: entries.length, elements, encodings: undefined}
  const encodings: Record<string, number> = {}
  for (const {rdbType} of entries) {
    const name = rdbType === 22 && valkey ? 'hashtable2' : ENCODINGS[rdbType]!
    encodings[name] = (encodings[name] ?? 0) + 1
  }
  return {keys: entries.length, elements, encodings}
}

function functionOf(code: Bytes): Expected['functions'][0] {
  const text = typeof code === 'string' ? code : 'base64' in code ? Buffer.from(code.base64, 'base64').toString() : ''
  const [, engine = '', name = ''] = /^#!(\S+) name=(\S+)/.exec(text) ?? []
  return {name, engine, bytes: Buffer.byteLength(text)}
}

// biome-ignore lint/suspicious/noExplicitAny: JSON, held against the contract by the tests
export type Json = any

/** The same shape from what `inspect --json` printed. */
export function answeredOf(json: Json, expected: Expected): Expected {
  const pick = (from: Json, names: string[]): Json => Object.fromEntries(names.map(name => [name, from[name]]))
  const counts = ['keys', 'expiring', 'expired']
  return {
    ...pick(json, counts),
    databases: json.databases.map((one: Json) => pick(one, ['db', ...counts])),
    types: Object.fromEntries(
      json.types.map(({type, keys, elements, encodings}: Json) => [
        type,
        {
          keys,
          elements: expected.types[type]?.elements === undefined ? undefined : elements,
          encodings: type === 'string' ? stringEncodings(encodings, keys) : encodings,
        },
      ]),
    ),
    functions: json.functions.toSorted((a: Json, b: Json) => (a.name < b.name ? -1 : 1)),
    modules: json.modules
      .filter((one: Json) => one.keys > 0)
      .map((one: Json) => pick(one, ['name', 'version', 'keys'])),
  }
}

/** Undefined where they are possible ones, and count every key. */
function stringEncodings(encodings: Record<string, number>, keys: number): undefined | Record<string, number> {
  const known = Object.keys(encodings).every(name => STRING_ENCODINGS.includes(name))
  const sum = Object.values(encodings).reduce((total, count) => total + count, 0)
  return known && sum === keys ? undefined : encodings
}

/** Bytes of a golden, or of `biggest`, as one comparable text. */
export function keyText(key: Bytes): string {
  if (typeof key === 'string') return Buffer.from(key).toString('hex')
  return 'base64' in key ? Buffer.from(key.base64, 'base64').toString('hex') : `${key.sha256} of ${key.bytes}`
}

/** Slots of a cluster that the keys fall into: CRC-16 of the part in braces, or of the whole key. */
export function slotsOf(golden: Golden): number {
  const slots = golden.entries.map(({key}) => {
    const bytes = Buffer.from(keyText(key), 'hex')
    const open = bytes.indexOf('{')
    const close = open < 0 ? -1 : bytes.indexOf('}', open + 1)
    return crc16(close > open + 1 ? bytes.subarray(open + 1, close) : bytes) % 16_384
  })
  return new Set(slots).size
}

function crc16(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021
    crc &= 0xffff
  }
  return crc
}
