/** Logs that somebody made to do harm: an error of ours, or a command that changes nothing, and memory in proportion. */
import {describe, expect, it} from 'vitest'
import {crc64} from '../../src/bytes/crc64.js'
import {ByteWriter} from '../../src/bytes/writer.js'
import {type Refusal, ReplayEngine} from '../../src/replay/engine.js'
import {Keyspace} from '../../src/resident/keyspace.js'
import {type Argument, commandOf} from './replaying.js'

/** A value as DUMP would answer it, its checksum right. */
function payload(...bytes: (number | string)[]): Buffer {
  const out = new ByteWriter()
  for (const one of bytes) {
    if (typeof one === 'number') out.u8(one)
    else out.ascii(one)
  }
  out.u16le(11)
  const {high, low} = crc64(out.bytes, 0, out.length)
  out.i64le(high, low)
  return Buffer.from(out.view())
}

function replay(...commands: Argument[][]): {refusals: Refusal[]; keyspace: Keyspace} {
  const keyspace = new Keyspace()
  const refusals: Refusal[] = []
  const engine = new ReplayEngine(keyspace, {nowMs: 0, onRefusal: one => refusals.push(one)})
  for (const [offset, args] of commands.entries()) engine.apply(commandOf(args, offset))
  return {refusals, keyspace}
}

const NAN = [0, 0, 0, 0, 0, 0, 0xf8, 0x7f]

describe('a payload', () => {
  it.each([
    ['of a string of a terabyte', payload(0, 0x81, 0, 0, 1, 0, 0, 0, 0, 0, 'x')],
    ['of a sorted set with a score that is no number', payload(5, 1, 1, 'm', ...NAN)],
    ['of a set that is cut', payload(2, 3, 1, 'a', 1, 'b', 5, 'c')],
  ])('%s is refused, and leaves nothing behind', (_, bytes) => {
    const {refusals, keyspace} = replay(['SET', 'a', '1'], ['RESTORE', 'k', '0', bytes])
    expect(refusals).toMatchObject([{command: 'RESTORE', message: 'ERR Bad data format'}])
    const before = keyspace.arena.liveBytes
    const many = Array.from({length: 100}, () => ['RESTORE', 'k', '0', bytes])
    expect(replay(['SET', 'a', '1'], ...many).keyspace.arena.liveBytes).toBe(before)
  })
})

describe('a command', () => {
  it('of a great many arguments is read like any other', () => {
    const fields = Array.from({length: 200_000}, () => ['SET', 'u8', '0', '1']).flat()
    const missing = Array.from({length: 200_000}, (_, i) => `none${i}`)
    const {refusals, keyspace} = replay(['BITFIELD', 'k', ...fields], ['BITOP', 'OR', 'd', 'k', ...missing])
    expect(refusals).toEqual([])
    expect(keyspace.size).toBe(2)
  })

  it('takes no long text for a number', () => {
    const {refusals} = replay(['SETRANGE', 'k', '100000000', 'x'], ['INCRBYFLOAT', 'k', '1'])
    expect(refusals).toMatchObject([{message: 'ERR value is not a valid float'}])
  })
})
