/** What `dump --format jsonl` wrote, taken apart by JavaScript's own JSON, in the shapes of the goldens. */
import {ByteOutput} from '../../src/bytes/output.js'
import {MemoryTarget} from '../../src/bytes/target.js'
import {type ByteSource, type EntrySource, RdbReader} from '../../src/index.js'
import {JsonWriter} from '../../src/jsonl/writer.js'
import {formatBytes, formatScore} from '../fixtures/golden.js'
import type {GoldenEntry} from './fixtures.js'

/** Everything of a source as text. */
export async function jsonOf(source: EntrySource, form: 'jsonl' | 'json' = 'jsonl'): Promise<string> {
  const target = new MemoryTarget()
  const writer = new JsonWriter(new ByteOutput(target), form, await source.origin())
  try {
    await source.run(writer)
  } finally {
    await source.close()
  }
  writer.finish()
  return Buffer.from(target.view()).toString('utf8')
}

export const jsonOfRdb = (bytes: ByteSource, form: 'jsonl' | 'json' = 'jsonl'): Promise<string> =>
  jsonOf(new RdbReader(bytes, {ignoreChecksum: true}), form)

export interface Line {
  meta?: {product?: string; serverVersion?: string; rdbVersion?: number; aux: Record<string, unknown>}
  function?: unknown
  db?: number
  key?: unknown
  type?: string
  // biome-ignore lint/suspicious/noExplicitAny: its shape is that of its type
  value?: any
  [name: string]: unknown
}

/** The bytes that a string or {"base64"} stands for. */
export function bytesOf(value: unknown): Buffer {
  if (typeof value === 'string') return Buffer.from(value, 'utf8')
  return Buffer.from((value as {base64: string}).base64, 'base64')
}

const golden = (value: unknown): unknown => (value === null ? null : formatBytes(bytesOf(value)))

/** An entry's line in the shape of a golden's entry; sets and hashes sorted by their bytes. */
export function goldenOf({count, encoding: _, ...line}: Line): GoldenEntry {
  const {type, value} = line
  const sorted = (rows: unknown[][]): unknown[][] => rows.toSorted(([a], [b]) => Buffer.compare(bytesOf(a), bytesOf(b)))
  const shaped = (): unknown => {
    switch (type) {
      case 'string':
        return golden(value)
      case 'list':
        return value.map(golden)
      case 'set':
        return sorted(value.map((one: unknown) => [one])).map(([one]) => golden(one))
      case 'zset':
        return value.map(([member, score]: unknown[]) => [golden(member), scoreOf(score)])
      case 'hash':
        return sorted(value).map(([field, held, ...expiry]) => [golden(field), golden(held), ...expiry])
      case 'array':
        return value.map(([index, one]: unknown[]) => [index, golden(one)])
      case 'stream':
        return {...value, entries: value.entries.map(([id, fields]: [string, unknown[]]) => [id, fields.map(golden)])}
      default:
        return value
    }
  }
  return {...line, rdbType: 0, key: golden(line.key), value: shaped()} as unknown as GoldenEntry
}

function scoreOf(score: unknown): number | string {
  return typeof score === 'number' ? formatScore(score) : String(score)
}
