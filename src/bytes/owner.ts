/**
 * Whose a file is: a server must be able to read and write what is made for it,
 * whoever made it.
 */
import {chmodSync, chownSync, statSync} from 'node:fs'

/**
 * Gives a file or folder the owner, the group and the rights of another. Only root can give to others; whoever is not of a
 * group has what he makes in his own.
 */
export function takeOwner(path: string, like: string): void {
  const {uid, gid, mode} = statSync(like)
  const now = statSync(path)
  if (now.uid !== uid || now.gid !== gid) {
    try {
      chownSync(path, uid, gid)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error
    }
  }
  // A folder must be entered by those who may read it, and a file by nobody.
  const rights = now.isDirectory() ? mode | ((mode & 0o444) >> 2) : mode & 0o666
  chmodSync(path, rights & 0o777)
}
