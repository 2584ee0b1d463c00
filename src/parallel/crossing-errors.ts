/**
 * Errors on their way between threads. What is copied from one thread to another keeps neither its class nor what our errors
 * know beside their message: an error is taken apart here and made anew there, so that who catches it cannot tell which
 * thread it comes from.
 */
import {FormatError, LimitError, type Place, PlacedError, UnsupportedError, UsageError, WireError} from '../errors.js'

/** An error as plain data. */
export interface FlatError {
  kind: keyof typeof MAKERS | undefined
  name: string
  message: string
  stack: string | undefined
  /** What else it knows, by name: strings and numbers of any error; what makes ours. */
  facts: Record<string, unknown>
  place: Place | undefined
  advice: string | undefined
  cause: FlatError | undefined
}

/** How each class of errors.ts is made; of the first that an error is one of. */
const MAKERS = {
  FormatError: ({code, offset}: FormatError, message: string, options: ErrorOptions) =>
    new FormatError(code, message, offset, options),
  UnsupportedError: ({code, offset}: UnsupportedError, message: string, options: ErrorOptions) =>
    new UnsupportedError(code, message, offset, options),
  LimitError: ({limit, allowed, wanted, offset}: LimitError, message: string) =>
    new LimitError(limit, allowed, wanted, offset, message),
  WireError: ({code, address, context}: WireError, message: string, options: ErrorOptions) =>
    new WireError(code, message, address, context, options),
  UsageError: (_: UsageError, message: string, options: ErrorOptions) => new UsageError(message, options),
}
const CLASSES = {FormatError, UnsupportedError, LimitError, WireError, UsageError}

/** Takes an error apart; whatever else was thrown becomes one. */
export function flattened(error: unknown): FlatError {
  if (!(error instanceof Error)) return flattened(new Error(String(error)))
  const kind = (Object.keys(CLASSES) as (keyof typeof MAKERS)[]).find(name => error instanceof CLASSES[name])
  const {name, message, stack, cause} = error
  const {place, advice} = error instanceof PlacedError ? error : {}
  const facts = Object.fromEntries(
    Object.entries(error).filter(([, fact]) => typeof fact === 'string' || typeof fact === 'number'),
  )
  if (error instanceof WireError) facts['context'] = {...error.context}
  return {kind, name, message, stack, facts, place, advice, cause: cause === undefined ? undefined : flattened(cause)}
}

/** Makes it anew. */
export function restored({kind, name, message, stack, facts, place, advice, cause}: FlatError): Error {
  const options = cause === undefined ? {} : {cause: restored(cause)}
  const error = kind === undefined ? new Error(message, options) : MAKERS[kind](facts as never, message, options)
  if (kind === undefined) {
    // Of the system: its code, its call and the path; of a bug, a name as TypeError.
    Object.assign(error, facts)
    if (error.name !== name) Object.defineProperty(error, 'name', {value: name, enumerable: false})
  }
  if (error instanceof PlacedError) Object.assign(error, {place, advice})
  if (stack !== undefined) error.stack = stack
  return error
}
