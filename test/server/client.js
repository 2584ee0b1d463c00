/** A small client of one server for tests and scripts: calls, pipelines, and bulk loading that keeps nothing. */

import {connect} from 'node:net'
import {encodeCommand, ReplyError, ReplyParser} from './resp.js'

export {ReplyError} from './resp.js'

/**
 * @typedef {import('./resp.js').Argument} Argument
 * @typedef {import('./resp.js').Reply} Reply
 */

export class Client {
  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
    /** Waiting for their replies, oldest at `head`. @type {((reply: Reply) => void)[]} */
    this.waiting = []
    this.head = 0
    /** @type {Error | undefined} */
    this.failure = undefined
    this.parser = new ReplyParser(reply => this.settle(reply))
    socket.setNoDelay(true)
    socket.on('data', chunk => {
      try {
        this.parser.push(chunk)
      } catch (error) {
        socket.destroy(/** @type {Error} */ (error))
      }
    })
    socket.on('error', error => this.fail(error))
    socket.on('close', () => this.fail(new Error('the server closed the connection')))
  }

  /** @param {Reply} reply */
  settle(reply) {
    const resolve = this.waiting[this.head++]
    if (this.head > 1024 && this.head * 2 > this.waiting.length) {
      this.waiting.splice(0, this.head)
      this.head = 0
    }
    resolve?.(reply)
  }

  /** @param {Error} error */
  fail(error) {
    this.failure ??= error
    const waiting = this.waiting.slice(this.head)
    this.waiting = []
    this.head = 0
    for (const resolve of waiting) resolve(new ReplyError(this.failure.message))
  }

  /**
   * Sends one command; an error reply rejects.
   * @param {...Argument} args
   * @returns {Promise<any>}
   */
  async call(...args) {
    const [reply] = await this.pipeline([args])
    if (reply instanceof ReplyError) throw new ReplyError(`${String(args[0])}: ${reply.message}`)
    return reply
  }

  /**
   * Sends commands together; error replies stay in their places.
   * @param {Argument[][]} commands
   * @returns {Promise<any[]>}
   */
  pipeline(commands) {
    if (this.failure) return Promise.reject(this.failure)
    const replies = commands.map(() => new Promise(resolve => this.waiting.push(resolve)))
    this.socket.write(Buffer.concat(commands.map(encodeCommand)))
    return Promise.all(replies)
  }

  /**
   * Sends ready-made command bytes as fast as the server takes them; the first error reply rejects.
   * @param {Iterable<{bytes: Uint8Array, commands: number}>} batches
   * @returns {Promise<number>} commands sent
   */
  async load(batches) {
    let sent = 0
    let answered = 0
    /** @type {ReplyError | undefined} */
    let refused
    let wake = () => {}
    const settle = this.settle
    this.settle = reply => {
      answered++
      if (reply instanceof ReplyError) refused ??= reply
      wake()
    }
    const until = async (/** @type {() => boolean} */ ready) => {
      while (!ready() && !refused && !this.failure) await new Promise(resolve => (wake = () => resolve(undefined)))
      if (refused ?? this.failure) throw refused ?? this.failure
    }
    this.socket.once('close', () => wake())
    try {
      for (const {bytes, commands} of batches) {
        const flushed = new Promise(resolve => this.socket.write(bytes, resolve))
        sent += commands
        await flushed
        // Unread replies would pile up in the server's memory, and in its RDB's used-mem.
        await until(() => sent - answered < 200_000)
      }
      await until(() => answered === sent)
    } finally {
      this.settle = settle
    }
    return sent
  }

  close() {
    this.socket.removeAllListeners('close')
    this.socket.destroy()
  }
}

/**
 * @param {number} port
 * @param {string} [host]
 * @returns {Promise<Client>}
 */
export function openClient(port, host = '127.0.0.1') {
  return new Promise((resolve, reject) => {
    const socket = connect({port, host})
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(new Client(socket))
    })
  })
}
