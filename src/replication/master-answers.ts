/**
 * What a master says to whoever is no replica: enough for `redis-cli`, for scripts that look at replication, and for
 * monitoring; everything else is refused in words that tell what listens here.
 */
import type {ReplicaStatus} from './master-events.js'

/** What answers are made of. */
export interface MasterFacts {
  replicationId: string
  /** Of the stream. */
  offset: number
  port: number
  backlog: {bytesMax: number; first: number; end: number}
  replicas: readonly ReplicaStatus[]
  clients: number
}

export const NOTHING_SERVED =
  'rdbtool serve hands a snapshot to replicas and answers no commands on keys: run REPLICAOF on a server to load it'

/** A whole reply to a command; `args` are without its name. */
export function answer(name: string, args: readonly string[], facts: () => MasterFacts): string {
  const [first = ''] = args
  switch (name) {
    case 'PING':
      return first === '' ? '+PONG\r\n' : bulkReply(first)
    case 'ECHO':
      return args.length === 1 ? bulkReply(first) : arityError(name)
    case 'SELECT':
      return /^\d{1,9}$/.test(first) ? '+OK\r\n' : '-ERR value is not an integer or out of range\r\n'
    case 'ROLE':
      return roleReply(facts())
    case 'INFO':
      return bulkReply(infoText(facts(), args))
    case 'CLIENT':
      // What clients tell of themselves on connecting, asked or not.
      return /^(setname|setinfo|reply)$/i.test(first) ? '+OK\r\n' : unknown(`${name} ${first}`)
    case 'COMMAND':
      return /^(docs)?$/i.test(first) ? '*0\r\n' : unknown(`${name} ${first}`)
    default:
      return unknown(name)
  }
}

export function arityError(name: string): string {
  return `-ERR wrong number of arguments for '${shown(name.toLowerCase())}' command\r\n`
}

/** An error reply is one line, whatever was said to cause it. */
export function errorReply(text: string, code = 'ERR'): string {
  return `-${code} ${shown(text, 500)}\r\n`
}

export function bulkReply(text: string): string {
  return `$${Buffer.byteLength(text, 'latin1')}\r\n${text}\r\n`
}

function unknown(command: string): string {
  return errorReply(`unknown command '${shown(command)}': ${NOTHING_SERVED}`)
}

function shown(text: string, charactersMax = 128): string {
  return text.replace(/[^\x20-\x7e]/g, '.').slice(0, charactersMax)
}

/** HELLO, of which RESP2 is spoken. */
export function helloReply(protocol: string | undefined): string {
  if (protocol !== undefined && protocol !== '2') return '-NOPROTO unsupported protocol version\r\n'
  const fields = ['server', 'redis', 'version', '0.0.0', 'proto', 2, 'mode', 'standalone', 'role', 'master'] as const
  const replies = fields.map(one => (typeof one === 'number' ? `:${one}\r\n` : bulkReply(one)))
  return `*${replies.length + 2}\r\n${replies.join('')}${bulkReply('modules')}*0\r\n`
}

function roleReply({offset, replicas}: MasterFacts): string {
  const rows = known(replicas).map(
    ({ip, port, acknowledged}) =>
      `*3\r\n${[ip, String(port), String(Math.max(acknowledged, 0))].map(bulkReply).join('')}`,
  )
  return `*3\r\n${bulkReply('master')}:${offset}\r\n*${rows.length}\r\n${rows.join('')}`
}

function known(replicas: readonly ReplicaStatus[]): ReplicaStatus[] {
  return replicas.filter(({state}) => state !== 'handshake' && state !== 'closed')
}

/** The names of servers (redis 7.0 server.c), for the sections that there is something to say in. */
function infoText(facts: MasterFacts, sections: readonly string[]): string {
  const wanted = sections.map(one => one.toLowerCase())
  const everything = wanted.length === 0 || wanted.some(one => /^(default|all|everything)$/.test(one))
  const parts: string[] = []
  if (everything || wanted.includes('server')) {
    parts.push(section('Server', {redis_mode: 'standalone', process_id: process.pid, tcp_port: facts.port}))
  }
  if (everything || wanted.includes('clients')) {
    parts.push(section('Clients', {connected_clients: facts.clients}))
  }
  if (everything || wanted.includes('replication')) parts.push(section('Replication', replicationFields(facts)))
  return parts.join('\r\n')
}

function replicationFields({replicationId, offset, backlog, replicas}: MasterFacts): Record<string, string | number> {
  const attached = known(replicas)
  const fields: Record<string, string | number> = {role: 'master', connected_slaves: attached.length}
  for (const [i, {ip, port, state, acknowledged, silentMs}] of attached.entries()) {
    const lag = state === 'online' ? Math.floor(silentMs / 1000) : 0
    fields[`slave${i}`] =
      `ip=${ip},port=${port},state=${STATES[state] ?? state},offset=${Math.max(acknowledged, 0)},lag=${lag}`
  }
  return {
    ...fields,
    master_failover_state: 'no-failover',
    master_replid: replicationId,
    master_replid2: '0'.repeat(replicationId.length),
    master_repl_offset: offset,
    second_repl_offset: -1,
    repl_backlog_active: 1,
    repl_backlog_size: backlog.bytesMax,
    repl_backlog_first_byte_offset: backlog.first,
    repl_backlog_histlen: backlog.end - backlog.first + 1,
  }
}

/** In the words of servers, to which a replica is online as soon as its snapshot has been sent. */
const STATES: Readonly<Record<string, string>> = {waiting: 'wait_bgsave', sending: 'send_bulk', loading: 'online'}

function section(title: string, fields: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}:${value}\r\n`)
  return `# ${title}\r\n${lines.join('')}`
}
