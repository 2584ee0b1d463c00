/**
 * How far a log follows its master: a line of its own among the commands, in the same write as what it speaks of.
 *
 *   #RDBTOOL <replication ID, 40 characters> <offset> <database>\r\n
 *
 * Servers from 7.0 on and redis-check-aof pass over lines that begin with #. Every command of the master up to the offset
 * stands before the line, whole; the database is the one that the stream has selected there: a master that goes on does
 * not say it again.
 *
 * There is one behind what arrived together, which is one behind each unit wherever a master has little to do. One behind each
 * unit at full speed takes 3 times as long and makes 2.8 times as many bytes of INCRs (1.4 of 100 byte SETs), and what a torn
 * write would keep by it was not acknowledged.
 */

export interface StreamPlace {
  /** Of the history that the offset counts in. */
  replicationId: string
  /** Of the last byte of the stream that is in the log. */
  offset: number
  db: number
}

const PLACE = /^#RDBTOOL ([0-9a-zA-Z]{40}) (\d{1,16}) (\d{1,9})\r?\n$/
const LINE_BYTES_MAX = 96

export function formatPlace({replicationId, offset, db}: StreamPlace): string {
  return `#RDBTOOL ${replicationId} ${offset} ${db}\r\n`
}

/** The place that a line tells of, its end included; undefined of any other line. */
export function parsePlace(bytes: Uint8Array, start: number, end: number): StreamPlace | undefined {
  if (end - start > LINE_BYTES_MAX) return undefined
  const [, replicationId, offset, db] = PLACE.exec(Buffer.from(bytes.subarray(start, end)).toString('latin1')) ?? []
  if (replicationId === undefined || !Number.isSafeInteger(Number(offset))) return undefined
  return {replicationId, offset: Number(offset), db: Number(db)}
}
