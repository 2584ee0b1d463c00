/**
 * What each server accepts, by the version table of the format: it takes an RDB whose version it knows, and in it only types
 * and opcodes it knows. Redis never looks at the version to judge a type; valkey 9 takes 1 to 11 and its own 80.
 */

import {type Fixture, readFixtures} from './goldens.js'

/** What a golden of a built fixture tells of its file. */
export interface BuiltMeta {
  note: string
  magic: 'REDIS' | 'VALKEY'
  rdbVersion: number
  types: number[]
  opcodes: number[]
  refusedBy: string[]
}

interface Accepts {
  versions: number[]
  types: number[]
  opcodes: number[]
}

const range = (first: number, last: number) => Array.from({length: last - first + 1}, (_, index) => first + index)

const TYPES_9 = [...range(0, 5), 7, ...range(9, 15)]
const OPCODES_9 = range(0xf7, 0xff)
const REDIS_6: Accepts = {versions: range(1, 9), types: TYPES_9, opcodes: OPCODES_9}
const REDIS_7: Accepts = {versions: range(1, 10), types: [...TYPES_9, ...range(16, 19)], opcodes: [...OPCODES_9, 0xf5]}
const VALKEY_8: Accepts = {versions: range(1, 11), types: [...TYPES_9, ...range(16, 21)], opcodes: REDIS_7.opcodes}

export const ACCEPTS: Readonly<Record<string, Accepts>> = {
  'redis-6.0': REDIS_6,
  'redis-7.0': REDIS_7,
  // It counts as 12 what is 11 elsewhere, and knows slot info, but none of redis's types of that version.
  'redict-7.3': {versions: range(1, 12), types: VALKEY_8.types, opcodes: [...VALKEY_8.opcodes, 0xf4]},
  'valkey-8.0': VALKEY_8,
  'valkey-8.1': VALKEY_8,
  'redis-8.0': {
    versions: range(1, 12),
    types: [...VALKEY_8.types, ...range(22, 25)],
    opcodes: [...REDIS_7.opcodes, 0xf4],
  },
  'valkey-9.1': {versions: [...range(1, 11), 80], types: [...VALKEY_8.types, 22], opcodes: [...REDIS_7.opcodes, 0xf3]},
}

/** Whether that server should load the file. */
export function accepts(server: string, meta: BuiltMeta): boolean {
  const known = ACCEPTS[server]
  if (!known) throw new Error(`it is not told what ${server} accepts`)
  if (meta.refusedBy.includes('all') || meta.refusedBy.includes(server)) return false
  const magicFits = meta.magic === 'REDIS' ? meta.rdbVersion < 80 : server === 'valkey-9.1' && meta.rdbVersion >= 80
  return (
    magicFits &&
    known.versions.includes(meta.rdbVersion) &&
    meta.types.every(type => known.types.includes(type)) &&
    meta.opcodes.every(opcode => known.opcodes.includes(opcode))
  )
}

interface ServerMeta {
  product: string
  serverVersion: string
}

/** The servers' own files, with what their names tell: the RDB version, and so the magic. */
function serverMade(): Fixture<BuiltMeta>[] {
  return readFixtures<ServerMeta>('rdb').map(({name, path, golden}) => {
    const rdbVersion = Number(/-v(\d+)/.exec(name)?.[1])
    const types = [...new Set(golden.entries.map(one => one.rdbType))]
    const opcodes = golden.functions.length > 0 ? [0xf5] : /^cluster-v12/.test(name) ? [0xf4] : []
    const refusedBy = types.includes(7) ? Object.keys(ACCEPTS).filter(one => one !== 'redis-8.0') : []
    // These hold an entry of the one length whose back length valkey 9 writes otherwise.
    if (/(list|hash).*-edges-v10$/.test(name)) refusedBy.push('valkey-9.1')
    const magic = rdbVersion >= 80 ? 'VALKEY' : 'REDIS'
    return {name, path, golden: {...golden, meta: {note: '', magic, rdbVersion, types, opcodes, refusedBy}}}
  })
}

/** Every snapshot among the fixtures, with what tells whether a server should load it. */
export const readAll = (): Fixture<BuiltMeta>[] => [...serverMade(), ...readFixtures<BuiltMeta>('rdb-built')]

/** A cluster that answers although nobody serves most of its slots. */
export const CLUSTER_OF_ONE = {
  'cluster-enabled': 'yes',
  'cluster-require-full-coverage': 'no',
  'cluster-allow-reads-when-down': 'yes',
}
