/**
 * A file of a log whose snapshot is damaged: the same with what can be saved of the snapshot in its place.
 *
 *   [ what is saved ][ what follows the damaged one, as it is ]
 */
import {appendFileSync, createReadStream} from 'node:fs'
import {open, stat} from 'node:fs/promises'
import type {ChainFile} from '../aof/chain.js'
import type {SalvagedFile} from '../aof/salvage-result.js'
import {snapshotEnd} from '../aof/snapshot-end.js'
import {FileRegion} from '../bytes/region.js'
import {removeUnpublished, temporaryBeside} from '../bytes/unpublished.js'
import type {PlainFile} from './scratch.js'

export interface DamagedSnapshot {
  /** The file of the log that begins with it. */
  name: string
  /** Where it lies, and how many bytes of it are the snapshot. */
  plain: PlainFile
  /** The log is this file alone. */
  isOneFile: boolean
  /** Where it is to go; nothing is there. */
  out: string
}

export interface MendedFile extends PlainFile {
  /** Of the damaged snapshot. */
  bytesLost: number
}

/** Saves the snapshot, and returns how many bytes of it are lost. */
export type MendSnapshot = (snapshot: DamagedSnapshot) => Promise<number>

/** `beside`: a name in whose folder there is room for it. What is thrown by whoever saves it passes through. */
export async function mendedFile(
  {name}: ChainFile,
  plain: PlainFile,
  beside: string,
  isOneFile: boolean,
  mend: MendSnapshot,
): Promise<MendedFile> {
  const end = await endOf(plain)
  const path = temporaryBeside(beside)
  const remove = (): void => removeUnpublished(path)
  try {
    const bytesLost = await mend({
      name,
      plain: {path: plain.path, bytes: end, remove: () => {}},
      isOneFile,
      out: path,
    })
    if (end < plain.bytes) {
      for await (const piece of createReadStream(plain.path, {start: end, end: plain.bytes - 1}))
        appendFileSync(path, piece)
    }
    return {path, bytes: (await stat(path)).size, remove, bytesLost}
  } catch (error) {
    remove()
    throw error
  }
}

/** Of the mended file they are known; offsets are to be those of the damaged one, and what is lost counts its own bytes. */
export function factsOf(facts: SalvagedFile, {bytes}: PlainFile, mended: MendedFile): SalvagedFile {
  const moved = bytes - mended.bytes
  const {unknownOffset, pastDamage} = facts
  return {
    ...facts,
    bytes,
    bytesLost: facts.bytesLost + mended.bytesLost,
    lost: facts.lost.map(loss => ({...loss, offset: loss.offset + moved})),
    unknownOffset: unknownOffset && unknownOffset + moved,
    pastDamage: pastDamage && {...pastDamage, offset: pastDamage.offset + moved},
  }
}

async function endOf({path, bytes}: PlainFile): Promise<number> {
  // What servers know by a command's name is loaded for logs only.
  const {commandJudge} = await import('../replay/command-judge.js')
  const file = await open(path, 'r')
  try {
    return await snapshotEnd(file.fd, new FileRegion(file.fd, bytes), commandJudge)
  } finally {
    await file.close()
  }
}
