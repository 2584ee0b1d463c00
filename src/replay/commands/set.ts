/** Sets. */
import {SetValue} from '../../resident/set.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, UnreplayableError} from '../command.js'

function sadd(call: Call): void {
  const set = call.open(1, SetValue)
  for (let arg = 2; arg < call.argc; arg++) set.add(call.bytes, call.start(arg), call.end(arg))
}

function srem(call: Call): void {
  const set = call.lookup(1, SetValue)
  if (set === undefined) return
  for (let arg = 2; arg < call.argc; arg++) set.remove(call.bytes, call.start(arg), call.end(arg))
  call.removeIfEmpty(1, set)
}

/** SMOVE source destination member */
function smove(call: Call): void {
  const from = call.lookup(1, SetValue)
  if (from === undefined) return
  const to = call.lookup(2, SetValue)
  if (from === to) return
  const {bytes} = call
  const [start, end] = [call.start(3), call.end(3)]
  if (!from.remove(bytes, start, end)) return
  const into = to ?? call.make(2, new SetValue(call.keyspace.arena))
  into.add(bytes, start, end)
  call.removeIfEmpty(1, from)
}

/** SPOP key [count]: which members, the server chose. */
function spop(call: Call): void {
  const set = call.lookup(1, SetValue)
  const count = call.argc > 2 ? call.number(2) : 1
  if (call.argc > 2 && count < 0) throw new ReplyError('ERR value is out of range, must be positive')
  if (set === undefined || count === 0) return
  if (count >= set.size) call.remove(1)
  else throw new UnreplayableError('which members it removed was chosen at random, and the log does not say')
}

type Combine = (sets: (SetValue | undefined)[], into: SetValue) => void

const union: Combine = (sets, into) => {
  for (const set of sets) set?.each((bytes, start, end) => into.add(bytes, start, end))
}

const intersection: Combine = (sets, into) => {
  const present = sets.filter(set => set !== undefined)
  if (present.length < sets.length) return
  const [smallest, ...others] = present.toSorted((one, other) => one.size - other.size)
  smallest?.each((bytes, start, end) => {
    if (others.every(other => other.has(bytes, start, end))) into.add(bytes, start, end)
  })
}

const difference: Combine = ([first, ...others], into) => {
  first?.each((bytes, start, end) => {
    if (!others.some(other => other?.has(bytes, start, end))) into.add(bytes, start, end)
  })
}

/** destination key [key ...] */
function store(combine: Combine): (call: Call) => void {
  return call => {
    const sets: (SetValue | undefined)[] = []
    for (let arg = 2; arg < call.argc; arg++) sets.push(call.lookup(arg, SetValue))
    const into = new SetValue(call.keyspace.arena)
    combine(sets, into)
    call.remove(1)
    if (into.size > 0) call.make(1, into)
  }
}

export const setCommands: CommandFamily = {
  SADD: keyed(-3, sadd),
  SREM: keyed(-3, srem),
  SMOVE: keyed(4, smove),
  SPOP: keyed(-2, spop),
  SUNIONSTORE: keyed(-3, store(union)),
  SINTERSTORE: keyed(-3, store(intersection)),
  SDIFFSTORE: keyed(-3, store(difference)),
}
