/**
 * Whoever connects to a master and says what it likes: bytes in pieces of any size, and what came back.
 */
import {connect, type Socket} from 'node:net'
import {setImmediate as turn} from 'node:timers/promises'
import {afterEach, expect, vi} from 'vitest'
import {encodeCommand} from '../server/resp.js'

const open = new Set<Socket>()
afterEach(() => {
  for (const socket of open) socket.destroy()
  open.clear()
})

export class ScriptedReplica {
  #heard: Buffer[] = []
  closed = false

  private constructor(readonly socket: Socket) {
    open.add(socket)
    socket.setNoDelay(true)
    socket.on('data', piece => this.#heard.push(piece))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      open.delete(socket)
    })
  }

  static connect(port: number): Promise<ScriptedReplica> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new ScriptedReplica(socket)))
      socket.once('error', reject)
    })
  }

  /** Everything that has arrived since the last `forget`, each character one byte. */
  get heard(): string {
    return Buffer.concat(this.#heard).toString('latin1')
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#heard)
  }

  forget(): void {
    this.#heard = []
  }

  /** In pieces, each of which arrives by itself. */
  async send(bytes: Uint8Array | string, pieceBytes = Number.POSITIVE_INFINITY): Promise<void> {
    const all = Buffer.from(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    for (let at = 0; at < all.length && !this.socket.destroyed; at += pieceBytes) {
      this.socket.write(all.subarray(at, Math.min(at + pieceBytes, all.length)))
      if (pieceBytes < all.length) for (let turns = 0; turns < 3; turns++) await turn()
    }
  }

  async say(...args: (string | number)[]): Promise<void> {
    await this.send(encodeCommand(args))
  }

  /** Says something, and resolves with what came back once it ends so. */
  async ask(args: readonly (string | number)[], end = '\r\n'): Promise<string> {
    this.forget()
    await this.say(...args)
    return await this.hears(end)
  }

  /** Waits until what has arrived ends so. */
  async hears(end: string): Promise<string> {
    return await vi.waitFor(
      () => {
        expect(this.heard.slice(-end.length)).toBe(end)
        return this.heard
      },
      {timeout: 5000, interval: 5},
    )
  }

  async isClosed(): Promise<void> {
    await vi.waitFor(() => expect(this.closed).toBe(true), {timeout: 5000, interval: 5})
  }
}
