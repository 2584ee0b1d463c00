/**
 * How each server loads a file when it starts from it, in its default
 * configuration: which header it takes, and how closely it looks at values.
 *
 *   redis     up to 6.0   believes packed values; counts elements, and little else
 *             6.2         looks at the ends of packed values
 *             7.0         and walks ziplists and zipmaps, since it makes listpacks of them
 *   redict    7.3         as redis 7.2
 *   valkey    up to 9.0   as redis 7.2
 *             9.1         walks every packed value, whatever it is told
 *
 * Seven of them are proved by servers (test/server/check-target.test.ts); of the others this is what the format's
 * description says.
 */
import * as op from './opcodes.js'
import {type Target, targetOf} from './targets.js'

/** Which magic words stand before a version that counts. */
export type HeaderRule = 'redis' | 'redis or valkey' | 'valkey from 80'

export interface Loader {
  readonly target: Target
  /** Whether this was compared with a real server of that line. */
  readonly proved: boolean
  readonly header: HeaderRule
  /** The newest version it takes under the magic word REDIS. */
  readonly versionMax: number
  /** Opcodes it knows, of those that are none of a key. */
  readonly opcodes: ReadonlySet<number>
  /** How closely listpacks and intsets are looked at. */
  readonly listpacks: 'believed' | 'framed' | 'walked'
  /** The same of ziplists and zipmaps. */
  readonly ziplists: 'believed' | 'framed' | 'walked'
  /** Keys of collections without elements. */
  readonly emptyKeys: 'kept' | 'skipped'
  /** Members of sets that are there twice, and of sorted sets. */
  readonly duplicateMembers: 'taken' | 'refused'
  /** A score that is no number. */
  readonly nanScore: 'crashes' | 'refuses'
  /** How the text of a score in a packed value is read: as C does, or as C++ does (redis 8.0, valkey 9.0). */
  readonly packedScores: 'strtod' | 'from_chars'
  /** A set is made a listpack before it is made a hash table (redis 7.2). */
  readonly listpackSets: boolean
  /** What happens where there is no memory for a length that a file claims. */
  readonly noMemory: 'crashes' | 'refuses'
  /** A string may decompress to fewer bytes than it claims: the rest is what the memory held before. */
  readonly shortLzf: boolean
  /** Any byte 10xxxxxx begins a length of 32 bits (up to redis 3.2). */
  readonly looseLengths: boolean
  /** A master leaves fields out that have expired, and keys without any others. */
  readonly dropsExpiredFields: boolean
  /** Where an entry's back length grows by a byte: at 16383 and its like (valkey 9.1), or one before. */
  readonly backLengths: 'redis' | 'valkey'
  /** Lua scripts in aux fields are compiled (up to redis 6.2). */
  readonly luaScripts: boolean
  /** Reads the hint slot-info, and ends where it cannot (valkey 8.0). */
  readonly slotHints: boolean
  /** A pending entry of a stream with two consumers: later releases of some lines refuse it, earlier ones take it. */
  readonly sharedPending: 'taken' | 'refused' | 'by release'
  /** A snapshot that is refused is checked from its beginning before the server ends (as measured from redis 7.0 on). */
  readonly checksRefused: boolean
  /** A command of a log with too few or too many arguments; others read such as are not there (as measured up to redis 8.0). */
  readonly wrongArity: 'unsure' | 'refuses'
  /** Module types that are built in. */
  readonly modules: ReadonlySet<string>
}

/** Lines that a server of this machine's matrix proves. */
const PROVED: ReadonlySet<string> = new Set([
  'redis-6.0',
  'redis-7.0',
  'redis-8.0',
  'redict-7.3',
  'valkey-8.0',
  'valkey-8.1',
  'valkey-9.1',
])

/** Lines in the order in which they appeared, so that "since" can be told. */
const REDIS_LINES = '2.4 2.6 2.8 3.0 3.2 4.0 5.0 6.0 6.2 7.0 7.2 7.4 8.0 8.2 8.4 8.6 8.8 8.10 8.12'.split(' ')

/** The redis line from whose source each of the others parted. */
const ANCESTRY: Readonly<Record<string, string>> = {
  'redict-7.3': '7.2',
  'valkey-7.2': '7.2',
  'valkey-8.0': '7.2',
  'valkey-8.1': '7.2',
  'valkey-9.0': '7.2',
  'valkey-9.1': '7.2',
}

