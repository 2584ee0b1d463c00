/**
 * How to reach a running server and how long to wait for it: defined once. Passwords come from the environment or from
 * a URL, never from a flag, which any user of the machine could read.
 */
import {Flags, type Interfaces} from '@oclif/core'
import {UsageError} from '../errors.js'
import {SILENCE_MS} from '../replication/client.js'
import {PATIENCE_MS, RETRIES, RETRY_DELAY_MS} from '../replication/full-resync.js'
import {SENTINEL_PORT} from '../replication/topology.js'
import {maskAddress, parseAddress, type ServerAddress, type TlsOptions} from '../resp/address.js'
import {CONNECT_TIMEOUT_MS} from '../resp/connection.js'
import {PASSWORD_VARIABLE} from '../source/live.js'

export const SENTINEL_PASSWORD_VARIABLE = 'RDBTOOL_SENTINEL_PASSWORD'
const SECONDS_MAX = 1_000_000_000
/** Timers of Node.js count milliseconds in 31 bits; what is longer ends at once. */
const TIMER_SECONDS_MAX = 2_147_483
const RETRIES_MAX = 1000
const PORT_MAX = 65_535
const connection = 'CONNECTION'
const patience = 'TIMEOUT'

/** A span of seconds. */
export const seconds = (description: string, ms: number) => ({
  description: `${description} Default: ${ms / 1000}.`,
  helpGroup: patience,
  helpValue: 'SECONDS',
  parse: async (text: string) => parseSeconds(text, TIMER_SECONDS_MAX),
})

/** One that may not be 0: nothing would be quick enough. */
const timeout = (description: string, ms: number) => ({
  ...seconds(description, ms),
  parse: async (text: string) => {
    const value = parseSeconds(text, TIMER_SECONDS_MAX)
    if (value > 0) return value
    throw new UsageError('0 seconds are too short for any server: give more, such as 0.5')
  },
})

export const connectionFlags = {
  user: Flags.string({
    description: `ACL user; the password comes from ${PASSWORD_VARIABLE} or the URL.`,
    helpGroup: connection,
    helpValue: 'NAME',
  }),
  tls: Flags.boolean({description: 'Speak TLS, as rediss:// does.', helpGroup: connection}),
  ca: Flags.string({
    description: 'Certificates to trust (PEM). Implies --tls.',
    helpGroup: connection,
    helpValue: 'FILE',
  }),
  cert: Flags.string({
    description: 'Our certificate (PEM), for servers that ask for one. Implies --tls.',
    helpGroup: connection,
    helpValue: 'FILE',
  }),
  key: Flags.string({description: 'The key of --cert (PEM).', helpGroup: connection, helpValue: 'FILE'}),
  sni: Flags.string({
    description: 'Name to ask for and to verify; the host unless told. Implies --tls.',
    helpGroup: connection,
    helpValue: 'NAME',
  }),
  'tls-insecure': Flags.boolean({description: 'Take any certificate. Implies --tls.', helpGroup: connection}),
  'connect-timeout': Flags.custom<number>(timeout('For a connection to be accepted.', CONNECT_TIMEOUT_MS))(),
  timeout: Flags.custom<number>(timeout('The longest silence of the master, at any stage.', SILENCE_MS))(),
  wait: Flags.custom<number>(
    seconds('In all, for a master that is loading or has lost its own master.', PATIENCE_MS),
  )(),
  retries: Flags.integer({
    min: 0,
    max: RETRIES_MAX,
    description: `How often a transfer that broke is asked for again; each costs the master a fork. Default: ${RETRIES}.`,
    helpGroup: patience,
    helpValue: 'N',
  }),
  'retry-delay': Flags.custom<number>(seconds('Before the first of them, doubled with each.', RETRY_DELAY_MS))(),
}

export const replicaFlags = {
  'psync-command': Flags.string({
    description: 'What the master calls PSYNC (or SYNC), where it is renamed.',
    helpGroup: connection,
    helpValue: 'NAME',
  }),
  'listening-port': Flags.integer({
    min: 0,
    max: PORT_MAX,
    description: 'Port that the master shows of us in INFO. Default: none is told.',
    helpGroup: connection,
    helpValue: 'N',
  }),
  'ip-address': Flags.string({
    description: 'Address that the master shows of us. Default: where we come from.',
    helpGroup: connection,
    helpValue: 'IP',
  }),
}

