/**
 * What a replica says of itself before it asks for the data (REPLCONF), and which snapshots it reads by that.
 *
 *   listening-port N   ip-address A                 what to call it
 *   capa NAME ...                                   eof (redis 2.8.18), psync2 (4.0), rdb-channel-repl (redis 8.0), ...
 *   version X.Y.Z                                   valkey 8.0 and later
 *   rdb-only 1   rdb-filter-only "[functions]"      redis-cli --rdb (6.2), --functions-rdb (7.0)
 *
 * Redis never says its version; some of it follows from what else it says.
 */
import type {Family} from '../rdb/opcodes.js'

/** Which part of the data is wanted. */
export type SnapshotPart = 'all' | 'functions' | 'nothing'

export interface Announced {
  listeningPort: number | undefined
  ip: string | undefined
  capabilities: Set<string>
  /** Of a Valkey server. */
  version: string | undefined
  /** The connection is to end behind the snapshot. */
  snapshotOnly: boolean
  part: SnapshotPart
  /** It said more before it was answered: of who says where it listens, the answer to that is kept back for a while. */
  pipelined: boolean
}

export function nothingAnnounced(): Announced {
  return {
    listeningPort: undefined,
    ip: undefined,
    capabilities: new Set(),
    version: undefined,
    snapshotOnly: false,
    part: 'all',
    pipelined: false,
  }
}

/** Which RDB versions a replica is known to read: all of its family up to this one, and of Redis's up to 11. */
export interface Readable {
  family: Family
  rdbVersion: number
  /** It reads no later ones; Infinity where that is not known. */
  rdbVersionMax: number
}

/** Of one connection's capabilities and names; nobody has more. */
const CAPABILITIES_MAX = 32
const NAME_BYTES_MAX = 255
const PORT_MAX = 65_535
/** A transfer over two connections is never offered: its options make no sense here. */
const FLAGS = ['set-cluster-node-id']

/** Takes the options of a REPLCONF; returns what is wrong with one of them, in the words of servers. */
export function announce(announced: Announced, options: readonly string[]): string | undefined {
  if (options.length % 2 !== 0) return 'syntax error'
  for (let i = 0; i < options.length; i += 2) {
    const wrong = takeOption(announced, options[i]!.toLowerCase(), options[i + 1]!)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function takeOption(announced: Announced, option: string, value: string): string | undefined {
  switch (option) {
    case 'listening-port': {
      const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN
      if (!(port <= PORT_MAX)) return 'value is not an integer or out of range'
      announced.listeningPort = port
      return undefined
    }
    case 'ip-address':
      // It is shown to others, in lines.
      if (!/^[!-+\--~]*$/.test(value) || value.length > NAME_BYTES_MAX) return 'this is no ip-address'
      announced.ip = value === '' ? undefined : value
      return undefined
    case 'capa':
      if (announced.capabilities.size < CAPABILITIES_MAX) announced.capabilities.add(value.slice(0, NAME_BYTES_MAX))
      return undefined
    case 'version':
      if (!/^\d{1,3}(\.\d{1,3}){1,2}/.test(value)) return `Unrecognized version format: ${value.slice(0, 20)}`
      announced.version = value.slice(0, 20)
      return undefined
    case 'rdb-only':
      announced.snapshotOnly = value !== '0'
      return undefined
    case 'rdb-filter-only':
      if (!/^(functions)?$/i.test(value.trim())) return 'Unsupported rdb-filter-only option'
      announced.part = value.trim() === '' ? 'nothing' : 'functions'
      return undefined
    default:
      return FLAGS.includes(option) ? undefined : `Unrecognized REPLCONF option: ${option.slice(0, 128)}`
  }
}

/**
 * What is known of a replica by what it announced; undefined of who is no server, and loads nothing: every server since redis
 * 2.8 says where it listens, programs that take a file do not. A version (valkey 9.0 reads its own 80, earlier ones 11), two-connection
 * transfers (redis 8.0), several options at once (replicas from redis 6.2 on do not wait for each answer), psync2 (4.0). Who waits
 * is of redis 6.0 or before, and of 3.2 or before without psync2.
 */
export function readableBy({
  listeningPort,
  snapshotOnly,
  version,
  capabilities,
  pipelined,
}: Announced): Readable | undefined {
  if (listeningPort === undefined || snapshotOnly) return undefined
  if (version !== undefined) {
    const own = Number(version.split('.')[0]) >= 9
    return own
      ? {family: 'valkey', rdbVersion: 80, rdbVersionMax: 80}
      : {family: 'redis', rdbVersion: 11, rdbVersionMax: 11}
  }
  const [rdbVersion, waitingMax] = redisVersions(capabilities, pipelined)
  return {family: 'redis', rdbVersion, rdbVersionMax: pipelined ? Number.POSITIVE_INFINITY : waitingMax}
}

/** What is read for certain, and the most that one reads who waits for each answer. */
function redisVersions(capabilities: ReadonlySet<string>, pipelined: boolean): [known: number, waitingMax: number] {
  if (capabilities.has('rdb-channel-repl')) return [12, Number.POSITIVE_INFINITY]
  if (capabilities.has('psync2')) return [pipelined ? 9 : 8, 9]
  return [6, 7]
}
