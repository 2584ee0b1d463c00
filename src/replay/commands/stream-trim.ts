/** Streams: what XADD and XTRIM remove from the front. */
import {StreamId} from '../../encoding/stream-id.js'
import type {StreamValue} from '../../resident/stream.js'
import type {Call} from '../call.js'
import {ReplyError, syntaxError} from '../command.js'
import {isReferenced, type References, referencesAt, releaseEverywhere} from './stream-references.js'

interface Trim {
  by: 'MAXLEN' | 'MINID' | undefined
  /** Only what is in whole nodes. */
  approximate: boolean
  count: number
  id: StreamId
  limited: boolean
  references: References
}

/** Of the command that is run: filled anew for each. */
const trim: Trim = {
  by: undefined,
  approximate: false,
  count: 0,
  id: new StreamId(),
  limited: false,
  references: 'KEEPREF',
}

export function beginTrim(): void {
  trim.by = undefined
  trim.approximate = trim.limited = false
  trim.references = 'KEEPREF'
}

/** Reads an option of trimming, and answers with its last argument; -1 where it is none. */
export function trimOption(call: Call, arg: number): number {
  const more = arg + 1 < call.argc
  if (more && (call.is(arg, 'MAXLEN') || call.is(arg, 'MINID'))) return threshold(call, arg)
  if (more && call.is(arg, 'LIMIT')) return limit(call, arg + 1)
  const references = referencesAt(call, arg)
  if (references === undefined) return -1
  trim.references = references
  return arg
}

/** MAXLEN|MINID [=|~] threshold */
function threshold(call: Call, at: number): number {
  if (trim.by !== undefined)
    throw new ReplyError('ERR syntax error, MAXLEN and MINID options at the same time are not compatible')
  trim.by = call.is(at, 'MAXLEN') ? 'MAXLEN' : 'MINID'
  let arg = at + 1
  if (arg + 1 < call.argc && (call.is(arg, '~') || call.is(arg, '='))) trim.approximate = call.is(arg++, '~')
  if (trim.by === 'MINID') {
    trim.id.set(call.id(arg))
    return arg
  }
  trim.count = call.number(arg)
  if (trim.count < 0) throw new ReplyError('ERR The MAXLEN argument must be >= 0.')
  return arg
}

/** How much work a client may ask for: what is loaded is worked off whole, approximate or not (redis 6.2). */
function limit(call: Call, arg: number): number {
  const most = call.number(arg)
  if (most < 0) throw new ReplyError('ERR The LIMIT argument must be >= 0.')
  trim.limited = most > 0
  return arg
}

/** Once all options are read. */
export function checkTrim(needed: boolean): void {
  if (trim.by !== undefined) return
  if (trim.limited)
    throw new ReplyError('ERR syntax error, LIMIT cannot be used without specifying a trimming strategy')
  if (needed) throw new ReplyError('ERR syntax error, XTRIM must be called with either MAXLEN or MINID option')
}

/**
 * Removes from the front what is beyond. Only a client's own `~` is approximate: servers log what it came to, exactly.
 * Where a log has one, whole nodes go, and nodes here are as full as a server's own, nearly: limits are the same, the
 * bytes of an entry are not.
 */
export function applyTrim(stream: StreamValue): void {
  const {entries} = stream
  if (trim.by === undefined || entries.size === 0) return
  const beyond = trim.by === 'MAXLEN' ? entries.size - trim.count : entries.before(trim.id)
  if (beyond <= 0) return
  if (trim.references === 'KEEPREF') entries.dropFirst(beyond, trim.approximate)
  else trimReferenced(stream)
}

/** What a group still refers to stays (`ACKED`), and what is behind it goes instead: until there are few enough (redis 8.2). */
function trimReferenced(stream: StreamValue): void {
  const {entries} = stream
  let left = trim.by === 'MAXLEN' ? entries.size - trim.count : entries.size
  const gone: StreamId[] = []
  entries.each(undefined, ({id}) => {
    if (left === 0 || (trim.by === 'MINID' && id.compare(trim.id) >= 0)) return false
    if (trim.references === 'ACKED' && isReferenced(stream, id)) return true
    gone.push(id.copy())
    left--
    return true
  })
  for (const id of gone) {
    entries.remove(id)
    if (trim.references === 'DELREF') releaseEverywhere(stream, id)
  }
}

/** key MAXLEN|MINID [=|~] threshold [LIMIT n] [KEEPREF|DELREF|ACKED] */
export function readTrim(call: Call, from: number): void {
  beginTrim()
  for (let arg = from; arg < call.argc; arg++) {
    arg = trimOption(call, arg)
    if (arg < 0) throw syntaxError()
  }
  checkTrim(true)
}
