/**
 * The end of a thread that the thread itself holds (thread.ts).
 */
import {parentPort, workerData} from 'node:worker_threads'
import {limits} from '../limits.js'
import {flattened} from './crossing-errors.js'
import type {FromThread, Piece, ToThread} from './thread.js'

/** Bytes of one parcel: a message costs some ten microseconds, what is in it next to nothing. */
export const PARCEL_BYTES = 1024 * 1024
/** What the asking thread does between two looks at its messages (8 MiB of a file) must not stop the other one. */
export const PARCELS_OUT_MAX = 10

/** What a thread is fed, piece by piece. */
export class Inbox {
  readonly #pieces: Piece[] = []
  /** Nobody wants the answer any more. */
  isClosed = false
  #wake: (() => void) | undefined

  constructor(readonly send: (message: FromThread<never>, moved: readonly ArrayBuffer[]) => void) {}

  /** The next piece, or how the feeding has ended. */
  async next(): Promise<Piece> {
    while (this.#pieces.length === 0) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
    return this.#pieces.shift()!
  }

  /** Gives the memory of a piece back. */
  back(buffer: ArrayBuffer): void {
    this.send({eaten: buffer}, [buffer])
  }

  /** A piece has come. */
  put(piece: Piece): void {
    this.#pieces.push(piece)
    this.#wake?.()
    this.#wake = undefined
  }

  /** Nobody wants what is left: there is another question. */
  clear(): void {
    for (const piece of this.#pieces.splice(0)) if ('buffer' in piece) this.back(piece.buffer)
  }
}

/** Where a thread puts what it hands on, in memory that comes back. */
export class Outbox {
  readonly #empty: ArrayBuffer[] = []
  #out = 0
  #goOn: (() => void) | undefined

  /** So many are on their way at most where `ready` is awaited. */
  constructor(
    readonly send: (message: FromThread<never>, moved: readonly ArrayBuffer[]) => void,
    readonly parcelsMax = PARCELS_OUT_MAX,
  ) {}

  /** Memory for a parcel of PARCEL_BYTES; whatever it was used for is still in it. */
  take(): ArrayBuffer {
    return this.#empty.pop() ?? new ArrayBuffer(PARCEL_BYTES)
  }

  /** Hands on what `take` gave. Never waits: that is for who can, between windows (`ready`). */
  post(buffer: ArrayBuffer, used: number, read: number, tag = -1): void {
    this.#out++
    this.send({parcel: {buffer, used, read, tag}}, [buffer])
  }

  /** To be awaited where there is something: too much is on its way. */
  ready(): Promise<void> | undefined {
    if (this.#out <= this.parcelsMax) return undefined
    return new Promise(resolve => {
      this.#goOn = resolve
    })
  }

  /** A parcel has come back. */
  back(buffer: ArrayBuffer): void {
    this.#out--
    this.#empty.push(buffer)
    if (this.#out > this.parcelsMax) return
    this.#goOn?.()
    this.#goOn = undefined
  }
}

/** What a file of src/threads does: it answers until its thread is ended. */
export function answerQuestions<Q, A>(
  answer: (question: Q, outbox: Outbox, inbox: Inbox) => Promise<A>,
  parcelsMax?: number,
): void {
  Object.assign(limits, workerData)
  const port = parentPort!
  const send = (message: FromThread<never>, moved: readonly ArrayBuffer[]): void => port.postMessage(message, moved)
  const outbox = new Outbox(send, parcelsMax)
  const inbox = new Inbox(send)
  const told = (said: FromThread<A>): void => port.postMessage(said)
  const answerOne = async (question: Q): Promise<void> => {
    inbox.clear()
    try {
      told({answer: await answer(question, outbox, inbox)})
    } catch (error) {
      told({error: flattened(error)})
    }
  }
  let last = Promise.resolve()
  port.on('message', (message: ToThread<Q>) => {
    if ('empty' in message) {
      outbox.back(message.empty)
      return
    }
    if ('piece' in message) {
      inbox.put(message.piece)
      return
    }
    const {question} = message
    last = last.then(() => answerOne(question))
  })
}
