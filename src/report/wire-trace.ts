/**
 * The wire for people: one message a line, `>` to the master, `<` from it, and in the stream the offset behind it.
 *
 *   2026-11-24T15:20:12.001Z  >  REPLCONF ACK 49
 *   2026-11-24T15:20:12.301Z  <  SET key-b key-a  [35 bytes, offset 84]
 */
import type {ReplicatedCommand} from '../replication/command-framer.js'
import type {WireMessage} from '../replication/observer.js'
import {formatBytes, formatText, shorten} from './text.js'
import {formatCount} from './units.js'

const ARGUMENT_COLUMNS_MAX = 80
const PLAIN_WORD = /^[^\s"'\\]+$/

export function formatWireMessage(message: WireMessage, nowMs: number): string {
  const arrow = message.direction === 'sent' ? '>' : '<'
  return `${new Date(nowMs).toISOString()}  ${arrow}  ${messageText(message)}`
}

function messageText(message: WireMessage): string {
  switch (message.kind) {
    case 'line':
      return formatText(message.text)
    case 'newline':
      return '(newline: a sign of life)'
    case 'payload':
      return `(${formatCount(message.bytes)} bytes of RDB)`
    case 'command':
      return message.direction === 'sent' ? message.args.map(word).join(' ') : replicatedText(message.command)
  }
}

function replicatedText({args, argumentBytes, argumentCount, bytes, offset}: ReplicatedCommand): string {
  const words = args.map((arg, at) => argumentText(arg, argumentBytes[at]!))
  const more = argumentCount - args.length
  const rest = more > 0 ? ` ... (${formatCount(more)} more arguments)` : ''
  return `${words.join(' ')}${rest}  [${formatCount(bytes)} bytes, offset ${offset}]`
}

function argumentText(kept: Uint8Array, bytes: number): string {
  const text = shorten(formatBytes(kept), ARGUMENT_COLUMNS_MAX)
  return `${quoted(text)}${kept.length < bytes ? `... (${formatCount(bytes)} bytes)` : ''}`
}

function word(text: string): string {
  return quoted(formatText(text))
}

/** As a shell would have it, where blanks or nothing would leave its ends in doubt. */
function quoted(text: string): string {
  return PLAIN_WORD.test(text) || /^\S*\\x\S*$/.test(text) ? text : `"${text.replaceAll('"', '\\"')}"`
}
