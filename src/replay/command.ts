/**
 * What a command of the log is to the engine: a name, how many arguments it
 * takes, and what it does. Families of them are data.
 */
import type {Call} from './call.js'

export interface CommandSpec {
  /** Arguments with the name; below zero: at least so many. As the server's own (COMMAND INFO). */
  arity: number
  /** Which argument is the (first) key: where errors lie. 0: none. */
  key: number
  /** Does what a server does while it loads its log. Throws ReplyError where the server answers with an error, UnreplayableError where nobody can say. */
  run(call: Call): void
}

/** Commands by their names in capitals. */
export type CommandFamily = Readonly<Record<string, CommandSpec>>

type Run = CommandSpec['run']

/** Whose first argument is a key. */
export function keyed(arity: number, run: Run): CommandSpec {
  return {arity, key: 1, run}
}

/** Without a key, or with its keys elsewhere. */
export function keyless(arity: number, run: Run): CommandSpec {
  return {arity, key: 0, run}
}

/**
 * The server's answer is an error: it logs that and goes on, so nothing was changed. The message is the server's.
 */
export class ReplyError extends Error {
  override readonly name = 'ReplyError'
}

/** What a command does cannot be known from the log: a script, a random choice, a module's own command. */
export class UnreplayableError extends Error {
  override readonly name = 'UnreplayableError'
}

/** The command was applied, but for something that the log does not tell, or that differs between servers: the message says what. */
export class PartlyAppliedError extends Error {
  override readonly name = 'PartlyAppliedError'
}

export const WRONG_TYPE = 'WRONGTYPE Operation against a key holding the wrong kind of value'
export const SYNTAX_ERROR = 'ERR syntax error'
export const NOT_INTEGER = 'ERR value is not an integer or out of range'
export const NOT_FLOAT = 'ERR value is not a valid float'
export const NO_SUCH_KEY = 'ERR no such key'
export const OUT_OF_RANGE = 'ERR index out of range'

/** What the server answers to too few or too many arguments. */
export function wrongArgc(name: string): ReplyError {
  return new ReplyError(`ERR wrong number of arguments for '${name.toLowerCase()}' command`)
}

export function syntaxError(): ReplyError {
  return new ReplyError(SYNTAX_ERROR)
}
