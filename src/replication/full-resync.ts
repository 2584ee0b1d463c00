/**
 * A full resync to a file: connect, ask, take the payload, and again where that may help, within bounds.
 *
 * A master that cannot serve us now (it loads, its own link is down) is asked again as long as patience lasts: that costs it
 * nothing. A transfer that broke is asked for again a few times only: each costs the master a fork.
 */
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {setTimeout as sleep} from 'node:timers/promises'
import type {ByteSource} from '../bytes/source.js'
import {Spool} from '../bytes/spool.js'
import {FormatError, LimitError, UnsupportedError, WireError} from '../errors.js'
import {SKIP} from '../keyspace/visitor.js'
import {RdbReader} from '../rdb/reader.js'
import type {ChecksumVerdict} from '../rdb/records.js'
import {CHECKSUM_VERSION_MIN} from '../rdb/versions.js'
import {parseAddress, type ServerAddress} from '../resp/address.js'
import {ReplicaClient, type ReplicaOptions} from './client.js'
import type {PayloadHeader} from './replies.js'
import {withServerLimits} from './server-limits.js'

export const RETRIES = 2
export const PATIENCE_MS = 60_000
export const RETRY_DELAY_MS = 1000
const RETRY_DELAY_MS_MAX = 30_000
const CHECKSUM_BYTES = 8
const HEAD_BYTES = 9

export interface FullResyncOptions extends ReplicaOptions {
  /** The name that the snapshot may get: the temporary file is made in its folder. The system's unless told. */
  path?: string | undefined
  /** How often a transfer that broke is asked for again. */
  retries?: number | undefined
  /** How long, in all, to wait for a master that cannot serve us yet. */
  patienceMs?: number | undefined
  /**
   * Reads the snapshot while it arrives, of each attempt from its beginning: only while nothing waits on the wire, which is
   * never slowed. Whether it has arrived whole is known when `fullResync` resolves; reading from an attempt that was
   * given up fails.
   */
  along?: ((source: ByteSource) => void) | undefined
  /** Before the first retry; doubled with each, up to half a minute. */
  retryDelayMs?: number | undefined
}

/** A snapshot that has arrived whole, in a temporary file, and the link it came by. */
export class Resync {
  constructor(
    /** Still connected; `close` it, unless its stream is to be followed. */
    readonly client: ReplicaClient,
    readonly spool: Spool,
    readonly transfer: 'disk' | 'diskless',
    /** Of the bytes as they came over the wire. */
    readonly checksum: ChecksumVerdict,
    /** Times that the master was asked for a snapshot. */
    readonly attempts: number,
  ) {}

  get replicationId(): string {
    return this.client.replicationId
  }

  /** Where in the stream the snapshot stands; -1 where the master did not tell. */
  get offset(): number {
    return this.client.snapshotOffset
  }

  /** Of the snapshot. */
  get bytes(): number {
    return this.spool.bytes
  }

  /** The snapshot, to be read like a file; read it before it is published. */
  async source(): Promise<ByteSource> {
    return await this.spool.source(this.client.name)
  }

  /** Gives the snapshot its final name; a file that is there already is replaced only if forced. */
  async publish(path: string, force = false): Promise<void> {
    await this.spool.publish(path, force)
  }

  /** Leaves the master, and removes the snapshot unless it was published. */
  async close(): Promise<void> {
    this.client.close()
    await this.spool.discard()
  }
}

/**
 * Fetches a snapshot from a running server as its replica would. `server` is an address as on the command line. The
 * snapshot is verified by its checksum; what is in it is for the caller to read.
 */
export async function fullResync(server: string | ServerAddress, options: FullResyncOptions = {}): Promise<Resync> {
  const address = typeof server === 'string' ? parseAddress(server) : server
  const spool = await Spool.create(options.path ?? join(tmpdir(), 'rdbtool'))
  try {
    return await new Attempts(address, spool, options).run()
  } catch (error) {
    await spool.discard()
    throw await withServerLimits(error, address, options.connectTimeoutMs)
  }
}

class Attempts {
  #brokenTransfers = 0
  #failures = 0
  /** Milliseconds that may still be spent on waiting for a master: what a transfer takes is not counted. */
  #patienceMs: number

  constructor(
    readonly address: ServerAddress,
    readonly spool: Spool,
    readonly options: FullResyncOptions,
  ) {
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS
  }

