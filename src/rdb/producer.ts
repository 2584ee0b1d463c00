/**
 * Who wrote a snapshot: read off its aux fields and the marks vendors leave.
 */
import type {SourceOrigin} from '../keyspace/entry-source.js'

export type Product = 'redis' | 'valkey' | 'keydb' | 'dragonfly' | 'unknown'

const PRODUCTS: readonly Product[] = ['redis', 'valkey', 'keydb', 'dragonfly']

export interface Producer {
  product: Product
  /** As the file says; undefined where it does not (before redis 3.2). */
  serverVersion: string | undefined
}

/** Of a source that says nothing of its producer, only aux fields can. */
const UNTOLD: SourceOrigin = {family: 'redis', rdbVersion: Number.POSITIVE_INFINITY}

/**
 * `dragonfly`: an opcode of its own was seen.
 * Redict calls itself redis in its files and cannot be told apart.
 */
export function producerOf(
  origin: SourceOrigin | undefined,
  aux: ReadonlyMap<string, string>,
  dragonfly: boolean,
): Producer {
  const {family, rdbVersion, product, serverVersion: told} = origin ?? UNTOLD
  const named = PRODUCTS.find(one => one === product)
  if (named !== undefined) {
    const version = named === 'valkey' ? aux.get('valkey-ver') : undefined
    return {product: named, serverVersion: told ?? version ?? aux.get('redis-ver')}
  }
  const valkey = aux.get('valkey-ver')
  if (valkey !== undefined) return {product: 'valkey', serverVersion: valkey}
  const serverVersion = aux.get('redis-ver')
  if (dragonfly) return {product: 'dragonfly', serverVersion}
  if (aux.has('mvcc-tstamp') || aux.has('keydb-subexpire-key')) return {product: 'keydb', serverVersion}
  if (family === 'valkey') return {product: 'valkey', serverVersion}
  return {product: serverVersion === undefined && rdbVersion > 6 ? 'unknown' : 'redis', serverVersion}
}
