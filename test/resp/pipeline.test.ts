/** Many commands in flight: what is refused is told with its command, bounds hold, and every end of a conversation is an error. */
import {createServer, type Server, type Socket} from 'node:net'
import fc from 'fast-check'
import {afterEach, describe, expect, it} from 'vitest'
import {Connection} from '../../src/resp/connection.js'
import {putBulk} from '../../src/resp/framing.js'
import {Pipeline, type Refused} from '../../src/resp/pipeline.js'
import {replyEnd} from '../../src/resp/reply-scan.js'

let server: Server | undefined
let sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets = []
  server?.close()
})

/** A server that is a function of what arrives. */
async function serve(talk: (socket: Socket, piece: Buffer) => void): Promise<number> {
  server = createServer(socket => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', piece => talk(socket, piece))
  })
  await new Promise<void>(resolve => server!.listen(0, '127.0.0.1', resolve))
  return (server.address() as {port: number}).port
}

interface Told {
  text: string
  number: number
  key: string
  command: string
}

async function pipelineTo(port: number, silenceMs = 5000): Promise<{pipeline: Pipeline; told: Told[]}> {
  const told: Told[] = []
  const connection = await Connection.open({host: '127.0.0.1', port})
  const onRefused = (text: string, {number, bytes, start, end, keyStart, keyEnd}: Refused): void => {
    const [command, key] = [bytes.slice(start, end), bytes.slice(keyStart, keyEnd)].map(one =>
      Buffer.from(one).toString(),
    )
    told.push({text, number, key: key!, command: command!})
  }
  return {pipeline: new Pipeline(connection, {onRefused, silenceMs}), told}
}

function send(pipeline: Pipeline, number: number, value = 'v'): void {
  const out = pipeline.begin()
  const [key, bytes] = [Buffer.from(`key:${number}`), Buffer.from(value)]
  out.ascii('*3\r\n$3\r\nSET\r\n')
  putBulk(out, key, 0, key.length)
  const keyEnd = out.length - 2
  putBulk(out, bytes, 0, bytes.length)
  pipeline.end(keyEnd - key.length, keyEnd, 0, number)
}

/** Answers each command by its number. */
function answering(answer: (number: number) => string, pieceBytes = Number.POSITIVE_INFINITY) {
  let left = ''
  return (socket: Socket, piece: Buffer): void => {
    left += piece.toString('latin1')
    const commands = [...left.matchAll(/\*3\r\n\$3\r\nSET\r\n\$\d+\r\nkey:(\d+)\r\n\$\d+\r\n[^\r]*\r\n/g)]
    const last = commands.at(-1)
    if (last === undefined) return
    left = left.slice(last.index + last[0].length)
    const replies = commands.map(([, number]) => answer(Number(number))).join('')
    for (let at = 0; at < replies.length; at += pieceBytes) socket.write(replies.slice(at, at + pieceBytes))
  }
}

describe('a connection that breaks', () => {
  it('is made anew: what was not answered goes again, and nothing else', async () => {
    const seen: number[][] = []
    let answered = 0
    const port = await serve((socket, piece) => {
      const numbers = [...piece.toString('latin1').matchAll(/key:(\d+)/g)].map(([, number]) => Number(number))
      if (seen.length === 0) {
        socket.write('+OK\r\n'.repeat(30))
        answered = 30
        socket.destroySoon()
      } else {
        answered += numbers.length
        socket.write('+OK\r\n'.repeat(numbers.length))
      }
      seen.push(numbers)
    })
    const again: number[] = []
    const pipeline = new Pipeline(await Connection.open({host: '127.0.0.1', port}), {
      ...{silenceMs: 5000, onRefused: () => {}, onAgain: number => again.push(number)},
      onLost: async (_, {nextDb}) => {
        expect(nextDb).toBe(0)
        return await Connection.open({host: '127.0.0.1', port})
      },
    })
    for (let number = 0; number < 100; number++) send(pipeline, number)
    await pipeline.settled()
    const rest = Array.from({length: 70}, (_, i) => i + 30)
    expect(again).toEqual(rest)
    expect(seen.flat().slice(100)).toEqual(rest)
    expect({answered, waiting: pipeline.waiting}).toEqual({answered: 100, waiting: 0})
    pipeline.close()
  })

  it('ends the conversation where none is made', async () => {
    const port = await serve(socket => socket.destroy())
    const pipeline = new Pipeline(await Connection.open({host: '127.0.0.1', port}), {
      ...{silenceMs: 5000, onRefused: () => {}},
      onLost: async () => {
        throw new Error('it stays away')
      },
    })
    send(pipeline, 0)
    await expect(pipeline.settled()).rejects.toThrow('it stays away')
  })
})

