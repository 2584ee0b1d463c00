/** Commands as bytes, on their way to a real server. */
import {connect} from 'node:net'
import {ReplyError, ReplyParser} from './resp.js'

/** Sends commands as they are, and returns the errors among the replies. */
export function send(port: number, bytes: Uint8Array): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const errors: string[] = []
    const socket = connect(port, '127.0.0.1')
    const parser = new ReplyParser(reply => {
      if (reply instanceof ReplyError) errors.push(reply.message)
      if (reply === 'PONG') {
        socket.destroy()
        resolve(errors)
      }
    })
    socket.on('data', chunk => parser.push(chunk))
    socket.once('error', reject)
    socket.write(bytes)
    socket.write('*1\r\n$4\r\nPING\r\n')
  })
}
