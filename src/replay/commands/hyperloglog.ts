/** HyperLogLogs. */
import {cardinalityOf, HyperLogLog, newRegisters} from '../../encoding/hyperloglog.js'
import {RecordPlace} from '../../resident/byte-table.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError} from '../command.js'

const NOT_ONE = 'WRONGTYPE Key is not a valid HyperLogLog string value.'
const DAMAGED = 'INVALIDOBJ Corrupted HLL object detected'

const place = new RecordPlace()
const hll = new HyperLogLog()

/** Takes the string at a key into `hll`; its number, or -1 where there is none. */
function open(call: Call, arg: number): number {
  const entry = call.findString(arg)
  if (entry < 0) return -1
  call.db.place(entry, place)
  if (!hll.open(place.bytes, place.end, place.payloadEnd)) throw new ReplyError(NOT_ONE)
  return entry
}

function save(call: Call, arg: number): void {
  call.db.setString(call.bytes, call.start(arg), call.end(arg), hll.bytes, 0, hll.length)
}

/** key [element ...] */
function pfadd(call: Call): void {
  let changed = open(call, 1) < 0
  if (changed) hll.begin()
  for (let arg = 2; arg < call.argc; arg++) {
    const raised = hll.add(call.bytes, call.start(arg), call.end(arg))
    if (raised === undefined) {
      // What was counted before the damage was met stays counted.
      save(call, 1)
      throw new ReplyError(DAMAGED)
    }
    changed ||= raised
  }
  if (!changed) return
  hll.invalidate()
  save(call, 1)
}

/** destination source [source ...] */
function pfmerge(call: Call): void {
  const registers = newRegisters()
  let dense = false
  for (let arg = 1; arg < call.argc; arg++) {
    if (open(call, arg) < 0) continue
    dense ||= hll.dense
    if (!hll.mergeInto(registers)) throw new ReplyError(DAMAGED)
  }
  if (open(call, 1) < 0) hll.begin()
  if (dense) hll.toDense()
  for (const [index, value] of registers.entries()) if (value > 0) hll.set(index, value)
  hll.invalidate()
  save(call, 1)
}

/** key [key ...]: of one alone the answer is cached in it. */
function pfcount(call: Call): void {
  if (call.argc > 2 || open(call, 1) < 0 || !hll.stale) return
  const registers = newRegisters()
  if (!hll.mergeInto(registers)) throw new ReplyError(DAMAGED)
  hll.cache(cardinalityOf(registers))
  save(call, 1)
}

/** TODENSE key, or GETREG, which unpacks too; the others change nothing. */
function pfdebug(call: Call): void {
  if (!call.is(1, 'TODENSE') && !call.is(1, 'GETREG')) return
  if (open(call, 2) < 0) throw new ReplyError('ERR The specified key does not exist')
  if (hll.dense) return
  if (!hll.toDense()) throw new ReplyError(DAMAGED)
  save(call, 2)
}

export const hyperLogLogCommands: CommandFamily = {
  PFADD: keyed(-2, pfadd),
  PFMERGE: keyed(-2, pfmerge),
  PFCOUNT: keyed(-2, pfcount),
  PFDEBUG: {arity: 3, key: 2, run: pfdebug},
}
