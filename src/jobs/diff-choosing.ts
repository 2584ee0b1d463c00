/**
 * Which keys are compared. Where type, expiry or size decide, what a key is on one side does not tell what it is on the
 * other: a key is compared where either side's is chosen.
 *
 *   by key     database, patterns, slot: refused on one side is refused on both, and not looked at
 *   by value   type, expiry, size: all are digested, those that are not chosen marked
 */
import type {Bitmap} from '../bytes/bitmap.js'
import type {Entry} from '../keyspace/entry.js'
import {SelectingVisitor, Selection, type SelectionOptions} from '../keyspace/selection.js'
import type {EntryVisitor, ValueVisitor} from '../keyspace/visitor.js'
import type {DigestPass} from './diff-digests.js'

export class SideSelection {
  readonly all: Selection
  readonly #byKey: Selection
  readonly #byValue: boolean

  constructor(options: SelectionOptions) {
    this.all = new Selection(options, 'later')
    const {types, expired, ttl, minBytes, maxBytes, ...byKey} = options
    this.#byKey = new Selection(byKey)
    this.#byValue = !new Selection({types, expired, ttl, minBytes, maxBytes}, 'later').everything
  }

  /** Shows a visitor all that may have to be looked at. */
  showing(visitor: EntryVisitor): EntryVisitor {
    return this.#byKey.everything ? visitor : new SelectingVisitor(this.#byKey, visitor)
  }

  /** The same of a pass that is told which are chosen; `wrongSize`: numbers of entries that their size leaves out. */
  marking(pass: DigestPass, wrongSize?: Bitmap): EntryVisitor {
    return this.#byValue ? new MarkingVisitor(this.#byKey, this.all, pass, wrongSize) : this.showing(pass)
  }
}

class MarkingVisitor extends SelectingVisitor {
  #number = -1

  constructor(
    byKey: Selection,
    readonly all: Selection,
    readonly pass: DigestPass,
    readonly wrongSize: Bitmap | undefined,
  ) {
    super(byKey, pass)
  }

  override entry(entry: Entry): ValueVisitor {
    this.#number++
    this.pass.chosen = this.all.takes(entry) && this.wrongSize?.has(this.#number) !== true
    return super.entry(entry)
  }
}
