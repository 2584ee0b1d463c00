/**
 * A socket to a server, plain, with TLS or on a unix path: pieces come as they arrive, one `read` each, and no more of
 * them are taken from the system than are wanted.
 */
import {readFileSync} from 'node:fs'
import {connect as connectPlain, isIP, type Socket} from 'node:net'
import type {ConnectionOptions, TLSSocket} from 'node:tls'
import {UsageError, WireError} from '../errors.js'
import {formatAddress, type ServerAddress, type TlsOptions} from './address.js'

export const CONNECT_TIMEOUT_MS = 10_000

/** Bytes that may wait for a reader before the system is told to wait. */
const QUEUE_BYTES_MAX = 1024 * 1024

/** Nothing arrived within the time given. */
export const SILENT: unique symbol = Symbol('silent')

export class Connection {
  readonly address: string
  #pieces: Uint8Array[] = []
  #queued = 0
  #ended = false
  #failure: Error | undefined
  #wake: (() => void) | undefined
  /** Who has other work to do while nothing arrives. */
  #idlers: (() => void)[] = []

  private constructor(
    readonly socket: Socket,
    address: ServerAddress,
  ) {
    this.address = formatAddress(address)
    socket.setNoDelay(true)
    socket.on('data', piece => this.#arrived(piece))
    socket.on('error', error => this.#fail(error))
    socket.on('close', () => this.#end())
    socket.on('end', () => this.#end())
  }

  /** Connects, or throws a WireError that says why not. */
  static async open(address: ServerAddress, timeoutMs: number = CONNECT_TIMEOUT_MS): Promise<Connection> {
    return new Connection(await dial(address, timeoutMs), address)
  }

  /** The next piece, undefined at the end, or SILENT when nothing came for so long. */
  async read(withinMs: number): Promise<Uint8Array | undefined | typeof SILENT> {
    if (this.#pieces.length === 0 && !this.#ended) await this.#wait(withinMs)
    const piece = this.#pieces.shift()
    if (piece !== undefined) {
      this.#queued -= piece.length
      if (this.#queued <= QUEUE_BYTES_MAX && this.socket.isPaused()) this.socket.resume()
      return piece
    }
    return this.#ended ? undefined : SILENT
  }

  /** Whatever broke the connection; undefined where the other side closed it in good order. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Resolves as soon as everything that has arrived was read, and more is waited for; or when no more will come. */
  async idle(): Promise<void> {
    if (this.#ended || this.#wake !== undefined) return
    await new Promise<void>(resolve => this.#idlers.push(resolve))
  }

  send(bytes: Uint8Array): void {
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(bytes)
  }

  /** Sends what is still to be sent, and is gone. */
  close(): void {
    this.socket.end()
    // What arrives from now on is nobody's.
    this.socket.resume()
    this.socket.destroySoon()
  }

  #arrived(piece: Uint8Array): void {
    this.#pieces.push(piece)
    this.#queued += piece.length
    if (this.#queued > QUEUE_BYTES_MAX) this.socket.pause()
    this.#wakeUp()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#end()
  }

  #end(): void {
    this.#ended = true
    this.#tellIdlers()
    this.#wakeUp()
  }

  #wakeUp(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  #tellIdlers(): void {
    for (const resolve of this.#idlers.splice(0)) resolve()
  }

  #wait(withinMs: number): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => this.#wakeUp(), withinMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
      this.#tellIdlers()
    })
  }
}

/** A socket that is connected, and with TLS through its handshake. */
async function dial(address: ServerAddress, timeoutMs: number): Promise<Socket> {
  const {host, port, path, tls} = address
  const where = path === undefined ? {host, port} : {path}
  const socket = tls === undefined ? connectPlain(where) : await beginTls({...where, ...tlsSettings(tls, host)})
  return await new Promise((resolve, reject) => {
    const ready = tls === undefined ? 'connect' : 'secureConnect'
    const settle = (): void => {
      clearTimeout(timer)
      socket.off(ready, onReady).off('error', onError).off('close', onClose)
    }
    const refuse = (error: WireError): void => {
      settle()
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    const onReady = (): void => {
      settle()
      resolve(socket)
    }
    const onError = (error: Error): void => refuse(connectError(address, error))
    const onClose = (): void => refuse(connectError(address, new Error('the connection was closed')))
    const timer = setTimeout(() => refuse(connectTimeout(address, socket, timeoutMs)), timeoutMs)
    socket.once(ready, onReady).once('error', onError).once('close', onClose)
  })
}

/** Loaded when it is wanted: it takes as long to load as a small snapshot to read. */
async function beginTls(options: ConnectionOptions): Promise<TLSSocket> {
  const {connect} = await import('node:tls')
  return connect(options)
}

function tlsSettings({ca, cert, key, sni, insecure}: TlsOptions, host: string): ConnectionOptions {
  // A name, never an address, may be asked for (RFC 6066).
  const servername = sni ?? (isIP(host) === 0 ? host : '')
  return {
    servername,
    rejectUnauthorized: insecure !== true,
    ...(ca === undefined ? {} : {ca: readPem('ca', ca)}),
    ...(cert === undefined ? {} : {cert: readPem('cert', cert)}),
    ...(key === undefined ? {} : {key: readPem('key', key)}),
  }
}

function readPem(what: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UsageError(`the file of ${what} cannot be read: ${(error as Error).message}`)
  }
}

function connectTimeout(address: ServerAddress, socket: Socket | TLSSocket, timeoutMs: number): WireError {
  const name = formatAddress(address)
  const seconds = timeoutMs / 1000
  const began = !socket.connecting && address.tls !== undefined
  const what = began ? 'accepted the connection, but no TLS handshake came of it' : 'did not accept a connection'
  const context = {stage: 'connecting', reason: began ? 'TLS' : undefined} as const
  return new WireError('CONNECT_TIMEOUT', `${name} ${what} within ${seconds} s`, name, context)
}

function connectError(address: ServerAddress, error: NodeJS.ErrnoException): WireError {
  const name = formatAddress(address)
  const reason = error.code
  const context = {stage: 'connecting', reason} as const
  if (address.tls !== undefined && isTlsReason(reason)) {
    return new WireError('TLS_FAILED', `no TLS connection with ${name}: ${tlsWords(error)}`, name, context, {
      cause: error,
    })
  }
  const words = REASONS[reason ?? ''] ?? error.message
  return new WireError('CONNECT_FAILED', `cannot connect to ${name}: ${words}`, name, context, {cause: error})
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there (ECONNREFUSED)',
  ENOTFOUND: 'there is no host of that name (ENOTFOUND)',
  EAI_AGAIN: 'the name server does not answer (EAI_AGAIN)',
  EHOSTUNREACH: 'no way leads to that host (EHOSTUNREACH)',
  ENETUNREACH: 'no way leads to that network (ENETUNREACH)',
  ETIMEDOUT: 'it does not answer (ETIMEDOUT)',
  ECONNRESET: 'it closed the connection at once (ECONNRESET)',
  ENOENT: 'there is no such socket (ENOENT)',
  EACCES: 'permission denied (EACCES)',
}

/** The system's own reasons have nothing to do with TLS, whatever was to be spoken. A reset in the handshake has. */
function isTlsReason(reason: string | undefined): boolean {
  return reason === undefined || reason === 'ECONNRESET' || !(reason in REASONS)
}

/** What OpenSSL says is meant for programmers: `80DB...:error:0A00010B:SSL routines:...:wrong version number:...`. */
function tlsWords({code, message}: NodeJS.ErrnoException): string {
  const said = /SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message
  return code === undefined ? said : `${said} (${code})`
}

/** A broken connection may have been broken by the TLS layer: a certificate that the server refuses shows late. */
export function isTlsFailure(error: Error | undefined): boolean {
  const {code} = (error ?? {}) as NodeJS.ErrnoException
  return code !== undefined && /^ERR_SSL_|^ERR_TLS_|^EPROTO$/.test(code)
}
