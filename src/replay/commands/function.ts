/**
 * Function libraries: their sources are kept, and nothing of them runs. What
 * their code is worth, only an interpreter could say.
 */
import {FormatError, UnsupportedError} from '../../errors.js'
import {SKIP} from '../../keyspace/visitor.js'
import {readFunctionsPayload} from '../../rdb/payload.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyless, ReplyError, UnreplayableError, wrongArgc} from '../command.js'

const NAME = /^[A-Za-z0-9_]+$/
const READING = ['LIST', 'DUMP', 'STATS', 'KILL', 'HELP']

/** FUNCTION LOAD [REPLACE] source */
function load(call: Call): void {
  if (call.argc < 3) throw wrongArgc('function|load')
  for (let arg = 2; arg < call.argc - 1; arg++) {
    if (!call.is(arg, 'REPLACE')) throw new ReplyError(`ERR Unknown option given: ${call.text(arg)}`)
  }
  const source = call.copy(call.argc - 1)
  const name = declaredName(source)
  const {functions} = call.keyspace
  if (call.argc === 3 && functions.has(name)) throw new ReplyError(`ERR Library '${name}' already exists`)
  functions.set(name, source)
}

/** What the first line calls a library: #!engine name=NAME. Throws where the server would. */
function declaredName(source: Uint8Array): string {
  const end = source.indexOf(0x0a)
  if (source[0] !== 0x23 || source[1] !== 0x21) throw new ReplyError('ERR Missing library metadata')
  if (end < 0) throw new ReplyError('ERR Invalid library metadata')
  // Which engines a server has, the log does not say: modules of valkey bring their own.
  const [, ...parts] = Buffer.from(source.subarray(2, end)).toString('latin1').trim().split(/\s+/)
  let name: string | undefined
  for (const part of parts) {
    if (!/^name=/i.test(part)) throw new ReplyError(`ERR Invalid metadata value given: ${part}`)
    if (name !== undefined) {
      throw new ReplyError('ERR Invalid metadata value, name argument was given multiple times')
    }
    name = part.slice('name='.length)
  }
  if (name === undefined) throw new ReplyError('ERR Library name was not given')
  if (!NAME.test(name)) {
    const rule = 'Library names can only contain letters, numbers, or underscores(_)'
    throw new ReplyError(`ERR ${rule} and must be at least one character long`)
  }
  return name
}

/** FUNCTION DELETE name */
function remove(call: Call): void {
  if (call.argc !== 3) throw wrongArgc('function|delete')
  if (!call.keyspace.functions.delete(call.text(2))) throw new ReplyError('ERR Library not found')
}

/** FUNCTION FLUSH [ASYNC | SYNC] */
function flush(call: Call): void {
  if (call.argc > 3) throw unknownSubcommand(call)
  if (call.argc === 3 && !call.is(2, 'SYNC') && !call.is(2, 'ASYNC')) {
    throw new ReplyError('ERR FUNCTION FLUSH only supports SYNC|ASYNC option')
  }
  call.keyspace.functions.clear()
}

function unknownSubcommand(call: Call): ReplyError {
  return new ReplyError(`ERR unknown subcommand or wrong number of arguments for '${call.text(1)}'. Try FUNCTION HELP.`)
}

/** FUNCTION RESTORE payload [FLUSH | APPEND | REPLACE] */
function restore(call: Call): void {
  if (call.argc < 3) throw wrongArgc('function|restore')
  const word = call.argc === 3 ? 'APPEND' : ['FLUSH', 'APPEND', 'REPLACE'].find(one => call.is(3, one))
  if (word === undefined || call.argc > 4) {
    throw new ReplyError('ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.')
  }
  const {functions} = call.keyspace
  const restored = librariesOf(call.copy(2))
  if (word === 'APPEND') {
    for (const name of restored.keys()) {
      if (functions.has(name)) throw new ReplyError(`ERR Library ${name} already exists`)
    }
  }
  if (word === 'FLUSH') functions.clear()
  for (const [name, source] of restored) functions.set(name, source)
}

function librariesOf(payload: Uint8Array): Map<string, Uint8Array> {
  const libraries = new Map<string, Uint8Array>()
  try {
    readFunctionsPayload(payload, {
      entry: () => SKIP,
      function: source => libraries.set(declaredName(source), source.slice()),
    })
  } catch (error) {
    if (error instanceof FormatError) throw new ReplyError('ERR DUMP payload version or checksum are wrong')
    if (error instanceof UnsupportedError) throw new UnreplayableError(`its payload: ${error.message}`)
    throw error
  }
  return libraries
}

/** FUNCTION subcommand ... */
function run(call: Call): void {
  if (call.is(1, 'LOAD')) load(call)
  else if (call.is(1, 'DELETE')) remove(call)
  else if (call.is(1, 'FLUSH')) flush(call)
  else if (call.is(1, 'RESTORE')) restore(call)
  else if (!READING.some(word => call.is(1, word))) {
    throw new ReplyError(`ERR unknown subcommand '${call.text(1)}'. Try FUNCTION HELP.`)
  }
}

export const functionCommands: CommandFamily = {
  FUNCTION: keyless(-2, run),
  FCALL: keyless(-3, () => {
    throw new UnreplayableError('it runs a function; servers write what a function changed to their logs, not its call')
  }),
}
