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

/** Rows that lie in a table, of which they are read back. */
export interface Kept {
  count: number
  /** Places of the columns that are text: they come as bytes. */
  texts: ReadonlySet<number>
}

export class SqlRows {
  readonly columns: readonly SqlColumn[]

  constructor(
    readonly result: DuckDBResult,
    /** Undefined of what is no table: the engine tells of itself. */
    readonly kept: Kept | undefined,
    /** Makes of what the engine throws what is to be thrown. */
    readonly failureOf: (error: unknown) => unknown,
  ) {
    const types = result.columnTypes().map(String)
    this.columns = result.deduplicatedColumnNames().map((name, at) => {
      const type = kept?.texts.has(at) ? 'VARCHAR' : types[at]!
      return {name, type, isNumber: NUMBERS.test(type)}
    })
  }

  /** Rows, some thousand at a time. */
  async *chunks(): AsyncGenerator<SqlValue[][]> {
    let left = this.kept?.count ?? 0
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
      yield rows.map(row => row.map((value, at) => this.#valueOf(value, at)))
    }
  }

  #valueOf(value: DuckDBValue, at: number): SqlValue {
    const plain = plainOf(value)
    if (!(plain instanceof Uint8Array) || this.kept?.texts.has(at) !== true) return plain
    return Buffer.from(plain.buffer, plain.byteOffset, plain.length).toString('utf8')
  }
}

const NUMBERS = /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|FLOAT|DOUBLE|DECIMAL.*)$/

/** A value of the engine as a plain one. */
function plainOf(value: DuckDBValue): SqlValue {
  if (value === null || typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
    return value
  if (typeof value === 'bigint') return integerOf(value)
  if ('bytes' in value && value.bytes instanceof Uint8Array) return value.bytes
  if ('scale' in value && typeof value.value === 'bigint') return decimalOf(String(value))
  if ('items' in value && Array.isArray(value.items)) return value.items.map(plainOf)
  if ('entries' in value && !Array.isArray(value.entries)) {
    return Object.fromEntries(
      Object.entries(value.entries as Record<string, DuckDBValue>).map(([name, one]) => [name, plainOf(one)]),
    )
  }
  // It is printed in UTC, wherever we are.
  if (value instanceof Object && 'micros' in value && ZONED.test(value.constructor.name))
    return zoned(value.micros as bigint)
  return String(value)
}

const ZONED = /TimestampTZ/
const MICROSECONDS = 1000

function zoned(micros: bigint): string {
  const date = new Date(Math.floor(Number(micros) / MICROSECONDS))
  return Number.isNaN(date.getTime()) ? String(micros) : date.toISOString()
}

/** A number where its digits are those of the decimal. */
function decimalOf(digits: string): number | string {
  const number = Number(digits)
  const shortest = digits.includes('.') ? digits.replace(/0+$/, '').replace(/\.$/, '') : digits
  return String(number) === shortest ? number : digits
}

function integerOf(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}