  async run(): Promise<Resync> {
    for (;;) {
      try {
        return await this.#attempt()
      } catch (error) {
        const waitMs = retryDelayMs(this.#failures, this.options)
        if (!this.#mayPass(error as Error, waitMs)) throw error
        this.options.observer?.event?.({kind: 'retrying', failure: error as Error, waitMs})
        await this.#pause(waitMs, error)
        await this.spool.restart()
      }
    }
  }

  /** Whoever is called off while waiting tells what was waited for. */
  async #pause(waitMs: number, failure: unknown): Promise<void> {
    const {signal} = this.options
    try {
      await sleep(waitMs, undefined, signal === undefined ? {} : {signal})
    } catch {
      throw failure
    }
  }

  async #attempt(): Promise<Resync> {
    this.options.signal?.throwIfAborted()
    const client = await ReplicaClient.connect(this.address, this.options)
    try {
      this.options.signal?.throwIfAborted()
      await client.handshake()
      const header = await client.psync()
      return await receiveSnapshot(client, header, this.spool, {...this.options, attempt: this.#failures + 1})
    } catch (error) {
      client.close()
      throw error
    }
  }

  /** Whether to try once more, after so long. */
  #mayPass(error: Error, waitMs: number): boolean {
    const again = this.#failures++ > 0
    if (this.options.signal?.aborted === true) return false
    const code = error instanceof WireError || error instanceof FormatError ? error.code : undefined
    // Who answered before and refuses connections now is starting again.
    if (code === 'MASTER_NOT_READY' || (again && code === 'CONNECT_FAILED')) {
      this.#patienceMs -= waitMs
      return this.#patienceMs > 0
    }
    const {stage} = error instanceof WireError ? error.context : {}
    const broken = (code === 'CONNECTION_LOST' || code === 'SILENCE') && (stage === 'waiting' || stage === 'transfer')
    if (!broken && code !== 'SNAPSHOT_FAILED' && !(error instanceof FormatError)) return false
    return this.#brokenTransfers++ < (this.options.retries ?? RETRIES)
  }
}

/** Before another attempt, after so many that failed. */
export function retryDelayMs(
  failures: number,
  {retryDelayMs: first = RETRY_DELAY_MS}: Pick<FullResyncOptions, 'retryDelayMs'>,
): number {
  return Math.min(first * 2 ** failures, RETRY_DELAY_MS_MAX)
}

/** Takes the snapshot that the master has announced. Throws FormatError where its checksum is wrong. */
export async function receiveSnapshot(
  client: ReplicaClient,
  header: PayloadHeader,
  spool: Spool,
  {along, snapshotOnly, attempt}: Pick<FullResyncOptions, 'along' | 'snapshotOnly'> & {attempt: number},
): Promise<Resync> {
  await client.receive(header, spool, along)
  if (snapshotOnly === true) client.close()
  const checksum = await payloadChecksum(spool)
  if (checksum === 'mismatch') throw await damageOf(spool, client.name, header.transfer)
  return new Resync(client, spool, header.transfer, checksum, attempt)
}

/** What the last eight bytes of the payload say of those before them. */
async function payloadChecksum(spool: Spool): Promise<ChecksumVerdict> {
  const head = Buffer.from(await spool.peek(0, HEAD_BYTES)).toString('latin1')
  const version = Number(/^(?:REDIS|VALKEY)(\d+)$/.exec(head)?.[1])
  const stored = await spool.peek(Math.max(spool.bytes - CHECKSUM_BYTES, 0), CHECKSUM_BYTES)
  if (version < CHECKSUM_VERSION_MIN || stored.every(byte => byte === 0)) return 'absent'
  // With its own checksum behind it, the checksum of any message is zero.
  return spool.checksum.high === 0 && spool.checksum.low === 0 ? 'ok' : 'mismatch'
}

/** Reads a payload whose checksum is wrong, to tell how. */
async function damageOf(spool: Spool, name: string, transfer: 'disk' | 'diskless'): Promise<FormatError> {
  const source = await spool.source(name)
  const reader = new RdbReader(source, {ignoreChecksum: true})
  const announced = transfer === 'disk' ? `the ${spool.bytes} bytes that the master announced` : 'the payload'
  try {
    const {trailingBytes, bytes} = await reader.run({entry: () => SKIP})
    if (trailingBytes > 0) {
      const text = `the snapshot ends ${trailingBytes} bytes before the end of ${announced}`
      return new FormatError('BAD_LENGTH', text, bytes)
    }
    return new FormatError(
      'BAD_CHECKSUM',
      'the checksum is wrong: bytes changed on their way from the master',
      bytes - CHECKSUM_BYTES,
    )
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof UnsupportedError || error instanceof LimitError)) throw error
    const code = error instanceof LimitError ? '' : error.code
    if (error instanceof FormatError && (code === 'BAD_MAGIC' || code === 'BAD_VERSION')) return error
    if (code !== 'TRUNCATED') {
      const text = `the checksum is wrong: bytes changed on their way from the master; the first trace of it: ${error.message}`
      return new FormatError('BAD_CHECKSUM', text, error.offset, {cause: error})
    }
    return new FormatError('TRUNCATED', `${announced} end in the middle of the snapshot`, error.offset, {cause: error})
  } finally {
    await source.close()
  }
}
