/**
 * The end of a thread that the thread itself holds (thread.ts).
 */
import {parentPort, workerData} from 'node:worker_threads'
import {limits} from '../limits.js'
import {flattened} from './crossing-errors.js'
import type {FromThread, ToThread} from './thread.js'

/** Bytes of one parcel: a message costs some ten microseconds, what is in it next to nothing. */
export const PARCEL_BYTES = 256 * 1024
/** What the asking thread does between two looks at its messages (8 MiB of a file) must not stop the other one. */
const PARCELS_OUT_MAX = 32

/** Where a thread puts what it hands on, in memory that comes back. */
export class Outbox {
  readonly #empty: ArrayBuffer[] = []
  #out = 0
  #goOn: (() => void) | undefined

  constructor(readonly send: (message: FromThread<never>, moved: readonly ArrayBuffer[]) => void) {}

  /** Memory for a parcel of PARCEL_BYTES; whatever it was used for is still in it. */
  take(): ArrayBuffer {
    return this.#empty.pop() ?? new ArrayBuffer(PARCEL_BYTES)
  }

  /** Hands on what `take` gave. Never waits: that is for who can, between windows (`ready`). */
  post(buffer: ArrayBuffer, used: number, read: number): void {
    this.#out++
    this.send({parcel: {buffer, used, read}}, [buffer])
  }

  /** To be awaited where there is something: too much is on its way. */
  ready(): Promise<void> | undefined {
    if (this.#out <= PARCELS_OUT_MAX) return undefined
    return new Promise(resolve => {
      this.#goOn = resolve
    })
  }

  /** A parcel has come back. */
  back(buffer: ArrayBuffer): void {
    this.#out--
    this.#empty.push(buffer)
    if (this.#out > PARCELS_OUT_MAX) return
    this.#goOn?.()
    this.#goOn = undefined
  }
}

/** What a file of src/threads does: it answers until its thread is ended. */
export function answerQuestions<Q, A>(answer: (question: Q, outbox: Outbox) => Promise<A>): void {
  Object.assign(limits, workerData)
  const port = parentPort!
  const outbox = new Outbox((message, moved) => port.postMessage(message, moved))
  port.on('message', (message: ToThread<Q>) => {
    if ('empty' in message) {
      outbox.back(message.empty)
      return
    }
    const told = (said: FromThread<A>): void => port.postMessage(said)
    answer(message.question, outbox).then(
      found => told({answer: found}),
      error => told({error: flattened(error)}),
    )
  })
}
