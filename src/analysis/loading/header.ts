/**
 * Magic and version as each server reads them: not as a number of digits, but
 * as atoi does, to the first character that is no digit.
 */
import type {Loader} from '../../rdb/loaders.js'
import type {LoadContext} from './value-load.js'

const MAGIC_WORD_BYTES = 5
const VALKEY_FIRST = 80
/** Versions that are redis's own, and foreign to valkey. */
const FOREIGN_FIRST = 12

/**
 * Reads the nine bytes; returns the version, or nothing where the server does not take it. As the base of a log valkey 8.1 knows
 * the magic word REDIS only (aof.c loadSingleAppendOnlyFile), valkey 9.1 both.
 */
export function readServerHeader({loader, obstacles, isBase}: LoadContext, text: string): number | undefined {
  const {header, target} = loader
  const knowsValkey = header === 'valkey from 80' || (header === 'redis or valkey' && !isBase)
  const valkey = knowsValkey && text.startsWith('VALKEY')
  const isMagic = valkey || text.startsWith(header === 'redis' ? 'REDIS' : 'REDIS0')
  if (!isMagic) {
    const begins = text.startsWith('VALKEY')
      ? 'a server that does not know the magic word VALKEY'
      : 'the magic word is wrong'
    obstacles.add('refuses', 'BAD_MAGIC', begins)
    return undefined
  }
  const version = atoi(text.slice(header === 'redis' ? MAGIC_WORD_BYTES : MAGIC_WORD_BYTES + 1))
  if (isTaken(version, valkey, loader)) return version
  const code = version > loader.versionMax ? 'TOO_NEW' : 'BAD_VERSION'
  const whose = valkey ? 'VALKEY ' : ''
  obstacles.add('refuses', code, `the file is of version ${whose}${version}; ${target.name} does not take that`)
  return undefined
}

function isTaken(version: number, valkey: boolean, {header, versionMax, target}: Loader): boolean {
  if (version < 1) return false
  if (header === 'valkey from 80') {
    if (valkey) return version >= VALKEY_FIRST && version <= target.rdbVersion
    return version < FOREIGN_FIRST
  }
  // Valkey 8.1 leaves foreign versions to the other magic word, and takes none of them there either.
  return version <= versionMax
}

function atoi(text: string): number {
  return Number(/^[ \t\n\v\f\r]*([+-]?\d+)/.exec(text)?.[1] ?? 0)
}
