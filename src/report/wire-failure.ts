/**
 * What to do when a conversation with a server failed: by what the server said, and how far it had come.
 */
import type {WireCode, WireContext, WireError} from '../errors.js'
import {formatSize} from './units.js'

const ADVICE: Readonly<Partial<Record<WireCode, string>>> = {
  NOT_A_SERVER: 'check the port: 6379 is the usual one (CONFIG GET port), 26379 that of a Sentinel',
  UNEXPECTED_REPLY:
    'a proxy may stand between us, or this is a product of its own: connect to the server itself, and look with --trace',
  PROTECTED_MODE:
    'the server takes connections from its own machine only: run there, or have a password and a bind address configured',
  AUTH_REQUIRED: 'set RDBTOOL_PASSWORD, and --user where the server has ACL users',
  MASTER_NOT_READY: 'wait until it is ready (INFO persistence, INFO replication), or give it longer with --wait',
  NOT_A_MASTER: 'a failover may be under way: try again, give it longer with --wait, or ask another Sentinel',
  MASTER_UNKNOWN: 'SENTINEL MASTERS lists the names that it knows',
  NOT_A_CLUSTER: 'fetch it as one server: rdbtool sync HOST:PORT --out FILE',
  SLOTS_UNCOVERED: 'wait until the cluster is whole: CLUSTER INFO shows cluster_state:ok and 16384 slots assigned',
  LISTEN_FAILED: 'give another --port, or another address with --bind; ports below 1024 are for root',
  MASTER_REFUSED: 'ask the server: ACL LOG and its log file may tell why',
  WRITE_REFUSED:
    'the server says why: memory (maxmemory), a full disk (MISCONF), rights (ACL); mend that, then go on with --resume',
  SERVER_RESTARTED:
    'take the load up with --resume, which then looks at every key again; or load again with --on-conflict skip or replace',
  SNAPSHOT_FAILED:
    "read the master's log: mostly its disk is full, or it may not fork (memory, vm.overcommit_memory); then try again",
}

const CONNECT_ADVICE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'check host and port, and that the server runs and listens on that address (CONFIG GET bind)',
  ENOTFOUND: 'check the spelling of the host',
  ENOENT: 'check the path (CONFIG GET unixsocket)',
  EACCES: 'run as a user who may use the socket (CONFIG GET unixsocketperm)',
}

const TLS_ADVICE: readonly [reasons: RegExp, advice: string][] = [
  [/^WANTS_TLS$/, 'use rediss:// or --tls'],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|UNEXPECTED_MESSAGE|ECONNRESET|^$/,
    'the port may not speak TLS: use redis://, or the port of tls-port',
  ],
  [
    /SELF_SIGNED|UNABLE_TO|CERT_UNTRUSTED|ISSUER/,
    "name the authority that signed it: --ca FILE (the server's tls-ca-cert-file)",
  ],
  [/ALTNAME/, 'the certificate is for another name: give that one with --sni NAME'],
  [/EXPIRED|NOT_YET/, 'renew the certificate of the server, or look at the clocks'],
  [
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNKNOWN_CA|ALERT_/,
    'the server asks for a certificate of ours: --cert FILE --key FILE',
  ],
]

/** On services that are managed, PSYNC is mostly not to be had. */
const NO_PSYNC =
  'managed services often forbid replication: take their export or backup file instead (it is an RDB file), ask their support for ' +
  'a renamed command (--psync-command NAME), or read the keys one by one (SCAN and DUMP)'

export function wireAdvice(error: WireError): string | undefined {
  const {code, context} = error
  switch (code) {
    case 'CONNECT_FAILED':
      return (
        CONNECT_ADVICE[context.reason ?? ''] ?? 'check host and port, and what stands between (a firewall, a proxy)'
      )
    case 'CONNECT_TIMEOUT':
      return context.reason === 'TLS'
        ? 'the port may not speak TLS: use redis://, or the port of tls-port'
        : 'check host and port, and what stands between (a firewall, a proxy); --connect-timeout waits longer'
    case 'TLS_FAILED':
      return (
        TLS_ADVICE.find(([reasons]) => reasons.test(context.reason ?? ''))?.[1] ??
        'look at the certificates on both sides'
      )
    case 'AUTH_FAILED':
      return authAdvice(context.reply ?? '', context.user)
    case 'NO_PERMISSION':
      return permissionAdvice(context)
    case 'COMMAND_UNKNOWN':
      return NO_PSYNC
    case 'SILENCE':
      return context.stage === 'handshake'
        ? 'something else may listen there, or the server is blocked by a slow command; --timeout waits longer'
        : 'the network, or the master, hangs; --timeout waits longer'
    case 'CONNECTION_LOST':
      return lostAdvice(error)
    default:
      return ADVICE[code]
  }
}

/** Of a question about itself, the server's words name the command. */
function permissionAdvice({stage, user = 'default', reply = ''}: WireContext): string {
  const asked = /'([\w|]+)' command/.exec(reply)?.[1]
  if (stage === 'asking' && asked !== undefined) return `let it: ACL SETUSER ${user} +${asked}`
  return `let it: ACL SETUSER ${user} +psync +replconf +ping (a managed service may not: take its export file)`
}

function authAdvice(reply: string, user: string | undefined): string {
  if (/no password is set|without any password/i.test(reply))
    return 'this server has no password: unset RDBTOOL_PASSWORD'
  if (/wrong number of arguments/i.test(reply)) return 'servers before 6.0 know no users: leave out --user'
  if (/unknown command/i.test(reply)) return 'AUTH is renamed or switched off there: ask who runs the server'
  const whose = user === undefined ? 'the password' : `the user ${JSON.stringify(user)} and the password`
  return `check ${whose} (RDBTOOL_PASSWORD, --user, or the URL)`
}

function lostAdvice({context}: WireError): string {
  const {stage, outputBufferLimit, replTimeoutSeconds, reason} = context
  if (reason === 'MUTE') return 'check the port; one that speaks TLS wants rediss:// or --tls'
  if (stage === 'loading')
    return "read the server's log, and what stands between; --wait waits longer for it to come back"
  if (stage !== 'transfer') return "read the master's log: it tells why it closed the connection"
  const limit = outputBufferLimit === undefined ? '' : ` (there: ${limitText(outputBufferLimit)})`
  const timeout = replTimeoutSeconds === undefined ? '' : ` (there: ${replTimeoutSeconds} s)`
  return (
    `mostly the master drops replicas that take long: raise client-output-buffer-limit replica${limit} or ` +
    `repl-timeout${timeout}; its log tells which; a child that died while saving looks the same`
  )
}

/** `268435456 67108864 60` as people write it. */
function limitText(limit: string): string {
  const [hard = 0, soft = 0, seconds = 0] = limit.split(' ').map(Number)
  const size = (bytes: number): string => (bytes === 0 ? 'no limit' : formatSize(bytes))
  return `${size(hard)}, or ${size(soft)} for ${seconds} s`
}
