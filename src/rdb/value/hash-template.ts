/**
 * Hashes that share their field names (redis 8.10).
 *
 * An opcode HASH_TEMPLATE defines the names once for the file:
 *   f2 <id> <count> <string: field>*           ids are dense from 0
 *
 * Types that carry their names along (DUMP, replication):
 *   29 TMPL_LP     fields <string: listpack of id (ignored), value*>
 *   31 TMPL_ARRAY  fields <string: value>*
 *   fields         <length 0> <string: listpack of names> | <length 1> <count> <string>*
 * Types that refer to a template of the file:
 *   30 LP_REF      <string: listpack of id, value*>
 *   32 ARRAY_REF   <id> <string: value>*
 *
 * By meaning each is a plain hash.
 */
import type {ByteCursor} from '../../bytes/cursor.js'
import {LentBytes} from '../../bytes/lent.js'
import {readPlainLength} from '../../encoding/length.js'
import {ListpackWalker} from '../../encoding/listpack.js'
import {readString, StringRun} from '../../encoding/string.js'
import {StringList} from '../../encoding/string-list.js'
import {FormatError, LimitError} from '../../errors.js'
import {type Entry, NEVER} from '../../keyspace/entry.js'
import type {ValueVisitor} from '../../keyspace/visitor.js'
import {limits} from '../../limits.js'
import {PackedPasser, type ValueReader} from './reader.js'

const FIELDS_LISTPACK = 0
const FIELDS_STRINGS = 1

/** A template that has been read. */
export interface KnownTemplate {
  id: number
  fields: readonly Uint8Array[]
}

/** The templates of one file. */
export class HashTemplates {
  /**
   *   whole   the file is read from its beginning: each number follows the one before
   *   gaps    some may be lost
   *   fixed   what is read is perhaps none, and not kept
   */
  mode: 'whole' | 'gaps' | 'fixed' = 'whole'
  readonly #templates = new Map<number, readonly Uint8Array[]>()
  #last = -1
  readonly #names = new StringList('field names')
  #fields = 0
  #bytes = 0

  /** Those that were defined before, where what is read is a part of a file. */
  learn(known: readonly KnownTemplate[]): void {
    for (const {id, fields} of known) this.#add(id, fields, 0)
  }

  /** Field names of all of them. */
  get fieldCount(): number {
    return this.#fields
  }

