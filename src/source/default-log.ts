/**
 * The log that lies in a folder, where nobody names one.
 */
import {stat} from 'node:fs/promises'
import {join} from 'node:path'
import {findManifest} from '../aof/chain.js'
import {LOG_FOLDER, LOG_NAME} from '../aof/naming.js'
import {UnsupportedError, UsageError} from '../errors.js'

export interface DefaultLog {
  /** The folder with its manifest (redis 7.0 and later), or the single file. */
  path: string
  /** The single file that lies beside that folder, and that no server loads any more. */
  passedOver: string | undefined
}

/**
 * Takes what a server would load: `appendonlydir` where it has a manifest, else `appendonly.aof`, which redis 7.0 moves
 * into the folder when it has none (aof.c, aofUpgradePrepare). Throws UsageError where neither is there.
 */
export async function defaultLog(folder = '.'): Promise<DefaultLog> {
  const path = join(folder, LOG_FOLDER)
  const file = join(folder, LOG_NAME)
  const [hasFolder, hasFile] = [await isThere(path, 'folder'), await isThere(file, 'file')]
  if (hasFolder && hasFile)
    return (await hasManifest(path)) ? {path, passedOver: file} : {path: file, passedOver: undefined}
  if (hasFolder || hasFile) return {path: hasFolder ? path : file, passedOver: undefined}
  throw new UsageError(`there is no log here, neither ${LOG_FOLDER}/ nor ${LOG_NAME}: name one`)
}

async function isThere(path: string, kind: 'folder' | 'file'): Promise<boolean> {
  try {
    const stats = await stat(path)
    return kind === 'folder' ? stats.isDirectory() : !stats.isDirectory()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Several of them are for whoever opens the folder to tell. */
async function hasManifest(folder: string): Promise<boolean> {
  try {
    await findManifest(folder)
    return true
  } catch (error) {
    if (error instanceof UnsupportedError) return false
    if (error instanceof UsageError) return true
    throw error
  }
}
