/**
 * Whether somebody waits for an answer before saying more: one answer is kept back for a while, and what comes meanwhile tells.
 *
 *   who waits     REPLCONF listening-port N          (held)   +OK   REPLCONF capa ...
 *   who does not  REPLCONF listening-port N   REPLCONF capa ...   +OK +OK
 */

const HELD_MS = 200
/**
 * The next words of one that does not wait may take a whole way there and back: systems hold back small pieces until the one
 * before has arrived. So long as that took before, several times.
 */
const WAYS = 3
const HELD_MS_MAX = 2000

/** One answer of a connection. */
export class HeldReply {
  #timer: NodeJS.Timeout | undefined
  #reply = ''
  /** It is done once. */
  wasHeld = false

  constructor(readonly send: (reply: string) => void) {}

  get isHeld(): boolean {
    return this.#timer !== undefined
  }

  /** `wayMs`: from the answer before until this was asked. */
  hold(reply: string, wayMs: number): void {
    this.wasHeld = true
    this.#reply = reply
    const heldMs = Math.min(Math.max(HELD_MS, WAYS * wayMs), HELD_MS_MAX)
    this.#timer = setTimeout(() => this.release(), heldMs)
  }

  release(): void {
    this.drop()
    this.send(this.#reply)
  }

  /** Nobody is there any more. */
  drop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
