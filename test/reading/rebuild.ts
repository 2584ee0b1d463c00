/** Reads bytes and writes them again, in memory; and what two readings must agree on. */
import {MemoryTarget} from '../../src/bytes/target.js'
import {type ByteSource, MemorySource, RdbReader} from '../../src/index.js'
import {ownTarget, type Target} from '../../src/rdb/targets.js'
import {RdbWriter, type RdbWriterOptions} from '../../src/rdb/writer.js'
import type {GoldenEntry} from './fixtures.js'

export interface Rebuilding extends Partial<RdbWriterOptions> {
  /** Absent: that of the source itself. */
  target?: Target
}

/** Writes what a source holds anew; aux fields stay behind. */
export async function rebuild(source: ByteSource | Uint8Array, options: Rebuilding = {}): Promise<Uint8Array> {
  const input = source instanceof Uint8Array ? new MemorySource(source) : source
  const reader = new RdbReader(input, {ignoreChecksum: true})
  const origin = await reader.origin()
  const output = new MemoryTarget()
  const writer = new RdbWriter(output, {target: ownTarget(origin), templates: true, ...options})
  writer.sourceFamily = origin.family
  await reader.run({
    entry: entry => writer.entry(entry),
    function: code => writer.function(code),
    moduleAux: aux => writer.moduleAux(aux),
    hashTemplate: (id, fields) => {
      if (writer.options.templates) writer.hashTemplate(id, fields)
    },
  })
  writer.finish()
  await output.finish()
  return output.view()
}

const UNORDERED = new Set(['set', 'hash', 'zset'])

/** What entries say whatever the encoding they are stored in: empty collections are no keys. */
export function byMeaning(entries: readonly GoldenEntry[]): string[] {
  return entries
    .filter(({type, count, value}) => {
      if (type === 'string' || type === 'stream' || type === 'module') return true
      return count === undefined ? (value as unknown[]).length !== 0 : count !== 0
    })
    .map(({rdbType: _, type, value, ...rest}) => {
      const rows = UNORDERED.has(type) ? (value as unknown[]).map(row => canonical(row)).sort() : value
      const held = type === 'module' ? {...(value as object), base64: ''} : rows
      return canonical({...rest, type, value: held})
    })
    .sort()
}

function canonical(one: unknown): string {
  return JSON.stringify(one, (_, part: unknown) => {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
