/**
 * A collection in memory. Strings are none: they stand in the records of their keys.
 */
import type {Entry, ValueType} from '../keyspace/entry.js'
import type {ValueVisitor} from '../keyspace/visitor.js'

export interface ResidentValue {
  readonly type: ValueType
  /** Elements: of a stream its entries. */
  readonly size: number
  /** Shows everything, between `begin` and `end`; neither is called here. */
  show(visitor: ValueVisitor, entry: Entry): void
  /** Another of the same content. */
  copy(): ResidentValue
  /** While the arena moves its blocks: takes everything along. */
  move(): void
  /** Frees everything; it is not to be used any more. */
  dispose(): void
}