  /** All so far, in the order of their numbers. */
  known(): KnownTemplate[] {
    return Array.from(this.#templates, ([id, fields]) => ({id, fields})).sort((a, b) => a.id - b.id)
  }

  /** Reads the payload of a HASH_TEMPLATE opcode. */
  read(cursor: ByteCursor): KnownTemplate {
    const id = readPlainLength(cursor)
    const next = this.#last + 1
    if (this.mode === 'whole' ? id !== next : this.mode === 'gaps' && id < next && !this.#templates.has(id)) {
      throw new FormatError('BAD_HASH', `hash template ${id} follows where ${next} belongs`, cursor.offset)
    }
    const offset = cursor.offset
    const fields = this.#names.read(cursor)
    if (fields.length === 0) throw noFields(`hash template ${id}`, offset)
    if (this.mode !== 'fixed') this.#add(id, fields, cursor.offset)
    return {id, fields}
  }

  #add(id: number, fields: readonly Uint8Array[], offset: number): void {
    if (!this.#templates.has(id)) this.#count(fields, offset)
    this.#last = Math.max(this.#last, id)
    this.#templates.set(id, fields)
  }

  #count(fields: readonly Uint8Array[], offset: number): void {
    this.#fields += fields.length
    if (this.#fields > limits.templateFieldsMax) {
      throw new LimitError('templateFieldsMax', limits.templateFieldsMax, this.#fields, offset)
    }
    this.#bytes = fields.reduce((bytes, field) => bytes + field.length, this.#bytes)
    if (this.#bytes > limits.templateBytesMax) {
      throw new LimitError('templateBytesMax', limits.templateBytesMax, this.#bytes, offset)
    }
  }

  fields(id: number, offset: number): readonly Uint8Array[] {
    const fields = this.#templates.get(id)
    if (fields !== undefined) return fields
    throw new FormatError('BAD_HASH', `a hash refers to template ${id}, which the file does not define`, offset)
  }
}

/** Types 29 to 32: where the names stand, and how the values are stored. */
export class HashTemplateReader implements ValueReader {
  #entry!: Entry
  #fields: readonly Uint8Array[] | undefined
  #next = 0
  readonly #run = new StringRun()
  readonly #passer = new PackedPasser('listpack')
  readonly #blob = new LentBytes(0)
  readonly #value = new LentBytes(1)
  readonly #walker = new ListpackWalker()
  readonly #names = new StringList('field names')

  constructor(
    readonly names: 'own' | 'shared',
    readonly values: 'listpack' | 'strings',
    readonly templates: HashTemplates,
  ) {}

  begin(entry: Entry): void {
    this.#entry = entry
    this.#fields = undefined
    this.#next = 0
    this.#passer.reset()
  }

  read(cursor: ByteCursor, visitor: ValueVisitor): void {
    if (this.values === 'listpack') this.#readListpack(cursor, visitor)
    else this.#readStrings(cursor, visitor)
  }

  #readListpack(cursor: ByteCursor, visitor: ValueVisitor): void {
    const own = this.names === 'own' && !this.#passer.inside ? readOwnFields(cursor, this.#names) : undefined
    if (visitor.depth === 'skip') {
      this.#entry.elements = Math.max(this.#passer.pass(cursor) - 1, 0)
      return
    }
    const offset = cursor.offset
    const blob = this.#blob
    readString(cursor, blob)
    this.#walker.open(blob.bytes, blob.start, blob.end, offset)
    const id = this.#walker.nextInteger()
    const fields = own ?? this.templates.fields(id, offset)
    this.#entry.elements = fields.length
    visitor.begin(this.#entry, fields.length)
    for (const name of fields) {
      if (!this.#walker.next(this.#value)) throw missingValue(offset)
      show(visitor, name, this.#value)
    }
    if (this.#walker.next(this.#value)) throw surplusValue(offset)
  }

  #readStrings(cursor: ByteCursor, visitor: ValueVisitor): void {
    const skipping = visitor.depth === 'skip'
    if (this.#fields === undefined) {
      const offset = cursor.offset
      this.#fields =
        this.names === 'own'
          ? readOwnFields(cursor, this.#names)
          : this.templates.fields(readPlainLength(cursor), offset)
      this.#entry.elements = this.#fields.length
      if (!skipping) visitor.begin(this.#entry, this.#fields.length)
      cursor.commit()
    }
    if (skipping) {
      this.#pass(cursor, this.#fields.length)
      return
    }
    while (this.#next < this.#fields.length) {
      readString(cursor, this.#value)
      show(visitor, this.#fields[this.#next]!, this.#value)
      this.#next++
      cursor.commit()
    }
  }

  #pass(cursor: ByteCursor, count: number): void {
    // Set once: the run counts on by itself where a window ends.
    if (this.#next < count) {
      this.#run.left = count - this.#next
      this.#next = count
    }
    this.#run.skip(cursor)
  }
}

function show(visitor: ValueVisitor, name: Uint8Array, value: LentBytes): void {
  visitor.field(name, 0, name.length, value.bytes, value.start, value.end, NEVER)
}

function readOwnFields(cursor: ByteCursor, names: StringList): readonly Uint8Array[] {
  const format = readPlainLength(cursor)
  if (format !== FIELDS_LISTPACK && format !== FIELDS_STRINGS) {
    throw new FormatError('BAD_HASH', `field names of a hash have format ${format}, not 0 or 1`, cursor.offset - 1)
  }
  const offset = cursor.offset
  const fields = format === FIELDS_STRINGS ? names.read(cursor) : readPackedFields(cursor)
  if (fields.length === 0) throw noFields('the template of a hash', offset)
  return fields
}

function readPackedFields(cursor: ByteCursor): readonly Uint8Array[] {
  const offset = cursor.offset
  const blob = new LentBytes(0)
  readString(cursor, blob)
  const blobBytes = blob.end - blob.start
  if (blobBytes > limits.listBytesMax) throw new LimitError('listBytesMax', limits.listBytesMax, blobBytes, offset)
  const walker = new ListpackWalker()
  walker.open(blob.bytes, blob.start, blob.end, offset)
  const fields: Uint8Array[] = []
  const name = new LentBytes(1)
  while (walker.next(name)) {
    fields.push(name.copy())
    if (fields.length > limits.listStringsMax) {
      throw new LimitError('listStringsMax', limits.listStringsMax, fields.length, offset)
    }
  }
  return fields
}

function noFields(what: string, offset: number): FormatError {
  return new FormatError('BAD_HASH', `${what} has no fields: one at least belongs there`, offset)
}

function missingValue(offset: number): FormatError {
  return new FormatError(
    'BAD_HASH',
    'the listpack of a templated hash has fewer values than its template names',
    offset,
  )
}

function surplusValue(offset: number): FormatError {
  return new FormatError('BAD_HASH', 'the listpack of a templated hash has more values than its template names', offset)
}
