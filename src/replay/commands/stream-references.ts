/** What becomes of a group's pending entries when the entries themselves are deleted (redis 8.2). */
import type {StreamId} from '../../encoding/stream-id.js'
import type {StreamValue} from '../../resident/stream.js'
import type {Call} from '../call.js'

/** `KEEPREF` leaves them, `DELREF` removes them too, `ACKED` deletes only what every group has read and acknowledged. */
export type References = 'KEEPREF' | 'DELREF' | 'ACKED'

const WORDS: readonly References[] = ['KEEPREF', 'DELREF', 'ACKED']

export function referencesAt(call: Call, arg: number): References | undefined {
  return WORDS.find(word => call.is(arg, word))
}

/** Whether a group has still to read or to acknowledge an entry. */
export function isReferenced(stream: StreamValue, id: StreamId): boolean {
  for (const group of stream.groups()) {
    if (id.compare(group.lastId) > 0 || group.pending(id) !== undefined) return true
  }
  return false
}

/** Deletes an entry; false where it is not there. */
export function removeEntry(stream: StreamValue, id: StreamId, references: References): boolean {
  if (!stream.remove(id)) return false
  if (references === 'DELREF') for (const group of stream.groups()) group.acknowledge(id)
  return true
}
