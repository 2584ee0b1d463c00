/**
 * What is kept of a file of a log of which parts are damaged: pieces of whole
 * commands, such that no transaction is kept by halves, and no command for
 * another database than its own.
 *
 * Behind a gap two things are unknown: whether a transaction is under way, and
 * which database is selected; only zero bytes have overwritten as much as they
 * are, and if that is too little, both are known. In place of anything else more
 * may have stood, however short it is: bytes may be missing. What stands behind
 * a gap is held until it is known:
 *
 *   MULTI, #TS:       outside of a transaction: what is held may be kept
 *   EXEC              the end of a transaction that began before: what is held is dropped
 *   SELECT            what is held was for nobody knows which database: dropped
 *   a gap, the end    all of it is in one transaction, or none of it: dropped where one was open before the gap,
 *                     or where it is no longer than the longest that the file has
 *   the end           no SELECT came: for the one database that the log has named; dropped where there are more
 */

/** A run of whole commands and lines that is kept. */
export interface Piece {
  start: number
  end: number
  commands: number
  /** The database that must be selected before; undefined: none need be, it selects one itself or has no command for one. */
  db: number | undefined
  /** Selected behind it, if that is known. */
  dbAfter: number | undefined
}

export type LossReason =
  /** The file ends within a command or a line. */
  | 'torn'
  /** No commands are there. */
  | 'damage'
  /** A command whose name is a known one with a byte changed. */
  | 'name'
  /** Nothing but zero bytes is there. */
  | 'zeros'
  /** A part of a transaction of which the rest is lost. */
  | 'transaction'
  /** Nobody knows for which database they are. */
  | 'database'
  /** Whole commands behind damage, which were not asked for. */
  | 'behind'

export interface LogLoss {
  offset: number
  bytes: number
  /** Whole commands in it. */
  commands: number
  reason: LossReason
}

/** Nothing that fits into fewer zero bytes begins a transaction, or selects a database. */
const MULTI_BYTES = 15
const SELECT_BYTES = 23

interface HeldPiece extends Piece {
  /** The stretch that it is of, which may be within a transaction; 0: it is not. */
  stretch: number
  /** Nobody knows for which database it is. */
  database: boolean
}

interface Transaction {
  start: number
  commands: number
  /** As of its latest command; undefined: nobody knows. */
  selected: number | undefined
  selects: boolean
  /** A command has come that is for a database: for that which was selected before, unless it selects one itself. */
  begun: boolean
  db: number | undefined
  database: boolean
}

export class KeptPieces {
  #pieces: HeldPiece[] = []
  readonly #lost: LogLoss[] = []
  /** Undefined: nobody knows. */
  #db: number | undefined = 0
  #transaction: Transaction | undefined
  /** Behind a gap: whether a transaction is under way. */
  #within: 'no' | 'perhaps' | 'yes' = 'no'
  /** Commands of each stretch that may be within one: behind each gap there is one. */
  readonly #stretches = [0]
  /** Commands of the longest transaction. */
  #longest = 0

  /** `databases`: all that the log has named so far, in its files before this one too. */
  constructor(readonly databases: Set<number>) {}

  /** What was kept; to be asked for once the end is known. */
  get pieces(): readonly Piece[] {
    return this.#pieces
  }

  /** The database that commands behind damage are taken to be for, since the log names no other one; undefined: none are. */
  assumed: number | undefined

  /** What was not, in no order. */
  get lost(): readonly LogLoss[] {
    return this.#lost
  }

