/**
 * The asking thread itself as one of those that answer: nothing is copied, and between two windows of its own it looks
 * after the others.
 */
import {Inbox, Outbox} from './answering.js'
import {type Answerer, type FromThread, KEPT, type Parcel, type Piece} from './thread.js'

export class OwnThread<Q, A> implements Answerer<Q, A> {
  onEaten: ((buffer: ArrayBuffer) => void) | undefined
  #onParcel: (parcel: Parcel) => unknown = () => {}
  #answering: Promise<A> | undefined
  readonly #outbox = new Outbox(message => this.#take(message))
  readonly #inbox = new Inbox(message => this.#take(message))

  constructor(readonly answer: (question: Q, outbox: Outbox, inbox: Inbox) => Promise<A>) {}

  ask(question: Q, onParcel: (parcel: Parcel) => unknown): Promise<A> {
    this.#onParcel = onParcel
    const answering = this.answer(question, this.#outbox, this.#inbox)
    this.#answering = answering
    return answering
  }

  feed(piece: Piece): void {
    this.#inbox.put(piece)
  }

  giveBack(buffer: ArrayBuffer): void {
    this.#outbox.back(buffer)
  }

  /** What is being answered ends with the next window: two readers at a time would share what a thread has once. */
  async end(): Promise<void> {
    this.#inbox.isClosed = true
    await Promise.allSettled([this.#answering])
  }

  #take(message: FromThread<never>): void {
    if ('eaten' in message) this.onEaten?.(message.eaten)
    else if ('parcel' in message && this.#onParcel(message.parcel) !== KEPT) this.giveBack(message.parcel.buffer)
  }
}
