/**
 * dump --format parquet: both tables of a source, a file each, in a folder that appears once they are whole.
 *
 *   DIR/keys.parquet  DIR/elements.parquet  DIR/manifest.json
 *   {"format": "rdbtool parquet", "version": 1, "tables": {"keys": {"rows"}, "elements": {"rows"}}}
 */
import {mkdirSync, readdirSync, statSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {
  type FolderMark,
  folderAt,
  openFolder,
  publishFolder,
  removeUnpublished,
  temporaryBeside,
} from '../bytes/unpublished.js'
import {TABLES, type TableName} from '../query/columns.js'
import {Query, type QueryOptions, type SourceProblem} from './query.js'

const MANIFEST_NAME = 'manifest.json'
const FORMAT = 'rdbtool parquet'
const VERSION = 1
const NAMES = Object.keys(TABLES) as TableName[]

export interface ParquetDump {
  /** By table. */
  rows: Record<TableName, number>
  bytes: number
  problems: readonly SourceProblem[]
}

/** Holds nothing but what was written there. */
const PARQUET_FOLDER: FolderMark = {
  file: MANIFEST_NAME,
  isOurs: (text, folder) => {
    const ours = new Set([MANIFEST_NAME, ...NAMES.map(fileOf)])
    return isManifest(text) && readdirSync(folder).every(name => ours.has(name))
  },
}

function isManifest(text: string): boolean {
  try {
    return (JSON.parse(text) as {format?: unknown} | null)?.format === FORMAT
  } catch {
    return false
  }
}

const fileOf = (table: TableName): string => `${table}.parquet`

/** Throws what ends it: nothing is there then that was not there before. */
export async function dumpParquet(
  name: string,
  out: string,
  {force, ...options}: QueryOptions & {force: boolean},
): Promise<ParquetDump> {
  const folder = folderAt(out)
  openFolder(folder, force, PARQUET_FOLDER)
  const query = await Query.open([name], options)
  const temporary = temporaryBeside(folder)
  try {
    mkdirSync(temporary)
    const rows: Partial<Record<TableName, number>> = {}
    let bytes = 0
    for (const table of NAMES) {
      const path = join(temporary, fileOf(table))
      rows[table] = await query.copyTo(`SELECT * FROM ${table}`, path)
      bytes += statSync(path).size
    }
    const tables = Object.fromEntries(NAMES.map(table => [table, {rows: rows[table]}]))
    writeFileSync(join(temporary, MANIFEST_NAME), `${JSON.stringify({format: FORMAT, version: VERSION, tables})}\n`)
    publishFolder(temporary, folder, force, PARQUET_FOLDER)
    return {rows: rows as Record<TableName, number>, bytes, problems: query.problems}
  } finally {
    removeUnpublished(temporary)
    await query.close()
  }
}
