/**
 * In which form a log is rewritten: as it is, unless its server is named.
 */
import {basename, normalize, resolve} from 'node:path'
import type {Chain} from '../aof/chain.js'
import type {LogBase} from '../aof/naming.js'
import {UsageError} from '../errors.js'
import {targetOf} from '../rdb/targets.js'
import type {AofSource} from '../source/aof.js'
import {nameOf, openEntries} from '../source/open.js'
import {keepsFolder, type LogForm, takesPreamble} from './build-log.js'

export interface LogPlan {
  chain: Chain
  /** Of its files, as they are stored. */
  bytes: number
  form: LogForm
  base: LogBase
  /** Undefined: the version of the snapshot that the log begins with. */
  target: string | undefined
  /** Nothing says for which server the log is: the target is what every one with such a log takes. */
  guessed: boolean
}

/** Every server takes these whose log has no snapshot that would say more. */
const OLDEST: Readonly<Record<LogForm, string>> = {folder: 'redis-7.0', file: 'redis-6.2'}

/**
 * What the log of a folder is rewritten as that holds what redis 7.0 cannot, fields that expire: commands, since Redis and
 * Valkey store such fields each in its own way, and have the same commands for them (redis 7.4, valkey 9.0).
 */
export const NEWER: Pick<LogPlan, 'base' | 'target'> = {base: 'commands', target: 'redis-7.4'}

/** Looks at a log that is to be rewritten. Throws UsageError of what is none. */
export async function planRewrite(
  path: string,
  {target, preamble}: {target?: string | undefined; preamble?: boolean | undefined},
): Promise<LogPlan> {
  if (path === '-') throw new UsageError('a log is looked at before it is rewritten: name a file, or use build')
  const source = await openEntries(path)
  try {
    if (source.format !== 'aof') {
      throw new UsageError(`${nameOf(path)} is no append-only log: build makes one of it, with --out appendonlydir/`)
    }
    const {chain} = source as AofSource
    const hasSnapshot = (await source.origin()) !== undefined
    const named = target === undefined ? undefined : targetOf(target)
    const form = (named === undefined ? chain.manifest !== undefined : keepsFolder(named)) ? 'folder' : 'file'
    const guessed = named === undefined && !hasSnapshot
    // A server of one file may be older than snapshots in logs.
    const mayHave = named === undefined ? hasSnapshot || form === 'folder' : takesPreamble(named)
    return {
      ...{chain, bytes: source.source.storedBytes, form, guessed},
      base: (preamble ?? mayHave) ? 'snapshot' : 'commands',
      target: guessed ? OLDEST[form] : target,
    }
  } finally {
    await source.close()
  }
}

/** A name beside a log, whatever way it is named itself. */
export function besideLog(path: string, ending: string): string {
  const plain = normalize(path).replace(/(?<=.)\/$/, '')
  const named = ['.', '..'].includes(basename(plain)) ? resolve(plain) : plain
  return `${named}.${ending}`
}
