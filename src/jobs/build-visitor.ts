/**
 * Between sources and the file that is built of them: which entries go in, and
 * what is counted.
 */
import type {Entry} from '../keyspace/entry.js'
import type {Selection, SkipReason} from '../keyspace/selection.js'
import {type EntryVisitor, type ModuleAux, type Problem, SKIP, type ValueVisitor} from '../keyspace/visitor.js'
import type {RdbWriter} from '../rdb/writer.js'
import type {BuildHead} from './build-head.js'

export class BuildVisitor implements EntryVisitor {
  keysIn = 0
  problem: (problem: Problem) => void = () => {}
  readonly #skipped = new Map<string, number>()

  constructor(
    readonly writer: RdbWriter,
    readonly head: BuildHead,
    readonly selection: Selection,
  ) {}

  entry(entry: Entry): ValueVisitor {
    this.keysIn++
    const reason = this.selection.refusal(entry)
    if (reason !== undefined) return this.#skip(reason)
    this.head.write(this.writer)
    return this.writer.entry(entry)
  }

  aux(name: string, value: Uint8Array): void {
    this.head.add(name, value, this.writer)
  }

  function(source: Uint8Array): void {
    this.head.write(this.writer)
    this.writer.function(source)
  }

  /** Servers refuse the form of release candidates: the same library, in the form that they take. */
  functionPreGa(name: Uint8Array, engine: Uint8Array, code: Uint8Array): void {
    this.function(Buffer.concat([Buffer.from('#!'), engine, Buffer.from(' name='), name, Buffer.from('\n'), code]))
  }

  moduleAux(aux: ModuleAux): void {
    this.head.write(this.writer)
    this.writer.moduleAux(aux)
  }

  hashTemplate(id: number, fields: readonly Uint8Array[]): void {
    if (!this.writer.options.templates) return
    this.head.write(this.writer)
    this.writer.hashTemplate(id, fields)
  }

  /** What became of all keys. */
  counts(): {
    keysIn: number
    keysOut: number
    skipped: {reason: string; keys: number}[]
    lost: {what: string; keys: number}[]
  } {
    const {keys, emptied, hintsDropped} = this.writer
    const skipped = [...this.#skipped].map(([reason, count]) => ({reason, keys: count}))
    if (emptied > 0) skipped.push({reason: 'empty', keys: emptied})
    const lost = [...hintsDropped].map(([what, count]) => ({what, keys: count}))
    return {keysIn: this.keysIn, keysOut: keys, skipped, lost}
  }

  #skip(reason: SkipReason): ValueVisitor {
    this.#skipped.set(reason, (this.#skipped.get(reason) ?? 0) + 1)
    return SKIP
  }
}
