/** Transactions, databases, errors: what holds for all commands. */
import {describe, expect, it} from 'vitest'
import {type Refusal, ReplayEngine} from '../../src/replay/engine.js'
import {Keyspace} from '../../src/resident/keyspace.js'
import {SetValue} from '../../src/resident/set.js'
import {commandOf} from './replaying.js'

function replay(lines: readonly string[], skipUnsupported = false) {
  const keyspace = new Keyspace()
  const refusals: Refusal[] = []
  const engine = new ReplayEngine(keyspace, {nowMs: 0, skipUnsupported, onRefusal: one => refusals.push(one)})
  for (const [i, line] of lines.entries()) engine.apply(commandOf(line.split(' '), i))
  const members = (db: number, key: string): string[] | undefined => {
    const database = keyspace.database(db)
    const entry = database.find(Buffer.from(key), 0, key.length)
    const found: string[] = []
    const value = entry < 0 ? undefined : database.value(entry)
    if (!(value instanceof SetValue)) return undefined
    value.each((bytes, start, end) => found.push(Buffer.from(bytes.subarray(start, end)).toString()))
    return found
  }
  return {engine, keyspace, refusals, members}
}

describe('the engine', () => {
  it('applies commands to the selected database', () => {
    const {members, engine} = replay(['SADD a x', 'select 3', 'sadd a y z', 'SREM a y', 'SREM a z'])
    expect(members(0, 'a')).toEqual(['x'])
    expect(members(3, 'a')).toBeUndefined()
    expect(engine.commands).toBe(5)
  })

  it('applies a transaction once it is complete, and never a part of it', () => {
    const {members, engine} = replay([
      'MULTI',
      'SADD a x',
      'SELECT 1',
      'SADD a y',
      'EXEC',
      'SADD a z',
      'MULTI',
      'SADD a w',
    ])
    expect(members(0, 'a')).toEqual(['x'])
    expect(members(1, 'a')).toEqual(['y', 'z'])
    expect(engine.inTransaction).toBe(true)
  })

  it('applies transactions of whatever size, one after the other', () => {
    const members = Array.from({length: 200_000}, (_, i) => `m${i}`)
    const many = members.slice(0, 5000).map(one => `SADD a ${one}`)
    const small = ['MULTI', 'SADD b x', 'EXEC']
    const {keyspace} = replay([...small, 'MULTI', `SADD a ${members.join(' ')}`, ...many, 'EXEC', ...small, 'SADD b y'])
    const {size} = keyspace.database(0).value(1)!
    expect([keyspace.size, size]).toEqual([2, members.length])
  })

  it('begins every file at database 0, without the transaction of the last', () => {
    const {engine, keyspace} = replay(['SELECT 2', 'MULTI', 'SADD a x'])
    engine.beginFile()
    engine.apply(commandOf(['EXEC'], 0))
    engine.apply(commandOf(['SADD', 'b', 'x'], 1))
    expect(engine.errors).toBe(1)
    expect(keyspace.numbers()).toEqual([0])
    expect(keyspace.size).toBe(1)
  })

  it('counts what the server would have refused, and goes on', () => {
    const {refusals, members, engine} = replay(['SADD a', 'SELECT x', 'SADD a x'])
    expect(refusals.map(({message}) => message)).toEqual([
      "ERR wrong number of arguments for 'sadd' command",
      'ERR value is not an integer or out of range',
    ])
    expect(refusals[0]).toMatchObject({kind: 'error', command: 'SADD', offset: 0, db: 0, key: Buffer.from('a')})
    expect(engine.errors).toBe(2)
    expect(members(0, 'a')).toEqual(['x'])
  })

  it('stops at what nobody can replay, or leaves it out where that is wanted', () => {
    const lines = ['SADD a x y', 'SPOP a', 'JSON.SET doc $ 1', 'SADD a z']
    expect(() => replay(lines)).toThrow(
      expect.objectContaining({code: 'UNKNOWN_COMMAND', offset: 1, place: {db: 0, key: Buffer.from('a')}}),
    )
    const {refusals, members, engine} = replay(lines, true)
    expect(refusals.map(({kind, command}) => `${kind} ${command}`)).toEqual(['skipped SPOP', 'skipped JSON.SET'])
    expect(engine.skipped).toBe(2)
    expect(members(0, 'a')).toEqual(['x', 'y', 'z'])
  })

  it('swaps and empties databases, the selected one too', () => {
    const {members} = replay([
      'SADD a x',
      'SWAPDB 0 1',
      'SADD a y',
      'FLUSHDB ASYNC',
      'SADD a z',
      'FLUSHALL',
      'SADD b w',
    ])
    expect(members(0, 'a')).toBeUndefined()
    expect(members(1, 'a')).toBeUndefined()
    expect(members(0, 'b')).toEqual(['w'])
    expect(replay(['SADD a x', 'SWAPDB 0 1']).members(1, 'a')).toEqual(['x'])
  })
})
