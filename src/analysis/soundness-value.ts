/**
 * What every check of a value shares: the place of what is being read, and what
 * becomes of a value that is damaged.
 */
import type {Entry} from '../keyspace/entry.js'
import {type Problem, ValueVisitor} from '../keyspace/visitor.js'
import type {Findings} from './soundness-findings.js'

/** Tells the absolute position of the reader: the end of what was shown last. */
export type Position = () => number

export abstract class ValueSoundness extends ValueVisitor {
  override readonly depth = 'nodes'
  /** Part of the value could not be read: what holds of a whole value need not hold. */
  protected broken = false
  #damage: Problem | undefined

  constructor(
    readonly findings: Findings,
    readonly position: Position,
  ) {
    super()
  }

  override begin(_entry: Entry, _count: number | undefined): void {
    this.broken = false
  }

  override end(entry: Entry): void {
    if (this.#damage !== undefined) this.#damage.bytesLost = entry.endOffset - entry.offset
    this.#damage = undefined
    if (!this.broken) this.whole(entry)
    this.broken = false
  }

  /** The value cannot be used: its bytes count as lost once their number is known. */
  damaged(code: string, offset: number, text: string): void {
    this.broken = true
    // A reader that walks a node by itself meets what its check has met.
    if (this.#damage?.code === code && this.#damage.text === text) return
    const problem = this.findings.inEntry(code, 'error', offset, text)
    this.#damage = problem ?? this.#damage
  }

  /** Part of the value was not shown, though nothing is wrong with it as far as anybody knows. */
  unseen(code: string, offset: number, text: string): void {
    this.broken = true
    this.warning(code, offset, text)
  }

  /** All of the value has been shown. */
  protected whole(_entry: Entry): void {}

  protected error(code: string, offset: number, text: string): void {
    this.findings.inEntry(code, 'error', offset, text)
  }

  protected warning(code: string, offset: number, text: string): void {
    this.findings.inEntry(code, 'warning', offset, text)
  }
}

/** Strings, modules: whatever is shown is right if it could be read at all. */
export class OpaqueSoundness extends ValueSoundness {
  override readonly opaqueStrings = true

  override begin(): void {}

  override end(entry: Entry): void {
    if (this.broken) super.end(entry)
  }
}
