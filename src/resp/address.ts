/**
 * Where a server listens, as it is named on a command line.
 *
 *   HOST   HOST:PORT   [IPV6]:PORT
 *   redis://[USER[:PASSWORD]@]HOST[:PORT]     rediss://... with TLS     unix://[USER[:PASSWORD]@]/PATH
 *
 * A URL may end in ?ca=FILE&cert=FILE&key=FILE&sni=NAME&tls-insecure=yes. What stands in a URL is percent-decoded.
 * No message of this file repeats a password.
 */
import {UsageError} from '../errors.js'

export const PORT_DEFAULT = 6379
const PORT_MAX = 65_535

/** What a connection with TLS is made of; certificates are verified unless `insecure`. */
export interface TlsOptions {
  /** Path of the certificates to trust (PEM), instead of those that Node.js trusts. */
  ca?: string | undefined
  /** Paths of our own certificate and its key (PEM), for servers that ask for one. */
  cert?: string | undefined
  key?: string | undefined
  /** The name to ask for and to verify; the host's unless told. */
  sni?: string | undefined
  /** Take any certificate. */
  insecure?: boolean | undefined
}

export interface ServerAddress {
  host: string
  port: number
  /** Of a unix socket, instead of host and port. */
  path?: string | undefined
  user?: string | undefined
  password?: string | undefined
  /** There: the connection is one with TLS. */
  tls?: TlsOptions | undefined
}

const URL_FORM = /^(rediss?|unix):\/\/(.*)$/is
const ANY_URL_FORM = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is
const FORMS = 'give HOST:PORT, [IPV6]:PORT, redis://[USER[:PASSWORD]@]HOST:PORT, rediss://... or unix:///PATH'

/** Whether a name is that of a live server, and not of a file. */
export function isServerUrl(text: string): boolean {
  return URL_FORM.test(text)
}

/** Understands any of the forms above; throws UsageError. */
export function parseAddress(text: string, portDefault: number = PORT_DEFAULT): ServerAddress {
  const shown = maskRefused(text)
  const [, schemeAsWritten, rest] = URL_FORM.exec(text) ?? []
  if (schemeAsWritten === undefined || rest === undefined) {
    const [, other] = ANY_URL_FORM.exec(text) ?? []
    if (other !== undefined) throw wrong(shown, `nothing is known of ${other}: ${FORMS}`)
    return parseHostPort(text, shown, portDefault)
  }
  const scheme = schemeAsWritten.toLowerCase()
  // A question mark may stand in a password, so it is looked for behind the last @.
  const at = rest.lastIndexOf('@')
  const credentials = at < 0 ? {} : parseCredentials(rest.slice(0, at))
  const [where = '', query] = splitOnce(rest.slice(at + 1), '?')
  const tls = parseQuery(query, scheme === 'rediss', shown)
  if (scheme === 'unix') {
    if (!where.startsWith('/'))
      throw wrong(shown, 'the path of a unix socket begins with /, as in unix:///run/redis.sock')
    return {host: '', port: 0, path: decode(where), ...credentials}
  }
  const [hostPort = '', database = ''] = splitOnce(where, '/')
  if (database !== '') {
    throw wrong(
      shown,
      `a full resync brings every database: leave out /${database} and select with --db where it is read`,
    )
  }
  return {...parseHostPort(hostPort, shown, portDefault), ...credentials, ...(tls && {tls})}
}

/** Host and port, or the socket's path: what to call the server in words. */
export function formatAddress({host, port, path}: Pick<ServerAddress, 'host' | 'port' | 'path'>): string {
  if (path !== undefined) return path
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/**
 * The same name, its password replaced: for messages and reports. Of any URL, whether it is one of ours or not, and of
 * what begins with a password; any other text may be the name of a file, and comes back as it is.
 */
export function maskAddress(text: string): string {
  const [, scheme, rest] = ANY_URL_FORM.exec(text) ?? []
  if (scheme !== undefined && rest !== undefined) return scheme + maskCredentials(rest)
  return text.startsWith(':') ? maskCredentials(text) : text
}

/** From the first colon to the last @: what is a name of a user may have an @ or a slash, and so may a password. */
function maskCredentials(text: string): string {
  return text.replace(/^([^:]*):.*@/s, '$1:***@')
}

/** What was meant for an address and is none: a password may stand in it without a scheme, or without a host. */
function maskRefused(text: string): string {
  const [, scheme = '', rest = text] = ANY_URL_FORM.exec(text) ?? []
  if (rest.includes('@')) {
    // Without a scheme no user stands before an @; it may be the rest of a password that a comma has cut.
    return scheme === '' && !/:.*@/s.test(rest) ? rest.replace(/^.*@/s, '***@') : scheme + maskCredentials(rest)
  }
  if (scheme === '' && !text.startsWith(':')) return text
  return scheme + rest.replace(/^([^:/?[\]]*):(?!:|\d*([/?]|$)).*$/s, '$1:***')
}

function parseHostPort(text: string, shown: string, portDefault: number): ServerAddress {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text)
  // More than one colon without brackets: an IPv6 address alone.
  const bare =
    bracketed ??
    (text.split(':').length > 2 ? /^([0-9a-fA-F:.%\w]+)$/.exec(text) : /^([^:\s/@]+)(?::(\d+))?$/.exec(text))
  if (bare === null) throw wrong(shown, FORMS)
  const port = bare[2] === undefined ? portDefault : Number(bare[2])
  if (port < 1 || port > PORT_MAX) throw wrong(shown, `a port is a number from 1 to ${PORT_MAX}`)
  return {host: decode(bare[1]!), port}
}

function parseCredentials(text: string): Pick<ServerAddress, 'user' | 'password'> {
  const [user = '', password] = splitOnce(text, ':')
  return {
    ...(user === '' ? {} : {user: decode(user)}),
    ...(password === undefined || password === '' ? {} : {password: decode(password)}),
  }
}

function parseQuery(query: string | undefined, secure: boolean, shown: string): TlsOptions | undefined {
  const tls: TlsOptions = {}
  for (const [name, value] of new URLSearchParams(query ?? '')) {
    if (name === 'ca' || name === 'cert' || name === 'key' || name === 'sni') tls[name] = value
    else if (name === 'tls-insecure' && value === 'yes') tls.insecure = true
    else throw wrong(shown, `there is no option ${JSON.stringify(name)}: give ca, cert, key, sni, or tls-insecure=yes`)
  }
  if (!secure && Object.keys(tls).length > 0) throw wrong(shown, 'these options belong to TLS: begin with rediss://')
  return secure ? tls : undefined
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that encodes nothing stands for itself.
    return text
  }
}

function wrong(shown: string, advice: string): UsageError {
  return new UsageError(`${JSON.stringify(shown)} is no address of a server: ${advice}`)
}
