/** What a writer that takes records by itself makes of a source, and of how many keys it did so. */
import {ByteOutput} from '../../src/bytes/output.js'
import type {ByteSource} from '../../src/bytes/source.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {RdbReader} from '../../src/index.js'
import type {EntrySink} from '../../src/keyspace/entry-sink.js'
import type {SourceOrigin} from '../../src/keyspace/entry-source.js'

export interface Written {
  text: string
  keys: number
  failure: string
}

export interface Taking {
  written: Written
  /** Keys that were taken without being shown. */
  taken: number
}

type Taker = Omit<EntrySink, 'take'> & {take: NonNullable<EntrySink['take']>}

/** `careful`: every record is read with care. */
export async function writtenOf(
  source: ByteSource,
  careful: boolean,
  newWriter: (out: ByteOutput, origin: SourceOrigin) => Taker,
): Promise<Taking> {
  const target = new MemoryTarget()
  const reader = new RdbReader(source, {ignoreChecksum: true})
  let failure: unknown
  let taken = 0
  let writer: Taker | undefined
  try {
    const made = newWriter(new ByteOutput(target), await reader.origin())
    writer = made
    const {take} = made
    made.take = (...place) => {
      if (careful) return place[1]
      const before = made.keys
      const reached = take.apply(made, place)
      taken += made.keys - before
      return reached
    }
    await reader.run(made)
  } catch (error) {
    failure = error
  }
  writer?.finish()
  await source.close()
  const text = Buffer.from(target.view()).toString('latin1')
  return {written: {text, keys: writer?.keys ?? 0, failure: String(failure)}, taken}
}
