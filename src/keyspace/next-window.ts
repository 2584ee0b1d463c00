/**
 * Between two windows: the only place where a reader of entries waits.
 */
import type {ByteCursor} from '../bytes/cursor.js'
import type {ByteSource, ByteWindow} from '../bytes/source.js'
import type {EntryVisitor} from './visitor.js'

/**
 * To be called where the cursor starved: lets the visitor drain, and gives the cursor what comes next. Undefined: the input
 * has ended, and the cursor knows.
 */
export async function nextWindow(
  cursor: ByteCursor,
  source: ByteSource,
  visitor: Pick<EntryVisitor, 'drain'>,
): Promise<ByteWindow | undefined> {
  cursor.rewind()
  const draining = visitor.drain?.()
  if (draining !== undefined) await draining
  // What is written meanwhile is written by the thread pool.
  const window = await source.read(draining === undefined)
  if (window === undefined) cursor.finish()
  else cursor.refill(window.bytes, window.start, window.end, window.room)
  return window
}
