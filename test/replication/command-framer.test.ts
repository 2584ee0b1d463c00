/** The command stream: cut anywhere, every byte counted, nothing kept that is not shown. */
import {describe, expect, it} from 'vitest'
import {CommandFramer, isGetAck, nameOfCommand, type ReplicatedCommand} from '../../src/replication/command-framer.js'
import {encodeCommand} from '../server/resp.js'

/** Commands seen in pieces of so many bytes. */
function seen(wire: Uint8Array, pieceBytes: number, offset = 0): {commands: ReplicatedCommand[]; offset: number} {
  const framer = new CommandFramer(offset, 'master')
  const commands: ReplicatedCommand[] = []
  for (let at = 0; at < wire.length; at += pieceBytes) {
    framer.push(wire, at, Math.min(at + pieceBytes, wire.length), command => commands.push(command))
  }
  return {commands, offset: framer.offset}
}

const text = ({args}: ReplicatedCommand): string => args.map(arg => Buffer.from(arg).toString()).join(' ')

describe('the stream', () => {
  const set = encodeCommand(['SET', 'key-b', 'key-a'])
  const wire = Buffer.concat([
    encodeCommand(['SELECT', 0]),
    set,
    Buffer.from('\n'),
    encodeCommand(['REPLCONF', 'GETACK', '*']),
    encodeCommand(['ping']),
    encodeCommand(['SET', '', 'a\r\nb']),
  ])

  it.each([1, 2, 3, 7, 10, 1000])('is cut into commands in pieces of %i bytes', pieceBytes => {
    const {commands, offset} = seen(wire, pieceBytes, 100)
    expect(commands.map(text)).toEqual(['SELECT 0', 'SET key-b key-a', 'REPLCONF GETACK *', 'ping', 'SET  a\r\nb'])
    expect(commands.map(({bytes}) => bytes)).toEqual([23, 35, 37, 14, 29])
    expect(commands.map(({offset}) => offset)).toEqual([123, 158, 195, 209, 238])
    expect(offset).toBe(238)
  })

  it('counts 35 bytes for SET key-b key-a, and no newline between commands', () => {
    expect(set).toHaveLength(35)
    expect(seen(Buffer.concat([Buffer.from('\n\n'), set, Buffer.from('\n')]), 5).offset).toBe(35)
  })

  it('does not count a command that has not ended', () => {
    for (let end = 0; end < set.length; end++) expect(seen(set.subarray(0, end), 4).offset).toBe(0)
  })

  it('knows the commands that want an answer, whatever their case', () => {
    const [getack, ping] = seen(
      Buffer.concat([encodeCommand(['replconf', 'getack', '*']), encodeCommand(['ping'])]),
      9,
    ).commands
    expect([isGetAck(getack!), isGetAck(ping!), nameOfCommand(ping!)]).toEqual([true, false, 'PING'])
    const [other] = seen(encodeCommand(['REPLCONF', 'TIMESTAMP', '1']), 9).commands
    expect(isGetAck(other!)).toBe(false)
  })

  it('keeps the beginning of what is long, and its size', () => {
    const long = Buffer.alloc(3_000_000, 'x')
    const many = Array.from({length: 100_000}, (_, at) => `m${at}`)
    const {commands} = seen(
      Buffer.concat([encodeCommand(['SET', 'k', long]), encodeCommand(['SADD', 's', ...many])]),
      65_536,
    )
    expect(commands[0]).toMatchObject({argumentCount: 3, argumentBytes: [3, 1, 3_000_000]})
    expect(commands[0]!.args[2]).toHaveLength(1024)
    expect(commands[1]!.argumentCount).toBe(100_002)
    expect(commands[1]!.args.length).toBe(64)
    expect(commands[1]!.argumentBytes.length).toBe(64)
  })

  it.each([
    ['text', 'hello\r\n', /offset 8: where a command should be stands "h"/],
    ['an error reply', '-ERR no\r\n', /where a command should be stands "-"/],
    ['an argument that is none', '*1\r\n:1\r\n', /where an argument should be stands ":"/],
    ['a length without digits', '*1\r\n$\r\n', /where a length should be stands byte 0xa/],
    ['a negative length', '*1\r\n$-1\r\n', /where a length should be stands "-"/],
    ['a length beyond reason', '*1\r\n$99999999999999999999\r\n', /where a length should be/],
    [
      'an argument that is longer than told',
      '*1\r\n$4\r\nPINGS\r\n',
      /where the end of an argument should be stands "S"/,
    ],
  ])('refuses %s, with its place', (_, wire, message) => {
    expect(() => seen(Buffer.from(wire), 100, 7)).toThrow(message)
    expect(() => seen(Buffer.from(wire), 1, 7)).toThrow(message)
  })
})
