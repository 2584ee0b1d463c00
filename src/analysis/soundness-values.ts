/**
 * Verifies the values of a source, whatever stands around them.
 */
import {type FormatError, LimitError} from '../errors.js'
import type {Entry} from '../keyspace/entry.js'
import {CollectionSoundness} from './soundness-collection.js'
import {DistinctElements} from './soundness-distinct.js'
import type {Findings} from './soundness-findings.js'
import type {HugeCollections} from './soundness-huge.js'
import {StreamSoundness} from './soundness-stream.js'
import {OpaqueSoundness, type Position, type ValueSoundness} from './soundness-value.js'

export class ValuesSoundness {
  readonly #opaque: OpaqueSoundness
  readonly #stream: StreamSoundness
  readonly #collection: CollectionSoundness
  #value: ValueSoundness

  constructor(findings: Findings, position: Position, huge: HugeCollections) {
    this.#opaque = new OpaqueSoundness(findings, position)
    this.#stream = new StreamSoundness(findings, position)
    this.#collection = new CollectionSoundness(findings, position, new DistinctElements(), huge)
    this.#value = this.#opaque
  }

  /** Who looks at the value of a key. */
  of({type}: Entry): ValueSoundness {
    const opaque = type === 'string' || type === 'module' || type === 'cron'
    this.#value = opaque ? this.#opaque : type === 'stream' ? this.#stream : this.#collection
    return this.#value
  }

  /** The value shown last is damaged inside, or too large to be looked into. */
  damaged(error: FormatError | LimitError): void {
    const {code, offset, message} = error
    if (error instanceof LimitError) this.#value.unseen(code, offset, `${message}: the value was not looked into`)
    else this.#value.damaged(code, offset, message)
  }
}
