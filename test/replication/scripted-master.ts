/**
 * A master that does as it is told: answers by a table, sends its payload and stream in pieces of any size, and fails where
 * a test wants it to.
 */
import {createServer, type Server, type Socket} from 'node:net'
import {setImmediate as turn} from 'node:timers/promises'
import {afterEach} from 'vitest'

export const ID = '8371b4fb1155b71f4a04d3e1bc3e18c4a990aeeb'
export const MARK = 'f0e1d2c3b4a5968778695a4b3c2d1e0f00112233'

export interface Script {
  /** By command name in upper case; `undefined` says nothing at all. What is not named gets what a master says. */
  replies?: Record<string, string | undefined | ((args: string[]) => string | undefined)>
  /** What follows +FULLRESYNC: header and payload together. Absent: nothing. */
  payload?: Uint8Array | string
  /** Sent after the payload: at once, or with the first REPLCONF ACK. */
  stream?: Uint8Array
  streamOnAck?: boolean
  /** Bytes sent at a time; everything at once unless told. */
  pieceBytes?: number
  /** Closes the connection behind the payload. */
  hangUp?: boolean
  /** Said at once to whoever connects. */
  greeting?: string | Uint8Array
  offset?: number
  /** Told of each command as it arrives, before it is answered. */
  onCommand?: (args: string[]) => void
}

export interface ScriptedMaster {
  port: number
  address: string
  /** Commands received, in order, over all connections. */
  commands: string[][]
  connections: () => number
  /** Sends to the connection that is open. */
  send: (bytes: Uint8Array | string) => Promise<void>
  hangUp: () => void
  close: () => Promise<void>
}

const open = new Set<ScriptedMaster>()
afterEach(async () => {
  for (const master of open) await master.close()
  open.clear()
})

/** `scripts`: one for each connection in turn, the last for all that follow. It is gone after the test. */
export async function scriptedMaster(...scripts: readonly Script[]): Promise<ScriptedMaster> {
  const commands: string[][] = []
  const sockets = new Set<Socket>()
  let accepted = 0
  let current: {socket: Socket; script: Script} | undefined
  const server = createServer(socket => {
    const script = scripts[Math.min(accepted++, scripts.length - 1)]!
    current = {socket, script}
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    new Talk(socket, script, commands).begin()
  })
  const port = await listen(server)
  const master: ScriptedMaster = {
    port,
    address: `127.0.0.1:${port}`,
    commands,
    connections: () => accepted,
    send: async bytes => current && write(current.socket, bytes, current.script.pieceBytes),
    hangUp: () => current?.socket.end(),
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
  open.add(master)
  return master
}

function listen(server: Server): Promise<number> {
  return new Promise(resolve => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as {port: number}).port))
  })
}

class Talk {
  #text = ''
  #acknowledged = false
  #sending: Promise<void> = Promise.resolve()

  constructor(
    readonly socket: Socket,
    readonly script: Script,
    readonly commands: string[][],
  ) {}

  begin(): void {
    if (this.script.greeting !== undefined) this.#send(this.script.greeting)
    this.socket.on('data', piece => {
      this.#text += piece.toString('latin1')
      for (let args = this.#take(); args !== undefined; args = this.#take()) {
        this.commands.push(args)
        this.script.onCommand?.(args)
        this.#answer(args)
      }
    })
  }

  /** The next whole command; bare newlines are signs of life. */
  #take(): string[] | undefined {
    this.#text = this.#text.replace(/^\n+/, '')
    const count = /^\*(\d+)\r\n/.exec(this.#text)
    if (count === null) return undefined
    let at = count[0].length
    const args: string[] = []
    while (args.length < Number(count[1])) {
      const head = /^\$(\d+)\r\n/.exec(this.#text.slice(at))
      if (head === null) return undefined
      const start = at + head[0].length
      const end = start + Number(head[1])
      if (end + 2 > this.#text.length) return undefined
      args.push(this.#text.slice(start, end))
      at = end + 2
    }
    this.#text = this.#text.slice(at)
    return args
  }

  #answer(args: string[]): void {
    const [name = '', option = ''] = args
    const command = name.toUpperCase()
    const {replies = {}} = this.script
    const named = [`${command} ${option}`, command].find(one => one in replies)
    if (command === 'REPLCONF' && option.toUpperCase() === 'ACK') this.#acknowledge()
    else if (named !== undefined) {
      const reply = replies[named]
      const said = typeof reply === 'function' ? reply(args) : reply
      this.#say(said)
      if (said?.startsWith('+FULLRESYNC')) this.#stream()
    } else if (command === 'PSYNC') {
      this.#say(`+FULLRESYNC ${ID} ${this.script.offset ?? 0}`)
      this.#stream()
    } else this.#say(command === 'PING' ? '+PONG' : '+OK')
  }

  #say(reply: string | undefined): void {
    if (reply !== undefined) this.#send(`${reply}\r\n`)
  }

  #stream(): void {
    const {payload, stream, streamOnAck, hangUp} = this.script
    if (payload !== undefined) this.#send(payload)
    if (stream !== undefined && streamOnAck !== true) this.#send(stream)
    if (hangUp === true) void this.#sending.then(() => this.socket.end())
  }

  #acknowledge(): void {
    const {stream, streamOnAck} = this.script
    if (!this.#acknowledged && streamOnAck === true && stream !== undefined) this.#send(stream)
    this.#acknowledged = true
  }

  #send(bytes: Uint8Array | string): void {
    this.#sending = this.#sending.then(() => write(this.socket, bytes, this.script.pieceBytes))
  }
}

/** In pieces, each of which arrives by itself: the reader gets its turn between two. */
async function write(socket: Socket, bytes: Uint8Array | string, pieceBytes = Number.POSITIVE_INFINITY): Promise<void> {
  const all = Buffer.from(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  for (let at = 0; at < all.length && !socket.destroyed; at += pieceBytes) {
    socket.write(all.subarray(at, Math.min(at + pieceBytes, all.length)))
    if (pieceBytes < all.length) for (let turns = 0; turns < 3; turns++) await turn()
  }
}

/** A payload of the form that announces its length, and of the form that ends in a mark. */
export const disk = (rdb: Uint8Array): Buffer => Buffer.concat([Buffer.from(`$${rdb.length}\r\n`), rdb])
export const diskless = (rdb: Uint8Array, mark = MARK): Buffer =>
  Buffer.concat([Buffer.from(`$EOF:${mark}\r\n`), rdb, Buffer.from(mark)])
