/** Value type -> its writer, as the target stores it. */
import type {ValueType} from '../../keyspace/entry.js'
import type {Policy} from '../policy.js'
import {ArrayWriter} from './array.js'
import {HashWriter} from './hash-writer.js'
import {OldListWriter, QuicklistWriter} from './list.js'
import {ModuleWriter} from './module.js'
import {SetWriter} from './set.js'
import {StreamWriter} from './stream-writer.js'
import {StringWriter} from './string.js'
import type {ValueSink, ValueWriter} from './writer.js'
import {ZsetWriter} from './zset.js'

/** Types that can be written from their elements: a CRON value of KeyDB only as it is stored. */
export type WrittenType = Exclude<ValueType, 'cron'>

/** One writer of each type. They keep state: one at a time is in use. */
export function valueWriters(sink: ValueSink, policy: Policy): Readonly<Record<WrittenType, ValueWriter>> {
  return {
    string: new StringWriter(sink, policy),
    list: policy.quicklist === 'none' ? new OldListWriter(sink, policy) : new QuicklistWriter(sink, policy),
    set: new SetWriter(sink, policy),
    zset: new ZsetWriter(sink, policy),
    hash: new HashWriter(sink, policy),
    stream: new StreamWriter(sink, policy),
    array: new ArrayWriter(sink, policy),
    module: new ModuleWriter(sink, policy),
  }
}
