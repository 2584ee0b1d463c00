/** A thread that is none: it answers in this one, and all that crosses is copied as it would be between two. */
import {Inbox, Outbox} from '../../src/parallel/answering.js'
import {flattened, restored} from '../../src/parallel/crossing-errors.js'
import {type Answerer, type FromThread, KEPT, type Parcel, type Piece} from '../../src/parallel/thread.js'

type Answer<Q, A> = (question: Q, outbox: Outbox, inbox: Inbox) => Promise<A>

export class Here<Q, A> implements Answerer<Q, A> {
  onEaten: ((buffer: ArrayBuffer) => void) | undefined
  #onParcel: ((parcel: Parcel) => unknown) | undefined
  readonly #outbox = new Outbox((message, moved) => this.#later(message, moved))
  readonly #inbox = new Inbox((message, moved) => this.#later(message, moved))
  #last: Promise<void> = Promise.resolve()
  #answering: Promise<unknown> | undefined

  constructor(readonly answer: Answer<Q, A>) {}

  /** One question at a time, as a thread answers. */
  async ask(question: Q, onParcel: (parcel: Parcel) => unknown): Promise<A> {
    const asked = structuredClone(question)
    while (this.#answering !== undefined) await this.#answering.catch(() => {})
    const answering = this.#answerOne(asked, onParcel)
    this.#answering = answering
    try {
      return await answering
    } finally {
      this.#answering = undefined
    }
  }

  feed(piece: Piece): void {
    this.#inbox.put('buffer' in piece ? structuredClone(piece, {transfer: [piece.buffer]}) : piece)
  }

  giveBack(buffer: ArrayBuffer): void {
    this.#outbox.back(structuredClone(buffer, {transfer: [buffer]}))
  }

  async end(): Promise<void> {}

  async #answerOne(question: Q, onParcel: (parcel: Parcel) => unknown): Promise<A> {
    this.#onParcel = onParcel
    this.#inbox.clear()
    const answer = await this.answer(question, this.#outbox, this.#inbox).catch(error => {
      throw restored(structuredClone(flattened(error)))
    })
    await this.#last
    return structuredClone(answer)
  }

  #later(message: FromThread<never>, moved: readonly ArrayBuffer[]): void {
    const arrived = structuredClone(message, {transfer: [...moved]})
    this.#last = this.#last.then(() => this.#take(arrived))
  }

  #take(message: FromThread<never>): void {
    if ('eaten' in message) this.onEaten?.(message.eaten)
    else if ('parcel' in message && this.#onParcel!(message.parcel) !== KEPT) this.giveBack(message.parcel.buffer)
  }
}
