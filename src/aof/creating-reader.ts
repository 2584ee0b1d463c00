/**
 * Reads files of commands that only create: what rewrite.ts writes, what
 * servers write when they rewrite a log, and what people send through
 * redis-cli --pipe. The commands of a key stand together.
 *
 * A command that changes what is there cannot be followed here: it ends the reading.
 */
import {ByteCursor, STARVED} from '../bytes/cursor.js'
import type {ByteSource} from '../bytes/source.js'
import {FormatError, LimitError, UnsupportedError, UsageError} from '../errors.js'
import type {EntrySource, SourceEnd} from '../keyspace/entry-source.js'
import {nextWindow} from '../keyspace/next-window.js'
import type {EntryVisitor, ValueVisitor} from '../keyspace/visitor.js'
import {readPayload} from '../rdb/payload.js'
import {CommandReader} from '../resp/command-reader.js'
import {CreatedKey} from './created-key.js'
import {CREATING, type Restored} from './creating-commands.js'
import {Arguments} from './typed-arguments.js'

/** A string of more is taken in pieces. */
const WHOLE_BYTES_MAX = 128 * 1024
const SET_VALUE = 2

export class CreatingReader implements EntrySource {
  readonly format = 'resp'
  readonly #cursor: ByteCursor
  readonly #commands: CommandReader
  readonly #args: Arguments
  readonly #key = new CreatedKey()
  #db = 0
  #shownDb = -1
  #begun = false
  /** Arguments of the present command; 0 between two. */
  #argc = 0
  /** Where the present command begins. */
  #offset = 0
  /** Bytes still to come of a long string. */
  #left = 0
  #restored: Restored | undefined

  constructor(readonly source: ByteSource) {
    this.#cursor = new ByteCursor(source.inputBytes)
    this.#commands = new CommandReader(this.#cursor)
    this.#args = new Arguments(this.#commands)
  }

  get offset(): number {
    return this.#cursor.offset
  }

  async origin(): Promise<undefined> {
    return undefined
  }

  async run(visitor: EntryVisitor): Promise<SourceEnd> {
    if (this.#begun) throw new UsageError('a reader reads its source once: open another')
    this.#begun = true
    try {
      while (await this.#drive(visitor)) await this.#showRestored(visitor)
    } finally {
      this.#key.dispose()
    }
    await this.source.readRest?.()
    return {checksum: 'absent'}
  }

  async close(): Promise<void> {
    await this.source.close()
  }

  /** Reads on to the next RESTORE (true) or to the end. */
  async #drive(visitor: EntryVisitor): Promise<boolean> {
    for (;;) {
      try {
        return this.#all(visitor)
      } catch (error) {
        if (error !== STARVED) throw this.#placed(error)
      }
      await nextWindow(this.#cursor, this.source, visitor)
    }
  }

  #placed(error: unknown): unknown {
    const placed = error instanceof FormatError || error instanceof LimitError || error instanceof UnsupportedError
    if (!placed) return error
    const {entry, open} = this.#key
    error.place = open
      ? {db: entry.db, key: entry.key(), type: entry.type, recordOffset: entry.offset}
      : {db: this.#db, recordOffset: this.#offset}
    return error
  }

  #all(visitor: EntryVisitor): boolean {
    const cursor = this.#cursor
    for (;;) {
      if (this.#left > 0) this.#longString()
      if (this.#argc === 0) {
        this.#offset = cursor.offset
        const argc = this.#commands.head()
        if (argc < 0) {
          this.#finishKey(visitor)
          return false
        }
        this.#argc = argc
        cursor.commit()
      }
      if (this.#isLongSet(visitor)) continue
      this.#command(visitor)
      if (this.#restored !== undefined) return true
    }
  }

  /** Begins a SET whose value is taken in pieces; else the command stands at its first argument. */
  #isLongSet(visitor: EntryVisitor): boolean {
    const cursor = this.#cursor
    const commands = this.#commands
    const start = cursor.pos
    if (this.#argc !== SET_VALUE + 1) return false
    commands.argc = 0
    commands.argument()
    if (this.#args.name() !== 'SET') {
      cursor.pos = start
      return false
    }
    commands.argument()
    const bytes = commands.argumentHead()
    if (bytes <= WHOLE_BYTES_MAX) {
      cursor.pos = start
      return false
    }
    this.#keyOf(1, visitor)
    this.#key.become('string')
    this.#left = bytes
    cursor.commit()
    return true
  }

  #longString(): void {
    const cursor = this.#cursor
    while (this.#left > 0) {
      const bytes = cursor.some(this.#left)
      this.#key.addPiece(cursor.bytes, cursor.pos - bytes, cursor.pos)
      this.#left -= bytes
      // The end of the argument belongs to its last piece.
      if (this.#left > 0) cursor.commit()
    }
    this.#commands.argumentEnd()
    this.#argc = 0
    cursor.commit()
  }

  /** Reads the arguments of a command, all in the window, and does what it says. */
  #command(visitor: EntryVisitor): void {
    const commands = this.#commands
    commands.argc = 0
    for (let i = 0; i < this.#argc; i++) commands.argument()
    const args = this.#args
    args.offset = this.#offset
    const name = args.name()
    const command = CREATING[name]
    if (command === undefined) {
      const message = `${name} does not only create: a log whose commands change what is there cannot be read yet`
      throw new UnsupportedError('UNKNOWN_CONTAINER', message, this.#offset)
    }
    args.expect(command.argcMin)
    const {key} = command
    if (key > 0) this.#keyOf(key, visitor)
    else if (command.endsKey) this.#finishKey(visitor)
    command.run(args, this.#key, {
      select: db => {
        this.#db = db
      },
      visitor,
      restored: restored => {
        this.#restored = restored
      },
    })
    this.#argc = 0
    this.#cursor.commit()
  }

  /** The command at hand is of this key: what another one is made of is complete. */
  #keyOf(arg: number, visitor: EntryVisitor): void {
    const {bytes} = this.#cursor
    const [start, end] = [this.#commands.start(arg), this.#commands.end(arg)]
    if (this.#key.is(this.#db, bytes, start, end)) return
    this.#finishKey(visitor)
    this.#key.begin(this.#db, bytes, start, end, this.#offset)
  }

  #finishKey(visitor: EntryVisitor): void {
    if (!this.#key.open) return
    this.#announce(visitor, this.#key.entry.db)
    this.#key.show(visitor, this.#offset)
  }

  #announce(visitor: EntryVisitor, db: number): void {
    if (db === this.#shownDb) return
    this.#shownDb = db
    visitor.selectDb?.(db)
  }

  /** A payload is read by the reader of RDB files, which waits: so not within a command. */
  async #showRestored(visitor: EntryVisitor): Promise<void> {
    const {payload, key, expireAtMs, idleSeconds, frequency} = this.#restored!
    const offset = this.#offset
    const db = this.#db
    this.#restored = undefined
    this.#announce(visitor, db)
    const inner: EntryVisitor = {
      entry: (entry): ValueVisitor => {
        Object.assign(entry, {db, expireAtMs, idleSeconds, frequency, offset})
        return visitor.entry(entry)
      },
      drain: () => visitor.drain?.(),
    }
    try {
      await readPayload(payload, inner, key, offset)
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      const placed = new FormatError(error.code, `the payload of RESTORE: ${error.message}`, offset, {cause: error})
      placed.place = {db, key, recordOffset: offset}
      throw placed
    }
  }
}
