/**
 * A worker thread that makes parcels for somebody who cannot await them: who asks for the next one is blocked until it is
 * there. That is for callbacks of native libraries, which must have their answer when they return.
 *
 *   asking thread                        thread (its file in src/threads)
 *   new Pulled ───── question ─────────► pulledFrom(make)
 *   next ◄────────── parcel ──────────── handOn            waits while PARCELS_AHEAD have not been taken
 *   giveBack ─────── its memory ───────► handOn's return
 *   next ◄────────── end, or error ───── once `make` has ended
 *
 * Three counters in shared memory wake who waits: parcels handed on, parcels taken, and a pulse, by which a thread that is
 * gone is told from one that works.
 */
import {basename} from 'node:path'
import {MessageChannel, type MessagePort, receiveMessageOnPort, Worker, workerData} from 'node:worker_threads'
import {limits} from '../limits.js'
import {type FlatError, flattened, restored} from './crossing-errors.js'
import {ThreadError} from './thread.js'

const PARCELS_AHEAD = 4
const PULSE_MS = 1000
/** A thread that reads and works has a pulse, whatever it reads from. */
const SILENCE_MS_MAX = 60_000

const HANDED_ON = 0
const TAKEN = 1
const PULSE = 2

type Message<P> = {parcel: P} | {end: true} | {error: FlatError}

interface PulledData {
  limits: typeof limits
  question: unknown
  counters: Int32Array<SharedArrayBuffer>
  port: MessagePort
}

export class Pulled<Q, P> {
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #counters = new Int32Array(new SharedArrayBuffer(12))
  #ended = false

  constructor(script: URL, question: Q) {
    const {port1, port2} = new MessageChannel()
    this.#port = port1
    const data: PulledData = {limits: {...limits}, question, counters: this.#counters, port: port2}
    const name = basename(script.pathname, '.js')
    this.#worker = new Worker(script, {name, workerData: data, transferList: [port2], stdout: true, stderr: true})
    // Nothing that comes while we are not blocked is for us: it is looked for when it is asked for.
    this.#worker.on('error', () => {})
    this.#worker.unref()
    this.#port.unref()
  }

  /** The next parcel; undefined at the end. Blocks the thread that asks. Throws what the making ended with. */
  next(): P | undefined {
    if (this.#ended) return undefined
    const message = this.#wait()
    if ('parcel' in message) {
      Atomics.add(this.#counters, TAKEN, 1)
      Atomics.notify(this.#counters, TAKEN)
      return message.parcel
    }
    this.#ended = true
    if ('error' in message) throw restored(message.error)
    return undefined
  }

  /** Memory that is needed no more. */
  giveBack(parcel: P, moved: readonly ArrayBuffer[]): void {
    this.#port.postMessage(parcel, moved)
  }

  /** Ends the thread, in the middle of whatever it does. */
  async close(): Promise<void> {
    this.#port.close()
    await this.#worker.terminate()
  }

  #wait(): Message<P> {
    const counters = this.#counters
    for (;;) {
      // Looked at before the messages: who counts on between the two does not leave us asleep.
      const handedOn = Atomics.load(counters, HANDED_ON)
      const pulse = Atomics.load(counters, PULSE)
      const received = receiveMessageOnPort(this.#port) as {message: Message<P>} | undefined
      if (received !== undefined) return received.message
      const woken = Atomics.wait(counters, HANDED_ON, handedOn, SILENCE_MS_MAX)
      if (woken === 'timed-out' && Atomics.load(counters, PULSE) === pulse) {
        throw new ThreadError('the thread that reads has ended before all was read: it may have run out of memory')
      }
    }
  }
}

/** What a thread has to hand parcels on. */
export interface Handing<P> {
  /** Hands a parcel on, and returns one that came back, if there is any: its memory can be used again. Blocks while too many are on their way. */
  handOn(parcel: P, moved: readonly ArrayBuffer[]): P | undefined
}

/** What a file of src/threads does whose parcels are pulled. */
export function pulledFrom<Q, P>(make: (question: Q, handing: Handing<P>) => Promise<void>): void {
  const {limits: told, question, counters, port} = workerData as PulledData
  Object.assign(limits, told)
  const pulse = setInterval(() => Atomics.add(counters, PULSE, 1), PULSE_MS)
  let sent = 0
  const send = (message: Message<P>, moved: readonly ArrayBuffer[] = []): void => {
    port.postMessage(message, moved)
    Atomics.add(counters, HANDED_ON, 1)
    Atomics.notify(counters, HANDED_ON)
  }
  const handOn = (parcel: P, moved: readonly ArrayBuffer[]): P | undefined => {
    for (;;) {
      const taken = Atomics.load(counters, TAKEN)
      if (sent - taken < PARCELS_AHEAD) break
      Atomics.wait(counters, TAKEN, taken)
    }
    sent++
    send({parcel}, moved)
    return (receiveMessageOnPort(port) as {message: P} | undefined)?.message
  }
  make(question as Q, {handOn})
    .then(
      () => send({end: true}),
      error => send({error: flattened(error)}),
    )
    .finally(() => clearInterval(pulse))
}
