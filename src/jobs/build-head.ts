/**
 * What stands before the keys of a built file: who wrote it, and what else its
 * first source says of itself that is still true.
 */
import type {Target} from '../rdb/targets.js'
import type {RdbWriter} from '../rdb/writer.js'

/**
 * A server that starts from a file with these asks its master to go on from
 * there: it would never notice that the data is another.
 */
const REPLICATION = new Set(['repl-stream-db', 'repl-id', 'repl-offset'])
const VERSIONS = new Set(['redis-ver', 'valkey-ver'])
/** True of the file that they stand in only. */
const OF_THE_FILE = new Set(['aof-preamble', 'aof-base', 'slot-info', 'cluster-slot-states', 'repl-masters'])
/** They stand at the keys they belong to. */
const OF_A_KEY = new Set(['mvcc-tstamp', 'keydb-subexpire-key', 'keydb-subexpire-when'])
/** What a script was cached under; repeated, once a script. */
const SCRIPT = 'lua'
/** Nobody needs more, and a hostile source could have millions. */
const NAMES_MAX = 1000

/**
 * What a snapshot that a log begins with says of itself: that commands follow it in the file (redis 4.0 to 6.2), or that it
 * is the base of a folder (redis 7.0).
 */
export type LogMark = 'aof-preamble' | 'aof-base'

export interface HeadOptions {
  target: Target
  /** Version and bits only, so that the same data makes the same file. */
  bare: boolean
  nowMs: number
  logMark?: LogMark | undefined
}

export class BuildHead {
  readonly #aux: [name: string, value: Uint8Array, nameBytes?: Uint8Array | undefined][] = []
  #written = false

  constructor(readonly options: HeadOptions) {}

  /** Keeps what a source says; whether it belongs into the file, and where not, whether it is data of a key. */
  add(name: string, value: Uint8Array, writer: RdbWriter, nameBytes?: Uint8Array): 'kept' | 'dropped' | 'of a key' {
    if (OF_A_KEY.has(name)) return 'of a key'
    if (REPLICATION.has(name) || OF_THE_FILE.has(name)) return 'dropped'
    if (name === SCRIPT) {
      if (this.options.bare) return 'dropped'
      this.write(writer)
      writer.aux(name, value)
      return 'kept'
    }
    if (this.#written || this.#aux.length >= NAMES_MAX) return 'dropped'
    if (this.#aux.some(([before]) => before === name)) return 'dropped'
    this.#aux.push([name, value, nameBytes])
    return 'kept'
  }

  /** Writes it, once, before whatever comes first. */
  write(writer: RdbWriter): void {
    if (this.#written) return
    this.#written = true
    const {target, bare, nowMs, logMark} = this.options
    const version = this.#version(target)
    if (version !== undefined) writer.aux(...version)
    writer.aux('redis-bits', Buffer.from('64'))
    if (logMark !== undefined) writer.aux(logMark, Buffer.from('1'))
    if (bare) return
    const others = this.#aux.filter(([name]) => !VERSIONS.has(name) && name !== 'redis-bits')
    if (!others.some(([name]) => name === 'ctime')) {
      others.unshift(['ctime', Buffer.from(String(Math.floor(nowMs / 1000)))])
    }
    for (const [name, value, nameBytes] of others) writer.aux(name, value, nameBytes)
  }

  #version({
    own,
    product,
    serverVersion,
    name,
  }: Target): [name: string, value: Uint8Array, nameBytes?: Uint8Array | undefined] | undefined {
    if (own) return this.#aux.find(([one]) => VERSIONS.has(one))
    // Valkey calls itself so from 8.0 on.
    const valkey = product === 'valkey' && name !== 'valkey-7.2'
    return [valkey ? 'valkey-ver' : 'redis-ver', Buffer.from(serverVersion)]
  }
}
