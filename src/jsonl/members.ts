/**
 * The members of an object that lies in the window whole, by name: they may
 * stand in any order, and are read in one of ours.
 */
import {COLON, type JsonScanner, UNBRACE} from './scanner.js'
import {JsonSkipper} from './skipper.js'

export class Members<Name extends string> {
  /** Behind the object's closing brace, in the window. */
  end = 0
  /** Where each value begins; -1 where it is absent. */
  readonly #at = new Map<Name, number>()
  readonly #skipper = new JsonSkipper()

  constructor(
    readonly scanner: JsonScanner,
    readonly names: readonly Name[],
    /** Of what they are members. */
    readonly what: string,
  ) {}

  /** Finds them all, from the opening brace on, or (`first` false) from behind another member on. */
  locate(first: boolean): void {
    const {scanner, names} = this
    const {cursor} = scanner
    this.#at.clear()
    for (let next = first; scanner.more(next, UNBRACE); next = false) {
      scanner.string('the name of a member')
      const name = names.find(one => scanner.is(one))
      if (name === undefined) throw scanner.errorAtName(`is no member of ${this.what}`)
      if (this.#at.has(name)) throw scanner.errorAtName(`stands twice in ${this.what}`)
      scanner.expect(COLON, ':')
      scanner.next()
      this.#at.set(name, cursor.pos)
      this.#skipper.pass(cursor, Number.POSITIVE_INFINITY)
    }
    this.end = cursor.pos
  }

  has(name: Name): boolean {
    return this.#at.has(name)
  }

  /** Moves to the value of a member; false where there is none. */
  goTo(name: Name): boolean {
    const at = this.#at.get(name)
    if (at === undefined) return false
    this.scanner.cursor.pos = at
    return true
  }

  /** Moves to the value of a member that must be there. */
  require(name: Name): void {
    if (this.goTo(name)) return
    this.scanner.fail(`${this.what} has no "${name}"`, 'BAD_JSON', this.end - 1)
  }
}