type Parsed<T> = Partial<Pick<Interfaces.InferredFlags<T>, keyof Interfaces.InferredFlags<T>>>
export type ConnectionFlags = Parsed<typeof connectionFlags>
export type ReplicaFlags = Parsed<typeof replicaFlags>

/** The address with what the flags and the environment say; what stands in a URL goes before both. */
export function withCredentials(
  address: ServerAddress,
  flags: ConnectionFlags,
  environment: NodeJS.ProcessEnv = process.env,
): ServerAddress {
  const password = address.password ?? environment[PASSWORD_VARIABLE]
  const user = address.user ?? flags.user
  if (user !== undefined && password === undefined) {
    throw new UsageError(`a user needs a password: set ${PASSWORD_VARIABLE}`)
  }
  const tls = tlsOptions(address.tls, flags)
  const found = {...(user === undefined ? {} : {user}), ...(password ? {password} : {}), ...(tls && {tls})}
  return {...address, ...found}
}

/** `NAME@HOST:PORT,HOST:PORT`: who is asked, and for whom. */
export function parseSentinels(text: string): {name: string; addresses: ServerAddress[]} {
  const at = text.indexOf('@')
  const name = text.slice(0, Math.max(at, 0))
  // A URL alone has an @ as well: what stands before it is no name, and maybe a password.
  if (name === '' || name.startsWith(':') || name.includes('://')) {
    const shown = JSON.stringify(maskAddress(text))
    throw new UsageError(`${shown} names no master: give NAME@HOST:PORT, such as mymaster@db1:26379`)
  }
  const addresses = text
    .slice(at + 1)
    .split(',')
    .map(one => parseAddress(one.trim(), SENTINEL_PORT))
  return {name, addresses}
}

/** Sentinels have passwords of their own, from the URL or the environment; TLS they speak where the master does. */
export function sentinelCredentials(
  address: ServerAddress,
  flags: ConnectionFlags,
  environment: NodeJS.ProcessEnv = process.env,
): ServerAddress {
  const password = address.password ?? environment[SENTINEL_PASSWORD_VARIABLE]
  const tls = tlsOptions(address.tls, flags)
  return {...address, ...(password ? {password} : {}), ...(tls && {tls})}
}

/** How long to wait, and how often to try; undefined where nobody said. */
export function patienceOptions(flags: ConnectionFlags): {
  connectTimeoutMs: number | undefined
  silenceMs: number | undefined
  patienceMs: number | undefined
  retries: number | undefined
  retryDelayMs: number | undefined
} {
  const ms = (value: number | undefined): number | undefined => (value === undefined ? undefined : value * 1000)
  return {
    connectTimeoutMs: ms(flags['connect-timeout']),
    silenceMs: ms(flags.timeout),
    patienceMs: ms(flags.wait),
    retries: flags.retries,
    retryDelayMs: ms(flags['retry-delay']),
  }
}

function tlsOptions(named: TlsOptions | undefined, flags: ConnectionFlags): TlsOptions | undefined {
  const {ca, cert, key, sni} = flags
  if ((cert === undefined) !== (key === undefined)) throw new UsageError('--cert and --key belong together: give both')
  const insecure = flags['tls-insecure']
  const wanted = named ?? (flags.tls || ca || cert || sni || insecure ? {} : undefined)
  if (wanted === undefined) return undefined
  return {
    ...wanted,
    ...(ca === undefined ? {} : {ca}),
    ...(cert === undefined ? {} : {cert}),
    ...(key === undefined ? {} : {key}),
    ...(sni === undefined ? {} : {sni}),
    ...(insecure ? {insecure} : {}),
  }
}

export function parseSeconds(text: string, secondsMax: number = SECONDS_MAX): number {
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (seconds <= secondsMax) return seconds
  if (seconds > secondsMax) throw new UsageError(`${text} seconds are too long: give ${secondsMax} or less`)
  throw new UsageError(`${JSON.stringify(text)} are no seconds: give a number such as 30 or 0.5`)
}
