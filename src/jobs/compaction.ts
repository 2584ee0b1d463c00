/**
 * A snapshot, and files of commands behind it, as one snapshot: what a thread does of its own (follow-retention.ts).
 */
import {FileTarget} from '../bytes/target.js'
import {buildBase} from './build-log.js'

export interface CompactionQuestion {
  /** A manifest of the files. */
  part: string
  /** Name of the new snapshot, in the folder. */
  path: string
  folder: string
}

export async function compactElsewhere({part, path, folder}: CompactionQuestion): Promise<null> {
  await buildBase(FileTarget.create(path), [part], {out: folder, form: 'folder', base: 'snapshot'})
  return null
}
