/**
 * A snapshot on its way to a replica, from the file that it lies in: as fast as the other side takes it, and no more of it in
 * memory than two blocks.
 */
import {open} from 'node:fs/promises'
import type {Socket} from 'node:net'

/** Large enough that the calls cost nothing, small enough for many replicas at once. */
const BLOCK_BYTES = 256 * 1024

/**
 * Sends the first `bytes` of a file. `onSent` is told of every block that the system has taken. Resolves false where the
 * connection ended before the last one; throws what the file system throws, and where the file has become shorter.
 */
export async function sendFile(
  socket: Socket,
  path: string,
  bytes: number,
  onSent: (bytes: number) => void,
): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const blocks = [new Uint8Array(BLOCK_BYTES), new Uint8Array(BLOCK_BYTES)] as const
    let writing: Promise<boolean> = Promise.resolve(true)
    // While one block is taken by the system the next is read.
    for (let at = 0, turn = 0; at < bytes; turn ^= 1) {
      const block = blocks[turn as 0 | 1]
      const {bytesRead} = await file.read(block, 0, Math.min(BLOCK_BYTES, bytes - at), at)
      if (bytesRead === 0) throw new Error(`the file of the snapshot has become shorter: it ends at byte ${at}`)
      if (!(await writing)) return false
      writing = written(socket, block.subarray(0, bytesRead)).then(taken => {
        if (taken) onSent(bytesRead)
        return taken
      })
      at += bytesRead
    }
    return await writing
  } finally {
    await file.close()
  }
}

/** Whether the system has taken it all. */
function written(socket: Socket, bytes: Uint8Array): Promise<boolean> {
  if (socket.destroyed || !socket.writable) return Promise.resolve(false)
  return new Promise(resolve => {
    // A write that is under way when the connection ends may never be called back.
    const closed = (): void => resolve(false)
    socket.once('close', closed)
    socket.write(bytes, error => {
      socket.off('close', closed)
      resolve(error === undefined || error === null)
    })
  })
}
