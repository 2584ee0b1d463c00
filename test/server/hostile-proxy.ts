/**
 * Stands between a replica and its master, and does what networks do: cuts, stalls, and splits what is sent wherever it
 * likes; never does it change a byte.
 */
import {connect, createServer, type Server as Listener, type Socket} from 'node:net'

export interface ProxyOptions {
  /** Where new connections lead. */
  port: () => number
  /** Below 1. */
  random: () => number
}

export class HostileProxy {
  readonly #links = new Set<{near: Socket; far: Socket}>()
  #stalledUntil = 0

  private constructor(
    readonly listener: Listener,
    readonly options: ProxyOptions,
  ) {}

  static async start(options: ProxyOptions): Promise<HostileProxy> {
    const listener = createServer(near => proxy.#link(near))
    const proxy = new HostileProxy(listener, options)
    await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.listener.address() as {port: number}).port
  }

  /** Ends every connection, in the middle of whatever it was about. */
  cut(): void {
    for (const {near, far} of this.#links) {
      near.destroy()
      far.destroy()
    }
  }

  /** Nothing passes for so long. */
  stall(ms: number): void {
    this.#stalledUntil = Date.now() + ms
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise(resolve => this.listener.close(resolve))
  }

  #link(near: Socket): void {
    const far = connect(this.options.port(), '127.0.0.1')
    const link = {near, far}
    this.#links.add(link)
    const end = (): void => {
      near.destroy()
      far.destroy()
      this.#links.delete(link)
    }
    for (const socket of [near, far]) socket.setNoDelay(true).on('error', end).on('close', end)
    this.#pass(near, far)
    this.#pass(far, near)
  }

  #pass(from: Socket, to: Socket): void {
    from.on('data', async chunk => {
      from.pause()
      for (let at = 0; at < chunk.length; ) {
        const wait = this.#stalledUntil - Date.now()
        if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
        // Now and then byte by byte: every place of a message is split at some time.
        const n = this.options.random() < 0.02 ? 1 + Math.floor(this.options.random() * 7) : chunk.length - at
        if (!to.write(chunk.subarray(at, at + n))) {
          await new Promise<void>(resolve => {
            const goOn = (): void => {
              to.off('drain', goOn).off('close', goOn)
              resolve()
            }
            to.on('drain', goOn).on('close', goOn)
          })
        }
        at += n
      }
      from.resume()
    })
  }
}
