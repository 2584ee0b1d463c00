/**
 * What became of a command nobody knows: its answer was lost with the connection, or with the run that waited for it. Where the
 * key is there when it goes again, by our own doing or not, the server is asked for its value (DUMP), and that is compared by
 * what it means: servers store it in forms of their own. Its expiry is not compared.
 */
import {createHash, randomFillSync} from 'node:crypto'
import type {DigestSeed} from '../bytes/digest.js'
import type {Int64} from '../bytes/int64.js'
import {DigestVisitor} from '../keyspace/digest.js'
import {NEVER} from '../keyspace/entry.js'
import type {EntryVisitor} from '../keyspace/visitor.js'
import {readPayloadNow} from '../rdb/payload.js'
import type {Refused} from '../resp/pipeline.js'
import type {LoadState} from './load-report.js'

const LF = 0x0a
/** Of a payload: version and checksum. */
const FOOTER_BYTES = 10
/** Smaller values are kept until the answer comes: mostly a server answers with the very bytes. */
const KEPT_BYTES_MAX = 512
/** Forms of streams that know fewer facts than the newest (rdb/opcodes.ts). */
const STREAM_FACTS: Readonly<Record<number, 1 | 2>> = {15: 1, 19: 2}

export class Doubts {
  readonly #again = new Set<number>()
  /** Values that were asked for, by number. */
  readonly #asked = new Map<number, {value: string | Uint8Array; facts: 1 | 2 | 3}>()
  readonly #digests = new Map<number, ValueDigest>()
  readonly #seed = randomFillSync(new Uint8Array(16))

  constructor(readonly state: Pick<LoadState, 'position' | 'sent'>) {}

  /** A command goes again. */
  add(number: number): void {
    this.#again.add(number)
  }

  has(number: number): boolean {
    const {position, sent} = this.state
    return (number >= position && number < sent) || this.#again.has(number)
  }

  /** Notes the value that a RESTORE has; then its key is asked for. */
  ask(command: Refused): void {
    const payload = payloadOf(command)
    const facts = STREAM_FACTS[payload[0]!] ?? 3
    const value = payload.length > KEPT_BYTES_MAX ? this.#digestOf(payload, facts) : payload.slice()
    this.#asked.set(command.number, {value, facts})
  }

  /** Whether what a server answers to DUMP is that value. A key that is gone meanwhile was ours, or is nobody's. */
  isOurs(number: number, payload: Uint8Array | undefined): boolean {
    const {value, facts} = this.#asked.get(number)!
    this.#asked.delete(number)
    if (payload === undefined) return true
    if (typeof value !== 'string' && Buffer.compare(bodyOf(value), bodyOf(payload)) === 0) return true
    return this.#digestOf(payload, facts) === (typeof value === 'string' ? value : this.#digestOf(value, facts))
  }

  #digestOf(payload: Uint8Array, facts: 1 | 2 | 3): string {
    let visitor = this.#digests.get(facts)
    if (visitor === undefined) {
      visitor = new ValueDigest(facts, this.#seed)
      this.#digests.set(facts, visitor)
    }
    try {
      readPayloadNow(payload, visitor, new Uint8Array(0))
      return visitor.value
    } catch {
      // What we cannot read is the same if every byte is.
      return createHash('sha256').update(bodyOf(payload)).digest('hex')
    }
  }
}

class ValueDigest extends DigestVisitor implements EntryVisitor {
  value = ''

  constructor(streamFacts: 1 | 2 | 3, seed: DigestSeed) {
    super({expiry: 'fields', idle: false, frequency: false, consumers: false, streamFacts}, seed)
  }

  entry(): this {
    return this
  }

  /** A server has dropped what has expired. */
  override field(...field: Parameters<DigestVisitor['field']>): void {
    const expireAtMs: Int64 = field[6]
    if (expireAtMs === NEVER || expireAtMs > Date.now()) super.field(...field)
  }

  protected digested(): void {
    this.value = this.digest.out.join()
  }

  protected empty(): void {
    this.value = 'empty'
  }
}

function bodyOf(payload: Uint8Array): Uint8Array {
  return payload.subarray(0, payload.length - FOOTER_BYTES)
}

/** The payload of a RESTORE: the argument behind the expiry, which is behind the key. */
function payloadOf({bytes, keyEnd}: Refused): Uint8Array {
  const expiry = bytes.indexOf(LF, keyEnd + 2) + 1
  const head = bytes.indexOf(LF, expiry) + 1
  const start = bytes.indexOf(LF, head) + 1
  const length = Number(Buffer.from(bytes.buffer, bytes.byteOffset + head + 1, start - 3 - head).toString('latin1'))
  return bytes.subarray(start, start + length)
}
