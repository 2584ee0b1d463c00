/**
 * What happens while a replica is at work, for whoever wants to show it: events as a server would log them, and the wire
 * itself, message by message.
 */
import type {ReplicatedCommand} from './command-framer.js'
import type {PayloadHeader} from './replies.js'

/** How much of a payload has arrived; `storedBytes` is Infinity where the master does not announce it. */
export interface TransferProgress {
  readonly storedRead: number
  readonly storedBytes: number
}

export type ReplicationEvent =
  | {kind: 'connecting'; address: string}
  | {kind: 'connected'; address: string}
  | {kind: 'pong'}
  /** A REPLCONF option that this master does not know, or an answer to PING that a replica passes over. */
  | {kind: 'option-refused'; option: string; reply: string}
  | {kind: 'no-partial-resync'}
  | {kind: 'asking-partial'; replicationId: string; offset: number}
  /** The master goes on from where we were; `isNew`: in a history of another name, since another server was promoted. */
  | {kind: 'partial-resync'; replicationId: string; isNew: boolean}
  /** PSYNC is unknown to this master: the older form is tried. */
  | {kind: 'older-form'; command: string; reply: string}
  | {kind: 'full-resync'; replicationId: string; offset: number}
  | {kind: 'receiving'; header: PayloadHeader; progress: TransferProgress}
  | {kind: 'received'; bytes: number; seconds: number}
  | {kind: 'retrying'; failure: Error; waitMs: number}
  /** The snapshot is loaded, offsets are acknowledged from now on; `stream` tells at any time how far it has come. */
  | {kind: 'online'; offset: number; stream: {readonly offset: number; readonly commands: number}}

/** One message on the wire. Passwords are masked in it. */
export type WireMessage =
  | {direction: 'sent'; kind: 'command'; args: readonly string[]}
  | {direction: 'received'; kind: 'line'; text: string}
  | {direction: 'received'; kind: 'payload'; bytes: number}
  | {direction: 'received'; kind: 'command'; command: ReplicatedCommand}
  | {direction: 'sent' | 'received'; kind: 'newline'}

export interface ReplicationObserver {
  event?(event: ReplicationEvent): void
  message?(message: WireMessage): void
}
