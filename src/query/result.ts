/**
 * What a statement found: its columns, and rows as they come. Values are plain: numbers where they are exact, digits of
 * larger ones, text of moments and of whatever else has a type of its own, bytes of BLOBs.
 */
import type {DuckDBResult, DuckDBValue} from '@duckdb/node-api'

export type SqlValue = number | string | boolean | null | Uint8Array | SqlValue[] | {[name: string]: SqlValue}

export interface SqlColumn {
  name: string
  /** As the engine calls it, such as BIGINT. */
  type: string
  isNumber: boolean
}

export class SqlRows {
  readonly columns: readonly SqlColumn[]

  constructor(
    readonly result: DuckDBResult,
    /** How many there are, where that is known. */
    readonly count: number | undefined,
    /** Makes of what the engine throws what is to be thrown. */
    readonly failureOf: (error: unknown) => unknown,
  ) {
    const names = result.deduplicatedColumnNames()
    const types = result.columnTypes()
    this.columns = names.map((name, at) => {
      const type = String(types[at])
      return {name, type, isNumber: NUMBERS.test(type)}
    })
  }

  /** Rows, some thousand at a time. */
  async *chunks(): AsyncGenerator<SqlValue[][]> {
    let left = this.count ?? 0
    for (;;) {
      let rows: readonly (readonly DuckDBValue[])[]
      try {
        const chunk = await this.result.fetchChunk()
        if (chunk === null || chunk.rowCount === 0) {
          if (left > 0) throw new Error(`${left} rows could not be read back from temporary files`)
          return
        }
        left -= chunk.rowCount
        rows = chunk.getRows()
      } catch (error) {
        throw this.failureOf(error)
      }
      yield rows.map(row => row.map(plainOf))
    }
  }
}

const NUMBERS = /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL.*)$/

/** A value of the engine as a plain one. */
function plainOf(value: DuckDBValue): SqlValue {
  if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
    return value
  if (typeof value === 'bigint') return integerOf(value)
  if ('bytes' in value && value.bytes instanceof Uint8Array) return value.bytes
  if ('scale' in value && typeof value.value === 'bigint') return value.toDouble()
  if ('items' in value && Array.isArray(value.items)) return value.items.map(plainOf)
  if ('entries' in value && !Array.isArray(value.entries)) {
    return Object.fromEntries(
      Object.entries(value.entries as Record<string, DuckDBValue>).map(([name, one]) => [name, plainOf(one)]),
    )
  }
  return String(value)
}

function integerOf(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
