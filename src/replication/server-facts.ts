/**
 * What a server says of itself (INFO): for which version a payload of RESTORE is made, and whether it takes writes.
 */
import {UnsupportedError, WireError} from '../errors.js'
import {TARGETS, type Target} from '../rdb/targets.js'
import {formatAddress, type ServerAddress} from '../resp/address.js'
import {refusalCode} from '../resp/refusal.js'
import {Questions, ReplyFailure} from '../resp/reply.js'

export interface ServerFacts {
  product: 'redis' | 'valkey' | 'redict'
  version: string
  /** The newest that we know of its product, and not newer than it. */
  target: Target
  cluster: boolean
}

/** RESTORE takes absolute expiries since (redis 5.0). */
const VERSION_MIN = '5.0'

/**
 * Asks a server that is to be written to. WireError where it does not answer, or takes no writes; UnsupportedError where it
 * is too old.
 */
export async function serverFacts(address: ServerAddress, timeoutMs: number, silenceMs: number): Promise<ServerFacts> {
  const questions = await Questions.open(address, timeoutMs, silenceMs)
  const name = formatAddress(address)
  try {
    const reply = await questions.ask('INFO')
    if (reply instanceof ReplyFailure) {
      const context = {stage: 'asking', reply: `-${reply.text}`, user: address.user} as const
      throw new WireError(refusalCode(`-${reply.text}`), `${name} refused INFO: ${reply.text}`, name, context)
    }
    return factsOf(String(reply), name)
  } finally {
    questions.close()
  }
}

function factsOf(info: string, name: string): ServerFacts {
  const fact = (key: string): string | undefined => new RegExp(`^${key}:(.*?)\r?$`, 'm').exec(info)?.[1]
  if (fact('loading') === '1') {
    throw new WireError('MASTER_NOT_READY', `${name} is loading its data`, name, {stage: 'asking'})
  }
  if (fact('role') === 'slave') {
    const master = `${fact('master_host')}:${fact('master_port')}`
    throw new WireError('NOT_A_MASTER', `${name} is a replica of ${master}: it takes no writes`, name, {
      stage: 'loading',
    })
  }
  const [valkey, redict] = [fact('valkey_version'), fact('redict_version')]
  const product = valkey !== undefined ? 'valkey' : redict !== undefined ? 'redict' : 'redis'
  const version = valkey ?? redict ?? fact('redis_version') ?? ''
  const target = TARGETS.filter(one => one.product === product && compare(one.serverVersion, version) <= 0)
    .sort((a, b) => compare(a.serverVersion, b.serverVersion))
    .at(-1)
  if (target === undefined || (product === 'redis' && compare(target.serverVersion, VERSION_MIN) < 0)) {
    throw new UnsupportedError(
      'NOT_IN_TARGET',
      `${name} is ${product} ${version || 'of an unknown version'}: loading needs redis 5.0 or later`,
      0,
    )
  }
  return {product, version, target, cluster: fact('cluster_enabled') === '1'}
}

/** By major and minor. */
function compare(one: string, other: string): number {
  const [a = 0, b = 0] = one.split('.').map(Number)
  const [c = 0, d = 0] = other.split('.').map(Number)
  return a - c || b - d
}
