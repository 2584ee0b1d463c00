/** Streams: consumer groups. */
import type {Int64} from '../../bytes/int64.js'
import {StreamId} from '../../encoding/stream-id.js'
import {StreamValue} from '../../resident/stream.js'
import {ENTRIES_READ_UNKNOWN, ResidentGroup} from '../../resident/stream-group.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyed, ReplyError, wrongArgc} from '../command.js'
import {anyId} from './stream-id.js'
import {idsFrom} from './stream-references.js'

const NO_KEY =
  'ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.'

/** How many arguments a subcommand takes, XGROUP included; below zero: at least so many. */
type Subcommand = readonly [arity: number, run: (call: Call) => void]

const SUBCOMMANDS: ReadonlyMap<string, Subcommand> = new Map([
  ['CREATE', [-5, create]],
  ['SETID', [-5, setId]],
  ['DESTROY', [4, destroy]],
  ['CREATECONSUMER', [5, createConsumer]],
  ['DELCONSUMER', [5, deleteConsumer]],
  ['HELP', [2, () => {}]],
])

/** SUBCOMMAND key group ... */
function xgroup(call: Call): void {
  const subcommand = SUBCOMMANDS.get(call.text(1).toUpperCase())
  if (subcommand === undefined) throw new ReplyError(`ERR unknown subcommand '${call.text(1)}'. Try XGROUP HELP.`)
  const [arity, run] = subcommand
  if (arity < 0 ? call.argc < -arity : call.argc !== arity) throw wrongArgc(`xgroup|${call.text(1)}`)
  run(call)
}

function unknownOption(call: Call): ReplyError {
  return new ReplyError(`ERR unknown subcommand or wrong number of arguments for '${call.text(1)}'. Try XGROUP HELP.`)
}

function streamOf(call: Call): StreamValue {
  const stream = call.lookup(2, StreamValue)
  if (stream === undefined) throw new ReplyError(NO_KEY)
  return stream
}

function groupOf(call: Call, stream: StreamValue): ResidentGroup {
  const group = stream.group(call.text(3))
  if (group !== undefined) return group
  throw new ReplyError(`NOGROUP No such consumer group '${call.text(3)}' for key name '${call.text(2)}'`)
}

interface GroupOptions {
  makes: boolean
  entriesRead: Int64
}

/** [MKSTREAM] [ENTRIESREAD n] */
function groupOptions(call: Call, mayMake: boolean): GroupOptions {
  const options: GroupOptions = {makes: false, entriesRead: ENTRIES_READ_UNKNOWN}
  for (let arg = 5; arg < call.argc; arg++) {
    if (mayMake && call.is(arg, 'MKSTREAM')) options.makes = true
    else if (call.is(arg, 'ENTRIESREAD') && arg + 1 < call.argc) {
      options.entriesRead = call.integer(++arg)
      if (options.entriesRead < ENTRIES_READ_UNKNOWN)
        throw new ReplyError('ERR value for ENTRIESREAD must be positive or -1')
    } else throw unknownOption(call)
  }
  return options
}

/** CREATE key group id|$ [MKSTREAM] [ENTRIESREAD n]: `$` is the last entry that there was. */
function create(call: Call): void {
  const {makes, entriesRead} = groupOptions(call, true)
  const there = makes ? call.lookup(2, StreamValue) : streamOf(call)
  if (call.argc > 8) throw unknownOption(call)
  const lastId = call.is(4, '$') ? (there?.lastId ?? new StreamId()) : call.id(4)
  const stream = there ?? call.make(2, new StreamValue(call.keyspace.arena))
  if (stream.group(call.text(3)) !== undefined) throw new ReplyError('BUSYGROUP Consumer Group name already exists')
  const group = new ResidentGroup(call.keyspace.arena, call.copy(3))
  group.lastId.set(lastId)
  group.entriesRead = entriesRead
  if (entriesRead !== ENTRIES_READ_UNKNOWN) stream.derived = false
  stream.addGroup(group)
}

/** SETID key group id|$ [ENTRIESREAD n] */
function setId(call: Call): void {
  const {entriesRead} = groupOptions(call, false)
  const stream = streamOf(call)
  const group = groupOf(call, stream)
  if (call.argc !== 5 && call.argc !== 7) throw unknownOption(call)
  group.lastId.set(call.is(4, '$') ? stream.lastId : anyId(call, 4))
  group.entriesRead = entriesRead
}

/** DESTROY key group */
function destroy(call: Call): void {
  const stream = streamOf(call)
  const group = stream.group(call.text(3))
  if (group !== undefined) stream.removeGroup(group)
}

/** CREATECONSUMER key group consumer */
function createConsumer(call: Call): void {
  const group = groupOf(call, streamOf(call))
  if (group.find(call.text(4)) < 0) group.sees(call.copy(4), call.loadedAtMs)
}

/** DELCONSUMER key group consumer */
function deleteConsumer(call: Call): void {
  const group = groupOf(call, streamOf(call))
  const consumer = group.find(call.text(4))
  if (consumer >= 0) group.delete(consumer)
}

/** key group id [id ...] */
function xack(call: Call): void {
  const group = call.lookup(1, StreamValue)?.group(call.text(2))
  if (group !== undefined) for (const id of idsFrom(call, 3, call.argc)) group.acknowledge(id)
}

export const streamGroupCommands: CommandFamily = {
  XGROUP: {arity: -2, key: 2, run: xgroup},
  XACK: keyed(-4, xack),
}
