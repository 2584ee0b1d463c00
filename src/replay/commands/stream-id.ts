/** Streams: IDs as commands spell them. */
import {StreamId} from '../../encoding/stream-id.js'
import type {Call} from '../call.js'
import {ReplyError} from '../command.js'

const LAST = 0xffff_ffff

/** Whether no ID comes after it. */
export function isLastId({msHigh, msLow, seqHigh, seqLow}: StreamId): boolean {
  return msHigh === LAST && msLow === LAST && seqHigh === LAST && seqLow === LAST
}

/** Becomes the next ID of all. */
export function increment(id: StreamId): void {
  if (id.seqHigh === LAST && id.seqLow === LAST) {
    id.setSeq(0)
    id.add(0, 1, 0, 0)
  } else {
    id.add(0, 0, 0, 1)
  }
}

/** An ID; `-` the lowest and `+` the highest of all. */
export function anyId(call: Call, arg: number): StreamId {
  if (call.is(arg, '-')) return new StreamId()
  if (!call.is(arg, '+')) return call.id(arg)
  const id = new StreamId()
  id.msHigh = id.msLow = id.seqHigh = id.seqLow = LAST
  return id
}

/** Where a range of IDs starts: at an ID, or behind one that follows a parenthesis. */
export function rangeStart(call: Call, arg: number): StreamId {
  const text = call.text(arg)
  if (text.length < 2 || text[0] !== '(') return anyId(call, arg)
  const id = StreamId.parse(text.slice(1))
  if (id === undefined) throw new ReplyError('ERR Invalid stream ID specified as stream command argument')
  if (isLastId(id)) throw new ReplyError('ERR invalid start ID for the interval')
  increment(id)
  return id
}
