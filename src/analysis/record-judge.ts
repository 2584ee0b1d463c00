/**
 * Whether one record is sound: its value looked into as deeply as a check does,
 * each record by itself.
 */

import type {EntryVisitor} from '../keyspace/visitor.js'
import type {Flaw, RecordJudge, RecordWalker} from '../rdb/record-walker.js'
import type {RdbHeader} from '../rdb/versions.js'
import {SoundnessVisitor} from './soundness.js'
import {parseLibraryHead} from './soundness-function.js'

/** Redis 8.10. */
const TEMPLATE_VERSION = 15
/** Of one record. */
const PROBLEMS_MAX = 1

/** What is no UTF-8 becomes U+FFFD. */
const NO_TEXT = /(?![\t\n\v\f\r])\p{Cc}|\ufffd/u

/** Whether the source of a library is text, as all but a few are: what damage has made of one is not. */
export function isSourceText(source: Uint8Array): boolean {
  return !NO_TEXT.test(new TextDecoder().decode(source))
}

export class SoundnessJudge implements RecordJudge {
  readonly visitor: EntryVisitor
  /** Told of what is no key: of how many are announced, and of functions. */
  others: Omit<EntryVisitor, 'entry'> = {}
  readonly #soundness: SoundnessVisitor
  #walker: RecordWalker | undefined
  #flaw: Flaw | undefined

  constructor(header: RdbHeader) {
    const position = (): number => this.#walker!.offset
    const recordStart = (): number => this.#walker!.recordOffset
    const soundness = new SoundnessVisitor({header, position, recordStart, problemsMax: PROBLEMS_MAX})
    this.#soundness = soundness
    this.visitor = {
      entry: entry => soundness.entry(entry),
      damage: (error, entry) => soundness.damage!(error, entry),
      resizeDb: (db, keys, expires) => this.others.resizeDb?.(db, keys, expires),
      function: source => this.#function(source),
      hashTemplate: () => this.#template(header),
      functionPreGa: () => this.#refuse('FUNCTION_CANDIDATE', 'functions as 7.0 release candidates stored them'),
    }
  }

  /** Says who walks. */
  attach(walker: RecordWalker): void {
    this.#walker = walker
  }

  begin(): void {
    this.#flaw = undefined
    this.#soundness.findings.clear()
  }

  verdict(): Flaw | undefined {
    const {findings} = this.#soundness
    if (findings.errors === 0) return this.#flaw
    const problem = findings.kept().find(({severity}) => severity === 'error')!
    return {code: problem.code, text: problem.text, offset: problem.offset}
  }

  /** Numbers of templates are believed: they must not be garbage. */
  #template({rdbVersion}: RdbHeader): void {
    if (rdbVersion < TEMPLATE_VERSION) this.#refuse('TOO_NEW', 'a hash template in a file of a version that has none')
  }

  #function(source: Uint8Array): void {
    this.others.function?.(source)
    const head = parseLibraryHead(source)
    if (typeof head === 'string') this.#refuse('BAD_FUNCTION', head)
  }

  #refuse(code: string, text: string): void {
    this.#flaw = {code, text, offset: this.#walker!.recordOffset}
  }
}
