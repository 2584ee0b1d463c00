/** Streams: entries that are deleted, and what becomes of the groups' pending ones (redis 8.2). */
import type {StreamId} from '../../encoding/stream-id.js'
import {StreamValue} from '../../resident/stream.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, syntaxError} from '../command.js'

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

/** No group waits for an entry any more. */
export function releaseEverywhere(stream: StreamValue, id: StreamId): void {
  for (const group of stream.groups()) group.acknowledge(id)
}

/** IDS n id ... from the argument behind that word. */
export function idsOfBlock(call: Call, at: number): StreamId[] {
  const count = call.number(at)
  if (count < 1) throw new ReplyError('ERR Number of IDs must be a positive integer')
  if (at + count >= call.argc) throw new ReplyError('ERR The `numids` parameter must match the number of arguments')
  return idsFrom(call, at + 1, at + 1 + count)
}

export function idsFrom(call: Call, first: number, end: number): StreamId[] {
  const ids: StreamId[] = []
  for (let arg = first; arg < end; arg++) ids.push(call.id(arg))
  return ids
}

interface Deletion {
  ids: StreamId[]
  references: References
}

/** [KEEPREF|DELREF|ACKED] IDS n id ..., in any order. */
function deletionOf(call: Call, from: number): Deletion {
  let ids: StreamId[] | undefined
  let references: References | undefined
  for (let arg = from; arg < call.argc; arg++) {
    const word = referencesAt(call, arg)
    if (word !== undefined && references === undefined) references = word
    else if (call.is(arg, 'IDS') && ids === undefined) {
      ids = idsOfBlock(call, arg + 1)
      arg += 1 + ids.length
    } else throw syntaxError()
  }
  if (ids === undefined) throw syntaxError()
  return {ids, references: references ?? 'KEEPREF'}
}

/** What is gone already may still be pending: `DELREF` ends that too. */
function deleteAll(stream: StreamValue, {ids, references}: Deletion): void {
  for (const id of ids) {
    if (references === 'ACKED' && isReferenced(stream, id)) continue
    stream.remove(id)
    if (references === 'DELREF') releaseEverywhere(stream, id)
  }
}

/** key id [id ...] */
function xdel(call: Call): void {
  const stream = call.lookup(1, StreamValue)
  if (stream !== undefined) for (const id of idsFrom(call, 2, call.argc)) stream.remove(id)
}

/** key [KEEPREF|DELREF|ACKED] IDS n id ... */
function xdelex(call: Call): void {
  const deletion = deletionOf(call, 2)
  const stream = call.lookup(1, StreamValue)
  if (stream !== undefined) deleteAll(stream, deletion)
}

/** key group [KEEPREF|DELREF|ACKED] IDS n id ...: only what is pending in the group is deleted. */
function xackdel(call: Call): void {
  const {ids, references} = deletionOf(call, 3)
  const stream = call.lookup(1, StreamValue)
  const group = stream?.group(call.text(2))
  if (stream === undefined || group === undefined) return
  deleteAll(stream, {ids: ids.filter(id => group.acknowledge(id)), references})
}

export const streamReferenceCommands: CommandFamily = {
  XDEL: keyed(-3, xdel),
  XDELEX: keyed(-5, xdelex),
  XACKDEL: keyed(-6, xackdel),
}
