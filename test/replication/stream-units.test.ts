/** The stream as a log keeps it: whole units, whatever pieces it arrives in. */
import fc from 'fast-check'
import {describe, expect, it} from 'vitest'
import {WireError} from '../../src/errors.js'
import {StreamUnits} from '../../src/replication/stream-units.js'

const NOW = 1_700_000_000_000

function frame(...args: readonly (string | Buffer)[]): Buffer {
  const parts = args.map(arg => Buffer.from(arg))
  return Buffer.concat([
    Buffer.from(`*${parts.length}\r\n`),
    ...parts.flatMap(part => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')]),
  ])
}

interface Kept {
  text: string
  /** Each time that something was whole: how far, and in which database. */
  places: string[]
  asked: number[]
  offset: number
  db: number
}

/** In pieces of so many bytes, everything taken as soon as it is whole. */
function kept(stream: Uint8Array, pieceBytes: number, offset = 100, db = 0): Kept {
  const units = new StreamUnits(offset, db, 'test')
  const text: string[] = []
  const places: string[] = []
  const asked: number[] = []
  for (let at = 0; at < stream.length; at += pieceBytes) {
    units.push(stream.slice(at, at + pieceBytes))
    for (let met = units.advance(NOW); ; met = units.advance(NOW)) {
      if (units.wholeBytes > 0) {
        text.push(Buffer.from(units.bytes.subarray(0, units.wholeBytes)).toString('latin1'))
        places.push(`${units.offset} ${units.db}`)
        units.taken(units.wholeBytes)
      }
      if (met === 'end') break
      asked.push(units.offset)
    }
  }
  return {text: text.join(''), places, asked, offset: units.offset, db: units.db}
}

const SET = frame('SET', 'k', 'v')
const MULTI = [frame('MULTI'), frame('INCR', 'a'), frame('SELECT', '3'), frame('INCR', 'b'), frame('EXEC')]

describe('units', () => {
  it.each([1, 2, 3, 7, 64, 4096])('in pieces of %d bytes are what the master sent', pieceBytes => {
    const large = frame('SET', 'large', Buffer.alloc(200_000, 'x'))
    const stream = Buffer.concat([frame('SELECT', '5'), SET, ...MULTI, large, SET])
    const {text, offset, db} = kept(stream, pieceBytes)
    expect(text === stream.toString('latin1')).toBe(true)
    expect({offset, db}).toEqual({offset: 100 + stream.length, db: 3})
  })

  it('of what is not kept count, and are not there', () => {
    const stream = Buffer.concat([
      frame('PING'),
      SET,
      frame('ping'),
      frame('PUBLISH', 'c', 'm'),
      frame('SPUBLISH', 'c', 'm'),
      frame('REPLCONF', 'TIMESTAMP', '1'),
      SET,
    ])
    const {text, offset} = kept(stream, stream.length)
    expect(text).toBe(`${SET}${SET}`)
    expect(offset).toBe(100 + stream.length)
  })

  it('that are transactions are whole at EXEC, and not before', () => {
    const all = Buffer.concat([SET, ...MULTI])
    for (let cut = SET.length; cut < all.length; cut++) {
      const {text, offset, db} = kept(all.subarray(0, cut), cut)
      expect({text, offset, db}).toEqual({text: String(SET), offset: 100 + SET.length, db: 0})
    }
  })

  it('tell of a question before it counts', () => {
    const question = frame('REPLCONF', 'GETACK', '*')
    const stream = Buffer.concat([SET, question, SET, question])
    for (const pieceBytes of [1, 5, stream.length]) {
      const {asked, offset} = kept(stream, pieceBytes)
      const first = 100 + SET.length
      expect(asked).toEqual([first, first + question.length + SET.length])
      expect(offset).toBe(100 + stream.length)
    }
  })

  it('that a question stands within are not whole before their end', () => {
    const [multi, first, ...rest] = MULTI
    const question = frame('REPLCONF', 'GETACK', '*')
    const stream = Buffer.concat([multi!, first!, question])
    expect(kept(stream, 3)).toMatchObject({text: '', offset: 100, asked: [100]})
    expect(kept(Buffer.concat([stream, ...rest]), 3).text).toBe(MULTI.join(''))
  })

  it('do not count newlines between commands', () => {
    const stream = Buffer.concat([Buffer.from('\n'), SET, Buffer.from('\n\n'), SET, Buffer.from('\n')])
    for (const pieceBytes of [1, stream.length]) {
      expect(kept(stream, pieceBytes)).toMatchObject({text: `${SET}${SET}`, offset: 100 + 2 * SET.length})
    }
  })

  it('that are broken say where, and what came before stands', () => {
    const units = new StreamUnits(100, 0, 'test:1')
    units.push(Buffer.concat([SET, Buffer.from('+OK\r\n')]))
    expect(() => units.advance(NOW)).toThrow(WireError)
    expect(() => units.advance(NOW)).toThrow(/offset 127/)
    expect(units.offset).toBe(100 + SET.length)
    expect(units.wholeBytes).toBe(SET.length)
  })

  it('any commands in any pieces', () => {
    const argument = fc.oneof(fc.string({maxLength: 5}), fc.constantFrom('MULTI', 'EXEC', '\r\n', '*1', '$3', '#TS:1'))
    const command = fc
      .array(argument, {minLength: 1, maxLength: 5})
      .filter(([name]) => !/^(ping|publish)$/i.test(name!))
    fc.assert(
      fc.property(fc.array(command, {maxLength: 20}), fc.integer({min: 1, max: 40}), (commands, pieceBytes) => {
        const stream = Buffer.concat(commands.map(args => frame('APPEND', ...args)))
        const {text, offset} = kept(stream, pieceBytes)
        expect(text).toBe(stream.toString('latin1'))
        expect(offset).toBe(100 + stream.length)
      }),
    )
  })
})

describe('expiries', () => {
  const at = (ms: number): string => String(NOW + ms)
  const relative: [string[], string[]][] = [
    [
      ['SET', 'k', 'v', 'EX', '10'],
      ['SET', 'k', 'v', 'PXAT', at(10_000)],
    ],
    [
      ['set', 'k', 'v', 'KEEPTTL', 'px', '10', 'XX'],
      ['set', 'k', 'v', 'KEEPTTL', 'PXAT', at(10), 'XX'],
    ],
    [
      ['SETEX', 'k', '10', 'v'],
      ['SET', 'k', 'v', 'PXAT', at(10_000)],
    ],
    [
      ['PSETEX', 'k', '10', 'v'],
      ['SET', 'k', 'v', 'PXAT', at(10)],
    ],
    [
      ['EXPIRE', 'k', '10', 'NX'],
      ['PEXPIREAT', 'k', at(10_000), 'NX'],
    ],
    [
      ['PEXPIRE', 'k', '-10'],
      ['PEXPIREAT', 'k', at(-10)],
    ],
    [
      ['GETEX', 'k', 'EX', '1'],
      ['GETEX', 'k', 'PXAT', at(1000)],
    ],
    [
      ['HSETEX', 'k', 'FNX', 'EX', '1', 'FIELDS', '1', 'EX', '5'],
      ['HSETEX', 'k', 'FNX', 'PXAT', at(1000), 'FIELDS', '1', 'EX', '5'],
    ],
    [
      ['HEXPIRE', 'k', '1', 'FIELDS', '1', 'f'],
      ['HPEXPIREAT', 'k', at(1000), 'FIELDS', '1', 'f'],
    ],
    [
      ['RESTORE', 'k', '5', 'payload', 'REPLACE'],
      ['RESTORE', 'k', at(5), 'payload', 'REPLACE', 'ABSTTL'],
    ],
    [
      ['EXPIRE', 'k', '9007199254740'],
      ['PEXPIREAT', 'k', '9008899254740000'],
    ],
  ]
  it.each(relative)('%j counts from the moment it came', (given, wanted) => {
    const stream = frame(...given)
    expect(kept(stream, 7).text).toBe(String(frame(...wanted)))
    expect(kept(stream, 7).offset).toBe(100 + stream.length)
  })

  it.each([
    [['SET', 'EX', '10']],
    [['SET', 'k', 'v', 'PXAT', '10']],
    [['SET', 'k', 'EX', 'NX']],
    [['SET', 'k', 'v', 'EX', 'soon']],
    [['RESTORE', 'k', '0', 'payload']],
    [['RESTORE', 'k', '5', 'payload', 'absttl']],
    [['PEXPIREAT', 'k', '5']],
    [['HSETEX', 'k', 'FIELDS', '1', 'EX', '5']],
    [['EXPIRE', 'k', '9223372036854775807']],
    [['HSET', 'k', 'EX', '5']],
  ])('%j is left as it is', given => {
    expect(kept(frame(...given), 100).text).toBe(String(frame(...given)))
  })
})
