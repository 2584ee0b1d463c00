/**
 * Tells a command that a crash has torn from one whose damaged length takes in
 * what stands behind it: within the latter there are whole commands.
 *
 *   *3 $3 SET $1 k $1900000000 v *3 $3 SET ... the end of the file
 *   ↑ torn                       ↑ swallowed
 */
import {wholeWithinTornOf} from '../aof/command-search.js'
import {FormatError} from '../errors.js'
import {formatCount} from '../report/units.js'

export interface TornCommand {
  /** Of the file, open. */
  fd: number
  /** Where the command begins. */
  offset: number
  /** Of the file, as far as it was read. */
  bytes: number
}

/** Where the first of the commands lies that a torn one takes in; undefined: there are none, as a crash leaves it. */
export async function findSwallowed({fd, offset, bytes}: TornCommand): Promise<number | undefined> {
  // What servers know by a command's name is loaded for torn logs only.
  const {commandJudge} = await import('../replay/command-judge.js')
  return await wholeWithinTornOf(fd, offset, bytes, commandJudge)
}

/** What is wrong with such a command. */
export function swallowedError({offset}: TornCommand, first: number): FormatError {
  const text = `a length in this command is damaged: it takes in what follows, where whole commands begin again at byte ${formatCount(first)}`
  const error = new FormatError('BAD_COMMAND', text, offset)
  error.advice = 'rdbtool check --salvage OUT --past-damage writes what is whole to a new place'
  return error
}

/** The last command of a log that is followed: more of it may come. */
export class AwaitedCommand {
  #offset = -1
  #bytesLooked = 0

  constructor(readonly fd: number) {}

  /** Throws FormatError where whole commands stand within what is there of it. It is looked at anew once it has doubled. */
  async look(offset: number, bytes: number): Promise<void> {
    if (offset !== this.#offset) this.#bytesLooked = 0
    this.#offset = offset
    if (bytes === offset || bytes - offset < 2 * this.#bytesLooked) return
    this.#bytesLooked = bytes - offset
    await checkSwallowed({fd: this.fd, offset, bytes})
  }
}

/** Throws FormatError where a torn command takes in others. */
export async function checkSwallowed(torn: TornCommand): Promise<void> {
  const first = await findSwallowed(torn)
  if (first !== undefined) throw swallowedError(torn, first)
}
