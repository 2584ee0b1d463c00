/**
 * What happens on the side of a master, for whoever wants to show it: events as a server would log them, and the wire itself,
 * message by message.
 */
import type {Family} from '../rdb/opcodes.js'
import type {Readable, SnapshotPart} from './master-announced.js'

/** A snapshot that can be sent: whole and verified, in a file that stays as it is. */
export interface ServedSnapshot {
  path: string
  bytes: number
  family: Family
  rdbVersion: number
  /** Where in the stream it stands; absent: nothing of the stream changes the data. */
  offset?: number | undefined
}

/** What a replica wants, and what it is known to read; undefined: it loads nothing, and takes the file as it is. */
export interface SnapshotWish {
  readable: Readable | undefined
  part: SnapshotPart
}

/** handshake: it may be an ordinary client. waiting: its snapshot is made. loading: that is sent, and not acknowledged yet. */
export type LinkState = 'handshake' | 'waiting' | 'sending' | 'loading' | 'online' | 'closed'

/** A replica as it can be shown. */
export interface ReplicaStatus {
  /** Of the connection, counted from 1. */
  readonly id: number
  /** Where it says that it listens; where it comes from, if it does not. */
  readonly address: string
  readonly ip: string
  /** 0 where it told none. */
  readonly port: number
  readonly state: LinkState
  /** The last offset that it acknowledged; -1 before the first. */
  readonly acknowledged: number
  /** Since it was heard of last. */
  readonly silentMs: number
  /** Of the snapshot. */
  readonly sentBytes: number
  readonly snapshotBytes: number
  /** It has everything that there was when its snapshot had been sent, or its link resumed. */
  readonly inSync: boolean
}

/** Why a connection ended. */
export type EndReason =
  | 'closed'
  | 'broken'
  | 'timeout'
  | 'too slow'
  | 'snapshot only'
  | 'no snapshot'
  | 'protocol'
  | 'restarted'
  | 'stopped'

export type MasterEvent =
  | {kind: 'listening'; address: string; replicationId: string; offset: number}
  /** `times`: as many connections, of which it is the last; absent: one. */
  | {kind: 'refused'; address: string; why: string; times?: number | undefined}
  | {kind: 'asks'; replica: ReplicaStatus}
  | {kind: 'partial-refused'; replica: ReplicaStatus; why: string}
  | {kind: 'partial'; replica: ReplicaStatus; from: number; bytes: number}
  | {kind: 'full-resync'; replica: ReplicaStatus; offset: number}
  | {kind: 'sending'; replica: ReplicaStatus; snapshot: ServedSnapshot}
  | {kind: 'sent'; replica: ReplicaStatus; snapshot: ServedSnapshot; seconds: number}
  /** No snapshot could be made that it reads, or its file could not be read. */
  | {kind: 'no-snapshot'; replica: ReplicaStatus; failure: Error}
  | {kind: 'online'; replica: ReplicaStatus}
  | {kind: 'acknowledged'; replica: ReplicaStatus; offset: number}
  | {kind: 'in-sync'; replica: ReplicaStatus}
  | {kind: 'lost'; replica: ReplicaStatus; reason: EndReason; failure: Error | undefined}
  /** It has dropped the link, so many times running, before it acknowledged anything. */
  | {kind: 'unreadable'; replica: ReplicaStatus; snapshot: ServedSnapshot; times: number}
  | {kind: 'closed'}

/** One message on the wire of one connection. Passwords are masked in it. */
export type MasterMessage = {address: string} & (
  | {direction: 'received'; kind: 'request'; args: readonly string[]}
  | {direction: 'sent'; kind: 'reply'; text: string}
  | {direction: 'sent'; kind: 'payload'; bytes: number}
  | {direction: 'sent'; kind: 'stream'; bytes: number; offset: number}
  | {direction: 'sent' | 'received'; kind: 'newline'}
)
