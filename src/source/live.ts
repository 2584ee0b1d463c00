/**
 * A running server as a source: its snapshot is fetched to a temporary file, as a replica would, and read from there.
 */
import {tmpdir} from 'node:os'
import type {ByteSource, ByteWindow} from '../bytes/source.js'
import {SpillError} from '../bytes/spill.js'
import {isSystemError} from '../errors.js'
import {type FullResyncOptions, fullResync, type Resync} from '../replication/full-resync.js'
import type {TransferProgress} from '../replication/observer.js'
import {maskAddress, parseAddress, type ServerAddress} from '../resp/address.js'

/** Passwords that stand in no URL come from here. */
export const PASSWORD_VARIABLE = 'RDBTOOL_PASSWORD'

const ADVICE = '; make room there, or name another folder with TMPDIR'

/** Told how far the transfer is. */
export type OnFetch = (transfer: TransferProgress) => void

/** Opens what a URL stands for; throws WireError, UsageError, and what the file system throws. */
export async function openLive(url: string, onFetch: OnFetch = () => {}): Promise<ByteSource> {
  const observer: FullResyncOptions['observer'] = {
    event: event => {
      if (event.kind === 'receiving') onFetch(event.progress)
    },
  }
  const resync = await fullResync(withPassword(parseAddress(url)), {snapshotOnly: true, observer}).catch(error => {
    // What the disk says has nothing to do with the server.
    throw isSystemError(error) ? new SpillError('write', tmpdir(), 0, error, ADVICE) : error
  })
  try {
    return new LiveSource(maskAddress(url), resync, await resync.source())
  } catch (error) {
    await resync.close()
    throw error
  }
}

function withPassword(address: ServerAddress): ServerAddress {
  const password = address.password ?? process.env[PASSWORD_VARIABLE]
  return password === undefined || password === '' ? address : {...address, password}
}

/** The temporary file goes with the source. */
class LiveSource implements ByteSource {
  readonly path: string

  constructor(
    readonly name: string,
    readonly resync: Resync,
    readonly file: ByteSource,
  ) {
    this.path = resync.spool.path
  }

  get inputBytes(): number {
    return this.file.inputBytes
  }

  get storedBytes(): number {
    return this.file.storedBytes
  }

  get storedRead(): number {
    return this.file.storedRead
  }

  async read(): Promise<ByteWindow | undefined> {
    return await this.file.read()
  }

  async close(): Promise<void> {
    await this.file.close()
    await this.resync.close()
  }
}
