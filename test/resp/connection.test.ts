/** A connection: what has arrived waits for its reader, within bounds; and whoever has other work waits for the wire. */
import {createServer, type Server, type Socket} from 'node:net'
import {setTimeout as sleep} from 'node:timers/promises'
import {afterEach, beforeEach, describe, expect, it, vi} from 'vitest'
import {Connection, SILENT} from '../../src/resp/connection.js'

let server: Server
let peer: Promise<Socket>
let connection: Connection

beforeEach(async () => {
  server = createServer()
  peer = new Promise(resolve => server.once('connection', resolve))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const {port} = server.address() as {port: number}
  connection = await Connection.open({host: '127.0.0.1', port}, 1000)
})
afterEach(async () => {
  connection.close()
  ;(await peer).destroy()
  server.close()
})

/** Whether a promise has resolved by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  const done = vi.fn()
  void promise.then(done)
  await sleep(20)
  return done.mock.calls.length > 0
}

describe('a connection', () => {
  it('gives piece after piece, tells silence from an end', async () => {
    expect(await connection.read(10)).toBe(SILENT)
    const socket = await peer
    socket.write('hello')
    expect(Buffer.from((await connection.read(1000)) as Uint8Array).toString()).toBe('hello')
    socket.end('bye')
    expect(Buffer.from((await connection.read(1000)) as Uint8Array).toString()).toBe('bye')
    expect(await connection.read(1000)).toBeUndefined()
    expect(connection.failure).toBeUndefined()
  })

  it('takes no more from the system than a reader wants', async () => {
    const socket = await peer
    const bytes = 64 * 1024 * 1024
    socket.write(Buffer.alloc(bytes))
    await vi.waitFor(() => expect(connection.socket.isPaused()).toBe(true))
    expect(connection.socket.bytesRead).toBeLessThan(8 * 1024 * 1024)
    let read = 0
    while (read < bytes) read += ((await connection.read(1000)) as Uint8Array).length
    expect(read).toBe(bytes)
  })

  it('is idle while a reader waits, not while something waits for a reader', async () => {
    ;(await peer).write('hello')
    await vi.waitFor(() => expect(connection.socket.bytesRead).toBe(5))
    const idle = connection.idle()
    expect(await isDone(idle)).toBe(false)
    await connection.read(1000)
    expect(await isDone(idle)).toBe(false)
    const reading = connection.read(200)
    expect(await isDone(idle)).toBe(true)
    expect(await isDone(connection.idle())).toBe(true)
    expect(await reading).toBe(SILENT)
    expect(await isDone(connection.idle())).toBe(false)
  })

  it('is idle once it has ended', async () => {
    const idle = connection.idle()
    ;(await peer).destroy()
    expect(await isDone(idle)).toBe(true)
    expect(await isDone(connection.idle())).toBe(true)
  })
})
