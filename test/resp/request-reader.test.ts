/** Commands of clients, in whatever form and pieces; what is none is told in the words of servers. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {RequestError, RequestReader} from '../../src/resp/request-reader.js'
import {encodeCommand} from '../server/resp.js'

/** All commands in bytes that arrive in such pieces; the last entry is the error that ended it, where one did. */
function read(bytes: Uint8Array | string, pieceBytes = Number.POSITIVE_INFINITY): (string[] | string)[] {
  const all = Buffer.from(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  const reader = new RequestReader()
  const found: (string[] | string)[] = []
  try {
    for (let at = 0; at < all.length; at += pieceBytes) {
      reader.push(all.subarray(at, at + pieceBytes))
      for (let args = reader.next(); args !== undefined; args = reader.next()) found.push(args)
    }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    found.push(error.message)
  }
  return found
}

describe.each([1, 2, 3, 7, 4096])('in pieces of %i bytes', pieceBytes => {
  it.each([
    ['an array', '*2\r\n$4\r\nECHO\r\n$3\r\na\nb\r\n', [['ECHO', 'a\nb']]],
    ['bytes', Buffer.from('*1\r\n$3\r\n\xff\x00\r\r\n', 'latin1'), [['\xff\x00\r']]],
    ['an argument of nothing', '*2\r\n$4\r\nECHO\r\n$0\r\n\r\n', [['ECHO', '']]],
    ['no arguments, and fewer', '*0\r\n*-1\r\nPING\r\n', [[], [], ['PING']]],
    ['lines', 'PING\r\n  PSYNC  ? -1 \nPING\n', [['PING'], ['PSYNC', '?', '-1'], ['PING']]],
    ['bare newlines', '\n\r\n\nPING\r\n', [[], [], [], ['PING']]],
    ['quotes', 'AUTH "a \\"b\\"" \'c d\'\r\n', [['AUTH', 'a "b"', 'c d']]],
    ['both forms in turn', 'PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n', [['PING'], ['PING'], ['PING']]],
    ['half a command', '*2\r\n$4\r\nECHO\r\n$3\r\nab', []],
    ['quotes that do not end', 'PING\r\nAUTH "a\r\n', [['PING'], 'Protocol error: unbalanced quotes in request']],
    ['text behind a quote', 'AUTH "a"b\r\n', ['Protocol error: unbalanced quotes in request']],
    ['too many arguments', '*1025\r\n', ['Protocol error: invalid multibulk length']],
    ['a count of letters', '*1x\r\n', ['Protocol error: invalid multibulk length']],
    ['a count of nothing', '*\r\n', ['Protocol error: invalid multibulk length']],
    ['a length that is too large', '*1\r\n$16385\r\n', ['Protocol error: invalid bulk length']],
    ['a length below nothing', '*1\r\n$-1\r\n', ['Protocol error: invalid bulk length']],
    ['another mark', '*1\r\n:1\r\n', ["Protocol error: expected '$', got ':'"]],
  ])('%s', (_, bytes, found) => {
    expect(read(bytes, pieceBytes)).toEqual(found)
  })
})

it('holds no more than a command may have', () => {
  const reader = new RequestReader()
  const piece = Buffer.from(`*1024\r\n${'$10\r\n0123456789\r\n'.repeat(50)}`)
  let pushed = 0
  const feed = (): void => {
    for (; pushed < 1_000_000; pushed += piece.length) {
      reader.push(pushed === 0 ? piece : piece.subarray(7))
      reader.next()
    }
  }
  expect(feed).toThrow(RequestError)
  expect(pushed).toBeLessThan(20_000)
})

it('any commands, in any pieces, are what was said', () => {
  const argument = fc.uint8Array({maxLength: 40}).map(bytes => Buffer.from(bytes))
  fc.assert(
    fc.property(
      fc.array(fc.array(argument, {minLength: 1, maxLength: 6}), {maxLength: 6}),
      fc.integer({min: 1, max: 50}),
      (commands, pieceBytes) => {
        const bytes = Buffer.concat(commands.map(args => encodeCommand(args)))
        expect(read(bytes, pieceBytes)).toEqual(commands.map(args => args.map(one => one.toString('latin1'))))
      },
    ),
  )
})

it('any bytes, in any pieces, are the same commands and the same error', () => {
  fc.assert(
    fc.property(
      fc.string({unit: fc.constantFrom(...'*$0123 \r\n"\'aP'), maxLength: 80}),
      fc.integer({min: 1, max: 20}),
      (text, pieceBytes) => {
        expect(read(text, pieceBytes)).toEqual(read(text))
      },
    ),
    {numRuns: 500},
  )
})