/** Opcodes by the redis line that brought them. */
const OPCODES_SINCE: readonly [line: string, ...opcodes: number[]][] = [
  ['2.4', op.OPCODE_EOF, op.OPCODE_SELECTDB, op.OPCODE_EXPIRETIME],
  ['2.6', op.OPCODE_EXPIRETIME_MS],
  ['3.2', op.OPCODE_AUX, op.OPCODE_RESIZEDB],
  ['5.0', op.OPCODE_MODULE_AUX, op.OPCODE_IDLE, op.OPCODE_FREQ],
  ['7.0', op.OPCODE_FUNCTION2],
  ['7.4', op.OPCODE_SLOT_INFO],
  ['8.6', op.OPCODE_KEY_META_OR_SLOT_IMPORT],
  ['8.10', op.OPCODE_HASH_TEMPLATE],
]

/** Beside what their ancestor knows. Redict and valkey 9 know the hint of redis 7.4. */
const OWN_OPCODES: Readonly<Record<string, readonly number[]>> = {
  'redict-7.3': [op.OPCODE_SLOT_INFO],
  'valkey-9.0': [op.OPCODE_SLOT_INFO, op.OPCODE_KEY_META_OR_SLOT_IMPORT],
  'valkey-9.1': [op.OPCODE_SLOT_INFO, op.OPCODE_KEY_META_OR_SLOT_IMPORT],
}

/** As redis 7.0.15-deb12u7, 8.0.2-deb13u3, redict 7.3.6, valkey 8.0.1, 8.1.1-deb13u3 and 9.1.2 have it. */
const SHARED_PENDING: Readonly<Record<string, Loader['sharedPending']>> = {
  'redis-7.0': 'refused',
  'redis-8.0': 'refused',
  'redict-7.3': 'taken',
  'valkey-8.0': 'taken',
  'valkey-8.1': 'refused',
  'valkey-9.1': 'refused',
}

/** The loader of a target, by its name; UsageError that lists all targets for any other. */
export function loaderOf(name: string): Loader {
  const target = targetOf(name)
  const line = ANCESTRY[target.name] ?? target.name.slice('redis-'.length)
  const age = REDIS_LINES.indexOf(line)
  const since = (first: string): boolean => age >= REDIS_LINES.indexOf(first)
  const {product} = target
  const isWalker = target.name === 'valkey-9.1'
  return {
    target,
    proved: PROVED.has(target.name),
    header: target.rdbVersion >= 80 ? 'valkey from 80' : target.name === 'valkey-8.1' ? 'redis or valkey' : 'redis',
    // Of redis's own versions valkey 9 takes those that were there when it parted from it.
    versionMax: Math.min(target.rdbVersion, target.family === 'valkey' ? 11 : 79),
    opcodes: new Set([
      ...OPCODES_SINCE.filter(([first]) => since(first)).flatMap(([, ...opcodes]) => opcodes),
      ...(OWN_OPCODES[target.name] ?? []),
    ]),
    listpacks: isWalker ? 'walked' : since('6.2') ? 'framed' : 'believed',
    ziplists: since('7.0') ? 'walked' : since('6.2') ? 'framed' : 'believed',
    emptyKeys: since('6.2') ? 'skipped' : 'kept',
    duplicateMembers: since('6.2') ? 'refused' : 'taken',
    nanScore: since('7.0') ? 'refuses' : 'crashes',
    packedScores: since('8.0') || target.family === 'valkey' ? 'from_chars' : 'strtod',
    listpackSets: since('7.2'),
    noMemory: since('6.2') ? 'refuses' : 'crashes',
    shortLzf: !since('6.2'),
    looseLengths: !since('4.0'),
    dropsExpiredFields: target.family === 'valkey',
    backLengths: isWalker ? 'valkey' : 'redis',
    luaScripts: !since('7.0'),
    slotHints: product === 'valkey' && target.name !== 'valkey-7.2',
    sharedPending: SHARED_PENDING[target.name] ?? (since('6.2') ? 'by release' : 'taken'),
    checksRefused: since('7.0'),
    wrongArity: product === 'valkey' && !/-(?:7\.2|8\.0)$/.test(target.name) ? 'refuses' : 'unsure',
    modules: new Set(product === 'redis' && since('8.0') ? ['vectorset'] : []),
  }
}
