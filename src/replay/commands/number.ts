/** Strings that are numbers. */
import {formatInt64, type Halves, parseInt64} from '../../bytes/int64.js'
import {
  addLongDoubles,
  formatLongDouble,
  type LongDouble,
  parseLongDouble,
  ZERO_LONG_DOUBLE,
} from '../../bytes/long-double.js'
import {RecordPlace} from '../../resident/byte-table.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, NOT_FLOAT, NOT_INTEGER, ReplyError, UnreplayableError} from '../command.js'

const OVERFLOW = 'ERR increment or decrement would overflow'
const NOT_FINITE = 'ERR increment would produce NaN or Infinity'

const place = new RecordPlace()
const halves: Halves = {high: 0, low: 0}
const digits = new Uint8Array(24)

/** Adds to a number that is in halves, leaving the sum there. Throws where it is beyond 64 bits. */
export function addTo(value: Halves, high: number, low: number, overflow = OVERFLOW): void {
  const sumLow = value.low + low
  const sumHigh = value.high + high + (sumLow > 0xffff_ffff ? 1 : 0)
  if (sumHigh > 0x7fff_ffff || sumHigh < -0x8000_0000) throw new ReplyError(overflow)
  value.high = sumHigh
  value.low = sumLow >>> 0
}

/** Adds to the integer at a key; one that is not there is 0. */
function add(call: Call, high: number, low: number): void {
  const entry = call.findString(1)
  const {db} = call
  halves.high = halves.low = 0
  if (entry >= 0) {
    db.place(entry, place)
    if (!parseInt64(place.bytes, place.end, place.payloadEnd, halves)) throw new ReplyError(NOT_INTEGER)
  }
  addTo(halves, high, low)
  const end = formatInt64(halves.high, halves.low, digits, 0)
  if (entry < 0) {
    db.setString(call.bytes, call.start(1), call.end(1), digits, 0, end)
    return
  }
  // Mostly as many digits as before: they go where those were.
  if (place.payloadEnd - place.end !== end) {
    db.resize(entry, end)
    db.place(entry, place)
  }
  for (let i = 0; i < end; i++) place.bytes[place.end + i] = digits[i]!
}

function decrby(call: Call): void {
  const {high, low} = call.halves(2)
  if (high === -0x8000_0000 && low === 0) throw new ReplyError('ERR decrement would overflow')
  add(call, low === 0 ? -high : ~high, -low >>> 0)
}

type Float = LongDouble | 'infinite'

/** The number that bytes spell. */
/** Longer texts are no numbers to a server (MAX_LONG_DOUBLE_CHARS). */
const NUMBER_BYTES_MAX = 5 * 1024

export function floatOf(bytes: Uint8Array, start: number, end: number, notFloat = NOT_FLOAT): Float {
  if (end - start > NUMBER_BYTES_MAX) throw new ReplyError(notFloat)
  const value = parseLongDouble(Buffer.prototype.latin1Slice.call(bytes, start, end))
  if (value === undefined) throw new ReplyError(notFloat)
  return value
}

/** The sum, as the server prints it. */
export function sumOfFloats(one: Float, other: Float): Uint8Array {
  const sum = one === 'infinite' || other === 'infinite' ? undefined : addLongDoubles(one, other)
  if (sum === undefined) throw new ReplyError(NOT_FINITE)
  return Buffer.from(formatLongDouble(sum))
}

function incrbyfloat(call: Call): void {
  const entry = call.findString(1)
  let before: Float = ZERO_LONG_DOUBLE
  if (entry >= 0) {
    call.db.place(entry, place)
    before = floatOf(place.bytes, place.end, place.payloadEnd)
  }
  const sum = sumOfFloats(before, floatOf(call.bytes, call.start(2), call.end(2)))
  call.db.setString(call.bytes, call.start(1), call.end(1), sum, 0, sum.length)
}

export const numberCommands: CommandFamily = {
  INCR: keyed(2, call => add(call, 0, 1)),
  DECR: keyed(2, call => add(call, -1, 0xffff_ffff)),
  INCRBY: keyed(3, call => {
    const {high, low} = call.halves(2)
    add(call, high, low)
  }),
  DECRBY: keyed(3, decrby),
  INCRBYFLOAT: keyed(3, incrbyfloat),
  INCREX: keyed(-2, () => {
    throw new UnreplayableError('how it is written to a log is not known')
  }),
}
