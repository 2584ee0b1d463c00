/**
 * A worker thread that answers questions, one at a time, and the end of it that the asking thread holds.
 *
 *   asking thread                         thread (answering.ts)
 *   ask ────────────── question ────────► answer(question, outbox, inbox)
 *   feed ───────────── piece ───────────► inbox.next                 whoever feeds bounds how many are not yet eaten
 *   onEaten ◄──────── its memory ──────── inbox.back
 *   onParcel ◄──────── parcel ─────────── outbox.post        as many as are not yet back, at most PARCELS_OUT_MAX
 *            ───── its memory, back ────►
 *   ask resolves ◄──── answer ──────────┐
 *   ask rejects  ◄──── error ───────────┴ with its class, code, offset and place
 *
 * Parcels are moved, not copied. An end of the thread that nobody asked for, by a bug or for want of memory, rejects; `end`
 * ends it whatever it does, and then nothing of it is left.
 */
import {basename} from 'node:path'
import {Worker} from 'node:worker_threads'
import {builtUrl} from '../bytes/built.js'
import {limits} from '../limits.js'
import {type FlatError, restored} from './crossing-errors.js'

/** What a thread hands on while it works out its answer. */
export interface Parcel {
  /** The asking thread's while `onParcel` looks at it, no longer. */
  buffer: ArrayBuffer
  /** Bytes of it that say something. */
  used: number
  /** How far the thread has come, in bytes of its input. */
  read: number
  /** What else is to be known of it, as both sides understand it; -1 where nothing is. */
  tag: number
}

/**
 * What a thread is fed with: bytes, in memory that comes back, or where they lie; or that there is no more, and how that
 * came.
 */
export type Piece = {buffer: ArrayBuffer; used: number} | {offset: number; used: number} | {end: string}

export type ToThread<Q> = {question: Q} | {empty: ArrayBuffer} | {piece: Piece}
export type FromThread<A> = {parcel: Parcel} | {eaten: ArrayBuffer} | {answer: A} | {error: FlatError}

/** What `onParcel` answers where it keeps a parcel until `giveBack`; otherwise its memory goes back at once. */
export const KEPT = 'kept'

/** Who answers questions as a thread does. */
export type Answerer<Q, A> = Pick<Thread<Q, A>, 'ask' | 'feed' | 'giveBack' | 'end' | 'onEaten'>

/** The thread is gone, and with it what it was to answer. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError'
  readonly code = 'THREAD_ENDED'
}

/** What src/threads has by a name, as the build left it. */
export function threadScript(name: string): URL {
  return builtUrl(`bundle/threads/${name}.js`)
}

interface Asked<A> {
  resolve: (answer: A) => void
  reject: (error: unknown) => void
  onParcel: (parcel: Parcel) => unknown
}

export class Thread<Q, A> {
  readonly #worker: Worker
  /** What it is to answer, in the order in which it does. */
  readonly #asked: Asked<A>[] = []
  /** Why it answers no more. */
  #over: unknown
  /** Told when a piece that was fed has been eaten: its memory is back. */
  onEaten: ((buffer: ArrayBuffer) => void) | undefined

  /** Starts it; that it cannot be started is told to whoever asks. */
  constructor(script: URL) {
    const name = basename(script.pathname, '.js')
    // A thread has limits of its own: they are to be the same.
    // It has nothing to say on the standard streams: each of many threads would listen to ours.
    this.#worker = new Worker(script, {name, workerData: {...limits}, stdout: true, stderr: true})
    this.#worker.stdout.resume()
    this.#worker.stderr.resume()
    this.#worker.on('message', (message: FromThread<A>) => this.#take(message))
    this.#worker.on('messageerror', error => this.#fail(error))
    this.#worker.on('error', error => this.#fail(error))
    this.#worker.on('exit', code => {
      this.#fail(new ThreadError(`the thread ${name} ended before it had answered (exit code ${code})`))
    })
  }

  /**
   * Asks what it is there for. It begins once it has answered what it was asked before; whoever feeds it waits until then.
   * What `onParcel` throws rejects too.
   */
  ask(question: Q, onParcel: (parcel: Parcel) => unknown): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      if (this.#over !== undefined) {
        reject(this.#over)
        return
      }
      this.#asked.push({resolve, reject, onParcel})
      this.#send({question})
    })
  }

  /** Hands it a piece of what its answer is about; the memory is moved. */
  feed(piece: Piece): void {
    this.#send({piece}, 'buffer' in piece ? [piece.buffer] : [])
  }

  /** Of a parcel that was kept. */
  giveBack(buffer: ArrayBuffer): void {
    this.#send({empty: buffer}, [buffer])
  }

  /** Ends it, in the middle of whatever it does; who still waits for an answer gets an error. */
  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  #take(message: FromThread<A>): void {
    if ('eaten' in message) {
      this.onEaten?.(message.eaten)
      return
    }
    const [asked] = this.#asked
    if (asked === undefined) return
    if ('parcel' in message) {
      this.#open(message.parcel, asked)
      return
    }
    this.#asked.shift()
    if ('answer' in message) asked.resolve(message.answer)
    else asked.reject(restored(message.error))
  }

  #open(parcel: Parcel, {onParcel}: Asked<A>): void {
    let taken: unknown
    try {
      taken = onParcel(parcel)
    } catch (error) {
      // Nothing goes back to it any more: it waits until it is ended.
      this.#fail(error)
      return
    }
    if (taken !== KEPT) this.giveBack(parcel.buffer)
  }

  #send(message: ToThread<Q>, moved: readonly ArrayBuffer[] = []): void {
    this.#worker.postMessage(message, moved)
  }

  #fail(error: unknown): void {
    this.#over ??= error
    for (const {reject} of this.#asked.splice(0)) reject(this.#over)
  }
}
