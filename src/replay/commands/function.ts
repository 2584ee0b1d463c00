/** Function libraries (redis 7.0). */
import {FormatError} from '../../errors.js'
import {libraryName} from '../../keyspace/library-name.js'
import {type EntryVisitor, SKIP} from '../../keyspace/visitor.js'
import {readFunctionsPayload} from '../../rdb/payload.js'
import type {Call} from '../call.js'
import {type CommandFamily, keyless, ReplyError, syntaxError, UnreplayableError} from '../command.js'

/** `#!engine name=NAME [...]` and more code. */
function checkSource(source: Uint8Array): string {
  const line = Buffer.from(source.subarray(0, 1024)).toString('latin1').split('\n')[0]!
  if (!line.startsWith('#!')) throw new ReplyError('ERR Missing library metadata')
  if (!/\bname=\S/.test(line)) throw new ReplyError('ERR Library name was not given')
  const name = libraryName(source)
  if (/^\w+$/.test(name)) return name
  throw new ReplyError(
    'ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long',
  )
}

/** LOAD [REPLACE] code */
function load(call: Call): void {
  const replaces = call.argc === 4 && call.is(2, 'REPLACE')
  if (call.argc !== 3 && !replaces) throw syntaxError()
  const source = call.copy(call.argc - 1)
  const name = checkSource(source)
  const {functions} = call.keyspace
  if (functions.has(name) && !replaces) throw new ReplyError(`ERR Library '${name}' already exists`)
  functions.set(name, source)
}

/** RESTORE payload [FLUSH | APPEND | REPLACE] */
function restore(call: Call): void {
  if (call.argc < 3 || call.argc > 4) throw syntaxError()
  const policy = call.argc === 3 ? 'APPEND' : (['FLUSH', 'APPEND', 'REPLACE'] as const).find(one => call.is(3, one))
  if (policy === undefined)
    throw new ReplyError('ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.')
  const restored = new Map<string, Uint8Array>()
  const visitor: EntryVisitor = {
    entry: () => SKIP,
    function: source => restored.set(libraryName(source), source.slice()),
  }
  try {
    readFunctionsPayload(call.copy(2), visitor)
  } catch (error) {
    throw error instanceof FormatError ? new ReplyError('ERR DUMP payload version or checksum are wrong') : error
  }
  const {functions} = call.keyspace
  const taken = [...restored.keys()].find(name => policy === 'APPEND' && functions.has(name))
  if (taken !== undefined) throw new ReplyError(`ERR Library ${taken} already exists`)
  if (policy === 'FLUSH') functions.clear()
  for (const [name, source] of restored) functions.set(name, source)
}

function functionCommand(call: Call): void {
  if (call.is(1, 'LOAD')) load(call)
  else if (call.is(1, 'RESTORE')) restore(call)
  else if (call.is(1, 'FLUSH')) call.keyspace.functions.clear()
  else if (call.is(1, 'DELETE') && call.argc === 3) {
    if (!call.keyspace.functions.delete(call.text(2))) throw new ReplyError('ERR Library not found')
  } else throw syntaxError()
}

const script = (): never => {
  throw new UnreplayableError('what a function does is known only by running it')
}

export const functionCommands: CommandFamily = {
  FUNCTION: keyless(-2, functionCommand),
  FCALL: keyless(-3, script),
  FCALL_RO: keyless(-3, () => {}),
}
