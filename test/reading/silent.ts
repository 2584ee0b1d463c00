/** Reads and shows nobody: only whether it fails, and how. */
import {type ByteSource, type Depth, type EntryVisitor, RdbReader, ValueVisitor} from '../../src/index.js'

export {isReaderError, type ReaderError} from './transcript.js'

class Silent extends ValueVisitor {
  constructor(readonly depth: Depth) {
    super()
  }
}

/** The error of a reading, or nothing. */
export async function readSilently(source: ByteSource, depth: Depth): Promise<unknown> {
  const silent = new Silent(depth)
  const visitor: EntryVisitor = {entry: () => silent}
  const reader = new RdbReader(source)
  try {
    await reader.run(visitor)
    return undefined
  } catch (error) {
    return error
  } finally {
    await reader.close()
  }
}