  /** A snapshot, or a line that is no command. */
  other(start: number, end: number): void {
    if (this.#transaction !== undefined) return
    // Servers write no line within a transaction.
    this.#settle(true)
    this.#add(start, end, 0, undefined, undefined, false)
  }

  multi(start: number): void {
    if (this.#transaction === undefined) {
      this.#settle(true)
      const held = {begun: false, db: undefined, database: false}
      this.#transaction = {start, commands: 0, selected: this.#db, selects: false, ...held}
    }
    this.#transaction.commands++
  }

  exec(start: number, end: number): void {
    if (this.#transaction !== undefined) {
      this.#complete(this.#transaction, end)
    } else if (this.#within === 'no') {
      // Servers answer with an error, and go on.
      this.#add(start, end, 1, undefined, undefined, false)
    } else {
      this.#settle(false)
      this.#lose(start, end, 1, 'transaction')
    }
  }

  select(start: number, end: number, db: number): void {
    this.databases.add(db)
    const transaction = this.#transaction
    if (transaction === undefined) {
      this.#selected(db)
      this.#add(start, end, 1, undefined, db, false)
    } else {
      transaction.commands++
      transaction.selected = db
      transaction.selects = true
    }
  }

  /** Any other command. */
  command(start: number, end: number): void {
    const transaction = this.#transaction
    const db = transaction === undefined ? this.#db : transaction.selected
    if (db !== undefined) this.databases.add(db)
    if (transaction === undefined) {
      this.#add(start, end, 1, db, db, db === undefined)
      return
    }
    transaction.commands++
    if (transaction.begun) return
    transaction.begun = true
    if (transaction.selects) return
    transaction.db = db
    transaction.database = db === undefined
  }

  /** From here to there nothing whole is found. */
  gap(start: number, end: number, reason: LossReason): void {
    this.#lose(start, end, 0, reason)
    const overwritten = reason === 'zeros' ? end - start : Number.POSITIVE_INFINITY
    const transaction = this.#transaction
    if (transaction !== undefined) {
      this.#abandon(transaction, start)
      // Had it been completed, that would be selected.
      this.#db = transaction.selected
      this.#within = 'yes'
    } else if (this.#within === 'yes') {
      // Its end may stand in either gap.
      this.#dropStretch()
    } else if (overwritten >= MULTI_BYTES) {
      this.#within = 'perhaps'
    }
    this.#stretches.push(0)
    if (overwritten >= SELECT_BYTES) this.#db = undefined
  }

  /** The file ends here: what is held is kept or dropped. */
  end(at: number): void {
    if (this.#transaction !== undefined) this.#abandon(this.#transaction, at)
    if (this.#within === 'yes') this.#dropStretch()
    this.#drop(({stretch}) => stretch > 0 && this.#stretches[stretch]! <= this.#longest, 'transaction')
    const [only, ...others] = this.databases
    if (only === undefined || others.length > 0) this.#drop(piece => piece.database, 'database')
    for (const piece of this.#pieces) if (piece.database) this.assumed = piece.db = piece.dbAfter = only
  }

  #complete({start, commands, selected, selects, db, database}: Transaction, end: number): void {
    this.#transaction = undefined
    this.#longest = Math.max(this.#longest, commands + 1)
    this.#add(start, end, commands + 1, db, selected, database)
    if (selects) this.#selected(selected!)
  }

  #abandon({start, commands}: Transaction, end: number): void {
    this.#transaction = undefined
    this.#longest = Math.max(this.#longest, commands)
    this.#lose(start, end, commands, 'transaction')
  }

  #selected(db: number): void {
    if (this.#db === undefined) this.#drop(piece => piece.database, 'database')
    this.#db = db
  }

  /** It is known whether what is held is within a transaction: then it is dropped. */
  #settle(keep: boolean): void {
    if (this.#within === 'no') return
    this.#within = 'no'
    if (!keep) this.#dropStretch()
    for (const piece of this.#pieces) if (piece.stretch === this.#stretch) piece.stretch = 0
  }

  get #stretch(): number {
    return this.#stretches.length - 1
  }

  #dropStretch(): void {
    this.#drop(({stretch}) => stretch > 0 && stretch === this.#stretch, 'transaction')
  }

  #add(
    start: number,
    end: number,
    commands: number,
    db: number | undefined,
    dbAfter: number | undefined,
    database: boolean,
  ): void {
    const stretch = this.#within === 'no' ? 0 : this.#stretch
    if (stretch > 0) this.#stretches[stretch]! += commands
    const last = this.#pieces.at(-1)
    if (last?.end !== start || last.stretch !== stretch || last.database !== database) {
      this.#pieces.push({start, end, commands, db, dbAfter, stretch, database})
      return
    }
    if (last.dbAfter === undefined) last.db ??= db
    last.end = end
    last.commands += commands
    last.dbAfter = dbAfter ?? last.dbAfter
  }

  #drop(which: (piece: HeldPiece) => boolean, reason: LossReason): void {
    for (const piece of this.#pieces) {
      if (which(piece)) this.#lose(piece.start, piece.end, piece.commands, reason)
    }
    this.#pieces = this.#pieces.filter(piece => !which(piece))
  }

  #lose(start: number, end: number, commands: number, reason: LossReason): void {
    if (end > start) this.#lost.push({offset: start, bytes: end - start, commands, reason})
  }
}
