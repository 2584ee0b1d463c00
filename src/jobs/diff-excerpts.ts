/**
 * Single entries of an RDB file by where they lie: where few are wanted, nothing else of it is read.
 *
 *   magic and version  SELECTDB  bytes of the file from the entry on
 */
import {type FileHandle, open} from 'node:fs/promises'
import {ByteWriter} from '../bytes/writer.js'
import {writeLength} from '../encoding/length.js'
import {Entry} from '../keyspace/entry.js'
import {type EntryVisitor, ValueVisitor} from '../keyspace/visitor.js'
import type {RdbEntry} from '../rdb/entries.js'
import {OPCODE_SELECTDB} from '../rdb/opcodes.js'
import {RdbReader} from '../rdb/reader.js'
import {ExcerptSource} from './check-again.js'

export interface ExcerptedFile {
  path: string
  family: 'redis' | 'valkey'
  rdbVersion: number
  /** Where databases begin. */
  dbs: readonly {readonly place: number; readonly db: number}[]
}

/** Shows a visitor the entries at some places, ascending. Throws what reading them throws. */
export async function showExcerpts(
  {path, family, rdbVersion, dbs}: ExcerptedFile,
  places: readonly number[],
  visitor: EntryVisitor,
): Promise<void> {
  const file = await open(path, 'r')
  try {
    const {size} = await file.stat()
    let next = 0
    let db = 0
    for (const place of places) {
      while (next < dbs.length && dbs[next]!.place <= place) db = dbs[next++]!.db
      const draining = visitor.drain?.()
      if (draining !== undefined) await draining
      await showOne(file, headOf(family, rdbVersion, db), place, size, visitor)
    }
  } finally {
    await file.close()
  }
}

async function showOne(
  file: FileHandle,
  head: Uint8Array,
  place: number,
  fileBytes: number,
  visitor: EntryVisitor,
): Promise<void> {
  const reader = new RdbReader(new ExcerptSource(file, head, place, fileBytes))
  for await (const found of reader) {
    await found.value.visit(visitor.entry(entryOf(found, place)))
    return
  }
}

function headOf(family: 'redis' | 'valkey', rdbVersion: number, db: number): Uint8Array {
  const magic = family === 'valkey' ? 'VALKEY' : 'REDIS'
  const out = new ByteWriter(32)
  out.ascii(magic + String(rdbVersion).padStart(9 - magic.length, '0'))
  out.u8(OPCODE_SELECTDB)
  writeLength(out, db)
  return out.view()
}

/** The entry as a reader shows it, at its place in the whole file. */
function entryOf(found: RdbEntry, place: number): Entry {
  const entry = new Entry()
  const {db, type, typeId, encoding, expireAtMs, idleSeconds, frequency, keyMeta, dragonflyMask} = found
  Object.assign(entry, {db, type, typeId, encoding, expireAtMs, idleSeconds, frequency, keyMeta, dragonflyMask})
  entry.keyBytes.lend(found.key, 0, found.key.length)
  entry.offset = place
  return entry
}

/** Reads values and makes nothing of them: what is damaged shows. */
export class ReadingVisitor extends ValueVisitor {
  override readonly depth = 'elements'
}
