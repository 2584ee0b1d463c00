/**
 * Why a master may have dropped us in the middle: it has limits for its replicas. They are asked for only once the link is
 * lost, over another connection; who may not ask learns nothing, which does no harm.
 */
import {WireError} from '../errors.js'
import type {ServerAddress} from '../resp/address.js'
import {CONNECT_TIMEOUT_MS} from '../resp/connection.js'
import {Questions, type Reply} from '../resp/reply.js'

/** It is only for a better message. */
const ASK_TIMEOUT_MS = 3000

/** The same error, knowing the master's limits where they may be to blame and the master tells them. */
export async function withServerLimits(
  error: unknown,
  address: ServerAddress,
  connectTimeoutMs: number = CONNECT_TIMEOUT_MS,
): Promise<unknown> {
  if (!(error instanceof WireError) || error.code !== 'CONNECTION_LOST' || error.context.stage !== 'transfer')
    return error
  try {
    const questions = await Questions.open(address, Math.min(connectTimeoutMs, ASK_TIMEOUT_MS))
    try {
      const outputBufferLimit = replicaClass(
        answered(await questions.ask('CONFIG', 'GET', 'client-output-buffer-limit')),
      )
      const timeout = Number(answered(await questions.ask('CONFIG', 'GET', 'repl-timeout')))
      const replTimeoutSeconds = Number.isFinite(timeout) && timeout > 0 ? timeout : undefined
      const context = {...error.context, outputBufferLimit, replTimeoutSeconds}
      return new WireError(error.code, error.message, error.address, context, {cause: error.cause})
    } finally {
      questions.close()
    }
  } catch {
    return error
  }
}

/** Of a `CONFIG GET` of one name. */
function answered(reply: Reply): string | undefined {
  return Array.isArray(reply) && typeof reply[1] === 'string' ? reply[1] : undefined
}

/** `normal 0 0 0 slave 268435456 67108864 60 pubsub ...`: what is said of replicas. */
function replicaClass(value: string | undefined): string | undefined {
  return /\b(?:slave|replica) (\d+ \d+ \d+)/.exec(value ?? '')?.[1]
}