describe('answers', () => {
  it('are due to the least number, wherever it stands', async () => {
    const {pipeline} = await pipelineTo(await serve(() => {}))
    for (const number of [7, 9, 3]) send(pipeline, number)
    expect(pipeline.oldest).toBe(3)
    pipeline.close()
  })

  it('of bytes are told whole, however they arrive', async () => {
    const value = 'v'.repeat(1000)
    const replies = `$${value.length}\r\n${value}\r\n$-1\r\n$0\r\n\r\n+OK\r\n`
    const port = await serve(async socket => {
      for (let at = 0; at < replies.length; at += 7) {
        socket.write(replies.slice(at, at + 7))
        await new Promise(resolve => setImmediate(resolve))
      }
    })
    const told: (string | undefined)[] = []
    const pipeline = new Pipeline(await Connection.open({host: '127.0.0.1', port}), {
      ...{silenceMs: 5000, onRefused: () => {}},
      onBulk: (bytes, {number}) => told.push(`${number} ${bytes === undefined ? 'none' : Buffer.from(bytes)}`),
    })
    for (let number = 0; number < 4; number++) send(pipeline, number)
    await pipeline.settled()
    expect(told).toEqual([`0 ${value}`, '1 none', '2 '])
    pipeline.close()
  })

  it('are counted, and those that refuse come with their command, in order', async () => {
    const answer = (number: number): string => (number % 100 === 7 ? `-ERR no ${number}\r\n` : '+OK\r\n')
    const {pipeline, told} = await pipelineTo(await serve(answering(answer)))
    for (let number = 0; number < 20_000; number++) {
      send(pipeline, number, 'x'.repeat(number % 50))
      await pipeline.drain()
    }
    await pipeline.settled()
    expect(pipeline).toMatchObject({answered: 20_000, waiting: 0, oldest: Number.POSITIVE_INFINITY})
    expect(told).toHaveLength(200)
    for (const {text, number, key, command} of told) {
      expect(text).toBe(`ERR no ${number}`)
      expect(key).toBe(`key:${number}`)
      expect(command).toContain(`key:${number}\r\n$${number % 50}\r\n${'x'.repeat(number % 50)}\r\n`)
    }
    pipeline.close()
  })

  it('may come byte by byte, and be of any form', async () => {
    const forms = [
      '+OK\r\n',
      ':17\r\n',
      '$5\r\na\r\nbc\r\n',
      '$-1\r\n',
      '*2\r\n$1\r\na\r\n*-1\r\n',
      '-ERR x\r\n',
      '+OKAY\r\n',
    ]
    const {pipeline, told} = await pipelineTo(await serve(answering(number => forms[number % forms.length]!, 1)))
    for (let number = 0; number < 70; number++) send(pipeline, number)
    await pipeline.settled()
    expect(pipeline.answered).toBe(70)
    expect(told.map(({number}) => number)).toEqual(Array.from({length: 10}, (_, i) => 7 * i + 5))
    pipeline.close()
  })

  it('may be due for a value that is larger than all buffers', async () => {
    let bytes = 0
    const value = 'large '.repeat(2_000_000)
    const port = await serve((socket, piece) => {
      bytes += piece.length
      if (bytes > value.length) socket.write(bytes === piece.length ? '' : '-ERR too large\r\n')
      if (bytes > value.length) bytes = Number.NEGATIVE_INFINITY
    })
    const {pipeline, told} = await pipelineTo(port)
    send(pipeline, 1, value)
    await pipeline.settled()
    expect(told).toMatchObject([{number: 1, key: 'key:1'}])
    expect(told[0]!.command.length).toBeGreaterThan(value.length)
    pipeline.close()
  })
})

describe('bounds', () => {
  it('hold where nothing is answered: whoever drains waits, and the rest comes with the answers', async () => {
    let waiting: (() => void)[] = []
    let isOpen = false
    const talk = answering(() => '+OK\r\n')
    const port = await serve((socket, piece) => {
      if (isOpen) talk(socket, piece)
      else waiting.push(() => talk(socket, piece))
    })
    const {pipeline} = await pipelineTo(port)
    let number = 0
    let held: Promise<void> | undefined
    while (held === undefined) {
      send(pipeline, number++, 'x'.repeat(10_000))
      held = pipeline.drain()
    }
    expect(number * 10_000).toBeLessThan(5 * 1024 * 1024)
    isOpen = true
    while (number > 0 && waiting.length > 0) {
      const all = waiting
      waiting = []
      for (const one of all) one()
    }
    const release = setInterval(() => {
      for (const one of waiting.splice(0)) one()
    }, 5)
    await held
    await pipeline.settled()
    clearInterval(release)
    expect(pipeline.answered).toBe(number)
    pipeline.close()
  })
})

describe('what ends a conversation is told to whoever waits', () => {
  const ends: [name: string, talk: (socket: Socket) => void, code: string, silenceMs?: number][] = [
    ['the server is gone', socket => socket.destroy(), 'CONNECTION_LOST'],
    ['it closes in good order', socket => socket.end(), 'CONNECTION_LOST'],
    ['it says nothing', () => {}, 'SILENCE', 50],
    ['it talks of something else', socket => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'), 'NOT_A_SERVER'],
    ['it answers too often', socket => socket.write('+OK\r\n+OK\r\n'), 'NOT_A_SERVER'],
    ['its lengths are none', socket => socket.write('$x\r\n'), 'NOT_A_SERVER'],
  ]
  it.each(ends)('%s', async (_, talk, code, silenceMs) => {
    const {pipeline} = await pipelineTo(await serve(talk), silenceMs)
    send(pipeline, 1)
    const failure = pipeline.settled().then(() => pipeline.settled())
    await expect(failure).rejects.toMatchObject({code})
    await expect(pipeline.drain()).rejects.toMatchObject({code})
  })
})

it('replies end where they end, wherever they are cut', () => {
  const reply: fc.Arbitrary<string> = fc.letrec<{reply: string}>(tie => ({
    reply: fc.oneof(
      {depthSize: 'small'},
      fc.constantFrom('+OK\r\n', '-ERR no\r\n', ':-12\r\n', '$-1\r\n', '*-1\r\n', '*0\r\n', '$0\r\n\r\n'),
      fc.string({unit: 'binary-ascii'}).map(text => `$${text.length}\r\n${text}\r\n`),
      fc.array(tie('reply'), {maxLength: 4}).map(all => `*${all.length}\r\n${all.join('')}`),
    ),
  })).reply
  fc.assert(
    fc.property(reply, fc.nat(), (text, cut) => {
      const bytes = Buffer.from(`${text}+next\r\n`, 'latin1')
      expect(replyEnd(bytes, 0, bytes.length)).toBe(text.length)
      expect(replyEnd(bytes, 0, cut % text.length)).toBe(-1)
    }),
  )
})
